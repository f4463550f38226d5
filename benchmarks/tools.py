"""The tools that are compared: ours by its command line, each peer by its script."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import child

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "peers"))
import setup as peer_environments  # noqa: E402

PEERS = {
    "sdv_gaussian_copula": ("sdv", "gaussian_copula"),
    "synthpop_py": ("synthpop_py", ""),
    "cart_reference": ("cart_reference", ""),
    "smartnoise_mst_1": ("smartnoise", "mst-1"),
    "smartnoise_mst_3": ("smartnoise", "mst-3"),
    "sdv_tvae": ("sdv", "tvae"),
    "mostlyai": ("mostlyai", ""),
    "sdv_ctgan": ("sdv", "ctgan"),
}
OURS = "twinset"
NO_ENVIRONMENT = "no environment"
GROUPS = {
    "fast": ["sdv_gaussian_copula", "synthpop_py", "cart_reference"],
    "all": list(PEERS),
    "none": [],
}


@dataclass(frozen=True)
class Limits:
    """What every run is given: threads, memory in MB, seconds (None: to its own end).

    ``retry`` says whether a run that failed before is tried again.
    """

    threads: int
    memory_cap_mb: float
    time_limit: float | None
    retry: bool = False


@dataclass(frozen=True)
class Produced:
    """A release's costs, or the reason why there is none."""

    fit_seconds: float | None
    sample_seconds: float | None
    process_seconds: float
    wall_seconds: float
    peak_mb: float
    threads: int
    reason: str | None


def fingerprint(tool: str) -> str:
    """What a cached release of a tool depends on: its pins and script, or our source files."""
    if tool != OURS:
        folder, variant = PEERS[tool]
        scripts = [HERE / "peers" / folder / "peer.py", HERE / "peers" / "common.py"]
        parts = [peer_environments.pins(folder), variant, *map(code_of, scripts)]
    else:
        found = importlib.util.find_spec("twinset")
        if found is None or found.origin is None:
            sys.exit("twinset is not installed in this environment")
        parts = [code_of(path) for path in sorted(Path(found.origin).parent.rglob("*.py"))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def code_of(path: Path) -> str:
    """What a source file does: its syntax tree, so that a comment more changes nothing."""
    return ast.dump(ast.parse(path.read_text(encoding="utf-8")))


def produce(tool: str, train: Path, rows: int, seed: int, folder: Path, limits: Limits) -> Produced:
    """Make ``folder/synthetic.csv``; a release already there is not made again."""
    record = folder / "run.json"
    if record.exists():
        known = Produced(**json.loads(record.read_text(encoding="utf-8")))
        absent = (known.reason or "").startswith(NO_ENVIRONMENT)
        if known.reason is None or not (limits.retry or absent):
            return known
    folder.mkdir(parents=True, exist_ok=True)
    make = run_ours if tool == OURS else run_peer
    done = make(tool, train, rows, seed, folder, limits)
    partial = record.with_suffix(".part")
    partial.write_text(json.dumps(asdict(done), indent=1) + "\n", encoding="utf-8")
    partial.rename(record)
    return done


def run_peer(
    tool: str, train: Path, rows: int, seed: int, folder: Path, limits: Limits
) -> Produced:
    """One process in the peer's environment: fit and sample."""
    name, variant = PEERS[tool]
    out = folder / "synthetic.csv"
    if not peer_environments.is_ready(name):
        reason = f"{NO_ENVIRONMENT}: run benchmarks/peers/setup.py {name}"
        return Produced(None, None, 0.0, 0.0, 0.0, limits.threads, reason)
    script = HERE / "peers" / name / "peer.py"
    python = peer_environments.python_of(name)
    command = [str(python), str(script), str(train), str(rows), str(out), str(seed), variant]
    run = runner(folder / "log.txt", limits)(command)
    timing: dict[str, float] = {}
    if run.reason is None:
        timing = json.loads(Path(f"{out}.json").read_text(encoding="utf-8"))
    return Produced(
        timing.get("fit_seconds"),
        timing.get("sample_seconds"),
        run.cpu_seconds,
        run.wall_seconds,
        run.peak_mb,
        limits.threads,
        run.reason,
    )


def run_ours(
    tool: str, train: Path, rows: int, seed: int, folder: Path, limits: Limits
) -> Produced:
    """Two processes by the command line; the whole of each counts, imports and files included."""
    program = Path(sys.executable).with_name(tool)
    command = str(program) if program.exists() else shutil.which(tool)
    if command is None:
        sys.exit("the twinset command is not installed in this environment")
    model, out = folder / "model.twin", folder / "synthetic.csv"
    model.unlink(missing_ok=True)
    out.unlink(missing_ok=True)
    fit = runner(folder / "fit-log.txt", limits)(
        [command, "fit", str(train), "--out", str(model), "--seed", str(seed)]
    )
    if fit.reason is not None:
        return Produced(
            None, None, fit.cpu_seconds, fit.wall_seconds, fit.peak_mb, limits.threads, fit.reason
        )
    sample = runner(folder / "sample-log.txt", limits)(
        [command, "sample", str(model), "--out", str(out), "-n", str(rows)]
    )
    return Produced(
        fit.cpu_seconds,
        sample.cpu_seconds,
        fit.cpu_seconds + sample.cpu_seconds,
        fit.wall_seconds + sample.wall_seconds,
        max(fit.peak_mb, sample.peak_mb),
        limits.threads,
        sample.reason,
    )


def runner(log: Path, limits: Limits) -> Callable[[list[str]], child.Run]:
    """The measured runner under these limits."""
    return lambda command: child.run_measured(
        command,
        log,
        threads=limits.threads,
        memory_cap_mb=limits.memory_cap_mb,
        time_limit=limits.time_limit,
    )
