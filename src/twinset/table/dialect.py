"""How a delimited text file is written: compression, encoding, delimiter, quotes, line ends.

The rules are our own. The header decides which delimiters are possible, and the first 1,000
records decide between them; a quote counts only where a field begins, as in RFC 4180.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from twinset.errors import InputError

__all__ = ["COMPRESSIONS", "Dialect", "Header", "sniff_compression", "sniff_encoding", "sniff_text"]

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


def sniff_compression(head: bytes) -> str:
    """Return the compression (a key of `COMPRESSIONS`) of a file that begins so, or ``""``."""
    return next((k for k, magic in COMPRESSIONS.items() if head.startswith(magic)), "")


def sniff_encoding(open_raw: Callable[[], BinaryIO]) -> tuple[str, bytes]:
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


def sniff_text(text: str, *, ended: bool, name: str) -> tuple[Dialect, Header] | None:
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
    if len(set(names)) < len(names):
        seen: set[str] = set()
        twice = next(n for n in names if n in seen or seen.add(n))  # type: ignore[func-returns-value]
        raise InputError(f"{name}: column names", got=f"{twice!r} twice", allowed="unique names")
    return names


def _always_quoted(rows: list[list[_Field]], i: int) -> bool:
    cells = [r[i] for r in rows if i < len(r)]
    return any(c.quoted for c in cells) and all(c.quoted or not c.text for c in cells)
