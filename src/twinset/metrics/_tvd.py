"""TVD of many sets of columns, and its mean over them: shared by columns, pairs and triples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from twinset.metrics._evidence import Cells, Evidence, Side
from twinset.metrics._judge import Draft, Measure, half_width
from twinset.stats import marginals
from twinset.stats.intervals import chi_tails, normal_interval

__all__ = ["mean_draft", "tvd_draft"]

_RESPLITS = 16
_SETS = 60


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
    null_variance = _null_variance(evidence, sets)
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


def _null_variance(evidence: Evidence, sets: Sequence[Cells]) -> float:
    step = max(1, math.ceil(len(sets) / _SETS))
    halves = list(evidence.resplits(_RESPLITS))
    size, part = len(halves[0]), int(halves[0].sum())
    if part == 0 or part == size:
        return 0.25
    means = np.zeros(len(halves))
    chosen = sets[::step]
    packed = _packed(halves)
    for cells in chosen:
        index = evidence.real(cells)
        both = np.bincount(index, minlength=len(cells.unseen))
        i = 0
        for several in packed:
            sums = np.bincount(index, weights=several, minlength=len(both)).astype(np.int64)
            for _ in range(min(_PACK, len(halves) - i)):
                one = sums & _MASK
                sums >>= _BITS
                means[i] += marginals.tvd(one, both - one) / len(chosen)
                i += 1
    here = 1 / part + 1 / (size - part)
    there = 1 / evidence.rows("train") + 1 / evidence.rows("synthetic")
    # 16 values: their variance is itself uncertain, Student's t against the normal
    freedom = len(means) - 1
    return float(np.var(means, ddof=1)) * freedom / (freedom - 2) * there / here


_BITS, _PACK = 17, 3  # three counts of up to 131,071 rows are exact in one float64
_MASK = (1 << _BITS) - 1


def _packed(halves: Sequence[npt.NDArray[np.bool_]]) -> list[npt.NDArray[np.float64]]:
    """Return several halves in one array of weights each: a weighted count counts them at once."""
    found = []
    for start in range(0, len(halves), _PACK):
        group = halves[start : start + _PACK]
        found.append(sum(h * float(1 << (_BITS * j)) for j, h in enumerate(group)))
    return [np.asarray(w, dtype=np.float64) for w in found]
