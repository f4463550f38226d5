"""The scale figures: ``python benchmarks/scale.py --data-dir FOLDER [--only NAMES] [--write]``.

Each figure is taken in a process of its own (CPU seconds of its calls; peak memory and CPU of the
whole process), one thread. The tables are made here:

- *million*: 1,000,000 rows by 15 columns: Adult's rows drawn with replacement, then jittered: in 5%
  of the cells of each column the value of another row (marginals stay, no row is copied 20 times
  over), and to ``fnlwgt`` a normal error of 5% is added.
- *wide*: 50,000 rows by 100 columns: the 15 columns of *million*, then 85 made ones: 45 numbers
  (linear in two earlier numbers plus noise; a third of them rounded, a third exponentials), 40
  categories of 2 to 30 levels cut from such a number; 3% of the cells of each are empty.
- *hundred*: evaluate 100,000 rows by 15 columns of *million* against 100,000 others.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE / "peers"))
import child  # noqa: E402
import marks  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import tables  # noqa: E402

SMALL = 24_421
COMPARED = 200_000


# ---- the tables ---------------------------------------------------------------------------------


def million(data: Path, rows: int, seed: int) -> pd.DataFrame:
    """Adult's rows with replacement, 5% of each column's cells exchanged, fnlwgt with an error."""
    adult, _ = tables.load("adult", data)
    rng = np.random.default_rng([seed, 1])
    out = adult.iloc[rng.integers(len(adult), size=rows)].reset_index(drop=True)
    for name in out.columns:
        cells = out[name].to_numpy(copy=True)
        at = np.flatnonzero(rng.random(rows) < 0.05)
        cells[at] = cells[rng.integers(rows, size=len(at))]
        out[name] = cells
    error = 1 + 0.05 * rng.standard_normal(rows)
    out["fnlwgt"] = np.maximum(np.round(out["fnlwgt"] * error), 10_000).astype(np.int64)
    return out


def wide(data: Path, rows: int, seed: int) -> pd.DataFrame:
    """The columns of `million` and 85 made ones."""
    out = million(data, rows, seed)
    rng = np.random.default_rng([seed, 2])
    known = [(out[c] - out[c].mean()) / out[c].std() for c in ("age", "hours-per-week", "fnlwgt")]
    base = [np.asarray(k, dtype=float) for k in known]
    made: dict[str, Any] = {}
    for i in range(85):
        a, b = rng.choice(len(base), size=2, replace=False)
        score = 0.6 * base[a] + 0.4 * base[b] + 0.7 * rng.standard_normal(rows)
        base.append((score - score.mean()) / score.std())
        empty = rng.random(rows) < 0.03
        if i < 45:
            value = [score, np.round(score * 20), np.exp(score)][i % 3]
            made[f"number_{i}"] = np.where(empty, np.nan, np.round(value, 4))
        else:
            levels = int(rng.integers(2, 31))
            edges = np.sort(rng.choice(score, size=levels - 1, replace=False))
            word = np.char.add("level ", np.searchsorted(edges, score).astype(str)).astype(object)
            word[empty] = None
            made[f"category_{i}"] = word
    return pd.concat([out, pd.DataFrame(made)], axis=1)


# ---- one figure a process -----------------------------------------------------------------------


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """What a call returns, and its CPU seconds (all threads)."""
    start = time.process_time()
    value = call()
    return value, time.process_time() - start


def peak_now() -> float:
    """Peak resident MB of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fidelity(train: pd.DataFrame, synthetic: pd.DataFrame, rows: int) -> float:
    """Mean 2-way TVD by the referee, on as many rows of both."""
    import measure

    parts = [f.sample(min(rows, len(f)), random_state=0) for f in (train, synthetic)]
    parts = [p.map(str, na_action="ignore").reset_index(drop=True) for p in parts]
    made, _ = measure.sides(parts, [np.arange(len(p)) for p in parts])
    return measure.marginals(made[0], [made[1]], 0)[0][1]


