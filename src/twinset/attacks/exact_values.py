"""Rare exact values of the target that stand in the release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.protocols import Records, ThreatModel
from twinset.protocols.attacks import Rng, Scores

__all__ = ["ExactValues"]

_DONOR = 1 - np.exp(-1)  # chance that one of n donor values is drawn at least once in n draws
_EDGES = np.array([0.5, 1.5, 3.5, 7.5, 15.5, 31.5])


@dataclass(frozen=True)
class ExactValues:
    """Value leak: which of x's own values, rare in the population, the release repeats exactly.

    Catches releases that copy numbers (or rare levels) although no row and no combination is
    copied, such as independent columns resampled from the train table. Column by column a log
    likelihood ratio: a value of a non-member is in the release with probability q, estimated from
    auxiliary rows by how rare the value is; of a member whose values may be donors, with
    ``q + (1 - q)(1 - 1/e)``. Columns are summed. Without auxiliary data rarity is counted in the
    targets and q is the share of them that the release repeats.
    """

    name: ClassVar[str] = "exact_values"
    title: ClassVar[str] = "Rare values"
    meaning: ClassVar[str] = "Which rare values of the record stand in the synthetic table?"
    leak: ClassVar[str] = "value"
    threat_model: ClassVar[ThreatModel] = ThreatModel()

    def score(
        self, targets: Records, release: Records, *, auxiliary: Records | None, rng: Rng
    ) -> Scores:
        """Return shape (targets,): summed log likelihood ratios."""
        others = targets if auxiliary is None else auxiliary
        itself = 1 if others is targets else 0
        total = np.zeros(len(targets))
        for x, s, r in zip(*(_columns(t) for t in (targets, release, others)), strict=True):
            total += _evidence(x, s, r, itself)
        return total


def _columns(records: Records) -> list[npt.NDArray[np.float64]]:
    """Columns as float64 with NaN for null: numbers as they stand, levels by code."""
    numbers = records.values if records.values.size else records.numeric
    found = [numbers[:, j].astype(np.float64) for j in range(numbers.shape[1])]
    return found + [records.codes[:, j].astype(np.float64) for j in range(records.codes.shape[1])]


def _evidence(
    x: npt.NDArray[np.float64],
    s: npt.NDArray[np.float64],
    r: npt.NDArray[np.float64],
    itself: int,
) -> npt.NDArray[np.float64]:
    """Return the log likelihood ratio of each value of `x`; 0 where null."""
    inside = np.isin(x, s)
    rarity = np.digitize(_count(x, r) - itself, _EDGES)
    known = ~np.isnan(r)
    base_inside = np.isin(r[known], s)
    base_rarity = np.digitize(_count(r[known], r) - 1, _EDGES)
    bins = len(_EDGES) + 1
    hits = np.bincount(base_rarity, weights=base_inside, minlength=bins)
    q = (hits + 0.5) / (np.bincount(base_rarity, minlength=bins) + 1)
    member = q + (1 - q) * _DONOR
    ratio = np.where(inside, np.log(member / q)[rarity], np.log1p(-_DONOR))
    return np.where(np.isnan(x), 0.0, ratio)


def _count(
    wanted: npt.NDArray[np.float64], among: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    ordered = np.sort(among[~np.isnan(among)])
    below = np.searchsorted(ordered, wanted, side="left")
    return np.asarray(np.searchsorted(ordered, wanted, side="right") - below, dtype=np.int64)
