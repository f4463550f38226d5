"""Shadow models by simple statistics of each column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from twinset.protocols import Records, ThreatModel

__all__ = ["ShadowNaive"]


@dataclass(frozen=True)
class ShadowNaive:
    """What x changes in the mean, median and spread of numbers and the counts of levels.

    The naive features of Stadler, Oprisanu, Troncoso 2022 (section 5.1), by the ranks of the
    adversary's rows: mean, median, variance, extremes and nulls of numbers; of a discrete column
    the number of levels and the shares of the most and least frequent one.
    """

    name: ClassVar[str] = "shadow_naive"
    title: ClassVar[str] = "Column statistics"
    meaning: ClassVar[str] = "Fits with and without the record: means, counts."
    learner: ClassVar[Literal["ridge"]] = "ridge"
    threat_model: ClassVar[ThreatModel] = ThreatModel(generator="black-box")

    def describe(
        self, targets: Records, release: Records, *, auxiliary: Records
    ) -> npt.NDArray[np.float32]:
        """Return shape (1, 6 x numbers + 3 x discrete columns)."""
        found: list[float] = []
        for column in release.numeric.T:
            known = column[~np.isnan(column)]
            known = known if len(known) else np.zeros(1, np.float32)
            found += [
                float(known.mean()),
                float(np.median(known)),
                float(known.var()),
                float(known.min()),
                float(known.max()),
                float(np.isnan(column).mean()),
            ]
        for codes in release.codes.T:
            counts = np.unique(codes, return_counts=True)[1] / max(len(codes), 1)
            found += [float(len(counts)), float(counts.max()), float(counts.min())]
        return np.array([found], dtype=np.float32)
