"""One auditor: scores of attacks in, results out. Attacks never choose a threshold; this does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twinset.arrays import Flags, Floats
from twinset.auditing import bounds, measures
from twinset.auditing.measures import Auc, curves
from twinset.auditing.threats import describe
from twinset.protocols import Direction, Estimate, Result, ThreatModel
from twinset.protocols.measures import Status
from twinset.stats.seeds import stream

__all__ = [
    "CONFIDENCE",
    "FPRS",
    "AttackScores",
    "Detection",
    "Judgement",
    "advantage_results",
    "auc_result",
    "bound_result",
    "corrected",
    "failure",
    "gap_results",
    "judge",
    "share_result",
    "tpr_result",
    "unknown",
]

Interval = tuple[float, float]

FPRS = (0.01, 0.001)
CONFIDENCE = 0.95
_CONFIDENT = 1.959964
_FORMS: tuple[tuple[str, Direction, float], ...] = (  # name, direction, value of a guess
    ("advantage", "lower", 0.0),
    ("balanced_accuracy", "lower", 0.5),
    ("privacy_gain", "higher", 1.0),
)


@dataclass(frozen=True)
class Detection:
    """Something an attack was shown to do, after correction for the number of attacks."""

    attack: str
    leak: str
    group: str
    measure: str
    value: float
    low: float
    high: float
    fpr: float | None = None


@dataclass(frozen=True, eq=False)
class AttackScores:
    """Scores of one attack, or why there are none.

    Attributes
    ----------
    leak
        What the attack feeds on: "row" (combinations) or "value" (single exact values).
    scores
        Of a release shape (units,); of a generator (fits, targets), each trial scored by what was
        learned from other fits.
    honest
        Of a generator: scores of `shadow_learners.honest`, for bounds.
    about
        Goes into the parameters of each result.
    """

    attack: str
    threat_model: ThreatModel
    leak: str
    scores: Floats | None
    seconds: float = 0.0
    reason: str = ""
    honest: Floats | None = None
    about: Mapping[str, object] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the attack."""
        return self.attack

    def params(self, group: str, **more: object) -> dict[str, object]:
        """Parameters of a result on a group of targets."""
        return {
            "attack": self.attack,
            "threat_model": describe(self.threat_model),
            "target_group": group,
            "leak": self.leak,
            **self.about,
            **more,
        }

    def detected(self, group: str, area: Auc, sure: Interval) -> Detection:
        """Return what an AUC with its corrected interval shows."""
        return Detection(self.attack, self.leak, group, "auc", area.value, *sure)


Cell = tuple[AttackScores, Floats, str]  # an attack, its scores, a group of targets


@dataclass(frozen=True)
class Judgement:
    """All results, what was shown beyond chance, and how little could have been seen.

    `best` is the attack with the largest AUC, its interval corrected for the choice; `power` is the
    smallest AUC that would have been told from a guess in 4 of 5 audits, `powers` the same of each
    group of targets if it is known.
    """

    results: tuple[Result, ...]
    findings: tuple[Detection, ...]
    best: Detection | None
    power: float
    powers: Mapping[str, float] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """What is said of it beside the results."""
        return {
            "best": None if self.best is None else dict(vars(self.best)),
            "findings": [dict(vars(f)) for f in self.findings],
        }


