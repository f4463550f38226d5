"""A PostgreSQL server of our own, for the tests of this folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest


def _programs() -> Path | None:
    on_path = shutil.which("initdb")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return Path(on_path).parent if on_path else (found[-1].parent if found else None)


def _as_user() -> list[str]:
    """PostgreSQL refuses to run as root; give it the user nobody then."""
    if os.getuid() != 0:
        return []
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


@pytest.fixture(scope="session")
def postgresql():
    """Start a private cluster on a free port of the loopback; yield its URL with a password."""
    programs = _programs()
    if programs is None:
        if os.environ.get("TWINSET_NO_SKIP"):
            pytest.fail("PostgreSQL is not installed")
        pytest.skip("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="twinset-pg-", dir="/tmp"))
    folder.chmod(0o700)
    if os.getuid() == 0:
        os.chown(folder, 65534, 65534)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run(*command: str) -> None:
        done = subprocess.run(
            [*_as_user(), *command], cwd=folder, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr

    password = folder / "password"
    password.write_text("s3cret-w0rd\n")
    password.chmod(0o644)
    data = str(folder / "data")
    run(
        str(programs / "initdb"), "-D", data, "-U", "owner", "-A", "scram-sha-256",
        f"--pwfile={password}", "-E", "UTF8", "--locale=C", "--no-sync",
    )  # fmt: skip
    options = f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off -c timezone=UTC"
    control = str(programs / "pg_ctl")
    try:
        run(control, "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        yield f"postgresql://owner:s3cret-w0rd@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run(
            [*_as_user(), control, "-D", data, "-m", "immediate", "-w", "stop"],
            cwd=folder, capture_output=True, timeout=60,
        )  # fmt: skip
        shutil.rmtree(folder, ignore_errors=True)
