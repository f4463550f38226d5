"""The nouns that rooms hand to each other, as small call protocols.

`Generator.fit(table) -> Model`, `Model.sample(given) -> Table`; a `Metric` maps evidence to
results; an `Attack` maps records to scores; a `Result` holds one measure with its `Estimate`.
Conforming classes are one file each in `generators/`, `metrics/` and `attacks/`, held to their
promises by `twinset.checks`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from twinset.table.table import Table

__all__ = [
    "Attack",
    "AttributeAttack",
    "Completed",
    "Completes",
    "Direction",
    "Estimate",
    "Family",
    "Generator",
    "LinkageAttack",
    "Metric",
    "Model",
    "Predicates",
    "Records",
    "Result",
    "Screen",
    "Screens",
    "ShadowAttack",
    "SinglingOutAttack",
    "State",
    "ThreatModel",
    "Verdict",
]

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


State = dict[str, npt.NDArray[Any] | str | int | float | bool | list[Any] | dict[str, Any] | None]


@runtime_checkable
class Model(Protocol):
    """A fitted generator."""

    def sample(self, given: int | Table, *, rng: np.random.Generator) -> Table:
        """Draw rows.

        `given` is a number of rows or a table of partly known rows: some of the learnable columns,
        null where unknown in a row; one output row per given row, known cells unchanged.
        """
        ...

    def to_state(self) -> State:
        """Return everything needed to sample, as arrays and JSON values (no code, no pickle)."""
        ...


@dataclass(frozen=True)
class Completed:
    """Rows that complete partly known ones, and how true they are to the model.

    Attributes
    ----------
    method
        ``"exact"`` if the model draws from its own distribution given the known cells (at once or
        by rejection), ``"importance"`` if rows are picked among weighted candidates (Rubin 1987),
        ``"direct"`` if nothing was known, ``"given"`` if the model does not say.
    effective
        How many independent rows the table is worth: with importance weights w of the candidates,
        their effective sample size (sum w)^2 / sum w^2 (Kish 1965), at most the number of rows.
    acceptance
        Share of the candidates that rejection keeps.
    saved
        Share of the cells that did not have to be drawn, since their rows had failed before.
    """

    table: Table
    method: Literal["direct", "exact", "importance", "given"]
    effective: float | None
    acceptance: float = 1.0
    saved: float = 0.0


@runtime_checkable
class Completes(Protocol):
    """A model that can say how it met a condition; not every `Model` needs to."""

    def complete(self, given: Table, *, rng: np.random.Generator) -> Completed:
        """Draw the rows that ``Model.sample(given)`` draws, and say how."""
        ...


@dataclass(frozen=True)
class Screen:
    """A test of rows that needs some columns only: `passes` maps a learnable table of them."""

    columns: frozenset[str]
    passes: Callable[[Table], npt.NDArray[np.bool_]]


@runtime_checkable
class Screens(Protocol):
    """A model that stops drawing a row once it has failed a test; not every `Model` needs to."""

    def screened(self, n: int, screens: Sequence[Screen], *, rng: np.random.Generator) -> Completed:
        """Draw `n` rows and return those that pass all tests: the model's own distribution."""
        ...


@runtime_checkable
class Generator(Protocol):
    """A frozen configuration; `fit` never changes it and returns a new object.

    It sees only learnable columns: category, ordinal and boolean columns as dictionary-encoded
    text, number-like kinds as real on the grid `format.step` (dates as `format.date_format` says).
    A dataclass: its fields are the options that ``--set`` reaches. `leaks_on_purpose` copies rows.
    """

    name: ClassVar[str]
    leaks_on_purpose: ClassVar[bool]

    def fit(self, table: Table, *, rng: np.random.Generator, ledger: object | None = None) -> Model:
        """Learn `table`."""
        ...

    def from_state(self, state: State, table: Table) -> Model:
        """Rebuild a model from `Model.to_state`; `table` has zero rows and gives the schema."""
        ...


@runtime_checkable
class Metric(Protocol):
    """Maps `twinset.evaluation.evidence.Evidence` to results; it never raises on data."""

    name: ClassVar[str]
    family: ClassVar[Family]

    def measure(self, evidence: Any) -> Sequence[Result]:
        """Measure the release that `evidence` describes."""
        ...


def _no_values() -> npt.NDArray[np.float64]:
    return np.empty((0, 0))


@dataclass(frozen=True, eq=False)
class Records:
    """Rows as an attack sees them: one encoding and one scale for all tables of a game.

    Attributes
    ----------
    numeric
        Shape (rows, p), float32: number-like columns on a common scale, NaN where null.
    codes
        Shape (rows, q), int32: codes of discrete columns; null is a code of its own.
    numeric_names, code_names
        The columns, in order.
    values
        Shape (rows, p), float64: the numbers of `numeric` as they stand in the table, unscaled, so
        that a copied value can be told from a near one; shape (0, 0) if nobody needs them.
    """

    numeric: npt.NDArray[np.float32]
    codes: npt.NDArray[np.int32]
    numeric_names: tuple[str, ...] = ()
    code_names: tuple[str, ...] = ()
    values: npt.NDArray[np.float64] = field(default_factory=_no_values)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.numeric)

    def take(self, rows: npt.NDArray[Any]) -> Records:
        """Rows at these positions, or where a mask is true."""
        values = self.values[rows] if self.values.size else self.values
        return replace(self, numeric=self.numeric[rows], codes=self.codes[rows], values=values)


