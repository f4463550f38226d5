"""Distance to the closest synthetic row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from twinset.protocols import Records, ThreatModel
from twinset.protocols.attacks import Rng, Scores
from twinset.stats.neighbours import nearest

__all__ = ["Distance"]


@dataclass(frozen=True)
class Distance:
    """How close the closest synthetic row is: ``-min d(x, S)``.

    The distance of `twinset.stats.neighbours`. Needs nothing but the release (Chen et al. 2020,
    GAN-Leaks, section 4.2, applied to tables).
    """

    name: ClassVar[str] = "distance"
    title: ClassVar[str] = "Nearest row"
    meaning: ClassVar[str] = "The closer the nearest synthetic row, the likelier a member."
    threat_model: ClassVar[ThreatModel] = ThreatModel(data="none")

    def score(
        self, targets: Records, release: Records, *, auxiliary: Records | None, rng: Rng
    ) -> Scores:
        """Return shape (targets,): minus the least distance."""
        return -nearest(targets, release)[0][:, 0].astype(np.float64)
