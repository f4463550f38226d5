"""Where rows come from: one `Source` for files, databases, stdin and frames.

A source gives rows as its own Arrow types ("raw"); of delimited text every column is text exactly
as written. Nothing larger than a block of rows, or the sample asked for, is held in memory.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinset.errors import InputError, near
from twinset.table.arrow_types import all_whole, is_text
from twinset.table.canonical import MOMENTS, TEXTS
from twinset.table.database import is_database_url, open_database
from twinset.table.delimited import COMPRESSIONS, Dialect, open_delimited, read_start
from twinset.table.files import JsonLinesReader, ParquetReader, read_excel
from twinset.table.frames import FrameReader, content_hash, frame_kind, from_frame
from twinset.table.inference.dates import date_pattern
from twinset.table.schema import Kind, Schema

__all__ = ["FORMATS", "Reader", "Source", "Whole", "open_source", "smallest_keys", "split_suffix"]

FORMATS = {
    ".csv": "delimited",
    ".tsv": "delimited",
    ".tab": "delimited",
    ".txt": "delimited",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "json lines",
    ".ndjson": "json lines",
    ".json": "json lines",
    ".xlsx": "excel",
    ".xlsm": "excel",
}
_NAMES = {
    "delimited": "delimited text",
    "parquet": "Parquet",
    "json lines": "JSON lines",
    "excel": "an Excel workbook",
}
_FOREIGN = {
    b"PK\x03\x04": "a zip archive",
    b"ARROW1": "an Arrow file",
    b"SQLite format 3\x00": "a SQLite database",
    b"%PDF": "a PDF file",
    b"\xd0\xcf\x11\xe0": "an old or encrypted Office file",
    b"\x89HDF": "an HDF5 file",
    b"7z\xbc\xaf": "a 7z archive",
}
_DEFAULT_SUFFIX = {
    "delimited": ".csv", "parquet": ".parquet", "json lines": ".jsonl", "excel": ".xlsx"
}  # fmt: skip
Keyed = tuple[pa.RecordBatch, npt.NDArray[np.float64]]


class Reader(Protocol):
    """What each kind of source brings."""

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns."""
        ...

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Yield batches of at most `rows` rows, from the start each time it is called."""
        ...


@dataclass(frozen=True)
class Source:
    """A readable table.

    Attributes
    ----------
    name
        Label for people, without credentials.
    stem, suffix
        File name without and with its ending, such as ``"people"`` and ``".csv.gz"``; what is
        no file has the suffix ``".parquet"``.
    format
        ``"delimited"``, ``"parquet"``, ``"json lines"``, ``"excel"``, ``"database"`` or the kind of
        frame (``"pandas"``, ``"polars"``, ``"pyarrow"``).
    dialect
        How a text file is written; None for other sources.
    path
        The file, where there is one.
    frame
        The frame, where there is one (for stdin: what keeps its temporary copy).
    """

    name: str
    stem: str
    suffix: str
    format: str
    reader: Reader = field(repr=False)
    dialect: Dialect | None = None
    path: Path | None = field(default=None, repr=False)
    frame: object | None = field(default=None, repr=False, compare=False)

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns."""
        return self.reader.schema

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(self.schema.names)

    def batches(self, rows: int = 65_536) -> Iterator[pa.RecordBatch]:
        """Yield all rows in order, at most `rows` at a time, in bounded memory."""
        return self.reader.batches(rows)

    def raw(self, max_rows: int | None = None, rng: np.random.Generator | None = None) -> pa.Table:
        """Return all rows, or a uniform sample of `max_rows` of them, in the order of the source.

        Parameters
        ----------
        max_rows
            Most rows to return; None for all. Memory is bounded by about twice as many.
        rng
            Draws the sample; None draws the same rows each time.
        """
        if max_rows is None:
            return pa.Table.from_batches(list(self.batches()), self.schema)
        rng = np.random.default_rng(0) if rng is None else rng
        keyed = ((b, rng.random(b.num_rows)) for b in self.batches())
        return smallest_keys(self.schema, keyed, max_rows)[0]

    def fingerprint(self) -> str:
        """SHA-256 (hex) of the file, or of names, types and values of what is no file."""
        if self.path is None:
            return content_hash(self.schema, self.batches())
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def smallest_keys(
    schema: pa.Schema, keyed: Iterable[Keyed], most: int
) -> tuple[pa.Table, npt.NDArray[np.float64]]:
    """Return the rows with the `most` smallest keys, in their order, and their keys.

    Random keys give a uniform sample without replacement. At most about twice as many rows and a
    batch are held.
    """
    kept: list[pa.RecordBatch] = []
    keys = np.empty(0)
    limit, total = np.inf, 0
    for batch, new in keyed:
        total += batch.num_rows
        if np.isfinite(limit):
            chosen = np.flatnonzero(new < limit)
            batch, new = batch.take(pa.array(chosen)), new[chosen]
        kept.append(batch)
        keys = np.concatenate([keys, new])
        if len(keys) > 2 * most + 65_536:
            table, keys = _smallest(schema, kept, keys, most)
            kept, limit = table.to_batches(), float(keys.max(initial=0.0))
    if total > most:
        return _smallest(schema, kept, keys, most)
    return pa.Table.from_batches(kept, schema), keys


