"""Dates and times written as text: parsed and written for any year, in whole arrays.

Patterns are those of strftime, and a few more: ``%-d``, ``%-m``, ``%-H``, ``%-I`` without leading
zero, ``%^b`` in capitals, ``%3f`` milliseconds, ``%9f`` nanoseconds, ``%.f`` an optional fraction.
The calendar is the proleptic Gregorian one; days are counted as in H. Hinnant, "chrono-compatible
low-level date algorithms" (days_from_civil): years before 1677 and after 2262 are no exception.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinset.errors import SchemaError
from twinset.table.arrow_types import as_numpy

__all__ = [
    "DAY_US",
    "Moments",
    "civil_from_days",
    "days_from_civil",
    "has_clock",
    "has_day",
    "pattern_regex",
    "read",
    "write",
]

Ints = npt.NDArray[np.int64]
DAY_US = 86_400_000_000
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_DAYS = ("Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday")
_TOKEN = re.compile(r"%(-?[YmdHIMSfpbByzaAj]|\^b|3f|9f|\.f|%)")
_REGEX = {
    "Y": r"[0-9]{4}", "m": r"[0-9]{2}", "-m": r"[0-9]{1,2}", "d": r"[0-9]{2}", "-d": r"[0-9]{1,2}",
    "H": r"[0-9]{2}", "-H": r"[0-9]{1,2}", "I": r"[0-9]{2}", "-I": r"[0-9]{1,2}",
    "M": r"[0-9]{2}", "S": r"[0-9]{2}", "f": r"[0-9]{1,6}", "3f": r"[0-9]{3}", "9f": r"[0-9]{7,9}",
    "p": r"[AaPp][Mm]", "b": r"[A-Za-z]{3}", "^b": r"[A-Z]{3}", "B": r"[A-Za-z]{3,9}",
    "y": r"[0-9]{2}", "z": r"Z|[+-][0-9]{2}:?[0-9]{2}", "a": r"[A-Za-z]{3}", "A": r"[A-Za-z]{6,9}",
}  # fmt: skip


@dataclass(frozen=True)
class Moments:
    """Parsed texts: `micros` since 1970-01-01 (or midnight), and where a text was `valid`."""

    micros: Ints
    valid: npt.NDArray[np.bool_]


def has_day(pattern: str) -> bool:
    """Whether a pattern names a calendar day (or month)."""
    return bool(set(_names(pattern)) & {"Y", "y"})


def has_clock(pattern: str) -> bool:
    """Whether a pattern names a time of day."""
    return bool(set(_names(pattern)) & {"H", "-H", "I", "-I"})


def _names(pattern: str) -> list[str]:
    return [m[1] for m in _TOKEN.finditer(pattern)]


@functools.lru_cache(maxsize=1024)
def pattern_regex(pattern: str) -> str:
    """Regular expression (RE2) with one named group per field of a strftime pattern."""
    out, end = "^", 0
    for match in _TOKEN.finditer(pattern):
        out += re.escape(pattern[end : match.start()])
        end = match.end()
        name = match[1]
        if name == "%":
            out += "%"
        elif name == ".f":
            out += r"(?:\.(?P<f>[0-9]{1,9}))?"
        elif name in _REGEX:
            # a year may have more digits only where a separator ends it
            long_year = name == "Y" and pattern[end : end + 1] not in ("%", "")
            out += f"(?P<{_group(name)}>{'-?[0-9]{4,6}' if long_year else _REGEX[name]})"
        else:
            raise SchemaError("date_format", got=f"%{name}", allowed="%Y %m %d %H %M %S and so on")
    rest = pattern[end:]
    if "%" in rest:
        raise SchemaError("date_format", got=rest, allowed="%Y %m %d %H %M %S and so on")
    return out + re.escape(rest) + "$"


def _group(name: str) -> str:
    if name.endswith("f"):
        return "f"
    return {"^b": "b", "B": "b", "A": "a"}.get(name, name.removeprefix("-"))


def read(text: pa.Array, pattern: str) -> Moments:
    """Parse texts by a strftime pattern; years of two digits are 1969 to 2068, zones go to UTC."""
    regex = pattern_regex(pattern)
    fields = pc.extract_regex(pc.utf8_trim_whitespace(text), pattern=regex)
    valid = np.asarray(as_numpy(fields.is_valid()), dtype=bool)
    kinds = {f.name for f in fields.type}

    def number(name: str, default: int = 0) -> Ints:
        if name not in kinds:
            return np.full(len(valid), default, dtype=np.int64)
        column = pc.if_else(pa.array(valid), pc.struct_field(fields, name), "0")
        return _ints(column)

    micros = np.zeros(len(valid), dtype=np.int64)
    if kinds & {"Y", "y"}:
        year = number("Y") if "Y" in kinds else number("y")
        if "Y" not in kinds:
            year = np.where(year >= 69, year + 1900, year + 2000)
        month = _month(fields) if "b" in kinds else number("m", 1)
        day = number("d", 1)
        valid &= (month >= 1) & (month <= 12) & (day >= 1)
        month = np.clip(month, 1, 12)
        valid &= day <= _month_days(year, month)
        valid &= np.abs(year) < 290_000
        micros += days_from_civil(year, month, day) * DAY_US
    clock, fine = _clock(number, fields, kinds)
    micros = np.where(valid, micros + clock, 0)
    return Moments(micros, valid & fine)


def _clock(
    get: Callable[[str], Ints], fields: pa.Array, kinds: set[str]
) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Microseconds of the day, and where they are possible."""
    hour = get("H") if "H" in kinds else get("I")
    fine = hour <= 23
    if "I" in kinds:
        fine = (hour >= 1) & (hour <= 12)
        hour = hour % 12
    if "p" in kinds:
        late = pc.equal(pc.utf8_lower(pc.struct_field(fields, "p")), "pm").fill_null(False)
        hour = hour + 12 * as_numpy(late)
    minute, second = get("M"), get("S")
    fine &= (minute <= 59) & (second <= 59)
    micros = ((hour * 60 + minute) * 60 + second) * 1_000_000
    if "f" in kinds:
        digits = pc.struct_field(fields, "f").fill_null("0")
        micros = micros + _ints(pc.utf8_slice_codeunits(pc.utf8_rpad(digits, 6, "0"), 0, 6))
    if "z" in kinds:
        micros = micros - _offset(pc.struct_field(fields, "z"))
    return micros, fine


