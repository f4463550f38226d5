"""Models that learned from synthetic rows beside those of real rows, and groups, worst first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from twinset.protocols import Result
from twinset.report import charts
from twinset.report.numbers import figure, plural, span
from twinset.report.readings import Reading
from twinset.report.view_model import GroupRow, ModelRow
from twinset.report.words import describe, interval_of, mark

__all__ = ["group_rows", "groups_text", "model_rows"]

_MOST_MODELS = 30
_MOST_GROUPS, _FEW_GROUPS = 12, 5
_SCORES = {"auc": "AUC", "r2": "R2", "f1": "F1", "f2": "F2"}
_SERVED = "subgroup_tvd"


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
    on = charts.axis(Reading("", "", domain=(-1.0, 1.0), anchors=(), least=0.2), both)
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
    reading, ends = describe(r), interval_of(r)
    return GroupRow(
        group=r.group or "",
        what=reading.title + (f": {r.columns[-1]}" if r.family in ("fairness", "utility") else ""),
        value=figure(r.value, reading.unit),
        interval=span(*ends, reading.unit) if ends else "",
        reference=figure(r.reference, reading.unit),
        mark=mark(r),
    )
