"""Arrow rows as CSV and JSON text, column by column rather than row by row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinset.table.dialect import Dialect

__all__ = ["as_text", "csv_header", "csv_rows", "json_rows"]

_ROWS = 16_384


def as_text(column: pa.Array) -> pa.Array:
    """Any plain column as strings: whole numbers and decimals exactly, reals as short as exact."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return as_text(column.dictionary_decode())
    if pa.types.is_duration(kind):
        column = column.cast(pa.int64())
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return pc.strftime(column, format="%Y-%m-%dT%H:%M:%S%z", locale="C")
    return column.cast(pa.large_string())


def csv_header(names: Sequence[str], dialect: Dialect) -> str:
    """First line of a delimited file."""
    cells = pa.array(list(names), pa.large_string())
    cells = _quoted(cells, dialect, always=dialect.quoted_header)
    return dialect.delimiter.join(cells.to_pylist()) + dialect.newline


def csv_rows(table: pa.Table, dialect: Dialect) -> Iterator[memoryview]:
    """Yield the rows as UTF-8 text, some thousand at a time."""
    for batch in table.combine_chunks().to_batches(max_chunksize=_ROWS):
        cells = [
            _cells(column, dialect, always=name in dialect.quoted)
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
        ]
        yield _lines(cells, dialect.delimiter, "", dialect.newline)


def _cells(column: pa.Array, dialect: Dialect, *, always: bool) -> pa.Array:
    text = as_text(column)
    numeric = pa.types.is_integer(column.type) or pa.types.is_boolean(column.type)
    if not numeric or always:
        text = _quoted(text, dialect, always=always)
    return pc.fill_null(text, "")


def _quoted(text: pa.Array, dialect: Dialect, *, always: bool) -> pa.Array:
    """Put quotes where a cell needs them: special characters, and empty text (null has none)."""
    quote = dialect.quote
    if always:
        needs: Any = True
    else:
        special = "".join(f"\\x{ord(c):02x}" for c in {dialect.delimiter, quote, "\r", "\n"})
        pattern = f"[{special}]|^$" + ("|\\\\" if dialect.escape else "")
        needs = pc.match_substring_regex(text, pattern)
        if not pc.any(needs).as_py():
            return text
    inner = text
    if dialect.escape:
        inner = pc.replace_substring(inner, dialect.escape, dialect.escape * 2)
    doubled = (dialect.escape or quote) + quote
    inner = pc.replace_substring(inner, quote, doubled)
    ends = pa.scalar(quote, text.type)
    inner = pc.binary_join_element_wise(ends, inner, ends, pa.scalar("", text.type))
    return inner if needs is True else pc.if_else(needs, inner, text)


def _lines(cells: list[pa.Array], delimiter: str, start: str, end: str) -> memoryview:
    """Join columns to lines and return the characters of all lines."""
    kind = pa.large_string()
    rows = pc.binary_join_element_wise(*cells, pa.scalar(delimiter, kind))
    rows = pc.binary_join_element_wise(
        pa.scalar(start, kind), rows, pa.scalar(end, kind), pa.scalar("", kind)
    )
    _, ends, text = rows.buffers()
    size = int(np.frombuffer(ends, np.int64)[rows.offset + len(rows)]) if len(rows) else 0
    return memoryview(text or b"")[:size]


def json_rows(table: pa.Table) -> Iterator[memoryview]:
    """Yield the rows as lines with one JSON object each, in UTF-8."""
    kind = pa.large_string()
    for batch in table.combine_chunks().to_batches(max_chunksize=_ROWS):
        cells = []
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            key = pa.scalar(json.dumps(name, ensure_ascii=False) + ": ", kind)
            value = pc.fill_null(_json_values(column), "null")
            cells.append(pc.binary_join_element_wise(key, value, pa.scalar("", kind)))
        yield _lines(cells, ", ", "{", "}\n")


def _json_values(column: pa.Array) -> pa.Array:
    kind = column.type
    text = as_text(column)
    if pa.types.is_floating(kind):
        return pc.if_else(pc.is_finite(column), text, pa.scalar(None, text.type))
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_decimal(kind):
        return text
    text = text.cast(pa.large_string())
    if pc.any(pc.match_substring_regex(text, r"[\x00-\x1f]")).as_py():
        values = [
            None if v is None else json.dumps(v, ensure_ascii=False) for v in text.to_pylist()
        ]
        return pa.array(values, pa.large_string())
    text = pc.replace_substring(pc.replace_substring(text, "\\", "\\\\"), '"', '\\"')
    ends = pa.scalar('"', text.type)
    return pc.binary_join_element_wise(ends, text, ends, pa.scalar("", text.type))
