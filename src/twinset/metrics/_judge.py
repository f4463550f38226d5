"""From measurements to results: intervals, verdicts corrected for their number, and refusals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twinset.protocols import Estimate, Family, Measure, Result, Verdict
from twinset.stats.intervals import Z95, adjust, normal_interval, two_sided

__all__ = ["FALSE_DISCOVERIES", "Draft", "above", "half_width", "judge", "refuse"]

FALSE_DISCOVERIES = 0.05


@dataclass(frozen=True)
class Draft:
    """A figure before its verdict.

    Attributes
    ----------
    value, variance
        The figure and its sampling variance; `interval` replaces the normal interval.
    reference
        What a fresh real sample scores; `expected` is its mean by theory if that is known better.
    noise
        Half-width of a fresh real sample's scatter around `expected`.
    p_worse, p_better
        Probability that a fresh real sample is this bad, or this good.
    """

    measure: Measure
    value: float
    variance: float
    n: int
    reference: float | None = None
    noise: float | None = None
    p_worse: float = 1.0
    p_better: float = 1.0
    columns: tuple[str, ...] = ()
    group: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    interval: tuple[float, float] | None = None


def judge(family: Family, drafts: Sequence[Draft]) -> list[Result]:
    """Turn drafts into results.

    Over all drafts of one name, "worse" and "better" together hold the false discovery rate at 5%
    (Benjamini-Hochberg). A verdict needs both: chance excluded, and on that side of the reference.
    """
    results: dict[int, Result] = {}
    for name in dict.fromkeys(d.measure.name for d in drafts):
        mine = [i for i, d in enumerate(drafts) if d.measure.name == name]
        worse = adjust(np.nan_to_num([drafts[i].p_worse for i in mine], nan=1.0))
        better = adjust(np.nan_to_num([drafts[i].p_better for i in mine], nan=1.0))
        for i, w, b in zip(mine, worse, better, strict=True):
            results[i] = _result(family, drafts[i], float(w), float(b))
    return [results[i] for i in range(len(drafts))]


def _result(family: Family, d: Draft, worse: float, better: float) -> Result:
    m = d.measure
    known = (d.value, d.variance, d.reference or 0.0, d.noise or 0.0, *(d.interval or ()))
    if not all(map(math.isfinite, known)):
        reason = "undefined for these values (constant, or too large)"
        return refuse(family, m, reason, columns=d.columns)
    low, high = d.interval or normal_interval(d.value, d.variance, m.low, m.high)
    verdict: Verdict | None = None
    if d.noise is not None and d.reference is not None:
        verdict = "within_noise"
        # one-sided tests share the 5% between "worse" and "better", as `noise` does
        limit = FALSE_DISCOVERIES if m.direction == "target" else FALSE_DISCOVERIES / 2
        if worse <= limit and _bad(d) > 0:
            verdict = "worse"
        elif better <= limit and _bad(d) < 0:
            verdict = "better"
    return Result(
        family=family,
        name=m.name,
        columns=d.columns,
        group=d.group,
        params={"interval": "analytic", **d.params, "q_worse": round(worse, 6)},
        estimate=Estimate(d.value, min(low, d.value), max(high, d.value), d.n),
        reference=d.reference,
        noise=d.noise,
        direction=m.direction,
        verdict=verdict,
    )


def _bad(d: Draft) -> float:
    """How far on the bad side of the reference; for a target, how far beyond its distance."""
    reference = d.reference or 0.0
    if d.measure.direction == "lower":
        return d.value - reference
    if d.measure.direction == "higher":
        return reference - d.value
    centre = float(d.params.get("target", 0.0))
    return abs(d.value - centre) - abs(reference - centre)


def refuse(
    family: Family,
    measure: Measure,
    reason: str,
    *,
    columns: tuple[str, ...] = (),
    params: Mapping[str, Any] | None = None,
) -> Result:
    """Return a result that says why there is no figure."""
    return Result(
        family=family,
        name=measure.name,
        columns=columns,
        params=dict(params or {}),
        direction=measure.direction,
        status="not_applicable",
        reason=reason,
    )


def above(z: float) -> float:
    """Return P(Z >= z) of a standard normal."""
    side = two_sided(z) / 2
    return side if z > 0 else 1 - side


def half_width(variance: float) -> float:
    """Half-width of the 95% range of a normal with this variance."""
    return Z95 * math.sqrt(max(variance, 0.0))
