"""DOMIAS: where the release is denser than the population."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from twinset.protocols import Records, ThreatModel
from twinset.protocols.attacks import Rng, Scores
from twinset.stats.density import Decorrelated, log_kernel_density
from twinset.stats.records import at_most, concatenate

__all__ = ["Domias"]


@dataclass(frozen=True)
class Domias:
    """Overfitting as local density: ``log p_S(x) - log p_R(x)``.

    van Breugel et al. 2023 (AISTATS), eq. 2, with kernel densities on principal components of
    ranks and levels. Both densities have one bandwidth, so that their biases cancel.

    Parameters
    ----------
    components
        Principal components kept.
    bandwidth
        Bandwidth as a multiple of Scott's: a half sees copies better than the smooth fit does.
    rows
        Rows of each side used at most.
    """

    name: ClassVar[str] = "domias"
    title: ClassVar[str] = "Density ratio (DOMIAS)"
    meaning: ClassVar[str] = "Where are synthetic rows denser than other real data would be?"
    threat_model: ClassVar[ThreatModel] = ThreatModel()

    components: int = 24
    bandwidth: float = 0.5
    rows: int = 25_000

    def score(
        self, targets: Records, release: Records, *, auxiliary: Records | None, rng: Rng
    ) -> Scores:
        """Return shape (targets,): log of the density ratio (without auxiliary: of p_S)."""
        sides = [release] if auxiliary is None else [release, auxiliary]
        drawn = [at_most(self.rows, s, rng) for s in sides]
        encode = Decorrelated(concatenate(drawn), self.components)
        points, centres = encode(targets), [encode(s) for s in drawn]
        n, d = min(len(c) for c in centres), points.shape[1]
        h = self.bandwidth * max(n, 1) ** (-1 / (d + 4))
        logs = [log_kernel_density(points, c, h).astype(np.float64) for c in centres]
        return logs[0] - logs[1] if len(logs) > 1 else logs[0]
