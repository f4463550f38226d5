"""Where things stand in a chart: results to coordinates in a view box, no markup.

Strips are `WIDTH` wide; column charts are `WIDTH` x `HEIGHT`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from twinset.protocols import Estimate, Measure, Result, Unit
from twinset.report.view_model import Bars, Strip, Tick
from twinset.report.wording import centre_of, describe, figure, interval_of, span, tick
from twinset.results import Chart

__all__ = ["HEIGHT", "WIDTH", "Axis", "axis", "bars", "excess", "strip"]

WIDTH, HEIGHT = 300, 96
_MARGIN = 7
_MAX_BARS = 14
_BARS_LEFT = 114  # room for names


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
    low, high = max(low - short, measure.low), min(high + short, measure.high)
    pad = 0.06 * (high - low) or 0.05 * max(abs(high), 1e-3)
    step = _nice((high - low + 2 * pad) / 20)
    low = low if low == measure.low else math.floor((low - pad) / step) * step
    high = math.ceil((high + pad) / step) * step
    low, high = max(low, measure.low), min(high, measure.high)
    return Axis(low, high if high > low else low + 1.0, measure.unit)


def _nice(width: float) -> float:
    """Return the largest of 1, 2, 5 times a power of ten that is at most `width`."""
    power = 10.0 ** math.floor(math.log10(width))
    return max(m for m in (1, 2, 5) if m * power <= width * (1 + 1e-9)) * power


def strip(result: Result, estimate: Estimate, on: Axis, second: Result | None = None) -> Strip:
    """Lay a result out on an axis: its interval against the reference and the noise band.

    `second`, another figure to compare with, takes the place of the reference.
    """
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
            alt += (
                f", by chance {span(max(ends[0], measure.low), min(ends[1], measure.high), unit)}"
            )
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
        second=None if second is None else _places(second, on),
    )


def _places(result: Result, on: Axis) -> tuple[float, float, float] | None:
    e = result.estimate
    return None if e is None else (on.at(e.low), on.at(e.value), on.at(e.high))


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


def bars(chart: Chart) -> Bars:
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
    alt = f"Shares of {chart.column} in {len(chart.labels)} groups: {', '.join(header[1:])}"
    if chart.ordered:
        fill, line, fresh = _outlines(chart)
        ends = (chart.labels[0], chart.labels[-1]) if chart.labels else ("", "")
        return Bars(HEIGHT, fill, line, fresh, *ends, (), alt, tuple(header), rows)
    names, fill, line, fresh = _categories(chart)
    return Bars(15 * len(names) + 4, fill, line, fresh, "", "", names, alt, tuple(header), rows)


def _outlines(chart: Chart) -> tuple[str, str, str]:
    """Return train as filled columns, synthetic and fresh real rows as stepped lines."""
    top = max([*chart.train, *chart.synthetic, *(chart.holdout or ()), 1e-12])
    step = WIDTH / max(len(chart.labels), 1)
    fill = ""
    for i, share in enumerate(chart.train):
        if share > 0:
            left, right = round(i * step), round((i + 1) * step) - 1
            fill += f"M{left} {HEIGHT}V{_height(share / top)}H{right}V{HEIGHT}z"

    def line(shares: Sequence[float]) -> str:
        steps = (f"V{_height(s / top)}H{round((i + 1) * step)}" for i, s in enumerate(shares))
        return f"M0 {HEIGHT}{''.join(steps)}V{HEIGHT}"

    return fill, line(chart.synthetic), line(chart.holdout) if chart.holdout else ""


def _height(part: float) -> str:
    return _short(HEIGHT - (HEIGHT - 4) * part)


def _short(position: float) -> str:
    return f"{position:.1f}".removesuffix(".0")


def _categories(chart: Chart) -> tuple[tuple[Tick, ...], str, str, str]:
    """Return the first categories, as they come, the rest together in a last bar; and the paths."""
    order = range(len(chart.labels))
    shown = order if len(order) <= _MAX_BARS else order[: _MAX_BARS - 1]
    series = [s for s in (chart.train, chart.synthetic, chart.holdout) if s is not None]
    picked = [(chart.labels[i], [s[i] for s in series]) for i in shown]
    rest = order[len(shown) :]
    if rest:
        picked.append((f"{len(rest)} others", [sum(s[i] for i in rest) for s in series]))
    top = max([s for _, shares in picked for s in shares] or [1.0]) or 1.0
    scale = (WIDTH - _BARS_LEFT - 2) / top
    fill = line = fresh = ""
    for i, (_, (train, made, *held)) in enumerate(picked):
        y, wide = 15 * i + 2, round(train * scale)
        fill += f"M{_BARS_LEFT} {y}h{wide}v11h-{wide}z"
        line += f"M{_short(_BARS_LEFT + made * scale)} {y - 1}v13"
        fresh += "".join(f"M{_short(_BARS_LEFT + h * scale)} {y}v11" for h in held)
    names = tuple(Tick(15 * i + 12, _cut(label)) for i, (label, _) in enumerate(picked))
    return names, fill, line, fresh


def _cut(label: str) -> str:
    return label if len(label) <= 17 else f"{label[:16]}…"
