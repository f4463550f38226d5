"""Delimited text as a stream of Arrow batches in which every column is text as written.

An empty cell without quotes is null; an empty quoted cell is "". Memory is bounded by the block
size, whatever the size of the file.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.compute as pc

from twinset.errors import InputError
from twinset.table.dialect import (
    Dialect,
    Header,
    sniff_compression,
    sniff_encoding,
    sniff_text,
)

__all__ = ["DelimitedReader", "Utf8Stream", "open_delimited", "open_expanded", "read_start"]

_BLOCKS = (1 << 20, 16 << 20, 128 << 20)  # bytes; Arrow reads up to 32 of them ahead
_DAMAGED = (EOFError, zlib.error, lzma.LZMAError, OSError)


def open_expanded(path: Path, compression: str) -> BinaryIO:
    """Open a file for reading, expanded."""
    if compression == "gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    if compression == "bz2":
        return cast(BinaryIO, bz2.open(path, "rb"))
    if compression == "xz":
        return cast(BinaryIO, lzma.open(path, "rb"))
    if compression == "zst":
        return cast(BinaryIO, pa.CompressedInputStream(pa.OSFile(str(path)), "zstd"))
    return path.open("rb")


def read_start(path: Path, size: int) -> tuple[str, bytes]:
    """Return the compression of a file and its first `size` expanded bytes.

    Raises
    ------
    InputError
        If the file cannot be read or expanded.
    """
    try:
        with path.open("rb") as raw:
            compression = sniff_compression(raw.read(8))
        with open_expanded(path, compression) as stream:
            head = b""
            while len(head) < size and (chunk := stream.read(size - len(head))):
                head += bytes(chunk)
    except _DAMAGED as error:
        raise _unreadable(path.name, error) from None
    return compression, head


def _unreadable(name: str, error: BaseException) -> InputError:
    if isinstance(error, PermissionError):
        return InputError(f"{name} cannot be read", got="no permission", hint="chmod u+r")
    return InputError(
        f"{name} cannot be expanded",
        got="a damaged or cut-off file",
        hint="copy or download it again",
    )


class Utf8Stream(io.RawIOBase):
    """The text of a file as checked UTF-8 bytes, without byte order mark.

    Raises
    ------
    InputError
        While reading: if the file is cut off, not in its encoding, or holds NUL characters.
    """

    def __init__(self, path: Path, dialect: Dialect, *, name: str) -> None:
        super().__init__()
        self.name, self._encoding = name, dialect.encoding
        self._raw = open_expanded(path, dialect.compression)
        self._decoder = codecs.getincrementaldecoder(dialect.encoding)()
        self._pending = memoryview(b"")
        self._quote = dialect.quote.encode()
        self._lines, self._ended = 1, False
        self.quotes = 0
        self._raw.read(len(dialect.bom))

    def readable(self) -> bool:
        """Always true."""
        return True

    def close(self) -> None:
        """Close the file below."""
        self._raw.close()
        super().close()

    def skip_characters(self, count: int) -> None:
        """Pass over the first `count` characters of the text."""
        while count > 0 and (chunk := self.read(1 << 16)):
            text = bytes(chunk)
            while True:  # a chunk may end inside a character
                try:
                    characters = text.decode()
                    break
                except UnicodeDecodeError:
                    text += self.read(1)
            rest = characters[count:].encode()
            count -= len(characters)
            if rest:
                self._pending = memoryview(rest + bytes(self._pending))
        self.quotes = bytes(self._pending).count(self._quote)

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes (all that is left if negative); nothing at the end."""
        if size < 0:
            return b"".join(iter(lambda: self.read(1 << 20), b""))
        while not self._pending and not self._ended:
            self._pending = memoryview(self._next(max(size, 1 << 16)))
        taken, self._pending = self._pending[:size], self._pending[size:]
        return bytes(taken)

    def _next(self, size: int) -> bytes:
        try:
            raw = bytes(self._raw.read(size))
        except _DAMAGED as error:
            raise _unreadable(self.name, error) from None
        self._ended = not raw
        text = self._to_utf8(raw)
        if b"\x00" in text:
            line = self._lines + text[: text.index(b"\x00")].count(b"\n")
            raise InputError(
                f"{self.name}: line {line} holds a NUL character",
                allowed="text",
                hint="is it a binary file? if it is damaged, export it again",
            )
        self._lines += text.count(b"\n")
        self.quotes += text.count(self._quote)
        return text

    def _to_utf8(self, raw: bytes) -> bytes:
        plain = self._encoding == "utf-8"
        if plain and raw and raw.isascii() and not self._decoder.getstate()[0]:
            return raw
        try:
            text = self._decoder.decode(raw, final=not raw)
        except UnicodeDecodeError as error:
            line = self._lines + bytes(error.object)[: error.start].count(b"\n")
            raise InputError(
                f"{self.name}: line {line} is not {self._encoding} text",
                hint="save the file as UTF-8",
            ) from None
        return raw if plain else text.encode()


