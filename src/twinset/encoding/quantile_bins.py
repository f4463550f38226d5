"""Intervals of a number: where each begins and ends, and the density inside."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["MOST_RATE", "rate_of_mean", "spans"]

Floats = npt.NDArray[np.float64]

MOST_RATE = 60.0


def spans(
    values: Floats,
    count: npt.NDArray[np.int64],
    weight: npt.NDArray[Any],
    size: float,
    tail: int,
    step: float,
) -> tuple[Floats, Floats, Floats]:
    """Return lows, highs and relative means of intervals that tile the range of `values`.

    An interval ends half-way to the next one, so no end between intervals is a value; it holds at
    least the weight `tail`. One that holds a single value, so shared by that many, stays a point.
    """
    if not len(values):
        return np.zeros(0), np.zeros(0), np.zeros(0)
    cum, held = np.cumsum(count), np.cumsum(weight)
    total, size = cum[-1], max(size, tail)
    enough = min(tail, held[-1]) - 1e-9
    wanted = list(np.arange(size, total, size))
    part = size / 2
    while part >= tail:
        wanted += [part, total - part]
        part /= 2
    inner = np.unique(np.searchsorted(cum, sorted(wanted), side="left") + 1)
    kept = [0]
    for end in [*inner[inner < len(values)], len(values)]:
        before = held[kept[-1] - 1] if kept[-1] else 0
        if held[end - 1] - before >= enough:
            kept.append(int(end))
    if kept[-1] != len(values):
        if len(kept) > 1:
            kept[-1] = len(values)
        else:
            kept.append(len(values))
    start, end = np.array(kept[:-1]), np.array(kept[1:])
    low, high = _tiled(values[start], values[end - 1], step)
    mean = np.add.reduceat(values * weight, start) / np.add.reduceat(weight, start)
    half = np.where(high > low, step / 2, 0.0)
    width = high - low + 2 * half
    return low, high, np.where(width > 0, (mean - low + half) / np.where(width > 0, width, 1), 0.5)


def _tiled(low: Floats, high: Floats, step: float) -> tuple[Floats, Floats]:
    """Move the ends of ascending intervals half-way to the next one; points stay points."""
    point = low == high
    left, right = high[:-1], low[1:]
    between = (left + right) / 2
    if step:
        between = left + np.floor((between - left) / step + 1e-9) * step
    up = np.where(point[1:], np.maximum(right - step, left), between)
    down = np.where(point[:-1], np.minimum(left + step, right), between + step)
    new_high, new_low = high.copy(), low.copy()
    new_high[:-1] = np.where(point[:-1], left, up)
    new_low[1:] = np.where(point[1:], right, np.minimum(down, right))
    return new_low, new_high


def rate_of_mean(mean: Floats) -> Floats:
    """Rate r of the density exp(-r f) on [0, 1] whose mean is `mean` (bisection)."""
    mean = np.clip(mean, 0.02, 0.98)
    low, high = np.full_like(mean, -MOST_RATE), np.full_like(mean, MOST_RATE)
    for _ in range(50):
        rate = (low + high) / 2
        safe = np.where(np.abs(rate) < 1e-4, 1e-4, rate)
        above = 1 / safe - 1 / np.expm1(safe) > mean
        low, high = np.where(above, rate, low), np.where(above, high, rate)
    return (low + high) / 2
