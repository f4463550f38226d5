"""Columns of dates, datetimes, times and durations."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.table import dates
from twinset.table.inference.dates import FoundDates
from twinset.table.inference.facts import Facts, NumberFacts
from twinset.table.inference.made import made
from twinset.table.inference.typed import typed_moments
from twinset.table.schema import Column, Format, Kind

__all__ = ["date_column", "moment_column", "moments_of_type"]

_DAY = 86_400.0


def date_column(facts: Facts, found: FoundDates) -> Column:
    """Return the column of dates, datetimes or times written as text."""
    kind = _moment_kind(found.pattern, found.micros)
    pattern = found.pattern
    if kind is Kind.DATE and dates.has_clock(pattern):
        pattern = _midnight(pattern, found.micros[0])
    said = f"written as {pattern}" + (f"; {found.note}" if found.note else "")
    nulls = found.nulls + (("",) if facts.nulls and "" not in found.nulls else ())
    fmt = Format(date_format=pattern, nulls=nulls or ("",))
    if found.nulls not in ((), ("",)):
        said += f"; {', '.join(map(repr, found.nulls[:3]))} read as null"
    return moment_column(facts, kind, found.micros, found.weights, fmt, said)


def _moment_kind(pattern: str, micros: npt.NDArray[np.int64]) -> Kind:
    if not dates.has_day(pattern):
        return Kind.TIME
    midnight = not np.any(micros % dates.DAY_US)
    return Kind.DATE if midnight else Kind.DATETIME


def _midnight(pattern: str, micros: np.int64) -> str:
    """Pattern whose clock always shows midnight, written out."""
    start = min(i for i in (pattern.find(h) for h in ("%H", "%-H", "%I", "%-I")) if i >= 0)
    text = dates.write(np.array([micros]), np.array([False]), pattern[start:].replace("%z", "%%z"))
    return pattern[:start] + str(text[0].as_py()).replace("%z", "%z")


def moment_column(
    facts: Facts,
    kind: Kind,
    micros: npt.NDArray[np.int64],
    weights: npt.NDArray[np.int64],
    fmt: Format,
    reason: str,
) -> Column:
    """Return a column of moments: its bounds, step, and dates that are codes."""
    per = _DAY * 1e6 if kind is Kind.DATE else 1e6
    numbers = NumberFacts.of(micros / per, weights)
    codes = _end_dates(numbers) if kind in (Kind.DATE, Kind.DATETIME) else ()
    rest = numbers.without(codes)
    if kind is not Kind.DATE:
        common = int(np.gcd.reduce(np.abs(micros)))
        fmt = fmt.model_copy(update={"step": common / 1e6 if common else None})
    if codes:
        reason += "; a date far from all others repeats: a code, not a date"
    return made(
        facts,
        kind,
        f"{kind}, {reason}",
        format=fmt,
        nullable=numbers.rows < facts.rows,
        unique=rest.unique and numbers.rows == facts.rows and not codes,
        sentinels=codes,
        low=float(rest.values[0]),
        high=float(rest.values[-1]),
    )


def _end_dates(numbers: NumberFacts) -> tuple[float, ...]:
    """Dates such as 9999-12-31 or 1900-01-01 that repeat, far from all others."""
    v, counts = numbers.values, numbers.counts
    if len(v) < 12:
        return ()
    found = []
    for place, rest in ((0, v[1:]), (-1, v[:-1])):
        gap = abs(float(v[place] - rest[place]))
        if counts[place] >= 3 and gap > 1.0 * float(rest[-1] - rest[0]):
            found.append(float(v[place]))
    return tuple(found)


def moments_of_type(facts: Facts) -> Column:
    """Return the column of a date or time type."""
    dtype = facts.column.type
    micros, _ = typed_moments(facts.present)
    weights = np.ones(len(micros), dtype=np.int64)
    t = pa.types
    if t.is_time(dtype):
        kind = Kind.TIME
    elif t.is_duration(dtype):
        kind = Kind.DURATION
    else:
        kind = Kind.DATE if t.is_date(dtype) or not np.any(micros % dates.DAY_US) else Kind.DATETIME
    reason = "the source's type"
    if kind is Kind.DATE and t.is_timestamp(dtype):
        reason = "datetimes that are all at midnight"
    if t.is_timestamp(dtype) and dtype.tz:
        reason += ", in UTC inside"
    return moment_column(facts, kind, micros, weights, Format(), reason)
