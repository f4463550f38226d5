"""Rows under a condition beside free rows: time, and whether the distribution inside stays.

``python benchmarks/conditions.py --data-dir FOLDER`` prints the table; ``--write`` puts it into
RESULTS.md between its marks. cart on Adult; conditions of about 1% and more, on columns early and
late in its order of synthesis. *apart* is the largest TVD of a category column (of numbers: KS)
between the rows and those of rejection (``--where`` on free rows), *noise* what two samples by
rejection show.
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from scipy import stats

import twinset as ts

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import marks  # noqa: E402
import tables  # noqa: E402

CASES: list[dict[str, object]] = [
    {"given": {"native-country": "Mexico"}},
    {"given": {"race": "Amer-Indian-Eskimo"}},
    {"given": {"workclass": "Self-emp-inc"}},
    {"given": {"marital-status": "Married-spouse-absent"}},
    {"given": {"relationship": "Other-relative"}},
    {"where": "`native-country` in ('Cuba', 'Jamaica', 'India', 'South')"},
    {"where": "education = '12th'"},
    {"where": "race = 'Amer-Indian-Eskimo'"},
    {"where": "race = 'Other'"},
    {"where": "age >= 75"},
    {"where": "`capital-loss` >= 2000"},
    {"where": "age >= 65 and `hours-per-week` > 45"},
    {"where": "age < 25 and income = '>50K'"},
    {"where": "age > 80 or `hours-per-week` > 90"},
    {"where": "age > `hours-per-week` + 55"},
    {"where": "sex = 'Female' and race in ('Black', 'Other') and income = '>50K'"},
]
INSIDE = 4_000


def drawn(twin: ts.Twin, n: int, **asked: object) -> tuple[float, list]:
    """CPU seconds, and the draws without their tables."""
    start = time.process_time()
    kept = [(d.method, d.acceptance, d.effective_size, d.saved) for d in twin.draws(n, **asked)]
    return time.process_time() - start, kept


def apart(a: pd.DataFrame, b: pd.DataFrame, without: set[str]) -> float:
    """Largest distance of a column."""
    found = []
    for name in set(a.columns) - without:
        if pd.api.types.is_numeric_dtype(a[name]):
            found.append(stats.ks_2samp(a[name], b[name], method="asymp").statistic)
        else:
            p, q = (f[name].value_counts(normalize=True) for f in (a, b))
            found.append(p.subtract(q, fill_value=0).abs().sum() / 2)
    return float(max(found))


def lines(twin: ts.Twin, n: int, inside: int) -> Iterator[str]:
    """Rows of the table."""
    drawn(twin, 1_000)  # what is loaded once
    free, _ = drawn(twin, n)
    yield f"| none | 1 | {free:.1f} | 1.0 | direct | | {n:,} | | |"
    for case in CASES:
        seconds, made = drawn(twin, n, **case)
        given = case.get("given") or {}
        text = str(case.get("where") or " ".join(f"{k}={v}" for k, v in given.items()))
        where = case.get("where") or " and ".join(f"`{k}` = '{v}'" for k, v in given.items())
        without = {k for k in twin.schema.names if k in str(where)}
        one, two = (twin.sample(inside, where=where, seed=s) for s in (8, 9))
        mine = twin.sample(inside, **case, seed=7)
        share = made[0][1]
        yield (
            f"| {'given' if given else 'where'} {text} | {share:.4f} | {seconds:.1f} | "
            f"{seconds / free:.1f} | {made[0][0]} | {made[0][3]:.0%} | "
            f"{sum(m[2] for m in made):,.0f} | {apart(mine, one, without):.3f} | "
            f"{apart(one, two, without):.3f} |"
        )
        sys.stderr.write(f"{text}: {seconds / free:.1f} times\n")


def main() -> int:
    """Print the table, or write it into RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", default=os.environ.get("TWINSET_BENCH_DATA"))
    parser.add_argument("-n", type=int, default=1_000_000)
    parser.add_argument("--inside", type=int, default=INSIDE, help="rows to compare")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    if not args.data_dir:
        parser.error("say where the tables are: --data-dir or TWINSET_BENCH_DATA")
    frame, _ = tables.load("adult", Path(args.data_dir))
    twin = ts.fit(frame, target="income")
    head = "condition | kept of the candidates | CPU s | times free rows | method | cells not drawn"
    head = f"| {head} | worth, rows | apart | noise |"
    found = [f"{args.n:,} rows; {datetime.date.today()}.", "", head, "|" + "---|" * 9]
    text = "\n".join([*found, *lines(twin, args.n, args.inside)])
    marks.tell("conditions", text, write=args.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
