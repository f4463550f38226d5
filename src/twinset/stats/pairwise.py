"""Squared Euclidean distances between many points and centres, in blocks of bounded size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from twinset.progress import check_time

__all__ = ["squared_distances"]

Floats = npt.NDArray[np.float32]

_POINTS, _CENTRES = 128, 512  # what one product works on: it stays in the cache
_ONE_THREAD = 250_000  # multiplications in a matrix product that OpenBLAS does on one thread


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
