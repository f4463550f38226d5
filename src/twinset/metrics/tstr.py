"""Train on synthetic, test on real: what a model that never saw real rows is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.metrics._evidence import Evidence, Side, Split
from twinset.metrics._judge import Draft, Measure, half_width, judge, refuse
from twinset.metrics._models import Task, fit_predict
from twinset.protocols import Family, Result
from twinset.scale.local import map_ordered
from twinset.stats import units as by_unit
from twinset.stats.bootstrap import bootstrap
from twinset.stats.intervals import two_sided

__all__ = ["Tstr"]

Floats = npt.NDArray[np.float64]

TSTR = Measure(
    "tstr",
    "higher",
    -1,
    1,
    "score on the real holdout of gradient boosting trained on synthetic; params.score: auc "
    "(macro one-vs-rest), accuracy or r2; the reference is trained on train (TRTR)",
    "Esteban et al. 2017",
)
TRTR = Measure("trtr", "higher", -1, 1, "the same, trained on train", "")
GAP = Measure("tstr_gap", "lower", -2, 2, "TRTR - TSTR", "paired over the units of the holdout")
_DRAWS = 200
_PARTS = 4
_LEAST = 30
_CLASSES = 30
_NUMBER: tuple[str, ...] = ("r2",)
_CLASS: tuple[str, ...] = ("auc", "accuracy")
_FITTED: tuple[Side, Side] = ("synthetic", "train")


@dataclass(frozen=True)
class Tstr:
    """Score of a model trained on synthetic and tested on the real holdout, beside TRTR.

    Intervals: paired bootstrap over units of the holdout. A fresh real train sample would also
    give another model: that scatter is measured on models of quarters of train.
    """

    name: ClassVar[str] = "tstr"
    family: ClassVar[Family] = "utility"
    measures: ClassVar[tuple[Measure, ...]] = (TSTR, TRTR, GAP)

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return TSTR, TRTR and their gap for each score, for the target."""
        reason = self._reason(evidence)
        columns = () if evidence.target is None else (evidence.target,)
        if reason:
            return [refuse(self.family, m, reason, columns=columns) for m in self.measures]
        prepared = _prepare(evidence)
        if isinstance(prepared, str):
            return [refuse(self.family, m, prepared, columns=columns) for m in self.measures]
        return judge(self.family, _drafts(evidence, prepared))

    def _reason(self, evidence: Evidence) -> str:
        if evidence.target is None:
            return "there is no target column"
        if evidence.holdout is None:
            return "there is no holdout to test on"
        if len(evidence.columns) < 2:
            return "there is no column to predict from"
        return ""


@dataclass(frozen=True)
class _Task:
    target: dict[Side, Floats]
    views: dict[Side, Split]
    task: Task
    names: tuple[str, ...]
    test: Floats
    truth: Floats
    test_units: by_unit.Units


def _prepare(evidence: Evidence) -> _Task | str:
    target, classes = evidence.target_values()
    sides: tuple[Side, ...] = ("train", "synthetic", "holdout")
    views = {s: evidence.model_view(s, without=evidence.target) for s in sides}
    if classes is None:
        task, scores = Task(None), _NUMBER
    else:
        held = np.bincount(target["train"][~np.isnan(target["train"])].astype(int))
        number = min(int(np.count_nonzero(held)), _CLASSES)  # most frequent first
        if number < 2:
            return "the target has fewer than two classes in train"
        pooled = len(held) > number
        target = {s: _lump(v, number, pooled=pooled) for s, v in target.items()}
        task, scores = Task(number), _CLASS
    known = ~np.isnan(target["holdout"])
    for side in sides:
        if np.count_nonzero(~np.isnan(target[side])) < _LEAST:
            return f"the target is known in fewer than {_LEAST} rows of {side}"
    if len(np.unique(target["holdout"][known])) < 2:
        return "the target has one value in the holdout"
    own = views["holdout"].units
    return _Task(
        target,
        views,
        task,
        scores,
        views["holdout"].features[known],
        target["holdout"][known],
        None if own is None else own[known],
    )


def _lump(values: Floats, number: int, *, pooled: bool) -> Floats:
    """Keep the first classes; rarer ones share the last (unseen ones become null otherwise)."""
    if pooled:
        return np.minimum(values, number - 1)
    return np.where(values < number, values, np.nan)


