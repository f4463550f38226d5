"""What part of the real range and of the real categories the release reaches, and what it adds."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy import stats

from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import Draft, half_width, judge, refuse
from twinset.protocols import Family, Measure, Result
from twinset.stats.intervals import proportions_differ, wilson

__all__ = ["Coverage"]

Floats = npt.NDArray[np.float64]
Ends = tuple[npt.ArrayLike, npt.ArrayLike]
_DRAWS = 2_000
_LEAST = 10  # units that a category or an end of the range must have to count

CATEGORIES = Measure(
    name="category_coverage",
    title="Categories that are there",
    meaning="Share of the train data's common categories that occur in the synthetic rows.",
    unit="share",
    direction="higher",
    formula="share of train's categories with at least 10 units that occur in the release",
    anchors=(1.0,),
)
RANGE = Measure(
    name="range_coverage",
    title="Range that is covered",
    meaning="Share of the train data's range that the synthetic rows cover, extremes aside.",
    unit="share",
    direction="higher",
    formula="overlap of the ranges between the 10th lowest and the 10th highest value, divided by "
    "train's",
    anchors=(1.0,),
)
UNSEEN = Measure(
    name="unseen_share",
    title="Values never seen",
    meaning="Share of rows with a value that is not among, or lies outside, those of the train "
    "data.",
    unit="share",
    formula="share of rows with a value out of train's range or not among its categories (or few "
    "values)",
)


class Coverage:
    """Category coverage, range coverage and share of unseen values of each column."""

    name: ClassVar[str] = "coverage"
    family: ClassVar[Family] = "diversity"
    needs: ClassVar[str] = "counts"
    measures: ClassVar[tuple[Measure, ...]] = (CATEGORIES, RANGE, UNSEEN)

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return two results a column."""
        if not evidence.columns:
            return [refuse(self.family, m, "no column can be compared") for m in self.measures]
        drafts: list[Draft] = []
        numbers = evidence.numeric()
        for name in evidence.columns:
            drafts.append(_unseen(evidence, name))
            drafts += (_range if name in numbers else _categories)(evidence, name)
        have = {(d.measure.name, d.columns) for d in drafts}
        refused = [
            refuse(self.family, m, "too few units to judge", columns=(name,))
            for name in evidence.columns
            for m in ((RANGE,) if name in numbers else (CATEGORIES,))
            if (m.name, (name,)) not in have
        ]
        return [*judge(self.family, drafts), *refused]


def _categories(evidence: Evidence, name: str) -> list[Draft]:
    coded = evidence.columns[name]
    known = coded.size - 2
    held = evidence.held(name)[:known]
    common = held >= _LEAST
    if not common.any():
        return []
    there = evidence.cells([name]).counts["synthetic"][:known] > 0
    value = float(there[common].mean())
    effect = evidence.pooled_effect([name])
    rows = evidence.rows("synthetic")
    absent = np.exp(-held[common] / evidence.rows("train") * rows / effect)
    expected = float(1 - absent.mean())
    missed = common & ~there
    # chance that a fresh sample misses the least likely of the categories that are missing
    p = float(
        min(
            1.0,
            absent.min()
            if not missed.any()
            else np.exp(-held[missed].max() / evidence.rows("train") * rows / effect)
            * common.sum(),
        )
    )
    reference = expected
    if "holdout" in evidence.sides:
        reference = float((evidence.cells([name]).counts["holdout"][:known] > 0)[common].mean())
    variance = float((absent * (1 - absent)).sum()) / common.sum() ** 2
    return [
        Draft(
            CATEGORIES,
            value,
            variance,
            evidence.number_of_units("synthetic"),
            reference=reference,
            noise=half_width(variance),
            p_worse=p if missed.any() else 1.0,
            columns=(name,),
            params={"missing": int(missed.sum()), "of": int(common.sum())},
        )
    ]


def _ends(values: Floats) -> tuple[float, float]:
    return float(values[_LEAST - 1]), float(values[-_LEAST])


