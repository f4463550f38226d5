"""Mined rules in simulated worlds: planted rules found, false ones, and the time.

``python benchmarks/mining.py`` prints two lines. Its worlds: tests/rules/test_mining.py,
on seeds that no threshold was chosen on; a planted rule counts as found if rows that break it are
told by some mined rule, a mined rule as false if fresh rows of its world break it.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

import twinset as ts
from twinset.inputs import Options, read
from twinset.rules.check import check
from twinset.rules.mining.mine import mine
from twinset.table.canonical import to_canonical
from twinset.table.sources import open_source
from twinset.table.table import Table

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "rules"))
from test_mining import BREAKS, flagged, world  # noqa: E402


def like(frame: object, table: Table) -> Table:
    """Read more rows of the same world."""
    return to_canonical(open_source(frame).raw(10**6, np.random.default_rng(0)), table.schema)


def one(rows: int, seed: int) -> tuple[int, int, int, float]:
    """Return planted rules found, mined rules, false ones, and CPU seconds."""
    _, table = read(world(rows, seed), Options())
    half = rows // 2
    start = time.process_time()
    rules = mine(table.take(np.arange(half)), table.take(np.arange(half, rows)))
    seconds = time.process_time() - start
    rules, fresh, found = rules.learned(table, 5), world(20_000, seed + 1_000), 0
    sound = flagged(rules, like(fresh, table))
    for broken in BREAKS.values():
        bad = fresh.iloc[:2_000].copy()
        broken(bad, np.arange(0, 2_000, 2))
        same = (bad == fresh.iloc[:2_000]).where(bad.notna() | fresh[:2_000].notna(), True)
        hit = (~same).any(axis=1).to_numpy() & ~sound[:2_000]
        found += bool(flagged(rules, like(bad, table))[hit].mean() > 0.9)
    false = sum(c.broken > 0 for c in check(rules, like(fresh, table)))
    return found, len(rules), false, seconds


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=8)
    parser.add_argument("--rows", type=int, default=8_000)
    parser.add_argument("--first", type=int, default=500)
    args = parser.parse_args()
    done = [one(args.rows, args.first + i) for i in range(args.worlds)]
    found, mined, false = (sum(d[i] for d in done) for i in range(3))
    planted = len(BREAKS) * args.worlds
    sys.stdout.write(
        f"{args.worlds} worlds of {args.rows:,} rows: {found} of {planted} planted rules found, "
        f"{false} of {mined} mined ones broken in fresh rows, "
        f"{np.mean([d[3] for d in done]):.1f} CPU s each\n"
    )
    frame = world(100_000, args.first).iloc[:, :20]
    start = time.process_time()
    rules = ts.mine_rules(frame)
    seconds = time.process_time() - start
    sys.stdout.write(f"50,000 rows of 20 columns: {len(rules)} rules, {seconds:.1f} CPU s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
