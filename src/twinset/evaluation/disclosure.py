"""The schema as it may be published: nothing in it that fewer than 10 train units hold."""

from __future__ import annotations

import numpy as np

from twinset.evaluation.charts import MINIMUM
from twinset.stats.units import compact, unit_counts
from twinset.table.schema import Column, Schema
from twinset.table.table import Table, labels, numbers

__all__ = ["suppressed"]


def suppressed(table: Table) -> Schema:
    """Return the schema of `table` without what its rare units would give away.

    Inferred categories and sentinels of fewer than 10 units go, inferred bounds that fewer than 10
    units reach exactly go, and reasons go, since they may cite data. What a person declared stays.
    """
    return Schema(columns=tuple(_column(c, table) for c in table.schema.columns))


def _column(column: Column, table: Table) -> Column:
    changes: dict[str, object] = {"reason": ""}
    if column.categories is not None and "categories" not in column.declared:
        names, at = labels(table[column.name])
        counts = unit_counts(np.where(at < 0, len(names), at), table.units, len(names) + 1)
        large = {n for n, c in zip(names, counts, strict=False) if c >= MINIMUM}
        changes["categories"] = tuple(c for c in column.categories if c in large)
    if column.kind.is_number_like:
        values = numbers(table[column.name], column.kind)
        ids = compact(table.units, len(values))

        def held(value: float) -> bool:
            return len(np.unique(ids[values == value])) >= MINIMUM

        if "sentinels" not in column.declared:
            changes["sentinels"] = tuple(s for s in column.sentinels if held(s))
        for side in ("low", "high"):
            bound = getattr(column, side)
            if bound is not None and side not in column.declared and not held(bound):
                changes[side] = None
    return column.model_copy(update=changes)
