"""The long parts of a report: models, groups, and every result by family, worst first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from twinset.protocols import Measure, Result, Unit
from twinset.report import charts
from twinset.report.view_model import (
    Detail,
    DetailRow,
    Figure,
    GroupRow,
    KindRow,
    ModelRow,
    Section,
)
from twinset.report.wording import (
    FAMILIES,
    count,
    describe,
    direction,
    figure,
    interval_of,
    mark,
    plural,
    span,
)
from twinset.results import Exposed

__all__ = ["details", "figure_of", "group_rows", "groups_text", "kind_rows", "model_rows"]

_FEW, _MOST_ROWS = 2, 5
_MOST_MODELS = 30
_MOST_GROUPS, _FEW_GROUPS = 12, 5
_SCORES = {"auc": "AUC", "r2": "R2", "f1": "F1", "f2": "F2"}
_SERVED = "subgroup_tvd"
_ORDER = ("fidelity", "utility", "diversity", "integrity", "fairness", "privacy")


def figure_of(result: Result, title: str = "", on: charts.Axis | None = None) -> Figure:
    """Return a result as a figure, on its own axis unless one is given."""
    measure = describe(result)
    e, unit = result.estimate, measure.unit
    if on is None:
        on = charts.axis(measure, [result])
    return Figure(
        title=title or measure.title,
        meaning=measure.meaning,
        value=figure(result.value, unit),
        interval=_interval(result, unit),
        reference=figure(result.reference, unit),
        reference_name=measure.reference,
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
    measure = Measure(name="auc", anchors=(0.45, 0.65), reference="guessing")
    results = [(e, _risk(e)) for e in exposed]
    on = charts.axis(measure, [r for _, r in results])
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
            tuple(_detail(name, groups[family, name]) for f, name in groups if f == family),
        )
        for family in families
    )


def _detail(name: str, found: list[Result]) -> Detail:
    ranked = sorted(found, key=lambda r: -charts.excess(r))
    shown = _worth_showing(ranked)
    first = next((r for r in found if r.estimate is not None), found[0])
    measure = describe(first)
    rest = len(ranked) - len(shown)
    telling = _telling(found)
    return Detail(
        title=_title(name, measure),
        name=name,
        meaning=measure.meaning,
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


def _title(name: str, measure: Measure) -> str:
    averaged = name.startswith("mean_") and not measure.title.endswith("on average")
    return f"{measure.title}, on average" if averaged else measure.title


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


def model_rows(results: Iterable[Result]) -> tuple[ModelRow, ...]:
    """Return one row a target, model and score, on one axis; the largest loss first.

    A figure named ``tstr...`` stands beside the ``trtr...`` of the same columns and params.
    """
    known = {_task(r): r for r in results if r.estimate is not None}
    pairs = [
        (r, known.get(("trtr" + name.removeprefix("tstr"), columns, words)))
        for (name, columns, words), r in known.items()
        if name.startswith("tstr") and not name.startswith("tstr_gap")
    ]
    pairs.sort(key=lambda pair: -charts.excess(pair[0]))
    both = [r for pair in pairs for r in pair if r is not None]
    on = charts.axis(Measure(name="tstr", low=-1, anchors=(), least=0.2), both)
    return tuple(_model_row(r, real, on) for r, real in pairs[:_MOST_MODELS])


def _task(r: Result) -> tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]]:
    words = sorted((k, v) for k, v in r.params.items() if isinstance(v, str))
    return r.name, (*r.columns, *([r.group] if r.group else [])), tuple(words)


def _model_row(r: Result, real: Result | None, on: charts.Axis) -> ModelRow:
    score = str(r.params.get("score") or r.params.get("measure") or "")
    ends = interval_of(r)
    return ModelRow(
        target=", ".join(r.columns) + (f" ({r.group})" if r.group else ""),
        model=describe(r).title.removeprefix("Prediction").strip(" ()") or "gradient boosting",
        score=_SCORES.get(score, score),
        synthetic=figure(r.value),
        interval=span(*ends) if ends else "",
        real=figure(r.reference if real is None else real.value),
        mark=mark(r),
        strip=None if r.estimate is None else charts.strip(r, r.estimate, on, real),
    )


def group_rows(results: Iterable[Result]) -> tuple[GroupRow, ...]:
    """Return what is off in groups, worst first; if nothing is, the groups that are served worst.

    All measures that name a group count, save attacks: theirs stand with the attacks.
    """
    mine = [r for r in results if r.group and r.family != "privacy" and r.estimate is not None]
    mine.sort(key=lambda r: (-charts.excess(r), r.group or ""))
    bad = [r for r in mine if r.verdict == "worse"][:_MOST_GROUPS]
    return tuple(_group_row(r) for r in bad or [r for r in mine if r.name == _SERVED][:_FEW_GROUPS])


def groups_text(results: Sequence[Result]) -> str:
    """Say which group is served worst."""
    served = [r for r in results if r.name == _SERVED and r.estimate is not None and r.group]
    if not served:
        return ""
    bad = [r for r in served if r.verdict == "worse"]
    if not any(r.verdict for r in served):
        return "There are no fresh real rows to judge by which group is served worst."
    if not bad:
        return f"None of {plural(len(served), 'group')} is served worse than chance explains."
    worst = max(bad, key=charts.excess)
    columns = [str(c) for c in worst.params.get("worst") or ()]
    most = f", most in {', '.join(columns)}" if columns else ""
    return (
        f"{plural(len(bad), 'group')} of {len(served)} {'is' if len(bad) == 1 else 'are'} served "
        f"worse than chance explains. Served worst: {worst.group}{most}."
    )


def _group_row(r: Result) -> GroupRow:
    measure, ends = describe(r), interval_of(r)
    return GroupRow(
        group=r.group or "",
        what=measure.title + (f": {r.columns[-1]}" if r.family in ("fairness", "utility") else ""),
        value=figure(r.value, measure.unit),
        interval=span(*ends, measure.unit) if ends else "",
        reference=figure(r.reference, measure.unit),
        mark=mark(r),
    )
