"""Coarser grids on which people put numbers: prices in thousands, times in quarters of an hour."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["MOST_LEVELS", "fit_roundness"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int32]

_ROUND = sorted(
    {*(m * 10**e for e in range(7) for m in (2, 5, 10)), 15, 25, 250, 60, 900, 3600, 86_400}
)
MOST_LEVELS = len(_ROUND)
_MOST_WHOLE = 2.0**52
_STANDS_OUT = 0.1
_PRIOR = 20.0


def fit_roundness(
    values: Floats, count: npt.NDArray[Any], codes: Codes, size: int, step: float
) -> tuple[Floats, Floats]:
    """Coarser grids on which more values lie than by chance, and how many in each code.

    People round to tens and thousands, clocks to minutes and hours. A code's shares are shrunk to
    those of the whole column by the weight of 20 units.

    Parameters
    ----------
    values, count, codes
        Shape (values,): distinct values, the units of each, and its code below `size`.
    step
        Grid of the values.

    Returns
    -------
    tuple
        Grids, ascending, and shape (size, grids): cumulated shares by code; both empty if none
        stands out.
    """
    total = count.sum()
    whole = np.round(values / step)
    if not total or np.abs(whole).max() > _MOST_WHOLE:
        return np.zeros(0), np.zeros((0, 0))
    span = float(np.ptp(whole))
    kept = [
        m
        for m in _ROUND
        if m < span and count[whole % m == 0].sum() / total > max(2 / m, _STANDS_OUT)
    ]
    if not kept:
        return np.zeros(0), np.zeros((0, 0))
    level = np.zeros(len(values), dtype=np.int64)
    for k, m in enumerate(kept, 1):
        level[whole % m == 0] = k
    levels = len(kept) + 1
    cell = np.bincount(codes * levels + level, count, size * levels)
    cell = cell.reshape(-1, levels) + _PRIOR * np.bincount(level, count, levels) / total
    shares = np.cumsum(cell, axis=1)
    return np.array(kept) * step, (shares / shares[:, -1:])[:, :-1]
