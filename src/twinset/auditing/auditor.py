"""One auditor: scores of attacks in, results out. Attacks never choose a threshold; this does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from twinset.auditing import bounds, measures
from twinset.auditing.curves import curves
from twinset.auditing.measures import Auc
from twinset.auditing.threats import describe
from twinset.protocols import Direction, Estimate, Result, ThreatModel
from twinset.stats.seeds import stream

__all__ = [
    "FPRS",
    "Finding",
    "Judgement",
    "Scored",
    "by_unit",
    "corrected",
    "gap_result",
    "judge",
    "tpr_result",
]

FPRS = (0.01, 0.001)
_CONFIDENCE = 0.95
_CONFIDENT = 1.959964


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores of one attack, shape (units,), or why there are none.

    `leak` says what the attack feeds on: "row" (combinations) or "value" (single exact values).
    """

    attack: str
    threat_model: ThreatModel
    leak: str
    scores: npt.NDArray[np.float64] | None
    seconds: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class Finding:
    """Something an attack was shown to do, after correction for the number of attacks."""

    attack: str
    leak: str
    group: str
    measure: str
    value: float
    low: float
    high: float
    fpr: float | None = None


@dataclass(frozen=True)
class Judgement:
    """All results, what was shown beyond chance, and how little could have been seen.

    `best` is the attack with the largest AUC, its interval corrected for the choice; `power` is the
    smallest AUC that would have been told from a guess in 4 of 5 audits, `powers` the same of each
    group of targets if it is known.
    """

    results: tuple[Result, ...]
    findings: tuple[Finding, ...]
    best: Finding | None
    power: float
    powers: Mapping[str, float] = field(default_factory=dict)


def by_unit(
    scores: npt.NDArray[np.float64], units: npt.NDArray[np.int64], number: int
) -> npt.NDArray[np.float64]:
    """Score of a unit: the largest score of its rows; shape (number,)."""
    best = np.full(number, -np.inf)
    np.maximum.at(best, units, scores)
    return best


def judge(
    scored: Sequence[Scored],
    member: npt.NDArray[np.bool_],
    groups: dict[str, npt.NDArray[np.bool_]],
    seed: int,
) -> Judgement:
    """Turn scores into AUC, advantage and TPR at FPR for each group of targets.

    Parameters
    ----------
    member
        Shape (units,): who is a member.
    groups
        Named sets of targets, each shape (units,).
    """
    cells = [(s, name, g) for s in scored if s.scores is not None for name, g in groups.items()]
    areas = [measures.auc(s.scores, member, g) for s, _, g in cells if s.scores is not None]
    z = (
        measures.critical_value(areas, _CONFIDENCE, stream(seed, "audit", "critical"))
        if areas
        else 0
    )
    results: list[Result] = []
    findings: list[Finding] = []
    tests = max(len([s for s in scored if s.scores is not None]) * len(FPRS), 1)
    for (s, name, group), area in zip(cells, areas, strict=True):
        low, high = sure = measures.auc_interval(area, z)
        if low > 0.5:
            findings.append(Finding(s.attack, s.leak, name, "auc", area.value, low, high))
        assert s.scores is not None
        drawn = curves(s.scores[group], member[group])
        results.append(_auc_result(s, name, area, sure, drawn))
        results.extend(_advantage(s, name, group, member, seed))
        if name == "random":
            results.append(_bound(s, member, seed, tests))
            for fpr in FPRS:
                task = stream(seed, "audit", "tpr", s.attack, str(fpr))
                about = _params(s, "random"), s.leak, s.scores, member
                result, found = tpr_result(*about, fpr, task, tests)
                results.append(result)
                findings.extend(found)
    results += _gaps(cells, areas)
    results.extend(_failure(s) for s in scored if s.scores is None)
    best = _best(cells, areas, z)
    powers = {name: _power(z, member[g]) for name, g in groups.items()}
    return Judgement(tuple(results), tuple(findings), best, _power(z, member), powers)


def _power(z: float, member: npt.NDArray[np.bool_]) -> float:
    sides = int(member.sum()), int((~member).sum())
    return 0.5 + (z + 0.8416) * measures.null_error(*sides)


def _params(s: Scored, group: str, **more: Any) -> dict[str, Any]:
    return {
        "attack": s.attack,
        "threat_model": describe(s.threat_model),
        "target_group": group,
        "leak": s.leak,
        **more,
    }


def corrected(low: float, high: float) -> dict[str, float]:
    """Params with the interval that holds for all attacks of an audit at once."""
    return {"corrected_low": low, "corrected_high": high}


def _auc_result(
    s: Scored, group: str, area: Auc, sure: tuple[float, float], drawn: dict[str, Any]
) -> Result:
    low, high = measures.auc_interval(area)
    return Result(
        family="privacy",
        name="auc",
        params=_params(s, group, **corrected(*sure), **drawn),
        estimate=Estimate(area.value, low, high, area.members + area.non_members, _CONFIDENCE),
        reference=0.5,
        noise=_CONFIDENT * measures.null_error(area.members, area.non_members),
        verdict="worse" if sure[0] > 0.5 else "within_noise",
        seconds=s.seconds,
    )


