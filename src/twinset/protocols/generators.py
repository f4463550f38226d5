"""Generators and the models that they fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from twinset.table.table import Table

__all__ = ["Completed", "Completes", "Generator", "Model", "Screen", "Screens", "State"]

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
    drawn
        Candidates, where tests were to be met; 0 if the table holds all that was drawn.
    """

    table: Table
    method: Literal["direct", "exact", "importance", "given"]
    effective: float | None
    acceptance: float = 1.0
    saved: float = 0.0
    drawn: int = 0


@runtime_checkable
class Completes(Protocol):
    """A model that can say how it met a condition; not every `Model` needs to."""

    def complete(self, given: Table, *, rng: np.random.Generator) -> Completed:
        """Draw the rows that ``Model.sample(given)`` draws, and say how."""
        ...


@dataclass(frozen=True)
class Screen:
    """A test of rows that needs some columns only: `passes` maps a learnable table of them.

    `ends` holds, for columns of numbers, all values at which the answer may change; of a number
    that is not in it nothing is known.
    """

    columns: frozenset[str]
    passes: Callable[[Table], npt.NDArray[np.bool_]]
    ends: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


@runtime_checkable
class Screens(Protocol):
    """A model that meets tests as it draws a row; not every `Model` needs to."""

    def screened(self, n: int, screens: Sequence[Screen], *, rng: np.random.Generator) -> Completed:
        """Draw `n` rows that pass all tests, in the model's own distribution; fewer if too rare."""
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
