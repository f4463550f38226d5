"""Domains that say the same of several values, as one rule."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from twinset.rules.mining.candidates import Candidate
from twinset.rules.mining.column_views import one_of
from twinset.rules.mining.domains import Domain, consequence, implication
from twinset.table.expressions.syntax import Node

__all__ = ["join_domains"]

Weighed = tuple[Domain, float]  # with the bound of its exceptions


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