def _smallest(
    schema: pa.Schema, kept: list[pa.RecordBatch], keys: np.ndarray[Any, Any], most: int
) -> tuple[pa.Table, np.ndarray[Any, Any]]:
    rows = np.sort(np.argpartition(keys, most - 1)[:most]) if len(keys) > most else np.arange(most)
    table = pa.Table.from_batches(kept, schema).combine_chunks()
    return table.take(pa.array(rows)), keys[rows]


def open_source(data: object, *, table: str | None = None) -> Source:
    """Open anything that holds a table.

    Parameters
    ----------
    data
        Path of a CSV (any delimiter, encoding, compression), Parquet, JSON lines or Excel file;
        ``"-"`` for CSV on stdin; ``sqlite:///...`` or ``postgresql://...``; or a pandas, polars or
        pyarrow table.
    table
        Table of a database, or sheet of a workbook.

    Raises
    ------
    InputError
        One line that says what is wrong with the source. Nothing beyond header and types is
        checked yet; the rows are checked while they are read.
    """
    if isinstance(data, Source):
        return data
    if not isinstance(data, str | os.PathLike):
        frame = from_frame(data)
        kind = str(frame_kind(data))
        return Source(f"{kind} table", "table", ".parquet", kind, FrameReader(frame), frame=data)
    text = os.fspath(data)
    if not isinstance(text, str):
        raise InputError("path", got="bytes", allowed="text")
    if text == "-":
        return _open_stdin()
    if is_database_url(text):
        reader = open_database(re.sub(r"^postgres:", "postgresql:", text), table)
        stem = re.sub(r"[^\w.-]+", "_", reader.table).strip("._") or "table"
        return Source(reader.name, stem, ".parquet", "database", reader)
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+)://", text)
    if scheme:
        raise InputError(
            f"{scheme[1]}:// addresses are not read",
            allowed="a local file, sqlite:///..., postgresql://... or -",
            hint="copy it to this machine first",
        )
    return _open_path(Path(text), table)


def _open_stdin() -> Source:
    """Copy stdin to a private temporary file, because it is read more than once."""
    with tempfile.NamedTemporaryFile(suffix=".csv", prefix="twinset-", delete=False) as file:
        holder = _Removed(file.name)
        shutil.copyfileobj(sys.stdin.buffer, file, 1 << 20)
    path = Path(file.name)
    compression, _ = read_start(path, 8)
    reader = open_delimited(path, compression, name="stdin")
    return Source("stdin", "stdin", ".csv", "delimited", reader, reader.dialect, path, holder)


class _Removed:
    """Removes a file when the last reference to this object goes, or Python ends."""

    def __init__(self, path: str) -> None:
        weakref.finalize(self, os.unlink, path)


def _check_path(path: Path) -> None:
    name = path.name or str(path)
    if path.is_dir():
        raise InputError(f"{name} is a folder", allowed="a file")
    if not path.exists():
        files = []
        if path.parent.is_dir():
            with os.scandir(path.parent) as entries:
                files = [e.name for e in entries if e.is_file()][:1000]
        raise InputError(f"{name} is not there", hint=near(name, files, cutoff=0.6).get("hint", ""))
    if not os.access(path, os.R_OK):
        raise InputError(f"{name} cannot be read", got="no permission", hint=f"chmod u+r {name}")
    if not path.is_file():
        raise InputError(
            f"{name} is a pipe or a device", allowed="a file", hint="give - and pipe CSV to stdin"
        )
    if path.stat().st_size == 0:
        raise InputError(f"{name} is empty", allowed="a header line and rows")


def split_suffix(path: Path) -> tuple[str, str, str]:
    """Split a file name into stem, lower-case known format suffix and compression suffix.

    ``people.v2.CSV.gz`` gives ``("people.v2", ".csv", ".gz")``; unknown parts stay in the stem.
    """
    stem, compression = path.name, ""
    if Path(stem).suffix.lower().lstrip(".") in COMPRESSIONS:
        compression = Path(stem).suffix.lower()
        stem = stem[: -len(compression)]
    suffix = Path(stem).suffix.lower()
    if suffix not in FORMATS:
        return stem, "", compression
    return stem[: -len(suffix)], suffix, compression


