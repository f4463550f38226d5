"""Balls around rows: which rows of one table lie where another one has rows.

A row's ball reaches to its k-th nearest other row of its own table. "Reference" is the table that
stays; the others are pooled, and any part of the pool can be held against the reference, so that
labels can be dealt anew without computing a distance twice.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from twinset.arrays import Flags

__all__ = ["FIGURES", "Manifolds", "jackknife"]

Floats = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]

FIGURES = ("precision", "recall", "density", "coverage", "alpha_precision", "beta_recall")
_LEVELS = (np.arange(50) + 0.5) / 50
_SPARE = 4  # neighbours kept for each one that is needed: enough for any half of the pool


class Manifolds:
    """Precision and recall of parts of a pool against a reference.

    Parameters
    ----------
    inside
        Shape (n, n): distances within the reference.
    across
        Shape (n, m): from the reference to the pool.
    pool
        Shape (m, m): within the pool.
    k
        Neighbours that a ball reaches to.
    """

    def __init__(self, inside: Floats, across: Floats, pool: Floats, k: int = 5) -> None:
        self._k, self._pool = k, pool
        n, m = across.shape
        apart = inside.copy()
        np.fill_diagonal(apart, np.inf)
        radius = np.partition(apart, k - 1, axis=1)[:, k - 1]
        self._hit = across <= radius[:, None]
        held = self._hit.sum(axis=0)
        self._inside, self._density = held > 0, held / k
        own = inside.sum(axis=1, dtype=np.float64) / max(n - 1, 1)
        centrality = across.mean(axis=0, dtype=np.float64)
        self._level = np.searchsorted(np.sort(own), centrality, side="right") / n
        others = pool.copy()
        np.fill_diagonal(others, np.inf)
        width = min(_SPARE * k, m - 1)
        near = np.argpartition(others, width - 1, axis=1)[:, :width]
        by = np.take_along_axis(others, near, axis=1).argsort(axis=1, kind="stable")
        self._near = np.take_along_axis(near, by, axis=1)
        self._far = np.take_along_axis(others, self._near, axis=1)
        # pairs that some part of the pool may count: within a ball that reaches to its last spare
        self._row, self._place = np.nonzero(across <= self._far[:, -1])
        self._apart = across[self._row, self._place]
        ball, member = np.nonzero(self._hit)
        order = np.lexsort((across[ball, member], ball))  # the nearest member of a ball first
        self._balls = ball[order], member[order]

    def figures(self, part: Flags) -> Values:
        """Return the `FIGURES` of the part of the pool where `part`, shape (m,), is true."""
        n = len(self._hit)
        ball, member = self._balls
        mine = part[member]
        covered, nearest = np.unique(ball[mine], return_index=True)
        reached = np.zeros(n, dtype=bool)
        near = part[self._place] & (self._apart <= self._radii(part)[self._place])
        reached[self._row[near]] = True
        # centrality within the part, as a rank: the share of the part that is as central or more
        rank = np.full(len(part), np.inf)
        central = self._pool[part][:, part].sum(axis=1, dtype=np.float64)
        rank[part] = np.searchsorted(np.sort(central), central, side="right") / len(central)
        first = np.full(n, np.inf)
        first[covered] = rank[member[mine][nearest]]
        return np.array(
            [
                self._inside[part].mean(),
                reached.mean(),
                self._density[part].mean(),
                len(covered) / n,
                _evenness(self._level[part]),
                _evenness(first),
            ]
        )

    def _radii(self, part: Flags) -> Values:
        """Return shape (m,): distance to the k-th nearest other row of the part."""
        nth = np.cumsum(part[self._near], axis=1)
        last = np.where(nth[:, -1] >= self._k, (nth < self._k).sum(axis=1), nth.shape[1] - 1)
        return np.asarray(self._far[np.arange(len(last)), last], dtype=np.float64)


def _evenness(levels: Values) -> float:
    """1 - 2 integral |share of levels <= a  -  a| da: 1 if levels are uniform on [0, 1]."""
    share = np.searchsorted(np.sort(levels), _LEVELS, side="right") / max(len(levels), 1)
    return float(1 - 2 * np.abs(share - _LEVELS).mean())


def jackknife(
    inside: Floats,
    across: Floats,
    other: Floats,
    k: int = 5,
    *,
    rng: np.random.Generator,
    times: int = 30,
    kept: float = 0.6,
) -> Values:
    """Variance of `Manifolds.figures` over samples of both tables.

    Delete-d jackknife: figures as rough as these need many rows left out, not one or a tenth (Shao
    and Wu 1989, eq. 2.3), while precision, which hangs on a few train rows far out, needs many
    kept. Widened as Student's t of `times` - 1 degrees of freedom is against the normal. `other`
    are the distances within the table that is held against the reference.
    """
    sizes = [max(round(kept * s), min(s, 2 * k)) for s in across.shape]
    found = []
    for _ in range(times):
        a, b = (rng.permutation(s)[:m] for s, m in zip(across.shape, sizes, strict=True))
        left = Manifolds(inside[np.ix_(a, a)], across[np.ix_(a, b)], other[np.ix_(b, b)], k)
        found.append(left.figures(np.ones(len(b), dtype=bool)))
    scale = sizes[0] / max(len(inside) - sizes[0], 1) * (times - 1) / max(times - 3, 1)
    return np.asarray(np.var(found, axis=0, ddof=1) * scale, dtype=np.float64)
