"""The long part of a report: every result by family and name, worst first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from twinset.protocols import Result
from twinset.report import charts
from twinset.report.numbers import Unit, count, figure, plural, span
from twinset.report.readings import Reading
from twinset.report.view_model import Detail, DetailRow, Figure, KindRow, Section
from twinset.report.words import (
    FAMILIES,
    describe,
    direction,
    interval_of,
    mark,
    place,
)
from twinset.results import Exposed

__all__ = ["details", "figure_of", "kind_rows"]

_FEW, _MOST_ROWS = 2, 5
_ORDER = ("fidelity", "utility", "diversity", "integrity", "fairness", "privacy")


def figure_of(result: Result, title: str = "", on: charts.Axis | None = None) -> Figure:
    """Return a result as a figure, on its own axis unless one is given."""
    reading = describe(result)
    e, unit = result.estimate, reading.unit
    if on is None:
        on = charts.axis(reading, [result])
    return Figure(
        title=title or reading.title,
        meaning=reading.meaning,
        value=figure(result.value, unit),
        interval=_interval(result, unit),
        reference=figure(result.reference, unit),
        reference_name=reading.reference,
        direction=direction(result),
        mark=mark(result),
        strip=None if e is None else charts.strip(result, e, on),
    )


def _interval(result: Result, unit: Unit) -> str:
    e, ends = result.estimate, interval_of(result)
    if e is None or ends is None:
        return ""
    other = "" if e.confidence == 0.95 else f" ({figure(e.confidence, 'share')} confidence)"
    return span(*ends, unit) + other


def kind_rows(exposed: Iterable[Exposed]) -> tuple[KindRow, ...]:
    """Return the kinds of record that are recognised best, on one axis."""
    reading = Reading("", "", anchors=(0.45, 0.65), reference="guessing")
    results = [(e, _risk(e)) for e in exposed]
    on = charts.axis(reading, [r for _, r in results])
    rows = []
    for e, r in results:
        if r.estimate is not None:
            rows.append(
                KindRow(
                    text=e.text,
                    count=count(e.count),
                    risk=figure(e.risk),
                    interval=span(e.low, e.high),
                    strip=charts.strip(r, r.estimate, on),
                )
            )
    return tuple(rows)


def _risk(e: Exposed) -> Result:
    from twinset.protocols import Estimate

    estimate = Estimate(e.risk, e.low, e.high, e.count)
    return Result("privacy", "auc", estimate=estimate, reference=0.5)


def details(results: Sequence[Result]) -> tuple[Section, ...]:
    """Group all results by family and name, worst first inside a group."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for r in results:
        groups.setdefault((r.family, r.name), []).append(r)
    order = {family: i for i, family in enumerate(_ORDER)}
    families = sorted({f for f, _ in groups}, key=lambda f: (order.get(f, len(order)), f))
    return tuple(
        Section(
            FAMILIES.get(family, family),
            tuple(
                _detail(name, groups[family, name])
                for name in sorted((n for f, n in groups if f == family), key=place)
            ),
        )
        for family in families
    )


def _detail(name: str, found: list[Result]) -> Detail:
    ranked = sorted(found, key=lambda r: -charts.excess(r))
    shown = _worth_showing(ranked)
    first = next((r for r in found if r.estimate is not None), found[0])
    reading = describe(first)
    rest = len(ranked) - len(shown)
    telling = _telling(found)
    return Detail(
        title=_title(name, reading),
        name=name,
        meaning=reading.meaning,
        direction=direction(first),
        counted=_counted(found),
        rows=tuple(_row(r, telling) for r in shown),
        left_out=f"{plural(rest, 'more row')} in report.json." if rest > 0 else "",
    )


def _worth_showing(ranked: list[Result]) -> list[Result]:
    """Return what lies outside the noise, or the first one if nothing does; of a few, all."""
    bad = [r for r in ranked if r.verdict == "worse" or r.status == "failed"]
    if len(ranked) <= _FEW:
        return ranked
    return bad[:_MOST_ROWS] or ranked[:1]


def _telling(found: list[Result]) -> tuple[str, ...]:
    """Return the params by which results of one name are told apart, words before numbers."""
    keys: tuple[str, ...] = ()
    for kind in (str, int | float):
        names = list(dict.fromkeys(k for r in found for k in r.params))
        for k in names:
            values = [r.params.get(k) for r in found]
            alike = len({_identity(r, keys) for r in found})
            if alike < len(found) and all(v is None or isinstance(v, kind) for v in values):
                finer = len({_identity(r, (*keys, k)) for r in found})
                keys = (*keys, k) if finer > alike else keys
    return keys


def _identity(r: Result, keys: tuple[str, ...]) -> tuple[object, ...]:
    return (r.columns, r.group, *(r.params.get(k) for k in keys))


def _title(name: str, reading: Reading) -> str:
    averaged = name.startswith("mean_") and not reading.title.endswith("on average")
    return f"{reading.title}, on average" if averaged else reading.title


def _counted(found: list[Result]) -> str:
    if len(found) == 1:
        told = mark(found[0]).text
        shown = figure(found[0].value, describe(found[0]).unit)
        return told if found[0].estimate is None else f"{shown}, {told}" if told else shown
    parts = [plural(len(found), "result")]
    worse = sum(r.verdict == "worse" for r in found)
    judged = sum(r.verdict is not None for r in found)
    missing = sum(r.estimate is None for r in found)
    if judged:
        parts.append(f"{worse} outside the noise" if worse else "all within the noise")
    if missing:
        parts.append(f"{missing} not computed")
    return ", ".join(parts)


def _row(r: Result, telling: tuple[str, ...]) -> DetailRow:
    unit = describe(r).unit
    parts = [" × ".join(r.columns)]
    parts += [r.group] if r.group else []
    known = {k: r.params[k] for k in telling if r.params.get(k) is not None}
    parts += [f"{k.replace('_', ' ')} {v}" for k, v in known.items()]
    return DetailRow(
        what=" · ".join(p for p in parts if p) or "whole table",
        value=figure(r.value, unit),
        interval=_interval(r, unit),
        reference=figure(r.reference, unit),
        mark=mark(r),
    )
