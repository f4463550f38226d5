"""Make the pinned environment of a peer: ``python benchmarks/peers/setup.py NAME...`` (or ``all``).

Environments live outside the project, in ``$TWINSET_PEERS_CACHE`` (default
``~/.cache/twinset-peers``), one a requirements file, named by its hash; one that is complete is
not made again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
READY = "ready"


def names() -> list[str]:
    """The peers that have a folder here."""
    return sorted(path.parent.name for path in HERE.glob("*/requirements.txt"))


def pins(name: str) -> str:
    """A short hash of a peer's exact pins."""
    return hashlib.sha256((HERE / name / "requirements.txt").read_bytes()).hexdigest()[:12]


def python_of(name: str) -> Path:
    """Path of the Python of a peer's environment, made or not."""
    default = Path.home() / ".cache" / "twinset-peers"
    cache = Path(os.environ.get("TWINSET_PEERS_CACHE", default))
    return cache / f"{name}-{pins(name)}" / "bin" / "python"


def is_ready(name: str) -> bool:
    """Whether a peer's environment is complete."""
    return (python_of(name).parents[1] / READY).exists()


def make(name: str) -> None:
    """Install a peer's pins, without dependencies of its own choice; torch first."""
    home = python_of(name).parents[1]
    if is_ready(name):
        print(f"{name}: ready")
        return
    shutil.rmtree(home, ignore_errors=True)
    venv.create(home, with_pip=True, clear=True)
    lines = (HERE / name / "requirements.txt").read_text(encoding="utf-8").split()
    install = [str(python_of(name)), "-m", "pip", "install", "--quiet", "--no-deps"]
    torch = [line for line in lines if line.startswith("torch==")]
    if torch:
        subprocess.run([*install, *torch], check=True)
    subprocess.run([*install, *(line for line in lines if line not in torch)], check=True)
    (home / READY).touch()
    print(f"{name}: made")


if __name__ == "__main__":
    asked = sys.argv[1:]
    if not asked:
        sys.exit(f"usage: setup.py all | NAME...   names: {', '.join(names())}")
    for peer in names() if asked == ["all"] else asked:
        make(peer)
