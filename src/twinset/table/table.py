"""Table: rows in canonical Arrow types, with their schema.

Which type a kind of column has says `twinset.table.kinds`, so that no other room asks how a file
spelled its values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.errors import SchemaError
from twinset.table.kinds import Kind
from twinset.table.schema import Schema

__all__ = [
    "Table",
    "canonical_type",
    "coded",
    "column_numbers",
    "empty_table",
    "from_numbers",
    "labels",
    "numbers",
]

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def canonical_type(kind: Kind) -> pa.DataType:
    """Arrow type that a column of this kind has inside a `Table`."""
    name = kind.facts.arrow
    return pa.dictionary(pa.int32(), pa.string()) if kind.is_coded else pa.type_for_alias(name)


@dataclass(frozen=True)
class Table:
    """Rows with their schema.

    Parameters
    ----------
    schema
        One column per column of `data`, same names, same order.
    data
        Arrow table in canonical types.
    units
        Shape (rows,), int64: which unit each row belongs to; None means each row is its own.
        Set from the unit column unless given, and carried along when that column is dropped.
    """

    schema: Schema
    data: pa.Table
    units: npt.NDArray[np.int64] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if tuple(self.data.column_names) != self.schema.names:
            raise SchemaError(
                "table columns",
                got=f"{self.data.num_columns} columns",
                allowed=f"the {len(self.schema.names)} of the schema, in order",
            )
        if self.units is None and self.schema.unit is not None:
            object.__setattr__(self, "units", _unit_codes(self.data[self.schema.unit.name]))

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return int(self.data.num_rows)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return self.schema.names

    @property
    def num_units(self) -> int:
        """Number of distinct units."""
        return self.num_rows if self.units is None else len(np.unique(self.units))

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        """Return the column called `name` as an Arrow array."""
        return self.data[self.schema[name].name]

    def take(self, rows: npt.NDArray[Any]) -> Table:
        """Rows at these positions (integers, in order) or where a mask is true."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        units = None if self.units is None else self.units[rows]
        return Table(self.schema, self.data.take(pa.array(rows)), units)

    def select(self, names: Sequence[str]) -> Table:
        """Return the named columns; units stay known even if the unit column goes."""
        return Table(self.schema.select(list(names)), self.data.select(list(names)), self.units)


def empty_table(schema: Schema) -> Table:
    """Table without rows."""
    arrays = [pa.array([], canonical_type(c.kind)) for c in schema.columns]
    return Table(schema, pa.table(arrays, names=list(schema.names)))


def _unit_codes(column: pa.ChunkedArray) -> Codes:
    """Code a unit column; each null row is a unit of its own."""
    codes, values = coded(column)
    missing = np.flatnonzero(codes < 0)
    codes[missing] = len(values) + np.arange(len(missing))
    return codes


def coded(column: pa.ChunkedArray | pa.Array) -> tuple[Codes, pa.Array]:
    """Return shape (rows,): the place of each value, -1 for null; and the distinct values.

    They are in the order of the dictionary, if there is one, else in that of their first rows.
    """
    column = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    array = column.unify_dictionaries().combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        if not array.num_chunks:
            return np.empty(0, dtype=np.int64), pa.array([], column.type.value_type)
        array = array.chunk(0)
    places = array.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return places, array.dictionary


def labels(column: pa.ChunkedArray) -> tuple[list[str], Codes]:
    """Return a discrete column's distinct values as text, and shape (rows,) places; -1 is null."""
    is_coded = pa.types.is_dictionary(column.type)
    index, values = coded(column if is_coded else column.cast(pa.string()))
    names = values.cast(pa.string()).to_pylist()
    missing = np.array([n is None for n in names] + [False])
    return ["" if n is None else n for n in names], np.where(missing[index], -1, index)


def numbers(column: pa.ChunkedArray, kind: Kind = Kind.REAL) -> Floats:
    """Return a number-like column as float64 with NaN for null.

    Dates become days since 1970-01-01, datetimes seconds since then, times and durations seconds.
    """
    if kind.is_timed:
        column = column.cast(pa.int32() if kind is Kind.DATE else pa.int64())
    values = column.cast(pa.float64(), safe=False).to_numpy()
    if kind.is_timed:
        values = values / kind.facts.ticks
    return np.asarray(values, dtype=np.float64)


def column_numbers(table: Table, column: str) -> Floats:
    """Return a number-like column as float64, NaN where null or infinite."""
    values = table[column]
    if values.null_count == len(values):
        return np.full(len(values), np.nan)
    found = numbers(values, table.schema[column].kind)
    return np.where(np.isinf(found), np.nan, found)


def from_numbers(values: Floats, kind: Kind) -> pa.Array:
    """Inverse of `numbers`: float64 with NaN for null, to the canonical Arrow type."""
    null = np.isnan(values)
    if kind is Kind.REAL:
        return pa.array(values, mask=null)
    whole = np.where(null, 0, np.rint(values * kind.facts.ticks))
    if kind is Kind.TIME:
        whole = np.clip(whole, 0, 86_400 * kind.facts.ticks - 1)
    if kind is Kind.DATE:
        return pa.array(whole.astype(np.int32), mask=null).cast(pa.date32())
    limit = float(2**63 - 1024)
    whole = np.clip(whole, -limit, limit).astype(np.int64)
    return pa.array(whole, mask=null).cast(canonical_type(kind))
