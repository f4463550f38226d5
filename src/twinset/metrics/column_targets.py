"""Each column as target: which column is foretold worse by what was learned from synthetic rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.coded import Side, Split
from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import Draft, judge, refuse
from twinset.metrics._models import column_target, fit
from twinset.metrics._scores import scores_of
from twinset.metrics._targets import INTERVAL, PARTS, contrast
from twinset.protocols import Family, Measure, Result
from twinset.scale.local import map_ordered
from twinset.stats import units as by_unit

__all__ = ["ColumnTargets"]

GAP = Measure(
    name="column_prediction_gap",
    title="Each column foretold from the others",
    meaning="Score of a small model of this column that learned from real rows minus that of one "
    "that learned from synthetic rows, on unseen real rows. 0: nothing is lost.",
    low=-2,
    high=2,
    formula="score on unseen real rows of a small boosting of this column by the others, trained "
    "on train, minus that of one trained on synthetic; params.score: auc (macro, the most "
    "frequent classes) or r2 (of the ranks in train); without a holdout, one half of train is "
    "unseen",
    reference="learned from real rows",
    anchors=(0.0, 0.05),
)
_LEAST = 60


@dataclass(frozen=True)
class ColumnTargets:
    """Every column in turn as the target of small models, TRTR minus TSTR.

    Parameters
    ----------
    rows
        Rows that a model learns from, and rows that it is tested on, at most.
    columns
        Columns that are targets at most; drawn if there are more.
    features
        Columns that a model learns from at most; drawn if there are more.
    trees, classes
        Trees of a model, classes of a target (rarer ones are one).
    """

    name: ClassVar[str] = "column_targets"
    family: ClassVar[Family] = "utility"
    measures: ClassVar[tuple[Measure, ...]] = (GAP,)
    rows: int = 2_000
    columns: int = 20
    features: int = 30
    trees: int = 20
    classes: int = 4

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return one result a column."""
        if len(evidence.columns) < 2:
            return [refuse(self.family, GAP, "there are no two columns")]
        rng = evidence.rng("column_targets")
        views = self._views(evidence, rng)
        if min(by_unit.count_units(v.units, len(v.features)) for v in views) < _LEAST:
            return [refuse(self.family, GAP, f"fewer than {_LEAST} units to learn from or to test")]
        number = len(evidence.columns)
        chosen = np.arange(number)
        if number > self.columns:
            chosen = np.sort(rng.choice(number, self.columns, replace=False))
        seed = int(rng.integers(2**31))
        learned = views[1]
        parts = by_unit.folds(learned.units, len(learned.features), PARTS, rng)
        one = partial(self._one, views, parts, seed)
        drafts, refused = [], []
        for j, made in zip(chosen, map_ordered(one, chosen.tolist()), strict=True):
            column = (views[0].names[j],)
            if isinstance(made, str):
                refused.append(refuse(self.family, GAP, made, columns=column))
                continue
            if number > self.columns:
                made = replace(made, params={**made.params, "sets": self.columns, "of": number})
            drafts.append(made)
        return [*judge(self.family, drafts), *refused]

    def _views(self, evidence: Evidence, rng: np.random.Generator) -> list[Split]:
        """Rows of synthetic, real rows to learn from, real rows to test on."""
        sides: list[Side] = ["synthetic", "train"]
        if evidence.holdout is not None:
            sides.append("holdout")
        views = [evidence.model_view(s) for s in sides]
        if len(views) == 2:
            first = by_unit.folds(views[1].units, len(views[1].features), 2, rng) == 0
            views = [views[0], views[1].take(first), views[1].take(~first)]
        return [
            v.take(by_unit.draw(v.units, len(v.features), self.rows, rng))
            if len(v.features) > self.rows
            else v
            for v in views
        ]

    def _one(
        self, views: list[Split], parts: npt.NDArray[np.int64], seed: int, j: int
    ) -> Draft | str:
        """Measure column `j`."""
        targets, task = column_target(views, 1, j, self.classes)
        known = ~np.isnan(targets[2])
        enough = min(np.count_nonzero(~np.isnan(t)) for t in targets) >= _LEAST
        if not enough or any(len(np.unique(t[~np.isnan(t)])) < 2 for t in targets[1:]):
            return "fewer than two values, or too few known ones"
        others = np.setdiff1d(np.arange(len(views[0].names)), [j])
        if len(others) > self.features:
            rng = np.random.default_rng([seed, j])
            others = np.sort(rng.choice(others, self.features, replace=False))
        small = [v.only(others) for v in views]
        jobs = [(small[0], targets[0]), (small[1], targets[1])]
        jobs += [(small[1].take(parts == k), targets[1][parts == k]) for k in range(PARTS)]
        test, truth = small[2].features[known], targets[2][known]
        name, score = next(iter(scores_of(task.classes).items()))
        figures = [
            score(fit("boosting", v, t, task, seed, self.trees).predict(test), truth)
            for v, t in jobs
        ]
        own = small[2].units
        units = None if own is None else own[known]
        c = contrast(figures[1] - figures[0], [f.value for f in figures[2:]], 1 / PARTS, units)
        params = {
            "score": name,
            "synthetic": round(figures[0].value, 6),
            "train": round(figures[1].value, 6),
            "interval": INTERVAL,
        }
        draft = Draft(
            GAP,
            c.loss,
            c.variance,
            by_unit.count_units(units, len(truth)),
            reference=0.0,
            columns=(views[0].names[j],),
            params=params,
        )
        return c.held(draft)
