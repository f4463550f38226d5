"""Strength of association of pairs of columns, as the difference synthetic minus train."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy import special

from twinset.evidence.coded import Cells, Side
from twinset.evidence.evidence import Evidence
from twinset.metrics._column_sets import chosen_pairs
from twinset.metrics._judge import Draft, half_width, judge, refuse
from twinset.protocols import Family, Measure, Result
from twinset.stats.association import (
    correlation_freedom,
    correlation_ratio,
    correlations,
    cramers_v,
    mid_ranks,
)
from twinset.stats.intervals import two_sided

__all__ = ["Associations"]

Floats = npt.NDArray[np.float64]
Strength = tuple[float, float] | None

PEARSON = Measure(
    name="pearson_difference",
    title="Straight-line relation",
    meaning="Synthetic minus train: the correlation (Pearson) of two columns. 0 is equal.",
    direction="target",
    low=-2,
    high=2,
    formula="Pearson r of synthetic minus that of train, rows where both are known",
    source="variance: Kendall and Stuart, vol. 1, eq. 10.51",
)
SPEARMAN = Measure(
    name="spearman_difference",
    title="Rising together",
    meaning="Synthetic minus train: the rank correlation (Spearman). 0 is equal.",
    direction="target",
    low=-2,
    high=2,
    formula="the same on mid-ranks",
    source="Spearman 1904",
)
CRAMER = Measure(
    name="cramers_v_difference",
    title="Relation of categories",
    meaning="Synthetic minus train: the association (Cramer's V). 0 is equal.",
    direction="target",
    low=-1,
    formula="bias-corrected Cramer's V of synthetic minus that of train; null is a category",
    source="Bergsma 2013",
)
ETA = Measure(
    name="correlation_ratio_difference",
    title="Categories against numbers",
    meaning="Synthetic minus train: how far a category explains a number (correlation ratio). 0 is "
    "equal.",
    direction="target",
    low=-1,
    formula="bias-corrected correlation ratio (of a number's mid-ranks given a category) of "
    "synthetic minus that of train",
    source="Pearson 1905; correction: Kelley 1935",
)

_STANDS_OUT = 0.05


@dataclass(frozen=True)
class Associations:
    """Difference of Pearson, Spearman, Cramer's V and correlation ratio between the two tables.

    Parameters
    ----------
    most
        Pairs taken at most, of all kinds: the same as those of `twinset.metrics.pairs`.
    """

    name: ClassVar[str] = "associations"
    family: ClassVar[Family] = "fidelity"
    needs: ClassVar[str] = "counts"
    measures: ClassVar[tuple[Measure, ...]] = (PEARSON, SPEARMAN, CRAMER, ETA)
    most: int = 2_000

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return one result a pair and fitting measure."""
        numbers = set(evidence.numeric())
        drafts = self._numbers(evidence) if len(numbers) > 1 else []
        for pair in chosen_pairs(evidence, self.most):
            if not numbers & set(pair):
                drafts += self._from_counts(evidence, pair, CRAMER)
            elif len(numbers & set(pair)) == 1:
                drafts += self._from_counts(evidence, pair, ETA)
        have = {d.measure.name for d in drafts}
        reason = "no pair of columns of this kind with two values or more in train and synthetic"
        missing = [refuse(self.family, m, reason) for m in self.measures if m.name not in have]
        return [*_of_rows(judge(self.family, drafts), evidence), *missing]

    def _numbers(self, evidence: Evidence) -> list[Draft]:
        names = evidence.numeric()
        rows = (
            len(evidence.values("train", names[0])),
            len(evidence.values("synthetic", names[0])),
        )
        drafts = []
        for measure, view in ((PEARSON, _plain), (SPEARMAN, mid_ranks)):
            with np.errstate(over="ignore", invalid="ignore"):  # huge values: no correlation
                found = {
                    s: correlations(np.column_stack([view(evidence.values(s, n)) for n in names]))
                    for s in evidence.sides
                }
            place = {name: i for i, name in enumerate(names)}
            for first, second in chosen_pairs(evidence, self.most):
                if first not in place or second not in place:
                    continue
                i, j = place[first], place[second]
                effect = evidence.pooled_effect((first, second))
                strengths: dict[Side, Strength] = {
                    s: (float(r[i, j]), float(v[i, j]) * effect)
                    if math.isfinite(float(r[i, j]) + float(v[i, j]))
                    else None
                    for s, (r, v, _) in found.items()
                }
                drafts += _draft(evidence, measure, (first, second), strengths, rows)
                if drafts and drafts[-1].columns == (first, second):
                    drafts[-1] = _doubted(evidence, drafts[-1], view, strengths, effect)
        return drafts

    def _from_counts(
        self, evidence: Evidence, pair: tuple[str, ...], measure: Measure
    ) -> list[Draft]:
        cells = evidence.cells(pair)
        numbers = evidence.numeric()
        levels = _levels(cells)
        turn = False

        def of(table: Floats) -> Strength:
            return cramers_v(table, levels)

        if measure is ETA:
            turn = pair[0] in numbers
            number = pair[0] if turn else pair[1]
            held = cells.counts["train"].reshape(cells.shape).sum(axis=1 if turn else 0)
            scores = _scores(held, evidence.columns[number].order)
            known = np.arange(len(held)) < len(held) - 2
            if scores is None:
                return []

            def of(table: Floats) -> Strength:
                return correlation_ratio(table[:, known], scores[known])

        strengths: dict[Side, Strength] = {}
        effect = evidence.pooled_effect(pair)
        for side, counts in cells.counts.items():
            table = counts.reshape(cells.shape).astype(float)
            strength = of(table.T if turn else table)
            strengths[side] = strength and (strength[0], strength[1] * effect)
        rows = evidence.rows("train"), evidence.rows("synthetic")
        return _draft(evidence, measure, pair, strengths, rows)


