"""Figures: an estimate with its interval, a result as it stands in report.json, and a metric."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Protocol, Self, runtime_checkable

__all__ = ["Direction", "Estimate", "Family", "Metric", "Result", "Verdict"]

Family = Literal["fidelity", "diversity", "utility", "integrity", "fairness", "privacy"]
Direction = Literal["higher", "lower", "target"]
Status = Literal["ok", "not_applicable", "failed"]
Verdict = Literal["within_noise", "worse", "better"]


@dataclass(frozen=True)
class Estimate:
    """A figure and its interval: `value` in [`low`, `high`] at `confidence`, from `n` units."""

    value: float
    low: float
    high: float
    n: int
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.value, self.low, self.high))):
            raise ValueError("an estimate is finite; use a status for what cannot be computed")


@dataclass(frozen=True)
class Result:
    """One measure of one release, as it stands in report.json.

    Attributes
    ----------
    reference
        The same measure of the holdout at equal sizes: what a fresh real sample scores.
    noise
        Half-width around the reference within which a fresh real sample falls.
    direction
        Which way is good; with ``"target"`` the reference itself is.
    verdict
        Where the value stands against the reference and its noise, corrected for multiplicity.
    """

    family: Family
    name: str
    columns: tuple[str, ...] = ()
    group: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    estimate: Estimate | None = None
    reference: float | None = None
    noise: float | None = None
    direction: Direction = "lower"
    status: Status = "ok"
    reason: str | None = None
    verdict: Verdict | None = None
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if (self.status == "ok") == (self.estimate is None):
            raise ValueError("a result has an estimate exactly if its status is ok")
        if self.status != "ok" and not self.reason:
            raise ValueError("a result without an estimate gives a reason")

    @property
    def value(self) -> float | None:
        """The figure, or None if it could not be computed."""
        return None if self.estimate is None else self.estimate.value

    def to_dict(self) -> dict[str, Any]:
        """Flat JSON form, as DESIGN of report.json says."""
        e = self.estimate
        return {
            "family": self.family,
            "name": self.name,
            "columns": list(self.columns),
            "group": self.group,
            "params": dict(self.params),
            "value": e and e.value,
            "low": e and e.low,
            "high": e and e.high,
            "confidence": e and e.confidence,
            "n": e and e.n,
            "reference": self.reference,
            "noise": self.noise,
            "direction": self.direction,
            "status": self.status,
            "reason": self.reason,
            "verdict": self.verdict,
            "seconds": round(self.seconds, 4),
        }

    def replace(self, **changes: Any) -> Self:
        """Return a copy with these fields changed."""
        return replace(self, **changes)


@runtime_checkable
class Metric(Protocol):
    """Maps `twinset.evidence.evidence.Evidence` to results; it never raises on data."""

    name: ClassVar[str]
    family: ClassVar[Family]

    def measure(self, evidence: Any) -> Sequence[Result]:
        """Measure the release that `evidence` describes."""
        ...
