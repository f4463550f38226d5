"""Fairness of the data: who is represented, and what sets groups apart once a column is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.coded import Side
from twinset.evidence.evidence import Evidence
from twinset.metrics._groups import LEAST, Grouping, groupings, outcomes
from twinset.metrics._judge import Draft, half_width, judge, refuse
from twinset.metrics._samples import draw_counts
from twinset.protocols import Family, Measure, Result

__all__ = ["Disparity"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

REPRESENTATION = Measure(
    name="representation_ratio",
    title="Groups as large as they should be",
    meaning="Share of the group that is most short of rows in the synthetic table, divided by its "
    "share in the train data.",
    direction="higher",
    high=np.inf,
    formula="smallest over groups (params.worst) of share in synthetic / share in train",
    anchors=(1.0,),
)
CONDITIONAL = Measure(
    name="conditional_disparity_difference",
    title="Disparity that a column does not explain",
    meaning="Synthetic minus train: the gap between groups in the share with the outcome that "
    "remains once this column is taken into account.",
    unit="share",
    direction="target",
    low=-2,
    high=2,
    formula="largest minus smallest over groups of sum over levels e of the column params.given of "
    "P(e | group) (P(class | e, group) - mean over groups of P(class | e, .)), in synthetic minus "
    "in train: for two groups, the gap that the column does not explain; groups of fewer than ten "
    "rows of a level are not in its mean; a number is a class: above its median",
    source="Zliobaite et al. 2011, eq. 3-6; Kamiran et al. 2013",
    anchors=(-0.05, 0.05),
)
_LEVELS = 8
_MINIMUM = 10  # rows of a level and group, for its rate to count among the groups' rates
_GIVEN = 20
_SINGLE = 4
_DRAWS = 1_000


class Disparity:
    """Representation of groups, and conditional disparity of the target given another column.

    The latter for up to four sensitive columns, each by itself, and up to twenty columns that may
    explain. Chance and intervals are drawn: counts of tables of the same sizes (divided by the
    design effect of units), from the real rows for chance, from each table for the interval.
    """

    name: ClassVar[str] = "disparity"
    family: ClassVar[Family] = "fairness"
    measures: ClassVar[tuple[Measure, ...]] = (REPRESENTATION, CONDITIONAL)

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return one representation a grouping, and one disparity a grouping, class and column."""
        if not evidence.sensitive:
            reason = "no sensitive column was named"
            return [refuse(self.family, m, reason) for m in self.measures]
        found = groupings(evidence, sensitive=True)
        drafts = [d for g in found for d in _represented(evidence, g)]
        if evidence.target is not None:
            single = [g for g in found if len(g.columns) == 1][:_SINGLE]
            drafts += [d for g in single for d in _conditional(evidence, g)]
        have = {d.measure.name for d in drafts}
        reason = f"there are no two groups of {LEAST} units, or no target and another column"
        missing = [m for m in self.measures if m.name not in have]
        return [*judge(self.family, drafts), *(refuse(self.family, m, reason) for m in missing)]


def _represented(evidence: Evidence, grouping: Grouping) -> Iterator[Draft]:
    counts = {s: _with_rest(grouping, s, evidence.rows(s)) for s in evidence.sides}
    yield _draft(
        evidence,
        REPRESENTATION,
        counts,
        lambda a, b: _smallest(a, b)[0],
        grouping.columns,
        {
            "by": list(grouping.columns),
            "worst": grouping.names[int(_smallest(counts["train"], counts["synthetic"])[1])],
        },
    )


def _with_rest(grouping: Grouping, side: Side, rows: int) -> Floats:
    held = grouping.rows(side)
    return np.append(held, rows - held.sum()).astype(np.float64)


def _smallest(train: Floats, synthetic: Floats) -> tuple[Floats, Ints]:
    """Smallest ratio of shares and its place; the last count is of rows in no group."""
    first, second = (c / np.maximum(c.sum(axis=-1, keepdims=True), 1) for c in (train, synthetic))
    ratio = second[..., :-1] / np.maximum(first[..., :-1], 1e-12)
    return ratio.min(axis=-1), ratio.argmin(axis=-1)


