"""Which rows of a table stand in train too, on 64-bit fingerprints of all rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from twinset.evidence.coded import Side, Standing
from twinset.evidence.counting import InFiles, Rows, RowValues
from twinset.protocols import Records
from twinset.stats.external_sort import sort_files
from twinset.stats.row_hash import fingerprints
from twinset.stats.sorted_values import pieces
from twinset.table.column_store import Filed
from twinset.table.schema import Schema

__all__ = ["repeated", "standing", "standing_in"]

Hashes = npt.NDArray[np.uint64]


def standing(tables: Mapping[Side, Rows], schema: Schema) -> dict[Side, Standing]:
    """How many rows of each table equal a row of train (of train: another), in these columns."""
    levels: dict[str, dict[str, int]] = {}
    for column in schema.columns:
        if not column.kind.is_number_like:
            names = [n for rows in tables.values() for n in rows.labels(column.name)[0]]
            levels[column.name] = {n: i for i, n in enumerate(dict.fromkeys(names))}
    train = _sorted_hashes(tables["train"], schema, levels)
    found: dict[Side, Standing] = {}
    for side, rows in tables.items():
        if side == "train":
            copied = repeated(train)
        else:
            copied = standing_in(train, _sorted_hashes(rows, schema, levels))
        found[side] = Standing(copied, rows.rows, rows.num_units)
    return found


def _sorted_hashes(rows: Rows, schema: Schema, levels: Mapping[str, Mapping[str, int]]) -> Hashes:
    """Return the sorted fingerprints of all rows."""
    hashes = _hashes(rows, schema, levels)
    if not isinstance(rows, InFiles):
        return np.sort(np.concatenate([np.empty(0, dtype=np.uint64), *hashes]))
    file = Filed(rows.spill.folder / f"hashes-{len(schema.columns)}", np.dtype(np.uint64))
    for part in hashes:
        file.append(part)
    return sort_files([file], file.path.with_name(f"{file.path.name}-sorted"))


def _hashes(
    rows: Rows, schema: Schema, levels: Mapping[str, Mapping[str, int]]
) -> Iterator[Hashes]:
    numbers: list[RowValues] = []
    places: list[tuple[RowValues, npt.NDArray[np.int32]]] = []
    for column in schema.columns:
        if column.kind.is_number_like:
            numbers.append(rows.numbers(column.name))
            continue
        names, place = rows.labels(column.name)
        code = levels[column.name]
        places.append((place, np.array([*(code[n] for n in names), -1], dtype=np.int32)))
    for at in pieces(rows.rows):
        size = min(at.stop, rows.rows) - at.start
        values = _stack([c[at] for c in numbers], size, np.float64)
        codes = _stack([table[c[at]] for c, table in places], size, np.int32)
        nothing = np.empty((size, 0), dtype=np.float32)
        yield fingerprints(Records(nothing, codes, values=values))


def _stack(columns: Sequence[npt.NDArray[np.generic]], rows: int, dtype: type) -> npt.NDArray[Any]:
    return np.column_stack(columns).astype(dtype) if columns else np.empty((rows, 0), dtype=dtype)


def standing_in(train: Hashes, other: Hashes) -> int:
    """Return how many of `other` stand in `train`; both sorted."""
    found = 0
    for at in pieces(len(other)):
        part = other[at]
        place = np.minimum(np.searchsorted(train, part), len(train) - 1)
        found += int(np.count_nonzero(train[place] == part))
    return found


def repeated(hashes: Hashes) -> int:
    """Return how many of the sorted hashes are there more than once."""
    found = 0
    for at in pieces(len(hashes)):
        part = hashes[max(at.start - 1, 0) : at.stop + 1]
        same = np.concatenate([[False], part[1:] == part[:-1], [False]])
        twice = same[1:] | same[:-1]
        first = at.start - max(at.start - 1, 0)
        found += int(np.count_nonzero(twice[first : first + min(at.stop, len(hashes)) - at.start]))
    return found
