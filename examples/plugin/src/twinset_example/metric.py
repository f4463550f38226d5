"""Repeats: rows that stand in the release more than once."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.evidence import Evidence
from twinset.protocols import Estimate, Family, Measure, Result, Verdict
from twinset.stats.intervals import Z95, proportions_differ, wilson

__all__ = ["Repeats"]

MEASURE = Measure(
    name="row_repeats",
    title="Rows that say the same again",
    meaning="Share of synthetic rows that another one repeats, at equal numbers of rows.",
    unit="share",
    formula="share of rows whose hash stands there twice or more",
    problem="{value}% of the rows repeat; fresh real rows: {reference}% (noise {noise})",
    anchors=(0.0, 0.01),
)
_PAIR = 2.0  # rows that repeat come in pairs, so they tell half as much as independent ones


class Repeats:
    """Share of synthetic rows that another synthetic row repeats, beside the same for real rows.

    A generator that collapsed says the same thing again and again. The reference is the holdout's
    own share (without a holdout, that of train), both tables cut to the same number of rows at
    random, since repeats grow with the number of rows.
    """

    name: ClassVar[str] = "row_repeats"
    family: ClassVar[Family] = "diversity"
    measures: ClassVar[tuple[Measure, ...]] = (MEASURE,)

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return one result, or one that says why there is none."""
        if not evidence.columns:
            return [self._refuse("no column can be compared")]
        hashes = evidence.hashes(near_unique=True)
        release = hashes["synthetic"]
        real = hashes["train"] if evidence.holdout is None else hashes["holdout"]
        rows = min(len(release), len(real))
        if rows < 2:
            return [self._refuse("one row cannot repeat another")]
        rng = evidence.rng("row_repeats")
        mine, theirs = (_repeated(rng.permutation(h)[:rows]) for h in (release, real))
        return [self._result(mine, theirs, rows, evidence.number_of_units("synthetic"))]

    def _result(self, mine: int, theirs: int, rows: int, units: int) -> Result:
        p_worse = proportions_differ(mine, rows, theirs, rows, effect=_PAIR)[0]
        verdict: Verdict = "worse" if p_worse <= 0.025 and mine > theirs else "within_noise"
        share = (theirs + 0.5) / (rows + 1)
        low, high = wilson(mine / _PAIR, rows / _PAIR)
        return Result(
            family=self.family,
            name=MEASURE.name,
            params={"rows": rows, "interval": "Wilson, rows in pairs"},
            estimate=Estimate(mine / rows, low, high, units),
            reference=theirs / rows,
            noise=Z95 * float(np.sqrt(_PAIR * share * (1 - share) * 2 / rows)),
            direction=MEASURE.direction,
            verdict=verdict,
        )

    def _refuse(self, reason: str) -> Result:
        return Result(self.family, MEASURE.name, status="not_applicable", reason=reason)


def _repeated(hashes: npt.NDArray[np.uint64]) -> int:
    """Rows whose hash stands there more than once."""
    _, counts = np.unique(hashes, return_counts=True)
    return int(counts[counts > 1].sum())
