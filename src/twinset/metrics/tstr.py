"""Train on synthetic, test on real: what a model that never saw real rows is worth."""

from __future__ import annotations

from typing import ClassVar

from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import Measure
from twinset.metrics._targets import score_results
from twinset.protocols import Family, Result

__all__ = ["Tstr"]

TSTR = Measure(
    "tstr",
    "higher",
    -1,
    1,
    "score on the real holdout (up to 100,000 rows) of gradient boosting trained on synthetic (up "
    "to 200,000 rows); params.score: auc (macro one-vs-rest), accuracy or r2; the reference is "
    "trained on train (TRTR)",
    "Esteban et al. 2017",
)
TRTR = Measure("trtr", "higher", -1, 1, "the same, trained on train", "")
GAP = Measure("tstr_gap", "lower", -2, 2, "TRTR - TSTR", "paired over the units of the holdout")


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
