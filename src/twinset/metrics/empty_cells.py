"""Combinations of two values that no train row has: rows that should not exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.metrics._evidence import Cells, Evidence, Side
from twinset.metrics._judge import Draft, Measure, half_width, judge, refuse
from twinset.metrics._pairs import chosen_pairs
from twinset.protocols import Family, Result
from twinset.stats.intervals import proportions_differ, wilson

__all__ = ["EmptyCells"]

Flags = npt.NDArray[np.bool_]

PAIR = Measure(
    "empty_pair_share",
    "lower",
    0,
    1,
    "share of rows with two values that no train row has together, though 10 would if the columns "
    "were independent (up to 32 codes a column; null counts as a value)",
    "reference: the holdout's own share",
)
ANY = Measure(
    "empty_pair_rows",
    "lower",
    0,
    1,
    "share of rows with at least one such combination, over the pairs of columns taken",
    "reference: the holdout's own share",
)
_EXPECTED = 10.0


@dataclass(frozen=True)
class EmptyCells:
    """Share of rows that combine values which do not go together in train.

    Such a cell may be chance in one table: the holdout shows how often fresh real rows fall into
    cells that are empty in train.

    Parameters
    ----------
    most
        Pairs taken at most, chosen as for the metric `pairs`.
    """

    name: ClassVar[str] = "empty_cells"
    family: ClassVar[Family] = "integrity"
    measures: ClassVar[tuple[Measure, ...]] = (ANY, PAIR)
    most: int = 2_000

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return one result for whole rows, and one a pair that has such cells."""
        pairs = chosen_pairs(evidence, self.most)
        if not pairs:
            return [refuse(self.family, m, "fewer than two columns") for m in self.measures]
        drafts = []
        hit = {s: np.zeros(evidence.rows(s), dtype=bool) for s in evidence.sides}
        for pair in pairs:
            cells = evidence.cells(pair)
            empty = _empty(cells)
            if not empty.any():
                continue
            count = {s: int(c[empty].sum()) for s, c in cells.counts.items()}
            for side in hit:
                if count[side]:
                    hit[side] |= empty[cells.index(side)]
            drafts.append(_draft(evidence, PAIR, count, pair))
        if not drafts:
            reason = f"no two values are missing together where {_EXPECTED:g} rows were expected"
            return [refuse(self.family, m, reason) for m in self.measures]
        rows = {s: int(h.sum()) for s, h in hit.items()}
        return judge(self.family, [_draft(evidence, ANY, rows, ()), *drafts])


def _empty(cells: Cells) -> Flags:
    """Cells without a train row where independent columns would have 10; shape (cells,)."""
    train = cells.counts["train"].reshape(cells.shape).astype(np.float64)
    expected = np.outer(train.sum(axis=1), train.sum(axis=0)) / max(float(train.sum()), 1.0)
    return np.asarray((train == 0) & (expected >= _EXPECTED)).ravel()


def _draft(
    evidence: Evidence, measure: Measure, count: dict[Side, int], pair: tuple[str, ...]
) -> Draft:
    effect = evidence.pooled_effect(pair or tuple(evidence.columns))
    rows = evidence.rows("synthetic")
    other, size = 1, evidence.rows("train")  # without a holdout: one odd row more or less
    if "holdout" in count:
        other, size = count["holdout"], evidence.rows("holdout")
    share = (other + 0.5) / (size + 1)
    null = effect * share * (1 - share) * (1 / rows + 1 / size)
    return Draft(
        measure,
        count["synthetic"] / rows,
        0.0,
        evidence.number_of_units("synthetic"),
        reference=other / size,
        noise=half_width(null),
        p_worse=proportions_differ(count["synthetic"], rows, other, size, effect)[0],
        columns=pair,
        params={"interval": "Wilson"},
        interval=wilson(count["synthetic"] / effect, rows / effect),
    )
