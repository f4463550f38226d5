"""What is learned of train people beyond what is learned of others: comparisons to results.

What an attack gets right of people who are not in the train table is inference about the
population, which any useful release allows; only what it gets right beyond that of train people is
a leak: ``(p_train - p_holdout) / (1 - p_holdout)``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from scipy import stats

from twinset.arrays import Floats
from twinset.auditing.auditor import corrected, unknown
from twinset.auditing.game import LEAST
from twinset.auditing.threats import describe
from twinset.protocols import Estimate, Result, ThreatModel
from twinset.protocols.measures import Status
from twinset.stats.intervals import wilson

__all__ = ["Leak", "Successes", "leaks"]


_NAMES = {
    "attribute": "attribute_leak",
    "reconstruction": "reconstruction_leak",
    "linkage": "linkability_leak",
    "singling_out": "singling_out_leak",
}
_FEW = f"it says something of fewer than {LEAST} people on one side"
_CONFIDENCE = 0.95


@dataclass(frozen=True, eq=False)
class Successes:
    """Successes of one attack, each in [0, 1]: on train people and on as many others.

    `guess` is what one gets right who does not look at the release. What stands `aside` is a point
    of a curve: it is not judged. Nor is a `diagnostic`: its figure is the plain difference.
    """

    attack: str
    threat_model: ThreatModel
    columns: tuple[str, ...]
    train: Floats
    holdout: Floats
    guess: float | None
    params: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    reason: str = ""
    aside: bool = False
    diagnostic: bool = False

    @property
    def name(self) -> str:
        """Name of the attack."""
        return self.attack

    @property
    def judged(self) -> bool:
        """Whether the verdict looks at it."""
        return not (self.aside or self.diagnostic)


@dataclass(frozen=True)
class Leak:
    """A result, and whether it makes the verdict "No": the gap is beyond the margin and chance."""

    result: Result
    serious: bool


def leaks(found: Sequence[Successes], margin: float) -> list[Leak]:
    """Turn comparisons into results; judgements hold for all of them at once (Bonferroni)."""
    tests = max(len([c for c in found if c.judged]), 1)
    return [_leak(c, margin, 1 - (1 - _CONFIDENCE) / tests) for c in found]


def _leak(c: Successes, margin: float, sure: float) -> Leak:
    name = f"{c.attack}_difference" if c.diagnostic else _NAMES[c.threat_model.goal]
    about = {"attack": c.attack, "threat_model": describe(c.threat_model), **c.params}
    if c.reason or min(len(c.train), len(c.holdout)) < (LEAST if c.diagnostic else 1):
        reason = c.reason or (_FEW if c.diagnostic else "no guesses could be made")
        status: Status = "failed" if c.reason else "not_applicable"
        of = {"columns": c.columns, "params": about, "seconds": c.seconds}
        return Leak(unknown(name, reason, status, **of), False)
    p, q = float(c.train.mean()), float(c.holdout.mean())
    left = 1.0 if c.diagnostic else max(1 - q, 1 / (len(c.holdout) + 1))
    low, high = (side / left for side in _difference(c, _CONFIDENCE))
    sure_low, sure_high = _difference(c, sure)
    shown = sure_low > 0 and c.judged
    wide = {} if c.diagnostic else corrected(sure_low / left, min(sure_high / left, 1.0))
    guess = None if c.guess is None else round(c.guess, 4)
    shares = {"of_train": round(p, 4), "of_holdout": round(q, 4), "of_guess": guess}
    result = Result(
        family="privacy",
        name=name,
        columns=c.columns,
        params={**about, **shares, "people": [len(c.train), len(c.holdout)]} | wide,
        estimate=Estimate((p - q) / left, low, min(high, 1.0), len(c.train), _CONFIDENCE),
        reference=0.0,
        verdict=("worse" if shown else "within_noise") if c.judged else None,
        seconds=c.seconds,
    )
    return Leak(result, shown and sure_low > margin)


def _difference(c: Successes, confidence: float) -> tuple[float, float]:
    """Interval of p_train - p_holdout (Newcombe 1998, method 10)."""
    z = float(stats.norm.ppf((1 + confidence) / 2))
    (p, n), (q, m) = ((float(s.mean()), len(s)) for s in (c.train, c.holdout))
    (p_low, p_high), (q_low, q_high) = wilson(p * n, n, z), wilson(q * m, m, z)
    return p - q - math.hypot(p - p_low, q_high - q), p - q + math.hypot(p_high - p, q - q_low)