def job_fit(data: Path, make: str, rows: int) -> dict[str, Any]:
    """Fit and sample as many rows; the referee's TVD on up to 200,000 rows of each side."""
    import ours  # noqa: F401 - loads what is lazy

    import twinset as ts

    train = {"million": million, "wide": wide}[make](data, rows, 0)
    before = peak_now()
    twin, fit = timed(lambda: ts.fit(train, target="income", seed=0))
    synthetic, sample = timed(twin.sample)
    peak = peak_now()
    found = {"fit_seconds": fit, "sample_seconds": sample, "mb": peak, "mb_before": before}
    return found | {"tvd_2": fidelity(train, synthetic, COMPARED)}


def job_noise(data: Path) -> dict[str, Any]:
    """The TVD of two tables of the same source, small and large: the floor of the figures above."""
    small = fidelity(million(data, SMALL, 0), million(data, SMALL, 1), SMALL)
    large = fidelity(million(data, COMPARED, 0), million(data, COMPARED, 1), COMPARED)
    return {"tvd_2": small, "tvd_2_large": large}


def job_evaluate(data: Path) -> dict[str, Any]:
    """All shapes and pairs of 100,000 x 15 against 100,000 x 15."""
    import twinset as ts
    from twinset.evaluation import evaluate
    from twinset.inputs import Options, read, read_like

    ts.evaluate(million(data, 2_000, 2), million(data, 2_000, 3), target="income")
    frame, other = million(data, 100_000, 0), million(data, 100_000, 1)
    (_, train), reading = timed(lambda: read(frame, Options(target="income")))
    synthetic, more = timed(lambda: read_like(other, train, Options(target="income")))
    names = ["columns", "pairs", "numbers", "associations", "missingness"]
    _, seconds = timed(lambda: evaluate(train, synthetic, None, target="income", metrics=names))
    return {"seconds": seconds, "reading_seconds": reading + more}


JOBS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "small": lambda data: job_fit(data, "million", SMALL),
    "million": lambda data: job_fit(data, "million", 1_000_000),
    "wide": lambda data: job_fit(data, "wide", 50_000),
    "noise": job_noise,
    "hundred": job_evaluate,
}


def in_process(name: str, data: Path, work: Path) -> dict[str, Any]:
    """Run a job in a process of its own."""
    command = [sys.executable, str(HERE / "scale.py"), "--job", name, "--data-dir", str(data)]
    log = work / f"{name}.log"
    run = child.run_measured(command, log, threads=1, memory_cap_mb=12_000, time_limit=None)
    if run.reason is not None:
        return {"failed": run.reason}
    found: dict[str, Any] = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
    return found | {"process_mb": run.peak_mb, "process_seconds": run.cpu_seconds}


# ---- whole commands -----------------------------------------------------------------------------


def program() -> str:
    """The installed command."""
    return str(Path(sys.executable).with_name("twinset"))


def run_command(name: str, data: Path, work: Path) -> dict[str, Any]:
    """`twinset run` on all of Adult, as a user does it."""
    source, out = data / tables.SOURCES["adult"].file, work / "run"
    command = [program(), "run", str(source), "--target", "income", "--out", str(out), "--quiet"]
    run = child.run_measured(
        command, work / "run.log", threads=2, memory_cap_mb=12_000, time_limit=None
    )
    found = {"wall_seconds": run.wall_seconds, "seconds": run.cpu_seconds, "mb": run.peak_mb}
    return found | ({} if run.reason is None else {"failed": run.reason})


def sample_command(rows: int) -> Callable[[str, Path, Path], dict[str, Any]]:
    """`twinset sample` of many rows to Parquet from a twin of Adult."""

    def job(name: str, data: Path, work: Path) -> dict[str, Any]:
        model, out = work / "adult.twin", work / f"{name}.parquet"
        if not model.exists():
            source = data / tables.SOURCES["adult"].file
            fit = [program(), "fit", str(source), "--target", "income", "--out", str(model)]
            child.run_measured(
                fit, work / "fit.log", threads=1, memory_cap_mb=12_000, time_limit=None
            )
        command = [program(), "sample", str(model), "-n", str(rows), "--out", str(out), "--quiet"]
        run = child.run_measured(
            command, work / f"{name}.log", threads=1, memory_cap_mb=12_000, time_limit=None
        )
        size = out.stat().st_size / 2**20 if out.exists() else 0.0
        out.unlink(missing_ok=True)
        found = {"seconds": run.cpu_seconds, "mb": run.peak_mb, "file_mb": size}
        return found | ({} if run.reason is None else {"failed": run.reason})

    return job


