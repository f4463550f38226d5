"""Units: which rows belong to one person or thing, and how that thins the information in rows.

Everywhere `units` is an integer array of shape (rows,), or None where each row is its own unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinset.arrays import Flags, Floats, Ints

__all__ = [
    "UnitSums",
    "Units",
    "compact",
    "count_units",
    "design_effect",
    "draw",
    "even_counts",
    "folds",
    "holders",
    "outermost",
    "rows_of_unit",
    "unit_counts",
]

Units = Ints | None

_TOGETHER = 200


def compact(units: Units, rows: int) -> Ints:
    """Return shape (rows,): units numbered 0, 1, 2 ... without gaps."""
    if units is None:
        return np.arange(rows, dtype=np.int64)
    return np.unique(units, return_inverse=True)[1].reshape(-1).astype(np.int64)


def count_units(units: Units, rows: int) -> int:
    """Return the number of distinct units."""
    return rows if units is None else len(np.unique(units))


def holders(rows: Flags, units: Units) -> int:
    """Return the number of distinct units among the marked `rows`."""
    return count_units(None if units is None else units[rows], int(rows.sum()))


def rows_of_unit(units: Units, rows: int) -> Ints:
    """Return shape (rows,): how many rows the unit of each row has."""
    if units is None:
        return np.ones(rows, dtype=np.int64)
    ids = compact(units, rows)
    return np.bincount(ids)[ids]


def unit_counts(codes: npt.NDArray[Any], units: Units, size: int) -> Ints:
    """Return shape (size,): how many distinct units hold each code at least once."""
    if units is None:
        return np.bincount(codes, minlength=size)
    pairs = np.unique(compact(units, len(codes)) * size + codes.astype(np.int64))
    return np.bincount(pairs % size, minlength=size)


def even_counts(codes: npt.NDArray[Any], units: Units, size: int, *, ordered: bool) -> Floats:
    """Return shape (size,): rows of each code; where few units hold one, all units weigh the same.

    Codes that about 200 units hold together, neighbours if `ordered`, keep their rows together:
    shares stay those of rows, and yet no single unit makes its own code frequent.
    """
    count = np.bincount(codes, minlength=size).astype(np.float64)
    if units is None:
        return count
    held = np.bincount(codes, 1 / rows_of_unit(units, len(codes)), size)
    if ordered:
        group = np.floor(np.cumsum(held) / _TOGETHER)
    else:
        group = np.where(held < _TOGETHER, -1, np.arange(size))
    group = compact(group, size)
    rows, weight = np.bincount(group, count), np.bincount(group, held)
    return np.asarray(held * (rows / np.maximum(weight, 1e-300))[group])


def outermost(x: Floats, units: Units, k: int) -> Floats:
    """Return the `k` largest of the units' largest values, ascending; all if there are fewer."""
    if units is not None and len(x):
        order = np.lexsort((x, units))
        x = x[order][np.append(np.flatnonzero(np.diff(units[order])), len(x) - 1)]
    return np.sort(np.partition(x, len(x) - k)[-k:] if k < len(x) else x)


def design_effect(codes: npt.NDArray[Any], units: Units, size: int) -> float:
    """Return how many times larger the variance of shares is than for independent rows, >= 1.

    The ratio of the between-unit variance of the cell counts to the binomial one, summed over
    cells (Kish 1965, section 5.4); 1.0 where each row is its own unit.
    """
    if units is None or len(codes) < 2:
        return 1.0
    return UnitSums.of(codes, units, size).effect(np.bincount(codes, minlength=size))


@dataclass(frozen=True, eq=False)
class UnitSums:
    """What a column's codes and units add up to; sums of parts that share no unit may be added.

    All are whole numbers, so that the order of adding changes nothing.

    Attributes
    ----------
    held
        Shape (codes,): units that hold each code at least once.
    cross
        Shape (codes,): sum over units of (rows of the unit with the code) x (rows of the unit).
    squares, weights
        Sums over units of (rows with a code)^2, over codes, and of (rows)^2.
    """

    held: Ints
    cross: Ints
    squares: int
    weights: int

    @classmethod
    def of(cls, codes: npt.NDArray[Any], units: npt.NDArray[Any], size: int) -> UnitSums:
        """Sum over rows: the code and the unit of each."""
        ids = np.unique(units, return_inverse=True)[1].reshape(-1).astype(np.int64)
        weights = np.bincount(ids)
        pairs, rows = np.unique(ids * size + codes.astype(np.int64), return_counts=True)
        code = pairs % size
        cross = np.zeros(size, dtype=np.int64)
        np.add.at(cross, code, rows * weights[pairs // size])
        held = np.bincount(code, minlength=size)
        return cls(held, cross, int(rows @ rows), int(weights @ weights))

    def __add__(self, other: UnitSums) -> UnitSums:
        return UnitSums(
            self.held + other.held,
            self.cross + other.cross,
            self.squares + other.squares,
            self.weights + other.weights,
        )

    def effect(self, counts: Ints) -> float:
        """Design effect of the units on the shares of these counts."""
        n = int(counts.sum())
        shares = counts / max(n, 1)
        # sum over units of (count - weight * share)^2, expanded so that empty cells cost nothing
        total = self.squares - 2 * float(self.cross @ shares)
        total += self.weights * float(np.sum(shares**2))
        binomial = n * float(np.sum(shares * (1 - shares)))
        return max(1.0, total / binomial) if binomial > 0 else 1.0


def draw(units: Units, rows: int, target: int, rng: np.random.Generator) -> Ints:
    """Return sorted positions of whole random units that hold about `target` rows (at least 1)."""
    if units is None:
        return np.sort(rng.choice(rows, size=min(target, rows), replace=False))
    ids = compact(units, rows)
    order = rng.permutation(int(ids.max()) + 1)
    filled = np.cumsum(np.bincount(ids)[order])
    chosen = np.zeros(len(order), dtype=bool)
    chosen[order[: max(1, int(np.searchsorted(filled, target, side="right")))]] = True
    return np.flatnonzero(chosen[ids])


def folds(units: Units, rows: int, k: int, rng: np.random.Generator) -> Ints:
    """Return shape (rows,): the fold 0 .. k-1 of each row; a unit is never in two folds."""
    ids = compact(units, rows)
    number = int(ids.max()) + 1 if rows else 0
    return rng.permutation(np.arange(number) % k)[ids]
