"""Problems of groups of rows: how many they are, what goes together inside them."""

from __future__ import annotations

from collections.abc import Iterator

from twinset.evaluation.problem_words import over, points, ratio
from twinset.protocols import Result
from twinset.results import Problem

__all__ = ["conditional_problems", "group_problems", "intersection_problems"]

_INSIDE = 3  # problems of columns that follow the others in another way, at most


def group_problems(
    by_name: dict[str, list[Result]], touched: set[str], linked: list[set[str]]
) -> Iterator[Problem]:
    """Groups whose number or target is off where no column or pair says so; who is served worst."""

    def told(result: Result) -> bool:
        mine = set(result.columns)
        return bool(mine & touched) or any(p <= mine for p in linked)

    for name, what in (("subgroup_share", "rows"), ("base_rate_difference", "")):
        for result in sorted(by_name[name], key=lambda r: -ratio(r))[:3]:
            if told(result) or len(result.columns) < 2:
                continue
            excess, noise = over(result)
            value, train = result.value or 0.0, float(result.params["train"])
            kind = "many" if value > 0 else "few"
            outcome = what or f"with {result.columns[-1]} = {result.params.get('class', 'high')}"
            text = (
                f"{result.group}: {points(value)} points too {kind} {outcome} "
                f"({points(train + value)}% instead of {points(train)}%; noise {points(noise)})"
            )
            yield Problem(text, result.columns, excess, noise)
    served = [r for r in by_name["subgroup_tvd"] if not set(r.params["worst"][:1]) & touched]
    for result in sorted(served, key=lambda r: -over(r)[0])[:1]:
        excess, noise = over(result)
        if told(result) or excess <= noise:
            continue
        text = (
            f"{result.group}: served worst of all groups: {points(excess)}% of its rows beyond "
            f"chance, most in {', '.join(result.params['worst'])} (noise {points(noise)})"
        )
        yield Problem(text, result.columns, excess, noise)


def intersection_problems(
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
        excess, noise = over(result)
        value, due = result.value or 0.0, float(result.params["due"])
        kind = "many" if value > 0 else "few"
        text = (
            f"{result.group}: {points(value)} points too {kind} rows are both "
            f"({points(due + value)}% instead of {points(due)}%; noise {points(noise)})"
        )
        yield Problem(text, result.columns, excess, noise)


def conditional_problems(
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
