"""Rows copied with a little noise, and whether the audit counts them.

``python benchmarks/copies.py --data-dir FOLDER``: one line a table and
release. A third of the table is train, a third holdout; the release is the fresh third or a sample
of `cart`, as they are or with 2% of train rows in them whose numbers were moved by about a
millionth (whole numbers to the nearest).
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import tables

import twinset as ts
from twinset.auditing.copies import copied_records
from twinset.inputs import Options, read, read_like

TABLES = ("adult", "king_county_houses", "cardio")
COPIED, NOISE = 0.02, 1e-6


def moved(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Each number times about 1; whole numbers stay whole."""
    rows = rows.copy()
    for name in rows.select_dtypes("number"):
        x = rows[name].astype(float)
        whole = bool((x.dropna() % 1 == 0).all())
        x = x * (1 + NOISE * rng.normal(size=len(x)))
        rows[name] = x.round().astype(rows[name].dtype) if whole else x
    return rows


def game(table: pd.DataFrame, seed: int, fit: bool) -> dict[str, tuple[float, float, bool]]:
    """Return of each release the shares of train and of others nearly copied, and if it is said."""
    rng = np.random.default_rng(seed)
    order, n = rng.permutation(len(table)), len(table) // 3
    parts = [table.iloc[order[k * n : (k + 1) * n]].reset_index(drop=True) for k in range(3)]
    train = read(parts[0], Options())[1]
    holdout = read_like(parts[1], train, Options())
    releases = {"fresh": parts[2]}
    if fit:
        releases["cart"] = ts.fit(parts[0], seed=seed).sample(n)
    few = int(COPIED * n)
    copies = moved(parts[0].iloc[:few], rng)
    for name, rows in tuple(releases.items()):
        releases[f"{name} with copies"] = pd.concat([rows.iloc[few:], copies], ignore_index=True)
    found = {}
    for name, rows in releases.items():
        results = copied_records(train, read_like(rows, train, Options()), holdout, seed)
        shown = any(r.verdict == "worse" for r in results)
        found[name] = (results[1].value or 0.0, results[1].reference or 0.0, shown)
    return found


def main() -> None:
    """Print what was counted, for each table and release."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("TWINSET_BENCH_DATA"))
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--fits", type=int, default=5, help="games with a release of cart too")
    args = parser.parse_args()
    for name in TABLES:
        table = tables.read(args.data_dir / f"{name}.csv.gz")
        games = [game(table, seed, seed < args.fits) for seed in range(args.seeds)]
        for release in games[0]:
            of = [g[release] for g in games if release in g]
            train, others, shown = (np.array(column, float) for column in zip(*of, strict=True))
            told = f"{train.mean():.2%} of train, {others.mean():.2%} of others"
            sys.stdout.write(f"| {name}, {release} | {told} | {shown.sum():.0f} of {len(of)} |\n")


if __name__ == "__main__":
    main()
