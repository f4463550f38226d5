"""Many tests at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["adjust", "cauchy"]


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


def cauchy(p: npt.NDArray[np.float64]) -> float:
    """Return one p-value for several tests of one hypothesis, however they depend on each other.

    Mean of Cauchy variables (Liu and Xie 2020, eq. 3); exact in the tail, where it matters.

    >>> round(cauchy(np.array([0.01, 0.5, 0.9])), 4)
    0.0328
    """
    bounded = np.clip(p, 1e-300, 1 - 1e-12)
    # cot(pi p) without cancellation: tan((1/2 - p) pi) is 1 / tan(pi p)
    mean = float(np.mean(1 / np.tan(np.pi * bounded)))
    return float(np.arctan2(1.0, mean) / np.pi)
