"""Sets of k columns: k-way marginals and the k-marginal score."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from twinset.evidence.evidence import Evidence
from twinset.metrics._column_sets import mean_draft, tvd_draft, would_change
from twinset.metrics._judge import Draft, judge, refuse
from twinset.protocols import Family, Measure, Result

__all__ = ["Kway"]

MEAN = Measure(
    name="mean_kway_tvd",
    title="Sets of columns",
    meaning=would_change("several columns, on average,"),
    unit="share",
    formula="mean total variation distance of params.k columns at a time (up to 4 codes each, 8 "
    "at 3, null and unseen besides), over the sets taken",
    source="total variation distance of k-way marginals",
    anchors=(0.0, 0.15),
)
SCORE = Measure(
    name="k_marginal_score",
    title="k-marginal score",
    meaning="Agreement of three columns at a time, averaged over sets of columns: 1000 is equal, 0 "
    "has nothing in common (NIST's score).",
    direction="higher",
    high=1000,
    formula="(2 - mean over sets of sum |train share - synthetic share|) * 500, three columns a "
    "set",
    source="NIST Differential Privacy Synthetic Data Challenge 2018",
    anchors=(),
    least=50.0,
)
_SCORED = 3


@dataclass(frozen=True)
class Kway:
    """Mean TVD of sets of 4 and 5 columns, and NIST's k-marginal score of sets of 3.

    Parameters
    ----------
    sizes
        Numbers of columns in a set.
    most
        Sets of a size at most; of more, a random sample (`params.sets` of `params.of`).
    """

    name: ClassVar[str] = "kway"
    family: ClassVar[Family] = "fidelity"
    needs: ClassVar[str] = "counts"
    measures: ClassVar[tuple[Measure, ...]] = (MEAN, SCORE)
    sizes: tuple[int, ...] = (4, 5)
    most: int = 60

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return one mean a size, and the score."""
        names = list(evidence.columns)
        drafts, refused = [], []
        for k in self.sizes:
            if len(names) < k:
                reason = f"fewer than {k} columns"
                refused.append(refuse(self.family, MEAN, reason, params={"k": k}))
            else:
                drafts.append(self._mean(evidence, names, k))
        if len(names) < _SCORED:
            reason = f"fewer than {_SCORED} columns"
            refused.append(refuse(self.family, SCORE, reason, params={"k": _SCORED}))
        else:
            drafts.append(_score(self._mean(evidence, names, _SCORED)))
        return [*judge(self.family, drafts), *refused]

    def _mean(self, evidence: Evidence, names: list[str], k: int) -> Draft:
        sets = [evidence.cells(c) for c in self._chosen(evidence, names, k)]
        drafts = [tvd_draft(evidence, MEAN, cells) for cells in sets]
        return mean_draft(evidence, MEAN, drafts, sets, of=math.comb(len(names), k), k=k)

    def _chosen(self, evidence: Evidence, names: list[str], k: int) -> Sequence[tuple[str, ...]]:
        if math.comb(len(names), k) <= self.most:
            return list(itertools.combinations(names, k))
        rng = evidence.rng("kway", k)
        found: set[tuple[int, ...]] = set()
        while len(found) < self.most:
            found.add(tuple(sorted(rng.choice(len(names), k, replace=False).tolist())))
        return [tuple(names[i] for i in at) for at in sorted(found)]


def _score(mean: Draft) -> Draft:
    """Turn the mean TVD into the score: 1000 (1 - TVD)."""
    low, high = mean.interval or (mean.value, mean.value)
    expected = 1000 * (1 - float(mean.params["expected"]))
    return replace(
        mean,
        measure=SCORE,
        value=1000 * (1 - mean.value),
        variance=1e6 * mean.variance,
        reference=None if mean.reference is None else 1000 * (1 - mean.reference),
        noise=None if mean.noise is None else 1000 * mean.noise,
        params={**mean.params, "expected": round(expected, 3)},
        interval=(1000 * (1 - high), 1000 * (1 - low)),
    )
