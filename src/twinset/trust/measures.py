"""All measures by name: of audits, rules, several releases, and of the registered metrics."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from twinset import registry
from twinset.protocols import Measure

__all__ = ["measure_of", "measures"]


@cache
def _own() -> Mapping[str, Measure]:
    """Return those that no registered metric declares."""
    # imported when asked for: whoever only fits and samples does not wait for them
    from twinset.auditing import figures
    from twinset.evaluation import compat, cross_validation
    from twinset.rules import measures as of_rules

    rooms = (figures, of_rules, cross_validation, compat)
    return {m.name: m for room in rooms for m in room.MEASURES}


def measures() -> Mapping[str, Measure]:
    """Return all declared measures by name."""
    return {**registry.measures(), **_own()}


def measure_of(name: str) -> Measure | None:
    """Return the measure of this name; metrics are imported only if it is not found elsewhere."""
    return _own().get(name) or registry.measures().get(name)
