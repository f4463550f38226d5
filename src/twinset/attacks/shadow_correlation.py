"""Shadow models by the correlations of a release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from twinset.protocols import Records, ThreatModel

__all__ = ["ShadowCorrelation"]


@dataclass(frozen=True)
class ShadowCorrelation:
    """What x changes in the correlations of columns (Stadler et al. 2022, section 5.1).

    Numbers enter by rank, discrete columns by an indicator for each frequent level.

    Parameters
    ----------
    levels
        Indicators of a discrete column at most: the most frequent levels of the adversary's rows.
    """

    name: ClassVar[str] = "shadow_correlation"
    title: ClassVar[str] = "Correlations"
    meaning: ClassVar[str] = "Fits with and without the record: correlations."
    learner: ClassVar[Literal["ridge"]] = "ridge"
    threat_model: ClassVar[ThreatModel] = ThreatModel(generator="black-box")

    levels: int = 6

    def describe(
        self, targets: Records, release: Records, *, auxiliary: Records
    ) -> npt.NDArray[np.float32]:
        """Return shape (1, pairs of columns and indicators); 0 where one of a pair is constant."""
        columns = [np.nan_to_num(release.numeric, nan=0.5)]
        for j in range(release.codes.shape[1]):
            seen, counts = np.unique(auxiliary.codes[:, j], return_counts=True)
            kept = seen[np.argsort(-counts, kind="stable")[: self.levels]]
            columns.append(release.codes[:, j, None] == kept)
        table = np.concatenate(columns, axis=1, dtype=np.float64)
        table -= table.mean(axis=0)
        size = np.sqrt((table**2).sum(axis=0))
        table /= np.where(size > 1e-9, size, np.inf)
        places = np.triu_indices(table.shape[1], 1)
        return (table.T @ table)[places].astype(np.float32)[None]
