"""Data plagiarism index: synthetic against auxiliary rows among the nearest of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from twinset.protocols import Records, ThreatModel
from twinset.protocols.attacks import Rng, Scores
from twinset.stats.neighbours import nearest

__all__ = ["Dpi"]


@dataclass(frozen=True)
class Dpi:
    """How many of the nearest rows of S and R together are synthetic.

    ``log((n_S + 1/2) / m) - log((n_R + 1/2) / r)``, n_S and n_R the synthetic and auxiliary rows
    among the `k` nearest of both (Ward et al. 2024, Data plagiarism index, section 3; the pseudo
    counts and the sizes are ours, so that S and R may differ in length).

    Parameters
    ----------
    k
        Neighbours looked at.
    """

    name: ClassVar[str] = "dpi"
    title: ClassVar[str] = "Plagiarism index"
    meaning: ClassVar[str] = (
        "Of the nearest rows, synthetic or of other real data, how many are synthetic?"
    )
    threat_model: ClassVar[ThreatModel] = ThreatModel()

    k: int = 3

    def score(
        self, targets: Records, release: Records, *, auxiliary: Records | None, rng: Rng
    ) -> Scores:
        """Return shape (targets,): log ratio of smoothed shares; without auxiliary 0."""
        if auxiliary is None:
            return np.zeros(len(targets))
        synthetic, others = (nearest(targets, r, self.k)[0] for r in (release, auxiliary))
        both = np.concatenate([synthetic, others], axis=1)
        last = np.partition(both, self.k - 1, axis=1)[:, self.k - 1, None]
        last = np.where(np.isfinite(last), last, np.finfo(np.float32).max)
        # ties at the k-th distance count on both sides alike
        inside, outside = (np.count_nonzero(near <= last, axis=1) for near in (synthetic, others))
        return np.asarray(
            np.log((inside + 0.5) / len(release)) - np.log((outside + 0.5) / len(auxiliary)),
            dtype=np.float64,
        )
