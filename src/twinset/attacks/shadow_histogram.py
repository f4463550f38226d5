"""Shadow models by the marginals of a release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from twinset.protocols import Records, ThreatModel

__all__ = ["ShadowHistogram"]


@dataclass(frozen=True)
class ShadowHistogram:
    """What x changes in the marginal frequencies (Stadler et al. 2022, section 5.1).

    Parameters
    ----------
    bins
        Bins of a number, of equal mass among the adversary's rows.
    levels
        Levels of a discrete column that are counted, the most frequent ones first; all others, and
        those that the adversary has never seen, share a bin.
    """

    name: ClassVar[str] = "shadow_histogram"
    title: ClassVar[str] = "Frequencies"
    meaning: ClassVar[str] = "Fits with and without the record: shares of all values."
    learner: ClassVar[Literal["ridge"]] = "ridge"
    threat_model: ClassVar[ThreatModel] = ThreatModel(generator="black-box")

    bins: int = 10
    levels: int = 50

    def describe(
        self, targets: Records, release: Records, *, auxiliary: Records
    ) -> npt.NDArray[np.float32]:
        """Return shape (1, bins and levels of all columns): square roots of shares."""
        found = []
        for j in range(release.numeric.shape[1]):
            cells = np.floor(np.nan_to_num(release.numeric[:, j], nan=2.0) * self.bins)
            inside = np.where(cells < self.bins, cells, self.bins)
            nulls = np.isnan(release.numeric[:, j])
            inside = np.where(nulls, self.bins + 1, np.minimum(inside, self.bins))
            found.append(np.bincount(inside.astype(np.int64), minlength=self.bins + 2))
        for j in range(release.codes.shape[1]):
            seen, counts = np.unique(auxiliary.codes[:, j], return_counts=True)
            kept = np.sort(seen[np.argsort(-counts, kind="stable")[: self.levels]])
            at = np.minimum(np.searchsorted(kept, release.codes[:, j]), len(kept) - 1)
            place = np.where(kept[at] == release.codes[:, j], at, len(kept))
            found.append(np.bincount(place, minlength=len(kept) + 1))
        shares = np.concatenate(found) / max(len(release), 1)
        return np.sqrt(shares, dtype=np.float32)[None]
