"""How one measure is read: the form of an entry of `twinset.report.readings`."""

from __future__ import annotations

from dataclasses import dataclass, field

from twinset.report.numbers import Unit

__all__ = ["BEYOND", "LEAN", "Reading"]

LEAN = {
    "worse": "leans towards the train data",
    "within_noise": "even, as for fresh real rows",
    "better": "even, as for fresh real rows",
}
BEYOND = {
    "worse": "more than of people set aside",
    "within_noise": "no more than of people set aside",
    "better": "no more than of people set aside",
}
_FRESH = {
    "worse": "worse than fresh real rows",
    "within_noise": "like fresh real rows",
    "better": "better than fresh real rows",
}


@dataclass(frozen=True)
class Reading:
    """How one measure is read.

    `domain` bounds the values; `anchors` always lie on its axis, so that a small difference does
    not look large, and `least` is its shortest length; `goal` replaces the words for the direction.
    """

    title: str
    meaning: str
    unit: Unit = "number"
    domain: tuple[float, float] = (0.0, 1.0)
    anchors: tuple[float, ...] = (0.0,)
    least: float = 0.0
    goal: str = ""
    reference: str = "fresh real rows"
    standing: dict[str, str] = field(default_factory=lambda: _FRESH)
