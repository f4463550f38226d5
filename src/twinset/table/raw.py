"""Canonical tables to raw ones: each column as its source wrote it, or in the types it means."""

from __future__ import annotations

import contextlib

import pyarrow as pa
import pyarrow.compute as pc

from twinset.errors import InputError
from twinset.table import dates, number_format
from twinset.table.arrow_types import arrow_type, is_text
from twinset.table.canonical import MOMENTS
from twinset.table.inference.typed import is_number, typed_moments
from twinset.table.schema import Column, Kind
from twinset.table.table import Table

__all__ = ["raw_column", "to_natural", "to_raw"]


def to_raw(table: Table) -> pa.Table:
    """Render a canonical table as its source had it: texts as written, or Arrow types."""
    arrays = [raw_column(table.data[c.name], c) for c in table.schema.columns]
    return pa.table(arrays, names=list(table.schema.names))


def to_natural(table: Table) -> pa.Table:
    """Render a table of a text file in the types its columns mean: numbers as numbers."""
    arrays = [_natural(table.data[c.name], c) for c in table.schema.columns]
    return pa.table(arrays, names=list(table.schema.names))


def _natural(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    if not is_text(arrow_type(column.dtype)):
        return raw_column(values, column)
    if column.kind is Kind.DATE:
        return values.cast(pa.timestamp("us"))
    spelled = (column.format.true or "true").lower()
    if column.kind.is_number_like or (column.kind is Kind.BOOLEAN and spelled == "true"):
        return values
    plain = column.model_copy(update={"format": column.format.model_copy(update={"nulls": ("",)})})
    text = raw_column(values, plain)
    number = column.kind is Kind.IDENTIFIER and column.low is not None
    if number or column.kind in (Kind.CONSTANT, Kind.BOOLEAN):
        for dtype in (pa.int64(), pa.float64()):
            with contextlib.suppress(pa.ArrowInvalid):
                return text.cast(dtype)
    return text


def raw_column(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    """Render one canonical column in the type and spelling of its source."""
    dtype = arrow_type(column.dtype)
    if pa.types.is_null(dtype):
        return pa.chunked_array([pa.nulls(len(values))])
    inner = dtype.value_type if pa.types.is_dictionary(dtype) else dtype
    out = _written(values, column).cast(inner) if is_text(inner) else _typed(values, column, inner)
    if not isinstance(out, pa.ChunkedArray):
        out = pa.chunked_array([out])
    if is_text(inner) and column.format.nulls and column.format.nulls[0] != "":
        out = out.fill_null(column.format.nulls[0])
    return _coded(out, dtype, column) if pa.types.is_dictionary(dtype) else out


def _coded(out: pa.ChunkedArray, dtype: pa.DataType, column: Column) -> pa.ChunkedArray:
    """Dictionary column with all categories, in their order."""
    levels = pa.array(column.categories or (), pa.string()).cast(dtype.value_type)
    rest = [v for v in pc.unique(out).to_pylist() if v is not None]
    known = set(levels.to_pylist())
    levels = pa.concat_arrays([levels, pa.array([v for v in rest if v not in known], levels.type)])
    places = pc.index_in(out.combine_chunks(), value_set=levels).cast(dtype.index_type)
    coded = pa.DictionaryArray.from_arrays(places, levels, ordered=dtype.ordered)
    return pa.chunked_array([coded])


def _written(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    """Canonical values as text."""
    fmt, kind = column.format, column.kind
    flat = values.combine_chunks()
    if kind in (Kind.CATEGORY, Kind.ORDINAL):
        return values.cast(pa.string())
    if kind in (Kind.IDENTIFIER, Kind.TEXT, Kind.CONSTANT):
        return values
    if kind is Kind.BOOLEAN:
        spelled = (fmt.true or "true", fmt.false or "false")
        return pc.if_else(values, *spelled)
    if kind is Kind.INTEGER:
        return number_format.write_integers(flat, fmt)
    if kind is Kind.REAL:
        return number_format.write_reals(flat, fmt)
    default = {Kind.DATE: "%Y-%m-%d", Kind.TIME: "%H:%M:%S"}.get(kind, "%Y-%m-%d %H:%M:%S")
    return _dates_written(flat, fmt.date_format or default)


def _dates_written(values: pa.Array, pattern: str) -> pa.Array:
    """Texts of moments; each distinct moment is written once."""
    encoded = pc.dictionary_encode(values)
    micros, null = typed_moments(encoded.dictionary)
    return dates.write(micros, null, pattern).take(encoded.indices)


def _typed(values: pa.ChunkedArray, column: Column, dtype: pa.DataType) -> pa.ChunkedArray:
    """Canonical values in the Arrow type of the source."""
    t, kind = pa.types, column.kind
    if kind in (Kind.CATEGORY, Kind.ORDINAL):
        values = values.cast(pa.string())
    if values.type == pa.string():
        return _from_text(values, column, dtype)
    if kind in MOMENTS and is_number(dtype):
        return _from_text(pa.chunked_array([_written(values, column)]), column, dtype)
    if kind is Kind.BOOLEAN and not t.is_boolean(dtype):
        return values.cast(pa.int8()).cast(dtype)
    if t.is_timestamp(dtype) and dtype.tz:
        return (
            values.cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC")).cast(dtype, safe=False)
        )
    if t.is_integer(dtype) and kind is Kind.REAL:
        values = pc.round(values)
    return values.cast(dtype, safe=t.is_integer(dtype) or t.is_decimal(dtype))


def _from_text(text: pa.ChunkedArray, column: Column, dtype: pa.DataType) -> pa.ChunkedArray:
    try:
        return text.cast(dtype)
    except pa.ArrowInvalid:
        raise InputError(
            f"column {column.name!r}",
            got=f"texts that do not fit its source type {dtype}",
            hint="declare another kind or pattern for the column",
        ) from None
