"""Efficacy delta: accuracy, F1 and F2 lost by training on synthetic, at a threshold set before."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import Draft, judge, refuse
from twinset.metrics._scores import Score, f_score, ratio
from twinset.metrics._targets import INTERVAL, Trained, problem, trained
from twinset.protocols import Family, Measure, Result

__all__ = ["Efficacy"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MEASURE = Measure(
    name="efficacy_delta",
    title="Decisions lost by learning from synthetic rows",
    meaning="Score of decisions by the model that learned from real rows minus that by the one "
    "that learned from synthetic rows; the threshold was set on the rows learned from. 0: nothing "
    "is lost.",
    low=-1,
    formula="score of boosting trained on train minus that of boosting trained on synthetic, on "
    "the real holdout; params.score: accuracy, f1 or f2 (two classes: of the rarer one, at the "
    "threshold that has the best F1 on the rows that the model was trained on; else macro, "
    "likeliest class)",
    source="van Rijsbergen 1979, chapter 7 (F)",
    anchors=(0.0, 0.05),
)


class Efficacy:
    """What decisions lose if the model behind them was trained on synthetic rows."""

    name: ClassVar[str] = "efficacy"
    family: ClassVar[Family] = "utility"
    measures: ClassVar[tuple[Measure, ...]] = (MEASURE,)

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return one result a score."""
        p = problem(evidence)
        columns = () if evidence.target is None else (evidence.target,)
        if not isinstance(p, str) and p.task.classes is None:
            p = "the target is a number, not a class"
        if isinstance(p, str):
            return [refuse(self.family, MEASURE, p, columns=columns)]
        models = trained(evidence, p)
        chosen = _decisions(models)
        drafts = []
        for name, score in _scores(p.truth, p.task.classes or 2).items():
            figures = [score(c) for c in chosen]
            c = models.loss(figures.__getitem__, p.units)
            draft = Draft(
                MEASURE,
                c.loss,
                c.variance,
                p.n,
                reference=0.0,
                columns=columns,
                params={
                    "score": name,
                    "synthetic": round(figures[0].value, 6),
                    "train": round(figures[1].value, 6),
                    "interval": INTERVAL,
                },
            )
            drafts.append(c.held(draft))
        return judge(self.family, drafts)


def _decisions(models: Trained) -> list[Ints]:
    """Return the class that each model gives each tested row, shape (rows,)."""
    chosen = []
    for found, (own, truth) in zip(models.answers, models.own, strict=True):
        if found.shape[1] == 2:
            chosen.append((found[:, 1] >= _best_threshold(own[:, 1], truth == 1)).astype(np.int64))
        else:
            chosen.append(found.argmax(axis=1))
    return chosen


def _best_threshold(score: Floats, positive: npt.NDArray[np.bool_]) -> float:
    """Return the threshold of the best F1, half-way to the next lower score; 0.5 without one.

    >>> _best_threshold(np.array([0.1, 0.4, 0.8]), np.array([False, False, True]))
    0.6000000000000001
    """
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    hits = np.cumsum(positive[order])
    if not len(ranked) or hits[-1] in (0, len(ranked)):
        return 0.5
    f1 = 2 * hits / (np.arange(1, len(ranked) + 1) + hits[-1])
    last = np.append(ranked[1:] < ranked[:-1], True)  # a threshold lies between different scores
    at = int(np.argmax(np.where(last, f1, -1.0)))
    lower = ranked[at + 1] if at + 1 < len(ranked) else 0.0
    return float((ranked[at] + lower) / 2)


def _scores(truth: Floats, classes: int) -> dict[str, Callable[[Ints], Score]]:
    def right(chosen: Ints) -> Score:
        return ratio((chosen == truth).astype(np.float64), np.ones(len(truth)))

    def f(beta: float, chosen: Ints) -> Score:
        return f_score(chosen, truth, classes, beta)

    return {"accuracy": right, "f1": partial(f, 1.0), "f2": partial(f, 2.0)}
