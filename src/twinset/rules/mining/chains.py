"""Implications between events that follow from two others are said by these."""

from __future__ import annotations

from collections import defaultdict

from twinset.rules.mining.domains import Domain

__all__ = ["without_chains"]

Point = tuple[str, str]  # a column and the label of one of its events
Weighed = tuple[Domain, float]  # with the bound of its exceptions
_OPPOSITE = {"null": "known", "known": "null"}


def without_chains(kept: list[Weighed]) -> list[Weighed]:
    """Drop implications that a path of others gives, the least telling first."""
    steps: dict[Point, set[Point]] = defaultdict(set)
    arrows: dict[int, tuple[Point, Point]] = {}
    for place, (domain, _) in enumerate(kept):
        start = (domain.given.name, domain.event.label)
        end = _end(domain)
        if domain.event.kind == "value":
            steps[start].add((domain.given.name, "known"))
        if end is None:
            continue
        if end[1] not in _OPPOSITE:
            steps[end].add((end[0], "known"))
        arrows[place] = (start, end)
        steps[start].add(end)
        back = _back(start, end)
        if back:
            steps[back[0]].add(back[1])
    dropped = set()
    for place in sorted(arrows, key=lambda i: kept[i][0].candidate.weight):
        start, end = arrows[place]
        back = _back(start, end)
        steps[start].discard(end)
        if back:
            steps[back[0]].discard(back[1])
        if _reaches(steps, start, end):
            dropped.add(place)
            continue
        steps[start].add(end)
        if back:
            steps[back[0]].add(back[1])
    return [k for i, k in enumerate(kept) if i not in dropped]


def _end(domain: Domain) -> Point | None:
    """Event that the domain leads to, if it is one."""
    if domain.form in _OPPOSITE:
        return domain.about.name, domain.form
    if domain.form == "in" and len(domain.values) == 1:
        return domain.about.name, f"value {domain.values[0]}"
    return None


def _back(start: Point, end: Point) -> tuple[Point, Point] | None:
    """Return the contraposition, where both events have an opposite."""
    if start[1] in _OPPOSITE and end[1] in _OPPOSITE:
        return (end[0], _OPPOSITE[end[1]]), (start[0], _OPPOSITE[start[1]])
    return None


def _reaches(steps: dict[Point, set[Point]], start: Point, end: Point) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        for after in steps.get(waiting.pop(), ()):
            if after == end:
                return True
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return False