@dataclass(frozen=True)
class ThreatModel:
    """What an adversary knows and wants; an attack states the least it needs.

    Attributes
    ----------
    data
        Nothing beside the release, other rows of the same population, or all of the train table
        but what is attacked.
    generator
        Nothing, can run it, can run it but not with its parameters, or has the fitted model.
    goal
        Who was in, an unknown column, which rows belong together, a description that fits one
        person, or everybody's unknown column at once.
    neighbours
        Which tables the attack tells apart: a unit added or removed, or replaced by another.
    release
        What is published: one synthetic table, several, or one with the model or with figures.
    """

    data: Literal["none", "auxiliary", "exact"] = "auxiliary"
    generator: Literal["no-box", "black-box", "uncertain-box", "white-box"] = "no-box"
    goal: Literal["membership", "attribute", "linkage", "singling_out", "reconstruction"] = (
        "membership"
    )
    neighbours: Literal["replace", "add_remove"] = "replace"
    release: Literal["once", "several", "with_model", "with_metrics"] = "once"


@runtime_checkable
class Attack(Protocol):
    """Scores targets; it never chooses a threshold: the auditor does."""

    name: ClassVar[str]
    threat_model: ClassVar[ThreatModel]

    def score(
        self,
        targets: Records,
        release: Records,
        *,
        auxiliary: Records | None,
        rng: np.random.Generator,
    ) -> npt.NDArray[np.float64]:
        """Return shape (targets,): higher means more likely a member.

        Neither the release nor the auxiliary rows are ever empty; without the latter it is None.
        """
        ...


@runtime_checkable
class AttributeAttack(Protocol):
    """Guesses an unknown column of people whose other columns it knows (also reconstruction)."""

    name: ClassVar[str]
    threat_model: ClassVar[ThreatModel]

    def guess(
        self,
        known: Records,
        release: Records,
        secret: npt.NDArray[np.int64],
        levels: int,
        *,
        rng: np.random.Generator,
    ) -> npt.NDArray[np.float64]:
        """Return shape (targets, levels): how likely each level of the secret is.

        `known` and `release` lack the secret column; `secret`, shape (rows of `release`,), holds
        its levels there, 0 .. levels - 1.
        """
        ...


@runtime_checkable
class LinkageAttack(Protocol):
    """Joins two sources about the same people, which share no column, through the release."""

    name: ClassVar[str]
    threat_model: ClassVar[ThreatModel]

    def link(
        self,
        left: Records,
        right: Records,
        release_left: Records,
        release_right: Records,
        *,
        rng: np.random.Generator,
    ) -> npt.NDArray[np.float64]:
        """Return shape (left, right): how likely each pair of rows is one person."""
        ...


@dataclass(frozen=True, eq=False)
class Predicates:
    """Conjunctions of ``low <= value <= high``, one a row; unused places hold column -1.

    Columns count the numbers of `Records.values` first, then its codes; all arrays have shape
    (predicates, width).
    """

    columns: npt.NDArray[np.int64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of predicates."""
        return len(self.columns)


@runtime_checkable
class SinglingOutAttack(Protocol):
    """Writes down descriptions that it thinks fit exactly one person of the train table."""

    name: ClassVar[str]
    threat_model: ClassVar[ThreatModel]

    def predicates(
        self, release: Records, columns: Sequence[int], number: int, *, rng: np.random.Generator
    ) -> Predicates:
        """Return at most `number` predicates on some of `columns`."""
        ...


@runtime_checkable
class ShadowAttack(Protocol):
    """Learns from shadow models, fitted with and without the targets, what a target changes.

    It says what a release is reduced to; the audit fits the shadow models once for all attacks,
    keeps these numbers only, and learns from them by `learner`: ``"ridge"`` (screened ridge
    regression), ``"likelihood"`` (ratio of two normal densities, in and out) or ``"offline"``
    (the normal distribution of fits without the target alone). An attack with the fitted model has
    ``weigh(targets, train)`` instead: log probabilities of both, to shape (targets, k).
    """

    name: ClassVar[str]
    threat_model: ClassVar[ThreatModel]
    learner: ClassVar[Literal["ridge", "likelihood", "offline"]]

    def describe(
        self, targets: Records, release: Records, *, auxiliary: Records
    ) -> npt.NDArray[np.float32]:
        """Return shape (targets, k), or (1, k) if the numbers are the same for all targets.

        k depends on `targets` and `auxiliary` (the adversary's rows, the same for all fits) alone.
        """
        ...