COMMANDS: dict[str, Callable[[str, Path, Path], dict[str, Any]]] = {
    "run": run_command,
    "sample_1m": sample_command(1_000_000),
    "sample_5m": sample_command(5_000_000),
    "sample_50m": sample_command(50_000_000),
}
SLOW = ("sample_50m",)


# ---- the page -----------------------------------------------------------------------------------


def lines(found: dict[str, dict[str, Any]]) -> list[str]:
    """One line a figure: what, figure, target."""
    out = ["| what | measured | target |", "|---|---|---|"]

    def add(name: str, what: str, text: Callable[[dict[str, Any]], str], target: str) -> None:
        known = found.get(name)
        if known is not None:
            figure = f"**failed**: {known['failed']}" if "failed" in known else text(known)
            day = known.get("day", "")
            out.append(f"| {what} ({day}) | {figure} | {target} |")

    def fitted(f: dict[str, Any]) -> str:
        total = f["fit_seconds"] + f["sample_seconds"]
        return (
            f"{f['fit_seconds']:.1f} + {f['sample_seconds']:.1f} = **{total:.1f}** CPU s, "
            f"**{f['mb']:.0f} MB** ({f['mb_before']:.0f} before: the frame and the packages), "
            f"2-way TVD **{f['tvd_2']:.4f}**"
        )

    add("small", "fit + sample 24,421 x 15", fitted, "")
    add("million", "fit + sample 1,000,000 x 15", fitted, "60 CPU s, 3,000 MB, TVD no worse")
    add(
        "noise",
        "two such tables of 24,421 rows; of 200,000",
        lambda f: f"2-way TVD {f['tvd_2']:.4f}; {f['tvd_2_large']:.4f}",
        "",
    )
    add("wide", "fit + sample 50,000 x 100", fitted, "60 CPU s")
    add(
        "hundred",
        "evaluate 100,000 x 15, all pairs and shapes",
        lambda f: (
            f"**{f['seconds']:.2f}** CPU s (and {f['reading_seconds']:.2f} to read both frames, "
            "schema included)"
        ),
        "2 CPU s",
    )
    add(
        "run",
        "`twinset run` on Adult, 48,842 x 15",
        lambda f: f"**{f['wall_seconds']:.0f} s** wall, {f['seconds']:.0f} CPU s, {f['mb']:.0f} MB",
        "60 s wall",
    )
    for name, words in (("1m", "1"), ("5m", "5"), ("50m", "50")):
        add(
            f"sample_{name}",
            f"`twinset sample` {words} million rows to Parquet",
            lambda f: f"**{f['mb']:.0f} MB**, {f['seconds']:.0f} CPU s, file {f['file_mb']:.0f} MB",
            "bounded memory",
        )
    return out


def main() -> int:
    """Take the figures asked for, keep them, print the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", default=os.environ.get("TWINSET_BENCH_DATA"))
    default = Path.home() / ".cache" / "twinset-bench"
    parser.add_argument("--cache", default=os.environ.get("TWINSET_BENCH_CACHE", str(default)))
    parser.add_argument("--only", default="", help=f"none, or of {', '.join([*JOBS, *COMMANDS])}")
    parser.add_argument("--write", action="store_true", help="into RESULTS.md")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.job:
        sys.stdout.write(json.dumps(JOBS[args.job](Path(args.data_dir))) + "\n")
        return 0
    record = Path(args.cache) / "scale.json"
    known = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    names = [n for n in args.only.split(",") if n] or [
        n for n in [*JOBS, *COMMANDS] if n not in SLOW
    ]
    if not args.only and args.write and known:
        names = []
    with tempfile.TemporaryDirectory() as work:
        for name in names:
            job = COMMANDS.get(name, in_process)
            found = job(name, Path(args.data_dir).resolve(), Path(work))
            found["day"] = str(datetime.datetime.now(tz=datetime.UTC).date())
            known[name] = found
            record.parent.mkdir(parents=True, exist_ok=True)
            record.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
            sys.stdout.write(f"{name}: {json.dumps(found)}\n")
            sys.stdout.flush()
    text = "\n".join(lines(known))
    marks.tell("scale", text, write=args.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
