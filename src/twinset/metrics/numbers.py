"""Columns of numbers, dates and times by themselves, on their values."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import Draft, half_width, judge, refuse
from twinset.protocols import Family, Measure, Result
from twinset.stats import ordered
from twinset.stats.intervals import chi_tails, proportions_differ
from twinset.stats.sorted_values import interpolated, moments, quantiles

__all__ = ["Numbers"]

Floats = npt.NDArray[np.float64]

KS = Measure(
    name="ks",
    title="Largest gap between cumulative shares",
    meaning="The largest difference in the share of rows below any one value (Kolmogorov-Smirnov "
    "distance, KS).",
    unit="share",
    formula="largest |difference| of the cumulative shares, known values only (missing ones: "
    "missing_share)",
    source="Kolmogorov 1933, Smirnov 1939; equals scipy.stats.ks_2samp",
)
WASSERSTEIN = Measure(
    name="wasserstein",
    title="Average shift of the values",
    meaning="How far values must move to match, in units of the real spread (Wasserstein "
    "distance).",
    high=math.inf,
    formula="integral of |difference of the cumulative shares|, divided by train's standard "
    "deviation",
    source="Vallender 1974; equals scipy.stats.wasserstein_distance / sd",
)
QUANTILES = Measure(
    name="quantile_error",
    title="Shift of the quantiles",
    meaning="How far the quantiles lie from the real ones, in units of the real spread.",
    high=math.inf,
    formula="mean |difference of quantiles| at 5%, 10% ... 95%, divided by train's 5%-95% range",
)
TAIL = Measure(
    name="tail_share_difference",
    title="Tails",
    meaning="Synthetic minus train: the share of values far out. 0 is equal.",
    unit="share",
    direction="target",
    low=-1,
    formula="synthetic minus train: share of known values beyond train's 1% (99%) quantile; "
    "params.tail",
)
_DRAWS = 200
_CUTS = np.arange(0.01, 0.995, 0.01)  # where `effects_along` tells the effects of units
_SPREAD = _CUTS * (1 - _CUTS)


class Numbers:
    """Kolmogorov-Smirnov, Wasserstein, quantiles and tails of each number-like column."""

    name: ClassVar[str] = "numbers"
    family: ClassVar[Family] = "fidelity"
    needs: ClassVar[str] = "counts"
    measures: ClassVar[tuple[Measure, ...]] = (KS, WASSERSTEIN, QUANTILES, TAIL)

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return up to five results a column."""
        names = evidence.numeric()
        if not names:
            return [refuse(self.family, m, "no column of numbers") for m in self.measures]
        drafts: list[Draft] = []
        refused: list[Result] = []
        for name in names:
            a, b = (evidence.sorted(s, name) for s in ("train", "synthetic"))
            if len(a) < 2 or len(b) < 2:
                reason = "fewer than two known values in train or synthetic"
                refused += [refuse(self.family, m, reason, columns=(name,)) for m in self.measures]
                continue
            h = evidence.sorted("holdout", name) if "holdout" in evidence.sides else None
            h = h if h is not None and len(h) > 1 else None
            with np.errstate(over="ignore", invalid="ignore"):  # huge values: refused by `judge`
                drafts += self._distances(evidence, name, a, b, h)
            drafts += self._tails(evidence, name, a, b, h)
        return [*judge(self.family, drafts), *refused]

    def _distances(
        self, evidence: Evidence, name: str, a: Floats, b: Floats, h: Floats | None
    ) -> list[Draft]:
        along = evidence.effects_along(name)
        effect = float(along @ _SPREAD / _SPREAD.sum())
        n, m = len(a) / effect, len(b) / effect
        size = evidence.number_of_units("synthetic")
        found = ordered.gaps(a, b)
        own = None if h is None else ordered.gaps(a, h)
        # the holdout's value at its own size, brought to the size of the release
        scale = (
            1.0 if h is None else math.sqrt((1 / len(a) + 1 / len(b)) / (1 / len(a) + 1 / len(h)))
        )
        s = math.sqrt(1 / n + 1 / m)
        ks = Draft(
            KS,
            found.ks,
            found.ks_variance * effect,
            size,
            reference=ordered.KS_MEAN * s if own is None else min(1.0, own.ks * scale),
            noise=half_width((ordered.KS_SD * s) ** 2),
            p_worse=ordered.kolmogorov(found.ks, n, m),
            columns=(name,),
            params={"expected": round(ordered.KS_MEAN * s, 6)},
        )
        drafts = [ks]
        _, sd, kurtosis = moments(a)
        if sd > 0 and math.isfinite(sd):
            real = evidence.real_sorted(name)
            effect = _mean_effect(along, quantiles(real, _CUTS))
            mean, spread = ordered.wasserstein_null(real, len(a) / effect, len(b) / effect)
            mean, spread = mean / sd, spread / sd**2
            value = found.wasserstein / sd
            worse, better = chi_tails(value, mean, spread)
            # train's own spread is an estimate too: relative variance (kurtosis - 1) / 4n
            scale_variance = (kurtosis - 1) / (4 * n)
            drafts.append(
                Draft(
                    WASSERSTEIN,
                    value,
                    found.wasserstein_variance * effect / sd**2 + value * value * scale_variance,
                    size,
                    reference=mean if own is None else own.wasserstein / sd * scale,
                    noise=half_width(spread),
                    p_worse=worse,
                    p_better=better,
                    columns=(name,),
                    params={"expected": round(mean, 6)},
                )
            )
        drafts += self._quantiles(evidence, name, (a, b, h), scale)
        return drafts

    def _quantiles(
        self,
        evidence: Evidence,
        name: str,
        values: tuple[Floats, Floats, Floats | None],
        scale: float,
    ) -> list[Draft]:
        a, b, h = values
        value = ordered.quantile_gap(a, b)
        if not math.isfinite(value):
            return []
        rng = evidence.rng("quantiles", name)
        effects = evidence.effects_along(name)[4::5]  # at 5%, 10% ... 95%
        sizes = len(a) / effects, len(b) / effects
        pooled = evidence.real_sorted(name)
        spread = float(np.subtract(*quantiles(a, [0.95, 0.05])))
        chance = _bridge(pooled, pooled, sizes, rng) / spread
        around = _bridge(a, b, sizes, rng) / spread
        worse, better = chi_tails(value, float(chance.mean()), float(chance.var()))
        # few values: equal quantiles are common among fresh real samples too
        better = max(better, float(np.mean(chance <= value)))
        low, high = np.quantile(around - around.mean(), [0.025, 0.975])
        own = float(chance.mean()) if h is None else ordered.quantile_gap(a, h) * scale
        return [
            Draft(
                QUANTILES,
                value,
                0.0,
                evidence.number_of_units("synthetic"),
                reference=own,
                noise=half_width(float(chance.var())),
                p_worse=worse,
                p_better=better,
                columns=(name,),
                params={"interval": "simulated Brownian bridges"},
                interval=(max(0.0, value + float(low)), value + float(high)),
            )
        ]

    def _tails(
        self, evidence: Evidence, name: str, a: Floats, b: Floats, h: Floats | None
    ) -> list[Draft]:
        if len(a) < 40:
            return []
        along = evidence.effects_along(name)
        drafts = []
        part = max(0.01, 10 / len(a))
        place = min(round(100 * part), 50) - 1
        for tail, sign in (("low", -1.0), ("high", 1.0)):
            [mark] = quantiles(a, [part if sign < 0 else 1 - part])
            beyond = [None if v is None else _beyond(v, mark, sign) for v in (a, b, h)]
            x, y = beyond[0] or 0, beyond[1] or 0
            if x < 5 and y < 5:
                continue  # a floor or a ceiling: no tail on this side
            p, q = x / len(a), y / len(b)
            effect = float(along[place if sign < 0 else -1 - place])
            sides = proportions_differ(y, len(b), x, len(a), effect)
            null = effect * p * (1 - p) * (1 / len(a) + 1 / len(b))
            own = 0.0 if h is None else (beyond[2] or 0) / len(h) - p
            drafts.append(
                Draft(
                    TAIL,
                    q - p,
                    effect * (p * (1 - p) / len(a) + q * (1 - q) / len(b)),
                    evidence.number_of_units("synthetic"),
                    reference=own,
                    noise=half_width(null),
                    p_worse=min(1.0, 2 * min(sides)),
                    columns=(name,),
                    params={"tail": tail, "train": round(p, 5), "target": 0.0},
                )
            )
        return drafts


