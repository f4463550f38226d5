"""The far ends of each column of numbers: tail index and extreme quantiles."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import Draft, half_width, judge, refuse
from twinset.protocols import Family, Measure, Result
from twinset.stats.intervals import chi_tails, two_sided
from twinset.stats.sorted_values import interpolated, quantiles

__all__ = ["Tails"]

Floats = npt.NDArray[np.float64]

INDEX = Measure(
    name="tail_index_difference",
    title="Heaviness of the upper tail",
    meaning="Synthetic minus train: Hill's index of the highest 5% of the values. Above 0, the "
    "tail is too heavy, below, too light.",
    direction="target",
    low=-math.inf,
    high=math.inf,
    formula="tail index (mean log excess over the 95% quantile, of positive values) of synthetic "
    "minus that of train; larger: heavier tail",
    source="Hill 1975",
)
EXTREME = Measure(
    name="extreme_quantile_error",
    title="Extreme quantiles",
    meaning="How far the value that 1% (99%) of the rows lie below is off, in units of the real "
    "5%-95% range.",
    high=math.inf,
    formula="|difference of the 1% (99%) quantiles|, divided by train's 5%-95% range; params.tail",
)
_SHARE = 0.05
_FAR = 0.01
_LEAST = 20  # values that the tail must have
_LEAST_UNITS = 10
_DRAWS = 400
_MOST = 20_000


class Tails:
    """Hill's tail index of the upper tail, and the error of extreme quantiles at both ends."""

    name: ClassVar[str] = "tails"
    family: ClassVar[Family] = "fidelity"
    needs: ClassVar[str] = "counts"
    measures: ClassVar[tuple[Measure, ...]] = (INDEX, EXTREME)

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return up to three results a column of numbers."""
        names = evidence.numeric()
        if not names:
            return [refuse(self.family, m, "no column of numbers") for m in self.measures]
        drafts: list[Draft] = []
        refused: list[Result] = []
        for name in names:
            with np.errstate(over="ignore", invalid="ignore"):  # huge values: refused by `judge`
                index, ends = _index(evidence, name), _extremes(evidence, name)
            drafts += [*index, *ends]
            if not index:
                reason = "no tail of 20 positive, different values above the 95% quantile"
                refused.append(refuse(self.family, INDEX, reason, columns=(name,)))
            if not ends:
                reason = "fewer than 100 values, or no spread between their 5% and 95% quantiles"
                refused.append(refuse(self.family, EXTREME, reason, columns=(name,)))
        return [*judge(self.family, drafts), *refused]


def _hill(values: Floats) -> float | None:
    """Tail index of sorted values; None where there is no tail to speak of."""
    k = int(_SHARE * len(values))
    if k < _LEAST or values[-k - 1] <= 0 or len(np.unique(values[-k:])) < _LEAST // 2:
        return None
    return float(np.log(np.asarray(values[-k:]) / values[-k - 1]).mean())


def _hill_draws(values: Floats, n: float, rng: np.random.Generator) -> Floats:
    """Draw the tail index of n values out of sorted `values`, mean 0: shape (draws,).

    The highest ranks are sums of exponentials, so that the threshold moves too: it jumps from one
    frequent value to the next. Of more than 20,000 values, 20,000 are drawn, and scaled.
    """
    size = min(n, _MOST)
    k = max(int(_SHARE * size), 2)
    steps = np.cumsum(rng.exponential(size=(_DRAWS, k + 1)), axis=1)
    below = rng.gamma(max(size - k, 1.0), size=(_DRAWS, 1))
    rank = 1 - steps / (steps[:, -1:] + below)
    top = values[np.minimum((rank * len(values)).astype(np.int64), len(values) - 1)]
    top = top[top[:, -1] > 0]
    if not len(top):
        return np.zeros(_DRAWS)
    index = np.log(top[:, :-1] / top[:, -1:]).mean(axis=1)
    index = np.resize(index - index.mean(), _DRAWS)
    return np.asarray(index * math.sqrt(size / n))


def _index(evidence: Evidence, name: str) -> list[Draft]:
    values = {s: evidence.sorted(s, name) for s in evidence.sides}
    found = {s: _hill(v) for s, v in values.items()}
    train, release, held = (found.get(s) for s in ("train", "synthetic", "holdout"))
    if train is None or release is None:
        return []
    effect = float(evidence.effects_along(name)[-5:].mean())  # of the shares beyond 95% ... 99%
    a, b = (values[s] for s in ("train", "synthetic"))
    real = evidence.real_sorted(name)
    rng = evidence.rng("tail index", name)
    sizes = len(a) / effect, len(b) / effect
    chance = np.subtract(*(_hill_draws(real, n, rng) for n in sizes))
    around = np.subtract(_hill_draws(a, sizes[0], rng), _hill_draws(b, sizes[1], rng))
    gap, spread = release - train, max(float(chance.var()), 1e-18)
    variance = float(around.var())
    p = two_sided(gap / math.sqrt(max(spread, variance)))
    # few distinct values: the index jumps, and what chance did reach is no evidence
    p = max(p, float(np.mean(np.abs(chance) >= abs(gap))))
    return [
        Draft(
            INDEX,
            gap,
            max(variance, 1e-18),
            evidence.number_of_units("synthetic"),
            reference=0.0 if held is None else held - train,
            noise=half_width(spread),
            p_worse=p,
            columns=(name,),
            params={
                "train": round(train, 5),
                "target": 0.0,
                "interval": "simulated order statistics",
            },
        )
    ]


def _extremes(evidence: Evidence, name: str) -> list[Draft]:
    a, b = evidence.sorted("train", name), evidence.sorted("synthetic", name)
    along = evidence.effects_along(name)
    ends = float(along[0]), float(along[-1])
    if (
        min(len(a), len(b)) * _FAR / max(ends) < _LEAST_UNITS
    ):  # units beyond it: fewer would be told
        return []
    spread = float(np.subtract(*quantiles(a, [0.95, 0.05])))
    if not 0 < spread < math.inf:
        return []
    held = evidence.sorted("holdout", name) if "holdout" in evidence.sides else a[:0]
    pooled = evidence.real_sorted(name)
    rng = evidence.rng("tails", name)
    drafts = []
    for tail, at, effect in (("low", _FAR, ends[0]), ("high", 1 - _FAR, ends[1])):
        value = _gap(a, b, at) / spread
        sizes = len(a) / effect, len(b) / effect
        chance = np.abs(np.subtract(*(_drawn(pooled, n, at, rng) for n in sizes))) / spread
        around = np.subtract(_drawn(a, sizes[0], at, rng), _drawn(b, sizes[1], at, rng)) / spread
        worse, better = chi_tails(value, float(chance.mean()), float(chance.var()))
        # quantiles of few distinct values jump: what chance did reach is no evidence
        worse = max(worse, float(np.mean(chance >= value)))
        better = max(better, float(np.mean(chance <= value)))
        own = _gap(a, held, at) / spread if len(held) >= 5 * _LEAST else float(chance.mean())
        half = half_width(float(around.var()))
        drafts.append(
            Draft(
                EXTREME,
                float(f"{value:.3g}"),  # all digits would give away the quantile, one row's value
                0.0,
                evidence.number_of_units("synthetic"),
                reference=own,
                noise=half_width(float(chance.var())),
                p_worse=worse,
                p_better=better,
                columns=(name,),
                params={
                    "tail": tail,
                    "expected": round(float(chance.mean()), 6),
                    "interval": "simulated order statistics",
                },
                interval=(max(0.0, value - half), value + half),
            )
        )
    return drafts


def _gap(a: Floats, b: Floats, at: float) -> float:
    return abs(float(quantiles(a, at)) - float(quantiles(b, at)))


def _drawn(values: Floats, n: float, at: float, rng: np.random.Generator) -> Floats:
    """Draw the quantile `at` of n values out of sorted `values`: its rank is beta; (draws,)."""
    rank = rng.beta(max(n * at, 1e-3), max(n * (1 - at), 1e-3), size=_DRAWS)
    return interpolated(values, rank * (len(values) - 1))
