"""The tools that are compared: each by a script of one convention; ours by its commands too."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
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
NOT_IN_A_FIT = {"report", "evaluation", "auditing", "metrics", "attacks", "checks", "trust", "cli"}
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
    """A release's costs, or the reason why there is none.

    ``fit_seconds`` and ``sample_seconds`` are the calls alone, the rest the whole process. The
    ``command_`` figures are those of the two whole processes ``twinset fit`` and ``twinset sample``
    (ours only; they make the release once more).
    """

    fit_seconds: float | None
    sample_seconds: float | None
    process_seconds: float
    wall_seconds: float
    peak_mb: float
    threads: int
    reason: str | None
    command_fit_seconds: float | None = None
    command_sample_seconds: float | None = None
    command_peak_mb: float | None = None


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
        home = Path(found.origin).parent
        used = [p for p in home.rglob("*.py") if p.relative_to(home).parts[0] not in NOT_IN_A_FIT]
        parts = [code_of(p) for p in [HERE / "ours.py", *sorted(used)]]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def code_of(path: Path) -> str:
    """What a source file does: its syntax tree, so that a comment more changes nothing."""
    return ast.dump(ast.parse(path.read_text(encoding="utf-8")))


def produce(
    tool: str, train: Path, rows: int, seed: int, folder: Path, limits: Limits, target: str
) -> Produced:
    """Make ``folder/synthetic.csv``; a release already there is not made again.

    ``target`` is told to ours only: no peer asks for one.
    """
    record = folder / "run.json"
    if record.exists():
        known = Produced(**json.loads(record.read_text(encoding="utf-8")))
        absent = (known.reason or "").startswith(NO_ENVIRONMENT)
        if known.reason is None or not (limits.retry or absent):
            return known
    folder.mkdir(parents=True, exist_ok=True)
    if tool == OURS:
        done = run_ours(train, rows, seed, folder, limits, target)
    else:
        done = run_peer(tool, train, rows, seed, folder, limits)
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
    python = str(peer_environments.python_of(name))
    command = [python, str(script), str(train), str(rows), str(out), str(seed), variant]
    return run_script(command, out, folder / "log.txt", limits)


def run_script(command: list[str], out: Path, log: Path, limits: Limits) -> Produced:
    """One process that fits, samples, writes ``out``, and its own clock beside it."""
    run = runner(log, limits)(command)
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
    train: Path, rows: int, seed: int, folder: Path, limits: Limits, target: str
) -> Produced:
    """The script as for a peer, which makes the release; then the two commands, for their costs."""
    out = folder / "synthetic.csv"
    script = [sys.executable, str(HERE / "ours.py"), str(train), str(rows), str(out), str(seed)]
    done = run_script([*script, target], out, folder / "log.txt", limits)
    if done.reason is not None:
        return done
    program = Path(sys.executable).with_name(OURS)
    command = str(program) if program.exists() else shutil.which(OURS)
    if command is None:
        sys.exit("the twinset command is not installed in this environment")
    model, again = folder / "model.twin", folder / "command.csv"
    options = ["--out", str(model), "--seed", str(seed), "--target", target]
    model.unlink(missing_ok=True)
    again.unlink(missing_ok=True)
    fit = runner(folder / "fit-log.txt", limits)([command, "fit", str(train), *options])
    if fit.reason is not None:
        return replace(done, reason=f"twinset fit: {fit.reason}")
    sample = runner(folder / "sample-log.txt", limits)(
        [command, "sample", str(model), "--out", str(again), "-n", str(rows)]
    )
    reason = None if sample.reason is None else f"twinset sample: {sample.reason}"
    return replace(
        done,
        reason=reason,
        command_fit_seconds=fit.cpu_seconds,
        command_sample_seconds=sample.cpu_seconds,
        command_peak_mb=max(fit.peak_mb, sample.peak_mb),
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
