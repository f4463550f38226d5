"""Columns that follow another closely: an end after a start, a delivery after an order.

Learned by itself, an end date knows its start only to the nearest interval, which may be months:
stays of two days come out as of minus forty. Where the difference of two columns is much narrower
than the columns, it is the difference that is learned and drawn, and the value is the sum. The same
with their sum: the year of birth and the age, the days until a date that all share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinset.blocks.relations import is_rare
from twinset.encoding.bins import Discretizer, Intervals, fit_intervals
from twinset.protocols import State
from twinset.table.schema import Format

__all__ = ["Offset", "find_anchors", "fit_offset", "log_width", "scale"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int32]

_NEAR, _WIDE = 0.02, 0.1
_NARROW = 1_000
_USUAL = 0.5
_SCREENED = 500
_MOST_COLUMNS = 60
_LEAST_SHARE = 0.2
_LEAST_VALUES = 30


@dataclass(frozen=True, eq=False)
class Offset:
    """A column as `sign` times the column `anchor`, plus a difference with codes `intervals`."""

    anchor: int
    sign: int
    intervals: Intervals

    @property
    def size(self) -> int:
        """Number of codes."""
        return len(self.intervals.low)

    def codes_of(self, x: Floats, anchor: Floats) -> Codes:
        """Shape (rows,): code of each difference, -1 where a value is null or it is no such one."""
        difference = _difference(x, self.sign * anchor)
        with np.errstate(invalid="ignore"):
            known = (difference >= self.intervals.low[0]) & (difference <= self.intervals.high[-1])
        codes = np.full(len(x), -1, dtype=np.int32)
        codes[known] = self.intervals.encode(difference[known])
        return codes

    def log_widths(self, codes: Codes, coder: Discretizer, wanted: Codes) -> Floats:
        """Log ratio of the width of the column's own code to that of the difference.

        It turns the probability of a difference into that of the column's code: both stand for
        the same density at the value.
        """
        return log_width(coder, wanted) - np.log(_widths(self.intervals)[codes])

    def value(self, codes: Codes, anchor: Floats, rng: np.random.Generator) -> Floats:
        """Shape (rows,): anchor plus a difference drawn inside its code; NaN stays."""
        return self.sign * anchor + self.intervals.decode(codes, rng)

    def to_state(self) -> State:
        """Arrays and JSON values."""
        intervals = self.intervals.to_state()
        return {"anchor": self.anchor, "sign": self.sign, "intervals": intervals}

    @classmethod
    def from_state(cls, state: Any) -> Offset:
        """Inverse of `to_state`; ValueError if the parts do not fit together."""
        anchor, sign = int(state["anchor"]), int(state["sign"])
        made = cls(anchor, sign, Intervals(**state["intervals"]))
        if sign not in (-1, 1) or not made.intervals.is_sound() or not made.size:
            raise ValueError("an offset whose codes do not fit together")
        return made


def scale(x: Floats, form: Format) -> str | None:
    """Return what a column's numbers count, if differences on that scale mean the same anywhere.

    Days and seconds do, and whole numbers of a narrow range (years, ages); amounts do not: their
    differences grow with them, and a sum of drawn differences strays.
    """
    if form.date_format is not None or form.step != 1:
        return form.date_format
    known = x[~np.isnan(x)]
    return "number" if len(known) and np.ptp(known) <= _NARROW else None


def find_anchors(
    values: Mapping[int, Floats],
    order: Sequence[int],
    scales: Mapping[int, str | None],
    met: Mapping[int, Bools] | None = None,
) -> dict[int, tuple[int, int]]:
    """Column and sign that each follows most closely, of the 60 before it, where there is one.

    In at least half of the rows the difference is within 2% of the column's span (of its middle
    90%) from its median. Both are known in at least a fifth of the column's rows, its values that
    stand in more than 2% of the rows left out (a far date for "never"), and it has 30 others or
    more.

    Parameters
    ----------
    values
        Shape (rows,) for each number column; NaN is null.
    scales
        What each counts; only columns of one scale follow each other, and those of none nobody.
    met
        Shape (rows,) for some columns: rows that an exact relation gives, and that do not count.
    """
    met = met or {}
    columns = [i for i in order if scales.get(i) is not None]
    if len(columns) < 2:
        return {}
    n = len(values[columns[0]])
    rows = np.linspace(0, n - 1, min(n, _SCREENED)).astype(np.int64)
    some = np.column_stack([values[i][rows] for i in columns])
    found = {}
    for place, target in enumerate(columns):
        free = is_rare(some[:, place])
        free &= ~met[target][rows] if target in met else True
        own = np.where(free, some[:, place], np.nan)
        before = [p for p in range(place) if scales[columns[p]] == scales[target]]
        before = before[-_MOST_COLUMNS:]
        if not before or len(np.unique(own[~np.isnan(own)])) < _LEAST_VALUES:
            continue
        near = _share_near(own, np.hstack([some[:, before], -some[:, before]]))
        best = int(np.argmax(near))
        if near[best] >= _USUAL:
            sign = 1 if best < len(before) else -1
            found[target] = columns[before[best % len(before)]], sign
    return found


def _share_near(x: Floats, anchors: Floats) -> Floats:
    """Share of the rows of each difference that are near its median; 0 if too few are known."""
    difference = x[:, None] - anchors
    known = (~np.isnan(difference)).sum(axis=0)
    middle = np.sort(difference, axis=0)[np.maximum(known - 1, 0) // 2, np.arange(len(known))]
    with np.errstate(invalid="ignore"):
        near = (np.abs(difference - middle) <= _NEAR * _span(x)).sum(axis=0)
    enough = known >= max(_LEAST_SHARE * (~np.isnan(x)).sum(), _LEAST_VALUES)
    return np.asarray(np.where(enough, near / np.maximum(known, 1), 0.0))


def _span(x: Floats) -> float:
    low, high = np.nanquantile(x, [0.05, 0.95])
    return float(high - low)


def fit_offset(
    x: Floats,
    anchor: tuple[int, int],
    of_anchor: Floats,
    free: Bools,
    units: npt.NDArray[np.int64] | None,
    *,
    step: float | None,
    bins: int,
    atom: int,
) -> tuple[Offset, Codes] | None:
    """Learn the codes of a difference, in rows in which it is small: others keep their own code.

    Parameters
    ----------
    anchor
        Column and sign.
    x, of_anchor, units
        Shape (rows,): the column, its anchor, and who holds the row.
    free
        Shape (rows,): rows that no exact relation gives.
    step, bins, atom
        As for `fit_intervals`.

    Returns
    -------
    tuple or None
        The offset, and the code of each row, -1 where it has none; None if too few rows have one.
    """
    column, sign = anchor
    x = np.where(free & is_rare(x), x, np.nan)
    difference = _difference(x, sign * of_anchor)
    if np.isnan(difference).all():
        return None
    with np.errstate(invalid="ignore"):
        known = np.abs(difference - np.nanmedian(difference)) <= _WIDE * _span(x)
    if known.sum() < _LEAST_VALUES:
        return None
    intervals = fit_intervals(
        difference[known],
        None if units is None else units[known],
        step=step,
        bins=bins,
        atom=atom,
    )
    made = Offset(column, sign, intervals)
    return made, np.where(known, made.codes_of(x, of_anchor), -1).astype(np.int32)


def _widths(intervals: Intervals) -> Floats:
    """Shape (codes,): a point of a continuous column is taken to be very narrow."""
    return np.asarray(np.maximum(intervals.high - intervals.low + intervals.step, 1e-12))


def log_width(coder: Discretizer, codes: Codes, *, point: bool = False) -> Floats:
    """Log width of each code of a column, null being as wide as one; `point`: beside a point's."""
    assert coder.intervals is not None
    widths = np.append(_widths(coder.intervals), 1.0)[codes]
    return np.asarray(np.log(widths) - (np.log(coder.intervals.step or 1e-12) if point else 0.0))


def _difference(x: Floats, anchor: Floats) -> Floats:
    return np.round(x - anchor, 10)
