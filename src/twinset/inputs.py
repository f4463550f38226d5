"""Inputs: what a user says about a table, and the table read accordingly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinset.errors import InputError, near
from twinset.evidence.coded import Side
from twinset.progress import check_time
from twinset.stats.seeds import stream
from twinset.table.canonical import to_canonical
from twinset.table.column_store import Hashes, Spill, not_among, spill, unit_hashes
from twinset.table.dataset import Dataset
from twinset.table.inference.table_schema import infer
from twinset.table.schema import Role, Schema
from twinset.table.schema_files import load_schema
from twinset.table.sources import Source, open_source
from twinset.table.split import align_columns, check_holdout, split
from twinset.table.table import Table

__all__ = [
    "MAX_ROWS",
    "AllRows",
    "Options",
    "check_free",
    "read",
    "read_holdout",
    "read_like",
    "read_split",
    "read_tables",
    "read_whole",
    "stored_types",
]

MAX_ROWS = 1_000_000
MAX_BYTES = 512 << 20  # of a table in memory; what is larger is streamed
_PARAMETERS = ("generator", "holdout", "options", "protect", "rules", "seed", "workers")
_SAMPLE_ROWS, _SAMPLE_CELLS = 200_000, 20_000_000


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
        Rows read at most; of a larger table a uniform sample is read (`read_whole`: all rows are
        read, in parts).
    """

    schema: Schema | str | Path | None = None
    target: str | None = None
    sensitive: Sequence[str] = ()
    unit: str | None = None
    table: str | None = None
    max_rows: int = MAX_ROWS

    @classmethod
    def of(cls, about: Mapping[str, Any]) -> Options:
        """Return the options that a call named.

        Raises
        ------
        InputError
            If there is no such option.
        """
        known = [f.name for f in fields(cls)]
        for name in about:
            if name not in known:
                told = near(name, [*known, *_PARAMETERS], most=1, cutoff=0.6)
                allowed = told or {"allowed": ", ".join(known)}
                raise InputError(f"option {name!r}", got="no such option", **allowed)
        options = cls(**about)
        if isinstance(options.sensitive, str):
            return replace(options, sensitive=(options.sensitive,))
        return options

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


def read(data: object, options: Options, *, seed: int = 0) -> tuple[Source, Dataset]:
    """Open `data`, infer its schema and return it as a data set (for now, of one table)."""
    check_time()
    source = open_source(data, table=options.table)
    raw = source.raw(options.max_rows, stream(seed, "read"))
    return source, Dataset.of(_canonical(source, raw, options), options.table or source.stem)


def read_like(data: object, like: Table, options: Options, *, seed: int = 0) -> Table:
    """Read another table of the same kind: its columns are those of `like`."""
    if isinstance(data, Table):
        return data
    check_time()
    source = open_source(data, table=options.table)
    raw = source.raw(options.max_rows, stream(seed, "read", source.name))
    return _canonical(source, raw, options, like)


def _canonical(source: Source, raw: pa.Table, options: Options, like: Table | None = None) -> Table:
    if raw.num_rows == 0:
        header = "a header and " if like is None else ""
        raise InputError(source.name, got="no rows", allowed=f"{header}at least one row")
    if like is None:
        return to_canonical(raw, options.infer(raw))
    raw = align_columns(raw, like.names, what=source.name)
    try:
        return to_canonical(raw, like.schema, fractions=True)
    except InputError as error:
        what = f"{source.name}: {error.what}"
        hint = error.hint or "the column is read as in the train table; --schema states its kind"
        raise InputError(what, got=error.got, allowed=error.allowed, hint=hint) from None


def read_holdout(
    data: object, train: Table, options: Options, *, seed: int = 0
) -> tuple[Table, int]:
    """Read a holdout; return it without the units it shares with train, and their number."""
    return check_holdout(train, read_like(data, train, options, seed=seed))


