"""Two columns at a time: every pair, also those that are independent in the real data."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from twinset.metrics._evidence import Cells, Evidence
from twinset.metrics._judge import Draft, Measure, half_width, judge, refuse
from twinset.metrics._tvd import mean_draft, tvd_draft
from twinset.protocols import Family, Result
from twinset.stats import marginals
from twinset.stats.association import mutual_information
from twinset.stats.intervals import chi_tails

__all__ = ["Pairs"]

Floats = npt.NDArray[np.float64]

TVD = Measure(
    "pair_tvd",
    "lower",
    0,
    1,
    "1/2 sum over joint cells of two columns (up to 32 codes each, null and unseen besides) of "
    "|train share - synthetic share|",
    "total variation distance of 2-way marginals",
)
DEPENDENCE = Measure(
    "dependence_tvd",
    "lower",
    0,
    1,
    "pair TVD after the synthetic table is raked to train's two margins: dependence alone",
    "margins fitted as in Deming and Stephan 1940",
)
MEAN = Measure("mean_pair_tvd", "lower", 0, 1, "mean of pair_tvd over the pairs taken", "")
_SCREEN_ROWS = 4_000


@dataclass(frozen=True)
class Pairs:
    """Total variation distance of pairs of columns, whole and for their dependence alone.

    Parameters
    ----------
    most
        Pairs taken at most. Of more, three quarters are those with the strongest association in
        train or in the release (on a sample of rows, 8 codes a column), the others are random.
    """

    name: ClassVar[str] = "pairs"
    family: ClassVar[Family] = "fidelity"
    measures: ClassVar[tuple[Measure, ...]] = (TVD, DEPENDENCE, MEAN)
    most: int = 2_000

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return two results a pair, and the mean."""
        names = list(evidence.columns)
        everything = list(itertools.combinations(names, 2))
        if not everything:
            return [refuse(self.family, m, "fewer than two columns") for m in self.measures]
        chosen = everything if len(everything) <= self.most else self._screen(evidence, names)
        sets = [evidence.cells(pair) for pair in chosen]
        drafts = [tvd_draft(evidence, TVD, cells) for cells in sets]
        mean = mean_draft(evidence, MEAN, drafts, sets, of=len(everything))
        bound = [_dependence(evidence, c, d.variance) for c, d in zip(sets, drafts, strict=True)]
        return judge(self.family, [mean, *drafts, *bound])

    def _screen(self, evidence: Evidence, names: list[str]) -> list[tuple[str, ...]]:
        strength = np.zeros((len(names), len(names)))
        rng = evidence.rng("pairs")
        for side in ("train", "synthetic"):
            rows = evidence.rows(side)
            at = rng.choice(rows, min(rows, _SCREEN_ROWS), replace=False)
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
        strong = self.most * 3 // 4
        rest = rng.choice(ranked[strong:], self.most - strong, replace=False)
        picked = np.sort(np.concatenate([ranked[:strong], rest]))
        return [(names[first[i]], names[second[i]]) for i in picked]


def _raked_tvd(train: Floats, other: Floats) -> float:
    """TVD after raking, on the levels that both tables have: a lost level is a column's defect."""
    rows = (train.sum(axis=1) > 0) & (other.sum(axis=1) > 0)
    cols = (train.sum(axis=0) > 0) & (other.sum(axis=0) > 0)
    mine, its = train[rows][:, cols], other[rows][:, cols]
    raked = marginals.rake(its, mine.sum(axis=1), mine.sum(axis=0))
    return marginals.tvd(mine.ravel(), raked.ravel())


def _dependence(evidence: Evidence, cells: Cells, variance: float) -> Draft:
    tables = {s: c.reshape(cells.shape).astype(float) for s, c in cells.counts.items()}
    train = tables["train"]
    mean, spread = evidence.null(cells, "tvd", raked="holdout" in tables)
    value = _raked_tvd(train, tables["synthetic"])
    reference = _raked_tvd(train, tables["holdout"]) if "holdout" in tables else mean
    # raking adds noise where margins are thin, which the holdout shows and the formula does not
    mean = max(mean, reference)
    worse, _ = chi_tails(value, mean, spread)
    before = mutual_information(train)
    after = mutual_information(tables["synthetic"])
    params: dict[str, Any] = {
        "expected": round(mean, 6),
        "information_train": round(before, 5),
        "information_synthetic": round(after, 5),
        "interval": "analytic, margins taken as known",
    }
    return Draft(
        DEPENDENCE,
        value,
        variance,
        evidence.number_of_units("synthetic"),
        reference=reference,
        noise=half_width(spread),
        p_worse=worse,
        columns=cells.columns,
        params=params,
    )
