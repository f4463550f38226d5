"""Sorted values of columns in files, without holding them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from twinset.table.column_store import PIECE, Filed

__all__ = ["sort_files"]

_IN_MEMORY = 4 << 20
_BUCKET = 2 << 20


def sort_files(columns: Sequence[Filed], place: Path) -> npt.NDArray[Any]:
    """Return the values of some columns together, sorted, without NaN.

    More than four million are written to the file `place` and mapped from there: values are dealt
    to buckets between quantiles of a part of them, and each bucket is sorted. A value that is a
    quantile itself has a bucket of its own, which nothing need hold.
    """
    rows = sum(map(len, columns))
    if rows <= _IN_MEMORY:
        values = np.concatenate([_known(c[:rows]) for c in columns])
        values.sort()
        return values
    if not place.exists():
        _deal(columns, place, rows)
    if not place.stat().st_size:
        return np.empty(0)
    return np.memmap(place, columns[0].dtype, mode="r")


def _deal(columns: Sequence[Filed], place: Path, rows: int) -> None:
    step = max(rows // (64 * PIECE), 1)
    some = [_known(p[::step]) for c in columns for p in c.pieces()]
    marks = np.sort(np.concatenate(some))
    cuts = np.unique(marks[:: max(len(marks) * _BUCKET // rows, 1)])
    cuts = np.unique(np.concatenate([cuts, _above(cuts)]))
    buckets = [
        Filed(place.with_name(f"{place.name}-{i}"), columns[0].dtype) for i in range(len(cuts) + 1)
    ]
    for column in columns:
        for piece in column.pieces():
            values = np.sort(_known(piece))
            parts = np.split(values, np.searchsorted(values, cuts))
            for bucket, part in zip(buckets, parts, strict=True):
                if len(part):
                    bucket.append(part)
    out = Filed(place, columns[0].dtype)
    out.path.touch()
    for bucket in buckets:
        if not len(bucket):
            continue
        if _one_value(bucket):
            for piece in bucket.pieces():
                out.append(piece)
        else:
            out.append(np.sort(bucket[: len(bucket)]))
        bucket.path.unlink()


def _one_value(bucket: Filed) -> bool:
    first = bucket[:1]
    return len(bucket) > _BUCKET and all(bool((p == first).all()) for p in bucket.pieces())


def _known(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.asarray(values[~np.isnan(values)] if values.dtype.kind == "f" else values)


def _above(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if values.dtype.kind == "f":
        return np.asarray(np.nextafter(values, np.inf))
    return np.asarray(values[values < np.iinfo(values.dtype).max] + values.dtype.type(1))
