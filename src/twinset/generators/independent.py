"""Independent marginals: each column by itself, smoothed, no donor values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.encoding.bins import Discretizer, fit_discretizer
from twinset.protocols import Completed, State
from twinset.stats.seeds import spawn
from twinset.stats.units import even_counts
from twinset.table.table import Table

__all__ = ["Independent", "IndependentModel"]


@dataclass(frozen=True)
class Independent:
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
    leaks_on_purpose: ClassVar[bool] = False

    bins: int = 100
    atom: int = 10

    def fit(
        self, table: Table, *, rng: np.random.Generator, ledger: object | None = None
    ) -> IndependentModel:
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


@dataclass(frozen=True, eq=False)
class IndependentModel:
    """Shares of codes; `empty` is the train table without rows."""

    empty: Table
    coders: tuple[Discretizer, ...]
    shares: tuple[npt.NDArray[np.float64], ...]

    def sample(self, given: int | Table, *, rng: np.random.Generator) -> Table:
        """Draw rows; known cells of `given` stay, the others do not depend on them."""
        n = given.num_rows if isinstance(given, Table) else given
        arrays = []
        for coder, share, own in zip(
            self.coders, self.shares, spawn(rng, len(self.coders)), strict=True
        ):
            codes = own.choice(coder.size, size=n, p=share).astype(np.int32)
            drawn = coder.decode(codes, own)
            if isinstance(given, Table) and coder.column.name in given.schema:
                drawn = pa.compute.coalesce(given[coder.column.name].combine_chunks(), drawn)
            arrays.append(drawn)
        names = list(self.empty.names)
        return Table(self.empty.schema, pa.table(arrays, names=names))

    def complete(self, given: Table, *, rng: np.random.Generator) -> Completed:
        """Draw the rows of `sample`: exact, since no column depends on another."""
        return Completed(self.sample(given, rng=rng), "exact", given.num_rows)

    def to_state(self) -> State:
        """Codes and shares."""
        pairs = zip(self.coders, self.shares, strict=True)
        return {"columns": [{"coder": c.to_state(), "shares": s} for c, s in pairs]}
