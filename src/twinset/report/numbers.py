"""Numbers as people read them."""

from __future__ import annotations

import math
from typing import Literal

__all__ = ["count", "figure", "plural", "span", "tick"]

Unit = Literal["share", "number", "points"]


def figure(value: float | None, unit: Unit = "number") -> str:
    """Return the figure with at most three significant decimals; a share as a percentage."""
    if value is None or not math.isfinite(value):
        return "–"
    if unit == "share":
        return f"{_short(100 * value, 1)}%"
    return _short(value, 3)


def tick(value: float, unit: Unit = "number") -> str:
    """Return the number at an end of an axis, as short as it can be."""
    text = f"{100 * value:.3g}%" if unit == "share" else f"{value:.3g}"
    return text.removeprefix("-") if text.strip("-0.%") == "" else text


def _short(value: float, decimals: int) -> str:
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if 0 < size < 10.0**-decimals:
        digits = 1 - math.floor(math.log10(size))
        return f"{value:.{digits}f}" if digits <= 6 else f"{value:.1e}"
    if decimals == 1 and size < 1:
        decimals = 2
    text = f"{value:.{decimals}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text


def span(low: float, high: float, unit: Unit = "number") -> str:
    """Return an interval in words; a percent sign stands once."""
    first = figure(low, unit)
    return f"{first.removesuffix('%')} to {figure(high, unit)}"


def count(number: float) -> str:
    """Return a whole number with thousands marked."""
    return f"{number:,.0f}"


def plural(number: int, one: str) -> str:
    """Return ``"1 row"`` or ``"2,000 rows"``."""
    return f"{count(number)} {one}{'' if number == 1 else 's'}"
