"""What mined rules say twice: columns that rename another, rules that follow from others.

Each fact is said once, by the rule that says most.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable

import numpy as np

from twinset.rules.combinations import Determines
from twinset.rules.constraints import Claim, Equation, Holds
from twinset.rules.mining.candidates import Candidate
from twinset.rules.mining.column_views import ColumnView, one_of
from twinset.rules.mining.domains import Domain, consequence, implication
from twinset.table.expressions.syntax import Compare, Name, Node

__all__ = [
    "Kept",
    "closure",
    "column_aliases",
    "event_aliases",
    "join_domains",
    "order_of",
    "single_pairs",
    "without_chains",
    "without_implied",
]

Kept = tuple[Candidate, float]  # with the bound of its exceptions
Weighed = tuple[Domain, float]  # likewise
Point = tuple[str, str]  # a column and the label of one of its events
_OPPOSITE = {"null": "known", "known": "null"}


def single_pairs(found: Iterable[Candidate]) -> set[tuple[str, str]]:
    """(left, right) of the dependencies on one column."""
    return {
        (c.claim.names[0], c.claim.gives)
        for c in found
        if isinstance(c.claim, Determines) and len(c.claim.names) == 1
    }


def closure(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """All pairs that follow by chains."""
    closed = set(pairs)
    while True:
        more = {(a, d) for a, b in closed for c, d in closed if b == c and a != d} - closed
        if not more:
            return closed
        closed |= more


def column_aliases(views: list[ColumnView], found: Iterable[Candidate]) -> dict[str, str]:
    """Columns that are one to one with another: the name of the one that stays, by name.

    Words stay before numbers, and what comes first in the table before what comes later.
    """
    found = list(found)
    pairs = single_pairs(found)
    for candidate in found:
        if isinstance(candidate.claim, Equation) and len(candidate.claim.columns) == 2:
            a, b = candidate.claim.columns
            pairs |= {(a, b), (b, a)}
    closed = closure(pairs)
    order = sorted(views, key=lambda f: f.values is not None)
    aliases: dict[str, str] = {}
    for view in order:
        if view.name in aliases:
            continue
        for other in order:
            both = {(view.name, other.name), (other.name, view.name)}
            if other is not view and other.name not in aliases and both <= closed:
                aliases[other.name] = view.name
    return aliases


def event_aliases(views: list[ColumnView]) -> dict[tuple[str, str], str]:
    """Events that happen in the same rows as one of an earlier column: that column's name."""
    first: dict[bytes, str] = {}
    aliases: dict[tuple[str, str], str] = {}
    for view in views:
        for event in view.events():
            key = hashlib.blake2b(np.packbits(event.rows).tobytes(), digest_size=16).digest()
            if first.setdefault(key, view.name) != view.name:
                aliases[view.name, event.label] = first[key]
    return aliases


def order_of(claim: Claim) -> tuple[str, str] | None:
    """(low, high) of an inequality between two columns; None for any other claim."""
    tree = claim.expression.tree if isinstance(claim, Holds) else None
    if isinstance(tree, Compare) and isinstance(tree.left, Name) and isinstance(tree.right, Name):
        return tree.left.name, tree.right.name
    return None


def without_implied(kept: list[Kept]) -> list[Kept]:
    """Drop what follows from equations, from shorter dependencies and from chains of orders."""
    equations = [set(c.claim.columns) for c, _ in kept if isinstance(c.claim, Equation)]
    single = closure(single_pairs(c for c, _ in kept))
    below = {pair for c, _ in kept if (pair := order_of(c.claim))}
    out = []
    for candidate, bound in kept:
        claim = candidate.claim
        if not isinstance(claim, Equation) and any(set(claim.columns) <= e for e in equations):
            continue
        if isinstance(claim, Determines) and len(claim.names) == 2 and _shorter(claim, single):
            continue
        pair = order_of(claim)
        if pair and any((pair[0], m) in below and (m, pair[1]) in below for _, m in below):
            continue
        out.append((candidate, bound))
    return _fewest_sums(_fewest_dependencies(out))


def _shorter(claim: Determines, single: set[tuple[str, str]]) -> bool:
    a, b = claim.names
    return bool({(a, b), (b, a), (a, claim.gives), (b, claim.gives)} & single)


def _fewest_dependencies(kept: list[Kept]) -> list[Kept]:
    """Drop single dependencies that follow from two others, the least telling first."""
    held = single_pairs(c for c, _ in kept)
    dropped: set[int] = set()
    for candidate, _ in sorted(kept, key=lambda k: k[0].weight):
        claim = candidate.claim
        if not isinstance(claim, Determines) or len(claim.names) > 1:
            continue
        pair = (claim.names[0], claim.gives)
        if pair in closure(held - {pair}):
            held.discard(pair)
            dropped.add(id(candidate))
    return [k for k in kept if id(k[0]) not in dropped]


