"""Sets of columns: which pairs are looked at, the TVD of each set, and its mean over them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from twinset.evidence.coded import Cells, Side
from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import Draft, half_width
from twinset.protocols import Measure
from twinset.stats import marginals
from twinset.stats.intervals import chi_tails, normal_interval

__all__ = ["chosen_pairs", "mean_draft", "tvd_draft", "would_change"]

_SETS = 60
_SCREEN_ROWS = 4_000


def would_change(what: str) -> str:
    """Say in plain words what a total variation distance of `what` is."""
    return (
        f"Share of rows that would have to change for {what} to have the real distribution "
        "(total variation distance, TVD). 0% is equal."
    )


def tvd_draft(evidence: Evidence, measure: Measure, cells: Cells, **params: Any) -> Draft:
    """Measure one set of columns."""
    train, release = cells.counts["train"], cells.counts["synthetic"]
    value = marginals.tvd(train, release)
    variance, _ = marginals.tvd_variance(train, release, evidence.effects(cells))
    mean, spread = evidence.null(cells, "tvd")
    worse, better = chi_tails(value, mean, spread)
    return Draft(
        measure,
        value,
        variance,
        evidence.number_of_units("synthetic"),
        reference=evidence.reference(cells, "tvd"),
        noise=half_width(spread),
        p_worse=worse,
        p_better=better,
        columns=cells.columns,
        params={"expected": round(mean, 6), **params},
    )


_TWO: tuple[Side, Side] = ("train", "synthetic")


def mean_draft(
    evidence: Evidence,
    measure: Measure,
    drafts: Sequence[Draft],
    sets: Sequence[Cells],
    **params: Any,
) -> Draft:
    """Average over sets of columns.

    The interval adds each row's influence over all sets before squaring (sets share rows, so their
    errors do not average out), on a sample of rows where there are many; the null's scatter is that
    of random halves of real rows, by unit.
    """
    value = float(np.mean([d.value for d in drafts]))
    expected = float(np.mean([d.params["expected"] for d in drafts]))
    reference = float(np.mean([d.reference or 0.0 for d in drafts]))
    null_variance = evidence.mean_variance(sets[:: max(1, math.ceil(len(sets) / _SETS))])
    worse, better = chi_tails(value, expected, null_variance)
    variance = _variance(evidence, sets) + null_variance
    return Draft(
        measure,
        value,
        variance,
        evidence.number_of_units("synthetic"),
        reference=reference,
        noise=half_width(null_variance),
        p_worse=worse,
        p_better=better,
        params={"sets": len(drafts), "expected": round(expected, 6), **params},
        interval=normal_interval(value, variance, 0.0, 1.0),
    )


def _variance(evidence: Evidence, sets: Sequence[Cells]) -> float:
    """Variance of the mean TVD: influence of each unit, summed over the sets."""
    total = 0.0
    for side in _TWO:
        at, units = evidence.some(side)
        influence = np.zeros(len(at))
        for cells in sets:
            train, release = cells.counts["train"], cells.counts["synthetic"]
            weights = marginals.tvd_variance(train, release)[1]
            influence += weights[cells.index(side, at)]
        influence /= 2 * len(sets)
        influence -= influence.mean()
        sums = np.bincount(units, weights=influence)
        total += float(sums @ sums) / max(len(at), 1) / evidence.rows(side)
    return total


def chosen_pairs(evidence: Evidence, most: int) -> list[tuple[str, ...]]:
    """Return at most `most` pairs of columns.

    Of more, three quarters are those with the strongest association in train or in the release (on
    a sample of rows, 8 codes a column); the others are random. The same each time it is asked.
    """
    return evidence.once(("pairs", most), lambda: _chosen(evidence, most))


def _chosen(evidence: Evidence, most: int) -> list[tuple[str, ...]]:
    names = list(evidence.columns)
    everything: list[tuple[str, ...]] = list(itertools.combinations(names, 2))
    if len(everything) <= most:
        return everything
    strength = np.zeros((len(names), len(names)))
    rng = evidence.rng("pairs")
    for side in ("train", "synthetic"):
        at, _ = evidence.some(side)
        at = rng.choice(at, min(len(at), _SCREEN_ROWS), replace=False)
        blocks, ends = [], [0]
        for name in names:
            code = evidence.cells([name]).codes[side][0][at].astype(np.int64)
            size = evidence.columns[name].size
            top = np.argsort(-np.bincount(code, minlength=size), kind="stable")
            place = np.empty(size, dtype=np.int64)
            place[top] = np.minimum(np.arange(size), 8)
            blocks.append(np.eye(9, dtype=np.float32)[place[code]])
            ends.append(ends[-1] + 9)
        hot = np.concatenate(blocks, axis=1)
        both = (hot.T @ hot) / np.float32(len(at))
        alone = np.diagonal(both)
        excess = (both - np.outer(alone, alone)) ** 2 / np.maximum(np.outer(alone, alone), 1e-9)
        phi = np.add.reduceat(np.add.reduceat(excess, ends[:-1], axis=0), ends[:-1], axis=1)
        strength = np.maximum(strength, phi)
    first, second = np.triu_indices(len(names), 1)
    ranked = np.argsort(-strength[first, second], kind="stable")
    strong = most * 3 // 4
    rest = rng.choice(ranked[strong:], most - strong, replace=False)
    picked = np.sort(np.concatenate([ranked[:strong], rest]))
    return [(names[first[i]], names[second[i]]) for i in picked]
