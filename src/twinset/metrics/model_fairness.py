"""Fairness of decisions on the real holdout, by a model trained on synthetic and one on train."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.evidence import Evidence
from twinset.metrics._fair import FIGURES, GroupedOutcome, cases
from twinset.metrics._judge import Draft, judge, refuse
from twinset.metrics._targets import TargetProblem, Trained, contrast_of
from twinset.protocols import Family, Measure, Result

__all__ = ["ModelFairness"]

Floats = npt.NDArray[np.float64]

_OF = "of boosting trained on synthetic, judged on the real holdout, over the groups of params.by"
_DRAWS = 400

_measure = partial(Measure, reference="a model of real rows")


def _gap(
    name: str,
    title: str,
    meaning: str,
    formula: str,
    source: str,
    ratio: str = "smallest over largest",
) -> tuple[Measure, Measure]:
    """Return a gap between groups, as a difference and as a ratio."""
    difference = _measure(
        name=f"{name}_difference",
        title=title,
        meaning=f"{meaning} 0% is equal.",
        unit="share",
        formula=formula,
        source=source,
        anchors=(0.0, 0.1),
    )
    return difference, _measure(
        name=f"{name}_ratio",
        title=f"{title}, as a ratio",
        meaning="The same as a ratio, smallest over largest. 1 is equal.",
        direction="higher",
        formula=ratio,
        anchors=(1.0,),
    )


_HARDT = "Hardt et al. 2016"
MEASURES = (
    *_gap(
        "demographic_parity",
        "Groups chosen alike",
        "A model that learned from synthetic rows decides about real ones: largest gap between "
        "groups in the share it decides to have this outcome (demographic parity).",
        f"largest minus smallest share decided to be params.class, {_OF}; the reference is the "
        "same of boosting trained on train",
        "equals fairlearn's",
    ),
    *_gap(
        "equal_opportunity",
        "Those with the outcome found alike",
        "Largest gap between groups in the share of those with the outcome that the model finds "
        "(equal opportunity).",
        "largest minus smallest true positive rate",
        f"{_HARDT}; equals fairlearn's",
    ),
    *_gap(
        "equalised_odds",
        "Errors made alike",
        "The larger of the gaps between groups in the share found and in the share of false alarms "
        "(equalised odds).",
        "the larger of the differences of true and of false positive rates",
        f"{_HARDT}; equals fairlearn's",
        "the smaller of the two ratios",
    ),
    *_gap(
        "predictive_parity",
        "Decisions right alike",
        "Largest gap between groups in the share of those decided to have the outcome who have it "
        "(predictive parity).",
        "largest minus smallest precision",
        "Chouldechova 2017; equals fairlearn's MetricFrame",
    ),
    _measure(
        name="worst_group_accuracy",
        title="The group served worst",
        meaning="Share of right decisions in the group with the fewest.",
        unit="share",
        direction="higher",
        formula="smallest share decided right in a group (params.worst)",
        source="Sagawa et al. 2020",
        anchors=(1.0,),
    ),
    _measure(
        name="generalised_entropy",
        title="Inequality of decisions",
        meaning="How unequally wrong decisions benefit some and harm others (generalised "
        "entropy). 0 is equal.",
        high=np.inf,
        formula="mean ((b / mean b)^2 - 1) / 2 of the benefits b = decision - outcome + 1, alpha 2",
        source="Speicher et al. 2018, eq. 2",
    ),
    _measure(
        name="between_group_entropy",
        title="Inequality of decisions between groups",
        meaning="The part of that inequality that lies between groups. 0: none.",
        high=np.inf,
        formula="the same if each row had the mean benefit of its group",
        source="Speicher et al. 2018, eq. 4",
    ),
    _measure(
        name="bias_amplification",
        title="Differences exaggerated",
        meaning="By how much the model's decisions exaggerate (above 0) or dampen (below 0) what "
        "sets the groups apart.",
        unit="share",
        direction="target",
        low=-1,
        formula="mean over groups of P(decided | group) - P(outcome | group), its sign turned "
        "where the outcome is rarer than elsewhere: above 0, the model exaggerates what sets "
        "groups apart",
        source="Wang and Russakovsky 2021, eq. 3",
        anchors=(0.0, 0.05),
    ),
)


class ModelFairness:
    """Are groups treated alike by models of synthetic rows, compared with models of real ones.

    A class is decided for if it is the likeliest; a number, if it is predicted above train's
    median. Groups need ten units of the holdout with the outcome and ten without. Intervals come
    from paired draws of the counts by group, outcome and both decisions, thinned by the design
    effect of units; other train rows would give another model, as quarters of train show.
    """

    name: ClassVar[str] = "model_fairness"
    family: ClassVar[Family] = "fairness"
    measures: ClassVar[tuple[Measure, ...]] = MEASURES

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return one result a figure, grouping and outcome."""
        found = cases(evidence)
        if isinstance(found, str):
            return [refuse(self.family, m, found) for m in self.measures]
        p, models, judged = found
        drafts = [d for c in judged for d in _drafts(evidence, p, models, c)]
        return judge(self.family, drafts)


def _drafts(
    evidence: Evidence, p: TargetProblem, models: Trained, case: GroupedOutcome
) -> list[Draft]:
    rng = evidence.rng("model_fairness", *case.columns, str(case.params["class"]))
    effect = evidence.pooled_effect((*case.columns, p.column))
    drawn = _drawn(case.paired(), effect, rng)
    counts = [case.counts(i) for i in range(len(models.answers))]
    drafts = []
    for measure in MEASURES:
        figure = FIGURES[measure.name]
        values = [float(figure(c)) for c in counts]
        around = [figure(d) for d in drawn]
        sign = 1.0 if measure.direction == "lower" else -1.0
        if measure.direction == "target":  # farther from 0 than train's is worse
            sign = 1.0 if values[0] >= values[1] else -1.0
        loss = sign * (values[0] - values[1])
        c = contrast_of(loss, float(np.var(around[0] - around[1])), values[2:], models.share)
        params: dict[str, Any] = {**case.params, "interval": "paired draws of counts"}
        if measure.direction == "target":
            c = c.two_sided()
            params["target"] = 0.0
        if measure.name == "worst_group_accuracy":
            params["worst"] = case.names[int(np.argmin(_rights(counts[0])))]
        draft = Draft(
            measure,
            values[0],
            float(np.var(around[0])),
            p.n,
            reference=values[1],
            columns=(*case.columns, p.column),
            params=params,
        )
        drafts.append(c.held(draft))
    return drafts


def _rights(counts: Floats) -> Floats:
    return np.asarray((counts[:, 0, 0] + counts[:, 1, 1]) / counts.sum(axis=(1, 2)))


def _drawn(paired: Floats, effect: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw counts of both models, shape (draws, groups, 2, 2) each."""
    total = max(round(paired.sum() / effect), 1)
    drawn = rng.multinomial(total, (paired / paired.sum()).ravel(), size=_DRAWS)
    cells = drawn.reshape(_DRAWS, *paired.shape).astype(np.float64)
    return cells.sum(axis=-1), cells.sum(axis=-2)