def judge(
    scored: Sequence[AttackScores], member: Flags, groups: Mapping[str, Flags], seed: int
) -> Judgement:
    """Turn scores into AUC, advantage and TPR at FPR for each group of targets.

    Parameters
    ----------
    member
        Shape (units,): who is a member.
    groups
        Named sets of targets, each shape (units,).
    """
    cells = [(s, s.scores, g) for s in scored if s.scores is not None for g in groups]
    areas = [measures.auc(scores, member, groups[g]) for _, scores, g in cells]
    z = 0.0
    if areas:
        z = measures.critical_value(areas, CONFIDENCE, stream(seed, "audit", "critical"))
    results: list[Result] = []
    found: list[Detection] = []
    tests = max(len([s for s in scored if s.scores is not None]) * len(FPRS), 1)
    for (s, scores, name), area in zip(cells, areas, strict=True):
        group, sure = groups[name], measures.auc_interval(area, z)
        if sure[0] > 0.5:
            found.append(s.detected(name, area, sure))
        noise = measures.null_error(area.members, area.non_members)
        drawn = curves(scores[group], member[group])
        results.append(
            auc_result(s, area, sure, noise, s.params(name, **corrected(*sure), **drawn))
        )
        rng = stream(seed, "audit", "advantage", s.attack, name)
        a, low, high = measures.advantage(scores[group], member[group], rng)
        forms = ((1 + a) / 2, (1 + low) / 2, (1 + high) / 2), (1 - a, 1 - high, 1 - low)
        figures = [(a, low, high), *forms]
        results += advantage_results(s, name, figures, int(group.sum()))
        if name == "random":
            results.append(_bound(s, scores, member, seed, tests))
            for fpr in FPRS:
                task = stream(seed, "audit", "tpr", s.attack, str(fpr))
                result, shown = tpr_result(s, name, scores, member, fpr, task, tests)
                results.append(result)
                found += shown
    results += gap_results(cells, areas)
    results += [failure(s) for s in scored if s.scores is None]
    best = max(
        ((s, a) for (s, _, name), a in zip(cells, areas, strict=True) if name == "random"),
        key=lambda pair: pair[1].value,
        default=None,
    )
    powers = {name: _power(z, member[g]) for name, g in groups.items()}
    return Judgement(
        tuple(results),
        tuple(found),
        best and best[0].detected("random", best[1], measures.auc_interval(best[1], z)),
        _power(z, member),
        powers,
    )


def _power(z: float, member: Flags) -> float:
    sides = int(member.sum()), int((~member).sum())
    return 0.5 + (z + 0.8416) * measures.null_error(*sides)


def corrected(low: float, high: float) -> dict[str, float]:
    """Params with the interval that holds for all attacks of an audit at once."""
    return {"corrected_low": low, "corrected_high": high}


def auc_result(
    s: AttackScores, area: Auc, sure: Interval, noise: float, params: dict[str, object]
) -> Result:
    """Return an AUC, "worse" if the corrected interval `sure` says so; `noise` of a guess."""
    low, high = measures.auc_interval(area)
    return Result(
        family="privacy",
        name="auc",
        params=params,
        estimate=Estimate(area.value, low, high, area.members + area.non_members, CONFIDENCE),
        reference=0.5,
        noise=_CONFIDENT * noise,
        verdict="worse" if sure[0] > 0.5 else "within_noise",
        seconds=s.seconds,
    )


def advantage_results(
    s: AttackScores, group: str, figures: Sequence[tuple[float, float, float]], n: int
) -> list[Result]:
    """Return the advantage A, the balanced accuracy (1 + A)/2 and the privacy gain 1 - A.

    `figures` are (value, low, high) of each.
    """
    return [
        Result(
            family="privacy",
            name=name,
            params=s.params(group),
            estimate=Estimate(*figure, n, CONFIDENCE),
            reference=reference,
            direction=direction,
        )
        for (name, direction, reference), figure in zip(_FORMS, figures, strict=True)
    ]


def _bound(s: AttackScores, scores: Floats, member: Flags, seed: int, tests: int) -> Result:
    """Lower bound on epsilon by pairs of a member and a non-member; "worse" over all `tests`."""
    made, sure = (
        bounds.bound_from_pairs(
            scores, member, stream(seed, "audit", "epsilon", s.attack), alpha=0.05 / n
        )
        for n in (1, tests)
    )
    about = {"method": "one run, pairs", "neighbours": "replace", "delta": 0.0}
    about |= {"ceiling": made.ceiling, **corrected(sure.value, made.ceiling)}
    return bound_result(s.params("random", **about), made, sure.value, int(member.sum()))


