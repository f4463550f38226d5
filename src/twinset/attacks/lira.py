"""LiRA: likelihood ratio of one statistic, fitted with and without the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from twinset.protocols import Records, ThreatModel
from twinset.stats.neighbours import nearest

__all__ = ["Lira"]


@dataclass(frozen=True)
class Lira:
    """Likelihood ratio of how close the closest synthetic rows are, by shadow models.

    ``N(phi; mu_in, s_in^2) / N(phi; mu_out, s_out^2)`` (Carlini et al. 2022, eq. 4), where phi is
    minus the log of the mean distance to the `k` nearest rows. The same target in many fits makes
    crowded and lonely records comparable.

    Parameters
    ----------
    k
        Nearest rows.
    offset
        Added to the distance, in the unit of one mismatched column.
    """

    name: ClassVar[str] = "lira"
    title: ClassVar[str] = "Likelihood ratio (LiRA)"
    meaning: ClassVar[str] = "Fits with and without the record: how close the nearest row comes."
    learner: ClassVar[Literal["likelihood"]] = "likelihood"
    threat_model: ClassVar[ThreatModel] = ThreatModel(generator="black-box")

    k: int = 1
    offset: float = 1e-2

    def describe(
        self, targets: Records, release: Records, *, auxiliary: Records
    ) -> npt.NDArray[np.float32]:
        """Return shape (targets, 1)."""
        near = nearest(targets, release, min(self.k, len(release)))[0].mean(axis=1)
        return np.asarray(-np.log(near[:, None] + self.offset), dtype=np.float32)