def _doubted(
    evidence: Evidence,
    draft: Draft,
    view: Callable[[Floats], Floats],
    strengths: dict[Side, Strength],
    effect: float,
) -> Draft:
    """Take Student's t where a draft stands out: far values make the variance itself uncertain."""
    if draft.p_worse > _STANDS_OUT:
        return draft
    total = unsure = 0.0
    for side in ("train", "synthetic"):
        x, y = (view(evidence.values(side, name)) for name in draft.columns)
        _, variance = strengths[side] or (0.0, 0.0)
        total += variance
        unsure += variance**2 / max(correlation_freedom(x, y) / effect, 1.0)
    freedom = total**2 / unsure if unsure > 0 else math.inf
    z = float(special.ndtri(draft.p_worse / 2))
    return replace(draft, p_worse=2 * float(special.stdtr(freedom, z)))


def _of_rows(found: Sequence[Result], evidence: Evidence) -> list[Result]:
    """Say of correlations of how many rows they are, where the table is larger than memory."""
    names = evidence.numeric()[:1]
    held = {s: len(evidence.values(s, n)) for s in evidence.sides for n in names}
    taken = {s: rows for s, rows in held.items() if rows < evidence.rows(s)}
    if not taken:
        return list(found)
    of_rows = (PEARSON.name, SPEARMAN.name)
    return [
        r.replace(params={**r.params, "rows_taken": taken}) if r.name in of_rows else r
        for r in found
    ]


def _levels(cells: Cells) -> tuple[int, int]:
    """Levels of each column that any of the tables has: one scale for all of them."""
    there = np.sum(list(cells.counts.values()), axis=0).reshape(cells.shape) > 0
    return int(there.any(axis=1).sum()), int(there.any(axis=0).sum())


def _plain(values: Floats) -> Floats:
    return values


def _scores(held: npt.NDArray[np.int64], order: npt.NDArray[np.int64] | None) -> Floats | None:
    """Mid-rank of each code of a number in train; None if codes were pooled out of order."""
    if order is None or len(order) != len(held):
        return np.asarray((np.cumsum(held) - held / 2) / max(int(held.sum()), 1))
    scores = np.zeros(len(held))
    inner = order[order < len(held) - 2]
    scores[inner] = (np.cumsum(held[inner]) - held[inner] / 2) / max(held[inner].sum(), 1)
    return scores


def _draft(
    evidence: Evidence,
    measure: Measure,
    pair: tuple[str, ...],
    strengths: dict[Side, Strength],
    rows: tuple[int, int],
) -> list[Draft]:
    train, release = strengths["train"], strengths["synthetic"]
    if train is None or release is None:
        return []
    difference = release[0] - train[0]
    held = strengths.get("holdout")
    real = train[1] * rows[0]  # variance of one row's worth
    chance = train[1] + real / rows[1]
    reference = 0.0 if held is None else held[0] - train[0]
    p = two_sided(difference / math.sqrt(max(chance, train[1] + release[1], 1e-12)))
    return [
        Draft(
            measure,
            difference,
            train[1] + release[1],
            evidence.number_of_units("synthetic"),
            reference=reference,
            noise=half_width(chance),
            p_worse=p,
            columns=pair,
            params={"train": round(train[0], 5), "synthetic": round(release[0], 5), "target": 0.0}
            | ({} if rows[0] == evidence.rows("train") else {"rows": min(rows)}),
        )
    ]
