"""Missing values: how many in each column, and which are missing together."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from twinset.evidence.coded import Side
from twinset.evidence.evidence import Evidence
from twinset.metrics._column_sets import tvd_draft, would_change
from twinset.metrics._judge import Draft, half_width, judge, refuse
from twinset.protocols import Family, Measure, Result
from twinset.stats.intervals import proportions_differ

__all__ = ["Missingness"]

SHARE = Measure(
    name="missing_share",
    title="Missing cells",
    meaning="Synthetic minus train: the share of missing cells. 0 is equal.",
    unit="share",
    direction="target",
    low=-1,
    formula="share of missing values in synthetic minus that in train (counts of fewer than 10 "
    "rows of train are taken as 0)",
)
PATTERN = Measure(
    name="missing_pattern_tvd",
    title="Pattern of missing cells",
    meaning=would_change("which cells are missing together"),
    unit="share",
    formula="TVD over the patterns of which columns are missing together",
    source="total variation distance",
    problem="missing values fall together in other patterns: {excess}% of the rows beyond chance "
    "(noise {noise})",
    anchors=(0.0, 0.05),
)
_LEAST = 10


class Missingness:
    """Share of missing values of each column, and TVD of their joint pattern."""

    name: ClassVar[str] = "missingness"
    family: ClassVar[Family] = "fidelity"
    needs: ClassVar[str] = "counts"
    measures: ClassVar[tuple[Measure, ...]] = (SHARE, PATTERN)

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return one result a column with missing values, and one for the joint pattern."""
        names = [
            n
            for n in evidence.columns
            if any(evidence.cells([n]).counts[s][-2] for s in evidence.sides)
        ]
        if not names:
            return [refuse(self.family, m, "no table has missing values") for m in self.measures]
        return judge(
            self.family, [self._pattern(evidence, names), *(_share(evidence, n) for n in names)]
        )

    def _pattern(self, evidence: Evidence, names: list[str]) -> Draft:
        cells = evidence.missing_patterns(names)
        draft = tvd_draft(evidence, PATTERN, cells, columns_with_missing=len(names))
        return replace(draft, columns=())


def _share(evidence: Evidence, name: str) -> Draft:
    cells = evidence.cells([name])
    count = {s: int(cells.counts[s][-2]) for s in evidence.sides}
    rows = {s: evidence.rows(s) for s in evidence.sides}
    effect = evidence.pooled_effect([name])
    sides = proportions_differ(
        count["synthetic"], rows["synthetic"], count["train"], rows["train"], effect
    )
    real: tuple[Side, ...] = ("train", "holdout") if "holdout" in rows else ("train",)
    pooled = (sum(count[s] for s in real) + 0.5) / (sum(rows[s] for s in real) + 1)
    null = effect * pooled * (1 - pooled) * (1 / rows["train"] + 1 / rows["synthetic"])
    shown = {s: 0 if s != "synthetic" and c < _LEAST else c for s, c in count.items()}
    share = {s: shown[s] / rows[s] for s in shown}
    variance = effect * sum(share[s] * (1 - share[s]) / rows[s] for s in ("train", "synthetic"))
    return Draft(
        SHARE,
        share["synthetic"] - share["train"],
        variance,
        evidence.number_of_units("synthetic"),
        reference=share["holdout"] - share["train"] if "holdout" in share else 0.0,
        noise=half_width(null),
        p_worse=min(1.0, 2 * min(sides)),
        columns=(name,),
        params={"train": round(share["train"], 5), "target": 0.0},
    )
