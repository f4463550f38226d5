"""Density of mixed records by a Gaussian kernel on a decorrelated encoding, in bounded blocks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from twinset.progress import check_time
from twinset.protocols import Records

__all__ = ["Decorrelated", "decorrelate", "log_kernel_density", "scott"]

Floats = npt.NDArray[np.float32]

_POINTS, _CENTRES = 256, 512  # kernel values worked on at a time: they stay in the cache
_ONE_THREAD = 250_000  # multiplications in a matrix product that OpenBLAS does on one thread


def decorrelate(asked: Records, release: Records, components: int) -> tuple[Floats, Floats]:
    """Return both as principal components of the release, shape (rows, components)."""
    encode = Decorrelated(release, components)
    return encode(asked), encode(release)


def scott(centres: Floats, bandwidth: float) -> float:
    """Bandwidth in units of `bandwidth` times Scott's for this many centres (Scott 1992)."""
    rows, columns = centres.shape
    return float(bandwidth * rows ** (-1 / (columns + 4)))


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
        kept = kept[variance[kept] > 1e-4 * max(float(variance.max(initial=0)), 1e-12)]
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
    h = np.float32(n ** (-1 / (d + 4)) if bandwidth is None else bandwidth)
    one = np.ones((len(points), 1), np.float32)
    a, b = np.hstack([points / h, one]), centres / h
    b = np.hstack([b, -0.5 * np.einsum("ij,ij->i", b, b)[:, None]])
    result = -0.5 * np.einsum("ij,ij->i", points / h, points / h) - np.float32(np.log(n))
    small = max(_ONE_THREAD // (_CENTRES * a.shape[1]), 1)
    step = small * max(_POINTS // small, 1)
    padded = np.zeros((-(-len(a) // step) * step, a.shape[1]), dtype=np.float32)
    padded[: len(a)] = a
    for start in range(0, len(points), step):
        check_time()
        part = padded[start : start + step].reshape(-1, small, a.shape[1])
        result[start : start + step] += _log_sum(part, b)[: len(points) - start]
    return np.asarray(result, dtype=np.float32)


def _log_sum(points: Floats, centres: Floats) -> Floats:
    """Return log of the sum over centres of exp(point . centre), one per point.

    `points` has shape (batches, few, d): each product is too small for the BLAS to start threads,
    which on small tiles burn six times the work.
    """
    rows = points.shape[0] * points.shape[1]
    top = np.full(rows, -np.inf, dtype=np.float32)
    total = np.zeros(rows, dtype=np.float32)
    for left in range(0, len(centres), _CENTRES):
        tile = (points @ centres[left : left + _CENTRES].T).reshape(rows, -1)
        higher = np.maximum(top, tile.max(axis=1))
        tile -= higher[:, None]
        total = total * np.exp(top - higher) + np.exp(tile, out=tile).sum(axis=1)
        top = higher
    return np.asarray(np.log(total) + top, dtype=np.float32)
