"""Correct attribution probability: what the rows with a person's keys say of his secret."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.protocols import Records, ThreatModel
from twinset.protocols.attacks import Rng, Scores
from twinset.stats.records import pick
from twinset.stats.row_hash import fingerprints, near_unique

__all__ = ["Cap"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

_UNIQUE = 0.5  # a column with more levels than this share of the rows is no key


@dataclass(frozen=True)
class Cap:
    """The share of the synthetic rows with a person's keys that have his secret: a diagnostic.

    Elliot 2014 (Final report on the disclosure risk associated with the synthetic data produced by
    the SYLLS team) and Taylor, Zhou, Rise, Elliot 2018: with keys K and secret T, the CAP of person
    i is ``#{s: K_s = K_i, T_s = T_i} / #{s: K_s = K_i}``. If no synthetic row has the keys, CAP
    leaves the person out, 0CAP counts 0, and GCAP takes the rows that agree in as many keys as any
    row does. It says how well a certain guess would do, not how well the best one does, and keys
    are few: the verdict of an audit does not look at it.

    Parameters
    ----------
    width
        How many keys the adversary knows: those that tell synthetic rows apart best (largest
        entropy; no column with more levels than half the rows).
    bins
        Bins of equal mass into which a number is cut.
    """

    name: ClassVar[str] = "cap"
    title: ClassVar[str] = "Equal keys (CAP)"
    meaning: ClassVar[str] = "Share of the rows with equal keys that has the hidden value."
    diagnostic: ClassVar[bool] = True
    threat_model: ClassVar[ThreatModel] = ThreatModel(data="none", goal="attribute")

    width: int = 4
    bins: int = 20

    def guess(
        self, known: Records, release: Records, secret: Codes, levels: int, *, rng: Rng
    ) -> Scores:
        """Return shape (targets, levels): the shares of GCAP."""
        return self.attributed(known, release, secret, levels)[0]

    def attributed(
        self, known: Records, release: Records, secret: Codes, levels: int
    ) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """Return the shares of GCAP, shape (targets, levels), and whose keys stand in the release.

        A row that agrees in as many keys as any does so in one set of that size only: the counts of
        all these sets add up to the rows wanted.
        """
        x, s = (_cut(r, self.bins) for r in (known, release))
        keys = self._keys(s)
        votes, matched = np.zeros((len(x), levels)), np.zeros(len(x), dtype=bool)
        lost = np.arange(len(x))
        for size in range(len(keys), -1, -1):
            for few in combinations(keys, size):
                votes[lost] += _counts(pick(x.take(lost), few), pick(s, few), secret, levels)
            found = votes.sum(axis=1) > 0
            matched = found if size == len(keys) else matched
            lost = np.flatnonzero(~found)
            if not len(lost):
                break
        return votes / votes.sum(axis=1, keepdims=True), matched

    def _keys(self, cut: Records) -> list[int]:
        """Return the places of the keys."""
        columns, unique = [*cut.numeric.T, *cut.codes.T], near_unique(cut, _UNIQUE)
        entropy = {}
        for j in np.flatnonzero(~unique).tolist():
            share = np.unique(columns[j], return_counts=True)[1] / len(cut)
            entropy[j] = float(share @ -np.log(share))
        return sorted(entropy, key=lambda j: -entropy[j])[: self.width]


def _cut(records: Records, bins: int) -> Records:
    """Return numbers as bins of equal mass, null by itself."""
    ranks = np.minimum(records.numeric, np.float32(1 - 1e-6))
    return replace(records, numeric=np.floor(ranks * bins), values=np.empty((0, 0)))


def _counts(mine: Records, release: Records, secret: Codes, levels: int) -> Floats:
    """Count the secrets of the rows that are equal to each target, shape (targets, levels)."""
    there, cell = np.unique(fingerprints(release), return_inverse=True)
    table = np.bincount(cell.reshape(-1) * levels + secret, minlength=len(there) * levels)
    wanted = fingerprints(mine)
    at = np.minimum(np.searchsorted(there, wanted), len(there) - 1)
    same = (there[at] == wanted)[:, None]
    return np.asarray(table.reshape(-1, levels)[at] * same, dtype=np.float64)
