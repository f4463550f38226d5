"""How well models of synthetic and of real rows rank and foretell each group of the holdout."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.evidence import Evidence
from twinset.metrics._fair import GroupedOutcome, cases
from twinset.metrics._judge import Draft, judge, refuse
from twinset.metrics._targets import TargetProblem, Trained, contrast_of
from twinset.protocols import Family, Measure, Result
from twinset.stats.ordered import auc
from twinset.stats.units import compact

__all__ = ["GroupScores"]

Floats = npt.NDArray[np.float64]

EQUITY = Measure(
    name="equity_scaled_auc",
    title="Prediction, scaled by equity",
    meaning="How well the model ranks real rows (AUC), divided by one plus its gaps between "
    "groups.",
    direction="higher",
    formula="AUC / (1 + sum over groups |AUC - AUC of the group|) of boosting trained on "
    "synthetic, for params.class on the real holdout; the reference is trained on train",
    source="Luo et al. 2024, eq. 1",
    reference="a model of real rows",
    anchors=(0.5, 1.0),
)
CALIBRATION = Measure(
    name="group_calibration_gap",
    title="Chances right in each group",
    meaning="Largest gap in a group between the mean chance that the model gives and the share "
    "with the outcome.",
    unit="share",
    formula="largest over groups (params.worst) of |mean chance by the model - share with the "
    "outcome|",
    reference="a model of real rows",
    anchors=(0.0, 0.1),
)
_DRAWS = 400
_GROUPS = 30


class GroupScores:
    """Equity-scaled area under the curve, and calibration in each group.

    Both are functions of figures of groups whose errors and dependence are known from the influence
    of each row (by unit, both models together); intervals are drawn from that.
    """

    name: ClassVar[str] = "group_scores"
    family: ClassVar[Family] = "fairness"
    measures: ClassVar[tuple[Measure, ...]] = (EQUITY, CALIBRATION)

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return two results a grouping and class."""
        found = cases(evidence)
        if not isinstance(found, str) and found[2][0].chances is None:
            found = "the target is a number, not a class"
        if isinstance(found, str):
            return [refuse(self.family, m, found) for m in self.measures]
        p, models, judged = found
        few = [c for c in judged if len(c.names) <= _GROUPS]
        reason = f"more than {_GROUPS} groups"
        refused = [
            refuse(self.family, m, reason, columns=c.columns)
            for c in judged
            if len(c.names) > _GROUPS
            for m in self.measures
        ]
        drafts = [d for c in few for d in _drafts(evidence, p, models, c)]
        return [*judge(self.family, drafts), *refused]


def _drafts(
    evidence: Evidence, p: TargetProblem, models: Trained, case: GroupedOutcome
) -> list[Draft]:
    rng = evidence.rng("group_scores", *case.columns, str(case.params["class"]))
    drafts = []
    kinds: tuple[tuple[Measure, _Parts, _Figure, float], ...] = (
        (EQUITY, _areas, _equity, -1.0),
        (CALIBRATION, _biases, _largest, 1.0),
    )
    for measure, parts, figure, sign in kinds:
        made = [parts(case, i) for i in range(2)]
        influence = np.concatenate([influence for _, influence in made], axis=1)
        ids = compact(case.units, len(influence))
        summed = np.zeros((int(ids.max()) + 1, influence.shape[1]))
        np.add.at(summed, ids, influence)
        values = np.concatenate([value for value, _ in made])
        size = len(values) // 2
        drawn = rng.multivariate_normal(values, summed.T @ summed, size=_DRAWS, method="svd")
        around = figure(drawn[:, :size]), figure(drawn[:, size:])
        own = [float(figure(value)) for value, _ in made]
        quarters = [float(figure(parts(case, i)[0])) for i in range(2, len(models.answers))]
        loss = sign * (own[0] - own[1])
        c = contrast_of(loss, float(np.var(around[0] - around[1])), quarters, models.share)
        params = {**case.params, "interval": "drawn from the influence of rows"}
        if measure is CALIBRATION:
            params["worst"] = case.names[int(np.argmax(np.abs(made[0][0])))]
        draft = Draft(
            measure,
            own[0],
            float(np.var(around[0])),
            p.n,
            reference=own[1],
            columns=(*case.columns, p.column),
            params=params,
        )
        drafts.append(c.held(draft))
    return drafts


_Parts = Callable[[GroupedOutcome, int], tuple[Floats, Floats]]
_Figure = Callable[[Floats], Floats]


def _areas(case: GroupedOutcome, model: int) -> tuple[Floats, Floats]:
    """AUC of all rows and of each group, shape (1 + groups,), and (rows, 1 + groups) influences."""
    score = case.chances[model] if case.chances else np.empty(0)
    values, influence = [], np.zeros((len(score), 1 + len(case.names)))
    for k in range(1 + len(case.names)):
        inside = np.ones(len(score), dtype=bool) if k == 0 else case.groups == k - 1
        one, zero = inside & case.outcome, inside & ~case.outcome
        area = auc(score[one], score[zero])
        influence[one, k], influence[zero, k] = area.positive, area.negative
        values.append(area.value)
    return np.array(values), influence


def _equity(areas: Floats) -> Floats:
    whole, groups = areas[..., 0], areas[..., 1:]
    return np.asarray(whole / (1 + np.abs(groups - whole[..., None]).sum(axis=-1)))


def _biases(case: GroupedOutcome, model: int) -> tuple[Floats, Floats]:
    """Mean chance minus share with the outcome of each group, and influences."""
    score = case.chances[model] if case.chances else np.empty(0)
    error = score - case.outcome
    n = np.bincount(case.groups, minlength=len(case.names))
    mean = np.bincount(case.groups, weights=error, minlength=len(case.names)) / n
    influence = np.zeros((len(error), len(case.names)))
    influence[np.arange(len(error)), case.groups] = (error - mean[case.groups]) / n[case.groups]
    return mean, influence


def _largest(biases: Floats) -> Floats:
    return np.asarray(np.abs(biases).max(axis=-1))
