"""Repair: columns that rules tie together come from the nearest row that keeps the rules."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.rules.combinations import column_codes
from twinset.rules.rule import Rules
from twinset.table.table import Table, numbers

__all__ = ["components", "repaired_rows"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_BLOCK = 2_048
_DONORS = 512


def components(rules: Rules) -> list[set[str]]:
    """Sets of columns that are tied together by rules."""
    groups: list[set[str]] = []
    for rule in rules:
        tie = set(rule.columns)
        near = [g for g in groups if g & tie]
        groups = [g for g in groups if not g & tie]
        groups.append(tie.union(*near))
    return groups


def repaired_rows(
    table: Table, bad: Mask, good: Mask, group: set[str], fixed: Collection[str]
) -> Table | None:
    """Give each bad row the columns of `group` of the good row that is nearest to it in them.

    The distance is that of Gower (1971). Rows whose `fixed` columns no good row shares cannot be
    repaired: then None.
    """
    names = [n for n in table.names if n in group]
    must = [n for n in names if n in fixed]
    donors, wrong = np.flatnonzero(good), np.flatnonzero(bad)
    most = 8 * _DONORS if must else _DONORS
    if len(donors) > most:
        donors = donors[(np.arange(most) * (len(donors) / most)).astype(np.int64)]
    coded = [_coded(table, n) for n in names]
    index = np.arange(table.num_rows)
    for start in range(0, len(wrong), _BLOCK):
        rows = wrong[start : start + _BLOCK]
        apart = np.zeros((len(rows), len(donors)))
        for name, (values, scale) in zip(names, coded, strict=True):
            gap = np.abs(values[rows, None] - values[None, donors])
            apart += (gap > 0) if scale == 0 else np.minimum(gap / scale, 1.0)
            if name in must:
                apart[gap > 0] = np.inf
        nearest = np.argmin(apart, axis=1)
        if not np.isfinite(apart[np.arange(len(rows)), nearest]).all():
            return None
        index[rows] = donors[nearest]
    data = table.data
    for name in names:
        if name not in fixed:
            column = data[name].combine_chunks().take(pa.array(index))
            data = data.set_column(data.column_names.index(name), name, column)
    return Table(table.schema, data, table.units)


def _coded(table: Table, name: str) -> tuple[Floats, float]:
    """Return values with the difference that counts as far; 0: they are equal or not."""
    column = table.schema[name]
    if not column.kind.is_number_like:
        return column_codes(table, name)[0].astype(np.float64), 0.0
    values = numbers(table[name], column.kind)
    known = values[~np.isnan(values)]
    spread = float(np.std(known)) if len(known) else 0.0
    away = float(known.max()) + 9 * spread if len(known) else 0.0  # null is far from all numbers
    return np.where(np.isnan(values), away, values), 4 * spread
