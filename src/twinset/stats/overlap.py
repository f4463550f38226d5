"""Whether a table that should hold other people holds the same: one file given twice."""

from __future__ import annotations

import numpy as np

from twinset.stats.records import encode, encoded_columns
from twinset.stats.row_hash import fingerprints
from twinset.table.table import Table

__all__ = ["is_copied"]

_MOST = 0.2


def is_copied(a: Table, b: Table) -> bool:
    """Whether more than a fifth of the rows of `b` are copied from `a`, beyond chance."""
    return _copied_share(a, b) > _MOST


def _copied_share(a: Table, b: Table) -> float:
    """Share of the rows of `b` that were copied from `a`, beyond what two samples share by chance.

    Counted on rows that stand once in `b`. If the rows of both were dealt at random, a row that
    stands t times in all is such a one, and in `a` as well, with probability t q (1-q)^(t-1), q the
    share of `b`; so tables of few cells, whose rows repeat by nature, are not taken for copies.
    Three standard errors of that count are left out too: in a table of twenty rows, chance alone
    may double it.
    """
    if a.num_rows == 0 or b.num_rows == 0 or not encoded_columns(a):
        return 0.0
    x, y = (fingerprints(r) for r in encode([a, b]))
    cells, place = np.unique(np.concatenate([x, y]), return_inverse=True)
    place = place.reshape(-1)
    there, here = (np.bincount(p, minlength=len(cells)) for p in (place[: len(x)], place[len(x) :]))
    q = len(y) / (len(x) + len(y))
    times = (there + here)[there + here > 1].astype(np.float64)
    found = np.count_nonzero((here == 1) & (there > 0))
    chances = times * q * (1 - q) ** (times - 1)
    by_chance = float(chances.sum()) + 3 * float((chances * (1 - chances)).sum()) ** 0.5
    return float(found - by_chance) / len(y) / (1 - 2 * q * (1 - q))