def _beyond(values: Floats, mark: float, sign: float) -> int:
    """How many of the sorted values lie beyond the mark."""
    if sign < 0:
        return int(np.searchsorted(values, mark, side="left"))
    return len(values) - int(np.searchsorted(values, mark, side="right"))


def _mean_effect(along: Floats, cuts: Floats) -> float:
    """Design effect on the integral of |difference of cumulative shares| over the values."""
    weight = np.sqrt(_SPREAD) * np.gradient(cuts)
    total = float(weight.sum())
    return float((weight @ np.sqrt(along)) / total) ** 2 if total > 0 else float(along.max())


def _bridge(a: Floats, b: Floats, sizes: tuple[Floats, Floats], rng: np.random.Generator) -> Floats:
    """Draw mean |difference of quantiles| of resampled `a` and `b`, shape (draws,).

    `sizes`: of how many independent rows each quantile is.
    """
    steps = np.diff(np.concatenate([[0.0], ordered.PROBS, [1.0]]))
    found = []
    for values, n in zip((a, b), sizes, strict=True):
        walk = np.cumsum(rng.normal(size=(_DRAWS, len(steps))) * np.sqrt(steps), axis=1)
        bridge = walk[:, :-1] - ordered.PROBS * walk[:, -1:]
        at = np.clip(ordered.PROBS + bridge / np.sqrt(np.maximum(n, 1.0)), 0, 1)
        found.append(interpolated(values, at * (len(values) - 1)))
    return np.asarray(np.abs(found[0] - found[1]).mean(axis=1))
