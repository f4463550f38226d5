"""Monte Carlo attack: share of synthetic rows near the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from twinset.protocols import Records, ThreatModel
from twinset.protocols.attacks import Rng, Scores
from twinset.stats.density import decorrelate
from twinset.stats.neighbours import squared_distances
from twinset.stats.records import at_most

__all__ = ["MonteCarlo"]

_ROUNDING = 1e-5  # of squared lengths in float32, so that equal rows are in a ball of radius 0


@dataclass(frozen=True)
class MonteCarlo:
    """Share of synthetic rows in a ball around x, on principal components of ranks and levels.

    ``|{s in S: |s - x| <= eps}| / m`` (Hilprecht, Härterich, Bernau 2019, eq. 4) with their median
    heuristic: eps is the median, over the records attacked, of the least distance to a synthetic
    row. Not set against the population, so that it needs nothing but the release.

    Parameters
    ----------
    components
        Principal components kept.
    rows
        Rows of the release used at most.
    """

    name: ClassVar[str] = "mc"
    title: ClassVar[str] = "Monte Carlo"
    meaning: ClassVar[str] = "Share of synthetic rows in a ball around the record."
    threat_model: ClassVar[ThreatModel] = ThreatModel(data="none")

    components: int = 24
    rows: int = 25_000

    def score(
        self, targets: Records, release: Records, *, auxiliary: Records | None, rng: Rng
    ) -> Scores:
        """Return shape (targets,): share of the release within the ball."""
        drawn = at_most(self.rows, release, rng)
        points, centres = decorrelate(targets, drawn, self.components)
        some = points[np.sort(rng.permutation(len(points))[:1_000])]
        least = [block.min(axis=1) for _, block in squared_distances(some, centres)]
        radius = float(np.median(np.concatenate(least)))
        radii = radius + _ROUNDING * (1 + np.einsum("ij,ij->i", points, points))
        share = np.empty(len(points))
        for start, block in squared_distances(points, centres):
            share[start : start + len(block)] = np.count_nonzero(
                block <= radii[start : start + len(block), None], axis=1
            )
        return share / len(drawn)
