"""Counting queries: how many rows meet each of many sets of conditions.

Of ranges: `count_rows`. Of agreement with a target: a condition is a bit, equality of a discrete
column; ``<=`` and ``>=`` of a number, so that both together are equality. A row is the mask of the
conditions that it meets, a query a mask of those that it asks for.
"""

from __future__ import annotations

import functools
from itertools import combinations

import numpy as np
import numpy.typing as npt

from twinset.arrays import Floats, Ints
from twinset.protocols import Predicates, Records
from twinset.stats.seeds import stream

__all__ = [
    "MOST_BITS",
    "all_counts",
    "columns_of",
    "conditions",
    "count_rows",
    "counts",
    "masks",
    "queries",
]

Masks = npt.NDArray[np.uint64]

MOST_BITS = 64
_TRANSFORM = 14  # bits up to which counting all queries is cheaper than counting some
_BLOCK = 4_000_000


def conditions(records: Records) -> tuple[tuple[int, ...], ...]:
    """Return the bits of each column: two of a number, one of a discrete column."""
    found: list[tuple[int, ...]] = []
    bit = 0
    for j in range(records.numeric.shape[1] + records.codes.shape[1]):
        width = 2 if j < records.numeric.shape[1] else 1
        if bit + width > MOST_BITS:
            break
        found.append(tuple(range(bit, bit + width)))
        bit += width
    return tuple(found)


def masks(target: Records, release: Records) -> Masks:
    """Return shape (rows,): the conditions of `target` (one row) that each row meets.

    A null number agrees with a null in both conditions, and with nothing else.
    """
    made = np.zeros(len(release), dtype=np.uint64)
    one = np.uint64(1)
    values, own = columns_of(release), columns_of(target)[:, 0]
    for column, x, bits in zip(values, own, conditions(release), strict=False):
        null = np.isnan(column)
        if np.isnan(x):
            meets = [null] * len(bits)
        else:
            meets = [column == x] if len(bits) == 1 else [column <= x, column >= x]
        for bit, met in zip(bits, meets, strict=True):
            made |= met.astype(np.uint64) * (one << np.uint64(bit))
    return made


def all_counts(rows: Masks, bits: int) -> Ints:
    """Return shape (2^bits,): rows that meet each set of conditions (superset sums)."""
    table = np.bincount(rows.astype(np.int64), minlength=1 << bits)
    for bit in range(bits):
        pairs = table.reshape(-1, 2, 1 << bit)
        pairs[:, 0] += pairs[:, 1]
    return table


def counts(rows: Masks, asked: Masks, bits: int) -> Ints:
    """Return shape (queries,): rows that meet all conditions of each query."""
    if bits <= _TRANSFORM:
        return np.asarray(all_counts(rows, bits)[asked.astype(np.int64)], dtype=np.int64)
    patterns, number = np.unique(rows, return_counts=True)
    found = np.zeros(len(asked), dtype=np.int64)
    step = max(2_000_000 // max(len(patterns), 1), 1)
    for start in range(0, len(asked), step):
        part = asked[start : start + step, None]
        found[start : start + step] = ((patterns & part) == part) @ number
    return found


@functools.lru_cache(maxsize=16)
def queries(columns: tuple[tuple[int, ...], ...], most: int) -> Masks:
    """Return at most `most` queries: of one and two columns all, of more a random choice.

    Of a number a query asks for ``<=``, ``>=`` or both. The last query asks for everything. The
    choice is the same in every process.
    """
    rng = stream(0, "targeted queries", len(columns), most)
    kinds = [_kinds(bits) for bits in columns]
    whole = sum(max(k) for k in kinds)
    found = {k for kind in kinds for k in kind}
    pairs = [
        a | b for j, k in combinations(range(len(kinds)), 2) for a in kinds[j] for b in kinds[k]
    ]
    room = max((most - len(found)) * 2 // 3, 0)
    found |= (
        set(pairs) if len(pairs) <= room else {pairs[i] for i in rng.permutation(len(pairs))[:room]}
    )
    for _ in range(4 * most if len(columns) > 2 else 0):
        if len(found) >= most - 1:
            break
        chosen = rng.permutation(len(kinds))[: rng.integers(3, len(kinds) + 1)]
        found.add(sum(kinds[j][rng.integers(len(kinds[j]))] for j in chosen))
    made = np.array([*sorted(found - {whole})[: most - 1], whole], dtype=np.uint64)
    made.setflags(write=False)  # it is shared
    return made


def _kinds(bits: tuple[int, ...]) -> list[int]:
    single = [1 << b for b in bits]
    return single if len(single) == 1 else [*single, sum(single)]


def columns_of(records: Records) -> Floats:
    """Return shape (columns, rows): numbers as they stand, then codes; NaN where null."""
    numbers = records.values if records.values.size else records.numeric
    return np.ascontiguousarray(
        np.concatenate([numbers, records.codes], axis=1, dtype=np.float64).T
    )


def count_rows(predicates: Predicates, records: Records) -> Ints:
    """Return shape (predicates,): rows of `records` that meet each; a null meets no range."""
    values = columns_of(records)
    counts = np.zeros(len(predicates), dtype=np.int64)
    step = max(_BLOCK // max(len(records), 1), 1)
    for start in range(0, len(predicates), step):
        part = slice(start, start + step)
        columns, low, high = predicates.columns[part], predicates.low[part], predicates.high[part]
        meets = np.ones((len(columns), len(records)), dtype=bool)
        for w in range(columns.shape[1]):
            used = columns[:, w] >= 0
            v = values[columns[used, w]]
            meets[used] &= (v >= low[used, w, None]) & (v <= high[used, w, None])
        counts[part] = meets.sum(axis=1)
    return counts
