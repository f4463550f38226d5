"""Parquet and JSON lines as streams of Arrow batches in the source's own types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from twinset.errors import InputError
from twinset.table.delimited import Utf8Stream
from twinset.table.dialect import Dialect

__all__ = ["JsonLinesReader", "ParquetReader", "check_flat", "common_type", "natural_array"]

_PIECE = 4 << 20
_LONGEST_LINE = 128 << 20


def check_flat(schema: pa.Schema, name: str) -> pa.Schema:
    """Return the schema if every column holds plain values under a name of its own.

    Raises
    ------
    InputError
        For no column at all, a name that stands twice, and columns of lists, structs or bytes.
    """
    if not schema.names:
        raise InputError(f"{name} has no columns", allowed="at least one column")
    seen: set[str] = set()
    for field in schema:
        if field.name in seen:
            raise InputError(
                f"{name}: column names", got=f"{field.name!r} twice", allowed="unique names"
            )
        seen.add(field.name)
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            raise InputError(
                f"{name}: column {field.name!r}",
                got=f"Arrow type {str(kind).partition('<')[0]}",
                allowed="one plain value in a cell",
                hint="leave the column out or write it as text",
            )
    return schema


@dataclass(frozen=True)
class ParquetReader:
    """Rows of one Parquet file."""

    path: Path
    name: str

    @cached_property
    def schema(self) -> pa.Schema:
        """Columns in the types of the file."""
        with self._open() as file:
            return check_flat(file.schema_arrow, self.name)

    def _open(self) -> Any:
        import pyarrow.parquet as pq

        try:
            return pq.ParquetFile(
                self.path, buffer_size=1 << 20, pre_buffer=False, page_checksum_verification=True
            )
        except (pa.ArrowException, OSError):
            raise self._damaged() from None

    def _damaged(self) -> InputError:
        return InputError(
            f"{self.name} is not a whole Parquet file",
            hint="copy or write it again; an encrypted file must be decrypted first",
        )

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Yield batches of at most `rows` rows."""
        schema = self.schema.remove_metadata()
        with self._open() as file:
            try:
                for batch in file.iter_batches(batch_size=rows, use_threads=False):
                    yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)
            except (pa.ArrowException, OSError):
                raise self._damaged() from None


@dataclass(frozen=True)
class JsonLinesReader:
    """Rows of one file with a JSON object in each line.

    The first pass finds columns and types, the second reads. Strings stay strings, also where they
    look like dates; a column with both numbers and text becomes text.
    """

    path: Path
    name: str
    dialect: Dialect

    @cached_property
    def schema(self) -> pa.Schema:
        """Columns in the order of their first appearance."""
        found: pa.Schema | None = None
        for first_row, piece in self._pieces():
            new = self._parse(piece, first_row, None).schema
            found = new if found is None else _wider(found, new)
        if found is None:
            raise InputError(f"{self.name} is empty", allowed="one JSON object in each line")
        found = pa.schema(
            [f.with_type(pa.string()) if pa.types.is_null(f.type) else f for f in found]
        )
        return check_flat(found, self.name)

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Yield batches of at most `rows` rows."""
        schema = self.schema
        for first_row, piece in self._pieces():
            table = self._parse(piece, first_row, schema)
            yield from table.to_batches(max_chunksize=rows)

    def _pieces(self) -> Iterator[tuple[int, bytes]]:
        """Yield whole lines, about 4 MB at a time, each with the number of its first line."""
        with Utf8Stream(self.path, self.dialect, name=self.name) as stream:
            rest, line = b"", 1
            while chunk := stream.read(_PIECE):
                cut = chunk.rfind(b"\n") + 1
                if cut:
                    piece = rest + chunk[:cut]
                    if piece.strip():
                        yield line, piece
                    line += piece.count(b"\n")
                    rest = chunk[cut:]
                else:
                    rest += chunk
                    if len(rest) > _LONGEST_LINE:
                        raise InputError(
                            f"{self.name}: line {line} is longer than 128 MB",
                            allowed="one JSON object in each line",
                        )
            if rest.strip():
                yield line, rest

    def _parse(self, piece: bytes, first_row: int, schema: pa.Schema | None) -> pa.Table:
        import pyarrow.json as pj

        size = len(piece) + 1
        try:
            table = pj.read_json(
                pa.BufferReader(piece),
                read_options=pj.ReadOptions(use_threads=False, block_size=size),
                parse_options=pj.ParseOptions(
                    explicit_schema=schema,
                    newlines_in_values=False,
                    unexpected_field_behavior="infer" if schema is None else "ignore",
                ),
            )
        except pa.ArrowInvalid as error:
            if re.search(r"changed from|Failed of conversion|failed to convert", str(error)):
                return self._parse_mixed(piece, first_row, schema)
            at = re.search(r"in row (\d+)", str(error))
            row = f"line {first_row + int(at[1])}" if at else f"a line from {first_row} on"
            raise InputError(
                f"{self.name}: {row} is not a JSON object", allowed="one JSON object in each line"
            ) from None
        if schema is not None:
            return table.select(schema.names).cast(schema)
        fields = [
            f.with_type(pa.string()) if pa.types.is_timestamp(f.type) else f for f in table.schema
        ]
        return pa.table([pa.nulls(0, f.type) for f in fields], schema=pa.schema(fields))

    def _parse_mixed(self, piece: bytes, first_row: int, schema: pa.Schema | None) -> pa.Table:
        """Read lines in which a column changes its type, at the speed of plain Python."""
        import json

        rows: list[dict[str, Any]] = []
        for offset, line in enumerate(piece.split(b"\n")):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            if not isinstance(row, dict):
                raise InputError(
                    f"{self.name}: line {first_row + offset} is not a JSON object",
                    allowed="one JSON object in each line",
                )
            rows.append(row)
        names = (
            list(dict.fromkeys(k for row in rows for k in row)) if schema is None else schema.names
        )
        columns = [natural_array([row.get(n) for row in rows]) for n in names]
        table = pa.table(dict(zip(names, columns, strict=True)))
        return table if schema is None else _as(table, schema)


def _as(table: pa.Table, schema: pa.Schema) -> pa.Table:
    return pa.table(
        [table[f.name].cast(f.type) for f in schema],
        schema=schema,
    )


def _wider(a: pa.Schema, b: pa.Schema) -> pa.Schema:
    """Unite two schemas; types that do not go together become string."""
    fields = {f.name: f for f in a}
    for field in b:
        known = fields.get(field.name)
        kind = field.type if known is None else common_type(known.type, field.type)
        fields[field.name] = field.with_type(kind)
    return pa.schema(list(fields.values()))


def common_type(a: pa.DataType, b: pa.DataType) -> pa.DataType:
    """Return the type that holds the values of both."""
    if a == b or pa.types.is_null(b) or pa.types.is_nested(a):
        return a
    if pa.types.is_null(a) or pa.types.is_nested(b):
        return b
    if {a, b} == {pa.int64(), pa.float64()}:
        return pa.float64()
    return pa.string()


def natural_array(values: list[Any]) -> pa.Array:
    """Return Python values as an Arrow array; as text if their types do not go together."""
    try:
        array = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        kinds = {type(v) for v in values if v is not None}
        if kinds <= {int, float}:
            return pa.array([None if v is None else float(v) for v in values], pa.float64())
        return pa.array([None if v is None else _text(v) for v in values], pa.string())
    return array


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
