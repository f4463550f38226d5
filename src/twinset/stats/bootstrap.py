"""Bootstrap over units."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from twinset.stats.units import Units, compact

__all__ = ["bootstrap"]

_CELLS = 4_000_000


def bootstrap(
    statistic: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]],
    units: Units,
    rows: int,
    *,
    draws: int,
    rng: np.random.Generator,
) -> npt.NDArray[np.float64]:
    """Return shape (draws, ...): `statistic` of resampled units.

    Parameters
    ----------
    statistic
        Maps row weights of shape (d, rows) to shape (d, ...). Several figures computed from the
        same weights make a paired bootstrap.
    units, rows
        Units of the rows; whole units are drawn with replacement (Davison and Hinkley 1997, 3.8).
    """
    ids = compact(units, rows)
    number = int(ids.max()) + 1
    block = max(1, _CELLS // max(rows, 1))
    parts = []
    for start in range(0, draws, block):
        size = min(block, draws - start)
        picks = rng.integers(0, number, size=(size, number))
        picks += np.arange(size)[:, None] * number
        weights = np.bincount(picks.ravel(), minlength=size * number).reshape(size, number)
        parts.append(statistic(weights[:, ids].astype(np.float64)))
    return np.concatenate(parts)
