"""Claims on combinations of values: only known ones, or one value that others determine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinset.errors import InputError
from twinset.rules.constraints import Claim, Outcome
from twinset.stats.units import unit_counts
from twinset.table.schema import Kind
from twinset.table.table import Table, coded, numbers

__all__ = ["Cell", "Combination", "Determines", "Fixed", "column_codes", "row_codes"]

Cell = str | float | None
Combination = tuple[Cell, ...]
Codes = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def column_codes(table: Table, name: str) -> tuple[Codes, list[Cell]]:
    """Number the distinct values of a column; -1 is null. Shape (rows,), and the values."""
    column, kind = table[name], table.schema[name].kind
    if kind.is_plain_number:
        values = numbers(column, kind)
        distinct, places = np.unique(values, return_inverse=True)
        known = int(np.count_nonzero(~np.isnan(distinct)))
        codes = np.where(np.isnan(values), -1, places.reshape(-1))
        return codes.astype(np.int64), [float(v) for v in distinct[:known]]
    codes, words = coded(column)
    return codes, list(words.cast(pa.string()).to_pylist())


def row_codes(columns: Sequence[Codes]) -> Codes:
    """Return shape (rows,): equal for rows that are equal in all `columns` (codes from -1)."""
    total = np.zeros(len(columns[0]), dtype=np.int64)
    for codes in columns:
        size = int(codes.max(initial=-1)) + 2
        total = total * size + codes + 1
        if int(total.max(initial=0)) > 2**31:
            total = np.unique(total, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return total


def _known_codes(table: Table, name: str, levels: Sequence[Cell]) -> Codes:
    """Place of each row's value in `levels`; -1 is null, -2 any other value."""
    column, kind = table[name], table.schema[name].kind
    if kind.is_plain_number:
        values = numbers(column, kind)
        order = np.array([float(v) for v in levels if v is not None], dtype=np.float64)
        if not len(order):
            return np.where(np.isnan(values), -1, -2).astype(np.int64)
        place = np.minimum(np.searchsorted(order, values), len(order) - 1)
        return np.where(np.isnan(values), -1, np.where(order[place] == values, place, -2))
    codes, own = coded(column)
    words = pa.array([v for v in levels if v is not None], pa.string())
    found = pc.index_in(own.cast(pa.string()), value_set=words).fill_null(-2)
    places = np.append(np.asarray(found, dtype=np.int64), -1)
    return places[codes]


@dataclass(frozen=True, eq=False)
class _Known:
    """Combinations of a table's columns as one code a row."""

    rows: Codes  # -1 where a value is not among the known ones
    known: Codes  # code of each known combination


