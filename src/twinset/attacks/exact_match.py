"""Rows of the release equal to the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.protocols import Records, ThreatModel
from twinset.protocols.attacks import Rng, Scores
from twinset.stats.row_hash import fingerprints, near_unique

__all__ = ["ExactMatch"]


@dataclass(frozen=True)
class ExactMatch:
    """Whether x stands in the release: all columns, then without the near-unique ones.

    A match on all columns counts most. A match without near-unique columns (numbers with many
    values, free text) counts by how much more often the row stands in the release than in the
    auxiliary data.

    Parameters
    ----------
    unique_share
        A column whose number of distinct values is above this share of the rows is left out of the
        second comparison.
    """

    name: ClassVar[str] = "exact_match"
    title: ClassVar[str] = "Exact match"
    meaning: ClassVar[str] = "Does the very same row appear in the synthetic table?"
    threat_model: ClassVar[ThreatModel] = ThreatModel()

    unique_share: float = 0.05

    def score(
        self, targets: Records, release: Records, *, auxiliary: Records | None, rng: Rng
    ) -> Scores:
        """Return shape (targets,): log ratios of smoothed counts, summed over both comparisons."""
        others = release.take(np.arange(0)) if auxiliary is None else auxiliary
        left_out = near_unique(release, self.unique_share)
        score = 3.0 * _excess(targets, release, others, np.zeros_like(left_out))
        if left_out.any() and not left_out.all():
            score += _excess(targets, release, others, left_out)
        return score


def _excess(
    targets: Records, release: Records, others: Records, left_out: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Return log of count in the release over count elsewhere, 0 where the release has none."""
    wanted, there, elsewhere = (fingerprints(r, left_out) for r in (targets, release, others))
    inside, outside = _count(wanted, there), _count(wanted, elsewhere)
    ratio = np.log((inside + 0.5) / (len(release) + 1)) - np.log(
        (outside + 0.5) / (len(others) + 1)
    )
    never = np.log(0.5 / (len(release) + 1)) - np.log(0.5 / (len(others) + 1))
    return np.where(inside > 0, np.maximum(ratio - never, 0.0), 0.0)


def _count(wanted: npt.NDArray[np.uint64], among: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    ordered = np.sort(among)
    below = np.searchsorted(ordered, wanted, side="left")
    return np.asarray(np.searchsorted(ordered, wanted, side="right") - below, dtype=np.int64)
