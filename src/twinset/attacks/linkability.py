"""Linkability: two sources about the same people, joined through the release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from twinset.protocols import Records, ThreatModel
from twinset.protocols.attacks import Rng, Scores
from twinset.stats.neighbours import distances, nearest

__all__ = ["Linkability"]


@dataclass(frozen=True)
class Linkability:
    """A pair of rows is one person if a synthetic row lies near both halves at once.

    Score of (a, b): ``-min over s of d(a, s_A) + d(b, s_B)``, the length of the shortest bridge
    from the one source to the other over a synthetic row, s among the `k` nearest to a. The notion
    of linkability of the Article 29 Working Party (2014, WP216, section 2.2), as a problem of
    record linkage (Fellegi and Sunter 1969).

    Parameters
    ----------
    k
        Synthetic rows near the left half over which bridges lead.
    """

    name: ClassVar[str] = "linkability"
    title: ClassVar[str] = "Nearest rows of both halves"
    meaning: ClassVar[str] = "Which rows of two sources share neighbours?"
    threat_model: ClassVar[ThreatModel] = ThreatModel(data="none", goal="linkage")

    k: int = 10

    def link(
        self,
        left: Records,
        right: Records,
        release_left: Records,
        release_right: Records,
        *,
        rng: Rng,
    ) -> Scores:
        """Return shape (left, right): minus the length of the shortest bridge."""
        near, rows = nearest(left, release_left, min(self.k, len(release_left)))
        bridges, place = np.unique(rows, return_inverse=True)
        other = distances(right, release_right.take(bridges)).T[place.reshape(rows.shape)]
        return np.asarray(-(near[:, :, None] + other).min(axis=1), dtype=np.float64)
