"""Train on synthetic, test on real: what a model that never saw real rows is worth."""

from __future__ import annotations

from typing import ClassVar

from twinset.evidence.evidence import Evidence
from twinset.metrics._targets import GAP, TRTR, TSTR, score_results
from twinset.protocols import Family, Measure, Result

__all__ = ["Tstr"]


class Tstr:
    """Score of a model trained on synthetic and tested on the real holdout, beside TRTR.

    Intervals come from the influence of each row on a score (of the area under the curve: DeLong et
    al. 1988, eq. 3-6), by unit of the holdout, and paired for the gap.
    """

    name: ClassVar[str] = "tstr"
    family: ClassVar[Family] = "utility"
    measures: ClassVar[tuple[Measure, Measure, Measure]] = (TSTR, TRTR, GAP)

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return TSTR, TRTR and their gap for each score, for the target."""
        return score_results(evidence, self.family, "boosting", self.measures)