def _conditional(evidence: Evidence, grouping: Grouping) -> Iterator[Draft]:
    target = evidence.target or ""
    if target in grouping.columns:
        return
    given = [n for n in evidence.columns if n != target and n not in grouping.columns]
    classes = outcomes(evidence)
    for name in given[:_GIVEN]:
        cells = evidence.cells([name], _LEVELS)
        levels, groups = cells.shape[0], len(grouping.names)
        shape = (levels, groups, 2)
        for label, values in classes.items():
            counts = {}
            for side in evidence.sides:
                own, y = grouping.codes[side], values[side]
                there = (own >= 0) & ~np.isnan(y)
                level = cells.codes[side][0].astype(np.int64)[there]
                cell = (level * groups + own[there]) * 2 + (y[there] > 0.5)
                held = np.bincount(cell, minlength=levels * groups * 2).astype(np.float64)
                counts[side] = held
            sizes = [counts[s].reshape(shape).sum(axis=(0, 2)) for s in ("train", "synthetic")]
            if min(n.min() for n in sizes) < LEAST:
                continue
            params: dict[str, Any] = {"class": label or "above the median", "given": name}
            params |= {"by": list(grouping.columns), "target": 0.0}
            params["train"] = round(float(_unexplained(counts["train"], shape)), 5)
            if len(given) > _GIVEN:
                params |= {"sets": _GIVEN, "of": len(given)}
            columns = (*grouping.columns, target, name)
            difference = partial(_difference, shape=shape)
            yield _draft(evidence, CONDITIONAL, counts, difference, columns, params)


def _difference(train: Floats, synthetic: Floats, *, shape: tuple[int, int, int]) -> Floats:
    return _unexplained(synthetic, shape) - _unexplained(train, shape)


def _unexplained(cells: Floats, shape: tuple[int, int, int]) -> Floats:
    """Gap between groups that the levels do not explain, of counts (..., level group outcome)."""
    counts = cells.reshape(*cells.shape[:-1], *shape)
    n = counts.sum(axis=-1)
    rate = counts[..., 1] / np.maximum(n, 1)
    known = n >= _MINIMUM
    mean = (rate * known).sum(axis=-1, keepdims=True)
    mean /= np.maximum(known.sum(axis=-1, keepdims=True), 1)
    weight = n / np.maximum(n.sum(axis=-2, keepdims=True), 1)
    return np.asarray(np.ptp((weight * (rate - mean)).sum(axis=-2), axis=-1))


def _draft(
    evidence: Evidence,
    measure: Measure,
    counts: dict[Side, Floats],
    figure: Callable[[Floats, Floats], Floats],
    columns: tuple[str, ...],
    params: dict[str, Any],
) -> Draft:
    rng = evidence.rng("disparity", *columns, str(params.get("class", "")))
    effect = evidence.pooled_effect(columns)
    chance, around = draw_counts(counts, figure, effect, _DRAWS, rng)
    value = float(figure(counts["train"], counts["synthetic"]))
    own = float(chance.mean())
    if "holdout" in counts and counts["holdout"].sum() >= LEAST:
        own = float(figure(counts["train"], counts["holdout"]))
    low, high = (1 + np.count_nonzero(c) for c in (chance <= value, chance >= value))
    two_sided = measure.direction == "target"
    worse = min(1.0, 2 * min(low, high) / (_DRAWS + 1)) if two_sided else low / (_DRAWS + 1)
    return Draft(
        measure,
        value,
        float(around.var()),
        evidence.number_of_units("synthetic"),
        reference=own,
        noise=half_width(float(chance.var())),
        p_worse=worse,
        p_better=1.0 if two_sided else high / (_DRAWS + 1),
        columns=columns,
        params={**params, "interval": "drawn counts"},
    )
