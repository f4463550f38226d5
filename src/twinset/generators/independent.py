"""Independent marginals: each column by itself, smoothed, no donor values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.encoding.bins import Discretizer, fit_discretizer
from twinset.protocols import Conditional, FitContext, Generator, PartialRows, Sample, State
from twinset.stats.seeds import spawn
from twinset.stats.units import even_counts
from twinset.table.schema import Role
from twinset.table.table import Table

__all__ = ["Independent", "IndependentModel"]


@dataclass(frozen=True, eq=False)
class IndependentModel(Conditional):
    """Shares of codes; `empty` is the train table without rows."""

    empty: Table
    coders: tuple[Discretizer, ...]
    shares: tuple[npt.NDArray[np.float64], ...]

    def sample(self, n: int, *, rng: np.random.Generator) -> Table:
        """Draw `n` rows."""
        arrays = []
        for coder, share, own in zip(
            self.coders, self.shares, spawn(rng, len(self.coders)), strict=True
        ):
            if coder.column.role is Role.CONTEXT:
                share = np.eye(coder.size)[0]  # any: its cells are given
            codes = own.choice(coder.size, size=n, p=share).astype(np.int32)
            arrays.append(coder.decode(codes, own))
        names = list(self.empty.names)
        return Table(self.empty.schema, pa.table(arrays, names=names))

    def complete(self, rows: PartialRows, *, rng: np.random.Generator) -> Sample:
        """Put known cells into free rows: exact, since no column depends on another."""
        n = rows.num_rows
        return Sample(rows.into(self.sample(n, rng=rng)), "exact", effective_size=n)

    def to_state(self) -> State:
        """Codes and shares."""
        pairs = zip(self.coders, self.shares, strict=True)
        return {"columns": [{"coder": c.to_state(), "shares": s} for c, s in pairs]}


@dataclass(frozen=True)
class Independent(Generator):
    """Each column drawn by itself from its smoothed marginal: no dependence, the lower bound.

    Numbers come from intervals and atoms (`twinset.encoding.bins`), never from donors: independent
    columns that release exact values are attacked with an AUC near 1.

    Parameters
    ----------
    bins
        Intervals of equal mass for a number.
    atom
        Least units that must share a number for it to be released as it is.
    """

    name: ClassVar[str] = "independent"
    model: ClassVar[type[Any]] = IndependentModel

    bins: int = 100
    atom: int = 10

    def fit(self, table: Table, *, context: FitContext) -> IndependentModel:
        """Count the codes of each column."""
        coders, shares = [], []
        for column in table.schema.columns:
            coder = fit_discretizer(
                column, table[column.name], table.units, bins=self.bins, atom=self.atom
            )
            codes = coder.encode(table[column.name])
            count = even_counts(codes, table.units, coder.size, ordered=coder.ordered)
            coders.append(coder)
            shares.append(count / count.sum())
        return IndependentModel(table.take(np.arange(0)), tuple(coders), tuple(shares))

    def from_state(self, state: State, table: Table) -> IndependentModel:
        """Rebuild from `IndependentModel.to_state`."""
        columns: Any = state["columns"]
        coders = tuple(
            Discretizer.from_state(s["coder"], c)
            for s, c in zip(columns, table.schema.columns, strict=True)
        )
        return IndependentModel(table, coders, tuple(s["shares"] for s in columns))
