"""Column codes: numbers to a few bins and atoms, and coarser versions of any code.

Bins are fitted on one table (train) and applied to all, so that a shift cannot hide in edges that
move along with it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from twinset.arrays import Floats, Ints

__all__ = ["NumberBins", "bins_of_sorted", "coarsen", "fit_bins", "round_between"]


@dataclass(frozen=True)
class NumberBins:
    """Bins of a number column.

    Codes 0 .. len(edges) are the bins ``(-inf, e0), [e0, e1), ... [e_last, inf)`` without the
    atoms; then one code per atom (a frequent value); then null; then unseen
    values (out of the fitted range).

    Attributes
    ----------
    edges, atoms
        Shape (bins - 1,) and (atoms,), ascending; edges are round numbers where possible.
    low, high
        Range of the values that were fitted; NaN if there were none.
    closed
        Whether the atoms are all the values there were: any other value is then unseen.
    """

    edges: Floats
    atoms: Floats
    low: float
    high: float
    closed: bool = False

    @property
    def null(self) -> int:
        """Code of null."""
        return len(self.edges) + 1 + len(self.atoms)

    @property
    def unseen(self) -> int:
        """Code of a value out of the fitted range."""
        return self.null + 1

    @property
    def size(self) -> int:
        """Number of codes."""
        return self.null + 2

    @property
    def order(self) -> Ints:
        """Codes in the order of their values; null and unseen last."""
        starts = np.concatenate([[-np.inf], self.edges, self.atoms, [np.inf, np.inf]])
        atom = np.arange(self.size) > len(self.edges)
        return np.lexsort((atom, starts))

    def joined(self, held: Ints, least: int) -> NumberBins:
        """Join bins, from below, until at least `least` units hold each; `held`: units of each."""
        kept, units = [], 0
        for i, edge in enumerate(self.edges):
            units += int(held[i])
            if units >= least and held[i + 1 : len(self.edges) + 1].sum() >= least:
                kept.append(edge)
                units = 0
        return replace(self, edges=np.array(kept))

    def code(self, values: Floats) -> Ints:
        """Return shape (rows,): the code of each value (NaN is null)."""
        codes = np.searchsorted(self.edges, values, side="right")
        if len(self.atoms):
            place = np.minimum(np.searchsorted(self.atoms, values), len(self.atoms) - 1)
            codes = np.where(self.atoms[place] == values, len(self.edges) + 1 + place, codes)
        if self.closed:
            codes[codes == 0] = self.unseen
        codes[(values < self.low) | (values > self.high)] = self.unseen
        codes[np.isnan(values)] = self.null
        return codes


def fit_bins(values: Floats, bins: int = 20) -> NumberBins:
    """Fit about `bins` bins of equal mass, with a bin of its own for each frequent value.

    An atom holds at least half the mass of a bin. Edges move to the roundest number that changes a
    bin's mass by at most a quarter.

    >>> fit_bins(np.arange(1000.0), 4).edges.tolist()
    [200.0, 500.0, 700.0]
    """
    return bins_of_sorted(np.sort(values[~np.isnan(values)]), bins)


def bins_of_sorted(values: Floats, bins: int = 20, barred: Floats | None = None) -> NumberBins:
    """Fit bins to values that are sorted already, in memory or not; looks at few of them.

    `barred` values get no bin of their own.
    """
    barred = np.empty(0) if barred is None else barred
    n = len(values)
    if n == 0:
        return NumberBins(np.empty(0), np.empty(0), math.nan, math.nan)
    least = max(2.0, n / (2 * bins))
    # a value that occurs so often stands at one of these places
    candidates = np.unique(values[:: max(math.floor(least) - 1, 1)])
    starts, ends = (np.searchsorted(values, candidates, side=s) for s in ("left", "right"))
    frequent = ends - starts >= least
    atoms, starts, ends = candidates[frequent], starts[frequent], ends[frequent]
    if n >= 5 * len(few := _first_distinct(values, 2 * bins + 1)) and len(few) <= 2 * bins:
        atoms, starts = few, np.searchsorted(values, few)
        ends = np.append(starts[1:], n)
    allowed = ~np.isin(atoms, barred)
    atoms, starts, ends = atoms[allowed], starts[allowed], ends[allowed]
    rest = _Rest(values, starts, ends)
    inner = max(1, round(bins * len(rest) / n))
    edges: list[float] = []
    for i in range(1, inner):
        lowest, highest = (rest.at((i + d) / inner) for d in (-0.25, 0.25))
        edges.append(round_between(lowest, highest))
    return NumberBins(
        np.unique(edges), atoms, float(values[0]), float(values[-1]), closed=len(rest) == 0
    )


def _first_distinct(values: Floats, most: int) -> Floats:
    """Return the `most` smallest distinct values."""
    found: list[float] = []
    at = 0
    while at < len(values) and len(found) < most:
        found.append(float(values[at]))
        at = int(np.searchsorted(values, found[-1], side="right"))
    return np.array(found)


class _Rest:
    """Sorted values without those from each start to its end."""

    def __init__(self, values: Floats, starts: Ints, ends: Ints) -> None:
        self._values = values
        self._gone = np.concatenate([[0], np.cumsum(ends - starts)])
        self._before = starts - self._gone[:-1]

    def __len__(self) -> int:
        return len(self._values) - int(self._gone[-1])

    def at(self, share: float) -> float:
        place = min(max(int(share * len(self)), 0), len(self) - 1)
        gone = self._gone[np.searchsorted(self._before, place, side="right")]
        return float(self._values[place + gone])


def round_between(low: float, high: float) -> float:
    """Return the roundest number in [low, high]: the fewest significant digits, 5 before others.

    >>> round_between(38.2, 41.7), round_between(1234.0, 1261.0), round_between(-3.0, 2.0)
    (40.0, 1250.0, 0.0)
    """
    if low <= 0 <= high:
        return 0.0
    if not low < high:
        return low
    top = math.floor(math.log10(max(abs(low), abs(high))))
    for power in range(top + 1, top - 17, -1):
        for step in (10.0**power, 5 * 10.0 ** (power - 1)):
            candidate = math.ceil(low / step) * step
            if low <= candidate <= high:
                return float(f"{candidate:.15g}")
    return low


def coarsen(counts: Ints, order: Ints | None, levels: int) -> Ints:
    """Return shape (codes,): a coarser code for each code.

    Parameters
    ----------
    counts
        Shape (codes,): train rows with each code.
    order
        Codes in the order of their values, where neighbours are merged to about equal mass; None
        keeps the most frequent codes and pools the others.
    levels
        Number of coarse codes at most.
    """
    size = len(counts)
    if size <= levels:
        return np.arange(size)
    coarse = np.empty(size, dtype=np.int64)
    if order is None:
        ranked = np.argsort(-counts, kind="stable")
        coarse[ranked] = np.minimum(np.arange(size), levels - 1)
        return coarse
    mass = counts[order].astype(float)
    middle = np.cumsum(mass) - mass / 2
    coarse[order] = np.minimum(middle / max(mass.sum(), 1.0) * levels, levels - 1).astype(np.int64)
    return coarse
