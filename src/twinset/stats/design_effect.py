"""Rows of one unit held against each other: how much less their counts say than other rows would.

A design effect is the variance of a count over that of as many independent rows. Each of these is
``1 + sum over pairs of rows of a unit of k(i, j) / sum over rows of k(i, i)``, with k the product
of what two rows add to the counts in question, summed over the cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinset.arrays import Floats, Ints
from twinset.stats.units import compact

__all__ = ["Partners"]

Codes = npt.NDArray[np.integer[Any]]

_MOST = 8


@dataclass(frozen=True, eq=False)
class Partners:
    """Ordered pairs of different rows of one unit; of large units, 8 random partners a row.

    Attributes
    ----------
    rows
        Number of rows.
    first, second
        Shape (pairs,): places of the two rows.
    weight
        Shape (pairs,): pairs of rows that this one stands for.
    """

    rows: int
    first: Ints
    second: Ints
    weight: Floats

    @classmethod
    def of(
        cls, units: npt.NDArray[Any], rng: np.random.Generator, thinned: float = 1.0
    ) -> Partners:
        """Pair the rows of each unit.

        Parameters
        ----------
        units
            Shape (rows,): unit of each row.
        thinned
            Rows that each of these stands for, if they were drawn one by one: a unit then has as
            many times more rows than are seen.
        """
        ids = compact(units, len(units))
        order = np.lexsort((rng.random(len(ids)), ids))
        size = np.bincount(ids)
        start = np.cumsum(size) - size
        mine = ids[order]
        own, place = size[mine], np.arange(len(ids)) - start[mine]
        first, second, weight = [], [], []
        for shift in range(1, min(_MOST, int(size.max(initial=1)) - 1) + 1):
            at = np.flatnonzero(own > shift)
            first.append(order[at])
            second.append(order[(start[mine] + (place + shift) % own)[at]])
            weight.append((own[at] - 1) / np.minimum(own[at] - 1, _MOST) * thinned)
        if not first:
            return cls(len(ids), np.empty(0, int), np.empty(0, int), np.empty(0))
        return cls(len(ids), *(np.concatenate(x) for x in (first, second, weight)))

    def effect(self, codes: Codes, size: int) -> float:
        """Design effect on the shares of `codes`, all cells together, at least 1.

        The mean of the generalised design effects of a table of counts (Rao and Scott 1981).
        """
        share = np.bincount(codes, minlength=size) / max(self.rows, 1)
        first = codes[self.first]
        together = float(self.weight @ (first == codes[self.second]))
        apart = float(self.weight @ share[first])  # each row is as often a second
        square = float(share @ share)
        own = self.rows * (1 - square)
        pairs = together - 2 * apart + square * float(self.weight.sum())
        return max(1.0, 1 + pairs / own) if own > 0 else 1.0

    def dependence_effect(self, a: Codes, b: Codes, shape: tuple[int, int]) -> float:
        """Design effect on the joint shares of two columns once their margins are fixed, >= 1.

        What a row adds to a cell is (1[a] - share of a)(1[b] - share of b), so that pairs of rows
        multiply over the columns: a column that never changes within a unit does no harm to its
        dependence on one that changes freely.
        """
        joint = np.bincount(a.astype(np.int64) * shape[1] + b, minlength=shape[0] * shape[1])
        table = joint.reshape(shape) / max(self.rows, 1)
        p, q = table.sum(axis=1), table.sum(axis=0)
        excess = table - np.outer(p, q)
        pull = excess - (p @ excess)[None, :] - (excess @ q)[:, None] + p @ excess @ q
        gone = float((excess**2).sum())

        def product(i: Ints, j: Ints) -> Floats:
            one = (a[i] == a[j]) - p[a[i]] - p[a[j]] + p @ p
            two = (b[i] == b[j]) - q[b[i]] - q[b[j]] + q @ q
            return np.asarray(one * two - pull[a[i], b[i]] - pull[a[j], b[j]] + gone)

        every = np.arange(self.rows)
        own = float(product(every, every).sum())
        pairs = float(self.weight @ product(self.first, self.second))
        return max(1.0, 1 + pairs / own) if own > 1e-12 * self.rows else 1.0

    def cumulative_effects(self, codes: Codes, size: int) -> Floats:
        """Design effects on the share of codes <= t, t = 0 .. size - 2; negative codes: unknown.

        The larger of two codes is <= t exactly where both are, so that one count does for all t.
        """
        known = codes >= 0
        share = np.cumsum(np.bincount(codes[known], minlength=size))[:-1] / max(known.sum(), 1)
        both = known[self.first] & known[self.second]
        i, j, weight = codes[self.first[both]], codes[self.second[both]], self.weight[both]

        def upto(x: Codes) -> Floats:
            return np.asarray(np.cumsum(np.bincount(x, weight, size))[:-1])

        pairs = upto(np.maximum(i, j)) - share * (upto(i) + upto(j)) + share**2 * weight.sum()
        own = known.sum() * share * (1 - share)
        ratio = np.divide(pairs, own, out=np.zeros(size - 1), where=own > 0)
        return np.asarray(np.maximum(1.0, 1 + ratio))
