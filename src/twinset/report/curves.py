"""Curves of attacks as coordinates: rates on logarithmic axes, success over released rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from twinset.protocols import Result, Unit
from twinset.report.view_model import Curve, Line, Tick
from twinset.report.wording import (
    attack_title,
    count,
    describe,
    figure,
    group_of,
    interval_of,
    tick,
)

__all__ = ["BOX", "growth_curves", "roc_curve", "roc_of"]

BOX = (300, 210)  # of the plot, in units of the view box
_LINES, _LOOKS, _ROWS = 3, 6, 12
_WIDE = 28  # of a count below an axis
_RELEASED = ("released", "released_rows", "rows_released")
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class _Scale:
    """An axis from `low` to `high`, logarithmic or linear, `size` long."""

    low: float
    high: float
    size: int
    log: bool

    def at(self, value: float) -> float:
        low, high, x = self.low, self.high, min(max(value, self.low), self.high)
        if self.log:
            low, high, x = math.log(low), math.log(high), math.log(x)
        return round(self.size * (x - low) / (high - low), 1)

    def marks(self) -> list[float]:
        if self.log:
            first, last = round(math.log10(self.low)), round(math.log10(self.high))
            return [10.0**e for e in range(first, last + 1)]
        return [self.low + (self.high - self.low) * i / 4 for i in range(5)]


def roc_curve(results: Sequence[Result]) -> Curve | None:
    """Draw true over false positive rates of the strongest attacks, both axes logarithmic.

    The points come binned from the audit (`auditing.measures`). The attack that achieves most
    is drawn for each group of records, then the next ones on all or random records.
    """
    mine = [r for r in results if r.name == "auc" and len(r.params.get("roc") or ()) > 1]
    if not mine:
        return None
    mine.sort(key=lambda r: -(interval_of(r) or (0.0,))[0])
    best = mine[0].params["attack"]
    first = [r for r in mine if r.params["attack"] == best]
    rest = [r for r in mine if r not in first and r.params.get("target_group") == "random"]
    chosen = [*first, *rest][:_LINES]
    lines = {f"{attack_title(r)}, {group_of(r)}": r.params["roc"] for r in chosen}
    return roc_of(lines)


def roc_of(lines: Mapping[str, Sequence[Sequence[float]]]) -> Curve | None:
    """Draw binned rates by label, ``[false alarms, recognised]``; None without two points."""
    drawn = {n: [(float(x), float(y)) for x, y in p] for n, p in lines.items() if len(p) > 1}
    drawn = dict(list(drawn.items())[:_LOOKS])
    if not drawn:
        return None
    least = min(min(x, y) for points in drawn.values() for x, y in points)
    low = 10.0 ** math.floor(math.log10(least))
    scales = _Scale(low, 1.0, BOX[0], True), _Scale(low, 1.0, BOX[1], True)
    return _curve(
        drawn,
        scales,
        names=("false alarms (share of other records)", "recognised (share of train records)"),
        words=("share", "share"),
        guess=f"M0 {BOX[1]}L{BOX[0]} 0",
        alt="Share of train records recognised against false alarms, on logarithmic axes",
    )


def growth_curves(results: Sequence[Result]) -> tuple[Curve, ...]:
    """Draw what was measured for several numbers of released rows, such as a reconstruction."""
    found: dict[tuple[str, str, tuple[str, ...]], list[tuple[float, Result]]] = {}
    for r in results:
        rows = next((r.params[k] for k in _RELEASED if k in r.params), None)
        if isinstance(rows, int | float) and rows > 0 and r.estimate is not None:
            key = r.name, str(r.params.get("attack", "")), r.columns
            found.setdefault(key, []).append((float(rows), r))
    drawn = [_growth(some) for some in found.values() if len({n for n, _ in some}) > 1]
    return tuple(drawn)


def _growth(some: list[tuple[float, Result]]) -> Curve:
    some.sort(key=lambda pair: pair[0])
    first = some[0][1]
    measure = describe(first)
    lines = {measure.title: [(n, r.value or 0.0) for n, r in some]}
    if all("of_train" in r.params and "of_holdout" in r.params for _, r in some):
        lines = {
            "people in the train data": [(n, float(r.params["of_train"])) for n, r in some],
            "other people": [(n, float(r.params["of_holdout"])) for n, r in some],
        }
        guess = [(n, r.params.get("of_guess")) for n, r in some]
        if all(g is not None for _, g in guess):
            lines["a guess without the release"] = [(n, float(g or 0.0)) for n, g in guess]
    ends = [y for points in lines.values() for _, y in points]
    x = _Scale(some[0][0], some[-1][0], BOX[0], True)
    y = _Scale(min(0.0, *ends), max(1.0 if measure.unit == "share" else 0.0, *ends), BOX[1], False)
    of = f" of {', '.join(first.columns)}" if first.columns else ""
    title = f"{measure.title}{of}, over the number of released rows"
    names = ("rows released", "right" if measure.unit == "share" else "")
    return _curve(lines, (x, y), names=names, words=("count", measure.unit), guess="", alt=title)


def _curve(
    lines: Mapping[str, Points],
    scales: tuple[_Scale, _Scale],
    *,
    names: tuple[str, str],
    words: tuple[str, str],
    guess: str,
    alt: str,
) -> Curve:
    x, y = scales
    rows = []
    drawn = []
    for i, (label, points) in enumerate(lines.items(), 1):
        path = "".join(f"L{x.at(a)} {round(y.size - y.at(b), 1)}" for a, b in points)
        drawn.append(Line(label, i, f"M{path[1:]}"))
        step = max(math.ceil(len(points) / _ROWS), 1)
        rows += [(label, _word(a, words[0]), _word(b, words[1])) for a, b in points[::step]]
    counts = {a for points in lines.values() for a, _ in points}
    x_marks = _legible(counts, x) if words[0] == "count" else x.marks()
    return Curve(
        lines=tuple(drawn),
        guess=guess,
        across=tuple(Tick(x.at(m), _mark(m, words[0])) for m in x_marks),
        up=tuple(Tick(round(y.size - y.at(m), 1), _mark(m, words[1])) for m in y.marks()),
        names=names,
        alt=alt,
        header=("line", *names),
        rows=tuple(rows),
    )


def _legible(values: Iterable[float], scale: _Scale) -> list[float]:
    """Return the values whose marks do not run into one another, from the largest on."""
    kept: list[float] = []
    for value in sorted(values, reverse=True):
        if not kept or scale.at(kept[-1]) - scale.at(value) >= _WIDE:
            kept.append(value)
    return kept[::-1]


def _word(value: float, unit: str) -> str:
    return count(value) if unit == "count" else figure(value, _unit(unit))


def _mark(value: float, unit: str) -> str:
    return count(value) if unit == "count" else tick(value, _unit(unit))


def _unit(unit: str) -> Unit:
    return "share" if unit == "share" else "number"
