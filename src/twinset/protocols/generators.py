"""Generators, the models that they fit, and what a model can do beside drawing free rows.

`sample(n)` is all that a model must have. `Conditional`, `Screened` and `Density` are capabilities:
a model declares one by naming it among its bases, ``twinset list generators`` shows it, and
`twinset.checks` hold what it claims to be exact against rejection from free rows. What a model does
not declare, `twinset.sampling` does for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinset.protocols.context import FitContext
from twinset.table.table import Table

__all__ = [
    "CAPABILITIES",
    "Conditional",
    "Density",
    "Generator",
    "Model",
    "PartialRows",
    "RowTest",
    "Sample",
    "Screened",
    "State",
    "capabilities",
]

Mask = npt.NDArray[np.bool_]
State = dict[str, npt.NDArray[Any] | str | int | float | bool | list[Any] | dict[str, Any] | None]
Method = Literal[
    "direct", "exact", "rejection", "importance", "approximate", "given", "shares", "exemplars"
]


@dataclass(frozen=True)
class Sample:
    """Rows, and how true they are to the model.

    Attributes
    ----------
    method
        ``"direct"``: nothing was asked of the rows. ``"exact"``: the model's own distribution given
        what was asked, at once or by rejection inside the model; ``"rejection"``: rows that do not
        meet a condition were thrown away; ``"importance"``: rows were picked among weighted
        candidates (Rubin 1987); ``"approximate"``: the nearest of a pool of free rows lent their
        other cells; ``"given"``: the model does not say. ``"shares"`` and ``"exemplars"``: as asked
        for, each row being one that the model has drawn.
    acceptance
        Share of the candidates that were kept.
    effective_size
        How many independent rows the table is worth: with importance weights w of the candidates,
        (sum w)^2 / sum w^2 (Kish 1965), at most the number of rows; None if the model does not say.
    drawn
        Candidates, where tests were to be met; 0 if the table holds all that was drawn.
    saved
        Share of the cells that did not have to be drawn, since their rows had failed before.
    rules
        What it cost to keep the twin's rules (`twinset.rules.enforce.Cost`); None without rules.
    """

    table: Table
    method: Method = "direct"
    acceptance: float = 1.0
    effective_size: float | None = None
    drawn: int = 0
    saved: float = 0.0
    rules: Any = None


@dataclass(frozen=True, eq=False)
class PartialRows:
    """Partly known rows in learnable form.

    Attributes
    ----------
    table
        Some of the learnable columns; a cell that is not known is null.
    known
        For each of these columns which cells are known, shape (rows,): a known null is null.
    """

    table: Table
    known: Mapping[str, Mask]

    @classmethod
    def of(cls, table: Table) -> PartialRows:
        """Rows in which every null is unknown."""
        return cls(table, {n: np.asarray(table[n].is_valid()) for n in table.names})

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return self.table.num_rows

    def take(self, rows: npt.NDArray[np.int64]) -> PartialRows:
        """Rows at these places."""
        return PartialRows(self.table.take(rows), {n: k[rows] for n, k in self.known.items()})

    def into(self, table: Table) -> Table:
        """Return `table` with the known cells put into it."""
        data = table.data
        for name, known in self.known.items():
            cells = self.table.data[name].combine_chunks()
            chosen = pc.coalesce(cells, data[name].combine_chunks())
            null = known & np.asarray(cells.is_null())
            if null.any():
                chosen = _emptied(chosen, null)
            data = data.set_column(data.column_names.index(name), name, chosen)
        return Table(table.schema, data)


def _emptied(cells: pa.Array, where: Mask) -> pa.Array:
    """Return cells that are null in some places."""
    if not pa.types.is_dictionary(cells.type):
        return pc.if_else(pa.array(where), pa.scalar(None, cells.type), cells)
    indices = pc.if_else(pa.array(where), pa.scalar(None, pa.int32()), cells.indices)
    return pa.DictionaryArray.from_arrays(indices, cells.dictionary)


@dataclass(frozen=True)
class RowTest:
    """A row for which `passes` is false is of no use; `passes` needs a table of `columns` only.

    `ends` holds, for columns of numbers, all values at which the answer may change; of a number
    that is not in it nothing is known.
    """

    columns: tuple[str, ...]
    passes: Callable[[Table], Mask]
    ends: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


@runtime_checkable
class Model(Protocol):
    """A fitted generator."""

    def sample(self, n: int, *, rng: np.random.Generator) -> Table:
        """Draw `n` rows: all learnable columns, in their order."""
        ...

    def to_state(self) -> State:
        """Return everything needed to sample, as arrays and JSON values (no code, no pickle)."""
        ...


@runtime_checkable
class Conditional(Protocol):
    """A model that completes partly known rows: `given`, imputation, parents of rows."""

    def complete(self, rows: PartialRows, *, rng: np.random.Generator) -> Sample:
        """Draw one row for each of `rows`, known cells unchanged, and say how.

        A method ``"exact"`` promises the model's own distribution given the known cells.
        """
        ...


@runtime_checkable
class Screened(Protocol):
    """A model that meets tests as it draws a row: `where`, rules."""

    def screened(self, n: int, tests: Sequence[RowTest], *, rng: np.random.Generator) -> Sample:
        """Draw `n` rows that pass all tests, in the model's own distribution; fewer if too rare."""
        ...


@runtime_checkable
class Density(Protocol):
    """A model that tells how probable a row is."""

    def log_prob(self, table: Table) -> npt.NDArray[np.float64]:
        """Shape (rows,): log probability (or density) of complete rows."""
        ...


CAPABILITIES: dict[str, type[Any]] = {
    "given": Conditional,
    "where": Screened,
    "log_prob": Density,
}
"""What a model may declare, by the word that users know."""


def capabilities(model: type[Any]) -> tuple[str, ...]:
    """Words of the capabilities that a class of models declares.

    >>> from twinset.protocols import Density, capabilities
    >>> class Dice(Density): ...
    >>> capabilities(Dice)
    ('log_prob',)
    """
    return tuple(word for word, kind in CAPABILITIES.items() if kind in model.__mro__)


@runtime_checkable
class Generator(Protocol):
    """A frozen configuration; `fit` never changes it and returns a new object.

    It sees only learnable columns: category, ordinal and boolean columns as dictionary-encoded
    text, number-like kinds as real on the grid `format.step` (dates as `format.date_format` says).
    A dataclass: its fields are the options that ``--set`` reaches. Name `Generator` as its base to
    have the defaults of what it declares.

    Attributes
    ----------
    name
        Its registered name.
    model
        Class of what `fit` returns; its bases say what it can do.
    leaks_on_purpose
        It copies rows.
    private_noise
        Its noise comes from the operating system, not from the seed: fits differ.
    """

    name: ClassVar[str]
    model: ClassVar[type[Any]]
    leaks_on_purpose: ClassVar[bool] = False
    private_noise: ClassVar[bool] = False

    def fit(self, table: Table, *, context: FitContext) -> Model:
        """Learn `table`; random numbers, workers and the ledger come with the context."""
        ...

    def from_state(self, state: State, table: Table) -> Model:
        """Rebuild a model from `Model.to_state`; `table` has zero rows and gives the schema."""
        ...
