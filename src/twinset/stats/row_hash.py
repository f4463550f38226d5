"""Rows as 64-bit fingerprints: equal rows have equal ones, others differ but by rare chance.

With them: whether a table that should hold other people holds the same.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from twinset.arrays import Flags
from twinset.protocols import Records
from twinset.stats.records import encode, encoded_columns
from twinset.table.table import Table

__all__ = ["fingerprints", "is_copied", "mix", "near_unique"]

_ODD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_NULL = np.uint64(0x7FF8DEADBEEF0001)
_MOST_COPIED = 0.2  # of rows that should be those of other people


def fingerprints(records: Records, left_out: Flags | None = None) -> npt.NDArray[np.uint64]:
    """Return shape (rows,), uint64; two different rows agree with probability 2^-64.

    `left_out`, shape (p + q,), marks columns to ignore: numbers first, then codes. Exact numbers
    are taken from `values` (from `numeric` if there are none).
    """
    numbers = records.values if records.values.size else records.numeric
    p = numbers.shape[1]
    mixed = np.full(len(records), _ODD[0], dtype=np.uint64)
    for j in range(p + records.codes.shape[1]):
        if left_out is not None and left_out[j]:
            continue
        if j < p:
            bits = (numbers[:, j].astype(np.float64) + 0.0).view(np.uint64).copy()
            bits[np.isnan(numbers[:, j])] = _NULL
        else:
            bits = records.codes[:, j - p].astype(np.uint64)
        salt = np.uint64((j + 1) * int(_ODD[0]) % 2**64)
        mixed = mix(mixed * _ODD[0] + mix(bits + salt))
    return mixed


def near_unique(records: Records, share: float) -> Flags:
    """Return shape (p + q,): columns with more distinct values than `share` of the rows."""
    numbers = records.values if records.values.size else records.numeric
    columns = [*numbers.T, *records.codes.T]
    most = max(share * len(records), 10)
    return np.array([len(np.unique(c[c == c])) > most for c in columns], dtype=bool)


def mix(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Scramble bits (the finaliser of SplitMix64, Steele et al. 2014)."""
    x = (x ^ (x >> np.uint64(30))) * _ODD[1]
    x = (x ^ (x >> np.uint64(27))) * _ODD[2]
    return np.asarray(x ^ (x >> np.uint64(31)), dtype=np.uint64)


def is_copied(a: Table, b: Table) -> bool:
    """Whether more than a fifth of the rows of `b` are copied from `a`, beyond chance."""
    return _copied_share(a, b) > _MOST_COPIED


def _copied_share(a: Table, b: Table) -> float:
    """Share of the rows of `b` that were copied from `a`, beyond what two samples share by chance.

    Counted on rows that stand once in `b`. If the rows of both were dealt at random, a row that
    stands t times in all is such a one, and in `a` as well, with probability t q (1-q)^(t-1), q the
    share of `b`; so tables of few cells, whose rows repeat by nature, are not taken for copies.
    Three standard errors of that count are left out too: in a table of twenty rows, chance alone
    may double it.
    """
    if a.num_rows == 0 or b.num_rows == 0 or not encoded_columns(a):
        return 0.0
    x, y = (fingerprints(r) for r in encode([a, b]))
    cells, place = np.unique(np.concatenate([x, y]), return_inverse=True)
    place = place.reshape(-1)
    there, here = (np.bincount(p, minlength=len(cells)) for p in (place[: len(x)], place[len(x) :]))
    q = len(y) / (len(x) + len(y))
    times = (there + here)[there + here > 1].astype(np.float64)
    found = np.count_nonzero((here == 1) & (there > 0))
    chances = times * q * (1 - q) ** (times - 1)
    by_chance = float(chances.sum()) + 3 * float((chances * (1 - chances)).sum()) ** 0.5
    return float(found - by_chance) / len(y) / (1 - 2 * q * (1 - q))
