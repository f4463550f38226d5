"""Problems of several columns: dependence, triples, values that do not go together, groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from twinset.evaluation.charts import MINIMUM
from twinset.evaluation.problem_words import over, points, ratio
from twinset.evidence.evidence import Evidence
from twinset.protocols import Result
from twinset.results import Problem
from twinset.stats import marginals
from twinset.stats.intervals import Z95
from twinset.stats.units import unit_counts

__all__ = [
    "impossible_problems",
    "lost_problems",
    "pair_problems",
    "triple_problems",
]


def _change(result: Result) -> str:
    before = float(result.params["information_train"])
    after = float(result.params["information_synthetic"])
    if after < 0.25 * before:
        return "dependence lost"
    if after < 0.8 * before:
        return "dependence too weak"
    if before < 0.25 * after:
        return "dependence invented"
    return "dependence too strong" if before < 0.8 * after else "dependence of another shape"


def pair_problems(evidence: Evidence, flagged: list[Result]) -> Iterator[Problem]:
    """One problem a column where most of its pairs changed, else one a pair."""
    left = sorted(flagged, key=lambda r: -ratio(r))
    others = max(len(evidence.columns) - 1, 1)
    while left:
        of: dict[str, list[Result]] = defaultdict(list)
        for result in left:
            for name in result.columns:
                of[name].append(result)
        # evidence adds up over pairs less than linearly: they share rows
        heaviest = max(of, key=lambda c: sum(ratio(r) for r in of[c]))
        mine = of[heaviest]
        if len(mine) < 3 or len(mine) <= others / 3:
            for result in left:
                excess, noise = over(result)
                text = (
                    f"{' and '.join(result.columns)}: {_change(result)}: {points(excess)}% of the "
                    f"rows beyond chance (noise {points(noise)})"
                    f"{_clearest(evidence, result.columns)}"
                )
                yield Problem(text, result.columns, excess, noise)
            return
        first = mine[0]
        kinds = [_change(r) for r in mine]
        kind = max(set(kinds), key=kinds.count)
        partners = [next(c for c in r.columns if c != heaviest) for r in mine]
        excess, noise = over(first)
        text = (
            f"{heaviest}: {kind} with {len(mine)} of {others} other columns, most with "
            f"{', '.join(partners[:3])}: up to {points(excess)}% of the rows beyond chance "
            f"(noise {points(noise)})"
        )
        yield Problem(text, (heaviest, *partners[:3]), excess, noise)
        left = [r for r in left if heaviest not in r.columns]


def triple_problems(
    flagged: list[Result], touched: set[str], linked: list[set[str]]
) -> Iterator[Problem]:
    """Yield triples of which no column and no pair is a problem by itself."""
    told: list[set[str]] = []
    for result in sorted(flagged, key=lambda r: -ratio(r)):
        mine = set(result.columns)
        explained = mine & touched or any(p <= mine for p in linked)
        if explained or any(len(mine & t) > 1 for t in told):
            continue
        told.append(mine)
        excess, noise = over(result)
        text = (
            f"{', '.join(result.columns)}: the three together differ where no two of them do: "
            f"{points(excess)}% of the rows beyond chance (noise {points(noise)})"
        )
        yield Problem(text, result.columns, excess, noise)


def impossible_problems(flagged: list[Result]) -> Iterator[Problem]:
    """Rows that combine what does not go together, one problem a column."""
    told: set[str] = set()
    for result in sorted(flagged, key=lambda r: -ratio(r)):
        if told & set(result.columns):
            continue
        told |= set(result.columns)
        excess, noise = over(result)
        text = (
            f"{' and '.join(result.columns)}: {points(result.value or 0.0)}% of the rows combine "
            f"values that never go together in train (fresh real rows: "
            f"{points(result.reference or 0.0)}%; noise {points(noise)})"
        )
        yield Problem(text, result.columns, excess, noise)


def lost_problems(flagged: list[Result], told: list[set[str]]) -> Iterator[Problem]:
    """Combinations that the release has lost, where no problem of dependence says so."""
    for result in sorted(flagged, key=lambda r: -ratio(r)):
        mine = set(result.columns)
        if any(len(mine & t) > 1 for t in told):
            continue
        told.append(mine)
        excess, noise = over(result)
        text = (
            f"{' and '.join(result.columns)}: {points(result.value or 0.0)}% of the train rows "
            f"combine values that never go together in the release (fresh real rows: "
            f"{points(result.reference or 0.0)}%; noise {points(noise)})"
        )
        yield Problem(text, result.columns, excess, noise)


def _clearest(evidence: Evidence, pair: tuple[str, ...]) -> str:
    """Name the two values whose rows are off most, if it may be told."""
    cells = evidence.cells(pair)
    coded = [evidence.columns[n] for n in pair]
    if cells.shape != tuple(c.size for c in coded):
        return ""  # codes were pooled and have no words
    train, release = (
        cells.counts[s].reshape(cells.shape).astype(float) for s in ("train", "synthetic")
    )
    raked = marginals.rake(release, train.sum(axis=1), train.sum(axis=0))
    n, m = float(train.sum()), float(release.sum())
    p, q = train / n, raked / max(float(raked.sum()), 1.0)
    effect = evidence.dependence_effect(cells)
    noise = Z95 * np.sqrt(effect * np.maximum(p * (1 - p), 1 / n) * (1 / n + 1 / m))
    held = unit_counts(cells.index("train"), evidence.units("train"), train.size)
    held = held.reshape(cells.shape)
    sure = (train == 0) | (held >= MINIMUM)
    for axis, column in enumerate(coded):
        own = evidence.held(column.name).copy()
        own[column.unseen] = 0
        sure &= (own >= MINIMUM)[:, None] if axis == 0 else (own >= MINIMUM)[None, :]
    size = np.where(sure, np.abs(q - p) / noise, 0.0)
    i, j = np.unravel_index(int(np.argmax(size)), size.shape)
    if size[i, j] <= 1:
        return ""
    kind = "many" if q[i, j] > p[i, j] else "few"
    where = " and ".join(
        f"{c.name} {c.text[at].removeprefix('category ')}"
        for c, at in zip(coded, (int(i), int(j)), strict=True)
    )
    return f"; most: {points(float(q[i, j] - p[i, j]))} points too {kind} with {where}"
