"""Classifier two-sample test: can a model tell synthetic rows from real ones, and by what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from twinset.evidence.coded import Side
from twinset.evidence.evidence import Evidence
from twinset.metrics import _models
from twinset.metrics._judge import Draft, above, half_width, judge, refuse
from twinset.protocols import Family, Measure, Result
from twinset.stats import units
from twinset.stats.intervals import normal_interval
from twinset.stats.ordered import auc

__all__ = ["C2st"]

MEASURE = Measure(
    name="c2st",
    title="Telling synthetic rows from real ones",
    meaning="A model is trained to tell them apart (classifier two-sample test, C2ST); the figure "
    "is how often it ranks a synthetic row as the more synthetic one (AUC). 0.5: it cannot tell. "
    "1: it always can.",
    formula="AUC of cross-fitted gradient boosting (100 trees) that tells equally many synthetic "
    "and real rows apart; params.against: holdout (the test) or train (information: below 0.5 or "
    "far below the holdout's value means that rows follow train too closely)",
    source="Lopez-Paz and Oquab 2017; variance: DeLong et al. 1988",
    goal="closer to 0.5 is better",
    standing=("can be told apart", "cannot be told apart", "cannot be told apart"),
    anchors=(0.45, 0.75),
)
_LEAST = 30
_SHARED = 2.0  # simulated: variance 1.5 to 2.1 times that of independent scores


@dataclass(frozen=True)
class C2st:
    """AUC of a classifier that tells synthetic from real rows; 0.5 if it cannot.

    Equal numbers of rows, folds by unit, scores only from models that have not seen the unit.
    Two exchangeable samples give 0.5, which is the reference.

    Parameters
    ----------
    folds
        Number of folds.
    most
        Rows taken of each table at most.
    """

    name: ClassVar[str] = "c2st"
    family: ClassVar[Family] = "fidelity"
    measures: ClassVar[tuple[Measure, ...]] = (MEASURE,)
    folds: int = 5
    most: int = 50_000

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return the AUC against holdout (where there is one) and against train."""
        results: list[Result] = []
        for against in ("holdout", "train"):
            params = {"against": against}
            if against == "holdout" and evidence.holdout is None:
                results.append(refuse(self.family, MEASURE, "there is no holdout", params=params))
                continue
            draft = self._against(evidence, against)
            if draft is None:
                reason = f"fewer than {_LEAST} rows or units on a side, or no column"
                results.append(refuse(self.family, MEASURE, reason, params=params))
            else:
                results += judge(self.family, [draft])
        return results

    def _against(self, evidence: Evidence, against: Side) -> Draft | None:
        views = [evidence.model_view(s) for s in ("synthetic", against)]
        rows = [len(v.features) for v in views]
        size = min(*rows, self.most)
        rng = evidence.rng("c2st", against)
        if size < _LEAST or not views[0].names:
            return None
        chosen = [units.draw(v.units, r, size, rng) for v, r in zip(views, rows, strict=True)]
        ids = [
            units.compact(None if v.units is None else v.units[at], len(at))
            for v, at in zip(views, chosen, strict=True)
        ]
        if min(int(i.max()) + 1 for i in ids) < _LEAST:
            return None
        folds = np.concatenate([units.folds(i, len(i), self.folds, rng) for i in ids])
        features = np.concatenate([v.features[at] for v, at in zip(views, chosen, strict=True)])
        labels = np.concatenate([np.ones(len(ids[0])), np.zeros(len(ids[1]))])
        seed = int(rng.integers(2**31))
        found = _models.crossfit(features, labels, folds, views[0], seed)
        # models of different folds have slightly different scales: compare within folds
        parts = []
        for fold in np.unique(folds):
            inside = folds == fold
            one, zero = inside & (labels == 1), inside & (labels == 0)
            own = one[: len(ids[0])], zero[len(ids[0]) :]
            area = auc(found.scores[one], found.scores[zero])
            parts.append((area.value, area.variance((ids[0][own[0]], ids[1][own[1]]))))
        value, variance = (float(v) for v in np.mean(parts, axis=0))
        variance /= len(parts)
        # 1/12 per unit and side is the scatter of an AUC whose scores carry no information; models
        # of different folds share most of their rows, which doubles it
        effect = max(len(i) * float(np.sum((np.bincount(i) / len(i)) ** 2)) for i in ids)
        null = effect * (1 / len(ids[0]) + 1 / len(ids[1])) / 12 * _SHARED
        variance += null / 2 * 4 * value * (1 - value)
        z = (value - 0.5) / null**0.5
        top = sorted(found.gains.items(), key=lambda kv: -kv[1])[:5]
        params: dict[str, Any] = {
            "against": against,
            "rows": len(ids[0]),
            "giveaways": [{"column": c, "share": round(g, 4)} for c, g in top if g > 0],
            "interval": "analytic (DeLong, plus the scatter of models), by unit",
        }
        return Draft(
            MEASURE,
            value,
            variance,
            int(ids[0].max()) + 1,
            reference=0.5,
            noise=half_width(null),
            p_worse=above(z),
            params=params,
            interval=normal_interval(value, variance, 0.0, 1.0),
        )
