"""Figures: what a measure is, an estimate with its interval, a result of report.json, a metric."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from string import Formatter
from typing import Any, ClassVar, Literal, Protocol, Self, runtime_checkable

__all__ = [
    "BEYOND",
    "GUESS",
    "LEAN",
    "Direction",
    "Estimate",
    "Family",
    "Measure",
    "Metric",
    "Result",
    "Unit",
    "Verdict",
]

Family = Literal["fidelity", "diversity", "utility", "integrity", "fairness", "privacy"]
Direction = Literal["higher", "lower", "target"]
Status = Literal["ok", "not_applicable", "failed"]
Verdict = Literal["within_noise", "worse", "better"]
Unit = Literal["share", "number"]

_FRESH = ("worse than fresh real rows", "like fresh real rows", "better than fresh real rows")
_EVEN = "even, as for fresh real rows"
_NO_MORE = "no more than of people set aside"
LEAN = ("leans towards the train data", _EVEN, _EVEN)
BEYOND = ("more than of people set aside", _NO_MORE, _NO_MORE)
GUESS = ("above guessing", "no better than guessing", "no better than guessing")

_FIELDS = frozenset(
    {
        *("title", "columns", "part", "group", "outcome", "kind", "value", "before", "after"),
        *("reference", "excess", "noise", "params"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What a figure is, said once: report, terminal, gates, problems and `docs/metrics.md` read it.

    A metric lists its measures in ``measures``; results have their names. What is not declared
    still appears, under its name.

    Attributes
    ----------
    name
        Name of the results, as in report.json.
    title, meaning
        What it asks, and how the figure is read, in plain words.
    unit
        A share is shown as a percentage.
    direction
        Which way is good; ``"target"``: the reference is.
    low, high
        Range of the values.
    formula, source
        Definition, and where it comes from.
    reference
        Whose figure it is held against.
    goal
        Which way is good in words, where the direction does not say it.
    standing
        The verdicts "worse", "within_noise" and "better" in words.
    problem
        The sentence of a problem, a format string with any of ``{title} {columns} {group} {value}
        {reference} {excess} {noise}``, ``{params[...]}``, of a difference ``{kind} {before}
        {after} {outcome}`` ("many" or "few", train's share, the release's, target and class) and
        ``{part}`` (of the columns); shares are written in points: ``{value}%``. A measure without
        one is never a problem by itself: another one of the same thing is.
    gate
        Whether a bound may be put on it in gates.yaml.
    leak
        Whether it is what an attack gets right of people in the train data beyond others.
    diagnostic
        A warning light, of which no verdict is made.
    anchors, least
        Values that always lie on its axis, so that a small difference does not look large, and the
        axis's shortest length.
    """

    name: str
    title: str = ""
    meaning: str = ""
    unit: Unit = "number"
    direction: Direction = "lower"
    low: float = 0.0
    high: float = 1.0
    formula: str = ""
    source: str = ""
    reference: str = "fresh real rows"
    goal: str = ""
    standing: tuple[str, str, str] = _FRESH
    problem: str = ""
    gate: bool = True
    leak: bool = False
    diagnostic: bool = False
    anchors: tuple[float, ...] = (0.0,)
    least: float = 0.0

    def __post_init__(self) -> None:
        named = {f.partition("[")[0] for _, f, _, _ in Formatter().parse(self.problem) if f}
        if not self.name or not named <= _FIELDS:
            raise ValueError(f"a measure has a name, and a problem's fields are {sorted(_FIELDS)}")

    def stands(self, verdict: Verdict) -> str:
        """Return a verdict in words."""
        return self.standing[("worse", "within_noise", "better").index(verdict)]


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
    table
        Which table of a data set it is of; None where there is one.
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
    table: str | None = None

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
            **({} if self.table is None else {"table": self.table}),
        }

    def replace(self, **changes: Any) -> Self:
        """Return a copy with these fields changed."""
        return replace(self, **changes)


@runtime_checkable
class Metric(Protocol):
    """Maps `twinset.evidence.evidence.Evidence` to results; it never raises on data.

    It declares what its results are in ``measures``, a tuple of `Measure`; a metric that does not
    declare a result's name has it shown under that name, without gate or problem.
    """

    name: ClassVar[str]
    family: ClassVar[Family]

    def measure(self, evidence: Any) -> Sequence[Result]:
        """Measure the release that `evidence` describes."""
        ...
