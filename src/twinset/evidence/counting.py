"""What is counted of all rows of a table, in memory or in files, by the same steps.

Counts and whole-number sums are added up over parts of the rows, so that they are equal to the
last digit wherever the rows stand.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from twinset.evidence.coded import Codes, Counts, Floats
from twinset.stats.external_sort import sort_files
from twinset.stats.units import UnitSums, count_units
from twinset.table.column_store import PIECE, Filed, Spill
from twinset.table.table import Table, column_numbers, labels

__all__ = [
    "InFiles",
    "InMemory",
    "RowValues",
    "Rows",
    "count",
    "mapped",
    "patterns",
    "present",
    "sort",
    "unit_sums",
]

_BUCKET = 2 << 20
_CACHED = 1 << 15  # rows whose codes stay in the processor's cache


class RowValues(Protocol):
    """One value a row: an array, or `Filed`."""

    def __len__(self) -> int:
        """Return the number of rows."""
        ...

    def __getitem__(self, at: slice, /) -> npt.NDArray[Any]:
        """Rows from a start to a stop."""
        ...


class Rows(Protocol):
    """All rows of a table."""

    rows: int

    @property
    def units(self) -> RowValues | None:
        """Unit of each row; None where each row is its own."""
        ...

    @property
    def num_units(self) -> int:
        """Number of units."""
        ...

    def numbers(self, name: str) -> RowValues:
        """Return a number-like column, NaN where null or infinite."""
        ...

    def labels(self, name: str) -> tuple[list[str], RowValues]:
        """Return a discrete column's levels, and the place of each row's; -1 is null."""
        ...


class InMemory:
    """The rows of a `Table`."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.rows, self.units = table.num_rows, table.units

    @property
    def num_units(self) -> int:
        """Number of units."""
        return count_units(self.units, self.rows)

    def numbers(self, name: str) -> Floats:
        """Return a number-like column, NaN where null or infinite."""
        return column_numbers(self._table, name)

    def labels(self, name: str) -> tuple[list[str], npt.NDArray[np.int64]]:
        """Return a discrete column's levels, and the place of each row's; -1 is null."""
        return labels(self._table[name])


class InFiles:
    """The rows of a `Spill`."""

    def __init__(self, spill: Spill) -> None:
        self.spill = spill
        self.rows, self.units = spill.rows, spill.units

    @property
    def num_units(self) -> int:
        """Number of units."""
        if self.units is None:
            return self.rows
        return sum(len(np.unique(u)) for (u,) in _buckets(self.units, []))

    def numbers(self, name: str) -> Filed:
        """Return a number-like column, NaN where null or infinite."""
        return self.spill.numbers(name)

    def labels(self, name: str) -> tuple[list[str], Filed]:
        """Return a discrete column's levels, and the place of each row's; -1 is null."""
        return self.spill.labels(name)


def mapped(
    column: RowValues, name: str, function: Callable[[npt.NDArray[Any]], Codes], size: int
) -> Codes | Filed:
    """Return codes below `size` of each row, where the rows are: an array, or a file."""
    dtype = np.min_scalar_type(size)
    if isinstance(column, Filed):
        return column.map(name, function, dtype)
    return function(column[:]).astype(dtype)


def sort(columns: Sequence[RowValues]) -> Floats:
    """Return the known values of some columns of one name together, sorted."""
    files = [c for c in columns if isinstance(c, Filed)]
    if len(files) == len(columns):
        first = files[0].path
        return sort_files(files, first.with_name(f"{first.name}-sorted{len(files)}"))
    values = np.concatenate([c[:] for c in columns])
    return np.sort(values[~np.isnan(values)])


def _pieces(rows: int) -> Iterator[slice]:
    for start in range(0, rows, PIECE):
        yield slice(start, start + PIECE)


def present(places: RowValues, levels: int) -> npt.NDArray[np.bool_]:
    """Return shape (levels,): which places some row has; -1 is none."""
    found = np.zeros(levels + 1, dtype=bool)
    for at in _pieces(len(places)):
        found[places[at]] = True
    return found[:levels]


def count(columns: Sequence[RowValues], shape: Sequence[int]) -> Counts:
    """Count the joint codes of some columns; shape (product of `shape`,), the last one fastest."""
    cells = math.prod(shape)
    counts = np.zeros(cells, dtype=np.int64)
    dtype = np.min_scalar_type(cells)
    for at in _pieces(len(columns[0])):
        parts = [column[at] for column in columns]
        for start in range(0, len(parts[0]), _CACHED):
            some = [part[start : start + _CACHED] for part in parts]
            index: npt.NDArray[Any] = some[0].astype(dtype)
            for codes, size in zip(some[1:], shape[1:], strict=True):
                index *= dtype.type(size)
                index += codes.astype(dtype, copy=False)
            counts += np.bincount(index, minlength=cells)
    return counts


def _buckets(
    units: RowValues, columns: Sequence[RowValues]
) -> Iterator[tuple[npt.NDArray[Any], ...]]:
    """Yield units and columns of a part of the rows; no unit is in two parts."""
    parts = max(1, math.ceil(len(units) / _BUCKET))
    for k in range(parts):
        found: list[list[npt.NDArray[Any]]] = [[] for _ in range(len(columns) + 1)]
        for at in _pieces(len(units)):
            mine = units[at] % parts == k
            for into, column in zip(found, (units, *columns), strict=True):
                into.append(column[at][mine])
        yield tuple(np.concatenate(f) if f else np.empty(0, dtype=np.int64) for f in found)


def unit_sums(codes: RowValues, units: RowValues, size: int) -> UnitSums:
    """Sum what units add to a column's codes."""
    first, *others = (UnitSums.of(c, u, size) for u, c in _buckets(units, [codes]))
    return sum(others, first)


def patterns(columns: Sequence[RowValues], nulls: Sequence[int]) -> dict[int, int]:
    """Count the patterns of which columns are null together, each a sum of 64-bit numbers."""
    factors = np.random.default_rng(5).integers(1, 2**63, len(columns), dtype=np.uint64)
    counts: Counter[int] = Counter()
    for at in _pieces(len(columns[0])):
        words = np.zeros(len(columns[0][at]), dtype=np.uint64)
        for column, code, factor in zip(columns, nulls, factors, strict=True):
            words += (column[at] == code).astype(np.uint64) * factor
        known, rows = np.unique(words, return_counts=True)
        counts.update(dict(zip(known.tolist(), rows.tolist(), strict=True)))
    return counts
