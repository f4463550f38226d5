"""Exact copies of train rows, against the rate at which fresh real rows repeat them."""

from __future__ import annotations

from typing import ClassVar

from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import Draft, half_width, judge, refuse
from twinset.protocols import Family, Measure, Result
from twinset.stats.intervals import proportions_differ, wilson

__all__ = ["Copies"]

EXACT = Measure(
    name="exact_copies",
    title="Copies of real rows",
    meaning="Share of synthetic rows that equal a real train row in every column. Fresh real rows "
    "have some too, where rows are short or common.",
    unit="share",
    formula="share of synthetic rows that equal a train row in every compared column; "
    "params.columns: all, or without_near_unique (columns left out that have more distinct values "
    "than half the rows)",
    source="reference: the holdout's own rate against the same train rows",
    problem="{value}% of the rows equal a train row{part}; fresh real rows: {reference}% (noise "
    "{noise})",
    anchors=(0.0, 0.01),
)


class Copies:
    """Share of synthetic rows that stand in train; the holdout's own rate is the reference.

    Without a holdout the reference is the rate at which train rows repeat other train rows.
    """

    name: ClassVar[str] = "copies"
    family: ClassVar[Family] = "privacy"
    needs: ClassVar[str] = "counts"
    measures: ClassVar[tuple[Measure, ...]] = (EXACT,)

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return the rate over all columns and without near-unique ones."""
        if not evidence.columns:
            return [refuse(self.family, EXACT, "no column can be compared")]
        drafts = [self._rate(evidence, near_unique=True), self._rate(evidence, near_unique=False)]
        return judge(self.family, drafts)

    def _rate(self, evidence: Evidence, *, near_unique: bool) -> Draft:
        found = evidence.standing_in_train(near_unique=near_unique)
        release, beside = found["synthetic"], found.get("holdout", found["train"])
        copied, other, size = release.copied, beside.copied, beside.rows
        effect = max(size / max(beside.units, 1), 1.0)
        share = (other + 0.5) / (size + 1)
        null = effect * share * (1 - share) * (1 / release.rows + 1 / max(size, 1))
        worse, better = proportions_differ(copied, release.rows, other, size, effect)
        return Draft(
            EXACT,
            copied / release.rows,
            0.0,
            evidence.number_of_units("synthetic"),
            reference=other / max(size, 1),
            noise=half_width(null),
            p_worse=worse,
            p_better=better,
            params={
                "columns": "all" if near_unique else "without_near_unique",
                "copies": copied,
                "interval": "Wilson",
            },
            interval=wilson(copied, release.rows),
        )