@dataclass(frozen=True)
class DelimitedReader:
    """Rows of one delimited file; every column is an Arrow string."""

    path: Path
    name: str
    dialect: Dialect
    header: Header

    @property
    def schema(self) -> pa.Schema:
        """Every column as a string."""
        return pa.schema([(n, pa.string()) for n in self.header.names])

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Yield batches of at most `rows` rows.

        Raises
        ------
        InputError
            For a row of another width than the header (with its number), a quote that is never
            closed, and what `Utf8Stream` refuses.
        """
        delivered = 0
        for block in _BLOCKS:
            seen = 0
            try:
                for batch in self._parse(block):
                    begin = max(delivered - seen, 0)
                    seen += batch.num_rows
                    for start in range(begin, batch.num_rows, rows):
                        piece = batch.slice(start, rows)
                        delivered += piece.num_rows
                        yield piece
                return
            except _RowTooLongError:
                continue
        raise InputError(
            f"{self.name}: row {delivered + 1} or one of the next is longer than 128 MB",
            hint="is a quote never closed?",
        )

    def _parse(self, block: int) -> Iterator[pa.RecordBatch]:
        with Utf8Stream(self.path, self.dialect, name=self.name) as stream:
            stream.skip_characters(self.header.length)
            first = stream.read(1)
            if not first:
                return
            stream._pending = memoryview(first + bytes(stream._pending))
            last = None
            try:
                for batch in self._open(stream, block):
                    last = batch if batch.num_rows else last
                    yield batch
            except pa.ArrowInvalid as error:
                raise self._explain(error) from None
            if stream.quotes % 2 and last is not None and self.dialect.escape is None:
                cell = last.column(last.num_columns - 1)[-1:]
                if pc.any(pc.match_substring(cell, "\n")).as_py():
                    raise InputError(f"{self.name}: a quote near the end is never closed")

    def _open(self, stream: Utf8Stream, block: int) -> Any:
        import pyarrow.csv as csv

        names = [str(i) for i in range(len(self.header.names))]
        reader = csv.open_csv(
            pa.PythonFile(stream, mode="r"),
            read_options=csv.ReadOptions(column_names=names, block_size=block, use_threads=False),
            parse_options=csv.ParseOptions(
                delimiter=self.dialect.delimiter,
                quote_char=self.dialect.quote,
                double_quote=self.dialect.escape is None,
                escape_char=self.dialect.escape or False,
                newlines_in_values=True,
                ignore_empty_lines=len(names) > 1,
            ),
            convert_options=csv.ConvertOptions(
                check_utf8=False,  # the stream has checked it
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        schema = self.schema
        return (pa.RecordBatch.from_arrays(b.columns, schema=schema) for b in reader)

    def _explain(self, error: pa.ArrowInvalid) -> Exception:
        """Say what is wrong without the cells that Arrow's own message shows."""
        message = str(error)
        if "straddl" in message:
            return _RowTooLongError()
        ragged = re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", message)
        if ragged:
            row, wide, got = ragged.groups()
            return InputError(
                f"{self.name}: row {row} after the header",
                got=f"{got} cells",
                allowed=f"{wide}, as in the header (delimiter {self.dialect.delimiter!r})",
                hint="put quotes around cells that hold the delimiter",
            )
        return InputError(
            f"{self.name} cannot be read as delimited text", hint="is a quote never closed?"
        )


class _RowTooLongError(Exception):
    """A row does not fit into the block."""


def open_delimited(path: Path, compression: str, *, name: str) -> DelimitedReader:
    """Work out how the file is written and read its header.

    Raises
    ------
    InputError
        If the file is empty or cut off, its header has a name twice, or it is not text.
    """
    try:
        encoding, bom = sniff_encoding(lambda: open_expanded(path, compression))
    except _DAMAGED as error:
        raise _unreadable(name, error) from None
    how = Dialect(encoding=encoding, bom=bom, compression=compression)
    size = 1 << 18
    while True:
        text, ended = _start_of_text(path, how, name, size)
        if not text.strip():
            raise InputError(f"{name} is empty", allowed="a header line and rows")
        sniffed = sniff_text(text, ended=ended, name=name)
        if sniffed is not None:
            break
        if ended or size > _BLOCKS[-1]:
            raise InputError(f"{name}: no end of the header line found")
        size *= 8
    dialect, header = sniffed
    dialect = replace(dialect, encoding=encoding, bom=bom, compression=compression)
    return DelimitedReader(path, name, dialect, header)


def _start_of_text(path: Path, how: Dialect, name: str, size: int) -> tuple[str, bool]:
    with Utf8Stream(path, how, name=name) as stream:
        data = b""
        while len(data) < size and (chunk := stream.read(size - len(data))):
            data += chunk
        ended = not stream.read(1)
    return codecs.getincrementaldecoder("utf-8")().decode(data), ended
