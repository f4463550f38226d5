"""Rows into one sheet of a workbook; equal rows give equal bytes."""

from __future__ import annotations

import datetime as dt
import re
import tempfile
import zipfile
from typing import Any, BinaryIO

import pyarrow as pa

from twinset.errors import InputError

__all__ = ["ExcelSink"]

_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_MADE = dt.datetime(2000, 1, 1)
_CELL_CHARACTERS = 32_767


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
