"""Dates and times in a column: the pattern that its texts fit, and the column's schema."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.table import dates
from twinset.table.arrow_types import typed_moments
from twinset.table.inference.facts import NULL_WORDS, Facts, NumberFacts, made, null_words
from twinset.table.inference.words import TIME_WORDS, tokens
from twinset.table.schema import Column, Format, Kind

__all__ = [
    "FoundDates",
    "date_column",
    "date_pattern",
    "find_dates",
    "find_numeric_dates",
    "moment_column",
    "moments_of_type",
]

_ORDERS = ("%Y{s}{m}{s}{d}", "{d}{s}{m}{s}%Y", "{m}{s}{d}{s}%Y", "{d}{s}{m}{s}%y", "{m}{s}{d}{s}%y",
           "%y{s}{m}{s}{d}")  # fmt: skip
_WORDED = (
    "{d}-%b-%Y", "{d}-%b-%y", "{d} %b %Y", "{d} %B %Y", "%b {d}, %Y", "%B {d}, %Y", "%b {d} %Y",
    "{d}%b%Y", "%a, {d} %b %Y", "%A, {d} %B %Y", "%A, %B {d}, %Y",
    "{d}/%b/%Y", "%Y-%b-{d}", "{d}. %B %Y",
)  # fmt: skip
_MONTHLY = (
    "%Y-%m", "%Y/%m", "%m/%Y", "%b-%Y", "%B-%Y", "%b %Y", "%B %Y", "%b-%y", "%Y-%b", "%m-%Y"
)  # fmt: skip
_CLOCKS = tuple(
    f"{h}:%M{s}" for h in ("%H", "%-H") for s in (":%S", "", ":%S.%3f", ":%S.%f", ":%S%.f")
) + tuple(f"{h}:%M{s}{p}" for h in ("%I", "%-I") for s in (":%S", "") for p in (" %p", "%p"))
_LETTERS = re.compile(r"jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec", re.IGNORECASE)
_WHOLE = ("%a %b %d %H:%M:%S %Y", "%d/%b/%Y:%H:%M:%S %z", "%Y%m%dT%H%M%S")
_DAY = 86_400.0


@dataclass(frozen=True)
class FoundDates:
    """How a column writes moments, with those of its distinct values.

    Attributes
    ----------
    pattern
        strftime pattern.
    micros, weights
        Microseconds since 1970-01-01 (or midnight) of values, and how often each stands.
    nulls
        Spellings of null among the values.
    note
        What was unclear.
    """

    pattern: str
    micros: npt.NDArray[np.int64]
    weights: npt.NDArray[np.int64]
    nulls: tuple[str, ...] = ()
    note: str = ""


@functools.lru_cache(maxsize=1)
def _days() -> tuple[str, ...]:
    """Patterns of days, the likelier first."""
    days = [
        order.format(s=s, m=m, d=d)
        for order in _ORDERS
        for s in "-/. "
        for m, d in (("%m", "%d"), ("%-m", "%-d"))
    ]
    worded = [w.format(d=d) for w in _WORDED for d in ("%d", "%-d")]
    return (*days, *dict.fromkeys(worded))


@functools.lru_cache(maxsize=4096)
def _regex(pattern: str, *, whole: bool = True) -> re.Pattern[str]:
    expression = _open_end(pattern)
    return re.compile(expression if whole else expression.removesuffix("$"))


def _candidates(value: str) -> list[str]:
    """Return the patterns that a text fits, the likelier first."""
    found = [p for p in (*_days(), *_MONTHLY, *_CLOCKS, *_WHOLE) if _regex(p).match(value)]
    if ":" not in value:
        return found
    for day in (*_days(), "%Y%m%d"):
        if _regex(day, whole=False).match(value):
            gaps = ("T", " ") if day.startswith("%Y") else (" ", ", ")
            timed = (day + gap + clock for gap in gaps for clock in _CLOCKS)
            found += [p for p in timed if _regex(p).match(value)]
    return found


def _open_end(pattern: str) -> str:
    """Return the expression of a pattern with any zone after its clock."""
    regex = dates.pattern_regex(pattern)
    if dates.has_clock(pattern) and "%z" not in pattern:
        return regex[:-1] + r"(?P<tail>Z| UTC| ?[+-][0-9]{2}:?[0-9]{2})?$"
    return regex


def find_dates(facts: Facts) -> FoundDates | None:
    """Return how a text column writes dates or times, or None if it does not.

    Day-first or month-first is settled by all values of the column.
    """
    sample = [v.strip() for v in facts.sample[:300] if v.strip().lower() not in NULL_WORDS]
    if len(sample) < 2 or not _like_date(sample[0]):
        return None
    values, weights = facts.cells
    fitting = [p for p in _candidates(sample[0]) if all(_regex(p).match(v) for v in sample)]
    fitting = [p for p in fitting if not _padded_twin(p, fitting)]
    fitting = list(dict.fromkeys(_padded(p, sample) for p in fitting))
    known = [f for p in fitting[:6] if (f := _read_all(p + _tail(p, sample), values, weights))]
    if not known:
        return None
    return known[0] if len(known) == 1 else _settle(known)


def _like_date(value: str) -> bool:
    if not 4 <= len(value) <= 40 or not any(c.isdigit() for c in value):
        return False
    return value[0].isdigit() or bool(_LETTERS.search(value))


def _padded_twin(pattern: str, fitting: Sequence[str]) -> bool:
    """Whether a pattern without zeros only repeats one with zeros, or the other way round."""
    if "%-" in pattern:
        return pattern.replace("%-", "%") in fitting
    return pattern.endswith("%.f") and any(
        p != pattern and p.startswith(pattern[:-3]) for p in fitting
    )


def _padded(pattern: str, sample: Sequence[str]) -> str:
    """Write parts as they are written: 04 in 1/04/2004 with its zero, JAN in capitals."""
    for part in re.findall(r"%-[a-zA-Z]", pattern):
        padded = pattern.replace(part, part.replace("-", ""), 1)
        if all(_regex(padded).match(v) for v in sample):
            pattern = padded
    if "%b" in pattern and all(v == v.upper() for v in sample):
        pattern = pattern.replace("%b", "%^b")
    return pattern


def _tail(pattern: str, sample: Sequence[str]) -> str:
    """Zone after the clock: a constant stays as it is, others are read as offsets."""
    regex = _regex(pattern)
    if "tail" not in regex.groupindex:
        return ""
    tails = {(m["tail"] or "") for v in sample if (m := regex.match(v))}
    if len(tails) == 1:
        return tails.pop()
    return " %z" if all(t.startswith(" ") for t in tails) else "%z"


def _read_all(pattern: str, values: pa.Array, weights: npt.NDArray[np.int64]) -> FoundDates | None:
    """Parse all values; None if one is neither a moment nor a spelling of null."""
    moments = dates.read(values, pattern)
    bad = np.flatnonzero(~moments.valid)
    nulls: tuple[str, ...] = ()
    if len(bad):
        rest = values.take(pa.array(bad))
        if len(bad) > 10_000 or not null_words(rest).all():
            return None
        order = np.argsort(-weights[bad], kind="stable")
        nulls = tuple(dict.fromkeys(rest.take(pa.array(order)).to_pylist()))
    ok = moments.valid
    if not ok.any():
        return None
    return FoundDates(pattern, moments.micros[ok], weights[ok], nulls)


def _settle(known: Sequence[FoundDates]) -> FoundDates:
    """Choose among patterns that all values fit, such as day-first and month-first.

    The part that hardly varies is the day: 01/03, 01/04, 01/05 are first days of months.
    """

    def varied(found: FoundDates) -> int:
        _, month, day = dates.civil_from_days(found.micros // dates.DAY_US)
        return len(np.unique(month)) - len(np.unique(day))

    def usual(found: FoundDates) -> bool:
        month_first = found.pattern.startswith(("%m", "%-m"))
        return found.pattern.startswith("%Y") or month_first == ("/" in found.pattern)

    best = max(known, key=lambda f: (varied(f) > 0, usual(f)))
    days = {f.micros.tobytes() for f in known}
    note = "day and month could be the other way round: no day is above 12" if len(days) > 1 else ""
    return FoundDates(best.pattern, best.micros, best.weights, best.nulls, note)


def find_numeric_dates(
    name: str, texts: pa.Array, weights: npt.NDArray[np.int64]
) -> FoundDates | None:
    """Dates written as whole numbers such as 20140523, or 201405 if the name says so."""
    first = str(texts[0].as_py()) if len(texts) else ""
    hinted = bool(set(tokens(name)) & TIME_WORDS)
    pattern = {8: "%Y%m%d", 6: "%Y%m"}.get(len(first))
    if pattern is None or (len(first) == 6 and not hinted) or len(texts) < (2 if hinted else 5):
        return None
    found = _read_all(pattern, texts, weights)
    if found is None:
        return None
    year, _, _ = dates.civil_from_days(found.micros // dates.DAY_US)
    sane = (year.min() >= 1700 and year.max() <= 2200) or (hinted and year.min() >= 1000)
    return found if sane else None


def date_pattern(name: str, text: pa.Array) -> str | None:
    """Return the pattern that the dates in a column are written in, if any is found."""
    column = pa.chunked_array([text])
    found = find_dates(Facts(name, column, text.type, column))
    return found.pattern if found else None


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
