"""Neighbour vote: whether the neighbourhood of a record belongs to the release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.protocols import Records, ThreatModel
from twinset.stats.neighbours import nearest

__all__ = ["NeighbourVote"]


@dataclass(frozen=True)
class NeighbourVote:
    """Of the nearest rows among release and auxiliary, how many are of the release.

    A classifier by nearest neighbours (Fix and Hodges 1951) between what was published and what the
    population looks like; the neighbour of rank r has weight 1/r. Where the release says more of a
    record's surroundings than the population does, the record was probably in it.

    Parameters
    ----------
    neighbours
        Neighbours that vote.
    """

    name: ClassVar[str] = "neighbour_vote"
    title: ClassVar[str] = "Vote of the neighbours"
    meaning: ClassVar[str] = "Of the nearest rows, synthetic or of other real data, who votes?"
    threat_model: ClassVar[ThreatModel] = ThreatModel(data="auxiliary", goal="membership")

    neighbours: int = 8

    def score(
        self,
        targets: Records,
        release: Records,
        *,
        auxiliary: Records | None,
        rng: np.random.Generator,
    ) -> npt.NDArray[np.float64]:
        """Return shape (targets,): weighted share of votes; without auxiliary, minus distance."""
        if auxiliary is None or len(auxiliary) == 0:
            return -nearest(targets, release)[0][:, 0].astype(np.float64)
        size = min(len(release), len(auxiliary))  # equal sides, so that a vote is fair
        sides = [r.take(np.sort(rng.permutation(len(r))[:size])) for r in (release, auxiliary)]
        k = min(self.neighbours, size)
        ours, theirs = (nearest(targets, side, k)[0] for side in sides)
        both = np.concatenate([ours, theirs], axis=1).astype(np.float64)
        both += 1e-9 * rng.random(both.shape)  # ties go either way
        rank = np.argsort(both, axis=1)[:, :k]
        weight = 1 / np.arange(1, k + 1)
        votes: npt.NDArray[np.float64] = ((rank < k) * weight).sum(axis=1) / weight.sum()
        return votes
