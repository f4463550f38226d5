"""Numbers, dates and times: float64 on the grid of the column, between protected bounds.

*Extreme values*, beyond the mean of the k-th to (2k - 1)-th largest unit (and smallest), are moved
to that mean, so the ends of a column tell of no single unit. Sentinel codes that fewer than k units
hold become null. Declared bounds and codes are public and pass unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.encoding.encoder import Encoded
from twinset.encoding.protection import changes_of, fill_rare_nulls, is_null_public
from twinset.errors import ConditionError, InputError
from twinset.protocols import FitContext
from twinset.stats.units import Units, holders, outermost
from twinset.table.schema import Column, Format, Kind
from twinset.table.table import Table, canonical_type, from_numbers, numbers

__all__ = ["NumberEncoder", "NumberEncoding"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class NumberEncoding:
    """One number-like column as float64 with null; its columns' order is n = m = 1."""

    column: Column

    @property
    def columns(self) -> tuple[Column, ...]:
        """The protected column."""
        return (self.column,)

    @property
    def encoded(self) -> tuple[Column, ...]:
        """A real column on the same grid; dates say what their numbers count."""
        grid = Format(step=self.column.step, date_format=self.column.kind.facts.counts or None)
        update = {
            "personal": None,
            "reason": "",
            "dtype": "",
            "kind": Kind.REAL,
            "format": grid,
        }
        return (self.column.model_copy(update=update),)

    def encode(self, table: Table) -> list[pa.Array]:
        """Numbers, cut to the protected bounds."""
        values = self._within(numbers(table[self.column.name], self.column.kind))
        return [pa.array(values, mask=np.isnan(values))]

    def decode(self, encoded: Table) -> list[pa.ChunkedArray]:
        """Values of the column's kind, within its bounds and decimals."""
        column = self.column
        values = numbers(encoded[column.name])
        if column.kind is Kind.REAL and column.format.decimals is not None:
            values = np.round(values, column.format.decimals)
        return [pa.chunked_array([from_numbers(self._within(values), column.kind)])]

    def stated(self, value: object) -> float | None:
        """Return a number, or the number of the text of a date or time."""
        column = self.column
        if value is None:
            return None
        number = self._number(value)
        if not np.isfinite(number):
            raise InputError(
                f"condition on {column.name!r}",
                got="a number that is not finite",
                allowed=column.kind.value,
                hint="None asks for a null",
            )
        if column.kind.is_whole and not number.is_integer():
            raise InputError(
                f"condition on {column.name!r}", got="a fraction", allowed=column.kind.value
            )
        outside = column.low is not None and column.high is not None
        if outside and not (column.low <= number <= column.high or number in column.sentinels):  # type: ignore[operator]
            raise ConditionError(
                f"condition on {column.name!r}",
                got="a value outside what the model knows",
                hint="ask for a value between the bounds that `twinset schema` shows",
            )
        return number

    def _within(self, values: Floats) -> Floats:
        column = self.column
        if column.low is None or column.high is None:
            return values
        plain = ~np.isin(values, column.sentinels)
        return np.where(plain, np.clip(values, column.low, column.high), values)

    def _number(self, value: object) -> float:
        column = self.column
        try:
            if column.kind.is_plain_number:
                return float(value)  # type: ignore[arg-type]
            text = str(value)
            if column.kind is Kind.DATE:
                text = text.removesuffix(" 00:00:00")  # of pandas, which has no dates
            cast = pa.array([text]).cast(canonical_type(column.kind))
        except (ValueError, TypeError, pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise InputError(
                f"condition on {column.name!r}",
                got="a value that is not of the column's kind",
                allowed=column.kind.value,
            ) from None
        return float(numbers(pa.chunked_array([cast]), column.kind)[0])


@dataclass(frozen=True)
class NumberEncoder:
    """Encodes one number-like column.

    Parameters
    ----------
    protect
        Minimum number of units behind its bounds, its codes and its nulls.
    """

    protect: int

    def fit(self, columns: tuple[Column, ...], *, context: FitContext) -> Encoded:
        """Move extreme values, drop rare codes, and fill rare nulls."""
        (column,) = columns
        table = context.read([column.name], "protection of a number")
        units, k = table.units, self.protect
        safe, values, changed = _protected(
            column, numbers(table[column.name], column.kind), units, k
        )
        missing = np.isnan(values)
        filled = fill_rare_nulls(column, values, missing, units, k, context.rng)
        missing &= ~filled
        nullable = is_null_public(column) or bool(missing.any())
        safe = safe.model_copy(update={"nullable": nullable})
        what = "extreme values moved to the mean of a group"
        changes = changes_of(column.name, {what: changed, "rare nulls replaced": int(filled.sum())})
        return Encoded(NumberEncoding(safe), [pa.array(values, mask=missing)], changes)


def _protected(column: Column, values: Floats, units: Units, k: int) -> tuple[Column, Floats, int]:
    """Return the column with safe ends and codes, its values within them, and how many moved."""
    values = values.copy()
    plain = ~np.isnan(values) & ~np.isin(values, column.sentinels)
    x, u = values[plain], None if units is None else units[plain]
    high = column.high if "high" in column.declared else _bound(x, u, k)
    low = column.low if "low" in column.declared else _negate(_bound(-x, u, k))
    if high is None or low is None:  # fewer than k units have a value: nothing is learned
        low = high = None
        changed = int(plain.sum())
        values[plain] = np.nan
    else:
        step = column.step
        if step is not None:
            low, high = (_to_grid(v, x, step) for v in (low, high))
        low, high = min(low, high), max(low, high)
        clipped = np.clip(x, low, high)
        changed = int((clipped != x).sum())
        values[plain] = clipped
    public = "sentinels" in column.declared
    codes = tuple(c for c in column.sentinels if public or holders(values == c, units) >= k)
    drop = np.isin(values, tuple(set(column.sentinels) - set(codes)))
    values[drop] = np.nan
    safe = column.model_copy(update={"low": low, "high": high, "sentinels": codes})
    return safe, values, changed + int(drop.sum())


def _bound(values: Floats, units: Units, k: int) -> float | None:
    """Mean of the k-th to (2k-1)-th largest of the units' largest values.

    Of fewer than 2k units it is the mean of all; of fewer than k there is none.
    """
    top = outermost(values, units, 2 * k)
    if len(top) < k:
        return None
    if len(top) < 2 * k:
        return float(top.mean())
    group = top[1 : k + 1]
    return float(group[0]) if group[0] == group[-1] else float(group.mean())


def _negate(value: float | None) -> float | None:
    return None if value is None else -value


def _to_grid(value: float, x: Floats, step: float) -> float:
    """Nearest point of the grid that the column's values lie on."""
    offset = float(x[0]) % step if len(x) else 0.0
    return float(round(offset + round((value - offset) / step) * step, 12))
