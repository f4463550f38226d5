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
import pyarrow.compute as pc

from twinset.protocols import Result
from twinset.results import Audit, Chart, Evaluation, NotComputed
from twinset.table.schema import Column, Schema
from twinset.table.table import Table, numbers

__all__ = [
    "MINIMUM",
    "guard_audit",
    "guard_evaluation",
    "guard_provenance",
    "publishable_schema",
]

_COUNT = re.compile(r"(?<![\d.,])[1-9] (rows?|units?)\b")

MINIMUM = 10


def guard_evaluation(evaluation: Evaluation, train: int, holdout: int) -> Evaluation:
    """Return the evaluation without charts and results that show small groups.

    Parameters
    ----------
    evaluation
        As it came.
    train, holdout
        Number of units; 0 if unknown, and then only what carries its own counts is checked.
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
        not_computed=(*evaluation.not_computed, *dropped),
    )


def guard_audit(audit: Audit) -> Audit:
    """Return the audit without kinds of record and results that stand for too few units."""
    kept = tuple(e for e in audit.exposed if e.count >= MINIMUM)
    return replace(audit, exposed=kept, results=_large(audit.results))


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


def _small(shares: Sequence[float], units: int) -> bool:
    """Whether a bin, or what the bins leave out (it can be subtracted), is small but not empty."""
    counts = np.asarray([*shares, 1.0 - sum(shares)]) * units
    return bool(np.any((counts > 0.5) & (counts < MINIMUM - 0.5)))


def _large(results: tuple[Result, ...]) -> tuple[Result, ...]:
    return tuple(_hidden(r) if r.estimate and r.estimate.n < MINIMUM else r for r in results)


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


def publishable_schema(schema: Schema, table: Table, *, minimum: int = MINIMUM) -> Schema:
    """Return the schema as it may be published beside a release.

    Inferred categories held by fewer than `minimum` units go; inferred bounds move inwards to the
    values that `minimum` units reach; inferred sentinels need as many units. What a person has
    declared stays. Reasons are left out: they may cite data.

    Parameters
    ----------
    schema
        What was inferred or declared.
    table
        The rows on which it was inferred.
    minimum
        Least number of units.
    """
    return Schema(columns=tuple(_column(c, table, minimum) for c in schema.columns))


def _column(column: Column, table: Table, minimum: int) -> Column:
    changes: dict[str, object] = {"reason": ""}
    units = np.arange(table.num_rows) if table.units is None else table.units
    if column.categories is not None and "categories" not in column.declared:
        changes["categories"] = _held(column, table, units, minimum)
    if column.kind.is_number_like:
        values = numbers(table[column.name], column.kind)
        if column.sentinels and "sentinels" not in column.declared:
            changes["sentinels"] = tuple(
                s for s in column.sentinels if len(np.unique(units[values == s])) >= minimum
            )
        plain = ~np.isnan(values) & ~np.isin(values, column.sentinels)
        for side, sign in (("low", 1.0), ("high", -1.0)):
            if getattr(column, side) is not None and side not in column.declared:
                changes[side] = _reached(sign * values[plain], units[plain], minimum, sign)
    return column.model_copy(update=changes)


def _held(
    column: Column, table: Table, units: np.ndarray[tuple[int], np.dtype[np.int64]], minimum: int
) -> tuple[str, ...]:
    """Categories that at least `minimum` units hold, in their order."""
    text = pc.cast(table[column.name], "string").combine_chunks().dictionary_encode()
    codes = text.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    pairs = np.unique(np.stack([codes, units]), axis=1)[0]
    held = np.bincount(pairs[pairs >= 0], minlength=len(text.dictionary))
    large = {v for v, n in zip(text.dictionary.to_pylist(), held, strict=True) if n >= minimum}
    return tuple(c for c in column.categories or () if c in large)


def _reached(
    values: np.ndarray[tuple[int], np.dtype[np.float64]],
    units: np.ndarray[tuple[int], np.dtype[np.int64]],
    minimum: int,
    sign: float,
) -> float | None:
    """Smallest value such that `minimum` units lie at or below it; None if there are fewer."""
    order = np.lexsort((units, values))
    _, first = np.unique(units[order], return_index=True)
    if len(first) < minimum:
        return None
    return float(sign * values[order][np.sort(first)[minimum - 1]])
