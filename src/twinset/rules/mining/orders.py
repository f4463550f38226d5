"""Inequalities between two columns of one kind: ``start <= end``."""

from __future__ import annotations

import itertools

import numpy as np

from twinset.rules.constraints import Holds
from twinset.rules.mining.candidates import Candidate, Harvest
from twinset.rules.mining.column_views import Facet, literal
from twinset.table.expressions.expression import Expression
from twinset.table.expressions.syntax import Compare, Logic, Name
from twinset.table.schema import Kind

__all__ = ["orders"]

_LOOSE = 0.02
_LEAST = 100
_SEEN = 12.0  # equal pairs expected by chance, from which none means that they are excluded
_TYPES = {Kind.INTEGER: "number", Kind.REAL: "number", Kind.DURATION: "number"}


def orders(facets: list[Facet]) -> Harvest:
    """Pairs of number-like columns of which one is never above the other.

    Chance is that of two rows drawn apart: P(A > B) for independent A and B. Columns whose ranges
    hardly overlap have none to speak of, and are no rule.
    """
    harvest = Harvest()
    scales = [f for f in facets if f.values is not None and len(f.levels) > 2]
    for a, b in itertools.permutations(scales, 2):
        kinds = {_TYPES.get(f.column.kind, f.column.kind.value) for f in (a, b)}
        if len(kinds) > 1 or a.values is None or b.values is None:
            continue
        harvest.tested += 1
        guarded = _guarded(a, b)
        if guarded is not None:
            harvest.found.append(guarded)
        known = ~(np.isnan(a.values) | np.isnan(b.values))
        x, y = a.values[known], b.values[known]
        broken = int(np.count_nonzero(x > y))
        if len(x) < _LEAST or broken > _LOOSE * len(x):
            continue
        ordered = np.sort(y)
        above = float(np.searchsorted(ordered, x, side="left").mean() / len(y))
        reach = float(np.searchsorted(ordered, x, side="right").mean() / len(y))
        equal = int(np.count_nonzero(x == y))
        if equal == len(x):
            continue
        strict = equal == 0 and (reach - above) * len(x) >= _SEEN
        tree = Compare(0, "<" if strict else "<=", Name(0, a.name), Name(0, b.name))
        claim = Holds(Expression(tree, str(tree)))
        weight = above * len(x) / len(known)
        harvest.found.append(Candidate(claim, len(x), broken, above, weight))
    return harvest


def _guarded(a: Facet, b: Facet) -> Candidate | None:
    """``a != v implies a > b``: an order that holds but for one frequent value, such as 0.

    The value is the one that nearly all rows against the order have.
    """
    assert a.values is not None
    assert b.values is not None
    known = ~(np.isnan(a.values) | np.isnan(b.values))
    x, y = a.values[known], b.values[known]
    against = x[x < y]
    if _TYPES.get(a.column.kind) != "number" or len(against) < _LEAST:
        return None
    levels, counts = np.unique(against, return_counts=True)
    value = float(levels[np.argmax(counts)])
    rest = x != value
    if counts.max() < (1 - _LOOSE) * len(against) or rest.sum() < _LEAST:
        return None
    if not (x[rest] > value).all() and not (x[rest] < value).all():
        return None  # a code lies apart from the numbers
    broken = int(np.count_nonzero(x[rest] < y[rest]))
    if broken > _LOOSE * rest.sum():
        return None
    ordered = np.sort(y)
    below = float(1 - np.searchsorted(ordered, x[rest], side="right").mean() / len(y))
    apart = Compare(0, "!=", Name(0, a.name), literal(a.column, value))
    tree = Logic(0, "implies", (apart, Compare(0, ">=", Name(0, a.name), Name(0, b.name))))
    claim = Holds(Expression(tree, str(tree)))
    weight = below * int(rest.sum()) / len(known)
    return Candidate(claim, int(rest.sum()), broken, below, weight, np.log(len(np.unique(x))))
