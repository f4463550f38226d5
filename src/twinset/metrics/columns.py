"""Each column by itself, on codes: bins or categories of train, null and unseen values."""

from __future__ import annotations

from typing import ClassVar

from twinset.evidence.evidence import Evidence
from twinset.metrics._column_sets import mean_draft, tvd_draft, would_change
from twinset.metrics._judge import Draft, half_width, judge, refuse
from twinset.protocols import Family, Measure, Result
from twinset.stats import marginals
from twinset.stats.intervals import gamma_tails

__all__ = ["Columns"]

TVD = Measure(
    name="column_tvd",
    title="Single columns",
    meaning=would_change("this column"),
    unit="share",
    formula="1/2 sum over cells of |train share - synthetic share|; null and unseen values are "
    "cells",
    source="total variation distance",
    anchors=(0.0, 0.05),
)
JS = Measure(
    name="js_divergence",
    title="Surprise at single values",
    meaning="Information by which the two distributions differ, in bits (Jensen-Shannon "
    "divergence).",
    formula="mean of KL(train || m) and KL(synthetic || m) in bits, m the mean of both",
    source="Lin 1991, eq. 3.5",
)
MEAN = Measure(
    name="mean_column_tvd",
    title="Single columns",
    meaning=would_change("a column, on average,"),
    unit="share",
    formula="mean of column_tvd over columns",
    anchors=(0.0, 0.05),
)


class Columns:
    """Total variation distance and Jensen-Shannon divergence of each column, and the mean TVD.

    Cells are quantile bins and frequent values of train for numbers, its categories otherwise, with
    null and unseen values as cells of their own. Null distribution: random dealing of the real rows
    to two tables of these sizes (`twinset.stats.marginals.SplitNull`).
    """

    name: ClassVar[str] = "columns"
    family: ClassVar[Family] = "fidelity"
    needs: ClassVar[str] = "counts"
    measures: ClassVar[tuple[Measure, ...]] = (TVD, JS, MEAN)

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return one result of each measure a column, and the mean."""
        sets = [evidence.cells([name]) for name in evidence.columns]
        if not sets:
            return [refuse(self.family, m, "no column can be compared") for m in self.measures]
        drafts = [tvd_draft(evidence, TVD, cells) for cells in sets]
        mean = mean_draft(evidence, MEAN, drafts, sets)
        shapes = [self._js(evidence, name) for name in evidence.columns]
        return judge(self.family, [mean, *drafts, *shapes])

    def _js(self, evidence: Evidence, name: str) -> Draft:
        cells = evidence.cells([name])
        train, release = cells.counts["train"], cells.counts["synthetic"]
        value = marginals.js_divergence(train, release)
        mean, spread = evidence.null(cells, "js")
        worse, better = gamma_tails(value, mean, spread)
        effects = evidence.effect("train", name), evidence.effect("synthetic", name)
        return Draft(
            JS,
            value,
            marginals.js_variance(train, release, effects),
            evidence.number_of_units("synthetic"),
            reference=evidence.reference(cells, "js"),
            noise=half_width(spread),
            p_worse=worse,
            p_better=better,
            columns=(name,),
            params={"expected": round(mean, 6)},
        )
