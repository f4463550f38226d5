"""The third set of planted defects, by table: written before it was first run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from spoils import Defect, Frame, Spoil, flipped, like


def heaped(column: str, share: float = 0.3) -> Spoil:
    """Some of the values are rounded to the nearest multiple of five."""

    def spoil(f: Frame, rng: np.random.Generator) -> Frame:
        v = f[column].astype("float64")
        mine = rng.random(len(f)) < share
        return f.assign(**{column: like(v.where(~mine, (v / 5).round() * 5), f[column])})

    return spoil


def spelled(column: str, level: str, other: str) -> Spoil:
    """Half of a category's rows have another spelling of it."""

    def spoil(f: Frame, rng: np.random.Generator) -> Frame:
        mine = (f[column] == level) & (rng.random(len(f)) < 0.5)
        return f.assign(**{column: f[column].where(~mine, other)})

    return spoil


def later(column: str) -> Spoil:
    """Dates are a week later."""

    def spoil(f: Frame, rng: np.random.Generator) -> Frame:
        moved = pd.to_datetime(f[column]) + pd.Timedelta(days=7)
        return f.assign(**{column: moved.dt.strftime("%Y-%m-%d")})

    return spoil


def more_of(column: str, level: object, by: float = 1.5) -> Spoil:
    """A group is larger by half, its rows drawn again; the others are fewer."""

    def spoil(f: Frame, rng: np.random.Generator) -> Frame:
        mine = np.flatnonzero(f[column] == level)
        more = rng.choice(mine, int((by - 1) * len(mine)), replace=False)
        rest = rng.permutation(np.flatnonzero(f[column] != level))[: len(f) - len(mine) - len(more)]
        return f.iloc[np.concatenate([mine, more, rest])]

    return spoil


def noisy(column: str, share: float = 0.05) -> Spoil:
    """Some values of a column are those of other rows, drawn at random."""

    def spoil(f: Frame, rng: np.random.Generator) -> Frame:
        v = f[column].copy()
        mine = np.flatnonzero(rng.random(len(f)) < share)
        v.iloc[mine] = v.iloc[rng.permutation(mine)].to_numpy()
        return f.assign(**{column: v})

    return spoil


def moved(column: str, by: float, group: Callable[[Frame], pd.Series]) -> Spoil:
    """Inside a group the numbers are larger by a share."""

    def spoil(f: Frame, rng: np.random.Generator) -> Frame:
        v = f[column].astype("float64")
        return f.assign(**{column: like(v.where(~group(f), v * (1 + by)), f[column])})

    return spoil


def invented(column: str, level: object, share: float = 0.005) -> Spoil:
    """Some rows have a category that there is not."""

    def spoil(f: Frame, rng: np.random.Generator) -> Frame:
        return f.assign(**{column: f[column].where(rng.random(len(f)) >= share, level)})

    return spoil


def hidden(column: str) -> Spoil:
    """Half of the highest tenth of the values is missing."""

    def spoil(f: Frame, rng: np.random.Generator) -> Frame:
        high = f[column] >= f[column].quantile(0.9)
        return f.assign(**{column: f[column].mask(high & (rng.random(len(f)) < 0.5))})

    return spoil


def exchanged(a: str, b: str, share: float = 0.02) -> Spoil:
    """In some rows two columns have each other's value."""

    def spoil(f: Frame, rng: np.random.Generator) -> Frame:
        mine = rng.random(len(f)) < share
        return f.assign(**{a: f[a].where(~mine, f[b]), b: f[b].where(~mine, f[a])})

    return spoil


def sharpened(target: str, level: object, other: object, x: str) -> Spoil:
    """A tenth of the rows has its label by a threshold of a number, as many as before."""

    def spoil(f: Frame, rng: np.random.Generator) -> Frame:
        share = float((f[target] == level).mean())
        high = f[x] >= f[x].quantile(1 - share)
        label = pd.Series(np.where(high, level, other), index=f.index).astype(f[target].dtype)
        return f.assign(**{target: f[target].where(rng.random(len(f)) >= 0.1, label)})

    return spoil


PLANTED = {
    "adult": (
        Defect("heaped at fives", heaped("hours-per-week"), ("hours-per-week",)),
        Defect("a category in two spellings", spelled("workclass", "Private", "private"),
               ("workclass",)),
        Defect("a group larger by half", more_of("race", "Black"), ("race",)),
        Defect("5% of a column shuffled", noisy("income"), ("income",)),
        Defect("10% more in a group", moved("hours-per-week", 0.1, lambda f: f["race"] == "Black"),
               ("hours-per-week", "race")),
        Defect("an invented category", invented("marital-status", "Unknown"), ("marital-status",)),
        Defect("high values missing", hidden("hours-per-week"), ("hours-per-week",)),
        Defect("correlation turned in a group",
               flipped("education-num", "age", "relationship", "Unmarried"),
               ("education-num", "age", "relationship")),
        Defect("a tenth labelled by a threshold",
               sharpened("income", ">50K", "<=50K", "age"), ("income", "age")),
    ),
    "king_county_houses": (
        Defect("heaped at fives", heaped("yr_built"), ("yr_built",)),
        Defect("dates a week later", later("date"), ("date",)),
        Defect("a group larger by half", more_of("waterfront", 1), ("waterfront",)),
        Defect("5% of a column shuffled", noisy("grade"), ("grade",)),
        Defect("10% more in a group", moved("price", 0.1, lambda f: f["view"] >= 3),
               ("price", "view")),
        Defect("an invented category", invented("condition", 6), ("condition",)),
        Defect("high values missing", hidden("sqft_lot"), ("sqft_lot",)),
        Defect("two columns exchanged in 2%", exchanged("sqft_living", "sqft_above"),
               ("sqft_living", "sqft_above")),
        Defect("correlation turned in a group", flipped("yr_built", "grade", "condition", 4),
               ("yr_built", "grade", "condition")),
    ),
    "cardio": (
        Defect("heaped at fives", heaped("weight"), ("weight",)),
        Defect("a group larger by half", more_of("gluc", 3), ("gluc",)),
        Defect("5% of a column shuffled", noisy("cardio"), ("cardio",)),
        Defect("10% more in a group", moved("weight", 0.1, lambda f: f["smoke"] == 1),
               ("weight", "smoke")),
        Defect("an invented category", invented("cholesterol", 4), ("cholesterol",)),
        Defect("high values missing", hidden("weight"), ("weight",)),
        Defect("two columns exchanged in 2%", exchanged("ap_hi", "ap_lo"), ("ap_hi", "ap_lo")),
        Defect("correlation turned in a group", flipped("ap_hi", "weight", "gender", 2),
               ("ap_hi", "weight", "gender")),
        Defect("a tenth labelled by a threshold", sharpened("cardio", 1, 0, "weight"),
               ("cardio", "weight")),
    ),
}  # fmt: skip