def bound_result(params: dict[str, object], made: bounds.Bound, sure: float, n: int) -> Result:
    """Return a lower bound on epsilon, "worse" if it is above 0 when corrected (`sure`)."""
    return Result(
        family="privacy",
        name="epsilon_lower_bound",
        params=params,
        estimate=Estimate(made.value, made.value, made.ceiling, n, 1 - made.alpha),
        reference=0.0,
        verdict="worse" if sure > 0 else "within_noise",
    )


def tpr_result(
    s: AttackScores,
    group: str,
    scores: Floats,
    member: Flags,
    fpr: float,
    rng: np.random.Generator,
    tests: int,
    effect: float = 1.0,
) -> tuple[Result, list[Detection]]:
    """TPR at `fpr`, and a finding if it is above the realised FPR beyond doubt in `tests` tests.

    Intervals are those of counts thinned by `effect`, the variance of a count over that of
    independent trials.
    """
    params = s.params(group, fpr=fpr)
    needed, there = round(10 / fpr), int((~member).sum())
    if there < needed:
        reason = f"{there} non-members; a false positive rate of {fpr:.1%} needs {needed}"
        return unknown("tpr_at_fpr", reason, params=params, reference=fpr), []
    rate = measures.tpr_at_fpr(scores, member, fpr, rng)
    hits, alarms = (
        (round(count / effect), round(n / effect))
        for count, n in ((rate.hits, rate.members), (rate.alarms, rate.non_members))
    )
    low, high = measures.clopper_pearson(*hits)
    low, high = min(low, rate.tpr), max(high, rate.tpr)
    sure = 1 - (1 - CONFIDENCE) / (2 * tests)
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
        params={**params, **counted, **wide},
        estimate=Estimate(rate.tpr, low, high, rate.members, CONFIDENCE),
        reference=fpr,
        verdict="worse" if shown else "within_noise",
    )
    seen = Detection(s.attack, s.leak, group, "tpr_at_fpr", rate.tpr, sure_low, high, fpr)
    return result, [seen] if shown else []


def gap_results(cells: Sequence[Cell], areas: Sequence[Auc], n: int | None = None) -> list[Result]:
    """Return by how much each AUC is above that of random targets, their influences paired.

    Some of the random targets are in the other group too; `n` is what an AUC counts, its targets
    unless given.
    """
    base = {s.attack: a for (s, _, name), a in zip(cells, areas, strict=True) if name == "random"}
    found = []
    for (s, _, name), area in zip(cells, areas, strict=True):
        if name == "random" or s.attack not in base:
            continue
        gap = area.value - base[s.attack].value
        apart = area.influence - base[s.attack].influence
        half = _CONFIDENT * float(np.sqrt(apart @ apart))
        count = area.members + area.non_members if n is None else n
        result = Result(
            family="privacy",
            name="auc_gap",
            params=s.params(name, against="random"),
            estimate=Estimate(gap, gap - half, gap + half, count, CONFIDENCE),
            reference=0.0,
        )
        found.append(result)
    return found


def failure(s: AttackScores, status: Status = "failed") -> Result:
    """Return why an attack gave no scores."""
    about = {"params": s.params("random"), "reference": 0.5, "seconds": s.seconds}
    return unknown("auc", s.reason, status, **about)


def share_result(name: str, count: int, n: int, reference: float, **about: Any) -> Result:
    """Return ``count / n`` with its exact interval; `about` are more fields of the result."""
    low, high = measures.clopper_pearson(count, n)
    estimate = Estimate(count / n, low, high, n, CONFIDENCE)
    return Result(family="privacy", name=name, estimate=estimate, reference=reference, **about)


def unknown(name: str, reason: str, status: Status = "not_applicable", **about: Any) -> Result:
    """Return a result that says why a measure is not known; `about` are more of its fields."""
    return Result(family="privacy", name=name, status=status, reason=reason, **about)