def _ints(text: pa.Array) -> Ints:
    filled = pc.if_else(pc.equal(text.fill_null(""), ""), "0", text).fill_null("0")
    out: Ints = as_numpy(pc.cast(filled, pa.int64())).astype(np.int64)
    return out


def _offset(zone: pa.Array) -> Ints:
    """Offsets such as +01:30 in microseconds."""
    bare = pc.replace_substring(zone.fill_null("Z"), ":", "")
    bare = pc.if_else(pc.equal(bare, "Z"), "+0000", bare)
    hours = _ints(pc.utf8_slice_codeunits(bare, 1, 3))
    minutes = _ints(pc.utf8_slice_codeunits(bare, 3, 5))
    sign = np.where(as_numpy(pc.starts_with(bare, "-")), -1, 1)
    out: Ints = sign * (hours * 60 + minutes) * 60_000_000
    return out


def _month(fields: pa.Array) -> Ints:
    """Month numbers of English names or their first three letters; 0 where unknown."""
    names = pc.utf8_lower(pc.struct_field(fields, "b"))
    full = pc.index_in(names, pa.array([m.lower() for m in _MONTHS])).fill_null(-1)
    short = pc.index_in(names, pa.array([m[:3].lower() for m in _MONTHS])).fill_null(-1)
    both = np.maximum(as_numpy(full), as_numpy(short))
    months: Ints = both.astype(np.int64) + 1
    return months


