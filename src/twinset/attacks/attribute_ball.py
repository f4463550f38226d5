"""Attribute inference from the synthetic rows in a ball around the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.protocols import Records, ThreatModel
from twinset.protocols.attacks import Rng, Scores
from twinset.stats.neighbours import nearest

__all__ = ["AttributeBall"]


@dataclass(frozen=True)
class AttributeBall:
    """Guess the secret of x as most synthetic rows have it that lie in a ball around x.

    The ball of `mc` (Hilprecht, Härterich, Bernau 2019, section 4.1), of one radius for all: the
    median of the least distances of the people attacked. Each row in it has one vote, to which the
    shares of the whole release add one together; so an empty ball says what is common.

    Parameters
    ----------
    k
        Rows looked at most, the nearest ones.
    """

    name: ClassVar[str] = "attribute_ball"
    title: ClassVar[str] = "Neighbourhood"
    meaning: ClassVar[str] = "The most frequent hidden value of the rows around."
    threat_model: ClassVar[ThreatModel] = ThreatModel(data="none", goal="attribute")

    k: int = 10

    def guess(
        self,
        known: Records,
        release: Records,
        secret: npt.NDArray[np.int64],
        levels: int,
        *,
        rng: Rng,
    ) -> Scores:
        """Return shape (targets, levels): share of the votes."""
        near, rows = nearest(known, release, min(self.k, len(release)))
        inside = near <= np.median(near[:, 0])
        cell = np.arange(len(known))[:, None] * levels + secret[rows]
        votes = np.bincount(cell[inside], minlength=len(known) * levels).reshape(-1, levels)
        share = votes + np.bincount(secret, minlength=levels) / len(secret)
        return np.asarray(share / share.sum(axis=1, keepdims=True), dtype=np.float64)
