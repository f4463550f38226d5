"""Writing: rows stream into a file that gets its final name only when it is whole.

CSV and JSON are made column by column rather than row by row.
"""

from __future__ import annotations

import bz2
import codecs
import contextlib
import gzip
import io
import json
import lzma
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Protocol, Self, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinset.errors import InputError
from twinset.table.atomic import OutFile, storage_errors
from twinset.table.delimited import Dialect
from twinset.table.files import ExcelSink
from twinset.table.sources import FORMATS, Source, split_suffix

__all__ = ["RowWriter", "write_table"]

_ROWS = 16_384
_PARQUET_ROWS = 131_072
_EXCEL_ROWS = 1_048_575


def _cell_text(column: pa.Array) -> pa.Array:
    """Any plain column as strings: whole numbers and decimals exactly, reals as short as exact."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _cell_text(column.dictionary_decode())
    if pa.types.is_duration(kind):
        column = column.cast(pa.int64())
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        column = pc.strftime(column, format="%Y-%m-%dT%H:%M:%S%z", locale="C")
    return column.cast(pa.large_string())


def _csv_header(names: Sequence[str], dialect: Dialect) -> str:
    """First line of a delimited file."""
    cells = pa.array(list(names), pa.large_string())
    cells = _quoted(cells, dialect, always=dialect.quoted_header)
    return dialect.delimiter.join(cells.to_pylist()) + dialect.newline


def _csv_rows(table: pa.Table, dialect: Dialect) -> Iterator[memoryview]:
    """Yield the rows as UTF-8 text, some thousand at a time."""
    for batch in table.combine_chunks().to_batches(max_chunksize=_ROWS):
        cells = [
            _cells(column, dialect, always=name in dialect.quoted)
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
        ]
        yield _lines(cells, dialect.delimiter, "", dialect.newline)


def _cells(column: pa.Array, dialect: Dialect, *, always: bool) -> pa.Array:
    text = _cell_text(column)
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
    inner = _glued(quote, inner, quote)
    return inner if needs is True else pc.if_else(needs, inner, text)


def _glued(*parts: pa.Array | str) -> pa.Array:
    """Put texts that are the same in each row before and behind those of a column."""
    kind = pa.large_string()
    each = [pa.scalar(p, kind) if isinstance(p, str) else p for p in parts]
    return pc.binary_join_element_wise(*each, pa.scalar("", kind))


def _lines(cells: list[pa.Array], delimiter: str, start: str, end: str) -> memoryview:
    """Join columns to lines and return the characters of all lines."""
    rows = pc.binary_join_element_wise(*cells, pa.scalar(delimiter, pa.large_string()))
    rows = _glued(start, rows, end)
    _, ends, text = rows.buffers()
    size = int(np.frombuffer(ends, np.int64)[rows.offset + len(rows)]) if len(rows) else 0
    return memoryview(text or b"")[:size]


def _json_rows(table: pa.Table) -> Iterator[memoryview]:
    """Yield the rows as lines with one JSON object each, in UTF-8."""
    for batch in table.combine_chunks().to_batches(max_chunksize=_ROWS):
        cells = []
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            key = json.dumps(name, ensure_ascii=False) + ": "
            cells.append(_glued(key, pc.fill_null(_json_values(column), "null")))
        yield _lines(cells, ", ", "{", "}\n")


def _json_values(column: pa.Array) -> pa.Array:
    kind = column.type
    text = _cell_text(column)
    if pa.types.is_floating(kind):
        return pc.if_else(pc.is_finite(column), text, pa.scalar(None, text.type))
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_decimal(kind):
        return text
    if pc.any(pc.match_substring_regex(text, r"[\x00-\x1f]")).as_py():
        values = [
            None if v is None else json.dumps(v, ensure_ascii=False) for v in text.to_pylist()
        ]
        return pa.array(values, pa.large_string())
    text = pc.replace_substring(pc.replace_substring(text, "\\", "\\\\"), '"', '\\"')
    return _glued('"', text, '"')


class _Sink(Protocol):
    def write(self, piece: pa.Table) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None: ...


class RowWriter:
    """Append rows to a file, piece by piece, in memory bounded by a piece.

    Parameters
    ----------
    path
        The ending decides the format (``.csv``, ``.tsv``, ``.parquet``, ``.jsonl``, ``.xlsx``; text
        also with ``.gz``, ``.bz2``, ``.xz``, ``.zst``); ``"-"`` is CSV on stdout.
    like
        The source whose delimiter, quotes, encoding and line ends are kept. It also gives the
        format where the ending of `path` says nothing.

    Raises
    ------
    InputError
        If format or place is wrong.
    StorageError
        If the disk is full. Then, as after any error in the block, no file is left behind.

    Examples
    --------
    >>> import pyarrow as pa, tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "few.csv"
    >>> with RowWriter(path) as writer:
    ...     writer.write(pa.table({"a": ["1", None], "b": ["x, y", ""]}))
    >>> print(path.read_text(), end="")
    a,b
    1,"x, y"
    ,""
    """

    def __init__(self, path: str | os.PathLike[str], like: Source | None = None) -> None:
        self.rows, self._like = 0, like
        self._schema: pa.Schema | None = None
        self._sink: _Sink | None = None
        self._stdout = os.fspath(path) == "-"
        self._path = Path("stdout.csv" if self._stdout else path)
        _, suffix, compression = split_suffix(self._path)
        self._format = FORMATS.get(suffix, like.format if like is not None and not suffix else "")
        if self._format not in ("delimited", "parquet", "json lines", "excel"):
            raise InputError(
                f"output {self._path.name}: unknown ending", allowed=", ".join(FORMATS)
            )
        if compression and self._format in ("parquet", "excel"):
            raise InputError(f"output {self._path.name}", got=f"{self._format} in {compression}")
        self._dialect = _dialect(like, suffix)
        self._compression = compression.lstrip(".")
        self._out = None if self._stdout else OutFile(self._path)

    def __enter__(self) -> Self:
        return self

    def write(self, piece: pa.Table | pa.RecordBatch) -> None:
        """Append rows; the first piece fixes names and types, later ones are cast to them."""
        if isinstance(piece, pa.RecordBatch):
            piece = pa.Table.from_batches([piece])
        with storage_errors(self._path):
            if self._schema is None:
                self._schema = piece.schema.remove_metadata()
                self._sink = self._open(self._schema)
            if self._sink is not None:
                self._sink.write(piece.select(self._schema.names).cast(self._schema))
        self.rows += piece.num_rows

    def _open(self, schema: pa.Schema) -> _Sink:
        file = sys.stdout.buffer if self._out is None else self._out.file
        if self._format == "parquet":
            return _ParquetSink(file, schema)
        if self._format == "excel":
            return ExcelSink(file, schema, most_rows=_EXCEL_ROWS)
        stream = _compressor(file, self._compression)
        if self._format == "json lines":
            return _JsonSink(stream, stream is not file)
        return _CsvSink(stream, schema, self._dialect, stream is not file)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                with storage_errors(self._path):
                    if self._sink is None and self._like is not None:
                        self.write(self._like.schema.empty_table())
                    if self._sink is not None:
                        self._sink.close()
                    if self._out is None:
                        sys.stdout.buffer.flush()
                if self._out is not None:
                    self._out.commit()
                    self._out = None
        finally:
            if self._out is not None:
                if self._sink is not None:
                    self._sink.abort()
                self._out.discard()


def write_table(raw: pa.Table, path: str | os.PathLike[str], like: Source | None = None) -> None:
    """Write all rows of `raw` to `path`, as `RowWriter` does."""
    with RowWriter(path, like) as writer:
        for start in range(0, max(raw.num_rows, 1), _PARQUET_ROWS):
            writer.write(raw.slice(start, _PARQUET_ROWS))


def _dialect(like: Source | None, suffix: str) -> Dialect:
    """Write as the source is written; a .tsv of another source gets tabs."""
    tabs = suffix in (".tsv", ".tab")
    if like is None or like.dialect is None or like.format != "delimited":
        return Dialect(delimiter="\t") if tabs else Dialect()
    was_tabs = like.suffix.startswith((".tsv", ".tab"))
    if tabs != was_tabs:
        return replace(like.dialect, delimiter="\t" if tabs else ",")
    return like.dialect


def _compressor(file: BinaryIO, compression: str) -> BinaryIO:
    """Wrap `file`; equal content gives equal bytes (no time, no file name)."""
    if compression == "gz":
        packed = gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0)
        return cast(BinaryIO, packed)
    if compression == "bz2":
        return cast(BinaryIO, bz2.BZ2File(file, "wb"))
    if compression == "xz":
        return cast(BinaryIO, lzma.LZMAFile(file, "wb"))
    if compression == "zst":
        return cast(BinaryIO, pa.CompressedOutputStream(pa.PythonFile(_Open(file), "w"), "zstd"))
    return file


class _Open(io.RawIOBase):
    """Pass writes on and leave the file below open when closed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        return self._file.write(data)


