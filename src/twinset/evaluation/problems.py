"""The largest problems in words, one a cause, ordered by excess over noise.

The sentence of a problem stands in the declaration of its measure, save where it names cells,
partners or models.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from twinset import registry
from twinset.evaluation.marginal_problems import (
    column_problems,
    over,
    pair_problems,
    points,
    ratio,
)
from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import FALSE_DISCOVERIES
from twinset.protocols import Result
from twinset.results import Problem
from twinset.stats.intervals import adjust

__all__ = ["MOST", "problems"]

MOST = 10
_EACH = 3  # problems of one measure that no other says, at most
_CHOSEN = {  # measures of which a function below chooses what no other problem says
    "triple_tvd",
    "subgroup_share",
    "base_rate_difference",
    "subgroup_tvd",
    "empty_pair_share",
    "lost_pair_share",
    "intersection_difference",
    "missing_pattern_tvd",
    "exact_copies",
    "near_copies",
    "repeated_rows",
    "dcr_share",
}
_INSIDE = 3  # problems of columns that follow the others in another way, at most
_SCORES = {"auc": "AUC", "r2": "R2"}
_FAIR = {
    "demographic_parity_difference": "choose them at rates up to {} points apart",
    "equal_opportunity_difference": "find those with the outcome at rates up to {} points apart",
    "equalised_odds_difference": "find, or wrongly name, them at rates up to {} points apart",
    "predictive_parity_difference": "are right about them at rates up to {} points apart",
}


def problems(evidence: Evidence, results: Sequence[Result]) -> tuple[Problem, ...]:
    """Return at most 10 problems: columns, dependence, missing values, copies, models.

    A pair is a problem only for its dependence, a triple only if none of its columns and pairs is
    one: a shifted column is one problem, not fourteen.
    """
    worse = _beyond(results)
    by_name: dict[str, list[Result]] = defaultdict(list)
    for result in worse:
        by_name[result.name].append(result)
    columns = list(column_problems(evidence, by_name))
    pairs = list(pair_problems(evidence, by_name["dependence_tvd"]))
    touched = {c for p in columns for c in p.columns}
    linked = [set(r.columns) for r in by_name["dependence_tvd"]]
    triples = list(_triple(by_name["triple_tvd"], touched, linked))
    groups = list(_group(by_name, touched, linked))
    impossible = list(_impossible(by_name["empty_pair_share"]))
    told = [set(p.columns) for p in pairs]
    lost = list(_lost(by_name["lost_pair_share"], told))  # `told` has them too now
    beyond = by_name["intersection_difference"]
    crossed = list(_intersection(beyond, touched, told))
    inside = list(_conditional(by_name["conditional_difference"], touched, linked))
    found = [*columns, *pairs, *triples, *groups, *impossible, *lost, *crossed, *inside]
    found += [*_whole(by_name, columns), *_declared(by_name)]
    found.sort(key=lambda p: -p.excess / p.noise)
    return tuple(found[:MOST])


def _beyond(results: Sequence[Result]) -> list[Result]:
    """Results that are worse, of measures whose smallest p-value stands out among all measures.

    Verdicts hold the false discovery rate over the figures of one name; with dozens of names some
    would still be wrong in every release (selection of families: Benjamini and Bogomolov 2014).
    """
    judged = [r for r in results if r.verdict is not None and "q_worse" in r.params]
    smallest: dict[str, float] = {}  # of adjusted p-values: Simes' test of the whole name
    for r in judged:
        smallest[r.name] = min(float(r.params["q_worse"]), smallest.get(r.name, 1.0))
    kept = adjust(np.array(list(smallest.values())))
    chosen = {n for n, q in zip(smallest, kept, strict=True) if q <= FALSE_DISCOVERIES}
    told = [r for r in results if r.verdict == "worse" and r.estimate is not None]
    return [r for r in told if r.name in chosen or "q_worse" not in r.params]


class _Params(dict[str, Any]):
    """Params of a result in words; one that is not there is a dash."""

    def __missing__(self, key: str) -> str:
        return "–"


def _said(result: Result) -> Problem:
    """Return the problem that the declaration of a result's measure words."""
    measure = registry.measures()[result.name]
    excess, noise = over(result)
    write = points if measure.unit == "share" else "{:.3g}".format

    def word(param: Any) -> str:
        if isinstance(param, list | tuple):
            return ", ".join(map(str, param))
        return write(param) if isinstance(param, float) else str(param)

    value = result.value or 0.0
    before = result.params.get("train", result.params.get("due", 0.0))
    part = result.params.get("columns") == "without_near_unique"
    text = measure.problem.format(
        title=measure.title,
        columns=(" and " if len(result.columns) < 3 else ", ").join(result.columns),
        part=" in all but near-unique columns" if part else "",
        group=result.group or "all rows",
        outcome=f"{result.columns[-1]} = {result.params.get('class', 'high')}"
        if result.columns
        else "",
        kind="many" if value > 0 else "few",
        value=write(value),
        before=word(before),
        after=write(value + before) if isinstance(before, float) else "–",
        reference=write(result.reference or 0.0),
        excess=write(excess),
        noise=write(noise),
        params=_Params((k, word(v)) for k, v in result.params.items()),
    )
    return Problem(text, result.columns, excess, noise)


