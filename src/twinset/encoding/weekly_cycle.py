"""The week in dates: shops close on Sundays, clinics admit in the morning.

An interval of a date is weeks or months wide, and a density over it knows no weekday. The shares of
the weekdays (and of the hours, where a column has times) in the whole column are kept, and values
drawn inside intervals are accepted by them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from twinset.table.schema import Kind

__all__ = ["PHASES", "fit_rhythm", "follow"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DAYS, HOURS = 7, 168
PHASES = {Kind.DATE.facts.counts: DAYS, Kind.DATETIME.facts.counts: HOURS}
"""Phases of a week that are told apart, by the `date_format` that a generator sees."""
_HOUR = 3_600.0
_FEWEST = 200
_LEAST = 5
_UNEVEN = 0.1
_TRIES = 30


def fit_rhythm(x: Floats, weight: Floats, phases: int) -> Floats:
    """Return shape (phases,): chance that a value of each phase is accepted; empty if even.

    Parameters
    ----------
    x, weight
        Shape (values,): days or seconds since 1970, and the rows of each, a unit weighing 1.
    phases
        7 for columns in days, 168 for columns in seconds.
    """
    if weight.sum() < _FEWEST or np.ptp(x) < 4 * _week(phases):
        return np.zeros(0)
    if phases == DAYS:
        chance = _uneven(_phase(x, phases), weight, DAYS)
    else:
        hour = _phase(x, phases)
        days, hours = _uneven(hour // 24, weight, 7), _uneven(hour % 24, weight, 24)
        chance = np.outer(days, hours).ravel()
    return np.zeros(0) if (chance == chance[0]).all() else chance / chance.max()


def follow(
    x: Floats, chance: Floats, draw: Callable[[Ints], Floats], rng: np.random.Generator
) -> Floats:
    """Draw values again until their phase is accepted, thirty times at most.

    Parameters
    ----------
    x
        Shape (rows,): values as first drawn; NaN stays.
    draw
        New values for these rows.
    """
    waiting = np.flatnonzero(~np.isnan(x))
    for _ in range(_TRIES):
        waiting = waiting[rng.random(len(waiting)) >= chance[_phase(x[waiting], len(chance))]]
        if not len(waiting):
            break
        x[waiting] = draw(waiting)
    return x


def _week(phases: int) -> float:
    return DAYS if phases == DAYS else HOURS * _HOUR


def _phase(x: Floats, phases: int) -> Ints:
    width = _week(phases) / phases
    return np.mod(np.floor(x / width), phases).astype(np.int64)


def _uneven(phase: Ints, weight: Floats, size: int) -> Floats:
    """Share of each phase, those of fewer than 5 units 0; all equal if they are nearly so."""
    held = np.bincount(phase, weight, size)
    held[held < _LEAST] = 0.0
    even = np.full(size, 1 / size)
    if not held.sum():
        return even
    share = held / held.sum()
    return np.asarray(share if np.abs(share - even).sum() / 2 > _UNEVEN else even)
