"""From scores of trials (fits x targets) to results by group and by record."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from twinset.arrays import Flags, Floats, Ints
from twinset.auditing import bounds, measures
from twinset.auditing.auditor import (
    CONFIDENCE,
    FPRS,
    AttackScores,
    Detection,
    Judgement,
    advantage_results,
    auc_result,
    bound_result,
    corrected,
    failure,
    gap_results,
    share_result,
    tpr_result,
)
from twinset.auditing.game import LEAST
from twinset.auditing.measures import Auc, curves, spread_of
from twinset.auditing.shadow_learners import EXTRA_VARIANCE
from twinset.protocols import Result
from twinset.stats.intervals import adjust
from twinset.stats.seeds import stream

__all__ = ["Trials", "group_auc", "judge_trials", "records_at_risk"]


_Z95 = 1.959964
_WIDER = math.sqrt(EXTRA_VARIANCE)
_RATE = 0.05  # of false discoveries among records at risk


@dataclass(frozen=True, eq=False)
class Trials:
    """All trials of a pool of shadow models: a fit and a target each.

    Attributes
    ----------
    attacks
        Scores of each attack, shape (fits, targets), or why there are none.
    member
        Shape (fits, targets): whether the target was in.
    folds
        Shape (fits,): trials of a fold were scored by one rule.
    choose
        Shape (fits,): the fits on which rules for bounds were learned.
    """

    attacks: Sequence[AttackScores]
    member: Flags
    folds: Ints
    choose: Flags

    @property
    def scored(self) -> list[tuple[AttackScores, Floats]]:
        """The attacks that gave scores, and these."""
        return [(s, s.scores) for s in self.attacks if s.scores is not None]


def _target_aucs(scores: Floats, member: Flags, folds: Ints) -> tuple[Floats, Floats]:
    """AUC of each target and the influence of each fit on it; shapes (targets,), (fits, targets).

    Trials are compared within their fold only, where all were scored by one rule.
    """
    fits, targets = scores.shape
    values, influence = np.full(targets, 0.5), np.zeros((fits, targets))
    for t in range(targets):
        found = []
        for fold in np.unique(folds):
            area = measures.auc(scores[:, t], member[:, t], folds == fold)
            if area.members and area.non_members:
                found.append((area, area.members * area.non_members))
        pairs = sum(w for _, w in found)
        if pairs:
            values[t] = sum(a.value * w for a, w in found) / pairs
            influence[:, t] = sum(a.influence * w for a, w in found) / pairs
    return values, influence


def group_auc(scores: Floats, member: Flags, folds: Ints, group: Ints) -> Auc:
    """Mean AUC of a group of targets; its error counts fits, not trials, and cross-fitting."""
    values, influence = _target_aucs(scores[:, group], member[:, group], folds)
    inside = int(member[:, group].sum())
    wider = _WIDER * influence.mean(axis=1)
    return Auc(float(values.mean()), wider, inside, member[:, group].size - inside)


def judge_trials(trials: Trials, groups: Mapping[str, Ints], seed: int, delta: float) -> Judgement:
    """Turn scores into results for each attack and group of targets."""
    member, folds = trials.member, trials.folds
    cells = [(s, scores, g) for s, scores in trials.scored for g in groups]
    areas = [group_auc(scores, member, folds, groups[g]) for _, scores, g in cells]
    z = 0.0
    if areas:
        z = measures.critical_value(areas, CONFIDENCE, stream(seed, "shadow", "critical"))
    results: list[Result] = []
    found: list[Detection] = []
    for (s, all_scores, name), area in zip(cells, areas, strict=True):
        places, sure = groups[name], measures.auc_interval(area, z)
        if sure[0] > 0.5:
            found.append(s.detected(name, area, sure))
        scores, inside = all_scores[:, places], member[:, places]
        flat = scores.ravel(), inside.ravel()
        drawn = {} if len(places) < LEAST else curves(*flat, effect=EXTRA_VARIANCE)
        size = {"targets": len(places), "fits": len(member)}
        params = s.params(name, **size, **corrected(*sure), **drawn)
        results.append(auc_result(s, area, sure, area.error, params))
        results += advantage_results(
            s, name, _advantages(s, name, scores, inside, seed), scores.size
        )
        results.append(_bound(s, name, places, trials, delta, len(cells)))
        for fpr in FPRS:
            task = stream(seed, "shadow", "tpr", s.attack, name, str(fpr))
            tests = 2 * max(len(cells), 1)
            result, shown = tpr_result(s, name, *flat, fpr, task, tests, effect=EXTRA_VARIANCE)
            results.append(result)
            found += shown
    results += gap_results(cells, areas, len(member))
    for s in trials.attacks:
        if s.scores is None:
            white = s.threat_model.generator == "white-box"
            results.append(failure(s, "not_applicable" if white else "failed"))
    best = None
    if cells:
        (s, _, name), area = max(zip(cells, areas, strict=True), key=lambda pair: pair[1].value)
        best = s.detected(name, area, measures.auc_interval(area, z))
    smallest = max((a.error for a in areas if 0.3 < a.value < 0.7), default=0.0)
    return Judgement(tuple(results), tuple(found), best, 0.5 + (z + 0.8416) * smallest)


def _advantages(
    s: AttackScores, name: str, scores: Floats, member: Flags, seed: int
) -> list[tuple[float, float, float]]:
    """TPR - FPR at thresholds chosen on one half of the fits and counted on the other; its forms.

    Each with its interval, as `auditor.advantage_results` wants them.
    """
    order = stream(seed, "shadow", "advantage", s.attack, name).permutation(len(scores))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    called = np.zeros(scores.shape, dtype=bool)
    for choose, count in (halves, halves[::-1]):
        threshold = measures.best_threshold(scores[choose].ravel(), member[choose].ravel())
        called[count] = scores[count] > threshold
    inside, outside = max(int(member.sum()), 1), max(int((~member).sum()), 1)
    tpr, fpr = float(called[member].sum() / inside), float(called[~member].sum() / outside)
    influence = (member * (called - tpr) / inside - ~member * (called - fpr) / outside).sum(axis=1)
    a, half = tpr - fpr, _WIDER * _Z95 * math.sqrt(float(influence @ influence))
    forms = (a, half), ((1 + a) / 2, half / 2), (1 - a, half)
    return [(value, value - width, value + width) for value, width in forms]


def _bound(
    s: AttackScores, name: str, places: Ints, trials: Trials, delta: float, tests: int
) -> Result:
    """Lower bound on epsilon for the target that half of the fits say is worst.

    Rule, target and threshold are chosen on the fits of `choose` and counted on the others, whose
    trials of one target are independent.
    """
    member, choose = trials.member, trials.choose
    scores = np.zeros(member.shape) if s.honest is None else s.honest
    rules = [bounds.choose_threshold(scores[choose, i], member[choose, i], delta) for i in places]
    best = int(np.argmax([value for _, value in rules]))
    worst, threshold = int(places[best]), rules[best][0]
    counted = scores[~choose, worst], member[~choose, worst], threshold
    made = bounds.count_at(*counted, delta=delta)
    sure = bounds.count_at(*counted, delta=delta, alpha=made.alpha / tests).value
    about = {"method": "fits", "delta": delta, "ceiling": made.ceiling}
    about["neighbours"] = s.threat_model.neighbours
    about |= corrected(sure, made.ceiling)
    if delta > 0:
        about["if_gaussian"] = bounds.count_at(*counted, delta=delta, gaussian=True).value
    return bound_result(s.params(name, **about), made, sure, made.trials)


def records_at_risk(trials: Trials) -> tuple[Result | None, Flags, Floats]:
    """Share of targets that some attack recognises, at a false discovery rate of 5%.

    A target's p-value is that of its most successful attack times the number of attacks; records
    are corrected by Benjamini and Hochberg (1995).

    Returns
    -------
    result
        None if no attack gave scores.
    flags, risk
        Shape (targets,): who is at risk, and the AUC of the best attack on each.
    """
    member, folds, usable = trials.member, trials.folds, trials.scored
    number = member.shape[1]
    if not usable:
        return None, np.zeros(number, dtype=bool), np.full(number, 0.5)
    values = np.stack([_target_aucs(scores, member, folds)[0] for _, scores in usable])
    inside = member.sum(axis=0)
    error = np.array([_fold_error(member[:, i], folds) for i in range(number)])
    p = np.minimum(stats.norm.sf((values - 0.5) / error).min(axis=0) * len(usable), 1.0)
    flags = adjust(p) <= _RATE
    best = int(np.argmax(values.mean(axis=1)))
    result = share_result(
        "records_at_risk",
        int(flags.sum()),
        number,
        0.0,
        params={
            "false_discovery_rate": _RATE,
            "trials_each": int(np.median(inside)) * 2,
            "best": usable[best][0].attack,
            "spread": spread_of(values[best]),
        },
        verdict="worse" if flags.any() else "within_noise",
    )
    return result, flags, values.max(axis=0)


def _fold_error(member: Flags, folds: Ints) -> float:
    """Standard error of the AUC of a cross-fitted guess that is compared within folds."""
    counts = [
        (int(member[folds == f].sum()), int((~member[folds == f]).sum())) for f in np.unique(folds)
    ]
    pairs = [(n, m) for n, m in counts if n and m]
    total = sum(n * m for n, m in pairs)
    if not total:
        return math.inf
    variance = sum((n * m / total * measures.null_error(n, m)) ** 2 for n, m in pairs)
    return _WIDER * math.sqrt(variance)
