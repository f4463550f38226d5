"""Singling out: descriptions that fit one synthetic row, tried on people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from twinset.protocols import Predicates, Records, ThreatModel
from twinset.protocols.attacks import Rng
from twinset.stats.queries import columns_of, count_rows

__all__ = ["SinglingOut"]


@dataclass(frozen=True)
class SinglingOut:
    """Descriptions made of a random synthetic row that no other synthetic row fits.

    The notion of singling out of the Article 29 Working Party (2014, WP216, section 2.2): one
    record is isolated. Conditions on the given columns: the level of a discrete column; for a
    number a narrow window of ranks around the row's own value, or that value itself if it stands
    there once. Kept are descriptions that fit exactly one synthetic row.

    Parameters
    ----------
    window
        Share of the rows that a window of a number spans.
    tries
        Rows tried for each description asked for.
    """

    name: ClassVar[str] = "singling_out"
    title: ClassVar[str] = "Rare descriptions"
    meaning: ClassVar[str] = "Describes rows that stand alone, and looks for people."
    threat_model: ClassVar[ThreatModel] = ThreatModel(data="none", goal="singling_out")

    window: float = 0.02
    tries: int = 4

    def predicates(
        self, release: Records, columns: Sequence[int], number: int, *, rng: Rng
    ) -> Predicates:
        """Return at most `number` predicates; none twice."""
        values = columns_of(release)[list(columns)]
        p = release.numeric.shape[1]
        rows = rng.permutation(len(release))[: self.tries * number]
        shape = (len(rows), len(columns))
        low, high = np.empty(shape), np.empty(shape)
        used = np.tile(np.asarray(columns, dtype=np.int64), (len(rows), 1))
        for w, j in enumerate(columns):
            own = values[w, rows]
            low[:, w] = high[:, w] = own
            if j < p:
                known = np.sort(values[w][~np.isnan(values[w])])
                below, upto = (np.searchsorted(known, own, side=s) for s in ("left", "right"))
                half = int(self.window * len(known) / 2)
                shared = (upto - below > 1) & (len(columns) > 1) & (half > 0)
                low[shared, w] = known[np.maximum(below[shared] - half, 0)]
                high[shared, w] = known[np.minimum(upto[shared] - 1 + half, len(known) - 1)]
        made = Predicates(used, low, high)
        alone = np.flatnonzero(count_rows(made, release) == 1)
        both = np.unique(np.concatenate([low, high], axis=1)[alone], axis=0, return_index=True)[1]
        kept = np.sort(alone[both])[:number]
        return Predicates(used[kept], low[kept], high[kept])
