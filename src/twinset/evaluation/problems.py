"""The largest problems in words, one a cause, ordered by excess over noise."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from twinset.evaluation.charts import MINIMUM
from twinset.evaluation.evidence import Evidence
from twinset.protocols import Result
from twinset.results import Problem
from twinset.stats.intervals import Z95
from twinset.stats.units import unit_counts

__all__ = ["MOST", "points", "problems"]

MOST = 10
_CLEAR = 2.0  # excess over noise from which a second problem of the same column is told


def problems(evidence: Evidence, results: Sequence[Result]) -> tuple[Problem, ...]:
    """Return at most 10 problems: columns, dependence, missing values, copies, models.

    A pair is a problem only for its dependence, a triple only if none of its columns and pairs is
    one: a shifted column is one problem, not fourteen.
    """
    worse = [r for r in results if r.verdict == "worse" and r.estimate is not None]
    by_name: dict[str, list[Result]] = defaultdict(list)
    for result in worse:
        by_name[result.name].append(result)
    columns = list(_columns(evidence, by_name))
    pairs = list(_pairs(evidence, by_name["dependence_tvd"]))
    touched = {c for p in columns for c in p.columns}
    linked = [set(r.columns) for r in by_name["dependence_tvd"]]
    triples = list(_triples(by_name["triple_tvd"], touched, linked))
    groups = list(_groups(by_name, touched, linked))
    found = [*columns, *pairs, *triples, *groups, *_whole(by_name, columns)]
    found.sort(key=lambda p: -p.excess / p.noise)
    return tuple(found[:MOST])


def points(share: float) -> str:
    """Write a share in points: "6.1", "0.04"."""
    value = abs(100 * share)
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def _over(result: Result) -> tuple[float, float]:
    """Excess and noise of a result."""
    value = result.value or 0.0
    noise = max(result.noise or 0.0, 1e-9)
    if result.direction == "target":
        return abs(value - result.params.get("target", 0.0)), noise
    expected = float(result.params.get("expected", result.reference or 0.0))
    return abs(value - expected), noise


# -- columns -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Cell:
    code: int
    gap: float
    noise: float


def _columns(evidence: Evidence, by_name: dict[str, list[Result]]) -> Iterator[Problem]:
    flagged: dict[str, list[Result]] = defaultdict(list)
    for name in (
        "column_tvd",
        "js_divergence",
        "ks",
        "wasserstein",
        "quantile_error",
        "tail_share_difference",
        "category_coverage",
        "range_coverage",
        "unseen_share",
    ):
        for result in by_name[name]:
            flagged[result.columns[0]].append(result)
    missing = {r.columns[0]: r for r in by_name["missing_share"]}
    for name in evidence.columns:
        if name in missing:
            yield _missing(missing[name])
        told = _shape(evidence, name, flagged[name]) if name in flagged else None
        if told and (name not in missing or told.excess / told.noise > _CLEAR):
            yield told


def _missing(result: Result) -> Problem:
    value, noise = result.value or 0.0, max(result.noise or 0.0, 1e-9)
    train = float(result.params["train"])
    kind = "many" if value > 0 else "few"
    text = (
        f"{result.columns[0]}: {points(value)} points too {kind} missing values: "
        f"{points(train + value)}% instead of {points(train)}% (noise {points(noise)})"
    )
    return Problem(text, result.columns, abs(value), noise)


def _shape(evidence: Evidence, name: str, flagged: list[Result]) -> Problem | None:
    """Describe what is wrong with the known values of a column, by its clearest sign."""
    signs: list[tuple[float, Problem]] = []
    shapes = {"column_tvd", "js_divergence", "ks", "wasserstein", "quantile_error"}
    if any(r.name in shapes for r in flagged):
        signs += [(p.excess / p.noise, p) for p in _cells(evidence, name)]
    for result in flagged:
        text = _sign(result)
        if text:
            excess, noise = _over(result)
            signs.append((excess / noise, Problem(text, (name,), excess, noise)))
    return max(signs, key=lambda s: s[0])[1] if signs else None


def _sign(result: Result) -> str:
    name, value = result.columns[0], result.value or 0.0
    noise, reference = result.noise or 0.0, result.reference or 0.0
    if result.name == "tail_share_difference":
        which = "highest" if result.params["tail"] == "high" else "lowest"
        kind = "many" if value > 0 else "few"
        share = points(float(result.params["train"]))
        return (
            f"{name}: {points(value)} points too {kind} among the {which} values "
            f"({share}% of the train rows; noise {points(noise)})"
        )
    if result.name == "range_coverage":
        return (
            f"{name}: only {points(value)}% of the range of train is reached "
            f"(fresh real rows: {points(reference)}%; noise {points(noise)})"
        )
    if result.name == "unseen_share":
        return (
            f"{name}: {points(value)}% of the rows have values that train does not have "
            f"(fresh real rows: {points(reference)}%; noise {points(noise)})"
        )
    if result.name == "wasserstein":
        size = f"{value:.2g} standard deviations (noise {noise:.2g})"
        return f"{name}: values are off by {size} on average"
    return ""


def _cells(evidence: Evidence, name: str) -> Iterator[Problem]:
    """Yield the clearest single cell, and for numbers the clearest cumulative gap."""
    coded = evidence.columns[name]
    counts = evidence.cells([name]).counts
    known = coded.size - 2
    total = {s: int(counts[s][:known].sum()) for s in ("train", "synthetic")}
    unseen = int(counts["synthetic"][-1])
    n, m = total["train"], total["synthetic"] + unseen
    if n == 0 or m == 0:
        return
    p, q = counts["train"][:known] / n, counts["synthetic"][:known] / m
    effect = evidence.pooled_effect([name])
    noise = Z95 * np.sqrt(effect * np.maximum(p * (1 - p), 1 / n) * (1 / n + 1 / m))
    gap = q - p
    held = unit_counts(coded.codes["train"], evidence.units("train"), coded.size)
    best = int(np.argmax(np.abs(gap) / noise))
    where = coded.text[best] if held[best] >= MINIMUM else "among rare values"
    size, own = float(gap[best]), float(noise[best])
    if counts["synthetic"][best] == 0 and held[best] >= MINIMUM and coded.order is None:
        text = f"{name}: {where} is missing ({points(p[best])}% of the train rows"
    else:
        kind = "many" if size > 0 else "few"
        where = where if where.startswith(("at", "from", "below", "among")) else f"in {where}"
        text = f"{name}: {points(size)} points too {kind} {where} ("
        text += f"{points(q[best])}% instead of {points(p[best])}%"
    yield Problem(f"{text}; noise {points(own)})", (name,), abs(size), own)
    if coded.order is None or name not in evidence.numeric():
        return
    order = coded.order[coded.order < known]
    steps = np.cumsum(gap[order])[:-1]
    if not len(steps):
        return
    below = np.cumsum(p[order])[:-1]
    scatter = Z95 * np.sqrt(effect * np.maximum(below * (1 - below), 1 / n) * (1 / n + 1 / m))
    starts = [coded.text[c] for c in order[1:]]
    usable = np.array(
        [_start(t) != "" and held[c] >= MINIMUM for t, c in zip(starts, order[1:], strict=True)]
    )
    ratio = np.where(usable, np.abs(steps) / scatter, 0.0)
    at = int(np.argmax(ratio))
    if ratio[at] <= 1.2 * abs(size) / own:
        return
    kind = "many" if steps[at] > 0 else "few"
    text = (
        f"{name}: {points(steps[at])} points too {kind} below {_start(starts[at])} "
        f"({points(below[at] + steps[at])}% instead of {points(below[at])}%; "
        f"noise {points(scatter[at])})"
    )
    yield Problem(text, (name,), abs(float(steps[at])), float(scatter[at]))


def _start(text: str) -> str:
    """Return the lower end of a cell from its words."""
    if text.startswith("at exactly "):
        return text.removeprefix("at exactly ")
    if text.startswith("from "):
        return text.removeprefix("from ").rpartition(" to ")[0]
    if text.startswith("at ") and text.endswith(" or more"):
        return text.removeprefix("at ").removesuffix(" or more")
    return ""


# -- dependence ----------------------------------------------------------------------------------


def _change(result: Result) -> str:
    before = float(result.params["information_train"])
    after = float(result.params["information_synthetic"])
    if after < 0.25 * before:
        return "dependence lost"
    if after < 0.8 * before:
        return "dependence too weak"
    if before < 0.25 * after:
        return "dependence invented"
    return "dependence too strong" if before < 0.8 * after else "dependence of another shape"


def _pairs(evidence: Evidence, flagged: list[Result]) -> Iterator[Problem]:
    """One problem a column where most of its pairs changed, else one a pair."""
    left = sorted(flagged, key=lambda r: -_ratio(r))
    others = max(len(evidence.columns) - 1, 1)
    while left:
        of: dict[str, list[Result]] = defaultdict(list)
        for result in left:
            for name in result.columns:
                of[name].append(result)
        # evidence adds up over pairs less than linearly: they share rows
        heaviest = max(of, key=lambda c: sum(_ratio(r) for r in of[c]))
        mine = of[heaviest]
        if len(mine) < 3 or len(mine) <= others / 3:
            for result in left:
                excess, noise = _over(result)
                text = (
                    f"{' and '.join(result.columns)}: {_change(result)}: {points(excess)}% of the "
                    f"rows beyond chance (noise {points(noise)})"
                )
                yield Problem(text, result.columns, excess, noise)
            return
        first = mine[0]
        kinds = [_change(r) for r in mine]
        kind = max(set(kinds), key=kinds.count)
        partners = [next(c for c in r.columns if c != heaviest) for r in mine]
        excess, noise = _over(first)
        text = (
            f"{heaviest}: {kind} with {len(mine)} of {others} other columns, most with "
            f"{', '.join(partners[:3])}: up to {points(excess)}% of the rows beyond chance "
            f"(noise {points(noise)})"
        )
        yield Problem(text, (heaviest, *partners[:3]), excess, noise)
        left = [r for r in left if heaviest not in r.columns]


def _ratio(result: Result) -> float:
    excess, noise = _over(result)
    return excess / noise


def _triples(flagged: list[Result], touched: set[str], linked: list[set[str]]) -> Iterator[Problem]:
    told: list[set[str]] = []
    for result in sorted(flagged, key=lambda r: -_ratio(r)):
        mine = set(result.columns)
        explained = mine & touched or any(p <= mine for p in linked)
        if explained or any(len(mine & t) > 1 for t in told):
            continue
        told.append(mine)
        excess, noise = _over(result)
        text = (
            f"{', '.join(result.columns)}: the three together differ where no two of them do: "
            f"{points(excess)}% of the rows beyond chance (noise {points(noise)})"
        )
        yield Problem(text, result.columns, excess, noise)


# -- groups --------------------------------------------------------------------------------------


def _groups(
    by_name: dict[str, list[Result]], touched: set[str], linked: list[set[str]]
) -> Iterator[Problem]:
    """Groups whose number or target is off where no column or pair says so; who is served worst."""

    def told(result: Result) -> bool:
        mine = set(result.columns)
        return bool(mine & touched) or any(p <= mine for p in linked)

    for name, what in (("subgroup_share", "rows"), ("base_rate_difference", "")):
        for result in sorted(by_name[name], key=lambda r: -_ratio(r))[:3]:
            if told(result) or len(result.columns) < 2:
                continue
            excess, noise = _over(result)
            value, train = result.value or 0.0, float(result.params["train"])
            kind = "many" if value > 0 else "few"
            outcome = what or f"with {result.columns[-1]} = {result.params.get('class', 'high')}"
            text = (
                f"{result.group}: {points(value)} points too {kind} {outcome} "
                f"({points(train + value)}% instead of {points(train)}%; noise {points(noise)})"
            )
            yield Problem(text, result.columns, excess, noise)
    served = [r for r in by_name["subgroup_tvd"] if not set(r.params["worst"][:1]) & touched]
    for result in sorted(served, key=lambda r: -_over(r)[0])[:1]:
        if told(result):
            continue
        excess, noise = _over(result)
        text = (
            f"{result.group}: served worst of all groups: {points(excess)}% of its rows beyond "
            f"chance, most in {', '.join(result.params['worst'])} (noise {points(noise)})"
        )
        yield Problem(text, result.columns, excess, noise)


# -- whole rows ----------------------------------------------------------------------------------


def _whole(by_name: dict[str, list[Result]], columns: list[Problem]) -> Iterator[Problem]:
    if not any("missing values" in p.text for p in columns):
        for result in by_name["missing_pattern_tvd"]:
            excess, noise = _over(result)
            text = (
                f"missing values fall together in other patterns: {points(excess)}% of the rows "
                f"beyond chance (noise {points(noise)})"
            )
            yield Problem(text, (), excess, noise)
    copied = sorted(by_name["exact_copies"], key=lambda r: -_ratio(r))[:1]
    for result in copied:
        part = "" if result.params["columns"] == "all" else " in all but near-unique columns"
        yield _rate(result, f"rows equal a train row{part}")
    if not copied:
        for result in by_name["near_copies"]:
            yield _rate(result, "rows come as close to a train row as the nearest 1% of real rows")
    for result in by_name["dcr_share"]:
        yield _rate(result, "rows are nearer to a train row than to a holdout row (DCR share)")
    for result in by_name["c2st"]:
        if result.params["against"] != "holdout" and any(
            r.params["against"] == "holdout" for r in by_name["c2st"]
        ):
            continue
        excess, noise = _over(result)
        names = [str(g["column"]) for g in result.params["giveaways"][:3]]
        text = (
            f"a model tells synthetic from real rows with AUC {result.value:.3f} (0.5 if it could "
            f"not; noise {noise:.3f}), mostly by {', '.join(names)}"
        )
        yield Problem(text, tuple(names), excess, noise)
    for result in by_name["tstr"]:
        if result.params["score"] == "accuracy" and len(by_name["tstr"]) > 1:
            continue
        value, reference = result.value or 0.0, result.reference or 0.0
        score = {"auc": "AUC", "r2": "R2"}.get(result.params["score"], result.params["score"])
        text = (
            f"models of {result.columns[0]} trained on synthetic reach {score} {value:.3f} on real "
            f"rows, {reference:.3f} if trained on real ones (noise {result.noise:.3f})"
        )
        yield Problem(text, result.columns, reference - value, max(result.noise or 0.0, 1e-9))


def _rate(result: Result, what: str) -> Problem:
    excess, noise = _over(result)
    text = (
        f"{points(result.value or 0.0)}% of the {what}; fresh real rows: "
        f"{points(result.reference or 0.0)}% (noise {points(noise)})"
    )
    return Problem(text, (), excess, max(noise, math.ulp(1.0)))
