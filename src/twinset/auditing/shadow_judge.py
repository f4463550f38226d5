"""From scores of trials (fits x targets) to results by group and by record."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import stats

from twinset.auditing import bounds, measures
from twinset.auditing.auditor import FPRS, Finding, Judgement, corrected, gap_result, tpr_result
from twinset.auditing.curves import curves, spread_of
from twinset.auditing.game import LEAST
from twinset.auditing.measures import Auc
from twinset.auditing.shadow_learners import EXTRA_VARIANCE
from twinset.auditing.threats import describe
from twinset.protocols import Direction, Estimate, Result, ThreatModel
from twinset.stats.multiple import adjust
from twinset.stats.seeds import stream

__all__ = ["Trials", "group_auc", "judge_trials", "records_at_risk"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_CONFIDENCE = 0.95
_Z95 = 1.959964
_WIDER = math.sqrt(EXTRA_VARIANCE)
_RATE = 0.05  # of false discoveries among records at risk


@dataclass(frozen=True, eq=False)
class Trials:
    """Scores of one attack, shape (fits, targets), or why there are none.

    `scores` are cross-fitted; `honest` ones are those of `learning.honest`, for bounds. `about`
    goes into the parameters of each result.
    """

    attack: str
    threat_model: ThreatModel
    leak: str
    scores: Floats | None
    honest: Floats | None = None
    seconds: float = 0.0
    reason: str = ""
    about: Mapping[str, object] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the attack."""
        return self.attack


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


def judge_trials(
    found: Sequence[Trials],
    member: Flags,
    folds: Ints,
    choose: Flags,
    groups: Mapping[str, Ints],
    seed: int,
    delta: float,
) -> Judgement:
    """Turn scores into results for each attack and group of targets.

    `choose`, shape (fits,), says on which fits `Trials.honest` was learned.
    """
    cells = [(t, g, places) for t in found if t.scores is not None for g, places in groups.items()]
    areas = [group_auc(t.scores, member, folds, g) for t, _, g in cells if t.scores is not None]
    rng = stream(seed, "shadow", "critical")
    z = measures.critical_value(areas, _CONFIDENCE, rng) if areas else 0.0
    results: list[Result] = []
    findings: list[Finding] = []
    for (t, name, places), area in zip(cells, areas, strict=True):
        assert t.scores is not None
        low, high = sure = measures.auc_interval(area, z)
        if low > 0.5:
            findings.append(Finding(t.attack, t.leak, name, "auc", area.value, low, high))
        scores, inside = t.scores[:, places], member[:, places]
        results.append(_auc(t, name, area, inside, sure, _drawn(scores, inside)))
        results += _advantages(t, name, scores, inside, seed)
        results.append(_bound(t, name, places, member, choose, delta, len(cells)))
        for fpr in FPRS:
            flat = scores.ravel(), inside.ravel()
            task = stream(seed, "shadow", "tpr", t.attack, name, str(fpr))
            tests = 2 * max(len(cells), 1)
            result, more = tpr_result(
                _params(t, name), t.leak, *flat, fpr, task, tests, effect=EXTRA_VARIANCE
            )
            results.append(result)
            findings += more
    results += _gaps(found, member, folds, groups)
    results += [_failure(t) for t in found if t.scores is None]
    ranked = sorted(zip(cells, areas, strict=True), key=lambda pair: -pair[1].value)
    best = None
    if ranked:
        (t, name, _), area = ranked[0]
        interval = measures.auc_interval(area, z)
        best = Finding(t.attack, t.leak, name, "auc", area.value, *interval)
    smallest = max((a.error for a in areas if 0.3 < a.value < 0.7), default=0.0)
    return Judgement(tuple(results), tuple(findings), best, 0.5 + (z + 0.8416) * smallest)


def _params(t: Trials, group: str, **more: object) -> dict[str, object]:
    return {
        "attack": t.attack,
        "threat_model": describe(t.threat_model),
        "target_group": group,
        "leak": t.leak,
        **t.about,
        **more,
    }


def _drawn(scores: Floats, member: Flags) -> dict[str, list[list[float]]]:
    """Return the curves of a group of at least ten targets."""
    if scores.shape[1] < LEAST:
        return {}
    return curves(scores.ravel(), member.ravel(), effect=EXTRA_VARIANCE)


def _auc(
    t: Trials,
    name: str,
    area: Auc,
    member: Flags,
    sure: tuple[float, float],
    drawn: Mapping[str, object],
) -> Result:
    low, high = measures.auc_interval(area)
    return Result(
        family="privacy",
        name="auc",
        params=_params(
            t, name, targets=member.shape[1], fits=len(member), **corrected(*sure), **drawn
        ),
        estimate=Estimate(area.value, low, high, area.members + area.non_members, _CONFIDENCE),
        reference=0.5,
        noise=_Z95 * area.error,
        verdict="worse" if sure[0] > 0.5 else "within_noise",
        seconds=t.seconds,
    )