def _open_path(path: Path, table: str | None) -> Source:
    _check_path(path)
    compression, head = read_start(path, 4096)
    stem, suffix, _ = split_suffix(path)
    format_ = _format(path.name, head, FORMATS.get(suffix))
    if table is not None and format_ != "excel":
        raise InputError("--table", got="a file with one table", allowed="databases and workbooks")
    if compression and format_ in ("parquet", "excel"):
        raise InputError(f"{path.name}: compressed {_NAMES[format_]}", hint="expand it first")
    ending = (suffix or _DEFAULT_SUFFIX[format_]) + (f".{compression}" if compression else "")
    reader: Reader
    dialect = None
    if format_ == "parquet":
        reader = ParquetReader(path, path.name)
        reader.schema  # noqa: B018 - damage shows now
    elif format_ == "excel":
        reader = FrameReader(read_excel(path, path.name, table))
    elif format_ == "json lines":
        bom = b"\xef\xbb\xbf" if head.startswith(b"\xef\xbb\xbf") else b""
        dialect = Dialect(compression=compression, bom=bom)
        reader = JsonLinesReader(path, path.name, dialect)
    else:
        reader = open_delimited(path, compression, name=path.name)
        dialect = reader.dialect
    return Source(path.name, stem or "table", ending, format_, reader, dialect, path)


def _format(name: str, head: bytes, wanted: str | None) -> str:
    """Tell the format by content; a suffix that says otherwise is a mistake to report."""
    found = _sniff_format(head)
    if wanted == "delimited" and found == "json lines" and not head.lstrip().startswith(b'{"'):
        found = "delimited"
    if found is None:
        what = next((text for magic, text in _FOREIGN.items() if head.startswith(magic)), "")
        if what == "a SQLite database":
            raise InputError(f"{name} is {what}", hint="give it as sqlite:///FILE with --table")
        raise InputError(f"{name} is {what or 'binary data'}", allowed="; ".join(_NAMES.values()))
    if wanted is not None and found != wanted:
        raise InputError(
            f"{name} is not {_NAMES[wanted]}, as its name says",
            got=_NAMES[found],
            hint="rename the file, or write it again",
        )
    return found


def _sniff_format(head: bytes) -> str | None:
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"PK\x03\x04") and (b"[Content_Types].xml" in head or b"xl/" in head):
        return "excel"
    if head.startswith(tuple(_FOREIGN)):
        return None
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return "json lines" if start.startswith((b"{", b"[{", b"[\n", b"[\r")) else "delimited"


@dataclass
class Whole:
    """What reading a batch must know of the whole source, so that it reads as the whole would.

    Attributes
    ----------
    schema
        With the pattern of dates that no declared or inferred format tells.
    fractions
        Columns of floats that are read as text, with a fraction or huge values somewhere: there
        large whole numbers have an exponent too.
    """

    schema: Schema
    fractions: tuple[str, ...]

    @classmethod
    def of(cls, source: Source, schema: Schema) -> Whole:
        """Look through the source for such columns, if there can be any."""
        texts = [
            f.name
            for f in source.schema
            if pa.types.is_floating(f.type)
            and f.name in schema
            and schema[f.name].kind in (*TEXTS, Kind.CATEGORY, Kind.ORDINAL)
        ]
        found = set()
        for batch in source.batches() if texts else ():
            found |= {n for n in texts if not all_whole(batch.column(n).cast(pa.float64()))}
        return cls(schema, tuple(found))

    def settled(self, raw: pa.Table) -> pa.Table:
        """Bring a batch to how the whole is read; the first dates settle the pattern."""
        for name in self.fractions:
            x = raw[name].cast(pa.float64())
            text = pc.if_else(pc.is_finite(x), x, None).cast(pa.string())
            raw = raw.set_column(raw.column_names.index(name), name, text)
        columns = list(self.schema.columns)
        for i, column in enumerate(columns):
            unknown = column.kind in MOMENTS and column.format.date_format is None
            if unknown and is_text(raw[column.name].type):
                text = raw[column.name].combine_chunks()
                pattern = {"date_format": date_pattern(column.name, text)}
                form = column.format.model_copy(update=pattern)
                columns[i] = column.model_copy(update={"format": form})
        self.schema = Schema(columns=tuple(columns))
        return raw