def _advantage(
    s: Scored,
    group: str,
    within: npt.NDArray[np.bool_],
    member: npt.NDArray[np.bool_],
    seed: int,
) -> list[Result]:
    """Return the advantage A, the balanced accuracy (1 + A)/2 and the privacy gain 1 - A."""
    assert s.scores is not None
    rng = stream(seed, "audit", "advantage", s.attack, group)
    a = measures.advantage(s.scores[within], member[within], rng)
    n = int(within.sum())
    forms: list[tuple[str, Direction, float, tuple[float, float, float]]] = [
        ("advantage", "lower", 0.0, (a.value, a.low, a.high)),
        ("balanced_accuracy", "lower", 0.5, ((1 + a.value) / 2, (1 + a.low) / 2, (1 + a.high) / 2)),
        ("privacy_gain", "higher", 1.0, (1 - a.value, 1 - a.high, 1 - a.low)),
    ]
    return [
        Result(
            family="privacy",
            name=name,
            params=_params(s, group),
            estimate=Estimate(*figures, n, _CONFIDENCE),
            reference=reference,
            direction=direction,
        )
        for name, direction, reference, figures in forms
    ]


def _bound(s: Scored, member: npt.NDArray[np.bool_], seed: int, tests: int) -> Result:
    """Lower bound on epsilon by pairs of a member and a non-member; "worse" over all `tests`."""
    assert s.scores is not None
    task = ("audit", "epsilon", s.attack)
    found = bounds.bound_from_pairs(s.scores, member, stream(seed, *task))
    sure = bounds.bound_from_pairs(s.scores, member, stream(seed, *task), alpha=found.alpha / tests)
    low, top = found.value, found.ceiling
    return Result(
        family="privacy",
        name="epsilon_lower_bound",
        params=_params(
            s,
            "random",
            method="one run, pairs",
            neighbours="replace",
            delta=0.0,
            ceiling=top,
            **corrected(sure.value, top),
        ),
        estimate=Estimate(low, low, top, int(member.sum()), 1 - found.alpha),
        reference=0.0,
        verdict="worse" if sure.value > 0 else "within_noise",
    )


def tpr_result(
    params: dict[str, Any],
    leak: str,
    scores: npt.NDArray[np.float64],
    member: npt.NDArray[np.bool_],
    fpr: float,
    rng: np.random.Generator,
    tests: int,
    effect: float = 1.0,
) -> tuple[Result, list[Finding]]:
    """TPR at `fpr`, and a finding if it is above the realised FPR beyond doubt in `tests` tests.

    Intervals are those of counts thinned by `effect`, the variance of a count over that of
    independent trials.
    """
    needed, there = round(10 / fpr), int((~member).sum())
    if there < needed:
        return Result(
            family="privacy",
            name="tpr_at_fpr",
            params={**params, "fpr": fpr},
            reference=fpr,
            status="not_applicable",
            reason=f"{there} non-members; a false positive rate of {fpr:.1%} needs {needed}",
        ), []
    rate = measures.tpr_at_fpr(scores, member, fpr, rng)
    hits, alarms = (
        (round(count / effect), round(n / effect))
        for count, n in ((rate.hits, rate.members), (rate.alarms, rate.non_members))
    )
    low, high = measures.clopper_pearson(*hits)
    low, high = min(low, rate.tpr), max(high, rate.tpr)
    sure = 1 - (1 - _CONFIDENCE) / (2 * tests)
    sure_low, sure_high = measures.clopper_pearson(*hits, sure)
    wide = corrected(min(sure_low, rate.tpr), max(sure_high, rate.tpr))
    sure_alarms = measures.clopper_pearson(*alarms, sure)[1]
    shown = sure_low > max(sure_alarms, fpr)
    fpr_low, fpr_high = measures.clopper_pearson(*alarms)
    counted = {"fpr_counted": rate.fpr, "fpr_low": fpr_low, "fpr_high": fpr_high}
    counted["corrected_fpr_high"] = sure_alarms
    result = Result(
        family="privacy",
        name="tpr_at_fpr",
        params={**params, "fpr": fpr, **counted, **wide},
        estimate=Estimate(rate.tpr, low, high, rate.members, _CONFIDENCE),
        reference=fpr,
        verdict="worse" if shown else "within_noise",
    )
    attack, group = str(params["attack"]), str(params["target_group"])
    finding = Finding(attack, leak, group, "tpr_at_fpr", rate.tpr, sure_low, high, fpr)
    return result, [finding] if shown else []


def _gaps(
    cells: Sequence[tuple[Scored, str, npt.NDArray[np.bool_]]], areas: Sequence[Auc]
) -> list[Result]:
    """AUC of each other group minus that of random targets, some of which are in the group too."""
    base = {s.attack: a for (s, name, _), a in zip(cells, areas, strict=True) if name == "random"}
    return [
        gap_result(_params(s, name), a, base[s.attack], a.members + a.non_members)
        for (s, name, _), a in zip(cells, areas, strict=True)
        if name != "random" and s.attack in base
    ]


def gap_result(params: dict[str, Any], area: Auc, base: Auc, n: int) -> Result:
    """Return by how much an AUC is above that of random targets, their influences paired."""
    gap, apart = area.value - base.value, area.influence - base.influence
    half = _CONFIDENT * float(np.sqrt(apart @ apart))
    return Result(
        family="privacy",
        name="auc_gap",
        params={**params, "against": "random"},
        estimate=Estimate(gap, gap - half, gap + half, n, _CONFIDENCE),
        reference=0.0,
    )


def _failure(s: Scored) -> Result:
    return Result(
        family="privacy",
        name="auc",
        params=_params(s, "random"),
        reference=0.5,
        status="failed",
        reason=s.reason,
        seconds=s.seconds,
    )


def _best(
    cells: Sequence[tuple[Scored, str, npt.NDArray[np.bool_]]], areas: Sequence[Auc], z: float
) -> Finding | None:
    """Return the attack on random targets with the largest AUC, interval corrected by `z`."""
    found = [(a, s) for (s, group, _), a in zip(cells, areas, strict=True) if group == "random"]
    if not found:
        return None
    area, s = max(found, key=lambda pair: pair[0].value)
    return Finding(s.attack, s.leak, "random", "auc", area.value, *measures.auc_interval(area, z))