def _declared(by_name: dict[str, list[Result]]) -> Iterator[Problem]:
    """Problems of other measures that declare a sentence, such as a plug-in's: three of each."""
    for name, flagged in by_name.items():
        measure = registry.measures().get(name)
        if measure is not None and measure.problem and name not in _CHOSEN:
            yield from map(_said, sorted(flagged, key=lambda r: -ratio(r))[:_EACH])


def _triple(flagged: list[Result], touched: set[str], linked: list[set[str]]) -> Iterator[Problem]:
    """Yield triples of which no column and no pair is a problem by itself."""
    told: list[set[str]] = []
    for result in sorted(flagged, key=lambda r: -ratio(r)):
        mine = set(result.columns)
        explained = mine & touched or any(p <= mine for p in linked)
        if explained or any(len(mine & t) > 1 for t in told):
            continue
        told.append(mine)
        yield _said(result)


def _impossible(flagged: list[Result]) -> Iterator[Problem]:
    """Rows that combine what does not go together, one problem a column."""
    told: set[str] = set()
    for result in sorted(flagged, key=lambda r: -ratio(r)):
        if told & set(result.columns):
            continue
        told |= set(result.columns)
        yield _said(result)


def _lost(flagged: list[Result], told: list[set[str]]) -> Iterator[Problem]:
    """Combinations that the release has lost, where no problem of dependence says so."""
    for result in sorted(flagged, key=lambda r: -ratio(r)):
        mine = set(result.columns)
        if any(len(mine & t) > 1 for t in told):
            continue
        told.append(mine)
        yield _said(result)


def _group(
    by_name: dict[str, list[Result]], touched: set[str], linked: list[set[str]]
) -> Iterator[Problem]:
    """Groups whose number or target is off where no column or pair says so; who is served worst."""

    def told(result: Result) -> bool:
        mine = set(result.columns)
        return bool(mine & touched) or any(p <= mine for p in linked)

    for name in ("subgroup_share", "base_rate_difference"):
        for result in sorted(by_name[name], key=lambda r: -ratio(r))[:3]:
            if told(result) or len(result.columns) < 2:
                continue
            yield _said(result)
    served = [r for r in by_name["subgroup_tvd"] if not set(r.params["worst"][:1]) & touched]
    for result in sorted(served, key=lambda r: -over(r)[0])[:1]:
        excess, noise = over(result)
        if told(result) or excess <= noise:
            continue
        yield _said(result)


def _intersection(
    flagged: list[Result], touched: set[str], told: list[set[str]]
) -> Iterator[Problem]:
    """Intersections of two groups that are too small or large, where no column or pair says so.

    A group is told of once: what is gone from it is gone from its other intersections too.
    """
    known: set[str] = set()
    for result in sorted(flagged, key=lambda r: -ratio(r)):
        groups = set(str(result.group).split(", "))
        mine = set(result.columns)
        new = not (groups & known or mine & touched or any(mine <= t for t in told))
        known |= groups
        if not new:
            continue
        told.append(mine)
        yield _said(result)


def _conditional(
    flagged: list[Result], touched: set[str], linked: list[set[str]]
) -> Iterator[Problem]:
    """Columns that follow the others in another way: three at most, one a column and one a group.

    Where it is so of all rows, it is told only if no problem of a pair does.
    """
    told: set[str] = set()
    for result in sorted(flagged, key=lambda r: -ratio(r)):
        name, *by = result.columns
        if {name, *by} & touched or told & {name, result.group}:
            continue
        if result.group is None and any(name in pair for pair in linked):
            continue
        told |= {name, result.group or name}
        excess, noise = over(result)
        yield Problem(_followed(result, noise), (*result.columns, *_partner(result)), excess, noise)
        if len(told) >= 2 * _INSIDE:
            return


