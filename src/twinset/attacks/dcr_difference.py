"""Distance to the closest auxiliary row, minus that to the closest synthetic row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from twinset.protocols import Records, ThreatModel
from twinset.protocols.attacks import Rng, Scores
from twinset.stats.neighbours import nearest

__all__ = ["DcrDifference"]


@dataclass(frozen=True)
class DcrDifference:
    """Whether the release comes closer than the population does: ``d(x, R) - d(x, S)``.

    Calibrates `distance` by how crowded the neighbourhood of x is. Without auxiliary rows it is
    `distance`.
    """

    name: ClassVar[str] = "dcr_difference"
    title: ClassVar[str] = "Nearest row, compared"
    meaning: ClassVar[str] = (
        "Compares the nearest synthetic row with the nearest row of other real data."
    )
    threat_model: ClassVar[ThreatModel] = ThreatModel()

    def score(
        self, targets: Records, release: Records, *, auxiliary: Records | None, rng: Rng
    ) -> Scores:
        """Return shape (targets,): difference of the two least distances."""
        near = nearest(targets, release)[0][:, 0].astype(np.float64)
        if auxiliary is None:
            return -near
        return nearest(targets, auxiliary)[0][:, 0] - near
