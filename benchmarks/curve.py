"""The trade-off of `cart` on Adult: ``python benchmarks/curve.py --data-dir FOLDER [--write]``.

One option (or `--protect`) moves at a time, all others stay at their defaults; the referee
(`measure.py`) measures each release as in `generators.py`. Finished variants are kept in the cache
by source and options. ``--write`` puts the table into docs/generators.md behind the mark
``<!-- curve -->``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE / "peers"))
import common  # noqa: E402
import tables  # noqa: E402
import tools  # noqa: E402

import generators  # noqa: E402

BEGIN, END = "<!-- curve -->", "<!-- curve: end -->"
VARIANTS: list[dict[str, Any]] = [
    {},
    {"leaf": 5},
    {"leaf": 100},
    {"atom": 50},
    {"protect": 50},
    {"method": "tree"},
    {"method": "marginal"},
]
SHOWN = (
    "c2st_holdout",
    "dcr_share",
    "tstr_gap",
    "membership_auc",
    "tpr_at_low_fpr_upper",
    "seconds",
)
Rows = list[tuple[str, dict[str, float]]]


def label(options: dict[str, Any]) -> str:
    """A variant in words."""
    return ", ".join(f"{k} {v}" for k, v in options.items()) or "defaults"


def take(options: dict[str, Any], folder: Path, home: Path, seed: int) -> dict[str, float]:
    """Fit, sample, measure one variant, or read what was found before."""
    import measure
    import ours  # noqa: F401 - loads what is lazy

    import twinset as ts

    key = "-".join(f"{k}{v}" for k, v in options.items()) or "defaults"
    record = home / f"{key}.json"
    if not record.exists():
        source = tables.SOURCES["adult"]
        train = common.read(str(folder / "train.csv"))
        start = time.process_time()
        others = {k: v for k, v in options.items() if k != "protect"}
        protect = options.get("protect", 5)
        twin = ts.fit(train, target=source.target, seed=seed, protect=protect, options=others)
        synthetic = twin.sample()
        seconds = time.process_time() - start
        release = home / f"{key}.csv"
        common.write(synthetic[list(train.columns)], str(release))
        (real, holdout, made), names = measure.read_files(folder, release, source)
        at = names.index(source.target)
        rest = [i for i in range(len(names)) if i != at]
        trtr, tstr = (measure.utility(s, holdout, at, rest, source.task) for s in (real, made))
        found = {
            "c2st_holdout": measure.c2st(holdout, made, seed)[0],
            "dcr_share": measure.dcr_share(real, holdout, made, seed),
            "tstr_gap": trtr - tstr,
            "seconds": seconds,
            **measure.membership(real, holdout, made, seed),
        }
        record.write_text(json.dumps({k: found[k] for k in SHOWN}) + "\n", encoding="utf-8")
    known: dict[str, float] = json.loads(record.read_text(encoding="utf-8"))
    return known


def table(rows: Rows) -> list[str]:
    """The Markdown table."""
    head = (
        "C2ST AUC",
        "DCR share",
        "TSTR gap",
        "best membership AUC",
        "TPR at .1% FPR, upper",
        "CPU s",
    )
    out = ["| options | " + " | ".join(head) + " |", "|---" * (len(head) + 1) + "|"]
    for name, found in rows:
        cells = [f"{found[k]:.{1 if k == 'seconds' else 4}f}" for k in SHOWN]
        out.append(f"| {name} | " + " | ".join(cells) + " |")
    return out


def main() -> int:
    """Take every variant, print the table, and write it with --write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", default=os.environ.get("TWINSET_BENCH_DATA"))
    default = Path.home() / ".cache" / "twinset-bench"
    parser.add_argument("--cache", default=os.environ.get("TWINSET_BENCH_CACHE", str(default)))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    folder, _ = generators.split_files("adult", args.seed, Path(args.data_dir), Path(args.cache))
    home = folder / f"curve-{tools.fingerprint(tools.OURS)}"
    home.mkdir(exist_ok=True)
    rows: Rows = []
    for options in VARIANTS:
        rows.append((label(options), take(options, folder, home, args.seed)))
        sys.stdout.write(f"{rows[-1][0]}: {json.dumps(rows[-1][1])}\n")
        sys.stdout.flush()
    lines = [
        (
            "Adult, 24,421 rows to learn, seed 0, one option moved at a time "
            "(`python benchmarks/curve.py`); the bounds we hold ourselves to are C2ST .56, "
            "DCR share .53, TSTR gap .010, membership AUC .53, TPR .003."
        ),
        "",
        *table(rows),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    if args.write:
        page = HERE.parent / "docs" / "generators.md"
        before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
        after = rest.partition(END)[2] if END in rest else rest
        text = "\n".join([BEGIN, "", *lines, "", END])
        page.write_text(f"{before}{text}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
