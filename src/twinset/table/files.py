"""Parquet, JSON lines and Excel: rows in the file's own types, and rows written into a workbook.

Parquet and JSON lines are streams of Arrow batches. Equal rows make equal bytes of a workbook.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from twinset.errors import InputError
from twinset.table.delimited import Dialect, Utf8Stream, check_unique

__all__ = [
    "ExcelSink",
    "JsonLinesReader",
    "ParquetReader",
    "check_flat",
    "natural_array",
    "read_excel",
]

_PIECE = 4 << 20
_LONGEST_LINE = 128 << 20
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_MADE = dt.datetime(2000, 1, 1)
_CELL_CHARACTERS = 32_767
_ERRORS = frozenset(
    {"#N/A", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!", "#GETTING_DATA"}
)


def check_flat(schema: pa.Schema, name: str) -> pa.Schema:
    """Return the schema if every column holds plain values under a name of its own.

    Raises
    ------
    InputError
        For no column at all, a name that stands twice, and columns of lists, structs or bytes.
    """
    if not schema.names:
        raise InputError(f"{name} has no columns", allowed="at least one column")
    check_unique(schema.names, name)
    for field in schema:
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
            raise self._refused(" is empty")
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

    def _refused(self, wrong: str) -> InputError:
        return InputError(f"{self.name}{wrong}", allowed="one JSON object in each line")

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
                        raise self._refused(f": line {line} is longer than 128 MB")
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
            raise self._refused(f": {row} is not a JSON object") from None
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
                raise self._refused(f": line {first_row + offset} is not a JSON object")
            rows.append(row)
        names = (
            list(dict.fromkeys(k for row in rows for k in row)) if schema is None else schema.names
        )
        columns = [natural_array([row.get(n) for row in rows]) for n in names]
        table = pa.table(dict(zip(names, columns, strict=True)))
        return table if schema is None else _as(table, schema)


def _as(table: pa.Table, schema: pa.Schema) -> pa.Table:
    return pa.table([table[f.name].cast(f.type) for f in schema], schema=schema)


def _wider(a: pa.Schema, b: pa.Schema) -> pa.Schema:
    """Unite two schemas; types that do not go together become string."""
    fields = {f.name: f for f in a}
    for field in b:
        known = fields.get(field.name)
        kind = field.type if known is None else _common_type(known.type, field.type)
        fields[field.name] = field.with_type(kind)
    return pa.schema(list(fields.values()))


def _common_type(a: pa.DataType, b: pa.DataType) -> pa.DataType:
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
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        kinds = {type(v) for v in values if v is not None}
        if kinds <= {int, float}:
            return pa.array([None if v is None else float(v) for v in values], pa.float64())
        return pa.array([None if v is None else _text(v) for v in values], pa.string())


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class ExcelSink:
    """Append pieces to the only sheet of a new workbook.

    Raises
    ------
    InputError
        If there are more rows than a sheet holds.
    """

    def __init__(self, file: BinaryIO, schema: pa.Schema, *, most_rows: int) -> None:
        import openpyxl

        self._file, self._most, self._rows = file, most_rows, 0
        self._book = openpyxl.Workbook(write_only=True)
        self._sheet = self._book.create_sheet("Sheet1")
        self._sheet.append([self._cell(n) for n in schema.names])

    def _cell(self, value: Any) -> Any:
        """Text is never a formula; what Excel has no type for is written as text."""
        from openpyxl.cell import WriteOnlyCell

        if isinstance(value, dt.datetime):
            return value.replace(tzinfo=None) if value.year >= 1900 else value.isoformat(" ")
        if isinstance(value, dt.date):
            return value if value.year >= 1900 else value.isoformat()
        if isinstance(value, float) and value not in (float("inf"), float("-inf")):
            return value if value == value else None
        if value is None or isinstance(value, bool | int | dt.time | dt.timedelta):
            return value
        text = _UNWRITABLE.sub("", str(value))[:_CELL_CHARACTERS]
        if not text.startswith("="):
            return text
        cell = WriteOnlyCell(self._sheet, text)
        cell.data_type = "s"
        return cell

    def write(self, piece: pa.Table) -> None:
        """Append rows."""
        self._rows += piece.num_rows
        if self._rows > self._most:
            raise InputError(
                "too many rows for Excel",
                allowed=f"{self._most:,} rows in a sheet",
                hint="write .parquet or .csv",
            )
        for batch in piece.to_batches(max_chunksize=8_192):
            columns = [_python(c) for c in batch.columns]
            for row in zip(*columns, strict=True):
                self._sheet.append([self._cell(v) for v in row])

    def close(self) -> None:
        """Pack the workbook, with fixed times in place of the clock's."""
        self._book.properties.created = _MADE
        with tempfile.TemporaryFile() as packed:
            self._book.save(packed)
            with zipfile.ZipFile(packed) as old, zipfile.ZipFile(self._file, "w") as new:
                for name in old.namelist():
                    _copy(old, new, name)

    def abort(self) -> None:
        """Drop what was appended."""
        self._sheet.close()
        self._sheet._writer.cleanup()


