"""Shadow models by counts of the rows that agree with the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from twinset.protocols import Records, ThreatModel
from twinset.stats.queries import conditions, counts, masks, queries

__all__ = ["TargetedQueries"]


@dataclass(frozen=True)
class TargetedQueries:
    """How many rows agree with x in each of many sets of columns.

    The targeted counting queries of Houssiau et al. 2022 (TAPAS, section 3.3), for mixed types:
    equality of discrete columns, ``<=``, ``>=`` and equality of numbers; all of one and two
    columns, a random choice of more. Every fit answers the same queries.

    Parameters
    ----------
    queries
        Queries a target at most.
    """

    name: ClassVar[str] = "targeted_queries"
    title: ClassVar[str] = "Counts aimed at the record"
    meaning: ClassVar[str] = (
        "Fits with and without the record: how many rows agree with it in some columns."
    )
    leak: ClassVar[str] = "row"
    learner: ClassVar[Literal["ridge"]] = "ridge"
    threat_model: ClassVar[ThreatModel] = ThreatModel(generator="black-box")

    queries: int = 800

    def describe(
        self, targets: Records, release: Records, *, auxiliary: Records
    ) -> npt.NDArray[np.float32]:
        """Return shape (targets, queries): square roots of counts."""
        columns = conditions(release)
        bits = sum(map(len, columns))
        asked = queries(columns, self.queries)
        found = [
            counts(masks(targets.take(np.array([i])), release), asked, bits)
            for i in range(len(targets))
        ]
        return np.sqrt(np.stack(found), dtype=np.float32)
