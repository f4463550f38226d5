"""Raw tables to canonical ones, and back as the source wrote them.

Raw is a table as its source gives it: texts as written in a delimited file, Arrow types elsewhere.
Canonical is `twinset.table.table.Table`. `to_raw(to_canonical(raw, schema))` gives the source's
cells back, except that several spellings of null become the first, decimals that vary are written
without trailing zeros, zones that vary become UTC, and nanoseconds become microseconds.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinset.errors import InputError
from twinset.table import dates, number_format
from twinset.table.arrow_types import (
    arrow_type,
    as_numpy,
    as_text,
    check_type,
    decoded,
    is_number,
    is_text,
    one_array,
    typed_moments,
)
from twinset.table.inference.dates import date_pattern
from twinset.table.inference.facts import null_words
from twinset.table.inference.words import BOOLEANS, false_first
from twinset.table.schema import Column, Kind, Schema
from twinset.table.table import Table, canonical_type

__all__ = [
    "MOMENTS",
    "TEXTS",
    "canonical_column",
    "listed_names",
    "to_canonical",
    "to_natural",
    "to_raw",
]

Bad = npt.NDArray[np.bool_]
Parse = Callable[[pa.Array], tuple[pa.Array, Bad]]
TEXTS = (Kind.IDENTIFIER, Kind.TEXT, Kind.CONSTANT)
MOMENTS = (Kind.DATE, Kind.DATETIME, Kind.TIME, Kind.DURATION)


def to_canonical(
    raw: pa.Table, schema: Schema, first: int = 1, *, fractions: bool = False
) -> Table:
    """Read a raw table by its schema; columns may stand in another order.

    Parameters
    ----------
    first
        Number of the first row, for messages.
    fractions
        Whether a column of whole numbers may hold others here: it is then real.

    Raises
    ------
    InputError
        If columns are missing or extra, or a value does not fit its column (names column and row).
    """
    missing = [n for n in schema.names if n not in set(raw.column_names)]
    extra = [n for n in raw.column_names if n not in schema]
    if missing or extra:
        parts = [
            f"{w} {listed_names(m)}" for w, m in (("no column", missing), ("extra", extra)) if m
        ]
        raise InputError(
            "columns of the table", got="; ".join(parts), allowed="those of the schema"
        )
    columns, arrays = [], []
    for column in schema.columns:
        try:
            array = canonical_column(raw[column.name], column, first)
        except InputError:
            if not fractions or column.kind is not Kind.INTEGER:
                raise
            column = column.model_copy(update={"kind": Kind.REAL})
            array = canonical_column(raw[column.name], column, first)
        columns.append(column)
        arrays.append(array)
    if fractions:
        schema = Schema(columns=tuple(columns))
    return Table(schema, pa.table(arrays, names=list(schema.names)))


def listed_names(names: Sequence[str]) -> str:
    """Name up to five columns, and say how many there are more."""
    shown = ", ".join(repr(n) for n in names[:5])
    return shown + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def canonical_column(values: pa.ChunkedArray, column: Column, first: int = 1) -> pa.ChunkedArray:
    """Read one raw column; InputError names the column and the first row that does not fit."""
    check_type(column.name, values.type)
    values = decoded(values)
    if pa.types.is_null(values.type):
        return pa.chunked_array([pa.nulls(len(values), canonical_type(column.kind))])
    if is_text(values.type) and column.format.nulls not in ((), ("",)):
        nulls = pa.array(column.format.nulls, values.type)
        values = pc.if_else(pc.is_in(values, value_set=nulls), None, values)
    elif is_text(values.type) and column.format.nulls:
        values = pc.if_else(pc.equal(values, ""), None, values)
    if column.kind in (Kind.CATEGORY, Kind.ORDINAL):
        return _categories(as_text(values), column, first)
    if column.kind in TEXTS:
        return as_text(values)
    parse = _text_parser(column) if is_text(values.type) else _typed_parser(column, values.type)
    out, bad = _by_distinct(values, parse)
    if bad.any():
        row = int(np.flatnonzero(bad)[0]) + first
        raise InputError(
            f"column {column.name!r}, data row {row}",
            got="a value that does not fit",
            allowed=_allowed(column),
        )
    return out if isinstance(out, pa.ChunkedArray) else pa.chunked_array([out])


def _allowed(column: Column) -> str:
    fmt = column.format
    if column.kind in MOMENTS and fmt.date_format:
        return f"a {column.kind} written as {fmt.date_format}"
    return {Kind.INTEGER: "whole numbers", Kind.REAL: "numbers"}.get(
        column.kind, f"a {column.kind}"
    )


def _categories(text: pa.ChunkedArray, column: Column, first: int) -> pa.ChunkedArray:
    """Dictionary of the known categories, then of any others in the data."""
    known = list(column.categories or ())
    encoded = one_array(pc.dictionary_encode(text.combine_chunks()))
    found = encoded.dictionary
    places = {v: i for i, v in enumerate(known)}
    others = [v for v in found.to_pylist() if v not in places]
    if others and "categories" in column.declared:
        strange = pc.is_in(text, value_set=pa.array(others, pa.string()))
        row = int(np.flatnonzero(strange.to_numpy())[0]) + first
        raise InputError(
            f"column {column.name!r}, data row {row}",
            got="a value outside the declared categories",
            allowed=f"one of {len(known)} categories",
        )
    places |= {v: len(known) + i for i, v in enumerate(sorted(others))}
    lookup = pa.array([places[v] for v in found.to_pylist()], pa.int32())
    dictionary = pa.array([*known, *sorted(others)], pa.string())
    coded = pa.DictionaryArray.from_arrays(lookup.take(encoded.indices), dictionary)
    return pa.chunked_array([coded])


def _by_distinct(values: pa.ChunkedArray, parse: Parse) -> tuple[pa.Array, Bad]:
    """Parse each distinct text once where many repeat; shape (rows,)."""
    flat = values.combine_chunks()
    head = flat[:2000]
    if len(flat) < 1000 or len(pc.unique(head)) > 0.5 * len(head) or not is_text(values.type):
        return parse(flat)
    encoded = pc.dictionary_encode(flat)
    out, bad = parse(encoded.dictionary)
    if bad.any():
        rows = as_numpy(encoded.indices.fill_null(0))
        bad = bad[rows] & as_numpy(flat.is_valid())
        return out, bad
    return out.take(encoded.indices), np.zeros(0, dtype=bool)


def _text_parser(column: Column) -> Parse:
    """Return the parser of a text column of this kind."""
    fmt = column.format

    def parse(text: pa.Array) -> tuple[pa.Array, Bad]:
        if column.kind is Kind.BOOLEAN:
            out = _booleans(text, column)
        elif column.kind is Kind.INTEGER:
            out = number_format.to_integers(number_format.plain(text, fmt))
        elif column.kind is Kind.REAL:
            out = _finite(number_format.to_floats(number_format.plain(text, fmt)))
        else:
            out = _moments(text, column)
        bad = (as_numpy(out.is_null())) & (as_numpy(text.is_valid()))
        if bad.any():
            rows = np.flatnonzero(bad)
            left = text.take(pa.array(rows))
            nothing = null_words(left)
            if column.kind in (Kind.INTEGER, Kind.REAL):
                nothing = nothing | _too_large(number_format.plain(left, fmt))
            bad[rows[nothing]] = False
        return out, bad

    return parse


def _finite(values: pa.Array) -> pa.Array:
    return pc.if_else(pc.less_equal(pc.abs(values), number_format.LARGEST), values, None)


def _too_large(text: pa.Array) -> Bad:
    x = as_numpy(number_format.to_floats(text)).astype(np.float64)
    large: Bad = np.abs(x) > number_format.LARGEST
    return large


def _booleans(text: pa.Array, column: Column) -> pa.Array:
    fmt = column.format
    if fmt.true is not None and fmt.false is not None:
        is_true, is_false = pc.equal(text, fmt.true), pc.equal(text, fmt.false)
        out = pc.if_else(is_true, True, pc.if_else(is_false, False, None))
        if out.null_count == text.null_count:
            return out
    pairs = [false_first((a, b)) for a, b in (tuple(sorted(p)) for p in BOOLEANS)]
    known = {a: False for a, _ in pairs} | {b: True for _, b in pairs}
    for spelled, value in ((fmt.true, True), (fmt.false, False)):
        if spelled is not None:
            known[spelled.strip().lower()] = value
    low = pc.utf8_lower(pc.utf8_trim_whitespace(text))
    places = pc.index_in(low, value_set=pa.array(list(known)))
    return pa.array(list(known.values())).take(places)


def _moments(text: pa.Array, column: Column) -> pa.Array:
    pattern = column.format.date_format
    if pattern is None:
        pattern = date_pattern(column.name, text) or "%Y-%m-%d"
    moments = dates.read(text, pattern)
    return _from_micros(moments.micros, ~moments.valid, column.kind)


def _from_micros(micros: npt.NDArray[np.int64], null: Bad, kind: Kind) -> pa.Array:
    """Canonical array of moments."""
    if kind is Kind.DATE:
        days = np.floor_divide(micros, dates.DAY_US).astype(np.int32)
        return pa.array(days, mask=null).cast(pa.date32())
    if kind is Kind.TIME:
        micros = micros % dates.DAY_US
    return pa.array(micros, mask=null).cast(canonical_type(kind))


def _typed_parser(column: Column, dtype: pa.DataType) -> Parse:
    """Return the parser of a typed column for this kind."""

    def parse(values: pa.Array) -> tuple[pa.Array, Bad]:
        kind = column.kind
        none = np.zeros(len(values), dtype=bool)
        if kind in MOMENTS:
            if is_number(dtype) or pa.types.is_boolean(dtype):
                if column.format.date_format:
                    return _text_parser(column)(
                        as_text(pa.chunked_array([values])).combine_chunks()
                    )
                return values, ~none
            return _from_micros(*typed_moments(values), kind), none
        if kind is Kind.BOOLEAN and pa.types.is_boolean(dtype):
            return values, none
        if not (is_number(dtype) or pa.types.is_boolean(dtype)):
            return values, ~none
        x = values.cast(pa.int8()) if pa.types.is_boolean(dtype) else values
        return _numbers(x, kind)

    return parse


def _numbers(x: pa.Array, kind: Kind) -> tuple[pa.Array, Bad]:
    """Typed numbers as integer, real or boolean."""
    if kind is Kind.INTEGER and pa.types.is_integer(x.type):
        if pa.types.is_uint64(x.type):
            large = as_numpy(pc.greater(x, 2**63 - 1).fill_null(False))
            return pc.if_else(pa.array(~large), x, None).cast(pa.int64()), large
        return x.cast(pa.int64()), np.zeros(len(x), dtype=bool)
    y = _finite(x.cast(pa.float64(), safe=False))
    if kind is Kind.REAL:
        return y, np.zeros(len(x), dtype=bool)
    v = as_numpy(y.fill_null(0.0))
    if kind is Kind.INTEGER:
        bad = (v != np.rint(v)) | (np.abs(v) >= 2**63)
        mask = as_numpy(y.is_null()) | bad
        return pa.array(np.where(bad, 0, v).astype(np.int64), mask=mask), bad
    bad = (v != 0) & (v != 1)
    return pc.equal(y, 1.0), bad


def to_raw(table: Table) -> pa.Table:
    """Render a canonical table as its source had it: texts as written, or Arrow types."""
    arrays = [_raw_column(table.data[c.name], c) for c in table.schema.columns]
    return pa.table(arrays, names=list(table.schema.names))


def to_natural(table: Table) -> pa.Table:
    """Render a table of a text file in the types its columns mean: numbers as numbers."""
    arrays = [_natural(table.data[c.name], c) for c in table.schema.columns]
    return pa.table(arrays, names=list(table.schema.names))


def _natural(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    if not is_text(arrow_type(column.dtype)):
        return _raw_column(values, column)
    if column.kind is Kind.DATE:
        return values.cast(pa.timestamp("us"))
    spelled = (column.format.true or "true").lower()
    if column.kind.is_number_like or (column.kind is Kind.BOOLEAN and spelled == "true"):
        return values
    plain = column.model_copy(update={"format": column.format.model_copy(update={"nulls": ("",)})})
    text = _raw_column(values, plain)
    number = column.kind is Kind.IDENTIFIER and column.low is not None
    if number or column.kind in (Kind.CONSTANT, Kind.BOOLEAN):
        for dtype in (pa.int64(), pa.float64()):
            with contextlib.suppress(pa.ArrowInvalid):
                return text.cast(dtype)
    return text


def _raw_column(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
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