def _match(table: Table, columns: Sequence[str], known: Sequence[Combination]) -> _Known:
    rows = np.zeros(table.num_rows, dtype=np.int64)
    listed = np.zeros(len(known), dtype=np.int64)
    odd = np.zeros(table.num_rows, dtype=bool)
    for i, name in enumerate(columns):
        cells = [_as_kind(c[i], table.schema[name].kind, name) for c in known]
        levels = sorted({v for v in cells if v is not None}, key=lambda v: (str(type(v)), v))
        place = {v: j for j, v in enumerate(levels)} | {None: -1}
        codes = _known_codes(table, name, levels)
        odd |= codes == -2
        size = len(levels) + 1
        rows = rows * size + np.maximum(codes, -1) + 1
        listed = listed * size + np.array([place[v] for v in cells], dtype=np.int64) + 1
        if size and (2**62 // size) < max(int(rows.max(initial=0)), int(listed.max(initial=0))):
            inverse = np.unique(np.concatenate([rows, listed]), return_inverse=True)[1]
            rows, listed = np.split(inverse.reshape(-1).astype(np.int64), [len(rows)])
    return _Known(np.where(odd, -1, rows), listed)


def _as_kind(cell: Cell, kind: Kind, name: str) -> Cell:
    """Return a stated value as the column holds it: 1 is the category ``1`` of a category."""
    if cell is None:
        return None
    if not kind.is_plain_number:
        whole = isinstance(cell, float) and cell.is_integer()
        return str(int(cell)) if whole else str(cell)
    try:
        return float(cell)
    except ValueError:
        raise InputError(
            f"combinations of {name!r}", got="a text", allowed="numbers: the column is one"
        ) from None


def _common(
    table: Table, columns: Sequence[str], protect: int
) -> Iterator[tuple[Combination, int]]:
    """Combinations that at least `protect` units hold, with how many do."""
    coded = [column_codes(table, c) for c in columns]
    keys, first, inverse = np.unique(
        row_codes([c for c, _ in coded]), return_index=True, return_inverse=True
    )
    held = unit_counts(inverse.reshape(-1), table.units, len(keys))
    for row, count in zip(first, held, strict=True):
        if count >= protect:
            cells = (levels[c[row]] if c[row] >= 0 else None for c, levels in coded)
            yield tuple(cells), int(count)


@dataclass(frozen=True)
class Fixed(Claim):
    """Only known combinations of values in these columns (null is a value).

    `combinations` are stated, or learned: those that enough units of the train table hold.
    """

    names: tuple[str, ...]
    combinations: tuple[Combination, ...] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Its columns."""
        return self.names

    @property
    def words(self) -> str:
        """Its columns."""
        return f"only known combinations of {_listed(self.names)}"

    def outcome(self, table: Table) -> Outcome:
        """Apply to every row once the combinations are known, before that to none."""
        for name in self.names:
            table.schema[name]
        if self.combinations is None:
            none = np.zeros(table.num_rows, dtype=bool)
            return Outcome(none, none)
        found = _match(table, self.names, self.combinations)
        broken = ~np.isin(found.rows, found.known) | (found.rows < 0)
        return Outcome(np.ones(table.num_rows, dtype=bool), broken)

    def learned(self, train: Table, protect: int) -> Fixed:
        """Take the train table's combinations unless they are known."""
        if self.combinations is not None:
            return self
        known = tuple(c for c, _ in _common(train, self.names, protect))
        return replace(self, combinations=known)

    def to_data(self) -> dict[str, Any]:
        """``{"fixed": columns, "combinations": [...]}``."""
        return {"fixed": list(self.names), **_combinations(self.combinations)}


@dataclass(frozen=True)
class Determines(Claim):
    """Equal values in `names` mean an equal value in `gives` (a functional dependency).

    Rows with a null in `names` are free. With `combinations` (of `names`, then `gives`) the value
    is the known one; other rows must agree with the most frequent value of their group.
    """

    names: tuple[str, ...]
    gives: str
    combinations: tuple[Combination, ...] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """What determines, then what is determined."""
        return (*self.names, self.gives)

    @property
    def words(self) -> str:
        """Which column is determined by which."""
        return f"{_listed(self.names)} {'determine' + 's' * (len(self.names) == 1)} {self.gives}"

    def outcome(self, table: Table) -> Outcome:
        """Apply to rows that share their value with others or with a known combination."""
        known_left, applies, broken = self._by_majority(table)
        if self.combinations is not None:
            seen = _match(table, self.names, [c[:-1] for c in self.combinations])
            there = known_left & np.isin(seen.rows, seen.known) & (seen.rows >= 0)
            del seen
            whole = _match(table, self.columns, self.combinations)
            right = np.isin(whole.rows, whole.known) & (whole.rows >= 0)
            applies, broken = applies | there, np.where(there, ~right, broken)
        return Outcome(applies, broken & applies)

    def _by_majority(self, table: Table) -> tuple[Bools, Bools, Bools]:
        """Whether the left side is known, others share it, the right one is not their commonest."""
        coded = [column_codes(table, c)[0] for c in self.names]
        target = column_codes(table, self.gives)[0]
        known_left = np.logical_and.reduce([c >= 0 for c in coded])
        left = np.unique(row_codes(coded), return_inverse=True)[1].reshape(-1)
        groups = int(left.max(initial=-1)) + 1
        both = left.astype(np.int64) * (int(target.max(initial=-1)) + 2) + target + 1
        cells, inverse, count = np.unique(both, return_inverse=True, return_counts=True)
        most = np.zeros(groups, dtype=np.int64)
        cell_group = cells // (int(target.max(initial=-1)) + 2)
        np.maximum.at(most, cell_group, count)
        # the most frequent value is the first cell of its group that reaches the largest count
        winner = np.full(groups, -1, dtype=np.int64)
        best = np.flatnonzero(count == most[cell_group])[::-1]
        winner[cell_group[best]] = best
        broken = known_left & (inverse.reshape(-1) != winner[left])
        applies = known_left & (np.bincount(left, minlength=groups)[left] > 1)
        return known_left, applies, broken

    def learned(self, train: Table, protect: int) -> Determines:
        """Take the train table's most frequent value for each group that enough units hold."""
        if self.combinations is not None:
            return self
        best: dict[Combination, tuple[int, Combination]] = {}
        for cells, count in _common(train, self.columns, protect):
            left = cells[:-1]
            if None not in left and count > best.get(left, (0, cells))[0]:
                best[left] = (count, cells)
        return replace(self, combinations=tuple(c for _, c in best.values()))

    def fill(self, table: Table) -> tuple[pa.Array, npt.NDArray[np.bool_]]:
        """Value that the known combinations give each row, and where they give one."""
        known = self.combinations or ()
        if not known:
            return pa.nulls(table.num_rows), np.zeros(table.num_rows, dtype=bool)
        seen = _match(table, self.names, [c[:-1] for c in known])
        order = np.argsort(seen.known)
        place = np.minimum(np.searchsorted(seen.known[order], seen.rows), len(order) - 1)
        at = order[place]
        there = (seen.known[at] == seen.rows) & (seen.rows >= 0)
        kind = table.schema[self.gives].kind
        levels = [c[-1] for c in known]
        values = pa.array(levels, pa.float64() if kind.is_plain_number else pa.string())
        return values.take(pa.array(at)), there

    def to_data(self) -> dict[str, Any]:
        """``{"determines": column, "by": columns, "combinations": [...]}``."""
        found = {"determines": self.gives, "by": list(self.names)}
        return {**found, **_combinations(self.combinations)}


def _combinations(known: tuple[Combination, ...] | None) -> dict[str, Any]:
    return {} if known is None else {"combinations": [list(c) for c in known]}


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
