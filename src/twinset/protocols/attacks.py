"""Attacks: what they see, what they know and want, and what each kind of them returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

__all__ = [
    "Attack",
    "AttributeAttack",
    "LinkageAttack",
    "Predicates",
    "Records",
    "Rng",
    "Scores",
    "ShadowAttack",
    "SinglingOutAttack",
    "ThreatModel",
]

Rng = np.random.Generator
Scores = npt.NDArray[np.float64]


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
    """Scores targets; it never chooses a threshold: the auditor does.

    This and every other kind of attack may declare, as class attributes: ``title`` and ``meaning``
    (how reports call it and what it does, in plain words; else its name and the first line of its
    docstring), ``leak`` (what its control plants and a verdict names: ``"row"`` unless given) and
    ``diagnostic`` (true: measured, without a verdict).
    """

    name: ClassVar[str]
    threat_model: ClassVar[ThreatModel]

    def score(
        self, targets: Records, release: Records, *, auxiliary: Records | None, rng: Rng
    ) -> Scores:
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
        rng: Rng,
    ) -> Scores:
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
        rng: Rng,
    ) -> Scores:
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
        self, release: Records, columns: Sequence[int], number: int, *, rng: Rng
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
