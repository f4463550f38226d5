"""How finely a number is cut into intervals: by held-out likelihood of its marginal density."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from twinset.blocks.bins import Intervals, fit_intervals

__all__ = ["choose_bins"]

_CANDIDATES = (25, 50, 100, 200, 400)
_MOST_ROWS = 50_000

Floats = npt.NDArray[np.float64]


def choose_bins(
    x: Floats, rng: np.random.Generator, *, step: float | None, codes: tuple[float, ...], atom: int
) -> int:
    """Return the number of intervals with the best two-fold held-out log density of `x`.

    A lumpy column (prices, codes, rounded amounts) wants many, a smooth one few: each interval
    that is not needed is noise that a release would repeat.
    """
    if len(x) > _MOST_ROWS:
        x = x[rng.permutation(len(x))[:_MOST_ROWS]]
    if len(np.unique(x)) <= _CANDIDATES[0]:
        return _CANDIDATES[-1]
    order = rng.permutation(len(x))
    half = len(order) // 2
    folds = (x[order[:half]], x[order[half:]])
    scores = [
        sum(
            _score(
                fit_intervals(a, step=step, codes=codes, bins=n, atom=max(atom // 2, 3), tail=5),
                a,
                b,
            )
            for a, b in (folds, folds[::-1])
        )
        for n in _CANDIDATES
    ]
    return _CANDIDATES[int(np.argmax(scores))]


def _score(intervals: Intervals, fitted: Floats, unseen: Floats) -> float:
    """Mean log density of `unseen` per grid step, where the intervals have a density."""
    count = np.bincount(intervals.encode(fitted), minlength=len(intervals.low)) + 0.5
    codes = intervals.encode(unseen)
    low, high = intervals.low[codes], intervals.high[codes]
    half = np.where(high > low, intervals.step / 2, 0.0)
    width = high - low + 2 * half
    safe = np.where(width > 0, width, 1.0)
    rate = intervals.rate[codes]
    rate = np.where(np.abs(rate) < 1e-4, 1e-4, rate)
    place = np.clip((unseen - low + half) / safe, 0, 1)
    inside = np.log(rate / -np.expm1(-rate)) - rate * place - np.log(safe / (intervals.step or 1.0))
    density = np.log(count / count.sum())[codes] + np.where(width > 0, inside, 0.0)
    usable = (width > 0) | (intervals.step > 0)
    return float(np.where(usable, density, 0.0).mean())
