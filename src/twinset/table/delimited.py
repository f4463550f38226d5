"""Delimited text: how a file is written, and its rows as Arrow batches of text as written.

The header decides which delimiters are possible, and the first 1,000 records decide between them;
a quote counts only where a field begins, as in RFC 4180. An empty cell without quotes is null; an
empty quoted cell is "". Memory is bounded by the block size, whatever the size of the file.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.compute as pc

from twinset.errors import InputError

__all__ = [
    "COMPRESSIONS",
    "DelimitedReader",
    "Dialect",
    "Header",
    "Utf8Stream",
    "check_unique",
    "open_delimited",
    "read_start",
]

COMPRESSIONS = {
    "gz": b"\x1f\x8b",
    "bz2": b"BZh",
    "xz": b"\xfd7zXZ\x00",
    "zst": b"\x28\xb5\x2f\xfd",
}
"""File suffix of each compression and the bytes such a file begins with."""

_BOMS = (  # the longer first: the mark of UTF-32 begins with that of UTF-16
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"\xef\xbb\xbf", "utf-8"),
)
_SURE_DELIMITERS = ",;\t|\x1f\x01~^"
_RECORDS = 1_000
_SCANNED_BYTES = 16 << 20
_NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?")
_SEPARATOR_LINE = re.compile(r"sep=([^\r\n])(\r\n|\n|\r)")
_BLOCKS = (1 << 20, 16 << 20, 128 << 20)  # bytes; Arrow reads up to 32 of them ahead
_DAMAGED = (EOFError, zlib.error, lzma.LZMAError, OSError)


@dataclass(frozen=True)
class Dialect:
    r"""How one delimited file spells its table.

    Attributes
    ----------
    delimiter, quote
        One character each.
    escape
        Character before a quote inside a quoted cell; None where quotes are doubled.
    encoding
        Python codec without byte order mark, such as ``"utf-8"`` or ``"utf-16-le"``.
    bom
        Byte order mark at the start of the file (often empty).
    compression
        ``""``, ``"gz"``, ``"bz2"``, ``"xz"`` or ``"zst"``.
    newline
        ``"\n"``, ``"\r\n"`` or ``"\r"``.
    quoted
        Names of columns whose cells are always quoted.
    quoted_header
        Whether the names in the header are quoted.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str | None = None
    encoding: str = "utf-8"
    bom: bytes = b""
    compression: str = ""
    newline: str = "\n"
    quoted: frozenset[str] = frozenset()
    quoted_header: bool = False


@dataclass(frozen=True)
class Header:
    """Column names, and how many characters of the text come before the first row."""

    names: tuple[str, ...]
    length: int


@dataclass(frozen=True)
class _Field:
    text: str
    quoted: bool


def _sniff_compression(head: bytes) -> str:
    """Return the compression (a key of `COMPRESSIONS`) of a file that begins so, or ``""``."""
    return next((k for k, magic in COMPRESSIONS.items() if head.startswith(magic)), "")


def _sniff_encoding(open_raw: Callable[[], BinaryIO]) -> tuple[str, bytes]:
    """Return codec and byte order mark, from up to 16 MB of the file.

    Text that is not UTF-8 is taken for Windows-1252 (or Latin-1 where that has gaps), unless most
    of its non-ASCII characters are good UTF-8: then the file is damaged UTF-8, and is refused
    where it is read.
    """
    with open_raw() as raw:
        chunk = raw.read(1 << 16)
        for bom, encoding in _BOMS:
            if chunk.startswith(bom):
                return encoding, bom
        if b"\x00" in chunk[:4096]:
            return _sniff_utf16(chunk[:4096]), b""
        scanned = 0
        while chunk and chunk.isascii() and scanned < _SCANNED_BYTES:
            scanned += len(chunk)
            chunk = raw.read(1 << 20)
        chunk += raw.read(1 << 16)
        ended = not raw.read(1)
    text = chunk.decode("utf-8", errors="surrogateescape")
    text = text if ended else text[:-4]  # the last character may be cut in two
    wrong = sum("\udc80" <= c <= "\udcff" for c in text)
    right = sum(not c.isascii() for c in text) - wrong
    if wrong <= right:
        return "utf-8", b""
    holes = set(b"\x81\x8d\x8f\x90\x9d").intersection(chunk)
    return ("latin-1" if holes else "cp1252"), b""


