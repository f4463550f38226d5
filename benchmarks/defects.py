"""More planted defects: is each among the ten largest problems, and called by its columns?

``python benchmarks/defects.py --data-dir FOLDER --set second`` (or ``third``) splits tables in
three by unit, spoils the third part in one way at a time, evaluates it as a release of the first
part, and looks for a problem that names the columns that were touched. ``--write`` puts the table
into RESULTS.md.
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

import twinset as ts

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import calibration  # noqa: E402
import defects_second  # noqa: E402
import defects_third  # noqa: E402
import marks  # noqa: E402
from spoils import Defect  # noqa: E402

SETS = {"second": defects_second.PLANTED, "third": defects_third.PLANTED}


def place(defect: Defect, problems: list) -> tuple[str, str]:
    """How the problems tell of a defect, and in which words."""
    wanted = set(defect.columns)
    for rank, p in enumerate(problems, start=1):
        if (defect.words and defect.words in p.text) or (wanted and wanted <= set(p.columns)):
            return f"**{rank}**", p.text
    for rank, p in enumerate(problems, start=1):
        if wanted & set(p.columns):
            return f"{rank}, in part", p.text
    return "missed", ""


def lines(planted: str, name: str, folder: Path, seed: int) -> Iterator[str]:
    """Yield one line a defect, the release as it is first."""
    train, holdout, fresh = calibration.thirds(name, folder, seed, None)
    about = calibration.about(name)
    rng = np.random.default_rng([seed, 10])
    nothing = Defect("nothing planted", lambda f, rng: f, ())
    for defect in (nothing, *SETS[planted][name]):
        release = defect.spoil(fresh.copy(), rng).reset_index(drop=True)
        # a stated schema refuses a category that it does not name, and that is a defect of a set
        schema = ts.schema(pd.concat([train, holdout, fresh, release]), **about)
        found = ts.evaluate(train, release, holdout, seed=seed, schema=schema, **about)
        problems = list(found.problems)
        if defect is nothing:
            where, words = f"{len(problems)} problems", "; ".join(p.text for p in problems)
        else:
            where, words = place(defect, problems)
        shown = words if len(words) < 150 else f"{words[:147]}..."
        sys.stderr.write(f"{name}: {defect.name}: {where}: {words}\n")
        if where == "missed":
            sys.stderr.write("".join(f"    {p.text}\n" for p in problems))
        columns = ", ".join(defect.columns)
        yield f"| {name} | {defect.name} | {columns} | {where} | {shown.replace('|', '/')} |"


def main() -> int:
    """Print the table, or write it into RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", default=os.environ.get("TWINSET_BENCH_DATA"))
    parser.add_argument("--set", choices=tuple(SETS), default="second")
    parser.add_argument("--data", help="default: all tables of the set")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    if not args.data_dir:
        parser.error("say where the tables are: --data-dir or TWINSET_BENCH_DATA")
    made = [f"Seed {args.seed}; {datetime.date.today()}.", ""]
    made += ["| table | defect | columns | place among the problems | in words |"]
    made += ["|---|---|---|---|---|"]
    for name in args.data.split(",") if args.data else SETS[args.set]:
        made += lines(args.set, name, Path(args.data_dir), args.seed)
    shown = "\n".join(made)
    marks.tell(f"{args.set} defects", shown, write=args.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
