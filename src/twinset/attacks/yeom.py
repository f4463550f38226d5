"""Yeom: how well the release predicts the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from twinset.protocols import Records, ThreatModel
from twinset.protocols.attacks import Rng, Scores
from twinset.stats.density import decorrelate, log_kernel_density, scott
from twinset.stats.records import at_most

__all__ = ["Yeom"]


@dataclass(frozen=True)
class Yeom:
    """Minus the loss of x under a density learned from the release: ``log p_S(x)``.

    Yeom et al. 2018 (section 3.2, the bounded-loss adversary): x is called a member if its loss is
    at most the mean train loss; here any threshold may be the auditor's. The density is a Gaussian
    kernel on principal components of ranks and levels. Not set against the population, so that it
    needs nothing but the release.

    Parameters
    ----------
    components
        Principal components kept.
    bandwidth
        Bandwidth as a multiple of Scott's.
    rows
        Rows of the release used at most.
    """

    name: ClassVar[str] = "yeom"
    title: ClassVar[str] = "Likelihood (Yeom)"
    meaning: ClassVar[str] = "How likely is the record under a density of the rows?"
    threat_model: ClassVar[ThreatModel] = ThreatModel(data="none")

    components: int = 24
    bandwidth: float = 0.5
    rows: int = 5_000

    def score(
        self, targets: Records, release: Records, *, auxiliary: Records | None, rng: Rng
    ) -> Scores:
        """Return shape (targets,): log density, up to a constant."""
        drawn = at_most(self.rows, release, rng)
        points, centres = decorrelate(targets, drawn, self.components)
        density = log_kernel_density(points, centres, scott(centres, self.bandwidth))
        return density.astype(np.float64)
