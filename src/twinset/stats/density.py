"""Density of mixed records by a Gaussian kernel on a decorrelated encoding, in bounded blocks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from twinset.progress import check_time
from twinset.protocols import Records

__all__ = ["Decorrelated", "log_kernel_density"]

Floats = npt.NDArray[np.float32]

_BLOCK = 2_000_000  # kernel values held at a time


class Decorrelated:
    """Principal components of ranks and levels, each with variance 1 over the fitted records.

    Numbers enter by rank with a null flag, discrete columns by one indicator per frequent level
    (the others share one) over the square root of its frequency, as in multiple correspondence
    analysis (Greenacre 1984), so that sharing a rare level counts for more.

    Parameters
    ----------
    records
        What the components are fitted on.
    components
        How many components to keep at most.
    levels
        How many levels of a column have an indicator of their own.
    """

    def __init__(self, records: Records, components: int = 16, levels: int = 24) -> None:
        self._levels = [
            _frequent(records.codes[:, j], levels) for j in range(records.codes.shape[1])
        ]
        raw = self._raw(records)
        self._mean = raw.mean(axis=0)
        covariance = (raw - self._mean).T @ (raw - self._mean) / max(len(raw), 1)
        variance, axes = np.linalg.eigh(covariance)
        kept = np.argsort(variance)[::-1][:components]
        kept = kept[variance[kept] > 1e-6 * max(float(variance.max(initial=0)), 1e-12)]
        self._axes = axes[:, kept] / np.sqrt(variance[kept])

    def __call__(self, records: Records) -> Floats:
        """Return shape (rows, components), float32."""
        return np.ascontiguousarray(
            (self._raw(records) - self._mean) @ self._axes, dtype=np.float32
        )

    def _raw(self, records: Records) -> Floats:
        ranks = np.nan_to_num(records.numeric, nan=0.5)
        parts = [np.sqrt(np.float32(12)) * ranks, np.isnan(records.numeric).astype(np.float32)]
        for j, (levels, weights) in enumerate(self._levels):
            hit = records.codes[:, j, None] == levels[None, :]
            parts.append(hit * weights)
        return np.concatenate(parts, axis=1, dtype=np.float32)


def _frequent(codes: npt.NDArray[np.int32], most: int) -> tuple[npt.NDArray[np.int32], Floats]:
    """Return the most frequent levels and the weight of each indicator, 1/sqrt(share)."""
    levels, counts = np.unique(codes, return_counts=True)
    kept = np.argsort(-counts, kind="stable")[:most]
    share = counts[kept] / max(len(codes), 1)
    return levels[kept], (1 / np.sqrt(np.maximum(share, 1e-3))).astype(np.float32)


def log_kernel_density(points: Floats, centres: Floats, bandwidth: float | None = None) -> Floats:
    """Return log of the mean Gaussian kernel around `centres` at `points`, shape (points,).

    Up to a constant that depends on bandwidth and dimension only. The bandwidth is Scott's
    ``n^(-1/(d + 4))`` (Scott 2015, eq. 6.42) unless given.
    """
    n, d = centres.shape
    if n == 0 or d == 0:
        return np.zeros(len(points), dtype=np.float32)
    h = n ** (-1 / (d + 4)) if bandwidth is None else bandwidth
    a, b = points / np.float32(h), centres / np.float32(h)
    half = 0.5 * np.einsum("ij,ij->i", b, b)
    result = np.empty(len(points), dtype=np.float32)
    height = max(_BLOCK // n, 1)
    for start in range(0, len(points), height):
        check_time()
        part = a[start : start + height]
        log_kernel = part @ b.T
        log_kernel -= half
        top = log_kernel.max(axis=1)
        log_kernel -= top[:, None]
        np.exp(log_kernel, out=log_kernel)
        own = 0.5 * np.einsum("ij,ij->i", part, part)
        result[start : start + height] = np.log(log_kernel.mean(axis=1)) + top - own
    return result
