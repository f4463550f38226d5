"""Sorted samples of any length: quantiles, moments and runs, a block at a time.

Everything takes sorted arrays without NaN, in memory or mapped from a file; beside a few blocks
nothing is held. Blocks are the same wherever the values stand, and so are the sums, to the last
digit.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from twinset.arrays import Floats, Ints

__all__ = ["BLOCK", "blocks", "distinct", "interpolated", "moments", "pieces", "quantiles", "runs"]


BLOCK = 1 << 18


def pieces(rows: int) -> Iterator[slice]:
    """Yield slices that cover `rows` rows, a block each."""
    for start in range(0, rows, BLOCK):
        yield slice(start, min(start + BLOCK, rows))


def interpolated(values: Floats, places: npt.ArrayLike) -> Floats:
    """Values at fractional places 0 .. len - 1, linear in between."""
    places = np.asarray(places, dtype=np.float64)
    below = np.floor(places).astype(np.int64)
    low, high = values[below], values[np.minimum(below + 1, len(values) - 1)]
    return np.asarray(low + (places - below) * (high - low), dtype=np.float64)


def quantiles(values: Floats, shares: npt.ArrayLike) -> Floats:
    """Quantiles as `numpy.quantile` defines them by default, without a copy of the values.

    >>> quantiles(np.array([1.0, 2.0, 4.0]), [0.25, 1.0]).tolist()
    [1.5, 4.0]
    """
    return interpolated(values, np.asarray(shares, dtype=np.float64) * (len(values) - 1))


def moments(values: Floats) -> tuple[float, float, float]:
    """Mean, standard deviation (of the population) and fourth standardised moment.

    >>> moments(np.array([1.0, 1.0, 3.0, 3.0]))
    (2.0, 1.0, 1.0)
    """
    n = len(values)
    mean = sum(float(np.sum(values[at])) for at in pieces(n)) / n
    second = fourth = 0.0
    for at in pieces(n):
        square = (values[at] - mean) ** 2
        second += float(np.sum(square))
        fourth += float(square @ square)
    variance = second / n
    return mean, float(np.sqrt(variance)), fourth / n / variance**2 if variance > 0 else 0.0


def blocks(*samples: Floats) -> list[tuple[slice, ...]]:
    """Cut samples at the same values: in each part a sample has a few blocks, or one value only."""
    cuts = np.concatenate([s[BLOCK::BLOCK] for s in samples])
    cuts = np.unique(np.concatenate([cuts, np.nextafter(cuts, np.inf)]))
    bounds = [[0, *np.searchsorted(s, cuts).tolist(), len(s)] for s in samples]
    parts = [[slice(a, b) for a, b in itertools.pairwise(bound)] for bound in bounds]
    return list(zip(*parts, strict=True))


def distinct(values: npt.NDArray[Any]) -> int:
    """Return the number of distinct values."""
    found = min(len(values), 1)
    for at in pieces(len(values) - 1):
        part = values[at.start : at.stop + 1]
        found += int(np.count_nonzero(part[1:] != part[:-1]))
    return found


def runs(values: Floats) -> tuple[Floats, Ints]:
    """Distinct values of a part, and how often each occurs."""
    if len(values) and values[0] == values[-1]:
        return np.array([values[0]], dtype=np.float64), np.array([len(values)])
    starts = np.flatnonzero(np.append(True, values[1:] != values[:-1])[: len(values)])
    return np.asarray(values[starts]), np.diff(starts, append=len(values))
