"""Inputs: what a user says about a table, and the table read accordingly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from twinset.errors import InputError
from twinset.progress import check_time
from twinset.stats.seeds import stream
from twinset.table.canonical import to_canonical
from twinset.table.infer import infer
from twinset.table.schema import Schema
from twinset.table.schema_files import load_schema
from twinset.table.sources import Source, open_source
from twinset.table.split import align_columns, check_holdout
from twinset.table.table import Table

__all__ = ["MAX_ROWS", "Options", "read", "read_holdout", "read_like", "stored_types"]

MAX_ROWS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a user can say about a table, the same in every step.

    Attributes
    ----------
    schema
        A `Schema`, or the path of one (twinset YAML, SDV metadata or Frictionless JSON); it may
        describe some columns only, the others are inferred.
    target, sensitive, unit
        Columns by role; they win over the schema.
    table
        Table of a database.
    max_rows
        Rows read at most; of a larger table a uniform sample is read.
    """

    schema: Schema | str | Path | None = None
    target: str | None = None
    sensitive: Sequence[str] = ()
    unit: str | None = None
    table: str | None = None
    max_rows: int = MAX_ROWS

    def declared(self) -> Schema | None:
        """Return the declared schema, loaded."""
        if self.schema is None or isinstance(self.schema, Schema):
            return self.schema
        return load_schema(Path(self.schema))

    def key(self) -> dict[str, object]:
        """Everything here that changes a result, as JSON values."""
        declared = self.declared()
        return {
            "schema": declared.to_dict() if declared else None,
            "target": self.target,
            "sensitive": list(self.sensitive),
            "unit": self.unit,
            "table": self.table,
            "max_rows": self.max_rows,
        }

    def infer(self, raw: pa.Table) -> Schema:
        """Schema of `raw` under these options."""
        return infer(
            raw,
            declared=self.declared(),
            target=self.target,
            sensitive=self.sensitive,
            unit=self.unit,
        )


def read(data: object, options: Options, *, seed: int = 0) -> tuple[Source, Table]:
    """Open `data`, infer its schema and return it as a canonical table."""
    check_time()
    source = open_source(data, table=options.table)
    raw = source.raw(options.max_rows, stream(seed, "read"))
    if raw.num_rows == 0:
        raise InputError(source.name, got="no rows", allowed="a header and at least one row")
    return source, to_canonical(raw, options.infer(raw))


def read_like(data: object, like: Table, options: Options, *, seed: int = 0) -> Table:
    """Read another table of the same kind: its columns are those of `like`."""
    if isinstance(data, Table):
        return data
    check_time()
    source = open_source(data, table=options.table)
    raw = source.raw(options.max_rows, stream(seed, "read", source.name))
    if raw.num_rows == 0:
        raise InputError(source.name, got="no rows", allowed="at least one row")
    return to_canonical(align_columns(raw, like.names, what=source.name), like.schema)


def read_holdout(
    data: object, train: Table, options: Options, *, seed: int = 0
) -> tuple[Table, int]:
    """Read a holdout; return it without the units it shares with train, and their number."""
    return check_holdout(train, read_like(data, train, options, seed=seed))


def stored_types(data: object, options: Options, *, seed: int = 0) -> dict[str, str]:
    """Return each column's type as pandas stores it; numbers of a text file as it reads them."""
    if isinstance(data, Table):
        raw = data.data
    else:
        source = open_source(data, table=options.table)
        raw = source.raw(options.max_rows, stream(seed, "read", source.name))
    return {name: _stored(raw[name]) for name in raw.column_names}


def _stored(column: pa.ChunkedArray) -> str:
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return str(column.to_pandas().dtype)
    known = pc.if_else(pc.equal(column, ""), None, column)
    for kind in (pa.int64(), pa.float64()):
        try:
            pc.cast(known, kind)
        except pa.ArrowInvalid:
            continue
        whole = kind == pa.int64() and not known.null_count
        return "int64" if whole else "float64"
    return "object"
