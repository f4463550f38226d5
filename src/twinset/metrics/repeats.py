"""Rows that stand in a release more than once: a generator that collapsed onto a few rows."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.coded import Side
from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import Draft, half_width, judge, refuse
from twinset.protocols import Family, Measure, Result
from twinset.stats.intervals import proportions_differ, wilson
from twinset.stats.units import count_units, draw

__all__ = ["Repeats"]

REPEATED = Measure(
    name="repeated_rows",
    title="Rows that repeat each other",
    meaning="Share of synthetic rows that equal another synthetic row. Real rows do so too, where "
    "they are short or common.",
    unit="share",
    formula="share of rows that equal another row of the same table in every compared column, in "
    "as many rows of the release as of real ones; params.columns as for exact_copies",
    source="reference: the holdout's own share (without a holdout: train's)",
    problem="{value}% of the rows equal another synthetic row{part}; fresh real rows: "
    "{reference}% (noise {noise})",
    anchors=(0.0, 0.01),
)


class Repeats:
    """Share of rows that repeat another row of the release, against that of real rows."""

    name: ClassVar[str] = "repeats"
    family: ClassVar[Family] = "diversity"
    measures: ClassVar[tuple[Measure, ...]] = (REPEATED,)

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return the share over all columns and without near-unique ones."""
        if not evidence.columns:
            return [refuse(self.family, REPEATED, "no column can be compared")]
        drafts = [self._share(evidence, near_unique=u) for u in (True, False)]
        return judge(self.family, drafts)

    def _share(self, evidence: Evidence, *, near_unique: bool) -> Draft:
        hashes = evidence.hashes(near_unique=near_unique)
        beside: Side = "holdout" if "holdout" in hashes else "train"
        tables = {"train": evidence.train, "holdout": evidence.holdout}
        rng = evidence.rng("repeats")
        real, table = hashes[beside], tables[beside]
        units = None if table is None else table.units
        size = min(len(real), len(hashes["synthetic"]))
        release = hashes["synthetic"][draw(None, len(hashes["synthetic"]), size, rng)]
        real = real[draw(units, len(real), size, rng)]
        count, other = _repeated(release), _repeated(real)
        # equal rows come in twos at least, and real ones by unit
        effect = 2 * max(len(real) / max(count_units(units, len(hashes[beside])), 1), 1.0)
        share = (other + 1) / (len(real) + 2)
        null = effect * share * (1 - share) * (1 / len(release) + 1 / len(real))
        worse, better = proportions_differ(count, len(release), other, len(real), effect)
        return Draft(
            REPEATED,
            count / len(release),
            0.0,
            evidence.number_of_units("synthetic"),
            reference=other / len(real),
            noise=half_width(null),
            p_worse=worse,
            p_better=better,
            params={
                "columns": "all" if near_unique else "without_near_unique",
                "rows": len(release),
                "interval": "Wilson, equal rows taken in twos",
            },
            interval=wilson(count / effect, len(release) / effect),
        )


def _repeated(rows: npt.NDArray[np.uint64]) -> int:
    _, counts = np.unique(rows, return_counts=True)
    return int(counts[counts > 1].sum())
