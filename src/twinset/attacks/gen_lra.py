"""Gen-LRA: how much likelier the synthetic rows near x become if x joins the population."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from twinset.protocols import Records, ThreatModel
from twinset.protocols.attacks import Rng, Scores
from twinset.stats.density import Decorrelated, log_kernel_density
from twinset.stats.neighbours import squared_distances
from twinset.stats.records import at_most, concatenate

__all__ = ["GenLra"]


@dataclass(frozen=True)
class GenLra:
    """Likelihood ratio of the local release: with x among the adversary's rows, and without.

    ``sum over the k synthetic rows s nearest x of log p_(R + x)(s) - log p_R(s)`` (Ward et al.
    2025, Gen-LRA, eq. 4), Gaussian kernels of one bandwidth h, which gives the closed form
    ``sum log((r + K_h(s - x) / p_R(s)) / (r + 1))``, r rows in R.

    Parameters
    ----------
    k
        Synthetic rows near x that are looked at.
    components
        Principal components of ranks and levels.
    bandwidth
        Bandwidth as a multiple of Scott's.
    rows
        Rows of each side used at most.
    """

    name: ClassVar[str] = "gen_lra"
    title: ClassVar[str] = "Local likelihood (Gen-LRA)"
    meaning: ClassVar[str] = (
        "How much likelier do nearby synthetic rows become if the record is known?"
    )
    threat_model: ClassVar[ThreatModel] = ThreatModel()

    k: int = 200
    components: int = 24
    bandwidth: float = 0.5
    rows: int = 10_000

    def score(
        self, targets: Records, release: Records, *, auxiliary: Records | None, rng: Rng
    ) -> Scores:
        """Return shape (targets,): the log likelihood ratio; without auxiliary 0."""
        if auxiliary is None:
            return np.zeros(len(targets))
        sides = [at_most(self.rows, s, rng) for s in (release, auxiliary)]
        encode = Decorrelated(concatenate(sides), self.components)
        points, synthetic, others = encode(targets), encode(sides[0]), encode(sides[1])
        r, d = len(others), points.shape[1]
        h = self.bandwidth * r ** (-1 / (d + 4))
        density = log_kernel_density(synthetic, others, h)
        k = min(self.k, len(synthetic))
        found = np.empty(len(points))
        for start, block in squared_distances(points, synthetic):
            near = np.argpartition(block, k - 1, axis=1)[:, :k]
            square = np.take_along_axis(block, near, axis=1).astype(np.float64)
            ratio = -square / (2 * h * h) - density[near]
            gain = np.logaddexp(math.log(r), ratio) - math.log(r + 1)
            found[start : start + len(block)] = gain.sum(axis=1)
        return found
