"""Maximum mean discrepancy: the largest difference of means under any smooth function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import Draft, half_width, judge, refuse
from twinset.metrics._samples import LEAST, Pooled, pooled
from twinset.protocols import Family, Measure, Result
from twinset.stats import unit_permutation
from twinset.stats.intervals import gamma_tails
from twinset.stats.neighbours import distances

__all__ = ["Mmd"]

Floats = npt.NDArray[np.float64]

MEASURE = Measure(
    name="mmd",
    title="Whole rows, by a kernel",
    meaning="Squared maximum mean discrepancy (MMD) of whole rows. 0 is equal.",
    high=2,
    formula="mean k(x, x') + mean k(y, y') - 2 mean k(x, y) over rows of train and synthetic; "
    "k = exp(-Gower distance of ranks and levels / its median)",
    source="Gretton et al. 2012, biased estimate",
)
_DEALS = 200


@dataclass(frozen=True)
class Mmd:
    """Squared maximum mean discrepancy with a Laplace kernel on ranks and levels.

    What chance gives is found by dealing the units to the two tables at random.

    Parameters
    ----------
    most
        Rows taken of each table at most.
    """

    name: ClassVar[str] = "mmd"
    family: ClassVar[Family] = "fidelity"
    measures: ClassVar[tuple[Measure, ...]] = (MEASURE,)
    most: int = 1_000

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return one result."""
        if not evidence.columns:
            return [refuse(self.family, MEASURE, "no column can be compared")]
        rng = evidence.rng("mmd")
        sample = pooled(evidence, "synthetic", self.most, rng)
        if sample is None:
            reason = f"fewer than {LEAST} units in train or synthetic"
            return [refuse(self.family, MEASURE, reason)]
        kernel, median = _kernel(sample)
        value, variance = _mmd(kernel, sample)
        deals = unit_permutation.dealt(sample.first, sample.units, _DEALS, rng).astype(np.float32)
        chance = ((deals @ kernel) * deals).sum(axis=1, dtype=np.float64)
        mean, spread = float(chance.mean()), float(chance.var())
        held = None
        if evidence.holdout is not None:
            held = pooled(evidence, "holdout", self.most, rng)
        own = mean
        if held is not None and len(held.first) == len(sample.first):
            own = _mmd(_kernel(held, median)[0], held)[0]
        worse, better = gamma_tails(value, mean, spread)
        draft = Draft(
            MEASURE,
            value,
            variance + spread,
            int(sample.units[sample.first].max()) + 1,
            reference=own,
            noise=half_width(spread),
            p_worse=worse,
            p_better=better,
            params={"rows": int(sample.first.sum()), "expected": round(mean, 8)},
        )
        return judge(self.family, [draft])


def _kernel(sample: Pooled, median: float | None = None) -> tuple[npt.NDArray[np.float32], float]:
    """Return the kernel of all pairs of rows, and the median distance that scales it."""
    found = distances(sample.records, sample.records)
    if median is None:
        inner = found[sample.first][:, sample.first]
        median = float(np.median(inner[np.triu_indices(len(inner), 1)]))
    found /= -max(median, 1e-6)
    return np.exp(found, out=found), median


def _mmd(kernel: npt.NDArray[np.float32], sample: Pooled) -> tuple[float, float]:
    """Value and its variance by the influence of each unit (the witness function)."""
    own = unit_permutation.weights(sample.first)
    witness = (kernel @ own.astype(np.float32)).astype(np.float64)
    value = float(own @ witness)
    variance = 0.0
    for side in (sample.first, ~sample.first):
        pull = 2 * (witness[side] - witness[side].mean()) / side.sum()
        sums = np.bincount(sample.units[side], weights=pull)
        variance += float(sums @ sums)
    return max(value, 0.0), variance
