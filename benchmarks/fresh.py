"""What the membership figures of the referee are for a release that leaks nothing.

``python benchmarks/fresh.py [--data adult] [--draws 9]``, after `generators.py`.
The table is dealt into train (10,000 rows), holdout (20,000) and a release made of all other real
rows, which nobody in train had a part in: what `measure.membership` finds there is chance, the best
of five attacks included. As many targets as for any other release (10,000 of each side).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import measure  # noqa: E402
import tables  # noqa: E402

TRAIN, HOLDOUT = 10_000, 20_000


def deal(folder: Path, source: Any, draw: int) -> list[measure.Side]:
    """Train, holdout and a fresh real release out of both halves of a split."""
    (train, holdout, _), _ = measure.read_files(folder, folder / "train.csv", source)
    whole = measure.Side(
        [
            (np.concatenate([a[0], b[0]]), np.concatenate([a[1], b[1]]))
            for a, b in zip(train.columns, holdout.columns, strict=True)
        ],
        np.arange(len(train) + len(holdout)),
    )
    rows = np.random.default_rng([draw, 21]).permutation(len(whole))
    ends = [TRAIN, TRAIN + HOLDOUT]
    return [whole.take(np.sort(part)) for part in np.split(rows, ends)]


def main() -> None:
    """Print the figures of each draw and their medians."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default="adult")
    parser.add_argument("--draws", type=int, default=9)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "twinset-bench")
    options = parser.parse_args()
    folder = options.cache / options.data / "seed-0"
    rows = []
    for draw in range(options.draws):
        train, holdout, fresh = deal(folder, tables.SOURCES[options.data], draw)
        found = measure.membership(train, holdout, fresh, draw)
        rows.append((found["membership_auc"], found["tpr_at_low_fpr_upper"]))
        print(draw, *(f"{x:.4f}" for x in rows[-1]), found["tpr_attack"], flush=True)
    print("median", *(f"{x:.4f}" for x in np.median(rows, axis=0)))


if __name__ == "__main__":
    main()
