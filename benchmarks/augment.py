"""Augmenting the rare class on five imbalanced tables: gains on real rows, with intervals.

``python benchmarks/augment.py --data-dir FOLDER`` prints the table; ``--write`` puts it into
RESULTS.md between its marks.
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
import tempfile
from pathlib import Path

from twinset.jobs.augment import augment_to

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import marks  # noqa: E402
import tables  # noqa: E402

NAMES = ("online_shoppers", "bank_marketing", "default_credit_card", "law_school", "adult")
FIGURES = ("ROC AUC", "average precision", "balanced accuracy")


def cells(name: str, folder: Path, seed: int) -> list[str]:
    """Lines of one table, an arm each."""
    frame, _ = tables.load(name, folder)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "more.csv"
        done = augment_to(frame, path, target=tables.SOURCES[name].target, seed=seed)
    share = min(done.real.values()) / sum(done.real.values())
    lines = []
    for arm in done.arms:
        found = {f.name: f for f in arm.figures}
        shown = [
            f"{found[n].value:.3f} ({found[n].gain:+.3f}: {found[n].low:+.3f} to "
            f"{found[n].high:+.3f})"
            if arm.name != done.arms[0].name
            else f"{found[n].value:.3f}"
            for n in FIGURES
        ]
        lines.append(f"| {name}, {share:.0%} rare | {arm.name} | {' | '.join(shown)} |")
    sys.stderr.write(f"{name}: {done.verdict}\n")
    return lines


def main() -> int:
    """Print the table, or write it into RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", default=os.environ.get("TWINSET_BENCH_DATA"))
    parser.add_argument("--data", default=",".join(NAMES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    if not args.data_dir:
        parser.error("say where the tables are: --data-dir or TWINSET_BENCH_DATA")
    lines = [f"Seed {args.seed}; {datetime.date.today()}.", ""]
    lines += [f"| table | learned | {' | '.join(FIGURES)} |", "|---|---|---|---|---|"]
    for name in args.data.split(","):
        lines += cells(name, Path(args.data_dir), args.seed)
    text = "\n".join(lines)
    marks.tell("augment", text, write=args.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