class _TextSink:
    """What CSV and JSON lines share: a stream that is closed only if it is the sink's own."""

    def __init__(self, file: BinaryIO, owned: bool) -> None:
        self._file, self._owned = file, owned

    def close(self) -> None:
        if self._owned:
            self._file.close()

    def abort(self) -> None:
        with contextlib.suppress(OSError, ValueError, pa.ArrowException):
            self.close()


class _CsvSink(_TextSink):
    def __init__(self, file: BinaryIO, schema: pa.Schema, dialect: Dialect, owned: bool) -> None:
        super().__init__(file, owned)
        self._dialect = dialect
        errors = "strict" if dialect.encoding.startswith("utf") else "replace"
        self._encoder = codecs.getincrementalencoder(dialect.encoding)(errors)
        file.write(dialect.bom)
        file.write(self._encoder.encode(_csv_header(schema.names, dialect)))

    def write(self, piece: pa.Table) -> None:
        for text in _csv_rows(piece, self._dialect):
            plain = self._dialect.encoding == "utf-8"
            self._file.write(text if plain else self._encoder.encode(bytes(text).decode()))


class _JsonSink(_TextSink):
    def write(self, piece: pa.Table) -> None:
        for text in _json_rows(piece):
            self._file.write(text)


class _ParquetSink:
    """Row groups of 131,072 rows, however the pieces are cut."""

    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        import pyarrow.parquet as pq

        self._writer = pq.ParquetWriter(file, schema, compression="zstd", write_page_checksum=True)
        self._waiting: list[pa.Table] = []
        self._rows = 0

    def write(self, piece: pa.Table) -> None:
        self._waiting.append(piece)
        self._rows += piece.num_rows
        if self._rows >= _PARQUET_ROWS:
            table = pa.concat_tables(self._waiting).combine_chunks()
            whole = self._rows - self._rows % _PARQUET_ROWS
            self._writer.write_table(table.slice(0, whole), row_group_size=_PARQUET_ROWS)
            self._waiting, self._rows = [table.slice(whole)], self._rows - whole

    def close(self) -> None:
        if self._rows:
            self._writer.write_table(pa.concat_tables(self._waiting))
        self._writer.close()

    def abort(self) -> None:
        with contextlib.suppress(OSError, ValueError, pa.ArrowException):
            self._writer.close()
        self._writer.is_open = False  # or it would try again when it is collected
