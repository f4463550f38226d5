"""Numbers in a column: their notation, and whether they are quantities, codes, keys or dates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinset.table import number_format
from twinset.table.arrow_types import as_float_text, as_numpy
from twinset.table.inference.dates import FoundDates, date_column, find_numeric_dates
from twinset.table.inference.facts import Facts, NumberFacts, discrete, made, null_words
from twinset.table.inference.words import (
    CODE_WORDS,
    QUANTITY_WORDS,
    is_id_name,
    is_row_number,
    listed,
    tokens,
)
from twinset.table.schema import Column, Format, Kind, Role

__all__ = [
    "Guess",
    "ParsedNumbers",
    "grid",
    "number_column",
    "number_key",
    "quantity",
    "sentinels_of",
    "text_numbers",
    "typed_numbers",
]

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
_COMMON = 10
_DISCRETE = (Kind.CATEGORY, Kind.ORDINAL)


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


def _guess_numbers(
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


def _shape_words(facts: NumberFacts) -> str:
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


@dataclass(frozen=True)
class ParsedNumbers:
    """The numbers of a column and how they are written.

    `texts` are the distinct texts behind `facts`, where the source is text.
    """

    facts: NumberFacts
    fmt: Format
    all_rows: Callable[[], npt.NDArray[np.float64]]
    texts: tuple[pa.Array, npt.NDArray[np.int64]] | None = None
    note: str = ""


def text_numbers(facts: Facts, given: Format | None = None) -> ParsedNumbers | None:
    """Read a text column as numbers; None if it holds anything but numbers and nulls."""
    sample = [v for v in facts.sample if v.strip()]
    quick = [v for v in sample[:40] if any(c.isdigit() for c in v)]
    if given is None and len(quick) < min(len(sample), 40) / 2:
        return None
    fmt = given or number_format.find_notation(sample)
    if fmt is None:
        return None
    values, weights = facts.cells
    text = number_format.plain(values, fmt)
    if given is None and _has_leading_zeros(text):
        return None
    floats = number_format.to_floats(text)
    x = as_numpy(floats).astype(np.float64)
    x[huge := np.abs(x) > number_format.LARGEST] = np.inf
    spelled = _null_spellings(values, weights, np.flatnonzero(~np.isfinite(x) & ~huge), x)
    if spelled is None:
        return None
    numbers = NumberFacts.of(x, weights)
    if numbers.rows == 0:
        return None
    largest = float(np.abs(numbers.values[[0, -1]]).max())
    if given is None and largest > _LARGEST_EXACT and numbers.whole_texts(text):
        return None  # digits that no number of ours can hold apart are names, not quantities
    good = np.flatnonzero(np.isfinite(x))
    fmt = _decimals(text.take(pa.array(good)) if len(good) < len(x) else text, numbers, fmt)
    note = ""
    if spelled:
        fmt = fmt.model_copy(update={"nulls": spelled + (("",) if facts.nulls else ())})
        note = f"{', '.join(map(repr, spelled[:3]))} read as null"

    def all_rows() -> npt.NDArray[np.float64]:
        return as_numpy(number_format.to_floats(number_format.plain(facts.present, fmt)))

    return ParsedNumbers(numbers, fmt, all_rows, (values, weights), note)


def _has_leading_zeros(text: pa.Array) -> bool:
    zeros = text.filter(pc.match_substring_regex(text.slice(0), r"^[+-]?0"))
    return bool(len(zeros)) and bool(
        pc.any(pc.match_substring_regex(zeros, r"^[+-]?0[0-9]")).as_py()
    )


def _null_spellings(
    values: pa.Array,
    weights: npt.NDArray[np.int64],
    bad: npt.NDArray[np.int64],
    x: npt.NDArray[np.float64],
) -> tuple[str, ...] | None:
    """Spellings of null among the numbers, most frequent first; None if they are something else."""
    if len(bad) == 0:
        return ()
    if len(bad) > 20_000 or len(bad) == len(x):
        return None
    rest = values.take(pa.array(bad))
    held = dict.fromkeys(pc.unique(rest).to_pylist(), 0)
    for text, weight in zip(rest.to_pylist(), weights[bad], strict=True):
        held[text] += int(weight)
    if not null_words(rest).all():
        plain = all(len(s) <= 20 and not any(c.isdigit() for c in s) for s in held)
        few = len(held) <= 3 and len(x) - len(bad) >= 12
        # a word is written back as null, so it must not be that of one person
        if not (plain and few and min(held.values()) >= _COMMON):
            return None
    return tuple(sorted(held, key=lambda s: (-held[s], s)))


def _decimals(text: pa.Array, numbers: NumberFacts, fmt: Format) -> Format:
    """Add the decimals and step with which plain texts of numbers are written."""
    powers = pc.match_substring_regex(text, "[eE]")
    if pc.any(powers).as_py():
        bare = pc.any(pc.invert(pc.match_substring_regex(text, "[.eE]"))).as_py()
        step = grid(numbers, _most_decimals(text, powers))
        return fmt.model_copy(update={"min_decimals": 0 if bare else 1, "step": step})
    point = as_numpy(pc.find_substring(text, "."))
    length = as_numpy(pc.utf8_length(text))
    places = np.where(point < 0, 0, length - point - 1)
    low, high = int(places.min()), int(places.max())
    update: dict[str, object] = {}
    if high > 0 and low == high and high <= 20:
        update["decimals"] = high
    elif high > 0:
        update["min_decimals"] = 1 if low > 0 else 0
        if numbers.whole:  # 1 and 1.0 are mixed: write what most are
            update = {"decimals": high} if np.mean(places == high) > 0.5 and high <= 20 else {}
    update["step"] = grid(numbers, high if not numbers.whole else 0)
    return fmt.model_copy(update=update)


def _most_decimals(text: pa.Array, powers: pa.Array) -> int:
    """Most digits after the point where some numbers are written like 5.8e-05: there 6."""
    split = pc.extract_regex(
        text, r"^[^.eE]*(?:\.(?P<places>[0-9]*))?(?:[eE](?P<power>[+-]?[0-9]+))?$"
    )
    places = as_numpy(pc.utf8_length(pc.fill_null(pc.struct_field(split, 0), "")))
    power = as_numpy(pc.struct_field(split, 1))
    moved = np.array([int(p) if p else 0 for p in power[np.asarray(powers)]], dtype=np.int64)
    places = places.astype(np.int64)
    places[np.asarray(powers)] -= moved
    return int(places.max(initial=0))


def number_column(facts: Facts, numbers: ParsedNumbers) -> Column:
    """Return the column of numbers, as quantities, codes, keys or dates."""
    if dated := _numeric_dates(facts, numbers):
        return date_column(facts, dated)
    codes = sentinels_of(numbers.facts)
    rest = numbers.facts.without(codes)
    guess = _guess_numbers(facts.name, rest, rows=facts.rows, in_order=numbers.all_rows)
    spelled = bool(numbers.note)
    if guess.kind is Kind.ORDINAL and spelled:
        guess = Guess(Kind.CATEGORY, guess.reason)
    if guess.kind in _DISCRETE:
        return discrete(facts, guess.kind, guess.reason)
    if guess.kind is Kind.BOOLEAN:
        return made(facts, Kind.BOOLEAN, guess.reason, format=_zero_one(numbers))
    if guess.kind is Kind.IDENTIFIER:
        return number_key(facts, numbers, guess)
    return quantity(facts, numbers, guess, codes)


def _numeric_dates(facts: Facts, numbers: ParsedNumbers) -> FoundDates | None:
    """Dates written as whole numbers, such as 20140523."""
    if numbers.texts is None or not numbers.facts.whole or numbers.fmt.decimals is not None:
        return None
    found = find_numeric_dates(facts.name, *_plain_texts(numbers))
    return replace(found, nulls=numbers.fmt.nulls) if found else None


def _plain_texts(numbers: ParsedNumbers) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    assert numbers.texts is not None
    values, weights = numbers.texts
    keep = ~null_words(values) if numbers.note else np.ones(len(values), dtype=bool)
    return values.filter(pa.array(keep)), weights[keep]


def _zero_one(numbers: ParsedNumbers) -> Format:
    """Format of a boolean written as 0 and 1."""
    if numbers.texts is None:
        return Format()
    values, _ = _plain_texts(numbers)
    x = as_numpy(number_format.to_floats(number_format.plain(values, numbers.fmt)))
    true = values[int(np.argmax(x == 1.0))].as_py()
    false = values[int(np.argmax(x == 0.0))].as_py()
    return Format(true=true, false=false, nulls=numbers.fmt.nulls)


def quantity(
    facts: Facts, numbers: ParsedNumbers, guess: Guess, codes: tuple[float, ...]
) -> Column:
    """Return an integer or real column, with its sentinel codes set apart."""
    rest = numbers.facts.without(codes)
    said = [guess.reason, _shape_words(rest), numbers.note]
    if codes:
        named = ", ".join(f"{c:g}" for c in codes)
        said.append(f"{named} apart from the rest and repeated: a code, not a quantity")
    if rest.infinite and not numbers.note:
        said.append(f"{rest.infinite:,} infinite or huge values read as null")
    fmt = numbers.fmt
    if guess.kind is Kind.INTEGER and fmt.step == 1.0:
        fmt = fmt.model_copy(update={"step": None})
    lost = numbers.facts.rows < facts.rows
    return made(
        facts,
        guess.kind,
        ", ".join(s for s in said if s),
        format=fmt,
        nullable=lost,
        unique=rest.unique and not lost,
        sentinels=codes,
        low=float(rest.values[0]) if len(rest.values) else None,
        high=float(rest.values[-1]) if len(rest.values) else None,
    )


def number_key(facts: Facts, numbers: ParsedNumbers, guess: Guess) -> Column:
    """Return the column of a key that is a whole number: counted on, or of like digits."""
    v = numbers.facts.values
    unique = numbers.facts.unique and numbers.facts.rows == facts.rows
    counted = unique and v[-1] - v[0] + 1 == len(v)
    fmt = Format(
        step=1.0 if counted else None, decimals=numbers.fmt.decimals, nulls=numbers.fmt.nulls
    )
    said = f"{guess.reason}; " + ("numbered anew" if counted else "made new with as many digits")
    if numbers.note:
        said += f"; {numbers.note}"
    return made(
        facts,
        Kind.IDENTIFIER,
        said,
        format=fmt,
        unique=unique,
        role=Role.KEY if unique else Role.FEATURE,
        low=float(v[0]),
        high=float(v[-1]),
    )


def typed_numbers(facts: Facts) -> ParsedNumbers:
    """Return the numbers of a column of a number type."""
    values, counts = facts.distinct
    x = as_numpy(pc.cast(values, pa.float64(), safe=False))
    x = x.astype(np.float64)
    x[np.abs(x) > number_format.LARGEST] = np.inf
    numbers = NumberFacts.of(x, counts)
    fmt = Format()
    if pa.types.is_decimal(values.type):
        scale = max(values.type.scale, 0)
        fmt = Format(decimals=scale, step=grid(numbers, scale))
    elif numbers.rows:
        shown = numbers.values[:: max(1, len(numbers.values) // 20_000)]
        fmt = Format(step=_decimals(as_float_text(shown), numbers, Format()).step)

    def all_rows() -> npt.NDArray[np.float64]:
        return as_numpy(pc.cast(facts.present, pa.float64(), safe=False))

    return ParsedNumbers(numbers, fmt, all_rows)
