"""Where things stand in a chart: results to coordinates in a view box, no markup.

Strips are `WIDTH` wide; column charts are `WIDTH` x `HEIGHT`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from twinset.protocols import Estimate, Result
from twinset.report.measures import Measure
from twinset.report.numbers import Unit, figure, span, tick
from twinset.report.shapes import Bar, Bars, Strip
from twinset.report.words import centre_of, describe, interval_of
from twinset.results import Chart

__all__ = ["HEIGHT", "WIDTH", "Axis", "axis", "bars", "excess", "strip"]

WIDTH, HEIGHT = 300, 96
_MARGIN = 7
_MAX_BARS = 14


@dataclass(frozen=True)
class Axis:
    """A linear axis from `low` to `high`."""

    low: float
    high: float
    unit: Unit = "number"

    def at(self, value: float) -> float:
        """Position of a value, kept inside the view box."""
        share = (value - self.low) / (self.high - self.low)
        inner = WIDTH - 2 * _MARGIN
        return round(_MARGIN + inner * min(max(share, 0.0), 1.0), 1)


def axis(measure: Measure, results: Iterable[Result]) -> Axis:
    """Return an axis that holds the results, their references and the measure's anchors."""
    values: list[float] = list(measure.anchors)
    for r in results:
        if r.estimate is not None:
            values += [r.estimate.value, *(interval_of(r) or ())]
        if r.reference is not None:
            values += [r.reference - (r.noise or 0.0), r.reference + (r.noise or 0.0)]
    low, high = min(values, default=0.0), max(values, default=1.0)
    short = max(measure.least - (high - low), 0.0) / 2
    low, high = max(low - short, measure.domain[0]), min(high + short, measure.domain[1])
    pad = 0.06 * (high - low) or 0.05 * max(abs(high), 1e-3)
    step = _nice((high - low + 2 * pad) / 20)
    low = low if low == measure.domain[0] else math.floor((low - pad) / step) * step
    high = math.ceil((high + pad) / step) * step
    low, high = max(low, measure.domain[0]), min(high, measure.domain[1])
    return Axis(low, high if high > low else low + 1.0, measure.unit)


def _nice(width: float) -> float:
    """Return the largest of 1, 2, 5 times a power of ten that is at most `width`."""
    power = 10.0 ** math.floor(math.log10(width))
    return max(m for m in (1, 2, 5) if m * power <= width * (1 + 1e-9)) * power


def strip(result: Result, estimate: Estimate, on: Axis) -> Strip:
    """Lay a result out on an axis: its interval against the reference and the noise band."""
    measure = describe(result)
    unit = measure.unit
    low, high = interval_of(result) or (estimate.low, estimate.high)
    alt = f"{figure(estimate.value, unit)}, interval {span(low, high, unit)}"
    band = None
    if result.reference is not None:
        alt += f"; {measure.reference}: {figure(result.reference, unit)}"
        if result.noise:
            ends = result.reference - result.noise, result.reference + result.noise
            band = (on.at(ends[0]), on.at(ends[1]))
            alt += f", by chance {span(max(ends[0], measure.domain[0]), ends[1], unit)}"
    return Strip(
        point=on.at(estimate.value),
        low=on.at(low),
        high=on.at(high),
        reference=None if result.reference is None else on.at(result.reference),
        band=band,
        left=tick(on.low, unit),
        right=tick(on.high, unit),
        better="" if measure.goal else _better(result),
        alt=alt,
    )


def _better(result: Result) -> Literal["left", "right", ""]:
    if result.direction == "target":
        return ""
    return "left" if result.direction == "lower" else "right"


def excess(result: Result) -> float:
    """Error beyond the reference in units of its noise; larger is worse, 0 is the reference."""
    if result.estimate is None:
        return math.inf if result.status == "failed" else -math.inf
    if result.reference is None:
        return -math.inf
    gap = result.estimate.value - result.reference
    if result.direction == "higher":
        gap = -gap
    elif result.direction == "target":
        centre = centre_of(result) or 0.0
        gap = abs(result.estimate.value - centre) - abs(result.reference - centre)
    if result.noise:
        return gap / result.noise
    return 0.0 if gap == 0 else math.copysign(1e9, gap)


def bars(chart: Chart, excluded: str = "") -> Bars:
    """Lay out the chart of a column: bins from left to right, or categories from top to bottom."""
    series = [chart.train, chart.synthetic]
    header = ["value", "train", "synthetic"]
    if chart.holdout is not None:
        series.append(chart.holdout)
        header.append("fresh real rows")
    rows = tuple(
        (label, *(figure(share, "share") for share in shares))
        for label, shares in zip(chart.labels, zip(*series, strict=True), strict=True)
    )
    alt = f"Shares of {chart.column} in {len(chart.labels)} groups, train against synthetic"
    alt += excluded
    if chart.ordered:
        fill, line = _outlines(chart)
        ends = (chart.labels[0], chart.labels[-1]) if chart.labels else ("", "")
        return Bars(HEIGHT, fill, line, *ends, (), alt, tuple(header), rows)
    found = _categories(chart)
    return Bars(15 * len(found) + 4, "", "", "", "", found, alt, tuple(header), rows)


def _outlines(chart: Chart) -> tuple[str, str]:
    """Return train as filled columns and synthetic as a stepped line."""
    top = max([*chart.train, *chart.synthetic, 1e-12])
    step = WIDTH / max(len(chart.labels), 1)
    fill, line = "", f"M0 {HEIGHT}"
    for i, (train, made) in enumerate(zip(chart.train, chart.synthetic, strict=True)):
        left, right = _short(i * step), _short((i + 1) * step)
        height = _short(HEIGHT - (HEIGHT - 4) * train / top)
        if train > 0:
            fill += f"M{left} {HEIGHT}V{height}H{_short((i + 1) * step - 0.8)}V{HEIGHT}z"
        line += f"V{_short(HEIGHT - (HEIGHT - 4) * made / top)}H{right}"
    return fill, f"{line}V{HEIGHT}"


def _short(position: float) -> str:
    return f"{position:.1f}".removesuffix(".0")


def _categories(chart: Chart) -> tuple[Bar, ...]:
    """Return the first categories, as they come; the rest together in a last bar."""
    order = range(len(chart.labels))
    shown = order if len(order) <= _MAX_BARS else order[: _MAX_BARS - 1]
    picked = [(chart.labels[i], chart.train[i], chart.synthetic[i]) for i in shown]
    rest = order[len(shown) :]
    if rest:
        label = f"{len(rest)} others"
        others = [sum(s[i] for i in rest) for s in (chart.train, chart.synthetic)]
        picked.append((label, others[0], others[1]))
    top = max([max(t, s) for _, t, s in picked] or [1.0]) or 1.0
    room = WIDTH - 116
    return tuple(
        Bar(
            label=label if len(label) <= 18 else f"{label[:17]}…",
            y=15 * i + 2,
            train=round(room * t / top, 1),
            synthetic=round(114 + room * s / top, 1),
        )
        for i, (label, t, s) in enumerate(picked)
    )