def _partner(result: Result) -> tuple[str, ...]:
    partner = str(result.params["partner"])
    return (partner,) if partner else ()


def _followed(result: Result, noise: float) -> str:
    released, real = (float(result.params[k]) for k in ("synthetic", "real"))
    kind = "less" if released > real else "more"
    if result.params["score"] == "rank":
        what = f"its values lie {100 * released:.1f} percentiles from what they foretell"
    else:
        released, real = 1 - released, 1 - real
        what = f"they foretell its values with a chance of {100 * released:.1f}%"
    where = f" where {result.group}" if result.group else ""
    most = "".join(f", above all {p}," for p in _partner(result))
    return (
        f"{result.columns[0]}{where} follows the other columns{most} {kind} than in real rows: "
        f"{what} (fresh real rows: {100 * real:.1f}; noise {points(noise)})"
    )


def _whole(by_name: dict[str, list[Result]], columns: list[Problem]) -> Iterator[Problem]:
    if not any("missing values" in p.text for p in columns):
        yield from (replace(_said(r), columns=()) for r in by_name["missing_pattern_tvd"])
    copied = sorted(by_name["exact_copies"], key=lambda r: -ratio(r))[:1]
    yield from map(_said, copied or by_name["near_copies"])
    yield from map(_said, sorted(by_name["repeated_rows"], key=lambda r: -ratio(r))[:1])
    yield from map(_said, by_name["dcr_share"])
    for result in by_name["c2st"]:
        if result.params["against"] != "holdout" and any(
            r.params["against"] == "holdout" for r in by_name["c2st"]
        ):
            continue
        excess, noise = over(result)
        names = [str(g["column"]) for g in result.params["giveaways"][:3]]
        text = (
            f"a model tells synthetic from real rows with AUC {result.value:.3f} (0.5 if it could "
            f"not; noise {noise:.3f}), mostly by {', '.join(names)}"
        )
        yield Problem(text, tuple(names), excess, noise)
    yield from _model(by_name)


def _model(by_name: dict[str, list[Result]]) -> Iterator[Problem]:
    """Yield at most one problem each of the target, of another column, and of a grouping."""
    for result in by_name["tstr"]:
        if result.params["score"] == "accuracy" and len(by_name["tstr"]) > 1:
            continue
        value, reference = result.value or 0.0, result.reference or 0.0
        text = (
            f"models of {result.columns[0]} trained on synthetic reach {_score(result)} "
            f"{value:.3f} on real rows, {reference:.3f} if trained on real ones "
            f"(noise {result.noise:.3f})"
        )
        yield Problem(text, result.columns, reference - value, _noise(result))
    target = {r.columns for r in by_name["tstr"]}
    others = [r for r in by_name["column_prediction_gap"] if r.columns not in target]
    for result in sorted(others, key=lambda r: -ratio(r))[:1]:
        learned = (float(result.params[k]) for k in ("synthetic", "train"))
        text = (
            f"{result.columns[0]} is foretold from the other columns with {_score(result)} "
            "{:.3f} by what was learned from synthetic, {:.3f} from real rows ".format(*learned)
            + f"(noise {result.noise:.3f})"
        )
        yield Problem(text, result.columns, result.value or 0.0, _noise(result))
    yield from _unfair([r for name in _FAIR for r in by_name[name]])


def _unfair(found: list[Result]) -> Iterator[Problem]:
    """Yield the clearest figure of each grouping, largest first, two at most."""
    seen: set[tuple[str, ...]] = set()
    for result in sorted(found, key=lambda r: -ratio(r)):
        *groups, target = result.columns
        if tuple(groups) in seen or len(seen) == 2:
            continue
        seen.add(tuple(groups))
        value, reference = result.value or 0.0, result.reference or 0.0
        what = _FAIR[result.name].format(f"{100 * value:.1f}")
        text = (
            f"models of {target} ({result.params['class']}) trained on synthetic treat groups of "
            f"{' and '.join(groups)} less alike on real rows: they {what}, "
            f"{100 * reference:.1f} if trained on real ones "
            f"(noise {100 * (result.noise or 0.0):.1f})"
        )
        yield Problem(text, result.columns, abs(value - reference), _noise(result))


def _score(result: Result) -> str:
    score = str(result.params["score"])
    return _SCORES.get(score, score)


def _noise(result: Result) -> float:
    return max(result.noise or 0.0, 1e-9)