def _sniff_utf16(head: bytes) -> str:
    """Tell UTF-16 without a mark by where its zero bytes stand; else UTF-8 (refused later)."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > 0.3 * len(head) / 2 and not even:
        return "utf-16-le"
    if even > 0.3 * len(head) / 2 and not odd:
        return "utf-16-be"
    return "utf-8"


def _sniff_text(text: str, *, ended: bool, name: str) -> tuple[Dialect, Header] | None:
    """Read header and delimiter off the start of a file.

    Parameters
    ----------
    text
        The first part of the file.
    ended
        Whether that is the whole file.
    name
        What to call the file in an error.

    Returns
    -------
    The dialect (without encoding and compression) and the header; None if more text is needed.

    Raises
    ------
    InputError
        If two columns have the same name.
    """
    start = len(text) - len(text.lstrip("\r\n"))
    stated = _SEPARATOR_LINE.match(text, start)
    start = stated.end() if stated else start
    quote = "'" if re.match(r"'[^'\r\n]*'(\W'|[\r\n])", text[start:]) else '"'
    escape = "\\" if _uses_escape(text, quote) else None
    line = re.split(r"[\r\n]", text[start : start + (1 << 20)], maxsplit=1)[0]
    candidates = [stated[1]] if stated else [d for d in _SURE_DELIMITERS if d in line]
    read = {d: _records(text, start, d, quote, escape, ended) for d in (candidates or ["\n"])}
    if not any(records for records, _ in read.values()):
        return None
    delimiter = max(candidates, key=lambda d: _agreement(read[d][0])) if candidates else ""
    if delimiter and not stated and _agreement(read[delimiter][0])[1] < 2:
        delimiter = ""
    if not delimiter:
        delimiter = _space_or_comma(text, start, quote, escape, ended)
    records, length = _records(text, start, delimiter, quote, escape, ended)
    if not records:
        return None
    names = _names(records[0], name)
    always = frozenset(n for i, n in enumerate(names) if _always_quoted(records[1:], i))
    break_ = re.search(r"\r\n|\n|\r", text[start:])
    dialect = Dialect(
        delimiter=delimiter,
        quote=quote,
        escape=escape,
        newline=break_[0] if break_ else "\n",
        quoted=always,
        quoted_header=all(f.quoted for f in records[0]),
    )
    return dialect, Header(names, length)


def _uses_escape(text: str, quote: str) -> bool:
    r"""Whether quotes inside cells are written \" rather than ""."""
    escaped = re.search(rf"\w\s?\\{quote}[\w\s]|[\s]\\{quote}\w", text)
    return escaped is not None and re.search(rf"\w{quote}{quote}\w", text) is None


def _records(
    text: str, start: int, delimiter: str, quote: str, escape: str | None, ended: bool
) -> tuple[list[list[_Field]], int]:
    """Split off up to 1,000 complete records; also return where the first one ends."""
    q, d = re.escape(quote), re.escape(delimiter)
    inner = rf"[^{q}\\]*(?:\\.[^{q}\\]*)*" if escape else rf"[^{q}]*(?:{q}{q}[^{q}]*)*"
    field = re.compile(rf"(?:{q}({inner}){q}|([^{d}\r\n]*))({d}|\r\n|\n|\r|\Z)", re.DOTALL)
    records: list[list[_Field]] = []
    fields: list[_Field] = []
    position, first_end = start, len(text)
    while position < len(text) and len(records) <= _RECORDS:
        match = field.match(text, position)
        if match is None:  # pragma: no cover - the second alternative always matches
            break
        position = match.end()
        quoted = match[1] is not None
        fields.append(_Field(_plain(match[1], quote, escape) if quoted else match[2], quoted))
        if match[3] == delimiter and delimiter != "\n":
            continue
        if match[3] == "" and not ended:
            break
        if not records:
            first_end = position
        if len(fields) > 1 or fields[0].quoted or fields[0].text:
            records.append(fields)
        fields = []
    return records, first_end


def _plain(cell: str, quote: str, escape: str | None) -> str:
    return re.sub(r"\\(.)", r"\1", cell) if escape else cell.replace(quote * 2, quote)


def _agreement(records: list[list[_Field]]) -> tuple[float, int]:
    """Order candidates: share of rows as wide as the header (in tenths), then the width."""
    if not records:
        return 0.0, 0
    width = len(records[0])
    rows = records[1:]
    share = sum(len(r) == width for r in rows) / len(rows) if rows else 1.0
    if share < 0.5 and sum(len(r) == 1 for r in rows) > 0.5 * len(rows):
        width = 1  # a comma in the name of an only column
    return round(share, 1), width


def _space_or_comma(text: str, start: int, quote: str, escape: str | None, ended: bool) -> str:
    """Accept blanks as delimiter only for a table of numbers; else it is one column of words."""
    records, _ = _records(text, start, " ", quote, escape, ended)
    if len(records) < 3 or len(records[0]) < 2 or _agreement(records) < (1.0, 2):
        return ","
    numeric = all(_NUMBER.fullmatch(f.text) for r in records[1:] for f in r)
    return " " if numeric else ","


def _names(header: list[_Field], name: str) -> tuple[str, ...]:
    names = tuple(f.text or f"column_{i + 1}" for i, f in enumerate(header))
    check_unique(names, name)
    return names


def check_unique(names: Sequence[str], what: str) -> None:
    """InputError about `what` if a column name stands twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(f"{what}: column names", got=f"{name!r} twice", allowed="unique names")
        seen.add(name)


def _always_quoted(rows: list[list[_Field]], i: int) -> bool:
    cells = [r[i] for r in rows if i < len(r)]
    return any(c.quoted for c in cells) and all(c.quoted or not c.text for c in cells)


def _open_expanded(path: Path, compression: str) -> BinaryIO:
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
            compression = _sniff_compression(raw.read(8))
        with _open_expanded(path, compression) as stream:
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
        self._raw = _open_expanded(path, dialect.compression)
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
        encoding, bom = _sniff_encoding(lambda: _open_expanded(path, compression))
    except _DAMAGED as error:
        raise _unreadable(name, error) from None
    how = Dialect(encoding=encoding, bom=bom, compression=compression)
    size = 1 << 18
    while True:
        text, ended = _start_of_text(path, how, name, size)
        if not text.strip():
            raise InputError(f"{name} is empty", allowed="a header line and rows")
        sniffed = _sniff_text(text, ended=ended, name=name)
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
