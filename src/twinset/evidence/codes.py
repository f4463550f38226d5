"""Columns as codes of train's bins and levels, what is counted of them, and the codes in words."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from twinset.evidence import counting
from twinset.evidence.coded import Cells, Coded, Codes, Counts, Floats, Side
from twinset.evidence.counting import InMemory, Rows, RowValues
from twinset.stats.codes import NumberBins, bins_of_sorted, coarsen
from twinset.stats.units import UnitSums
from twinset.table.column_store import Filed
from twinset.table.schema import Column, Kind, Schema
from twinset.table.table import Table, labels

__all__ = ["BINS", "LEVELS", "Codebook", "shared_codes", "value_text"]

BINS = 20
LEVELS = {1: None, 2: 32, 3: 8, 4: 4}  # codes a column, by the number of columns (4: or more)

_FEW = 1_000  # units, of which a bin might be that of one or two
_HANDFUL = 5
_EPOCH = dt.datetime(1970, 1, 1)
K = TypeVar("K", bound=str)


class Codebook:
    """Coded columns and their counts, computed when asked for and kept.

    Parameters
    ----------
    schema
        The columns.
    rows
        All rows of each table: counts are of these.
    at_hand
        The rows whose codes are kept.
    in_order
        Returns the sorted values of a number-like column in train.
    """

    def __init__(
        self,
        schema: Schema,
        rows: Mapping[Side, Rows],
        at_hand: Mapping[Side, Table],
        in_order: Callable[[str], Floats],
    ) -> None:
        self._schema, self._rows, self._at_hand, self._in_order = schema, rows, at_hand, in_order
        self.known: dict[str, tuple[str, ...]] = {}
        self._every: dict[str, dict[Side, RowValues]] = {}
        self._sums: dict[tuple[Side, str], UnitSums] = {}
        self._coarse: dict[tuple[str, int], tuple[dict[Side, Codes], dict[Side, RowValues]]] = {}
        self._cells: dict[tuple[tuple[str, ...], int | None], Cells] = {}

    @cached_property
    def columns(self) -> dict[str, Coded]:
        """Coded columns by name."""
        return {c.name: self._code(c) for c in self._schema.columns}

    def _code(self, column: Column) -> Coded:
        if column.kind.is_number_like:
            bins = self._bins(column.name)

            def coded(rows: Rows) -> RowValues:
                return counting.mapped(rows.numbers(column.name), "codes", bins.code, bins.size)

            text = _bin_texts(bins, column.kind)
            return self._coded(column, coded, bins.size, bins.order, text)
        levels = self._levels_of(column)
        self.known[column.name] = tuple(levels)
        to_code = {v: i for i, v in enumerate(levels)}
        size = len(levels) + 2

        def placed(rows: Rows) -> RowValues:
            names, at = rows.labels(column.name)
            table = np.array([to_code.get(v, size - 1) for v in names] + [size - 2])
            return counting.mapped(at, "codes", table.__getitem__, size)  # -1 (null): the last

        text = (*(f"category {v!r}" for v in levels), "missing", "unseen categories")
        order = np.arange(size) if column.kind is Kind.ORDINAL else None
        return self._coded(column, placed, size, order, text)

    def _bins(self, name: str) -> NumberBins:
        """Bins of train: of few units, none that only a handful of them hold."""
        values, rows = self._in_order(name), self._rows["train"]
        bins, units = bins_of_sorted(values, BINS), rows.units
        if units is None or rows.num_units > _FEW:
            return bins

        def held(bins: NumberBins, step: str) -> Counts:
            codes = counting.mapped(rows.numbers(name), step, bins.code, bins.size)
            return counting.unit_sums(codes, units, bins.size).held

        of_atoms = held(bins, "first-codes")[len(bins.edges) + 1 : bins.null]
        bins = bins_of_sorted(values, BINS, bins.atoms[of_atoms < _HANDFUL])
        return bins.joined(held(bins, "second-codes"), _HANDFUL)

    def _levels_of(self, column: Column) -> list[str]:
        known, places = self._rows["train"].labels(column.name)
        present = counting.present(places, len(known))
        levels = [v for v, p in zip(known, present, strict=True) if p]
        if column.categories is not None:  # declared or inferred order
            rank = {v: i for i, v in enumerate(column.categories)}
            levels.sort(key=lambda v: (rank.get(v, len(rank)), v))
        return levels

    def _coded(
        self,
        column: Column,
        code: Callable[[Rows], RowValues],
        size: int,
        order: npt.NDArray[np.int64] | None,
        text: tuple[str, ...],
    ) -> Coded:
        codes: dict[Side, Codes] = {}
        self._every[column.name] = {}
        for side, rows in self._rows.items():
            self._every[column.name][side] = every = code(rows)
            codes[side] = (
                code(InMemory(self._at_hand[side])) if isinstance(every, Filed) else every
            )[:]
        return Coded(column.name, column.kind, codes, size, order, text)

    def _units_of(self, side: Side, column: str) -> UnitSums | None:
        units = self._rows[side].units
        if units is None or len(units) < 2:
            return None
        if (side, column) not in self._sums:
            coded = self.columns[column]
            every = self._every[column][side]
            self._sums[side, column] = counting.unit_sums(every, units, coded.size)
        return self._sums[side, column]

    def effect(self, side: Side, column: str) -> float:
        """Design effect of units on a column's shares."""
        sums = self._units_of(side, column)
        return 1.0 if sums is None else sums.effect(self.cells([column]).counts[side])

    def held(self, column: str) -> Counts:
        """Units of train that hold each code of a column at least once; shape (codes,)."""
        sums = self._units_of("train", column)
        return self.cells([column]).counts["train"] if sums is None else sums.held

    def _coarsened(
        self, name: str, levels: int | None
    ) -> tuple[dict[Side, Codes], dict[Side, RowValues], int]:
        """Codes at hand, codes of all rows, and how many there are."""
        coded = self.columns[name]
        every = self._every[name]
        if levels is None or coded.size <= levels + 2:
            return coded.codes, every, coded.size
        key = (name, levels)
        if key not in self._coarse:
            counts = self.cells([name]).counts["train"][:-2]
            order = None if coded.order is None else coded.order[coded.order < coded.size - 2]
            table = np.append(coarsen(counts, order, levels), [levels, levels + 1])
            table = _small(table, levels + 2)
            rough: dict[Side, RowValues] = {
                s: counting.mapped(c, f"{levels}", table.__getitem__, levels + 2)
                for s, c in every.items()
            }
            here = {
                s: table[coded.codes[s]] if isinstance(c, Filed) else c[:] for s, c in rough.items()
            }
            self._coarse[key] = here, rough
        return *self._coarse[key], levels + 2

    def cells(self, columns: Sequence[str], levels: int | None = None) -> Cells:
        """Joint counts, each column coarsened to `levels` codes (plus null and unseen)."""
        names = tuple(columns)
        levels = LEVELS[min(len(names), 4)] if levels is None else levels
        if (names, levels) in self._cells:
            return self._cells[names, levels]
        coded = [self._coarsened(n, levels) for n in names]
        shape = tuple(size for _, _, size in coded)
        codes: dict[Side, tuple[Codes, ...]] = {
            s: tuple(c[s] for c, _, _ in coded) for s in self._rows
        }
        counts = {s: counting.count([c[s] for _, c, _ in coded], shape) for s in self._rows}
        found = Cells(names, shape, counts, _unseen_cells(shape), codes)
        self._cells[names, levels] = found
        return found

    def missing_patterns(self, columns: Sequence[str]) -> Cells:
        """Counts of which of some columns are null together; the last cell is unseen in train."""
        found = {
            side: counting.patterns(
                [self._every[n][side] for n in columns], [self.columns[n].null for n in columns]
            )
            for side in self._rows
        }
        known = sorted(found["train"])
        counts: dict[Side, Counts] = {
            side: np.array([c.pop(k, 0) for k in known] + [sum(c.values())])
            for side, c in found.items()
        }
        shape = (len(known) + 1,)
        return Cells(tuple(columns), shape, counts, _unseen_cells(shape), {})


