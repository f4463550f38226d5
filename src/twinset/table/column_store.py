"""A table larger than memory, read once: its columns as numbers in files, and a sample of its rows.

The source is read by the readers of every table, a batch at a time, so that sentinels, dates and
odd dialects mean the same here. Numbers go to the files as float64, discrete values as places in
a list of levels, units as 64-bit hashes of their names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.errors import InputError
from twinset.progress import check_time
from twinset.table.canonical import to_canonical
from twinset.table.schema import Column, Schema
from twinset.table.sources import Keyed, Source, Whole, smallest_keys
from twinset.table.split import align_columns
from twinset.table.table import Table, coded, column_numbers, empty_table, labels

__all__ = ["PIECE", "Filed", "Hashes", "Spill", "not_among", "spill", "unit_hashes"]

PIECE = 1 << 18
Hashes = npt.NDArray[np.uint64]
Part = tuple[Table, Hashes | None]


@dataclass(frozen=True)
class Filed:
    """A column of fixed-width numbers in a file, read by slices."""

    path: Path
    dtype: np.dtype[Any]

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.path.stat().st_size // self.dtype.itemsize if self.path.exists() else 0

    def __getitem__(self, at: slice) -> npt.NDArray[Any]:
        """Rows from a start to a stop."""
        start, stop, _ = at.indices(len(self))
        if stop <= start:
            return np.empty(0, dtype=self.dtype)
        width = self.dtype.itemsize
        return np.fromfile(self.path, self.dtype, stop - start, offset=start * width)

    def pieces(self) -> Iterator[npt.NDArray[Any]]:
        """Yield all rows, some at a time."""
        for start in range(0, len(self), PIECE):
            yield self[start : start + PIECE]

    def append(self, values: npt.NDArray[Any]) -> None:
        """Write rows at the end."""
        with self.path.open("ab") as file:
            file.write(np.ascontiguousarray(values, dtype=self.dtype).data)

    def map(
        self, name: str, function: Callable[[npt.NDArray[Any]], npt.NDArray[Any]], dtype: Any
    ) -> Filed:
        """Write what a function makes of each row into a file beside this one."""
        made = Filed(self.path.with_name(f"{self.path.name}-{name}"), np.dtype(dtype))
        if not made.path.exists():
            made.path.touch()
            for values in self.pieces():
                made.append(function(values))
        return made


@dataclass(eq=False)
class Spill:
    """The columns of a table in files.

    Attributes
    ----------
    folder
        Where the files are; whoever gave it removes it.
    sample
        Some of the rows: uniform, by unit.
    rows
        Rows of the table.
    units
        Hash of each row's unit; None where each row is its own.
    again
        Reads the table once more, all columns of it: rows with the hashes of their units.
    """

    folder: Path
    schema: Schema
    sample: Table
    rows: int = 0
    units: Filed | None = None
    again: Callable[[], Iterator[Part]] = field(default=lambda: iter(()), repr=False)
    _levels: dict[str, dict[str, int]] = field(default_factory=dict)

    def numbers(self, name: str) -> Filed:
        """Return a number-like column, NaN where null or infinite."""
        return self._file(name, np.float64)

    def labels(self, name: str) -> tuple[list[str], Filed]:
        """Return a discrete column's levels and the place of each row's; -1 is null."""
        return list(self._levels.get(name, {})), self._file(name, np.int32)

    def _file(self, name: str, dtype: Any) -> Filed:
        return Filed(self.folder / f"column-{self.schema.names.index(name)}", np.dtype(dtype))

    def add(self, table: Table, keys: Hashes | None) -> None:
        """Append rows; `keys` are the hashes of their units."""
        self.rows += table.num_rows
        for column in table.schema.columns:
            if not column.is_learnable:
                continue
            values: npt.NDArray[Any]
            if column.kind.is_number_like:
                values = column_numbers(table, column.name)
            else:
                names, at = labels(table[column.name])
                known = self._levels.setdefault(column.name, {})
                values = np.array([known.setdefault(n, len(known)) for n in names] + [-1])[at]
            self._file(column.name, _type(column)).append(values)
        if keys is not None and self.units is not None:
            self.units.append(keys)

    def kept(self, chosen: npt.NDArray[np.bool_]) -> Spill:
        """Return the rows where a mask is true."""
        folder = self.folder / "kept"
        folder.mkdir()
        made = Spill(folder, self.schema, self.sample, int(chosen.sum()), _levels=self._levels)
        columns = [c for c in self.schema.columns if c.is_learnable]
        files = [self._file(c.name, _type(c)) for c in columns]
        if self.units is not None:
            made.units = Filed(folder / self.units.path.name, self.units.dtype)
            files.append(self.units)
        for file in files:
            for start, values in enumerate(file.pieces()):
                mask = chosen[start * PIECE : start * PIECE + len(values)]
                Filed(folder / file.path.name, file.dtype).append(values[mask])
        return made


def _type(column: Column) -> Any:
    return np.float64 if column.kind.is_number_like else np.int32


def spill(
    source: Source,
    schema: Schema,
    folder: Path,
    most: int,
    rng: np.random.Generator,
    *,
    without: Hashes | None = None,
) -> Spill:
    """Read a source into files in `folder`, and keep a uniform sample of about `most` rows.

    Parameters
    ----------
    without
        Sorted hashes of units whose rows are left out: those of train, for a holdout.
    """
    folder.mkdir()
    unit = schema.unit
    made = Spill(folder, schema, empty_table(schema))
    if unit is not None:
        made.units = Filed(folder / "units", np.dtype(np.uint64))
    odd = np.uint64(2 * rng.integers(2**62) + 1)
    whole = Whole.of(source, schema)

    def parts() -> Iterator[tuple[pa.RecordBatch, Table, Hashes | None]]:
        first = 1
        for batch in source.batches():
            check_time()
            raw = align_columns(pa.Table.from_batches([batch]), schema.names, what=source.name)
            table = to_canonical(whole.settled(raw), whole.schema, first)
            hashes = None if unit is None else unit_hashes(table[unit.name], first)
            first += batch.num_rows
            if unit is not None and hashes is not None and without is not None:
                own = not_among(table[unit.name], hashes, without)
                batch, table, hashes = batch.filter(pa.array(own)), table.take(own), hashes[own]
            yield batch, table, hashes

    def passing() -> Iterator[Keyed]:
        for batch, table, hashes in parts():
            made.add(table, hashes)
            chance = rng.random(batch.num_rows) if hashes is None else hashes * odd / 2.0**64
            yield batch, chance

    made.again = lambda: ((table, hashes) for _, table, hashes in parts())
    raw, keys = smallest_keys(source.schema, passing(), most)
    if not made.rows:
        what = "no rows" if without is None else "only units that are in train too"
        raise InputError(source.name, got=what, allowed="at least one row of another unit")
    if unit is not None and made.rows > most and keys.min() < keys.max():
        raw = raw.filter(pa.array(keys < keys.max()))  # the last unit may be there in part
    raw = align_columns(raw, schema.names, what=source.name)
    made.sample = to_canonical(whole.settled(raw), whole.schema)
    return made


def not_among(column: pa.ChunkedArray, hashes: Hashes, units: Hashes) -> npt.NDArray[np.bool_]:
    """Rows of a unit column that belong to none of some units; a null belongs to none."""
    return np.asarray(~np.isin(hashes, units) | column.is_null().to_numpy())


def unit_hashes(column: pa.ChunkedArray, first: int = 1) -> Hashes:
    """Hash the texts of a unit column; each null row is a unit of its own.

    Parameters
    ----------
    first
        Number of the first row.
    """
    import pandas as pd

    at, values = coded(column.cast(pa.string()))
    texts = np.array([*values.to_pylist(), ""], dtype=object)
    hashes = pd.util.hash_array(texts, categorize=False)[at]
    rows = pd.util.hash_array(np.arange(first, first + len(at), dtype=np.uint64))
    return np.where(at < 0, ~rows, hashes)
