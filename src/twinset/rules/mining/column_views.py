"""Views: a column as exact codes, as numbers, and as a few events that others may depend on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinset.rules.combinations import Cell, column_codes
from twinset.table.expressions.syntax import (
    Boolean,
    Compare,
    IsIn,
    IsNull,
    Name,
    Negative,
    Node,
    Number,
    Text,
)
from twinset.table.schema import Column, Kind
from twinset.table.table import Table, from_numbers, numbers

__all__ = ["ColumnEvent", "ColumnView", "equals", "literal", "number", "one_of", "views"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
_FEW = 12  # distinct numbers up to which each is a level of its own
_MOST_LEVELS = 60
_ATOM = 0.02
_TALL = 4.0
_SUPPORT = 20
_LEAST = 5


@dataclass(frozen=True, eq=False)
class ColumnEvent:
    """One condition on a column: equal to a value, none of the frequent values, null, or known."""

    kind: str  # "value", "other", "null", "known"
    condition: Node
    rows: npt.NDArray[np.bool_]
    value: Cell = None

    @property
    def count(self) -> int:
        """Rows in which it happens."""
        return int(self.rows.sum())

    @property
    def label(self) -> str:
        """Name of a value that frequent values, ``other`` and ``null`` share no name with."""
        return f"value {self.value}" if self.kind == "value" else self.kind


@dataclass(frozen=True, eq=False)
class ColumnView:
    """A column as the miners see it.

    Attributes
    ----------
    codes, levels
        Exact values: shape (rows,), -1 where null; ``levels[code]``.
    values
        Shape (rows,), NaN where null or a sentinel code; None for words.
    discrete
        Shape (rows,): the frequent values, 0 .. ``len(shown) - 1``; the next code is any other
        value; -1 is null.
    shown
        The frequent values.
    """

    column: Column
    codes: Codes
    levels: list[Cell]
    values: Floats | None
    discrete: Codes
    shown: tuple[Cell, ...]

    @property
    def name(self) -> str:
        """Name of the column."""
        return self.column.name

    @property
    def amounts(self) -> Floats:
        """Its numbers; NaN throughout for words. Shape (rows,)."""
        return self.values if self.values is not None else np.full(len(self.codes), np.nan)

    @property
    def has_other(self) -> bool:
        """Whether there are values beside the frequent ones."""
        return len(self.shown) < len(self.levels)

    @property
    def is_scale(self) -> bool:
        """Whether it has an order with more values than can be listed."""
        return self.values is not None and len(self.levels) > _FEW

    def atoms(self, label: str) -> tuple[str, ...]:
        """Labels of the single values that the label of an event stands for."""
        if label != "known":
            return (label,)
        return (*(f"value {v}" for v in self.shown), "other")

    def events(self) -> list[ColumnEvent]:
        """Conditions that enough rows meet."""
        found = [
            ColumnEvent("value", equals(self.column, v), self.discrete == i, v)
            for i, v in enumerate(self.shown)
        ]
        if self.has_other and self.shown and len(self.shown) <= 3:
            node = one_of(self.column, self.shown, negated=True)
            found.append(ColumnEvent("other", node, self.discrete == len(self.shown)))
        null = self.codes < 0
        name = Name(0, self.name)
        if null.any():
            found.append(ColumnEvent("null", IsNull(0, name, False), null))
            found.append(ColumnEvent("known", IsNull(0, name, True), ~null))
        return [e for e in found if e.count >= _SUPPORT]


def views(table: Table) -> list[ColumnView]:
    """Views of all columns that a generator learns."""
    return [_view(table, c) for c in table.schema.columns if c.is_learnable]


def _view(table: Table, column: Column) -> ColumnView:
    codes, levels = column_codes(table, column.name)
    values = None
    if column.kind.is_number_like:
        values = numbers(table[column.name], column.kind).copy()
        values[np.isin(values, column.sentinels)] = np.nan
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    if values is None or len(levels) <= _FEW:
        frequent = np.flatnonzero(counts >= _LEAST)
    elif column.kind.is_plain_number:
        frequent = _spikes(np.asarray(levels, dtype=np.float64), counts)
    else:
        frequent = np.empty(0, dtype=np.int64)
    frequent = np.sort(frequent[np.argsort(-counts[frequent], kind="stable")][:_MOST_LEVELS])
    place = np.full(len(levels) + 1, len(frequent), dtype=np.int64)
    place[frequent] = np.arange(len(frequent))
    place[-1] = -1
    shown = tuple(levels[i] for i in frequent)
    return ColumnView(column, codes, levels, values, place[codes], shown)


def _spikes(levels: Floats, counts: Codes) -> Codes:
    """Places of values that mean something by themselves: zero, or far above their neighbours."""
    padded = np.pad(counts.astype(np.float64), 2, constant_values=0.0)
    around = (padded[:-4] + padded[1:-3] + padded[3:-1] + padded[4:]) / 4
    tall = (counts >= _ATOM * counts.sum()) & (counts >= _TALL * around)
    return np.flatnonzero((tall | (levels == 0)) & (counts >= _SUPPORT))


def literal(column: Column, value: Cell) -> Node:
    """Return a value as it stands in an expression about the column."""
    if column.kind is Kind.BOOLEAN:
        return Boolean(0, value == "true")
    if isinstance(value, float) and column.kind.is_moment:
        cell = from_numbers(np.array([value]), column.kind)[0].as_py()
        return Text(0, str(cell))
    return number(value) if isinstance(value, float) else Text(0, str(value))


def number(value: float) -> Node:
    """Return a number as it stands in an expression."""
    size = abs(value)
    positive = Number(0, str(int(size)) if size.is_integer() and size < 1e15 else repr(size))
    return Negative(0, positive) if value < 0 else positive


def equals(column: Column, value: Cell) -> Node:
    """``column = value``."""
    return Compare(0, "=", Name(0, column.name), literal(column, value))


def one_of(column: Column, values: tuple[Cell, ...], *, negated: bool = False) -> Node:
    """``column in (values)``, or ``=``, or ``!=`` of a single one."""
    name = Name(0, column.name)
    if len(values) == 1:
        return Compare(0, "!=" if negated else "=", name, literal(column, values[0]))
    return IsIn(0, name, tuple(literal(column, v) for v in values), negated)
