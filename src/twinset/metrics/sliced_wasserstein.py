"""Sliced Wasserstein distance: whole rows, looked at along many random directions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import Draft, half_width, judge, refuse
from twinset.metrics._samples import LEAST, Pooled, embedded, frequent, pooled
from twinset.protocols import Family, Measure, Result
from twinset.stats import unit_permutation
from twinset.stats.intervals import chi_tails

__all__ = ["SlicedWasserstein"]

Floats = npt.NDArray[np.float64]

MEASURE = Measure(
    name="sliced_wasserstein",
    title="Whole rows, in random directions",
    meaning="How far whole rows must move to match, averaged over random directions (sliced "
    "Wasserstein distance). 0 is equal.",
    high=math.inf,
    formula="mean over random directions of the 1-Wasserstein distance of the projected rows; "
    "numbers as ranks, levels as indicators / sqrt(2)",
    source="Bonneel et al. 2015",
)
_DEALS = 100


@dataclass(frozen=True)
class SlicedWasserstein:
    """Mean Wasserstein distance over random projections of whole rows.

    What chance gives is found by dealing the units to the two tables at random.

    Parameters
    ----------
    directions
        Number of projections.
    most
        Rows taken of each table at most.
    """

    name: ClassVar[str] = "sliced_wasserstein"
    family: ClassVar[Family] = "fidelity"
    measures: ClassVar[tuple[Measure, ...]] = (MEASURE,)
    directions: int = 50
    most: int = 1_000

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return one result."""
        if not evidence.columns:
            return [refuse(self.family, MEASURE, "no column can be compared")]
        rng = evidence.rng("sliced_wasserstein")
        sample = pooled(evidence, "synthetic", self.most, rng)
        if sample is None:
            reason = f"fewer than {LEAST} units in train or synthetic"
            return [refuse(self.family, MEASURE, reason)]
        levels = [
            frequent(sample.records.codes[:, j]) for j in range(sample.records.codes.shape[1])
        ]
        width = embedded(sample.records, levels).shape[1]
        axes = rng.normal(size=(width, self.directions))
        axes /= np.linalg.norm(axes, axis=0)
        own = unit_permutation.weights(sample.first)[None]
        deals = unit_permutation.dealt(sample.first, sample.units, _DEALS, rng)
        draws = unit_permutation.drawn(sample.first, sample.units, _DEALS, rng)
        found = _distance(sample, levels, axes, np.concatenate([own, deals, draws]))
        value, chance, around = float(found[0]), found[1 : _DEALS + 1], found[_DEALS + 1 :]
        mean, spread = float(chance.mean()), float(chance.var())
        reference = mean
        if evidence.holdout is not None:
            held = pooled(evidence, "holdout", self.most, rng)
            if held is not None and len(held.first) == len(sample.first):
                its = unit_permutation.weights(held.first)[None]
                reference = float(_distance(held, levels, axes, its)[0])
        worse, better = chi_tails(value, mean, spread)
        # skewed where few columns rule: what the deals did reach is no evidence
        worse = max(worse, float(np.count_nonzero(chance >= value) + 1) / (len(chance) + 1))
        draft = Draft(
            MEASURE,
            value,
            max(float(around.var()), spread),
            int(sample.units[sample.first].max()) + 1,
            reference=reference,
            noise=half_width(spread),
            p_worse=worse,
            p_better=better,
            params={
                "directions": self.directions,
                "rows": int(sample.first.sum()),
                "expected": round(mean, 8),
                "interval": "bootstrap over units",
            },
        )
        return judge(self.family, [draft])


def _distance(
    sample: Pooled, levels: list[npt.NDArray[np.int32]], axes: Floats, weights: Floats
) -> Floats:
    """Mean over directions of W1 = integral of |F - G|, for each row of weights."""
    projected = embedded(sample.records, levels) @ axes
    total = np.zeros(len(weights))
    for line in projected.T:
        order = np.argsort(line)
        gaps = np.cumsum(weights[:, order[:-1]], axis=1)
        total += np.abs(gaps, out=gaps) @ np.diff(line[order])
    return np.asarray(total / axes.shape[1])