def read_split(
    data: object, holdout: object | None, options: Options, *, seed: int = 0
) -> tuple[Dataset, Dataset]:
    """Read train and holdout: a share of the units of `data` set aside, or another table."""
    _, train = read(data, options, seed=seed)
    check_free(train)
    if holdout is not None and not isinstance(holdout, int | float):
        unseen, _ = read_holdout(holdout, train.only, options, seed=seed)
        return train, Dataset.of(unseen, train.name)
    kept, unseen = split(train.only, holdout, rng=stream(seed, "split"))
    return Dataset.of(kept, train.name), Dataset.of(unseen, train.name)


def check_free(dataset: Dataset) -> None:
    """Raise InputError, before any fit, for a job that samples without values for a context."""
    for table in dataset.tables.values():
        for column in table.schema.with_role(Role.CONTEXT):
            raise InputError(
                f"column {column.name!r}",
                got="the role context, of which this command has no values to sample with",
                allowed="fit, then sample with given values; impute",
            )


@dataclass(frozen=True)
class AllRows:
    """All rows of a table to be measured: in memory, or in files, and then a sample of them."""

    table: Table
    spill: Spill | None = None


def read_whole(
    data: object,
    options: Options,
    folder: Path,
    *,
    train: AllRows | None = None,
    unseen: bool = False,
    seed: int = 0,
) -> AllRows:
    """Read all rows of a table: into memory up to `max_rows` and 512 MB, else into files.

    Parameters
    ----------
    folder
        Made for the files, if they are needed.
    train
        The table whose columns this one must have; None for train itself.
    unseen
        Whether rows of train's units are left out, as of a holdout.
    """
    check_time()
    if isinstance(data, Table):
        table = data
    else:
        source = open_source(data, table=options.table)
        raw = _small_enough(source, options.max_rows)
        if raw is None:
            return _streamed(source, options, folder, train, unseen, seed)
        table = _canonical(source, raw, options, None if train is None else train.table)
    if not unseen or train is None:
        return AllRows(table)
    unit, hashes = train.table.schema.unit, _hashes(train)
    if train.spill is None or unit is None or hashes is None:
        return AllRows(check_holdout(train.table, table)[0])
    own = not_among(table[unit.name], unit_hashes(table[unit.name]), hashes)
    if not own.any():
        raise InputError("--holdout", got="only units that are in train too", allowed="others")
    return AllRows(table.take(own))


def read_tables(
    train: object,
    synthetic: object,
    holdout: object | None,
    options: Options,
    folder: Path,
    *,
    seed: int = 0,
) -> dict[Side, AllRows]:
    """Read all rows of the tables of a measurement; see `read_whole`."""
    first = read_whole(train, options, folder / "train", seed=seed)
    found: dict[Side, AllRows] = {"train": first}
    found["synthetic"] = read_whole(
        synthetic, options, folder / "synthetic", train=first, seed=seed
    )
    if holdout is not None:
        found["holdout"] = read_whole(
            holdout, options, folder / "holdout", train=first, unseen=True, seed=seed
        )
    return found


def _streamed(
    source: Source, options: Options, folder: Path, train: AllRows | None, unseen: bool, seed: int
) -> AllRows:
    most = min(options.max_rows, _SAMPLE_ROWS, max(10_000, _SAMPLE_CELLS // len(source.names)))
    if train is None:
        schema = options.infer(source.raw(most, stream(seed, "read")))
    else:
        schema = train.table.schema
        align_columns(source.schema.empty_table(), schema.names, what=source.name)
    without = _hashes(train) if unseen and train is not None else None
    rng = stream(seed, "stream", source.name)
    made = spill(source, schema, folder, most, rng, without=without)
    return AllRows(made.sample, made)


def _hashes(train: AllRows) -> Hashes | None:
    """Return the sorted hashes of the units of train, if it has units."""
    unit = train.table.schema.unit
    if unit is None:
        return None
    units = train.spill.units if train.spill else None
    return np.unique(units[: len(units)] if units else unit_hashes(train.table[unit.name]))


def _small_enough(source: Source, most: int) -> pa.Table | None:
    """Return all rows of a source if they are few enough to be held."""
    batches, rows, size = [], 0, 0
    for batch in source.batches():
        batches.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows > most or size > MAX_BYTES:
            return None
    return pa.Table.from_batches(batches, source.schema)


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
