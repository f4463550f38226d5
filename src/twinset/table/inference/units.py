"""Find the unit of a table: the column whose repeated values name the people or things in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinset.table.canonical import canonical_column
from twinset.table.inference.words import is_id_name, is_person_id
from twinset.table.schema import Column, Kind
from twinset.table.table import numbers

__all__ = ["find_unit", "grouped_unit"]

_MOST_PER_UNIT = 20


def find_unit(
    columns: Sequence[Column], counts: dict[str, tuple[int, int]]
) -> tuple[str, str] | None:
    """Return the unit column and why, from `counts`: name -> (distinct values, rows with one).

    A unit is an identifier whose values repeat. One whose name says person, patient, customer
    and so on comes first; any other must repeat a few times only, for a code such as
    `district_id` names no unit.
    """
    people: list[tuple[int, str]] = []
    others: list[tuple[int, str]] = []
    for column in columns:
        distinct, filled = counts.get(column.name, (0, 0))
        if column.kind is not Kind.IDENTIFIER or not 2 <= distinct < filled or column.personal:
            continue
        if is_person_id(column.name) and distinct >= 20:
            people.append((distinct, column.name))
        elif is_id_name(column.name) and distinct >= 50 and filled / distinct <= _MOST_PER_UNIT:
            others.append((distinct, column.name))
    for found, why in ((people, "names people or what stands for them"), (others, "is a key")):
        if found:
            distinct, name = min(found)
            return name, f"the unit: {distinct:,} values that repeat, and the column {why}"
    return None


def grouped_unit(raw: pa.Table, columns: Sequence[Column]) -> tuple[str, str] | None:
    """Return a unit column that only the order of rows and the other columns betray, and why.

    Its whole numbers go up in runs, and at least two other columns (and a fifth of those that vary)
    never change within a run: so are the members of a household written under its number.
    """
    rows = raw.num_rows
    if rows < 200:
        return None
    for column in columns:
        if column.kind is not Kind.INTEGER or column.sentinels or column.nullable:
            continue
        if column.low is None or column.high is None or column.high - column.low < 50:
            continue
        if not _goes_up(raw[column.name].slice(0, 1000), column):
            continue
        steps = np.diff(numbers(canonical_column(raw[column.name], column), column.kind))
        units = int(np.count_nonzero(steps)) + 1
        if (steps < 0).any() or not (rows / _MOST_PER_UNIT <= units <= 0.95 * rows):
            continue
        constant, varying = _constant_within(raw, columns, column.name, steps == 0)
        if constant >= 2 and constant >= 0.2 * varying:
            why = f"numbers in runs within which {constant} other columns never change: the unit"
            return column.name, why
    return None


def _goes_up(head: pa.ChunkedArray, column: Column) -> bool:
    """Whether the first rows go up in runs: a quick look before the whole column is read."""
    steps = np.diff(numbers(canonical_column(head, column), column.kind))
    return bool(np.all(steps >= 0)) and bool(0.05 < np.mean(steps > 0) < 0.97)


def _constant_within(
    raw: pa.Table, columns: Sequence[Column], name: str, same: np.ndarray
) -> tuple[int, int]:
    """Count the columns that never change between rows of one run, and those that vary at all."""
    inside = np.flatnonzero(same)
    constant = varying = 0
    for other in columns[:200]:
        if other.name == name or other.kind is Kind.CONSTANT:
            continue
        flat = raw[other.name].combine_chunks()
        equal = pc.equal(flat.take(pa.array(inside)), flat.take(pa.array(inside + 1)))
        known = equal.drop_null()
        if len(known) < 0.5 * len(inside) or len(known) == 0:
            continue
        varying += 1
        everywhere = pc.equal(flat[:-1], flat[1:]).drop_null()
        stays = pc.mean(known).as_py()
        constant += stays > 0.999 and pc.mean(everywhere).as_py() < 0.9
    return constant, varying
