"""Share of synthetic rows in a ball around the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from twinset.protocols import Records, ThreatModel
from twinset.protocols.attacks import Rng, Scores
from twinset.stats.neighbours import nearest

__all__ = ["LocalDensity"]

_SAMPLE = 1_000


@dataclass(frozen=True)
class LocalDensity:
    """How many synthetic rows lie near: ``|{s in S: d(x, s) <= r}| / m``, against the auxiliary.

    The count is taken among the `k` nearest rows (of the release and, to calibrate, of the
    auxiliary data), so that it costs no pass of its own; r is the median distance of auxiliary
    rows to their closest synthetic row (Hilprecht et al. 2019, MC attack, section 4.1), of the
    targets' own without auxiliary data.
    """

    name: ClassVar[str] = "local_density"
    title: ClassVar[str] = "Neighbourhood"
    meaning: ClassVar[str] = "Counts synthetic rows in a small ball around the record."
    threat_model: ClassVar[ThreatModel] = ThreatModel()

    k: int = 10

    def score(
        self, targets: Records, release: Records, *, auxiliary: Records | None, rng: Rng
    ) -> Scores:
        """Return shape (targets,): log ratio of smoothed shares within the ball."""
        near = nearest(targets, release, self.k)[0]
        if auxiliary is None:
            radius = float(np.median(near[:, 0]))
            return np.asarray((near <= radius).sum(axis=1) / len(release), dtype=np.float64)
        some = rng.choice(len(auxiliary), min(len(auxiliary), _SAMPLE), replace=False)
        radius = float(np.median(nearest(auxiliary.take(some), release)[0]))
        inside = (near <= radius).sum(axis=1)
        expected = (nearest(targets, auxiliary, self.k)[0] <= radius).sum(axis=1)
        return np.asarray(
            np.log((inside + 0.5) / len(release)) - np.log((expected + 0.5) / len(auxiliary)),
            dtype=np.float64,
        )
