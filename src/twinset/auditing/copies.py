"""Train records that stand in the release as they are, against records that nobody fitted.

Membership attacks average over all targets, so a few copied people hardly move an AUC; yet a row
that only one person has does not come into a release by chance. Whole train is looked at here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

from twinset.auditing.measures import clopper_pearson
from twinset.protocols import Estimate, Result
from twinset.stats.fingerprints import fingerprints
from twinset.stats.records import encode, encoded_columns
from twinset.stats.seeds import stream
from twinset.stats.units import compact
from twinset.table.table import Table

__all__ = ["copied_records"]

_CHANCE = 0.01
_TIMES = 3.0  # as for the true positive rate: this often as many as of records not fitted


def copied_records(train: Table, synthetic: Table, holdout: Table, seed: int) -> Result:
    """Share of train units of whom a row that is theirs alone stands in the release.

    Equally many random units of train and holdout are dealt; a row of two of them is nobody's.
    Without copying it is a toss of a coin whether a unit that stands in the release is of train, so
    the verdict is "worse" if a binomial test says otherwise (1%) and train is hit more than three
    times as often.
    """
    columns = encoded_columns(train)
    released, *sides = (
        fingerprints(r) for r in encode([synthetic, train, holdout], columns=columns)
    )
    rng = stream(seed, "audit", "copies")
    units = [compact(t.units, t.num_rows) for t in (train, holdout)]
    size = min(int(u.max(initial=-1)) + 1 for u in units)
    dealt = [np.isin(u, rng.permutation(int(u.max(initial=-1)) + 1)[:size]) for u in units]
    rows = [side[kept] for side, kept in zip(sides, dealt, strict=True)]
    owners = [u[kept] for u, kept in zip(units, dealt, strict=True)]
    shared = _shared(np.concatenate(rows), np.concatenate([owners[0], owners[1] + len(units[0])]))
    copied, other = (
        len(np.unique(who[np.isin(row, released) & ~np.isin(row, shared)]))
        for row, who in zip(rows, owners, strict=True)
    )
    chance = float(stats.binom.sf(copied - 1, copied + other, 0.5))
    shown = chance < _CHANCE and copied > _TIMES * other
    low, high = clopper_pearson(copied, size)
    return Result(
        family="privacy",
        name="records_copied",
        params={"interval": "Clopper-Pearson"},
        estimate=Estimate(copied / size, low, high, size),
        reference=other / size,
        verdict="worse" if shown else "within_noise",
    )


def _shared(rows: npt.NDArray[np.uint64], owners: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """Rows that more than one unit has."""
    order = np.lexsort((owners, rows))
    row, owner = rows[order], owners[order]
    again = (row[1:] == row[:-1]) & (owner[1:] != owner[:-1])
    return np.unique(row[1:][again])
