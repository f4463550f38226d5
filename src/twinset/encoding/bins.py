"""Columns as codes: bins of a number, levels of a category, null as the last code.

Generators that work on codes never hold a donor value: a code of a number is an *atom* (one value
that at least `atom` units share, such as 40 hours a week) or an *interval*, from which new values
are drawn by a truncated exponential density with the interval's own mean, on the column's grid.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.encoding.digit_preference import MOST_LEVELS, fit_roundness
from twinset.encoding.quantile_bins import MOST_RATE, rate_of_mean, spans
from twinset.encoding.weekly_cycle import PHASES, fit_rhythm, follow
from twinset.protocols import State
from twinset.stats.units import outermost, rows_of_unit, unit_counts
from twinset.table.schema import Column, Kind
from twinset.table.table import coded, numbers

__all__ = ["Discretizer", "Intervals", "fit_discretizer", "fit_intervals"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int32]
Units = npt.NDArray[np.int64] | None

_MOST_ATOMS = 400


@dataclass(frozen=True, eq=False)
class Intervals:
    """Codes of a number, ordered by value.

    Attributes
    ----------
    low, high
        Shape (codes,): smallest and largest value of each code; equal for an atom.
    rate
        Shape (codes,): rate of the density inside, relative to the width; 0 is uniform.
    cuts, cut_codes
        Where a value belongs that is no atom: ``cut_codes[searchsorted(cuts, x, "right")]``.
    atoms, atom_codes
        The atoms, ascending, and their codes.
    step, offset
        Grid ``offset + i * step``; step 0 means none.
    round_to, roundness
        Shape (levels,) and (codes, levels): coarser grids through 0, ascending, and the cumulated
        shares of the values in a code whose coarsest grid is each; both empty if none stands out.
    rhythm
        Shape (7,) or (168,): chance that a value of each day or hour of the week is accepted, of a
        column in days or in seconds (`twinset.encoding.weekly_cycle`); empty if all are alike.
    """

    low: Floats
    high: Floats
    rate: Floats
    cuts: Floats
    cut_codes: Codes
    atoms: Floats
    atom_codes: Codes
    step: float = 0.0
    offset: float = 0.0
    round_to: Floats = field(default_factory=lambda: np.zeros(0))
    roundness: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    rhythm: Floats = field(default_factory=lambda: np.zeros(0))

    def encode(self, x: Floats) -> Codes:
        """Codes of `x` (no NaN)."""
        codes = self.cut_codes[np.searchsorted(self.cuts, x, side="right")]
        if len(self.atoms):
            at = np.minimum(np.searchsorted(self.atoms, x), len(self.atoms) - 1)
            codes = np.where(self.atoms[at] == x, self.atom_codes[at], codes)
        return codes.astype(np.int32)

    def decode(self, codes: Codes, rng: np.random.Generator) -> Floats:
        """Draw a new value inside each code."""
        x = self._inside(codes, rng)
        if len(self.rhythm):
            wide = np.flatnonzero(self.low[codes] < self.high[codes])
            x[wide] = follow(
                x[wide], self.rhythm, lambda at: self._inside(codes[wide[at]], rng), rng
            )
        return self._rounded(x, codes, rng) if len(self.round_to) else x

    def _inside(self, codes: Codes, rng: np.random.Generator) -> Floats:
        """Draw by the density of each code."""
        low, high, rate = self.low[codes], self.high[codes], self.rate[codes]
        half = np.where(high > low, self.step / 2, 0.0)
        u = rng.random(len(codes))
        flat = np.abs(rate) < 1e-6
        safe = np.where(flat, 1.0, rate)
        share = np.where(flat, u, -np.log1p(u * np.expm1(-safe)) / safe)
        x = self._on_grid(low - half + (high - low + 2 * half) * share)
        return np.asarray(np.clip(x, low, high))

    def _rounded(self, x: Floats, codes: Codes, rng: np.random.Generator) -> Floats:
        """Move values to the coarser grid that is drawn for them, if it has a point inside."""
        shares = self.roundness[codes]
        level = (shares < rng.random(len(codes))[:, None]).sum(axis=1)  # 0: the finest grid
        low, high = self.low[codes], self.high[codes]
        for k in range(len(self.round_to), 0, -1):
            at = np.flatnonzero(level == k)
            to = self.round_to[k - 1]
            near = np.round(np.round(x[at] / to) * to, 10)
            inside = (near >= low[at]) & (near <= high[at])
            x[at[inside]] = near[inside]
            level[at[~inside]] = k - 1
        return x

    def nearest(self, x: Floats) -> Floats:
        """Values of the grid and range next to `x`; NaN stays."""
        inside: Floats = np.clip(self._on_grid(x), self.low.min(), self.high.max())
        return inside

    def _on_grid(self, x: Floats) -> Floats:
        if not self.step:
            return x
        return np.round(self.offset + np.round((x - self.offset) / self.step) * self.step, 10)

    def to_state(self) -> State:
        """Arrays and numbers."""
        return dict(self.__dict__)

    def is_sound(self) -> bool:
        """Whether the parts fit together, which may come from a file."""
        n, levels = len(self.low), len(self.round_to)
        floats = (self.low, self.high, self.rate, self.cuts, self.atoms, self.round_to)
        codes = (self.cut_codes, self.atom_codes)
        every = np.concatenate([*floats, self.roundness.ravel(), [self.step, self.offset]])
        return (
            all(a.dtype.kind == "f" and a.ndim == 1 for a in floats)
            and all(a.dtype.kind == "i" and a.ndim == 1 for a in codes)
            and n == len(self.high) == len(self.rate)
            and len(self.cut_codes) == len(self.cuts) + 1
            and len(self.atom_codes) == len(self.atoms)
            and (self.roundness.shape == (n, levels) or not (levels or self.roundness.size))
            and levels <= MOST_LEVELS
            and self.rhythm.shape in ((0,), *((k,) for k in PHASES.values()))
            and bool(((self.rhythm >= 0) & (self.rhythm <= 1)).all())
            and bool(np.isfinite(every).all())
            and all(((a >= 0) & (a < max(n, 1))).all() for a in codes)
            and bool((self.low <= self.high).all() and (np.abs(self.rate) <= MOST_RATE).all())
            and all((np.diff(a) > 0).all() for a in (self.atoms, self.round_to))
            and bool((np.diff(self.cuts) >= 0).all() and (self.round_to > 0).all())
            and self.step >= 0
        )


def fit_intervals(
    x: Floats,
    units: Units = None,
    *,
    step: float | None = None,
    codes: tuple[float, ...] = (),
    bounds: tuple[float | None, float | None] = (None, None),
    bins: int = 30,
    atom: int = 10,
    tail: int = 10,
) -> Intervals:
    """Choose atoms and intervals for the values `x` (no NaN, at least one).

    Parameters
    ----------
    x, units
        Shape (rows,): values, and who holds them (None: each row its own unit).
    step
        Grid of the values, None if continuous.
    codes
        Sentinels: always atoms.
    bounds
        Ends of the values that may be known. All others, such as those next to an atom, become the
        mean of the outermost `tail` units.
    bins
        Intervals of equal mass over what is not an atom; halved again and again towards both ends.
    atom, tail
        Least units that share an atom, and that stand in an interval.
    """
    values, count = np.unique(x, return_counts=True)
    held = count if units is None else _holders(x, units, values)
    most = max(atom, len(x) // 500 if len(values) > 2 * _MOST_ATOMS else 0)
    is_atom = held >= most
    if is_atom.sum() > _MOST_ATOMS:
        is_atom = held >= max(np.sort(held)[-_MOST_ATOMS], most)
    is_atom |= np.isin(values, codes)
    if not is_atom.any() and len(values) == 1:
        is_atom[:] = True
    weight = count if units is None else _weights(x, units, values)
    rest = ~is_atom
    if is_atom.any() and weight[rest].sum() < tail - 1e-9:
        rest[:] = False  # too few to be an interval: they take the code of the atom next to them
    atoms = values[is_atom]
    own = ~np.isin(x, atoms)
    inner = _within(values[rest], x[own], None if units is None else units[own], tail, step, bounds)
    ends = spans(inner, count[rest], weight[rest], len(x) / bins, tail, step or 0.0)
    low, high = np.r_[ends[0], atoms], np.r_[ends[1], atoms]
    rate = np.r_[rate_of_mean(ends[2]), np.zeros(len(atoms))]
    order = np.lexsort((high, (low + high) / 2))
    rank = np.argsort(order).astype(np.int32)
    n = len(ends[0])
    if n:
        cuts, cut_codes = ends[0][1:], rank[:n]
    else:
        cuts, cut_codes = (atoms[1:] + atoms[:-1]) / 2, rank
    offset = float(values[0] % step) if step else 0.0
    made = Intervals(
        low[order], high[order], rate[order], cuts, cut_codes, atoms, rank[n:], step or 0.0, offset
    )
    if not step or abs(offset) > 1e-9 * step:
        return made
    round_to, roundness = fit_roundness(
        values[rest], weight[rest], made.encode(values[rest]), len(made.low), step
    )
    return replace(made, round_to=round_to, roundness=roundness)


def _within(
    values: Floats,
    x: Floats,
    units: Units,
    tail: int,
    step: float | None,
    bounds: tuple[float | None, float | None],
) -> Floats:
    """Move the outermost values of `x` to the mean of `tail` units, unless they are bounds."""
    if not len(values):
        return values
    low, high = -float(outermost(-x, units, tail).mean()), float(outermost(x, units, tail).mean())
    if step:
        first = values[0]
        low, high = (round(first + round((v - first) / step) * step, 10) for v in (low, high))
    low = values[0] if values[0] == bounds[0] else low
    high = values[-1] if values[-1] == bounds[1] else high
    return np.clip(values, low, high)


def _holders(x: Floats, units: npt.NDArray[np.int64], values: Floats) -> npt.NDArray[np.int64]:
    """Distinct units that hold each value."""
    return unit_counts(np.searchsorted(values, x), units, len(values))


def _weights(x: Floats, units: npt.NDArray[np.int64], values: Floats) -> Floats:
    """Rows of each value, where all rows of one unit together weigh 1."""
    weight = 1.0 / rows_of_unit(units, len(x))
    return np.asarray(np.bincount(np.searchsorted(values, x), weight, len(values)), np.float64)


@dataclass(frozen=True, eq=False)
class Discretizer:
    """Learnable column <-> codes ``0 .. size - 1``; the last code is null if `nullable`."""

    column: Column
    size: int
    nullable: bool
    intervals: Intervals | None = None

    @property
    def ordered(self) -> bool:
        """Whether neighbouring codes are neighbouring values."""
        return self.intervals is not None or self.column.kind is Kind.ORDINAL

    def encode(self, data: pa.ChunkedArray) -> Codes:
        """Shape (rows,): codes of a learnable column; -1 for null where null was not learned."""
        if self.intervals is not None:
            return self.encode_values(numbers(data))
        indices = coded(data)[0]
        return np.where(indices < 0, self._missing, indices).astype(np.int32)

    def decode(self, codes: Codes, rng: np.random.Generator) -> pa.Array:
        """Return the learnable column that `codes` stand for, new values inside intervals."""
        if self.intervals is not None:
            return self.array(self.draw_values(codes, rng))
        null = codes == self._missing
        indices = pa.array(np.where(null, 0, codes).astype(np.int32), mask=null)
        levels = pa.array(self.column.categories or (), pa.string())
        return pa.DictionaryArray.from_arrays(indices, levels)

    def encode_values(self, x: Floats) -> Codes:
        """Shape (rows,): codes of numbers, NaN is null."""
        assert self.intervals is not None
        null = np.isnan(x)
        codes = np.full(len(x), self._missing, dtype=np.int32)
        codes[~null] = self.intervals.encode(x[~null])
        return codes

    def draw_values(self, codes: Codes, rng: np.random.Generator) -> Floats:
        """Shape (rows,): numbers drawn inside the intervals, NaN for null."""
        assert self.intervals is not None
        if not len(self.intervals.low):
            return np.full(len(codes), np.nan)
        null = codes == self._missing
        x = self.intervals.decode(np.where(null, 0, codes).astype(np.int32), rng)
        return np.where(null, np.nan, x)

    def nearest(self, x: Floats) -> Floats:
        """Shape (rows,): the numbers of this column's grid and range next to `x`; NaN stays."""
        assert self.intervals is not None
        return self.intervals.nearest(x)

    @staticmethod
    def array(x: Floats) -> pa.Array:
        """Return numbers as a learnable column."""
        return pa.array(x, mask=np.isnan(x))

    @property
    def _missing(self) -> int:
        return self.size - 1 if self.nullable else -1

    def to_state(self) -> State:
        """Arrays and JSON values."""
        inside = self.intervals
        return {
            "size": self.size,
            "nullable": self.nullable,
            "intervals": None if inside is None else inside.to_state(),
        }

    @classmethod
    def from_state(cls, state: State, column: Column) -> Discretizer:
        """Inverse of `to_state`; ValueError if the parts do not fit together."""
        inside, nullable = state["intervals"], state["nullable"] is True
        intervals = Intervals(**inside) if isinstance(inside, dict) else None
        levels = len(column.categories or () if intervals is None else intervals.low)
        sound = (
            state["nullable"] in (True, False)
            and state["size"] == levels + nullable
            and (intervals is not None) == column.kind.is_number_like
            and (intervals is None or intervals.is_sound())
        )
        if not sound:
            raise ValueError("codes of a column that do not fit together")
        return cls(column, levels + nullable, nullable, intervals)


def fit_discretizer(
    column: Column, data: pa.ChunkedArray, units: Units, *, bins: int = 30, atom: int = 10
) -> Discretizer:
    """Learn the codes of one learnable column."""
    nullable = data.null_count > 0
    if not column.kind.is_number_like:
        return Discretizer(column, len(column.categories or ()) + nullable, nullable)
    x = numbers(data)
    known = ~np.isnan(x)
    if not known.any():
        none = np.zeros(0)
        empty = Intervals(
            none, none, none, none, np.zeros(1, np.int32), none, np.zeros(0, np.int32)
        )
        return Discretizer(column, 1, nullable=True, intervals=empty)
    intervals = fit_intervals(
        x[known],
        None if units is None else units[known],
        step=column.format.step,
        codes=column.sentinels,
        bounds=(column.low, column.high),
        bins=bins,
        atom=atom,
    )
    phases = PHASES.get(column.format.date_format or "")
    if phases:
        free = known & ~np.isin(x, intervals.atoms)
        weight = 1.0 / rows_of_unit(units, len(x))
        intervals = replace(intervals, rhythm=fit_rhythm(x[free], weight[free], phases))
    return Discretizer(column, len(intervals.low) + nullable, nullable, intervals)
