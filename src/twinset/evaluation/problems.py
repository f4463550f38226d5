"""The largest problems in words, one a cause, ordered by excess over noise."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from twinset.evaluation.problem_columns import column_problems
from twinset.evaluation.problem_groups import (
    conditional_problems,
    group_problems,
    intersection_problems,
)
from twinset.evaluation.problem_models import model_problems
from twinset.evaluation.problem_sets import (
    impossible_problems,
    lost_problems,
    pair_problems,
    triple_problems,
)
from twinset.evaluation.problem_words import over, points, ratio
from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import FALSE_DISCOVERIES
from twinset.protocols import Result
from twinset.results import Problem
from twinset.stats.intervals import adjust

__all__ = ["MOST", "problems"]

MOST = 10


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
    triples = list(triple_problems(by_name["triple_tvd"], touched, linked))
    groups = list(group_problems(by_name, touched, linked))
    impossible = list(impossible_problems(by_name["empty_pair_share"]))
    told = [set(p.columns) for p in pairs]
    lost = list(lost_problems(by_name["lost_pair_share"], told))  # `told` has them too now
    beyond = by_name["intersection_difference"]
    crossed = list(intersection_problems(beyond, touched, told))
    inside = list(conditional_problems(by_name["conditional_difference"], touched, linked))
    found = [*columns, *pairs, *triples, *groups, *impossible, *lost, *crossed, *inside]
    found += _whole(by_name, columns)
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


def _whole(by_name: dict[str, list[Result]], columns: list[Problem]) -> Iterator[Problem]:
    if not any("missing values" in p.text for p in columns):
        for result in by_name["missing_pattern_tvd"]:
            excess, noise = over(result)
            text = (
                f"missing values fall together in other patterns: {points(excess)}% of the rows "
                f"beyond chance (noise {points(noise)})"
            )
            yield Problem(text, (), excess, noise)
    copied = sorted(by_name["exact_copies"], key=lambda r: -ratio(r))[:1]
    for result in copied:
        part = "" if result.params["columns"] == "all" else " in all but near-unique columns"
        yield _rate(result, f"rows equal a train row{part}")
    if not copied:
        for result in by_name["near_copies"]:
            yield _rate(result, "rows come as close to a train row as the nearest 1% of real rows")
    for result in sorted(by_name["repeated_rows"], key=lambda r: -ratio(r))[:1]:
        part = "" if result.params["columns"] == "all" else " in all but near-unique columns"
        yield _rate(result, f"rows equal another synthetic row{part}")
    for result in by_name["dcr_share"]:
        yield _rate(result, "rows are nearer to a train row than to a holdout row (DCR share)")
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
    yield from model_problems(by_name)


def _rate(result: Result, what: str) -> Problem:
    excess, noise = over(result)
    text = (
        f"{points(result.value or 0.0)}% of the {what}; fresh real rows: "
        f"{points(result.reference or 0.0)}% (noise {points(noise)})"
    )
    return Problem(text, (), excess, max(noise, math.ulp(1.0)))
