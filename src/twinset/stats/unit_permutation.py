"""Units dealt to two samples at random, or drawn anew: how far apart chance alone sets the samples.

A weight is +1/n for a row of the first sample and -1/m for one of the second, so that a weighted
sum is a difference of means.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinset.arrays import Flags, Floats, Ints
from twinset.stats.units import compact

__all__ = ["Deals", "dealt", "drawn", "influence", "weights"]


_BITS, _PACK = 17, 3  # three counts of up to 131,071 rows are exact in one float64
_MASK = (1 << _BITS) - 1


@dataclass(frozen=True, eq=False)
class Deals:
    """Random halves of the units.

    Attributes
    ----------
    rows
        Number of rows, at most 131,071.
    size
        Shape (deals,): rows of each first half.
    packed
        Three deals in one array of weights each: a weighted count counts them at once.
    """

    rows: int
    size: Ints
    packed: list[Floats]

    @classmethod
    def of(cls, units: npt.NDArray[Any], times: int, rng: np.random.Generator) -> Deals:
        """Deal the units of shape (rows,) so many times."""
        ids = compact(units, len(units))
        number = int(ids.max(initial=-1)) + 1
        halves = [(rng.permutation(number) < number // 2)[ids] for _ in range(times)]
        packed = []
        for start in range(0, times, _PACK):
            some = halves[start : start + _PACK]
            packed.append(
                np.asarray(sum(h * float(1 << (_BITS * j)) for j, h in enumerate(some)), float)
            )
        return cls(len(ids), np.array([int(h.sum()) for h in halves]), packed)

    def counts(self, codes: npt.NDArray[Any], size: int) -> tuple[Ints, Ints]:
        """Return shape (deals, size) twice: rows with each code in first and second halves."""
        both = np.bincount(codes, minlength=size)
        found: list[Ints] = []
        for weights in self.packed:
            sums = np.bincount(codes, weights=weights, minlength=size).astype(np.int64)
            for _ in range(min(_PACK, len(self.size) - len(found))):
                found.append(sums & _MASK)
                sums >>= _BITS
        first = np.array(found)
        return first, both - first

    def scale(self, sizes: tuple[int, int]) -> float:
        """Variance of shares between tables of `sizes` rows, over that between the halves."""
        here = float(
            np.mean(1 / np.maximum(self.size, 1) + 1 / np.maximum(self.rows - self.size, 1))
        )
        return (1 / max(sizes[0], 1) + 1 / max(sizes[1], 1)) / here

    def variance(self, values: Floats, sizes: tuple[int, int]) -> float:
        """Variance of a distance of two tables of `sizes` rows, from those of the halves.

        So few values leave it uncertain: it is that of Student's t, not of the normal.

        Parameters
        ----------
        values
            Shape (deals,): the distance of the halves.
        """
        if self.size.min() == 0 or self.size.max() == self.rows:
            return 0.25  # a single unit: the most that a share can scatter
        freedom = len(values) - 1
        return float(np.var(values, ddof=1)) * freedom / (freedom - 2) * self.scale(sizes)


def influence(codes: npt.NDArray[Any], units: Ints, there: Flags) -> Floats:
    """Influence of each unit on the expected TVD of two halves of the rows; shape (units,).

    With x what a unit adds to a cell beyond its share, the TVD of halves of n rows is on average
    ``sqrt(2 / pi) / n * sum over cells of sqrt(sum of x^2)``, if normal: this is its derivative.

    Parameters
    ----------
    codes, units
        Shape (rows,): cell and unit of each row; units are numbered 0, 1, 2 ...
    there
        Shape (cells,): cells that count.
    """
    size, rows = len(there), len(codes)
    weight = np.bincount(units)
    if len(weight) == rows:
        who, cell, held = units, codes, np.ones(rows, dtype=np.int64)
    else:
        pairs, held = np.unique(units * size + codes, return_counts=True)
        who, cell = np.divmod(pairs, size)
    share = np.bincount(codes, minlength=size) / rows
    square = held * (held - 2 * weight[who] * share[cell])
    total = np.bincount(cell, square, size) + float(weight @ weight) * share**2
    root = np.where(there & (total > 0), np.sqrt(np.maximum(total, 1e-300)), np.inf)
    found = np.bincount(who, square / root[cell], len(weight)) + weight**2 * float(
        (share**2 / root).sum()
    )
    return np.asarray(found / (rows * math.sqrt(2 * math.pi)))


def weights(first: Flags) -> Floats:
    """Return the weights of rows, shape (..., rows), by whether each is of the first sample."""
    n = np.maximum(first.sum(axis=-1, keepdims=True), 1)
    m = np.maximum((~first).sum(axis=-1, keepdims=True), 1)
    return np.asarray(np.where(first, 1 / n, -1 / m))


def dealt(first: Flags, units: Ints, times: int, rng: np.random.Generator) -> Floats:
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


def drawn(first: Flags, units: Ints, times: int, rng: np.random.Generator) -> Floats:
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
