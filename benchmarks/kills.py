"""Kill a run at random instants and start it again: the bytes must be those of an unkilled run.

    python benchmarks/kills.py [--kills 20] [--data FILE] [--generator cart]

Each kill is SIGKILL at an instant drawn evenly over the time that a whole run takes; then the same
command runs to its end. One line a kill, one line at the end, exit code 1 if any byte differs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def command(data: str, generator: str, out: Path) -> list[str]:
    call = [sys.executable, "-m", "twinset", "run", data, "--out", str(out), "--quiet"]
    return [*call, "--generator", generator]


def shared(out: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (out / "share").iterdir()}


def finished(out: Path) -> list[str]:
    state = out / "private" / "state.json"
    return json.loads(state.read_text())["done"] if state.exists() else []


def killed(call: list[str], after: float) -> bool:
    """Start `call` and kill it after some seconds; whether it was still running then."""
    process = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def phases(out: Path, skip: int) -> set[str]:
    lines = (out / "private" / "events.jsonl").read_text().splitlines()
    return {json.loads(line)["phase"] for line in lines[skip:]}


def events(out: Path) -> int:
    path = out / "private" / "events.jsonl"
    return len(path.read_text().splitlines()) if path.exists() else 0


def one_kill(data: str, generator: str, out: Path, after: float, want: dict[str, str]) -> bool:
    call = command(data, generator, out)
    while not killed(call, after):  # it was quicker than the one that was measured
        shutil.rmtree(out)
        after *= 0.8
    done, told = finished(out), events(out)
    code = subprocess.run(call, stdout=subprocess.DEVNULL, check=False).returncode
    repeated = sorted(phases(out, told) & set(done))
    left = [p.name for p in out.rglob(".*.tmp")]
    equal = code == 0 and shared(out) == want and not repeated and not left
    print(
        f"killed after {after:5.2f} s, finished then: {','.join(done) or 'nothing':<36}"
        f" {'same bytes' if equal else f'DIFFERS (exit {code}, repeated {repeated}, left {left})'}",
        flush=True,
    )
    return equal


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--data", default="")
    parser.add_argument("--generator", default="cart")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    random.seed(chosen.seed)
    with tempfile.TemporaryDirectory() as folder:
        data = chosen.data or str(_demo(Path(folder)))
        whole = Path(folder, "whole")
        began = time.monotonic()
        subprocess.run(
            command(data, chosen.generator, whole), stdout=subprocess.DEVNULL, check=True
        )
        takes = time.monotonic() - began
        want = shared(whole)
        same = sum(
            one_kill(
                data, chosen.generator, Path(folder, f"kill{i}"), random.uniform(0, takes), want
            )
            for i in range(chosen.kills)
        )
    print(f"{chosen.kills} kills of a run of {takes:.1f} s: {same} ended with the same bytes")
    return 0 if same == chosen.kills else 1


def _demo(folder: Path) -> Path:
    """1,000 rows of the demo table."""
    import pandas as pd

    from twinset.demo import adult_path

    path = folder / "adult.csv"
    pd.read_parquet(adult_path()).head(1_000).to_csv(path, index=False)
    return path


if __name__ == "__main__":
    sys.exit(main())