def _fewest_sums(kept: list[Kept]) -> list[Kept]:
    """Of equations on the same columns keep the most telling."""
    best: dict[frozenset[str], Candidate] = {}
    for candidate, _ in kept:
        if isinstance(candidate.claim, Equation):
            key = frozenset(candidate.claim.columns)
            if key not in best or candidate.weight > best[key].weight:
                best[key] = candidate
    chosen = {id(c) for c in best.values()}
    return [k for k in kept if not isinstance(k[0].claim, Equation) or id(k[0]) in chosen]


def without_chains(kept: list[Weighed]) -> list[Weighed]:
    """Drop implications that a path of others gives, the least telling first."""
    steps: dict[Point, set[Point]] = defaultdict(set)
    arrows: dict[int, list[tuple[Point, Point]]] = {}  # the step of a rule, and back
    for place, (domain, _) in enumerate(kept):
        start = (domain.given.name, domain.event.label)
        end = _end(domain)
        if domain.event.kind == "value":
            steps[start].add((domain.given.name, "known"))
        if end is None:
            continue
        if end[1] not in _OPPOSITE:
            steps[end].add((end[0], "known"))
        arrows[place] = [(start, end), *_back(start, end)]
        for a, b in arrows[place]:
            steps[a].add(b)
    dropped = set()
    for place in sorted(arrows, key=lambda i: kept[i][0].candidate.weight):
        for a, b in arrows[place]:
            steps[a].discard(b)
        if _reaches(steps, *arrows[place][0]):
            dropped.add(place)
            continue
        for a, b in arrows[place]:
            steps[a].add(b)
    return [k for i, k in enumerate(kept) if i not in dropped]


def _end(domain: Domain) -> Point | None:
    """ColumnEvent that the domain leads to, if it is one."""
    if domain.form in _OPPOSITE:
        return domain.about.name, domain.form
    if domain.form == "in" and len(domain.values) == 1:
        return domain.about.name, f"value {domain.values[0]}"
    return None


def _back(start: Point, end: Point) -> list[tuple[Point, Point]]:
    """Return the contraposition, where both events have an opposite."""
    if start[1] in _OPPOSITE and end[1] in _OPPOSITE:
        return [((end[0], _OPPOSITE[end[1]]), (start[0], _OPPOSITE[start[1]]))]
    return []


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


def join_domains(kept: list[Weighed]) -> list[tuple[Candidate, float]]:
    """Join what one event forbids to a column, then events that leave it the same.

    Counts of joined rules are those of all their rows; the bound is the largest.
    """
    out: list[tuple[Candidate, float]] = []
    by_event = _grouped(kept, lambda d: (d.given.name, d.event.label, d.about.name, d.form))
    singles: list[Weighed] = []
    for group in by_event:
        if len(group) == 1 or group[0][0].form != "not in":
            singles += group
            continue
        first = group[0][0]
        values = tuple(v for d, _ in group for v in d.values)
        then = consequence(first.about, "not in", values)
        out.append(_joined(group, first.event.condition, then, same_rows=True))
    for group in _grouped(singles, lambda d: (d.given.name, d.about.name, d.form, d.values)):
        values = tuple(d.event.value for d, _ in group if d.event.kind == "value")
        if len(group) == 1 or len(values) < len(group):
            out += [(d.candidate, bound) for d, bound in group]
            continue
        first = group[0][0]
        condition = one_of(first.given.column, values)
        then = consequence(first.about, first.form, first.values)
        out.append(_joined(group, condition, then, same_rows=False))
    return out


def _grouped(found: list[Weighed], key: Callable[[Domain], Hashable]) -> list[list[Weighed]]:
    groups: dict[Hashable, list[Weighed]] = {}
    for domain, bound in found:
        groups.setdefault(key(domain), []).append((domain, bound))
    return list(groups.values())


def _joined(
    group: list[Weighed], condition: Node, then: Node, *, same_rows: bool
) -> tuple[Candidate, float]:
    """Add the counts of rules that share their rows, or of rules on rows apart."""
    parts = [d.candidate for d, _ in group]
    checks = parts[0].checks if same_rows else sum(c.checks for c in parts)
    weight = sum(c.weight for c in parts)
    rows = len(group[0][0].given.codes)
    joined = Candidate(
        implication(condition, then),
        checks,
        sum(c.broken for c in parts),
        min(weight * rows / max(checks, 1), 1.0),
        weight,
    )
    bounds = [bound for _, bound in group]
    return joined, sum(bounds) if same_rows else max(bounds)