def _advantages(t: Trials, name: str, scores: Floats, member: Flags, seed: int) -> list[Result]:
    """TPR - FPR at thresholds chosen on one half of the fits and counted on the other."""
    order = stream(seed, "shadow", "advantage", t.attack, name).permutation(len(scores))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    called = np.zeros(scores.shape, dtype=bool)
    for choose, count in (halves, halves[::-1]):
        threshold = measures.best_threshold(scores[choose].ravel(), member[choose].ravel())
        called[count] = scores[count] > threshold
    inside, outside = max(int(member.sum()), 1), max(int((~member).sum()), 1)
    tpr, fpr = float(called[member].sum() / inside), float(called[~member].sum() / outside)
    influence = (member * (called - tpr) / inside - ~member * (called - fpr) / outside).sum(axis=1)
    a, half = tpr - fpr, _WIDER * _Z95 * math.sqrt(float(influence @ influence))
    forms: list[tuple[str, Direction, float, float, float]] = [
        ("advantage", "lower", 0.0, a, half),
        ("balanced_accuracy", "lower", 0.5, (1 + a) / 2, half / 2),
        ("privacy_gain", "higher", 1.0, 1 - a, half),
    ]
    return [
        Result(
            family="privacy",
            name=form,
            params=_params(t, name),
            estimate=Estimate(value, value - width, value + width, member.size, _CONFIDENCE),
            reference=reference,
            direction=direction,
        )
        for form, direction, reference, value, width in forms
    ]


def _bound(
    t: Trials, name: str, places: Ints, member: Flags, choose: Flags, delta: float, tests: int
) -> Result:
    """Lower bound on epsilon for the target that half of the fits say is worst.

    Rule, target and threshold are chosen on the fits of `choose` and counted on the others, whose
    trials of one target are independent.
    """
    scores = np.zeros(member.shape) if t.honest is None else t.honest
    rules = [bounds.choose_threshold(scores[choose, i], member[choose, i], delta) for i in places]
    best = int(np.argmax([value for _, value in rules]))
    worst, threshold = int(places[best]), rules[best][0]
    trials = scores[~choose, worst], member[~choose, worst], threshold
    made = bounds.count_at(*trials, delta=delta)
    sure = bounds.count_at(*trials, delta=delta, alpha=made.alpha / tests)
    about = {"method": "fits", "delta": delta, "ceiling": made.ceiling}
    about["neighbours"] = t.threat_model.neighbours
    about |= corrected(sure.value, made.ceiling)
    if delta > 0:
        about["if_gaussian"] = bounds.count_at(*trials, delta=delta, gaussian=True).value
    return Result(
        family="privacy",
        name="epsilon_lower_bound",
        params=_params(t, name, **about),
        estimate=Estimate(made.value, made.value, made.ceiling, made.trials, 1 - made.alpha),
        reference=0.0,
        verdict="worse" if sure.value > 0 else "within_noise",
    )


def _gaps(
    found: Sequence[Trials], member: Flags, folds: Ints, groups: Mapping[str, Ints]
) -> list[Result]:
    """AUC of each other group minus that of random targets, by fit."""
    results = []
    for t in found:
        if t.scores is None or "random" not in groups:
            continue
        base = group_auc(t.scores, member, folds, groups["random"])
        for name, places in groups.items():
            if name == "random":
                continue
            area = group_auc(t.scores, member, folds, places)
            results.append(gap_result(_params(t, name), area, base, len(member)))
    return results


def records_at_risk(
    found: Sequence[Trials], member: Flags, folds: Ints
) -> tuple[Result | None, Flags, Floats]:
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
    usable = [t for t in found if t.scores is not None]
    number = member.shape[1]
    if not usable:
        return None, np.zeros(number, dtype=bool), np.full(number, 0.5)
    values = np.stack(
        [_target_aucs(t.scores, member, folds)[0] for t in usable if t.scores is not None]
    )
    inside = member.sum(axis=0)
    error = np.array([_fold_error(member[:, i], folds) for i in range(number)])
    p = np.minimum(stats.norm.sf((values - 0.5) / error).min(axis=0) * len(usable), 1.0)
    flags = adjust(p) <= _RATE
    low, high = measures.clopper_pearson(int(flags.sum()), number)
    best = int(np.argmax(values.mean(axis=1)))
    result = Result(
        family="privacy",
        name="records_at_risk",
        params={
            "false_discovery_rate": _RATE,
            "trials_each": int(np.median(inside)) * 2,
            "best": usable[best].attack,
            "spread": spread_of(values[best]),
        },
        estimate=Estimate(float(flags.mean()), low, high, number, _CONFIDENCE),
        reference=0.0,
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


def _failure(t: Trials) -> Result:
    return Result(
        family="privacy",
        name="auc",
        params=_params(t, "random"),
        reference=0.5,
        status="not_applicable" if t.threat_model.generator == "white-box" else "failed",
        reason=t.reason,
        seconds=t.seconds,
    )