def _drafts(evidence: Evidence, p: _Task) -> list[Draft]:
    rng = evidence.rng("tstr")
    seed = int(rng.integers(2**31))
    train = p.views["train"]
    part = by_unit.folds(train.units, len(train.features), _PARTS, rng)
    jobs = [(p.views[s], p.target[s]) for s in _FITTED]
    for k in range(_PARTS):
        inside = part == k
        view = Split(train.features[inside], train.names, train.categorical, None)
        jobs.append((view, p.target["train"][inside]))
    fitted = list(map_ordered(lambda j: fit_predict(j[0], j[1], p.test, p.task, seed), jobs))

    def scores(weights: Floats) -> Floats:
        return np.stack([_scores(f, p.truth, weights) for f in fitted[:2]], axis=1)

    whole = np.concatenate([_scores(f, p.truth, np.ones((1, len(p.truth)))) for f in fitted])
    drawn = bootstrap(scores, p.test_units, len(p.truth), draws=_DRAWS, rng=rng)
    n = by_unit.count_units(p.test_units, len(p.truth))
    drafts = []
    for j, name in enumerate(p.names):
        tstr, trtr = float(whole[0, j]), float(whole[1, j])
        # variance of a score is about that of a quarter's model / 4; both models are random
        training = 2 * float(np.var(whole[2:, j], ddof=1)) / _PARTS
        gaps = drawn[:, 1, j] - drawn[:, 0, j]
        noise = half_width(training + float(np.var(gaps)))
        z = (trtr - tstr) / max(noise / 1.96, 1e-9)
        side = two_sided(z) / 2
        worse, better = (side, 1 - side) if z > 0 else (1 - side, side)
        params = {"score": name, "interval": "paired bootstrap over units"}
        columns = (evidence.target or "",)
        for measure, value, draws, reference in (
            (TSTR, tstr, drawn[:, 0, j], trtr),
            (TRTR, trtr, drawn[:, 1, j], None),
            (GAP, trtr - tstr, gaps, 0.0),
        ):
            low, high = (float(q) for q in np.quantile(draws, [0.025, 0.975]))
            drafts.append(
                Draft(
                    measure,
                    value,
                    0.0,
                    n,
                    reference=reference,
                    noise=None if reference is None else noise,
                    p_worse=worse if reference is not None else 1.0,
                    p_better=better if reference is not None else 1.0,
                    columns=columns,
                    params=params,
                    interval=(low, high),
                )
            )
    return drafts


def _scores(found: Floats, truth: Floats, weights: Floats) -> Floats:
    """Return shape (draws, scores) for row weights (draws, rows): AUC and accuracy, or R2."""
    total = np.maximum(weights.sum(axis=1), 1e-12)
    if found.ndim == 1:
        mean = (weights @ truth) / total
        rest = weights @ (truth - found) ** 2
        spread = weights @ truth**2 - total * mean**2
        r2 = 1 - rest / np.where(spread > 0, spread, 1.0)
        return np.where(spread > 0, np.maximum(r2, -1.0), 0.0)[:, None]
    right = weights @ (found.argmax(axis=1) == truth) / total
    classes = np.unique(truth).astype(int)
    chosen = classes[1:] if found.shape[1] == 2 else classes
    areas = [_weighted_auc(found[:, c], truth == c, weights) for c in chosen]
    return np.stack([np.mean(areas, axis=0), right], axis=1)


def _weighted_auc(score: Floats, positive: npt.NDArray[np.bool_], weights: Floats) -> Floats:
    """AUC with row weights, ties one half: shape (draws,); 0.5 where a draw lacks a class."""
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=-np.inf) > 0)
    up = np.add.reduceat(weights[:, order] * positive[order], starts, axis=1)
    down = np.add.reduceat(weights[:, order] * ~positive[order], starts, axis=1)
    below = np.cumsum(down, axis=1) - down / 2
    pairs = up.sum(axis=1) * down.sum(axis=1)
    won = (up * below).sum(axis=1)
    return np.asarray(np.where(pairs > 0, won / np.where(pairs > 0, pairs, 1.0), 0.5))