def _range(evidence: Evidence, name: str) -> list[Draft]:
    a, b = evidence.sorted("train", name), evidence.sorted("synthetic", name)
    if len(a) < 4 * _LEAST or len(b) < 4 * _LEAST:
        return []
    low, high = _ends(a)
    if high <= low:
        return []

    value = _covered(_ends(b), (low, high)).item()
    rng = evidence.rng("range", name)
    held = evidence.sorted("holdout", name) if "holdout" in evidence.sides else a[:0]
    real = evidence.real_sorted(name)
    along = evidence.effects_along(name)
    ends = float(along[0]), float(along[-1])
    # train's own ends are drawn too: they were not given, but came out of the same population
    chance = _covered(_drawn_ends(real, len(b), ends, rng), _drawn_ends(real, len(a), ends, rng))
    around = _covered(_drawn_ends(b, len(b), ends, rng), (low, high))
    reference = float(chance.mean())
    noise = float(np.subtract(*np.quantile(chance, [0.975, 0.025]))) / 2
    p = float((np.count_nonzero(chance <= value) + 1) / (len(chance) + 1))
    if value < chance.min():
        p = min(p, _far_inside(_ends(b), real, len(b), ends))
    if len(held) >= 4 * _LEAST:
        reference = _covered(_ends(held), (low, high)).item()
    bounds = np.quantile(around, [0.025, 0.975])
    return [
        Draft(
            RANGE,
            value,
            0.0,
            evidence.number_of_units("synthetic"),
            reference=reference,
            noise=max(noise, 1e-9),
            p_worse=p,
            columns=(name,),
            params={"interval": "simulated order statistics"},
            interval=(float(bounds[0]), float(bounds[1])),
        )
    ]


def _covered(ends: Ends, bounds: Ends) -> Floats:
    """Part of the way from bound to bound that lies between the ends."""
    (x, y), (low, high) = (np.asarray(e, dtype=np.float64) for e in (ends, bounds))
    inside, wide = np.minimum(y, high) - np.maximum(x, low), high - low
    part = np.divide(inside, wide, out=np.ones(np.broadcast(inside, wide).shape), where=wide > 0)
    return np.asarray(np.clip(part, 0, 1), dtype=np.float64)


def _drawn_ends(
    values: Floats, n: int, effects: tuple[float, float], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Draw the 10th lowest and highest of n values (their ranks are beta), shape (draws,) each.

    Rows that come in packs of `effects` hold fewer, larger steps.
    """
    ranks = [rng.beta(_LEAST / e, (n - _LEAST + 1) / e, size=_DRAWS) for e in effects]
    places = np.stack([ranks[0], 1 - ranks[1]]) * len(values)
    at = np.minimum(places.astype(np.int64), len(values) - 1)
    return values[at[0]], values[at[1]]


def _far_inside(
    ends: tuple[float, float], real: Floats, n: int, effects: tuple[float, float]
) -> float:
    """Chance that a fresh sample's ends lie this deep in the real values, either of them."""
    beyond = (
        np.searchsorted(real, ends[0], side="left"),
        len(real) - np.searchsorted(real, ends[1], side="right"),
    )
    part = n / (n + len(real))
    tails = [
        stats.binom.cdf(round(_LEAST / e), round((_LEAST + float(k)) / e), part)
        for k, e in zip(beyond, effects, strict=True)
    ]
    return min(1.0, 2 * float(min(tails)))


def _unseen(evidence: Evidence, name: str) -> Draft:
    cells = evidence.cells([name])
    rows = evidence.rows("synthetic")
    count = int(cells.counts["synthetic"][-1])
    effect = evidence.pooled_effect([name])
    if "holdout" in evidence.sides:
        other, size = int(cells.counts["holdout"][-1]), evidence.rows("holdout")
    else:  # Good (1953): the unseen mass is about the singletons' share; two ends for numbers
        single = int(np.count_nonzero(cells.counts["train"][:-2] == 1))
        other = 2 if name in evidence.numeric() else single
        size = evidence.rows("train")
    share = (other + 0.5) / (size + 1)
    variance = effect * share * (1 - share) * (1 / rows + 1 / max(size, 1))
    return Draft(
        UNSEEN,
        count / rows,
        0.0,
        evidence.number_of_units("synthetic"),
        reference=other / max(size, 1),
        noise=half_width(variance),
        p_worse=proportions_differ(count, rows, other, size, effect)[0],
        columns=(name,),
        params={"interval": "Wilson"},
        interval=wilson(count / effect, rows / effect),
    )
