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
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from twinset.arrays import Ints
from twinset.progress import check_time
from twinset.protocols import Records

__all__ = ["count_within", "distances", "nearest", "sharing", "squared_distances"]

Floats = npt.NDArray[np.float32]
Column = npt.NDArray[np.generic]

_BLOCK = 4_000_000  # distances held at a time
_TILE = 65_536  # distances worked on at a time: they stay in the processor's cache
_GROUP = 64  # neighbours are sought among groups of this many records
_SMALL = 10_000_000  # below so many pairs all are visited
_QUERIES = 64  # queries to a group, on average at least
_EVEN = 0.9  # a column where two records agree more often than this makes no good groups
_LEAST_SHARED = 10  # neighbours computed at least where later callers may ask for more
_POINTS, _CENTRES = 128, 512  # what one product works on: it stays in the cache
_ONE_THREAD = 250_000  # multiplications in a matrix product that OpenBLAS does on one thread

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
    """Search by groups of queries that agree in a few discrete columns.

    The number of those columns in which a record differs bounds its distance from below, so that
    records are visited by this number, and most are never visited.
    """
    found = np.full((len(queries), k), np.inf, dtype=np.float32)
    rows = np.full((len(queries), k), -1, dtype=np.int64)
    if len(queries) == 0 or len(base) == 0:
        return found, rows
    a, b = _columns(queries, base)
    for members, differing in _groups(queries, base):
        order = np.argsort(differing, kind="stable")
        steps = np.searchsorted(differing[order], np.arange(int(differing.max()) + 2))
        left = members
        for level, (start, stop) in enumerate(pairwise(steps)):
            left = left[found[left, k - 1] >= level]
            if len(left) == 0:
                break
            if start < stop:
                _visit(a, b, left, order[start:stop], found, rows)
    return found, rows


def _groups(queries: Records, base: Records) -> Iterator[tuple[Ints, npt.NDArray[np.uint8]]]:
    """Yield (queries that agree in the key columns, how many of those each base record misses)."""
    keys = _key_columns(queries, base)
    if not keys:
        yield np.arange(len(queries)), np.zeros(len(base), dtype=np.uint8)
        return
    patterns, group = np.unique(queries.codes[:, keys], axis=0, return_inverse=True)
    order = np.argsort(group.reshape(-1), kind="stable")
    ends = np.cumsum(np.bincount(group.reshape(-1), minlength=len(patterns)))
    theirs, place = np.unique(base.codes[:, keys], axis=0, return_inverse=True)
    for pattern, members in zip(patterns, np.split(order, ends[:-1]), strict=True):
        differing = (theirs != pattern).sum(axis=1).astype(np.uint8)
        yield members, differing[place.reshape(-1)]


def _key_columns(queries: Records, base: Records) -> list[int]:
    """Discrete columns that cut the queries into groups, most even ones first."""
    if len(queries) * len(base) < _SMALL:
        return []
    even = []
    for j in range(base.codes.shape[1]):
        share = np.unique(base.codes[:, j], return_counts=True)[1] / len(base)
        even.append(float((share**2).sum()))
    keys: list[int] = []
    groups = np.zeros(len(queries), dtype=np.int64)
    for j in np.argsort(even, kind="stable").tolist():
        finer = np.unique(groups * (2**31) + queries.codes[:, j], return_inverse=True)[1]
        finer = finer.reshape(-1)
        if even[j] < _EVEN and int(finer.max()) < len(queries) // _QUERIES:
            keys, groups = [*keys, j], finer
    return keys


def _visit(
    a: list[Column], b: list[Column], queries: Ints, records: Ints, found: Floats, rows: Ints
) -> None:
    """Merge the nearest of `records` into what was `found` for `queries`."""
    k = found.shape[1]
    width = min(k, len(records))
    part = [c[queries] for c in a], [c[records] for c in b]
    for start, block in _tiles(*part, len(queries), len(records)):
        here = queries[start : start + len(block)]
        if width == 1:
            place = block.argmin(axis=1)[:, None]
            value = np.take_along_axis(block, place, axis=1)
        else:
            value, place = _least(block, width)
        both = np.concatenate([found[here], value], axis=1)
        whose = np.concatenate([rows[here], records[place]], axis=1)
        best = np.lexsort((whose, both), axis=-1)[:, :k]
        found[here] = np.take_along_axis(both, best, axis=1)
        rows[here] = np.take_along_axis(whose, best, axis=1)


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
    if len(queries) and len(base):
        yield from _tiles(*_columns(queries, base), len(queries), len(base))


def _tiles(
    a: Sequence[Column], b: Sequence[Column], queries: int, records: int
) -> Iterator[tuple[int, Floats]]:
    height = int(np.clip(_BLOCK // records, 1, min(128, queries)))
    width = min(max(_TILE // height, 1), records)
    block = np.empty((height, records), dtype=np.float32)
    for start in range(0, queries, height):
        check_time()
        part = [c[start : start + height, None] for c in a]
        rows = min(height, queries - start)
        for left in range(0, records, width):
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


def squared_distances(points: Floats, centres: Floats) -> Iterator[tuple[int, Floats]]:
    """Yield (first point, squared distances of some points to all centres); the array is reused.

    ``|p|^2 + |c|^2 - 2 p.c`` in float32, never below 0: exact for equal points up to 1e-6 of their
    squared length.
    """
    d = max(points.shape[1], 1)
    small = max(min(_ONE_THREAD // (_CENTRES * d), _POINTS), 1)
    step = small * max(_POINTS // small, 1)
    squares = np.einsum("ij,ij->i", centres, centres)
    block = np.empty((step, len(centres)), dtype=np.float32)
    padded = np.zeros((step, points.shape[1]), dtype=np.float32)
    for start in range(0, len(points), step):
        check_time()
        part = points[start : start + step]
        padded[: len(part)] = part
        batches = padded.reshape(step // small, small, points.shape[1])
        for left in range(0, len(centres), _CENTRES):
            tile = batches @ centres[left : left + _CENTRES].T
            block[:, left : left + _CENTRES] = tile.reshape(step, -1)
        found = block[: len(part)]
        found *= -2
        found += squares
        found += np.einsum("ij,ij->i", part, part)[:, None]
        yield start, np.maximum(found, 0, out=found)
