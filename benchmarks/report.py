"""The results table from the finished releases in the cache: medians over seeds, nothing guessed.

``python benchmarks/report.py`` prints it; ``--write`` puts it into RESULTS.md between its marks.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import os
import platform
import statistics
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import marks  # noqa: E402
import tables  # noqa: E402
import tools  # noqa: E402

HEAD = (
    "tool",
    "seeds",
    "fit s",
    "sample s",
    "process s",
    "MB",
    "TVD 1 / 2 / 3-way",
    "C2ST holdout (train)",
    "TSTR gap",
    "DCR share",
    "copies above holdout's (near-unique left out)",
    "best membership AUC",
    "TPR at .1% FPR (upper)",
)
Release = tuple[dict[str, Any], dict[str, Any] | None]


def releases(cache: Path, data: str, tool: str) -> list[Release]:
    """What is in the cache of a tool's present version: (run, figures or none) by seed."""
    referee = hashlib.sha256(tools.code_of(HERE / "measure.py").encode()).hexdigest()[:12]
    found = []
    for folder in sorted((cache / data).glob("seed-*")):
        home = folder / f"{tool}-{tools.fingerprint(tool)}"
        if (home / "run.json").exists():
            run = json.loads((home / "run.json").read_text(encoding="utf-8"))
            figures = home / f"measure-{referee}.json"
            known = json.loads(figures.read_text(encoding="utf-8")) if figures.exists() else None
            found.append((run, known))
    return found


def short(number: float, digits: int = 3) -> str:
    """A share without its leading zero."""
    text = f"{number:.{digits}f}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def row(tool: str, found: list[Release]) -> list[str]:
    """One line of the table: medians over the seeds that are finished and measured."""
    blank = [""] * (len(HEAD) - 3)
    done = [(run, figures) for run, figures in found if run["reason"] is None and figures]
    if not done:
        reasons = {run["reason"] or "made, not yet measured" for run, _ in found}
        cpu = max(run["process_seconds"] for run, _ in found)
        return [tool, "0", f"**no result** ({cpu:.0f} CPU s): {'; '.join(reasons)}", *blank]

    def run_median(key: str) -> float:
        return float(statistics.median(run[key] for run, _ in done))

    def median(key: str) -> float:
        return float(statistics.median(figures[key] for _, figures in done))

    def percent(key: str) -> str:
        return f"{100 * median(key):.2f}%"

    attacks = sorted({figures["membership_attack"] for _, figures in done})
    return [
        tool,
        str(len(done)),
        f"{run_median('fit_seconds'):.1f}",
        f"{run_median('sample_seconds'):.1f}",
        f"{run_median('process_seconds'):.1f}",
        f"{run_median('peak_mb'):.0f}",
        " / ".join(short(median(f"tvd_{k}")) for k in (1, 2, 3)),
        f"{short(median('c2st_holdout'))} ({short(median('c2st_train'))})",
        short(median("tstr_gap"), 4),
        short(median("dcr_share")),
        f"{percent('copies_excess')} ({percent('copies_without_near_unique_excess')})",
        f"{short(median('membership_auc'))} ({', '.join(attacks)})",
        f"{short(median('tpr_at_low_fpr'), 4)} ({short(median('tpr_at_low_fpr_upper'), 4)})",
    ]


def commands(found: list[Release]) -> list[str]:
    """What the whole commands cost, which only twinset has."""
    done = [run for run, _ in found if run.get("command_fit_seconds")]
    if not done:
        return []
    keys = ("command_fit_seconds", "command_sample_seconds", "command_peak_mb")
    fit, sample, peak = (statistics.median(run[k] for run in done) for k in keys)
    text = f"`twinset fit` {fit:.1f} CPU s, `twinset sample` {sample:.1f} CPU s, {peak:.0f} MB"
    return ["", f"Whole commands, with start, files and model file: {text}."]


def section(cache: Path, data: str, chosen: list[str]) -> list[str]:
    """The table of one data set, with the holdout's own figures in its first line."""
    found = {tool: releases(cache, data, tool) for tool in chosen}
    known = [f for releases_ in found.values() for _, f in releases_ if f]
    if not known:
        return []
    lines = [f"### {data}", ""]
    own = [short(statistics.median(f[f"tvd_{k}_holdout"] for f in known)) for k in (1, 2, 3)]
    real = statistics.median(f["trtr"] for f in known)
    source = tables.SOURCES[data]
    kind = {"class": "AUC", "number": "R2", "log_number": "R2 of the logarithm"}[source.task]
    rows = known[0]["rows"]
    lines.append(
        f"{rows:,} train rows. The holdout's own TVD: {' / '.join(own)}. Trained on train, the "
        f"holdout's {source.target} is predicted with {kind} {short(real)}."
    )
    lines.append("")
    lines += ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    lines += ["| " + " | ".join(row(tool, found[tool])) + " |" for tool in chosen if found[tool]]
    lines += commands(found.get(tools.OURS, []))
    missing = [tool for tool in chosen if not found[tool]]
    if missing:
        lines += ["", f"Not finished or not run, so not compared: {', '.join(missing)}."]
    return [*lines, ""]


def main() -> int:
    """Print the tables, or write them into RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path.home() / ".cache" / "twinset-bench"
    parser.add_argument("--cache", default=os.environ.get("TWINSET_BENCH_CACHE", str(default)))
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--no-ours", action="store_true")
    args = parser.parse_args()
    chosen = list(tools.PEERS) if args.no_ours else [tools.OURS, *tools.PEERS]
    today = datetime.datetime.now(tz=datetime.UTC).date()
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    lines = [f"Taken on {today}: {machine}, Python {platform.python_version()}, one thread a tool."]
    lines.append("")
    for data in tables.SOURCES:
        lines += section(Path(args.cache), data, chosen)
    text = "\n".join(lines)
    marks.tell("results", text, write=args.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
