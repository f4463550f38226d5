"""Attribute inference from the nearest synthetic rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.protocols import Records, ThreatModel
from twinset.protocols.attacks import Rng, Scores
from twinset.stats.neighbours import nearest

__all__ = ["AttributeNearest"]


@dataclass(frozen=True)
class AttributeNearest:
    """Guess the secret of x as the nearest synthetic rows have it, by what is known of x.

    Neighbours vote with weight ``1 / (d + c)``, so that a row that is equal in all that is known
    outvotes the rest. Strong against copies; a classifier is stronger where there are none.

    Parameters
    ----------
    k
        Neighbours that vote.
    offset
        The c above, in the unit of one mismatched column.
    """

    name: ClassVar[str] = "attribute_nearest"
    title: ClassVar[str] = "Nearest rows"
    meaning: ClassVar[str] = "The hidden value of the nearest synthetic row."
    threat_model: ClassVar[ThreatModel] = ThreatModel(data="none", goal="attribute")

    k: int = 5
    offset: float = 1e-2

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
        weight = 1 / (near.astype(np.float64) + self.offset)
        cell = np.arange(len(known))[:, None] * levels + secret[rows]
        votes = np.bincount(cell.ravel(), weight.ravel(), minlength=len(known) * levels)
        share = votes.reshape(len(known), levels) / weight.sum(axis=1, keepdims=True)
        return np.asarray(share, dtype=np.float64)
