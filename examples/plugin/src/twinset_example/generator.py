"""Quantiles: each number from its quantile curve, each category from its frequencies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.errors import InputError
from twinset.protocols import State
from twinset.stats.seeds import spawn
from twinset.table.schema import Column, Kind
from twinset.table.table import Table, numbers

__all__ = ["Quantiles", "QuantilesModel"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Quantiles:
    """Each column by itself: numbers from a straight-line quantile curve, categories as frequent.

    A number is drawn by inversion (Devroye 1986, Non-Uniform Random Variate Generation, II.2), so
    that no value of a train row is passed on unless many rows share it. Codes such as -9 or 999 in
    a number column are taken for numbers: a fuller generator would give them a frequency each.

    Parameters
    ----------
    points
        Points of the curve; fewer are smoother and say less of single rows.
    """

    name: ClassVar[str] = "quantiles"
    leaks_on_purpose: ClassVar[bool] = False

    points: int = 101

    def __post_init__(self) -> None:
        if self.points < 2:
            raise InputError(
                "option points of quantiles", got=str(self.points), allowed="2 or more"
            )

    def fit(
        self, table: Table, *, rng: np.random.Generator, ledger: object | None = None
    ) -> QuantilesModel:
        """Learn the share of nulls and the curve or frequencies of each column."""
        curves = tuple(self._curve(table[c.name], c) for c in table.schema.columns)
        nulls = [table[c].null_count / table.num_rows for c in table.names]
        return QuantilesModel(table.take(np.arange(0)), curves, np.array(nulls))

    def _curve(self, data: pa.ChunkedArray, column: Column) -> Floats:
        known = data.drop_null()
        if len(known) == 0:
            return np.zeros(0)
        if column.kind is Kind.REAL:
            return np.quantile(numbers(known, Kind.REAL), np.linspace(0, 1, self.points))
        place = pa.compute.index_in(known.cast(pa.string()), pa.array(column.categories))
        count = np.bincount(place.to_numpy(), minlength=len(column.categories or ()))
        return np.asarray(count / count.sum())

    def from_state(self, state: State, table: Table) -> QuantilesModel:
        """Rebuild from `QuantilesModel.to_state`; `table` has no rows and gives the schema."""
        curves: Any = state["curves"]
        return QuantilesModel(table, tuple(curves), np.asarray(state["nulls"]))


@dataclass(frozen=True, eq=False)
class QuantilesModel:
    """What was learned; `empty` is the train table without rows."""

    empty: Table
    curves: tuple[Floats, ...]
    nulls: Floats

    def sample(self, given: int | Table, *, rng: np.random.Generator) -> Table:
        """Draw rows; known cells of `given` stay, the others do not depend on them."""
        n = given.num_rows if isinstance(given, Table) else given
        columns = self.empty.schema.columns
        arrays = []
        for i, (column, own) in enumerate(zip(columns, spawn(rng, len(columns)), strict=True)):
            drawn = self._column(i, n, own)
            if isinstance(given, Table) and column.name in given.schema:
                drawn = pa.compute.coalesce(given[column.name].combine_chunks(), drawn)
            arrays.append(drawn)
        return Table(self.empty.schema, pa.table(arrays, names=list(self.empty.names)))

    def _column(self, i: int, n: int, rng: np.random.Generator) -> pa.Array:
        column, curve = self.empty.schema.columns[i], self.curves[i]
        null = rng.random(n) < (self.nulls[i] if len(curve) else 1)
        if column.kind is Kind.REAL:
            values = np.zeros(n)
            if len(curve):
                values = np.interp(rng.random(n), np.linspace(0, 1, len(curve)), curve)
            step, low = column.format.step, column.low or 0.0
            if step:
                values = np.round(low + np.round((values - low) / step) * step, 10)
            return pa.array(np.clip(values, column.low, column.high), mask=null)
        codes = rng.choice(len(curve), n, p=curve) if len(curve) else np.zeros(n)
        indices = pa.array(codes.astype(np.int32), mask=null)
        levels = pa.array(column.categories or (), pa.string())
        return pa.DictionaryArray.from_arrays(indices, levels)

    def to_state(self) -> State:
        """Everything needed to sample: arrays only."""
        return {"curves": list(self.curves), "nulls": self.nulls}
