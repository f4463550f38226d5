"""Ways to spoil a release, each in one way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

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
        return f.assign(**{y: like(moved, f[y])})

    return spoil


def homoscedastic(x: str, y: str) -> Spoil:
    """What y scatters around its mean by x is the same everywhere."""

    def spoil(f: Frame, rng: np.random.Generator) -> Frame:
        b = f[y].astype("float64")
        part = pd.qcut(f[x].astype("float64"), 10, duplicates="drop").astype(str)
        mean, sd = b.groupby(part).transform("mean"), b.groupby(part).transform("std")
        even = mean + (b - mean) / sd * (b - mean).std()
        return f.assign(**{y: like(even, f[y]).clip(lower=f[y].min(), upper=f[y].max())})

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
        return f.assign(**{column: like(v.mean() + (v - v.mean()) * np.sqrt(0.9), f[column])})

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


def like(values: pd.Series, column: pd.Series) -> pd.Series:
    """Round to as many places as the column has: roundness is not what is spoiled here."""
    known = column.astype("float64").dropna()
    places = next((d for d in range(7) if np.allclose(known, known.round(d), 0, 1e-9)), 9)
    return values.round(places).astype("Int64" if column.dtype.kind in "iu" else "float64")
