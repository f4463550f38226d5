"""Rows as 64-bit fingerprints: equal rows have equal ones, others differ but by rare chance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from twinset.protocols import Records

__all__ = ["fingerprints", "mix", "near_unique"]

_ODD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_NULL = np.uint64(0x7FF8DEADBEEF0001)


def fingerprints(
    records: Records, left_out: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.uint64]:
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


def near_unique(records: Records, share: float) -> npt.NDArray[np.bool_]:
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
