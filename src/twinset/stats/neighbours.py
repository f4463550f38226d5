"""Exact nearest neighbours of mixed records, in blocks of bounded size.

The distance is Gower's (1971, Biometrics 27) with ranks in the place of ranges: a sum over columns,

- numbers: ``|a - b|`` of mid-ranks in [0, 1];
- null against a number ``a``: ``1/2 + |a - 1/2|``; null against null: 0;
- discrete columns: 1 if the levels differ (null is a level).

It is a metric; equal records are at exactly 0, since nothing is ever subtracted from a sum.
`nearest` and `count_within` agree with `distances`, which the tests hold against a plain loop.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar

import numpy as np
import numpy.typing as npt

from twinset.progress import check_time
from twinset.protocols import Records

__all__ = ["count_within", "distances", "nearest", "sharing"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Column = npt.NDArray[np.generic]

_BLOCK = 4_000_000  # distances held at a time
_TILE = 65_536  # distances worked on at a time: they stay in the processor's cache
_GROUP = 64  # neighbours are sought among groups of this many records
_LEAST_SHARED = 10  # neighbours computed at least where later callers may ask for more

_Memo = dict[tuple[int, int], tuple[Records, Records, Floats, Ints]]
_memo: ContextVar[_Memo | None] = ContextVar("_memo", default=None)


@contextlib.contextmanager
def sharing() -> Iterator[None]:
    """Inside the block, `nearest` computes each pair of records once, whoever asks for it.

    Pairs are told apart by identity: pass the same objects. Everything is forgotten at the end.
    """
    token = _memo.set({})
    try:
        yield
    finally:
        _memo.reset(token)


def nearest(queries: Records, base: Records, k: int = 1) -> tuple[Floats, Ints]:
    """Return the `k` nearest records of `base` for each query.

    Ties go to the record that stands first. If `base` has fewer than `k` records, the missing
    places have distance inf and index -1.

    Returns
    -------
    distances
        Shape (queries, k), float32, ascending; in [0, number of columns].
    indices
        Shape (queries, k), int64: rows of `base`.
    """
    memo = _memo.get()
    if memo is None:
        return _nearest(queries, base, k)
    key = (id(queries), id(base))
    if key not in memo or memo[key][2].shape[1] < k:
        memo[key] = (queries, base, *_nearest(queries, base, max(k, _LEAST_SHARED)))
    found, rows = memo[key][2:]
    return found[:, :k], rows[:, :k]


def count_within(queries: Records, base: Records, radius: float) -> Ints:
    """Count the records of `base` at most `radius` away from each query; shape (queries,)."""
    counts = np.zeros(len(queries), dtype=np.int64)
    for start, block in _blocks(queries, base):
        counts[start : start + len(block)] = np.count_nonzero(block <= radius, axis=1)
    return counts


def distances(queries: Records, base: Records) -> Floats:
    """Return all distances, shape (queries, base); for small inputs only."""
    full = np.zeros((len(queries), len(base)), dtype=np.float32)
    for start, block in _blocks(queries, base):
        full[start : start + len(block)] = block
    return full


def _nearest(queries: Records, base: Records, k: int) -> tuple[Floats, Ints]:
    found = np.full((len(queries), k), np.inf, dtype=np.float32)
    rows = np.full((len(queries), k), -1, dtype=np.int64)
    for start, block in _blocks(queries, base):
        stop, width = start + len(block), min(k, len(base))
        if k == 1:
            first = block.argmin(axis=1)
            rows[start:stop, 0] = first
            found[start:stop, 0] = block[np.arange(len(block)), first]
        else:
            found[start:stop, :width], rows[start:stop, :width] = _least(block, width)
    return found, rows


def _least(block: Floats, k: int) -> tuple[Floats, Ints]:
    """Return the k least values of each row and their places, ties in order of place.

    The k-th least of the minima of groups bounds the k-th least value from above, so that one fast
    pass leaves few candidates.
    """
    whole = block.shape[1] // _GROUP
    if whole > k:
        minima = block[:, : whole * _GROUP].reshape(len(block), _GROUP, whole).min(axis=1)
        bound = np.partition(minima, k - 1, axis=1)[:, k - 1]
    else:
        bound = np.partition(block, k - 1, axis=1)[:, k - 1]
    row, place = np.nonzero(block <= bound[:, None])
    value = block[row, place]
    order = np.lexsort((value, row))  # stable: ties keep their order of place
    starts = np.searchsorted(row, np.arange(len(block)))
    chosen = order[starts[:, None] + np.arange(k)]
    return value[chosen], place[chosen].astype(np.int64)


def _blocks(queries: Records, base: Records) -> Iterator[tuple[int, Floats]]:
    """Yield (first query, distances of some queries to all of base); the array is reused."""
    if len(queries) == 0 or len(base) == 0:
        return
    a, b = _columns(queries, base)
    height = int(np.clip(_BLOCK // len(base), 1, 128))
    width = max(_TILE // height, 1)
    block = np.empty((height, len(base)), dtype=np.float32)
    for start in range(0, len(queries), height):
        check_time()
        part = [c[start : start + height, None] for c in a]
        rows = min(height, len(queries) - start)
        for left in range(0, len(base), width):
            tile = block[:rows, left : left + width]
            _fill(tile, part, [c[None, left : left + width] for c in b])
        yield start, block[:rows]


def _fill(tile: Floats, a: Sequence[Column], b: Sequence[Column]) -> None:
    """Write the distances of queries `a` (rows) to records `b` (columns) into `tile`."""
    differ = np.empty(tile.shape, dtype=bool)
    mismatches = np.zeros(tile.shape, dtype=np.uint8)
    apart = np.empty(tile.shape, dtype=np.float32)
    counted = 0
    tile[:] = 0
    for x, y in zip(a, b, strict=True):
        if x.dtype == np.float32:
            np.subtract(x, y, out=apart)
            np.abs(apart, out=apart)
            np.add(tile, apart, out=tile)
            continue
        np.not_equal(x, y, out=differ)
        if x.dtype == np.bool_:
            np.multiply(differ, np.float32(0.5), out=apart)
            np.add(tile, apart, out=tile)
            continue
        np.add(mismatches, differ.view(np.uint8), out=mismatches)
        counted += 1
        if counted % 255 == 0:
            np.add(tile, mismatches, out=tile)
            mismatches[:] = 0
    np.add(tile, mismatches, out=tile)


def _columns(queries: Records, base: Records) -> tuple[list[Column], list[Column]]:
    """Return contiguous columns: ranks with null at 1/2, null flags (bool), codes (narrow)."""
    sides: tuple[list[Column], list[Column]] = ([], [])
    for j in range(queries.numeric.shape[1]):
        pair = [r.numeric[:, j] for r in (queries, base)]
        nulls = [np.isnan(v) for v in pair]
        for side, values, null in zip(sides, pair, nulls, strict=True):
            side.append(np.where(null, np.float32(0.5), values).astype(np.float32))
        if any(n.any() for n in nulls):
            for side, null in zip(sides, nulls, strict=True):
                side.append(null)
    for j in range(queries.codes.shape[1]):
        levels = [r.codes[:, j] for r in (queries, base)]
        most = max(int(p.max(initial=0)) for p in levels)
        kind = np.uint8 if most < 2**8 else np.uint16 if most < 2**16 else np.int32
        for side, codes in zip(sides, levels, strict=True):
            side.append(np.ascontiguousarray(codes.astype(kind)))
    return sides