def days_from_civil(year: Ints, month: Ints, day: Ints) -> Ints:
    """Days since 1970-01-01 of a Gregorian date."""
    year = year - (month <= 2)
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * (month + np.where(month > 2, -3, 9)) + 2) // 5 + day - 1
    out: Ints = era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
    return out


def civil_from_days(days: Ints) -> tuple[Ints, Ints, Ints]:
    """Year, month and day of days since 1970-01-01."""
    z = days + 719_468
    era = z // 146_097
    doe = z - era * 146_097
    yoe = (doe - doe // 1460 + doe // 36_524 - doe // 146_096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    day = doy - (153 * mp + 2) // 5 + 1
    month = mp + np.where(mp < 10, 3, -9)
    return yoe + era * 400 + (month <= 2), month, day


def _month_days(year: Ints, month: Ints) -> Ints:
    lengths = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)
    leap = (month == 2) & (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    out: Ints = lengths[month - 1] + leap
    return out


def write(micros: Ints, null: npt.NDArray[np.bool_], pattern: str) -> pa.Array:
    """Write moments (microseconds since 1970-01-01 or midnight) by a strftime pattern."""
    micros = np.where(null, 0, micros)
    days, clock = np.divmod(micros, DAY_US)
    year, month, day = civil_from_days(days)
    hour, minute, second = clock // 3_600_000_000, clock // 60_000_000 % 60, clock // 10**6 % 60
    fraction = clock % 1_000_000
    parts: list[pa.Array | str] = []
    end = 0
    values: dict[str, tuple[Ints, int]] = {
        "m": (month, 2), "-m": (month, 1), "d": (day, 2), "-d": (day, 1), "H": (hour, 2),
        "-H": (hour, 1), "I": ((hour - 1) % 12 + 1, 2), "-I": ((hour - 1) % 12 + 1, 1),
        "M": (minute, 2), "S": (second, 2), "y": (year % 100, 2), "f": (fraction, 6),
        "3f": (fraction // 1000, 3), "9f": (fraction * 1000, 9),
    }  # fmt: skip
    for match in _TOKEN.finditer(pattern):
        parts.append(pattern[end : match.start()])
        end = match.end()
        name = match[1]
        if name in values:
            parts.append(_padded(*values[name]))
        else:
            parts.append(_worded(name, year, month, days, hour, fraction))
    parts.append(pattern[end:])
    text = pc.binary_join_element_wise(*[p for p in parts if not isinstance(p, str) or p], "")
    return pc.if_else(pa.array(null), None, text)


def _padded(values: Ints, width: int) -> pa.Array:
    return pc.utf8_lpad(pc.cast(pa.array(values), pa.string()), width, "0")


def _worded(
    name: str, year: Ints, month: Ints, days: Ints, hour: Ints, fraction: Ints
) -> pa.Array | str:
    """Write the fields that are not plain numbers."""
    if name == "Y":
        sign = pc.if_else(pa.array(year < 0), "-", "")
        return pc.binary_join_element_wise(sign, _padded(np.abs(year), 4), "")
    if name in ("b", "^b", "B"):
        words = [m if name == "B" else m[:3].upper() if name == "^b" else m[:3] for m in _MONTHS]
        return pa.array(words).take(pa.array(month - 1))
    if name in ("a", "A"):
        words = [d if name == "A" else d[:3] for d in _DAYS]
        return pa.array(words).take(pa.array(days % 7))
    if name == "p":
        return pc.if_else(pa.array(hour >= 12), "PM", "AM")
    if name == ".f":
        digits = pc.utf8_rtrim(_padded(fraction, 6), "0")
        some = pc.binary_join_element_wise(".", digits, "")
        return pc.if_else(pa.array(fraction == 0), "", some)
    return "+00:00" if name == "z" else "%"
