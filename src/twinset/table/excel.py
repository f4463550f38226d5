"""Workbooks: a sheet read as a table; rows into one sheet, equal rows as equal bytes."""

from __future__ import annotations

import datetime as dt
import re
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from twinset.errors import InputError
from twinset.table.files import check_flat, common_type, natural_array

__all__ = ["ExcelSink", "read_excel"]

_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_MADE = dt.datetime(2000, 1, 1)
_CELL_CHARACTERS = 32_767
_ERRORS = frozenset(
    {"#N/A", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!", "#GETTING_DATA"}
)


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
    piece: list[tuple[Any, ...]] = []
    for number, row in enumerate(rows, 1):
        if any(v is not None for v in row[width:]):
            raise InputError(f"{name}: row {number} after the header is wider than the header")
        cells = (*row[:width], *(None,) * (width - len(row)))
        if any(v is not None for v in cells):
            piece.append(cells)
        if len(piece) == 16_384:
            yield [_array(list(c)) for c in zip(*piece, strict=True)]
            piece = []
    if piece:
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
    return common_type(a, b)
