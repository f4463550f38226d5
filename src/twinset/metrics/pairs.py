"""Two columns at a time: every pair, also those that are independent in the real data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.coded import Cells
from twinset.evidence.evidence import Evidence
from twinset.metrics._column_sets import chosen_pairs, mean_draft, tvd_draft, would_change
from twinset.metrics._judge import Draft, half_width, judge, refuse
from twinset.protocols import Family, Measure, Result
from twinset.stats import marginals
from twinset.stats.association import mutual_information
from twinset.stats.intervals import chi_tails

__all__ = ["Pairs"]

Floats = npt.NDArray[np.float64]

TVD = Measure(
    name="pair_tvd",
    title="Pairs of columns",
    meaning=would_change("this pair of columns, taken together,"),
    unit="share",
    formula="1/2 sum over joint cells of two columns (up to 32 codes each, null and unseen "
    "besides) of |train share - synthetic share|",
    source="total variation distance of 2-way marginals",
    anchors=(0.0, 0.05),
)
DEPENDENCE = Measure(
    name="dependence_tvd",
    title="Dependence of two columns",
    meaning=would_change("how two columns depend on each other"),
    unit="share",
    formula="pair TVD after the synthetic table is raked to train's two margins: dependence alone",
    source="margins fitted as in Deming and Stephan 1940",
    anchors=(0.0, 0.05),
)
MEAN = Measure(
    name="mean_pair_tvd",
    title="Pairs of columns",
    meaning=would_change("a pair of columns, on average,"),
    unit="share",
    formula="mean of pair_tvd over the pairs taken",
    anchors=(0.0, 0.1),
)


@dataclass(frozen=True)
class Pairs:
    """Total variation distance of pairs of columns, whole and for their dependence alone.

    Parameters
    ----------
    most
        Pairs taken at most. Of more, three quarters are those with the strongest association in
        train or in the release (on a sample of rows, 8 codes a column), the others are random.
    """

    name: ClassVar[str] = "pairs"
    family: ClassVar[Family] = "fidelity"
    needs: ClassVar[str] = "counts"
    measures: ClassVar[tuple[Measure, ...]] = (TVD, DEPENDENCE, MEAN)
    most: int = 2_000

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return two results a pair, and the mean."""
        chosen = chosen_pairs(evidence, self.most)
        if not chosen:
            return [refuse(self.family, m, "fewer than two columns") for m in self.measures]
        sets = [evidence.cells(pair) for pair in chosen]
        drafts = [tvd_draft(evidence, TVD, cells) for cells in sets]
        mean = mean_draft(evidence, MEAN, drafts, sets, of=math.comb(len(evidence.columns), 2))
        bound = [_dependence(evidence, c, d.variance) for c, d in zip(sets, drafts, strict=True)]
        return judge(self.family, [mean, *drafts, *bound])


def _dependence(evidence: Evidence, cells: Cells, variance: float) -> Draft:
    tables = {s: c.reshape(cells.shape).astype(float) for s, c in cells.counts.items()}
    train = tables["train"]
    mean, spread = evidence.null(cells, "tvd", raked=True)
    value = float(marginals.raked_tvd(train, tables["synthetic"]))
    held = tables.get("holdout")
    reference = mean if held is None else float(marginals.raked_tvd(train, held))
    # raking adds noise where margins are thin, which the holdout shows and the formula does not
    mean = max(mean, reference)
    worse, _ = chi_tails(value, mean, spread)
    before = mutual_information(train)
    after = mutual_information(tables["synthetic"])
    params: dict[str, Any] = {
        "expected": round(mean, 6),
        "information_train": round(before, 5),
        "information_synthetic": round(after, 5),
        "interval": "analytic, margins taken as known",
    }
    return Draft(
        DEPENDENCE,
        value,
        variance,
        evidence.number_of_units("synthetic"),
        reference=reference,
        noise=half_width(spread),
        p_worse=worse,
        columns=cells.columns,
        params=params,
    )
