"""Models of the target, trained on synthetic and on train and asked about the real holdout.

They are fitted once and shared by all metrics that ask. A fresh real sample would give another
model than train does: that scatter is measured on models of quarters of train.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import special

from twinset.evidence.coded import Side, Split
from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import Draft, judge, refuse
from twinset.metrics._models import MOST, Learner, Task, fit
from twinset.metrics._scores import Score, scores_of
from twinset.protocols import Family, Measure, Result
from twinset.scale.local import map_ordered
from twinset.stats import units as by_unit

__all__ = [
    "GAP",
    "INTERVAL",
    "LEARNED",
    "PARTS",
    "TRTR",
    "TSTR",
    "Contrast",
    "Known",
    "TargetProblem",
    "Trained",
    "contrast",
    "contrast_of",
    "known_target",
    "problem",
    "score_results",
    "trained",
]

Floats = npt.NDArray[np.float64]
PARTS = 4
_LEAST = 30
_CLASSES = 30
_TESTED = 100_000  # rows of the holdout, at most
_OWN = 5_000  # rows of its own that a model is asked about
_FITTED: tuple[Side, Side] = ("synthetic", "train")
INTERVAL = "analytic (influence of each row), by unit"
LEARNED = (
    "weaker than learning from real rows",
    "within chance of learning from real rows",
    "better than learning from real rows",
)
TSTR = Measure(
    name="tstr",
    title="Prediction",
    meaning="A model learns from synthetic rows only and is tested on real rows it has never seen "
    "(train on synthetic, test on real: TSTR).",
    direction="higher",
    low=-1,
    formula="score on the real holdout (up to 100,000 rows) of gradient boosting trained on "
    "synthetic (up to 200,000 rows); params.score: auc (macro one-vs-rest), accuracy or r2; the "
    "reference is trained on train (TRTR)",
    source="Esteban et al. 2017",
    reference="learned from real rows",
    standing=LEARNED,
    anchors=(),
    least=0.1,
)
TRTR = Measure(
    name="trtr",
    title="Prediction, learned from real rows",
    meaning="The same model learns from the real train rows and is tested on real rows it has "
    "never seen (train on real, test on real: TRTR).",
    direction="higher",
    low=-1,
    formula="the same, trained on train",
    anchors=(),
    least=0.1,
)
GAP = Measure(
    name="tstr_gap",
    title="Loss by learning from synthetic rows",
    meaning="Score of the model that learned from real rows minus that of the one that learned "
    "from synthetic rows. 0: nothing is lost.",
    low=-2,
    high=2,
    formula="TRTR - TSTR",
    source="paired over the units of the holdout",
    anchors=(0.0, 0.05),
)


@dataclass(frozen=True, eq=False)
class Known:
    """The target (codes of classes, or numbers; NaN where unknown) and the features of each side.

    Beyond 30 classes, the rarer ones share the last.
    """

    column: str
    target: dict[Side, Floats]
    views: dict[Side, Split]
    task: Task


@dataclass(frozen=True, eq=False)
class TargetProblem(Known):
    """The same with the holdout's rows of which the target is known.

    Attributes
    ----------
    rows
        Places in the whole holdout of the tested rows.
    test, truth, units
        Features, target and units of the tested rows.
    """

    rows: npt.NDArray[np.int64]
    test: Floats
    truth: Floats
    units: by_unit.Units

    @property
    def n(self) -> int:
        """Units of the tested rows."""
        return by_unit.count_units(self.units, len(self.truth))


@dataclass(frozen=True)
class Contrast:
    """How far a model trained on synthetic falls behind one trained on train (loss > 0: worse)."""

    loss: float
    variance: float
    noise: float
    p_worse: float
    p_better: float

    def two_sided(self) -> Contrast:
        """Return it for a figure that may miss its target on either side."""
        return replace(self, p_worse=min(1.0, 2 * min(self.p_worse, self.p_better)), p_better=1.0)

    def held(self, draft: Draft) -> Draft:
        """Return the draft with what its verdict needs."""
        return replace(draft, noise=self.noise, p_worse=self.p_worse, p_better=self.p_better)


def contrast(loss: Score, parts: Sequence[float], share: float, units: by_unit.Units) -> Contrast:
    """Hold a loss (train minus synthetic, of what is better higher) against chance."""
    return contrast_of(loss.value, loss.variance(units), parts, share)


def contrast_of(loss: float, sampling: float, parts: Sequence[float], share: float) -> Contrast:
    """Hold a loss against chance: other rows to test on, and other rows to train on.

    The variance of a figure is about that of a part's model, times its share of the rows, and both
    models are random; it rests on few parts, so the distribution is Student's (Welch 1947).

    Parameters
    ----------
    sampling
        Variance of the loss over rows to test on.
    parts, share
        The figure of models of parts of train, and a part's share of the rows of the whole.
    """
    training = 2 * float(np.var(parts, ddof=1)) * share
    total = max(sampling + training, 1e-18)
    freedom = (len(parts) - 1) * (total / max(training, 1e-9 * total)) ** 2
    worse = float(special.stdtr(freedom, -loss / total**0.5))
    noise = float(special.stdtrit(freedom, 0.975)) * total**0.5
    return Contrast(loss, sampling, noise, worse, 1 - worse)


@dataclass(frozen=True, eq=False)
class Trained:
    """Answers about the tested rows, and share of gain by feature, of models of one kind.

    Attributes
    ----------
    answers, own, gains
        One a model: trained on synthetic, on train, and on each quarter of train. `own` are answers
        about rows that it was trained on, with the truth.
    share
        Rows that a quarter's model saw, of those that the whole's saw.
    """

    answers: tuple[Floats, ...]
    own: tuple[tuple[Floats, Floats], ...]
    gains: tuple[Floats, ...]
    share: float

    def loss(self, figure: Callable[[int], Score], units: by_unit.Units) -> Contrast:
        """Hold a figure of the model on synthetic against that of the one on train.

        Parameters
        ----------
        figure
            Gives the figure (higher is better) of each model.
        """
        parts = [figure(i).value for i in range(2, len(self.answers))]
        return contrast(figure(1) - figure(0), parts, self.share, units)


def known_target(evidence: Evidence) -> Known | str:
    """Return what is to be predicted from what, or why nothing is."""
    return evidence.once("known", lambda: _known(evidence))


def _known(evidence: Evidence) -> Known | str:
    if evidence.target is None:
        return "there is no target column"
    if len(evidence.columns) < 2:
        return "there is no column to predict from"
    target, classes = evidence.target_values()
    views = {s: evidence.model_view(s, without=evidence.target) for s in evidence.sides}
    task = Task(None)
    if classes is not None:
        held = np.bincount(target["train"][~np.isnan(target["train"])].astype(int))
        number = min(int(np.count_nonzero(held)), _CLASSES)  # most frequent first
        if number < 2:
            return "the target has fewer than two classes in train"
        pooled = len(held) > number
        target = {s: _lump(v, number, pooled=pooled) for s, v in target.items()}
        task = Task(number)
    for side in evidence.sides:
        if np.count_nonzero(~np.isnan(target[side])) < _LEAST:
            return f"the target is known in fewer than {_LEAST} rows of {side}"
    return Known(evidence.target, target, views, task)


def problem(evidence: Evidence) -> TargetProblem | str:
    """Return what is to be predicted and tested on the holdout, or why nothing is."""
    return evidence.once("problem", lambda: _problem(evidence))


def _problem(evidence: Evidence) -> TargetProblem | str:
    found = known_target(evidence)
    if isinstance(found, str):
        return found
    if evidence.holdout is None:
        return "there is no holdout to test on"
    target, views = found.target, found.views
    known = ~np.isnan(target["holdout"])
    if len(np.unique(target["holdout"][known])) < 2:
        return "the target has one value in the holdout"
    own = views["holdout"].units
    units = None if own is None else own[known]
    drawn = by_unit.draw(units, int(known.sum()), _TESTED, evidence.rng("tested"))
    rows = np.flatnonzero(known)[drawn]
    return TargetProblem(
        found.column,
        target,
        views,
        found.task,
        rows,
        views["holdout"].features[rows],
        target["holdout"][rows],
        None if own is None else own[rows],
    )


def _lump(values: Floats, number: int, *, pooled: bool) -> Floats:
    """Keep the first classes; rarer ones share the last (unseen ones become null otherwise)."""
    if pooled:
        return np.minimum(values, number - 1)
    return np.where(values < number, values, np.nan)


def trained(evidence: Evidence, p: TargetProblem, learner: Learner = "boosting") -> Trained:
    """Fit models of one kind, once for all metrics."""
    return evidence.once(("trained", learner), lambda: _trained(evidence, p, learner))


def _trained(evidence: Evidence, p: TargetProblem, learner: Learner) -> Trained:
    rng = evidence.rng("tstr")
    seed = int(rng.integers(2**31))
    train = p.views["train"]
    part = by_unit.folds(train.units, len(train.features), PARTS, rng)
    jobs = [(p.views[s], p.target[s]) for s in _FITTED]
    for k in range(PARTS):
        inside = part == k
        view = Split(train.features[inside], train.names, train.categorical, None)
        jobs.append((view, p.target["train"][inside]))

    def one(job: tuple[Split, Floats]) -> tuple[Floats, tuple[Floats, Floats], Floats]:
        view, target = job
        made = fit(learner, view, target, p.task, seed)
        known = np.flatnonzero(~np.isnan(target))
        known = known[np.linspace(0, len(known) - 1, min(len(known), _OWN)).astype(int)]
        own = made.predict(view.features[known]), target[known]
        return made.predict(p.test), own, made.gains

    answers, own, gains = zip(*map_ordered(one, jobs), strict=True)
    most = MOST[learner]
    share = min(len(train.features) / PARTS, most) / min(len(train.features), most)
    return Trained(answers, own, gains, share)


def score_results(
    evidence: Evidence, family: Family, learner: Learner, measures: tuple[Measure, Measure, Measure]
) -> list[Result]:
    """Return TSTR, TRTR and their gap for each score of the target, by one kind of model."""
    p = problem(evidence)
    columns = () if evidence.target is None else (evidence.target,)
    if isinstance(p, str):
        return [refuse(family, m, p, columns=columns) for m in measures]
    models = trained(evidence, p, learner)
    drafts = []
    for name, score in scores_of(p.task.classes).items():
        figures = [score(found, p.truth) for found in models.answers]
        tstr, trtr = figures[:2]
        c = models.loss(figures.__getitem__, p.units)
        params = {"score": name, "interval": INTERVAL}
        for measure, figure, reference in (
            (measures[0], tstr, trtr.value),
            (measures[1], trtr, None),
            (measures[2], trtr - tstr, 0.0),
        ):
            draft = Draft(
                measure,
                figure.value,
                figure.variance(p.units),
                p.n,
                reference=reference,
                columns=columns,
                params=params,
            )
            drafts.append(draft if reference is None else c.held(draft))
    return judge(family, drafts)
