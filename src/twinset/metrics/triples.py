"""Three columns at a time: structure that no pair shows, such as an exclusive or."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import ClassVar

from twinset.evidence.evidence import Evidence
from twinset.metrics._column_sets import mean_draft, tvd_draft, would_change
from twinset.metrics._judge import judge, refuse
from twinset.protocols import Family, Measure, Result

__all__ = ["Triples"]

TVD = Measure(
    name="triple_tvd",
    title="Triples of columns",
    meaning=would_change("these three columns, taken together,"),
    unit="share",
    formula="1/2 sum over joint cells of three columns (up to 8 codes each, null and unseen "
    "besides) of |train share - synthetic share|",
    source="total variation distance of 3-way marginals",
    problem="{columns}: the three together differ where no two of them do: {excess}% of the rows "
    "beyond chance (noise {noise})",
    anchors=(0.0, 0.05),
)
MEAN = Measure(
    name="mean_triple_tvd",
    title="Triples of columns",
    meaning=would_change("three columns, on average,"),
    unit="share",
    formula="mean of triple_tvd over the triples taken",
    anchors=(0.0, 0.15),
)


@dataclass(frozen=True)
class Triples:
    """Total variation distance of triples of columns; all of them, or a random sample if many.

    Parameters
    ----------
    most
        Triples taken at most; the results say how many of how many (`params`).
    """

    name: ClassVar[str] = "triples"
    family: ClassVar[Family] = "fidelity"
    needs: ClassVar[str] = "counts"
    measures: ClassVar[tuple[Measure, ...]] = (TVD, MEAN)
    most: int = 500

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return one result a triple, and the mean."""
        names = list(evidence.columns)
        total = math.comb(len(names), 3)
        if total == 0:
            return [refuse(self.family, m, "fewer than three columns") for m in self.measures]
        if total <= self.most:
            chosen = list(itertools.combinations(names, 3))
        else:
            rng = evidence.rng("triples")
            found: set[tuple[str, str, str]] = set()
            while len(found) < self.most:
                i, j, k = sorted(rng.choice(len(names), 3, replace=False).tolist())
                found.add((names[i], names[j], names[k]))
            chosen = sorted(found)
        sets = [evidence.cells(triple) for triple in chosen]
        drafts = [tvd_draft(evidence, TVD, cells) for cells in sets]
        mean = mean_draft(evidence, MEAN, drafts, sets, of=total)
        return judge(self.family, [mean, *drafts])