def _copy(old: zipfile.ZipFile, new: zipfile.ZipFile, name: str) -> None:
    info = zipfile.ZipInfo(name, date_time=(2000, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    if name == "docProps/core.xml":
        text = old.read(name).decode()
        stamp = _MADE.strftime("%Y-%m-%dT%H:%M:%SZ")
        pattern = r"(<dcterms:modified[^>]*>)[^<]*"
        new.writestr(info, re.sub(pattern, rf"\g<1>{stamp}", text))
        return
    with old.open(name) as source, new.open(info, "w", force_zip64=True) as target:
        while chunk := source.read(1 << 20):
            target.write(chunk)


def _python(column: pa.Array) -> list[Any]:
    kind = column.type
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", tz=kind.tz), safe=False)
    elif pa.types.is_duration(kind):
        column = column.cast(pa.duration("us"), safe=False)
    elif pa.types.is_time(kind):
        column = column.cast(pa.time64("us"), safe=False)
    elif pa.types.is_decimal(kind):
        column = column.cast(pa.float64())
    values: list[Any] = column.to_pylist()
    return values


def read_excel(path: Path, name: str, sheet: str | None) -> pa.Table:
    """Read one sheet of a workbook (the first unless named), whose first row is the header.

    A sheet holds at most 1,048,576 rows, so it is read whole, but never as Python objects whole.

    Raises
    ------
    InputError
        If the file is not a workbook, has no such sheet, or the sheet has no header.
    """
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError):
        raise InputError(
            f"{name} is not a whole Excel workbook", allowed=".xlsx without a password"
        ) from None
    try:
        if sheet is not None and sheet not in book.sheetnames:
            raise InputError(
                f"{name}: --table", got=repr(sheet), allowed=", ".join(book.sheetnames[:8])
            )
        page = book[sheet] if sheet is not None else book.worksheets[0]
        rows = iter(page.iter_rows(values_only=True))
        header = next(rows, ())
        width = max((i + 1 for i, v in enumerate(header) if v is not None), default=0)
        if not width:
            raise InputError(f"{name} is empty", allowed="a header row and rows")
        names = [f"column_{i + 1}" if v is None else str(v) for i, v in enumerate(header[:width])]
        fields = check_flat(pa.schema([(n, pa.string()) for n in names]), name)
        return _united(fields.names, list(_pieces(rows, width, name)))
    finally:
        book.close()


def _pieces(rows: Iterator[tuple[Any, ...]], width: int, name: str) -> Iterator[list[Any]]:
    def filled() -> Iterator[tuple[Any, ...]]:
        for number, row in enumerate(rows, 1):
            if any(v is not None for v in row[width:]):
                raise InputError(f"{name}: row {number} after the header is wider than the header")
            cells = (*row[:width], *(None,) * (width - len(row)))
            if any(v is not None for v in cells):
                yield cells

    left = filled()
    while piece := list(itertools.islice(left, 16_384)):
        yield [_array(list(c)) for c in zip(*piece, strict=True)]


def _array(values: list[Any]) -> pa.Array:
    """Dates without a time of day become date32; the error values of Excel become null."""
    values = [None if isinstance(v, str) and v in _ERRORS else v for v in values]
    stamps = [v for v in values if v is not None]
    midnight = dt.time(0)
    if stamps and all(isinstance(v, dt.datetime) and v.time() == midnight for v in stamps):
        return pa.array([v and v.date() for v in values], pa.date32())
    return natural_array(values)


def _united(names: list[str], pieces: list[list[pa.Array]]) -> pa.Table:
    columns = []
    for i in range(len(names)):
        kind = pa.null()
        for piece in pieces:
            kind = _common(kind, piece[i].type)
        kind = pa.string() if pa.types.is_null(kind) else kind
        columns.append(pa.chunked_array([piece[i].cast(kind) for piece in pieces], type=kind))
    return pa.table(columns, names=names)


def _common(a: pa.DataType, b: pa.DataType) -> pa.DataType:
    if {a, b} == {pa.date32(), pa.timestamp("us")}:
        return pa.timestamp("us")
    return _common_type(a, b)
