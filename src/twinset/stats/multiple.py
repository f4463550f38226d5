"""Many tests at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["adjust"]


def adjust(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return Benjamini-Hochberg adjusted p-values, same shape and order.

    Rejecting those at most q holds the false discovery rate at q for independent or positively
    dependent tests (Benjamini and Hochberg 1995, eq. 1; Benjamini and Yekutieli 2001, thm 1.2).

    >>> adjust(np.array([0.01, 0.04, 0.03, 0.5])).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    if p.size == 0:
        return p.astype(np.float64)
    order = np.argsort(p)[::-1]
    ranks = np.arange(p.size, 0, -1)
    lowest = np.minimum.accumulate(p[order] * p.size / ranks)
    adjusted = np.empty(p.size)
    adjusted[order] = np.minimum(lowest, 1.0)
    return adjusted
