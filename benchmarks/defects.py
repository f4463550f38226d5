"""Ten more planted defects: is each among the ten largest problems, and called by its columns?

``python benchmarks/defects.py --data-dir FOLDER`` splits adult, king_county_houses and nhanes in
three by unit, spoils the third part in one way at a time, evaluates it as a release of the first
part, and looks for a problem that names the columns that were touched. They are other defects than
those of ``tests/evaluation/test_planted.py``. ``--write`` puts the table into RESULTS.md.
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import twinset as ts

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import calibration  # noqa: E402
import marks  # noqa: E402

TABLES = ("adult", "king_county_houses", "nhanes")
Frame = pd.DataFrame
Spoil = Callable[[Frame, np.random.Generator], Frame]


@dataclass(frozen=True)
class Defect:
    """A way to spoil a release: what it does, and which columns a problem should name."""

    name: str
    spoil: Spoil
    columns: tuple[str, ...]
    words: str = ""


def swapped(column: str, a: object, b: object, group: str, level: object) -> Spoil:
    """Two labels of a column are exchanged inside a group."""

    def spoil(f: Frame, rng: np.random.Generator) -> Frame:
        mine = f[group] == level
        other = f[column].map(lambda v: b if v == a else a if v == b else v)
        return f.assign(**{column: f[column].where(~mine, other)})

    return spoil


def rounded(column: str, to: float) -> Spoil:
    """A column of numbers is rounded."""
    return lambda f, rng: f.assign(**{column: ((f[column] / to).round() * to).astype("Float64")})


def slope(x: str, y: str) -> Spoil:
    """The slope of y on x is 10% larger; means stay."""

    def spoil(f: Frame, rng: np.random.Generator) -> Frame:
        a, b = (f[c].astype("float64") for c in (x, y))
        known = a.notna() & b.notna()
        beta = np.polyfit(a[known], b[known], 1)[0]
        moved = b + 0.1 * beta * (a - a[known].mean()).fillna(0)
        return f.assign(**{y: _like(moved, f[y])})

    return spoil


def homoscedastic(x: str, y: str) -> Spoil:
    """What y scatters around its mean by x is the same everywhere."""

    def spoil(f: Frame, rng: np.random.Generator) -> Frame:
        b = f[y].astype("float64")
        part = pd.qcut(f[x].astype("float64"), 10, duplicates="drop").astype(str)
        mean, sd = b.groupby(part).transform("mean"), b.groupby(part).transform("std")
        even = mean + (b - mean) / sd * (b - mean).std()
        return f.assign(**{y: _like(even, f[y]).clip(lower=f[y].min(), upper=f[y].max())})

    return spoil


def seasonless(column: str) -> Spoil:
    """Dates are uniform over their range."""

    def spoil(f: Frame, rng: np.random.Generator) -> Frame:
        days = pd.to_datetime(f[column])
        span = (days.max() - days.min()).days
        drawn = days.min() + pd.to_timedelta(rng.integers(span + 1, size=len(f)), "D")
        return f.assign(**{column: drawn.strftime("%Y-%m-%d")})

    return spoil


def doubled(f: Frame, rng: np.random.Generator) -> Frame:
    """The first 2% of the rows stand there once more, in the place of the last ones."""
    block = len(f) // 50
    return pd.concat([f.iloc[:-block], f.iloc[:block]])


def narrowed(column: str) -> Spoil:
    """The variance of a column is 10% smaller."""

    def spoil(f: Frame, rng: np.random.Generator) -> Frame:
        v = f[column].astype("float64")
        return f.assign(**{column: _like(v.mean() + (v - v.mean()) * np.sqrt(0.9), f[column])})

    return spoil


def without(a: str, x: object, b: str, y: object) -> Spoil:
    """A rare intersection is gone: its rows are replaced by others."""

    def spoil(f: Frame, rng: np.random.Generator) -> Frame:
        mine = ((f[a] == x) & (f[b] == y)).to_numpy()
        rest = np.flatnonzero(~mine)
        return pd.concat([f[~mine], f.iloc[rng.choice(rest, int(mine.sum()))]])

    return spoil


def missing_by(column: str, by: str) -> Spoil:
    """As many values are missing as before, but where another column is high."""

    def spoil(f: Frame, rng: np.random.Generator) -> Frame:
        v, number = f[column].copy(), int(f[column].isna().sum())
        filled = pd.Series(rng.choice(v.dropna().to_numpy(), len(f)), index=f.index)
        v = v.fillna(filled.astype(v.dtype))
        high = np.flatnonzero((f[by] > f[by].median()).fillna(False))
        v.iloc[rng.choice(high, min(number, len(high)), replace=False)] = None
        return f.assign(**{column: v})

    return spoil


def flipped(x: str, y: str, group: str, level: object) -> Spoil:
    """Inside a group the correlation has the other sign; both columns keep their values."""

    def spoil(f: Frame, rng: np.random.Generator) -> Frame:
        mine = np.flatnonzero((f[group] == level) & f[x].notna() & f[y].notna())
        v = f[y].copy()
        order = v.iloc[mine].argsort(kind="stable").to_numpy()
        turned = v.iloc[mine].to_numpy().copy()
        turned[order] = turned[order[::-1]]
        v.iloc[mine] = turned
        return f.assign(**{y: v})

    return spoil


def _like(values: pd.Series, column: pd.Series) -> pd.Series:
    """Round to as many places as the column has: roundness is not what is spoiled here."""
    known = column.astype("float64").dropna()
    places = next((d for d in range(7) if np.allclose(known, known.round(d), 0, 1e-9)), 9)
    return values.round(places).astype("Int64" if column.dtype.kind in "iu" else "float64")


REPEATS = "equal another synthetic row"
PLANTED = {
    "adult": (
        Defect("labels swapped in a subgroup",
               swapped("education", "HS-grad", "Bachelors", "race", "Black"),
               ("education", "race")),
        Defect("rounded to tens", rounded("age", 10), ("age",)),
        Defect("slope 10% larger", slope("education-num", "hours-per-week"),
               ("education-num", "hours-per-week")),
        Defect("scatter made even", homoscedastic("age", "hours-per-week"),
               ("age", "hours-per-week")),
        Defect("2% of the rows doubled", doubled, (), REPEATS),
        Defect("variance 10% smaller", narrowed("age"), ("age",)),
        Defect("rare intersection gone", without("sex", "Female", "occupation", "Craft-repair"),
               ("sex", "occupation")),
        Defect("missing by another column", missing_by("native-country", "age"),
               ("native-country", "age")),
        Defect("correlation turned in a group", flipped("age", "hours-per-week", "sex", "Female"),
               ("age", "hours-per-week")),
    ),
    "king_county_houses": (
        Defect("labels swapped in a subgroup", swapped("condition", 3, 4, "floors", 1.5),
               ("condition", "floors")),
        Defect("rounded to tens", rounded("yr_built", 10), ("yr_built",)),
        Defect("slope 10% larger", slope("sqft_living", "price"), ("sqft_living", "price")),
        Defect("scatter made even", homoscedastic("sqft_living", "price"),
               ("sqft_living", "price")),
        Defect("seasons of dates removed", seasonless("date"), ("date",)),
        Defect("2% of the rows doubled", doubled, (), REPEATS),
        Defect("variance 10% smaller", narrowed("lat"), ("lat",)),
        Defect("rare intersection gone", without("condition", 5, "grade", 8),
               ("condition", "grade")),
        Defect("correlation turned in a group", flipped("sqft_living", "price", "floors", 1.5),
               ("sqft_living", "price")),
    ),
    "nhanes": (
        Defect("labels swapped in a subgroup",
               swapped("SmokeNow", "Yes", "No", "Race1", "Black"), ("SmokeNow", "Race1")),
        Defect("rounded to tens", rounded("Weight", 10), ("Weight",)),
        Defect("slope 10% larger", slope("Height", "Weight"), ("Height", "Weight")),
        Defect("scatter made even", homoscedastic("Age", "Weight"), ("Age", "Weight")),
        Defect("2% of the rows doubled", doubled, (), REPEATS),
        Defect("variance 10% smaller", narrowed("Pulse"), ("Pulse",)),
        Defect("rare intersection gone",
               without("MaritalStatus", "Widowed", "Gender", "male"),
               ("MaritalStatus", "Gender")),
        Defect("missing by another column", missing_by("TotChol", "Age"), ("TotChol", "Age")),
        Defect("correlation turned in a group", flipped("Age", "BPSysAve", "Gender", "male"),
               ("Age", "BPSysAve")),
    ),
}  # fmt: skip


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


def lines(name: str, folder: Path, seed: int) -> Iterator[str]:
    """Yield one line a defect, the release as it is first."""
    train, holdout, fresh = calibration.thirds(name, folder, seed, None)
    about = calibration.about(name)
    told = {**about, "schema": ts.schema(pd.concat([train, holdout, fresh]), **about)}
    rng = np.random.default_rng([seed, 10])
    nothing = Defect("nothing planted", lambda f, rng: f, ())
    for defect in (nothing, *PLANTED[name]):
        release = defect.spoil(fresh.copy(), rng).reset_index(drop=True)
        found = ts.evaluate(train, release, holdout, seed=seed, **told)
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
    parser.add_argument("--data", default=",".join(TABLES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    if not args.data_dir:
        parser.error("say where the tables are: --data-dir or TWINSET_BENCH_DATA")
    made = [f"Seed {args.seed}; {datetime.date.today()}.", ""]
    made += ["| table | defect | columns | place among the problems | in words |"]
    made += ["|---|---|---|---|---|"]
    for name in args.data.split(","):
        made += lines(name, Path(args.data_dir), args.seed)
    shown = "\n".join(made)
    marks.tell("defects", shown, write=args.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
