"""Two values that no train row has together, and two that go together in train alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.coded import Cells, Side
from twinset.evidence.evidence import Evidence
from twinset.metrics._column_sets import chosen_pairs
from twinset.metrics._judge import Draft, half_width, judge, refuse
from twinset.protocols import Family, Measure, Result
from twinset.stats.intervals import proportions_differ, wilson

__all__ = ["EmptyCells"]

Flags = npt.NDArray[np.bool_]

PAIR = Measure(
    name="empty_pair_share",
    title="Two values that do not go together",
    meaning="Share of rows with two values that no train row has together, though some should if "
    "it were chance.",
    unit="share",
    formula="share of rows with two values that no train row has together, though 10 would if the "
    "columns were independent (up to 32 codes a column; null counts as a value)",
    source="reference: the holdout's own share",
    problem="{columns}: {value}% of the rows combine values that never go together in train "
    "(fresh real rows: {reference}%; noise {noise})",
)
ANY = Measure(
    name="empty_pair_rows",
    title="Rows with values that do not go together",
    meaning="Share of rows with at least one such combination.",
    unit="share",
    formula="share of rows with at least one such combination, over the pairs of columns taken",
    source="reference: the holdout's own share",
)
LOST = Measure(
    name="lost_pair_share",
    title="Two values that the release has lost",
    meaning="Share of train rows with two values that no synthetic row has together, though some "
    "should if it were chance.",
    unit="share",
    formula="share of train rows with two values that 10 train units or more have together and no "
    "synthetic row has, though 5 would if the columns were independent in the release",
    source="reference: the holdout in the place of the release",
    problem="{columns}: {value}% of the train rows combine values that never go together in the "
    "release (fresh real rows: {reference}%; noise {noise})",
)
_EXPECTED = 10.0


@dataclass(frozen=True)
class EmptyCells:
    """Share of rows that combine values which do not go together in the other table.

    Such a cell may be chance in one table: the holdout shows how often fresh real rows fall into
    cells that are empty in train. A combination that is lost can be too small a part of a pair's
    table for any distance of the two tables, so that it has a figure of its own.

    Parameters
    ----------
    most
        Pairs taken at most, chosen as for the metric `pairs`.
    """

    name: ClassVar[str] = "empty_cells"
    family: ClassVar[Family] = "integrity"
    measures: ClassVar[tuple[Measure, ...]] = (ANY, PAIR, LOST)
    most: int = 2_000

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return one result for whole rows, and one a pair that has such cells."""
        pairs = chosen_pairs(evidence, self.most)
        if not pairs:
            return [refuse(self.family, m, "fewer than two columns") for m in self.measures]
        drafts: list[Draft] = []
        lost: list[Draft] = []
        hit = {s: np.zeros(evidence.rows(s), dtype=bool) for s in evidence.sides}
        for pair in pairs:
            cells = evidence.cells(pair)
            lost += _lost(evidence, cells)
            empty = _empty(cells)
            if not empty.any():
                continue
            count = {s: int(c[empty].sum()) for s, c in cells.counts.items()}
            for side in hit:
                if count[side]:
                    hit[side] |= empty[cells.index(side)]
            drafts.append(_draft(evidence, PAIR, count, pair))
        if drafts:
            rows = {s: int(h.sum()) for s, h in hit.items()}
            drafts.insert(0, _draft(evidence, ANY, rows, ()))
        reason = f"no two values are missing together where {_EXPECTED:g} rows were expected"
        refused = [] if drafts else [refuse(self.family, m, reason) for m in (ANY, PAIR)]
        if not lost:
            refused.append(refuse(self.family, LOST, f"no two values of {_EXPECTED:g} train units"))
        return [*judge(self.family, [*drafts, *lost]), *refused]


def _empty(cells: Cells) -> Flags:
    """Cells without a train row where independent columns would have 10; shape (cells,)."""
    train = cells.counts["train"].reshape(cells.shape).astype(np.float64)
    expected = np.outer(train.sum(axis=1), train.sum(axis=0)) / max(float(train.sum()), 1.0)
    return np.asarray((train == 0) & (expected >= _EXPECTED)).ravel()


def _lost(evidence: Evidence, cells: Cells) -> list[Draft]:
    """Compare one pair: what is common in train and absent from the release."""
    train = cells.counts["train"]
    effect = evidence.pooled_effect(cells.columns)
    common = train >= _EXPECTED * effect
    if not common.any():
        return []
    n, m = evidence.rows("train"), evidence.rows("synthetic")
    held = train / effect
    gone = {s: common & _absent(cells, s) for s in evidence.sides if s != "train"}
    value = float(train[gone["synthetic"]].sum()) / n
    # of c rows in both tables all are in train with chance (n / (n + m))^c
    chance = np.where(common, (n / (n + m)) ** held, 0.0)
    largest = float(held[gone["synthetic"]].max(initial=0.0))
    # any of the cells that are at least as common could have been the one that is gone
    p = np.count_nonzero(common & (held >= largest)) * (n / (n + m)) ** largest
    expected = float((chance * train).sum()) / n
    reference = float(train[gone["holdout"]].sum()) / n if "holdout" in gone else expected
    share = max(value, _EXPECTED / n)
    spread = effect * share * (1 - share) * (1 / n + 1 / m)
    return [
        Draft(
            LOST,
            value,
            0.0,
            evidence.number_of_units("synthetic"),
            reference=reference,
            noise=half_width(spread),
            p_worse=min(float(p), 1.0) if value > 0 else 1.0,
            columns=cells.columns,
            params={"interval": "Wilson", "cells": int(gone["synthetic"].sum())},
            interval=wilson(value * n / effect, n / effect),
        )
    ]


def _absent(cells: Cells, side: Side) -> Flags:
    """Cells without a row of a table, where independent columns would have 5."""
    counts = cells.counts[side].reshape(cells.shape).astype(np.float64)
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / max(float(counts.sum()), 1.0)
    return np.asarray((counts == 0) & (expected >= _EXPECTED / 2)).ravel()


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
