"""Shadow models by the target's exact values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from twinset.protocols import Records, ThreatModel
from twinset.stats.queries import columns_of

__all__ = ["ShadowValues"]


@dataclass(frozen=True)
class ShadowValues:
    """How often each value of x stands in the release, column by column.

    Sees value leaks only: what a generator gives away by repeating exact numbers or rare levels,
    in whatever rows. Targeted counting queries of order 1 with equality (Houssiau et al. 2022).
    """

    name: ClassVar[str] = "shadow_values"
    title: ClassVar[str] = "Exact values"
    meaning: ClassVar[str] = "Fits with and without the record: how often its very values come out."
    leak: ClassVar[str] = "value"
    learner: ClassVar[Literal["ridge"]] = "ridge"
    threat_model: ClassVar[ThreatModel] = ThreatModel(generator="black-box")

    def describe(
        self, targets: Records, release: Records, *, auxiliary: Records
    ) -> npt.NDArray[np.float32]:
        """Return shape (targets, columns): square roots of counts; 0 for a null."""
        found = []
        for x, s in zip(columns_of(targets), columns_of(release), strict=True):
            ordered = np.sort(s[~np.isnan(s)])
            below, upto = (np.searchsorted(ordered, x, side=k) for k in ("left", "right"))
            found.append(np.where(np.isnan(x), 0, upto - below))
        counts = np.stack(found, axis=1) if found else np.zeros((len(targets), 1))
        return np.asarray(np.sqrt(counts), dtype=np.float32)
