"""Guess what a column of numbers is: quantities, codes, keys, booleans; with sentinel codes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinset.table.inference.facts import NumberFacts
from twinset.table.inference.words import (
    CODE_WORDS,
    QUANTITY_WORDS,
    is_id_name,
    is_row_number,
    listed,
    tokens,
)
from twinset.table.schema import Kind

__all__ = ["Guess", "grid", "guess_numbers", "sentinels_of", "shape_words"]

_NEGATIVE = frozenset(
    int(code)
    for code in listed(
        "-1 -2 -3 -4 -5 -6 -7 -8 -9 -66 -77 -88 -97 -98 -99 -666 -777 -888 -995 -996 -997 "
        "-998 -999 -7777 -8888 -9996 -9997 -9998 -9999 -99999 -999999"
    )
)
_NINES = frozenset(
    int(code)
    for code in listed(
        "9 77 88 97 98 99 666 777 888 995 996 997 998 999 7777 8888 9996 9997 9998 9999 77777 "
        "88888 99997 99998 99999 777777 888888 999998 999999 9999999 99999999 999999999"
    )
)
_FEW = 12
_FINEST = 6
_LARGEST_EXACT = 2**53


@dataclass(frozen=True)
class Guess:
    """What a column seems to be, and why."""

    kind: Kind
    reason: str


def sentinels_of(facts: NumberFacts) -> tuple[float, ...]:
    """Conventional codes that stand apart from the other values and repeat.

    A code such as -9, 999 or -200 counts if it stands at least three times and either all other
    values are of the other sign, or it lies apart from them by half of their range.
    """
    v, counts = facts.values, facts.counts
    if len(v) < _FEW or not np.any(counts[[0, 1, 2, -1, -2, -3]] >= 3):
        return ()
    found = _negative_codes(v, counts)
    rest = facts.without(found)
    return tuple(sorted((*found, *_high_codes(rest))))


def _negative_codes(v: npt.NDArray[np.float64], counts: npt.NDArray[np.int64]) -> tuple[float, ...]:
    below = v[v < 0]
    if len(below) == 0 or len(below) == len(v):
        return ()
    at_zero = int(counts[v == 0].sum())
    if below[-1] == -1 and at_zero and counts[v == -1].sum() < 3 * at_zero:
        return ()  # -1 goes on where 0 begins
    listed = [float(x) for x in below if x in _NEGATIVE]
    if len(below) <= 5 and len(listed) == len(below) and counts[v < 0].min() >= 3:
        return tuple(listed)
    found: list[float] = []
    for place in range(min(3, len(v) - _FEW)):
        rest = v[place + 1 :]
        apart = rest[0] - v[place] > max(0.5 * (rest[-1] - rest[0]), 5 * _typical_gap(rest))
        known = v[place] in _NEGATIVE or (v[place] <= -100 and v[place] % 100 == 0)
        if v[place] >= 0 or not (apart and known and counts[place] >= 3):
            break
        found.append(float(v[place]))
    return tuple(found)


def _high_codes(facts: NumberFacts) -> tuple[float, ...]:
    v, counts = facts.values, facts.counts
    found: list[float] = []
    while len(v) >= _FEW and v[-1] in _NINES and counts[-1] >= 3:
        rest, spread = v[:-1], v[-2] - v[0]
        gap = v[-1] - rest[-1]
        near = [float(x) for x in rest[-3:] if x in _NINES and v[-1] - x <= 4]
        if near:  # 997, 998 and 999 stand together
            gap = min(near) - max((x for x in rest if x < min(near)), default=min(near))
            spread = max((x for x in rest if x < min(near)), default=v[0]) - v[0]
        spike = counts[-1] >= 10 and counts[-1] > 5 * counts[-6:-1].max()
        if not (gap > 0.5 * spread or (spike and gap > 0.1 * spread)):
            break
        found.append(float(v[-1]))
        v, counts = v[:-1], counts[:-1]
    return tuple(found)


def _typical_gap(v: npt.NDArray[np.float64]) -> float:
    return float(np.median(np.diff(v))) if len(v) > 1 else 0.0


def grid(facts: NumberFacts, decimals: int | None) -> float | None:
    """Step of the grid (through zero) on which the values lie; None if they are continuous.

    Up to nine rows in ten thousand may lie off a round grid (of 10, 25, 50 ...): one odd amount
    does not make amounts in thousands arbitrary.
    """
    values, counts, rows = facts.values, facts.counts, facts.rows
    if decimals is not None and decimals > _FINEST:
        decimals = _without_noise(values)
    if decimals is None or len(values) == 0:
        return None
    scaled = np.abs(np.rint(values * 10.0**decimals))
    if scaled.max() >= _LARGEST_EXACT:
        return None
    whole = scaled.astype(np.int64)
    common = int(np.gcd.reduce(whole))
    if rows < 50 or len(values) < 3:
        return float(1 / 10**decimals)
    allowed = min(9, 0.001 * rows)
    for coarse in (m * 10**k // 2 for k in range(6, 0, -1) for m in (20, 10, 5, 4)):
        off = whole % coarse != 0
        if coarse > common and counts[off].sum() <= allowed and len(values) - off.sum() >= 3:
            common = coarse
            break
    return float(max(common, 1) / 10**decimals)


def _without_noise(values: npt.NDArray[np.float64]) -> int | None:
    """Decimals of numbers that sums have blurred in the last bits: 4 of 47.330400000000004."""
    for decimals in range(_FINEST + 1):
        off = np.abs(values - np.round(values, decimals))
        if np.all(off <= 4 * np.finfo(float).eps * np.abs(values)):
            return decimals
    return None


def guess_numbers(
    name: str, facts: NumberFacts, *, rows: int, in_order: Callable[[], npt.NDArray[np.float64]]
) -> Guess:
    """Guess the kind of a column of numbers.

    Parameters
    ----------
    name
        Of the column; words in it are hints.
    facts
        Its numbers, without sentinels.
    rows
        Rows of the table.
    in_order
        Gives the numbers in row order, for keys that count up.
    """
    v = facts.values
    if len(v) == 2 and tuple(v) == (0.0, 1.0):
        return Guess(Kind.BOOLEAN, "only 0 and 1")
    if not facts.whole:
        return Guess(Kind.REAL, f"{len(v):,} distinct numbers with decimals")
    words = set(tokens(name))
    key = _key(name, facts, rows, in_order)
    if key:
        return Guess(Kind.IDENTIFIER, key)
    if np.abs(v).max() > _LARGEST_EXACT:
        if len(v) > 0.5 * facts.rows:
            return Guess(Kind.IDENTIFIER, "whole numbers too long for a quantity, mostly distinct")
        return Guess(Kind.CATEGORY, "whole numbers too long for a quantity")
    coded, counted = bool(words & CODE_WORDS), bool(words & QUANTITY_WORDS) or _counts(name)
    doubtful = counted and (len(v) > _FEW or _is_count(facts))
    if coded and not doubtful and _is_code_list(facts):
        return Guess(Kind.CATEGORY, f"{len(v):,} codes, as the column's name says")
    banded = words & {"age", "alter", "edad"} and v[0] in (0, 1) and v[-1] <= 15
    if facts.rows < 20 or (counted and not _has_code(facts) and not (banded and rows >= 500)):
        return Guess(Kind.INTEGER, f"whole numbers, {len(v):,} distinct")
    return _few(facts) if len(v) <= 20 else _many(facts)


def _has_code(facts: NumberFacts) -> bool:
    """Whether few distinct values hold a code such as -9 apart from the others."""
    v = facts.values
    return len(v) <= _FEW and v[0] in _NEGATIVE and v[1] - v[0] > 1 and v[1] >= 0


def _counts(name: str) -> bool:
    """Names such as nBabies, numRooms, n_visits, sqm2."""
    words = tokens(name)
    return len(words) > 1 and words[0] in ("n", "nb", "num", "no", "number", "cnt", "count")


def _key(
    name: str, facts: NumberFacts, rows: int, in_order: Callable[[], npt.NDArray[np.float64]]
) -> str:
    """Why the column is a key, or nothing."""
    v = facts.values
    if is_id_name(name) and len(v) >= 2:
        if facts.unique:
            return "whole numbers, each once, and the name of a key"
        return f"{len(v):,} whole numbers that repeat, and the name of a key"
    words = set(tokens(name))
    given_out = words & {"account", "konto", "invoice", "ticket", "passport", "licence"}
    if given_out and len(v) > 0.5 * facts.rows > 10 and v[0] >= 1000:
        return "whole numbers, mostly distinct, and the name of a number that is given out"
    if not facts.unique or facts.rows < rows or words & (QUANTITY_WORDS | {"date", "time", "t"}):
        return ""
    dense = v[-1] - v[0] + 1 == len(v)
    if dense and (rows >= 50 or is_row_number(name)):
        return "whole numbers without gaps, each once: a row number"
    if rows >= 100 and np.all(np.diff(in_order()) > 0):
        return "whole numbers that only go up from row to row, each once: a key"
    return ""


def _is_code_list(facts: NumberFacts) -> bool:
    """Whether whole numbers can be codes: they repeat."""
    return len(facts.values) <= 0.5 * facts.rows and bool(facts.values[0] > -1000)


def _is_count(facts: NumberFacts) -> bool:
    """Whether the numbers fall off from 0 or 1 as counts do."""
    v, c = facts.values, facts.counts
    if v[0] not in (0, 1) or (v[0] == 1 and len(v) <= 6):
        return False
    peak = int(np.argmax(c))
    falls = bool(np.all(np.diff(c[peak:]) <= np.sqrt(c[peak:-1]) + 1)) and 2 * c[-1] < c[peak]
    return falls and (peak == 0 or (peak == 1 and len(v) > 3 and bool(3 * c[0] > c[1])))


def _peaks(facts: NumberFacts) -> int:
    """Values that are clearly more frequent than both neighbours: a scale has one or two."""
    c = np.r_[0, facts.counts, 0].astype(float)
    rises = np.diff(c)[:-1] > 3 * np.sqrt(c[1:-1])
    drops = -np.diff(c)[1:] > 3 * np.sqrt(c[1:-1])
    return int(np.sum(rises & drops))


def _few(facts: NumberFacts) -> Guess:
    """At most 20 distinct whole numbers, with no hint in the name."""
    v = facts.values
    said = f"{len(v)} distinct whole numbers"
    if v[0] == 0 and len(v) > _FEW:
        facts = facts.without((0.0,))  # many a score is 0 or well above
        v = facts.values
    if len(v) == 2:
        return Guess(Kind.CATEGORY, "two whole numbers: codes")
    if _is_count(facts):
        return Guess(Kind.INTEGER, f"{said} that fall off from {v[0]:.0f}, as counts do")
    step = np.gcd.reduce(np.diff(v).astype(np.int64))
    holes = np.flatnonzero(np.diff(v) != step)
    above = facts.counts[holes[0] + 1 :].sum() if len(holes) else 0
    if len(holes) and above > 0.05 * facts.rows and (step == 1 or v[0] < 0):
        return Guess(Kind.CATEGORY, f"{said} with gaps between them: codes")
    if step == 1 and len(v) <= _FEW and _peaks(facts) >= 3:
        return Guess(Kind.CATEGORY, f"{said} used without regard to their order: codes")
    if step == 1 and len(v) <= _FEW and v[0] in (0, 1) and (not len(holes) or len(v) <= 3):
        return Guess(Kind.ORDINAL, f"{said} without gaps from {v[0]:.0f}: levels or codes")
    return Guess(Kind.INTEGER, said)


def _many(facts: NumberFacts) -> Guess:
    """More than 20 distinct whole numbers: still codes if they are used without regard to value.

    Codes of an industry or a place repeat often, leave most of their range unused, are of nearly
    one length, and a code's use says nothing about its neighbour's.
    """
    v, c = facts.values, facts.counts
    said = f"whole numbers, {len(v):,} distinct"
    repeated = facts.rows / len(v) >= 15 and np.mean(c == 1) < 0.1
    width = np.floor(np.log10(np.maximum(np.abs(v), 1))) + 1
    one_length = v[0] > 0 and width[-1] >= 3 and np.mean(width >= width[-1] - 1) >= 0.95
    step = grid(facts, 0) or 1.0
    sparse = len(v) < 0.5 * ((v[-1] - v[0]) / step + 1)
    if repeated and one_length and sparse:
        logs = np.log(c)
        smooth = np.corrcoef(logs[:-1], logs[1:])[0, 1] if np.ptp(logs) > 0 else 1.0
        if abs(smooth) < 0.5:
            return Guess(Kind.CATEGORY, f"{len(v):,} codes of one length that leave gaps")
    return Guess(Kind.INTEGER, said)


def shape_words(facts: NumberFacts) -> str:
    """Words on zero inflation and skew, for the reason."""
    if facts.rows < 50 or len(facts.values) < _FEW:
        return ""
    said = []
    zero = facts.counts[facts.values == 0].sum() / facts.rows
    if zero >= 0.2:
        said.append(f"{zero:.0%} are 0")
    rest = facts.without((0.0,)) if zero >= 0.2 else facts
    low, mid, high = (rest.quantile(q) for q in (0.01, 0.5, 0.99))
    if high - mid > 4 * (mid - low) and high > mid:
        said.append("long tail to the right")
    elif mid - low > 4 * (high - mid) and mid > low:
        said.append("long tail to the left")
    return ", ".join(said)
