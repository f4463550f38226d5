"""Columns of numbers: how they are written; quantities, codes, keys or dates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinset.table import number_format
from twinset.table.inference.dates import FoundDates, find_numeric_dates
from twinset.table.inference.facts import Facts, NumberFacts, null_words
from twinset.table.inference.made import discrete, made
from twinset.table.inference.moments import date_column
from twinset.table.inference.numbers import Guess, grid, guess_numbers, sentinels_of, shape_words
from twinset.table.inference.typed import as_float_text
from twinset.table.schema import Column, Format, Kind, Role

__all__ = ["Numbers", "number_column", "number_key", "quantity", "text_numbers", "typed_numbers"]

_EXACT = 2**53
_COMMON = 10
_DISCRETE = (Kind.CATEGORY, Kind.ORDINAL)


@dataclass(frozen=True)
class Numbers:
    """The numbers of a column and how they are written.

    `texts` are the distinct texts behind `facts`, where the source is text.
    """

    facts: NumberFacts
    fmt: Format
    all_rows: Callable[[], npt.NDArray[np.float64]]
    texts: tuple[pa.Array, npt.NDArray[np.int64]] | None = None
    note: str = ""


def text_numbers(facts: Facts, given: Format | None = None) -> Numbers | None:
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
    x = floats.to_numpy(zero_copy_only=False).astype(np.float64)
    x[huge := np.abs(x) > number_format.LARGEST] = np.inf
    spelled = _null_spellings(values, weights, np.flatnonzero(~np.isfinite(x) & ~huge), x)
    if spelled is None:
        return None
    numbers = NumberFacts.of(x, weights)
    if numbers.rows == 0:
        return None
    largest = float(np.abs(numbers.values[[0, -1]]).max())
    if given is None and largest > _EXACT and numbers.whole_texts(text):
        return None  # digits that no number of ours can hold apart are names, not quantities
    good = np.flatnonzero(np.isfinite(x))
    fmt = _decimals(text.take(pa.array(good)) if len(good) < len(x) else text, numbers, fmt)
    note = ""
    if spelled:
        fmt = fmt.model_copy(update={"nulls": spelled + (("",) if facts.nulls else ())})
        note = f"{', '.join(map(repr, spelled[:3]))} read as null"

    def all_rows() -> npt.NDArray[np.float64]:
        parsed = number_format.to_floats(number_format.plain(facts.present, fmt))
        out: npt.NDArray[np.float64] = parsed.to_numpy(zero_copy_only=False)
        return out

    return Numbers(numbers, fmt, all_rows, (values, weights), note)


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
    point = pc.find_substring(text, ".").to_numpy(zero_copy_only=False)
    length = pc.utf8_length(text).to_numpy(zero_copy_only=False)
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
    places = pc.utf8_length(pc.fill_null(pc.struct_field(split, 0), "")).to_numpy(
        zero_copy_only=False
    )
    power = pc.struct_field(split, 1).to_numpy(zero_copy_only=False)
    moved = np.array([int(p) if p else 0 for p in power[np.asarray(powers)]], dtype=np.int64)
    places = places.astype(np.int64)
    places[np.asarray(powers)] -= moved
    return int(places.max(initial=0))


def number_column(facts: Facts, numbers: Numbers) -> Column:
    """Return the column of numbers, as quantities, codes, keys or dates."""
    if dated := _numeric_dates(facts, numbers):
        return date_column(facts, dated)
    codes = sentinels_of(numbers.facts)
    rest = numbers.facts.without(codes)
    guess = guess_numbers(facts.name, rest, rows=facts.rows, in_order=numbers.all_rows)
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


def _numeric_dates(facts: Facts, numbers: Numbers) -> FoundDates | None:
    """Dates written as whole numbers, such as 20140523."""
    if numbers.texts is None or not numbers.facts.whole or numbers.fmt.decimals is not None:
        return None
    found = find_numeric_dates(facts.name, *_plain_texts(numbers))
    return replace(found, nulls=numbers.fmt.nulls) if found else None


def _plain_texts(numbers: Numbers) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    assert numbers.texts is not None
    values, weights = numbers.texts
    keep = ~null_words(values) if numbers.note else np.ones(len(values), dtype=bool)
    return values.filter(pa.array(keep)), weights[keep]


def _zero_one(numbers: Numbers) -> Format:
    """Format of a boolean written as 0 and 1."""
    if numbers.texts is None:
        return Format()
    values, _ = _plain_texts(numbers)
    x = number_format.to_floats(number_format.plain(values, numbers.fmt)).to_numpy(
        zero_copy_only=False
    )
    true = values[int(np.argmax(x == 1.0))].as_py()
    false = values[int(np.argmax(x == 0.0))].as_py()
    return Format(true=true, false=false, nulls=numbers.fmt.nulls)


def quantity(facts: Facts, numbers: Numbers, guess: Guess, codes: tuple[float, ...]) -> Column:
    """Return an integer or real column, with its sentinel codes set apart."""
    rest = numbers.facts.without(codes)
    said = [guess.reason, shape_words(rest), numbers.note]
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


def number_key(facts: Facts, numbers: Numbers, guess: Guess) -> Column:
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


def typed_numbers(facts: Facts) -> Numbers:
    """Return the numbers of a column of a number type."""
    values, counts = facts.distinct
    x = pc.cast(values, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
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
        out: npt.NDArray[np.float64] = pc.cast(facts.present, pa.float64(), safe=False).to_numpy(
            zero_copy_only=False
        )
        return out

    return Numbers(numbers, fmt, all_rows)