def shared_codes(tables: Mapping[K, Table], column: str) -> tuple[dict[K, Floats], tuple[str, ...]]:
    """Number the levels over all tables, the most frequent in the first one first; NaN is null."""
    found = {s: labels(t[column]) for s, t in tables.items()}
    names, at = next(iter(found.values()))
    held = np.bincount(at[at >= 0], minlength=len(names))
    first = [names[i] for i in np.argsort(-held, kind="stable") if held[i]]
    code = {v: i for i, v in enumerate(first)}
    for others, used in found.values():
        for i in np.unique(used[used >= 0]):
            code.setdefault(others[i], len(code))
    return (
        {
            s: np.array([float(code.get(v, -1)) for v in n] + [np.nan])[i]
            for s, (n, i) in found.items()
        },
        tuple(code),
    )


def _small(codes: npt.NDArray[np.int64], size: int) -> Codes:
    """Return codes in the smallest type that holds `size` of them."""
    return codes.astype(np.min_scalar_type(size))


def _unseen_cells(shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Return shape (cells,): cells in which a column has its last code, which train cannot have."""
    grid = np.zeros(shape, dtype=bool)
    for axis in range(len(shape)):
        np.moveaxis(grid, axis, 0)[-1] = True
    return grid.reshape(-1)


def value_text(value: float, kind: Kind) -> str:
    """Write a number of a number-like column as a person would.

    >>> value_text(12.50, Kind.REAL), value_text(0.0, Kind.DATE), value_text(5400.0, Kind.TIME)
    ('12.5', '1970-01-01', '01:30:00')
    """
    if kind.is_calendar:
        seconds = value * (kind.facts.seconds or 1)
        try:
            moment = _EPOCH + dt.timedelta(seconds=seconds)
        except OverflowError:
            return f"{value:.12g}"
        midnight = kind is Kind.DATE or moment.time() == dt.time()
        return moment.strftime("%Y-%m-%d" if midnight else "%Y-%m-%d %H:%M:%S")
    if kind is Kind.TIME and 0 <= value < 86_400:
        whole = math.floor(value)
        return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    if kind is Kind.DURATION:
        return f"{value:.12g} s"
    return f"{value:.12g}"


def _bin_texts(bins: NumberBins, kind: Kind) -> tuple[str, ...]:
    """Name each code of `NumberBins`."""
    edges = [value_text(float(e), kind) for e in bins.edges]
    if edges:
        inner = [f"from {a} to {b}" for a, b in itertools.pairwise(edges)]
        texts = [f"below {edges[0]}", *inner, f"at {edges[-1]} or more"]
    else:
        texts = ["at other values"]
    texts += [f"at exactly {value_text(float(a), kind)}" for a in bins.atoms]
    return (*texts, "missing", "at values that train does not have")
