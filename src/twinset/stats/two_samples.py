"""Row weights for tests of two samples: labels dealt anew, rows drawn anew, always by unit.

A weight is +1/n for a row of the first sample and -1/m for one of the second, so that a weighted
sum is a difference of means.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["dealt", "drawn", "weights"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def weights(first: npt.NDArray[np.bool_]) -> Floats:
    """Return the weights of rows, shape (..., rows), by whether each is of the first sample."""
    n = np.maximum(first.sum(axis=-1, keepdims=True), 1)
    m = np.maximum((~first).sum(axis=-1, keepdims=True), 1)
    return np.asarray(np.where(first, 1 / n, -1 / m))


def dealt(
    first: npt.NDArray[np.bool_], units: Ints, times: int, rng: np.random.Generator
) -> Floats:
    """Return shape (times, rows): weights with the samples' labels dealt to the units at random.

    Parameters
    ----------
    first, units
        Shape (rows,): sample and unit of each row; a unit is in one sample, numbered without gaps.
    """
    of_unit = np.zeros(int(units.max()) + 1, dtype=bool)
    of_unit[units] = first
    labels = rng.permuted(np.broadcast_to(of_unit, (times, len(of_unit))), axis=1)
    return weights(labels[:, units])


def drawn(
    first: npt.NDArray[np.bool_], units: Ints, times: int, rng: np.random.Generator
) -> Floats:
    """Return shape (times, rows): weights with the units of each sample drawn with replacement."""
    of_unit = np.zeros(int(units.max()) + 1, dtype=bool)
    of_unit[units] = first
    held = np.zeros((times, len(of_unit)))
    for side in (of_unit, ~of_unit):
        places = np.flatnonzero(side)
        if len(places):
            held[:, places] = rng.multinomial(
                len(places), np.full(len(places), 1 / len(places)), size=times
            )
    rows = held[:, units]
    for side, sign in ((first, 1.0), (~first, -1.0)):
        total = np.maximum(rows[:, side].sum(axis=1, keepdims=True), 1.0)
        rows[:, side] *= sign / total
    return rows
