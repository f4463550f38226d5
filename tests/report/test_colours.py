"""The palette keeps WCAG 2.2: text 4.5 to 1 (1.4.3), marks of charts 3 to 1 (1.4.11)."""

from __future__ import annotations

import itertools
import re
from importlib.resources import files

import pytest

STYLE = files("twinset.report").joinpath("templates/style.css").read_text(encoding="utf-8")
SCHEMES = ("light", "dark", "print")
GROUNDS = ("bg", "card", "tint", "cool", "plain")
# What machines of the three common colour blindnesses make of linear RGB (Viénot et al. 1999).
BLIND = {
    "protan": ((0.11238, 0.88762, 0.0), (0.11238, 0.88762, 0.0), (0.00401, -0.00401, 1.0)),
    "deutan": ((0.29275, 0.70725, 0.0), (0.29275, 0.70725, 0.0), (-0.02234, 0.02234, 1.0)),
}


def palette(scheme: str) -> dict[str, tuple[float, ...]]:
    """Colours by name, as linear RGB."""
    start = {"light": ":root{", "dark": "scheme:dark){:root{", "print": "print{:root{"}[scheme]
    block = STYLE[STYLE.index(start) :].partition("{")[2].partition("}")[0]
    return {name: linear(text) for name, text in re.findall(r"--(\w+):#([0-9a-f]{3,6})", block)}


def linear(text: str) -> tuple[float, ...]:
    whole = text if len(text) == 6 else "".join(c * 2 for c in text)
    parts = [int(whole[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    return tuple(p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)


def contrast(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Ratio of relative luminances (WCAG 2.2, definition of contrast ratio)."""
    low, high = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (a, b))
    return (high + 0.05) / (low + 0.05)


def test_the_formula_is_that_of_the_standard():
    assert contrast(linear("fff"), linear("000")) == pytest.approx(21)
    assert contrast(linear("777777"), linear("ffffff")) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_can_be_read(scheme):
    colours = palette(scheme)
    low = {
        (text, ground): round(contrast(colours[text], colours[ground]), 2)
        for text, ground in itertools.product(("ink", "soft", "blue", "hot"), GROUNDS)
        if contrast(colours[text], colours[ground]) < 4.5
    }
    assert low == {}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_marks_of_charts_can_be_seen(scheme):
    colours = palette(scheme)
    pairs = [
        *itertools.product(("blue", "hot", "ink"), ("bg", "card")),
        *(("blue", g) for g in ("band", "real")),  # the interval on its band, lines on bars
        *((mark, "band") for mark in ("hot", "ink")),  # marks of the map of pairs
        ("ink", "real"),
        *(("soft", g) for g in ("bg", "card")),  # the edge of a bar, whose area is pale
    ]
    low = {
        pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2)
        for pair in pairs
        if contrast(colours[pair[0]], colours[pair[1]]) < 3
    }
    assert low == {}


@pytest.mark.parametrize("kind", sorted(BLIND))
@pytest.mark.parametrize("scheme", SCHEMES)
def test_blue_and_orange_stay_apart_for_the_colour_blind(scheme, kind):
    """As seen, some channel differs by .4 of black and white."""
    colours = palette(scheme)

    def seen(name: str) -> list[float]:
        return [sum(w * c for w, c in zip(row, colours[name], strict=True)) for row in BLIND[kind]]

    apart = max(
        abs(max(a, 0) ** (1 / 2.4) - max(b, 0) ** (1 / 2.4))
        for a, b in zip(seen("blue"), seen("hot"), strict=True)
    )
    assert apart > 0.4
