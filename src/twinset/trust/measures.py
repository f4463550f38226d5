"""All measures by name: of audits, rules, several releases, and of the registered metrics."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from twinset import registry
from twinset.auditing import figures
from twinset.evaluation import compat, cross_validation
from twinset.protocols import Measure
from twinset.rules import measures as of_rules

__all__ = ["measure_of", "measures"]

_OWN = {  # those that no registered metric declares
    m.name: m
    for m in chain(figures.MEASURES, of_rules.MEASURES, cross_validation.MEASURES, compat.MEASURES)
}


def measures() -> Mapping[str, Measure]:
    """Return all declared measures by name."""
    return {**registry.measures(), **_OWN}


def measure_of(name: str) -> Measure | None:
    """Return the measure of this name; metrics are imported only if it is not found elsewhere."""
    return _OWN.get(name) or registry.measures().get(name)
