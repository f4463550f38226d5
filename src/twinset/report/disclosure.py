"""The last check before publishing: nothing held by fewer than `MINIMUM` units leaves in a report.

Evaluation and audit already count units before they name anything; what still breaks the rule here
is taken out and said, so that a defect elsewhere costs a figure and not a person's record.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from twinset.evaluation.charts import MINIMUM
from twinset.protocols import Result
from twinset.results import Audit, Chart, Evaluation, NotComputed

__all__ = [
    "MINIMUM",
    "guard_audit",
    "guard_evaluation",
    "guard_provenance",
]

_COUNT = re.compile(
    r"(?:fewer than )?(?<![\d.,])[1-9] "
    r"(rows?|units?|records?|people|members|non-members|outliers)\b"
)


def guard_evaluation(evaluation: Evaluation, train: int, holdout: int) -> Evaluation:
    """Return the evaluation without charts and results that show small groups.

    Parameters
    ----------
    evaluation
        As it came.
    train, holdout
        Number of rows; 0 if unknown, and then only what carries its own counts is checked. A bin
        of fewer than `MINIMUM` rows has fewer units for certain; units themselves were counted
        where the chart was made.
    """
    kept: list[Chart] = []
    dropped: list[NotComputed] = []
    for chart in evaluation.charts:
        if _small(chart.train, train):
            name = f"chart of {chart.column}"
            dropped.append(NotComputed(name, f"a group in it holds fewer than {MINIMUM} units"))
            continue
        if chart.holdout is not None and _small(chart.holdout, holdout):
            kept.append(replace(chart, holdout=None))
        else:
            kept.append(chart)
    return replace(
        evaluation,
        results=_large(evaluation.results),
        charts=tuple(kept),
        not_computed=(*_said(evaluation.not_computed), *dropped),
    )


def guard_audit(audit: Audit) -> Audit:
    """Return the audit without kinds of record and results that stand for too few units."""
    kept = tuple(e for e in audit.exposed if e.count >= MINIMUM)
    return replace(
        audit,
        exposed=kept,
        results=_large(audit.results),
        not_computed=_said(audit.not_computed),
    )


def guard_provenance(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may be published of a provenance.

    Times go (they differ between runs), and so do counts below the minimum in the words about
    protected values.
    """
    known = {k: v for k, v in provenance.items() if k != "seconds"}
    if "protection" in known:
        known["protection"] = _hide(known["protection"])
    return known


def _hide(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _hide(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_hide(v) for v in value]
    if not isinstance(value, str):
        return value
    return _COUNT.sub(rf"fewer than {MINIMUM} \1", value)


def _small(shares: Sequence[float], rows: int) -> bool:
    """Whether a bin, or what the bins leave out (it can be subtracted), is small but not empty."""
    counts = np.asarray([*shares, 1.0 - sum(shares)]) * rows
    return bool(np.any((counts > 0.5) & (counts < MINIMUM - 0.5)))


def _large(results: tuple[Result, ...]) -> tuple[Result, ...]:
    told = (r if r.reason is None else r.replace(reason=_hide(r.reason)) for r in results)
    return tuple(_hidden(r) if r.estimate and r.estimate.n < MINIMUM else r for r in told)


def _said(missing: tuple[NotComputed, ...]) -> tuple[NotComputed, ...]:
    return tuple(replace(n, reason=_hide(n.reason)) for n in missing)


def _hidden(result: Result) -> Result:
    return result.replace(
        estimate=None,
        reference=None,
        noise=None,
        verdict=None,
        group=None if result.group is None else "a small group",
        status="not_applicable",
        reason=f"rests on fewer than {MINIMUM} units",
    )
