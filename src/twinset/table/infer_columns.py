"""One column's schema, from its facts: guessed, or made for a kind that is declared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinset.errors import SchemaError
from twinset.table import dates, numerals
from twinset.table.arrow_types import is_text
from twinset.table.canonical import as_text
from twinset.table.infer_dates import FoundDates, find_dates, find_numeric_dates
from twinset.table.infer_facts import Facts, NumberFacts, null_words
from twinset.table.infer_numbers import Guess, grid, guess_numbers, sentinels_of, shape_words
from twinset.table.infer_text import (
    TextGuess,
    find_booleans,
    guess_text,
    learned_pattern,
    order_of,
    word_counts,
)
from twinset.table.infer_typed import as_float_text, is_number, typed_moments
from twinset.table.infer_words import tokens
from twinset.table.personal import Finding, find_personal, mentions
from twinset.table.schema import Column, Format, Kind, Personal, Role

__all__ = ["column_as", "guess_column"]

_MOST_CATEGORIES = 100_000
_DAY = 86_400.0
_DISCRETE = (Kind.CATEGORY, Kind.ORDINAL)


def guess_column(facts: Facts, *, learnable: bool = False) -> Column:
    """Return the column that the data suggest; `learnable` rules out identifiers and text."""
    if facts.filled == 0:
        return _made(facts, Kind.CONSTANT, "no values at all", categories=())
    if pa.types.is_boolean(facts.column.type) and facts.num_distinct == 2:
        return _made(facts, Kind.BOOLEAN, "the source's type")
    if pa.types.is_temporal(facts.column.type):
        return _typed_moments(facts)
    if pa.types.is_dictionary(facts.dtype) and not is_number(facts.column.type):
        if only := _single(facts):
            return only
        found = None if learnable else _personal(facts)
        return _personal_column(facts, found) if found else _from_dictionary(facts)
    if only := _single(facts):
        return only
    column = _text_column(facts, learnable) if is_text(facts.column.type) else _typed_numbers(facts)
    if learnable and not column.is_learnable:
        return _discrete(facts, Kind.CATEGORY, f"{facts.num_distinct:,} distinct values")
    return column


def _made(facts: Facts, kind: Kind, reason: str, **fields: object) -> Column:
    given = {"nullable": facts.nulls > 0, **fields}
    return Column(name=facts.name, kind=kind, dtype=str(facts.dtype), reason=reason, **given)  # type: ignore[arg-type]


def _single(facts: Facts) -> Column | None:
    """Return the column of one value, with or without nulls."""
    first = facts.present[0]
    if len(facts.present) > 1 and facts.present[-1] != first:
        return None
    if pc.any(pc.not_equal(facts.present, first)).as_py():
        return None
    text = as_text(pa.chunked_array([facts.present[:1]]))[0].as_py()
    if text is None:  # NaN or infinite throughout
        return _made(facts, Kind.CONSTANT, "no finite values at all", nullable=True, categories=())
    fmt = Format(nulls=()) if text == "" else Format()
    if facts.nulls:
        reason = "one value or none: what varies is whether it is there"
        return _made(facts, Kind.CATEGORY, reason, categories=(text,), format=fmt)
    unique = facts.rows == 1
    reason = "the same value in every row"
    return _made(facts, Kind.CONSTANT, reason, categories=(text,), format=fmt, unique=unique)


def _discrete(
    facts: Facts, kind: Kind, reason: str, *, ordered: tuple[str, ...] | None = None
) -> Column:
    """Return a category or ordinal column with its labels, numbers in their order."""
    values = as_text(pa.chunked_array([facts.distinct[0]])).combine_chunks().drop_null()
    labels: tuple[str, ...] | None = ordered
    if ordered is None and len(values) <= _MOST_CATEGORIES:
        labels = _sorted_labels(values)
    width = {len(v) for v in labels or ()} if labels and all(v.isdigit() for v in labels) else set()
    padded = len(width) == 1 and any(v[0] == "0" and len(v) > 1 for v in labels or ())
    nulls = () if labels and "" in labels else ("",)
    fmt = Format(nulls=nulls, width=width.pop() if padded else None)
    return _made(facts, kind, reason, categories=labels, format=fmt)


def _sorted_labels(values: pa.Array) -> tuple[str, ...]:
    numbers = numerals.to_floats(values)
    labels = values.to_pylist()
    if numbers.null_count == 0:
        order = np.argsort(numbers.to_numpy(zero_copy_only=False), kind="stable")
        return tuple(labels[i] for i in order)
    return tuple(sorted(labels))


def _from_dictionary(facts: Facts) -> Column:
    """Return the column of a frame's categorical: its levels, also those that do not occur."""
    levels: list[str] = []
    for chunk in facts.source.chunks:
        text = as_text(pa.chunked_array([chunk.dictionary])).to_pylist()
        levels += [v for v in dict.fromkeys(text) if v is not None and v not in set(levels)]
    booleans = find_booleans([v for v in levels if v is not None])
    if booleans and not facts.dtype.ordered and len(levels) == 2:
        return _made(facts, Kind.BOOLEAN, booleans.reason, format=booleans.fmt)
    kind = Kind.ORDINAL if facts.dtype.ordered else Kind.CATEGORY
    ordered = "ordered " if facts.dtype.ordered else ""
    reason = f"the source's type: {ordered}categorical of {len(levels):,} levels"
    return _made(facts, kind, reason, categories=tuple(levels))


def _text_column(facts: Facts, learnable: bool) -> Column:
    """Guess a text column."""
    few = facts.sample if len(facts.sample) <= 3 else None
    if few and len(few) <= 3 and facts.num_distinct <= 3 and (found := find_booleans(few)):
        return _made(facts, Kind.BOOLEAN, found.reason, format=found.fmt)
    if not learnable and (finding := _personal(facts)):
        return _personal_column(facts, finding)
    if numbers := _text_numbers(facts):
        return _number_column(facts, numbers)
    if moments := find_dates(facts):
        return _date_column(facts, moments)
    return _from_text_guess(facts, guess_text(facts))


def _from_text_guess(facts: Facts, guess: TextGuess) -> Column:
    if guess.kind in _DISCRETE:
        return _discrete(facts, guess.kind, guess.reason, ordered=guess.categories)
    reason = guess.reason
    if guess.kind is Kind.TEXT and (said := mentions(facts.sample)):
        reason = f"{reason}; {said}"
    unique = facts.num_distinct == facts.rows
    role = Role.KEY if guess.kind is Kind.IDENTIFIER and unique else Role.FEATURE
    nulls = () if guess.kind is Kind.TEXT and "" in facts.sample else ("",)
    fmt = guess.fmt.model_copy(update={"nulls": nulls})
    return _made(facts, guess.kind, reason, format=fmt, unique=unique, role=role)


def _personal(facts: Facts) -> Finding | None:
    share = len(facts.sample) / max(len(facts.spread), 1)
    return find_personal(facts.name, facts.sample, share)


def _personal_column(facts: Facts, finding: Finding) -> Column:
    """Return a column of direct identifiers: never learned, made new."""
    kind = Kind.TEXT if finding.personal in (Personal.NAME, Personal.ADDRESS) else Kind.IDENTIFIER
    shaped = finding.personal in (Personal.PHONE, Personal.NATIONAL_ID)
    pattern = learned_pattern(facts.sample) if shaped else None
    fmt = Format(pattern=pattern, provider=finding.provider, locale=finding.locale)
    reason = f"personal: {finding.reason}; made new"
    unique = facts.num_distinct == facts.rows
    return _made(facts, kind, reason, format=fmt, unique=unique, personal=finding.personal)


@dataclass(frozen=True)
class _Numbers:
    """The numbers of a column and how they are written.

    `texts` are the distinct texts behind `facts`, where the source is text.
    """

    facts: NumberFacts
    fmt: Format
    all_rows: Callable[[], npt.NDArray[np.float64]]
    texts: tuple[pa.Array, npt.NDArray[np.int64]] | None = None
    note: str = ""


def _text_numbers(facts: Facts, given: Format | None = None) -> _Numbers | None:
    """Read a text column as numbers; None if it holds anything but numbers and nulls."""
    sample = [v for v in facts.sample if v.strip()]
    quick = [v for v in sample[:40] if any(c.isdigit() for c in v)]
    if given is None and len(quick) < min(len(sample), 40) / 2:
        return None
    fmt = given or numerals.find_notation(sample)
    if fmt is None:
        return None
    values, weights = facts.cells
    text = numerals.plain(values, fmt)
    if given is None and _has_leading_zeros(text):
        return None
    floats = numerals.to_floats(text)
    x = floats.to_numpy(zero_copy_only=False).astype(np.float64)
    spelled = _null_spellings(values, weights, np.flatnonzero(~np.isfinite(x)), x)
    if spelled is None:
        return None
    numbers = NumberFacts.of(x, weights)
    if numbers.rows == 0:
        return None
    good = np.flatnonzero(np.isfinite(x))
    fmt = _decimals(text.take(pa.array(good)) if spelled else text, numbers, fmt)
    note = ""
    if spelled:
        fmt = fmt.model_copy(update={"nulls": spelled + (("",) if facts.nulls else ())})
        note = f"{', '.join(map(repr, spelled[:3]))} read as null"

    def all_rows() -> npt.NDArray[np.float64]:
        parsed = numerals.to_floats(numerals.plain(facts.present, fmt))
        out: npt.NDArray[np.float64] = parsed.to_numpy(zero_copy_only=False)
        return out

    return _Numbers(numbers, fmt, all_rows, (values, weights), note)


def _has_leading_zeros(text: pa.Array) -> bool:
    zeros = text.filter(pc.match_substring_regex(text.slice(0), r"^[+-]?0"))
    return bool(len(zeros)) and bool(pc.any(pc.match_substring_regex(zeros, r"^[+-]?0[0-9]")).as_py())


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
    spelled = pc.unique(rest).to_pylist()
    if not null_words(rest).all():
        plain = all(len(s) <= 20 and not any(c.isdigit() for c in s) for s in spelled)
        if not (plain and len(spelled) <= 3 and len(x) - len(bad) >= 12):
            return None
    held = {s: 0 for s in spelled}
    for text, weight in zip(rest.to_pylist(), weights[bad], strict=True):
        held[text] += int(weight)
    return tuple(sorted(held, key=lambda s: (-held[s], s)))


def _decimals(text: pa.Array, numbers: NumberFacts, fmt: Format) -> Format:
    """Add the decimals and step with which plain texts of numbers are written."""
    if pc.any(pc.match_substring_regex(text, "[eE]")).as_py():
        bare = pc.any(pc.invert(pc.match_substring_regex(text, "[.eE]"))).as_py()
        return fmt.model_copy(update={"min_decimals": 0 if bare else 1})
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


def _number_column(facts: Facts, numbers: _Numbers) -> Column:
    """Return the column of numbers, as quantities, codes, keys or dates."""
    if numbers.texts and numbers.facts.whole and numbers.fmt.decimals is None:
        if dated := find_numeric_dates(facts.name, *_plain_texts(numbers)):
            return _date_column(facts, replace(dated, nulls=numbers.fmt.nulls))
    codes = sentinels_of(numbers.facts)
    rest = numbers.facts.without(codes)
    guess = guess_numbers(facts.name, rest, rows=facts.rows, in_order=numbers.all_rows)
    spelled = bool(numbers.note)
    if guess.kind is Kind.ORDINAL and spelled:
        guess = Guess(Kind.CATEGORY, guess.reason)
    if guess.kind in _DISCRETE:
        return _discrete(facts, guess.kind, guess.reason)
    if guess.kind is Kind.BOOLEAN:
        return _made(facts, Kind.BOOLEAN, guess.reason, format=_zero_one(numbers))
    if guess.kind is Kind.IDENTIFIER:
        return _number_key(facts, numbers, guess)
    return _quantity(facts, numbers, guess, codes)


def _plain_texts(numbers: _Numbers) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    assert numbers.texts is not None
    values, weights = numbers.texts
    keep = ~null_words(values) if numbers.note else np.ones(len(values), dtype=bool)
    return values.filter(pa.array(keep)), weights[keep]


def _zero_one(numbers: _Numbers) -> Format:
    """Format of a boolean written as 0 and 1."""
    if numbers.texts is None:
        return Format()
    values, _ = _plain_texts(numbers)
    x = numerals.to_floats(numerals.plain(values, numbers.fmt)).to_numpy(zero_copy_only=False)
    true = values[int(np.argmax(x == 1.0))].as_py()
    false = values[int(np.argmax(x == 0.0))].as_py()
    return Format(true=true, false=false, nulls=numbers.fmt.nulls)


def _quantity(facts: Facts, numbers: _Numbers, guess: Guess, codes: tuple[float, ...]) -> Column:
    rest = numbers.facts.without(codes)
    said = [guess.reason, shape_words(rest), numbers.note]
    if codes:
        named = ", ".join(f"{c:g}" for c in codes)
        said.append(f"{named} apart from the rest and repeated: a code, not a quantity")
    if rest.infinite:
        said.append(f"{rest.infinite:,} infinite values read as null")
    fmt = numbers.fmt
    if guess.kind is Kind.INTEGER and fmt.step == 1.0:
        fmt = fmt.model_copy(update={"step": None})
    lost = numbers.facts.rows < facts.rows
    return _made(
        facts,
        guess.kind,
        ", ".join(s for s in said if s),
        format=fmt,
        nullable=lost,
        unique=rest.unique and not lost,
        sentinels=codes,
        low=float(rest.values[0]),
        high=float(rest.values[-1]),
    )


def _number_key(facts: Facts, numbers: _Numbers, guess: Guess) -> Column:
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
    return _made(
        facts,
        Kind.IDENTIFIER,
        said,
        format=fmt,
        unique=unique,
        role=Role.KEY if unique else Role.FEATURE,
        low=float(v[0]),
        high=float(v[-1]),
    )


def _typed_numbers(facts: Facts, *, force: bool = False) -> Column:
    """Guess a column of a number type."""
    if not force and _may_be_personal(facts) and (found := _personal(_as_text_facts(facts))):
        return _personal_column(_as_text_facts(facts), found)
    return _number_column(facts, _typed_facts(facts))


def _typed_facts(facts: Facts) -> _Numbers:
    values, counts = facts.distinct
    x = pc.cast(values, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    numbers = NumberFacts.of(x.astype(np.float64), counts)
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

    return _Numbers(numbers, fmt, all_rows)


def _may_be_personal(facts: Facts) -> bool:
    """Whether whole numbers are long enough to be phones, cards or national numbers."""
    if not pa.types.is_integer(facts.column.type) or not facts.filled:
        return False
    first = str(facts.present[0].as_py())
    words = tokens(facts.name)
    return len(first) >= 9 or {"birth", "number"} <= set(words) or "ssn" in words


def _as_text_facts(facts: Facts) -> Facts:
    return Facts(facts.name, facts.column.cast(pa.string()), facts.dtype, facts.source)


def _date_column(facts: Facts, found: FoundDates) -> Column:
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
    return _moment_column(facts, kind, found.micros, found.weights, fmt, said)


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


def _moment_column(
    facts: Facts,
    kind: Kind,
    micros: npt.NDArray[np.int64],
    weights: npt.NDArray[np.int64],
    fmt: Format,
    reason: str,
) -> Column:
    per = _DAY * 1e6 if kind is Kind.DATE else 1e6
    numbers = NumberFacts.of(micros / per, weights)
    codes = _end_dates(numbers) if kind in (Kind.DATE, Kind.DATETIME) else ()
    rest = numbers.without(codes)
    if kind is not Kind.DATE:
        common = int(np.gcd.reduce(np.abs(micros)))
        fmt = fmt.model_copy(update={"step": common / 1e6 if common else None})
    if codes:
        reason += "; a date far from all others repeats: a code, not a date"
    return _made(
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


def _typed_moments(facts: Facts) -> Column:
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
    return _moment_column(facts, kind, micros, weights, Format(), reason)


def column_as(facts: Facts, kind: Kind, given: Format) -> Column:
    """Return the column of a declared kind, its details counted in the data.

    `given` holds the declared parts of the format.
    """
    said = "kind as declared"
    if facts.filled == 0:
        return _made(facts, kind, "no values at all", nullable=True, format=given)
    if kind in _DISCRETE:
        return _declared_levels(facts, kind, said)
    if kind in (Kind.INTEGER, Kind.REAL):
        return _declared_numbers(facts, kind, given, said)
    if kind is Kind.BOOLEAN:
        return _declared_booleans(facts, given, said)
    if kind in (Kind.DATE, Kind.DATETIME, Kind.TIME, Kind.DURATION):
        return _declared_moments(facts, kind, given, said)
    if kind is Kind.CONSTANT:
        only = _single(facts)
        if only is None or only.kind is not Kind.CONSTANT:
            raise SchemaError(f"column {facts.name!r}", got="more than one value", allowed="a constant")
        return only
    text = facts if is_text(facts.column.type) else _textual(facts)
    unique = facts.num_distinct == facts.rows
    if kind is Kind.TEXT:
        return _made(facts, kind, said, unique=unique, format=Format(words=word_counts(text)))
    if given.pattern is None and given.provider is None:
        numbers = _typed_facts(facts) if is_number(facts.column.type) else _text_numbers(facts)
        if numbers is not None and numbers.facts.whole:
            return _number_key(facts, numbers, Guess(kind, said))
    role = Role.KEY if unique else Role.FEATURE
    fmt = Format(pattern=given.pattern or learned_pattern(text.sample))
    return _made(facts, kind, said, unique=unique, format=fmt, role=role)


def _textual(facts: Facts) -> Facts:
    return Facts(facts.name, as_text(facts.column), facts.dtype, facts.source)


def _declared_levels(facts: Facts, kind: Kind, said: str) -> Column:
    ordered = None
    if kind is Kind.ORDINAL and is_text(facts.column.type) and facts.num_distinct <= 60:
        ordered = order_of(facts.distinct[0].to_pylist())
    return _discrete(facts, kind, said, ordered=ordered)


def _declared_numbers(facts: Facts, kind: Kind, given: Format, said: str) -> Column:
    numbers = None
    if is_number(facts.column.type) or pa.types.is_boolean(facts.column.type):
        column = facts.column.cast(pa.int8()) if pa.types.is_boolean(facts.column.type) else facts.column
        numbers = _typed_facts(replace(facts, column=column))
    elif is_text(facts.column.type):
        live = [v for v in facts.sample if v.strip() and v not in given.nulls]
        fmt = numerals.find_notation(live) or Format()
        merged = {**fmt.model_dump(), **{f: getattr(given, f) for f in given.model_fields_set}}
        numbers = _text_numbers(facts, Format(**merged))
    if numbers is None:
        raise SchemaError(f"column {facts.name!r}", got="values that are not numbers", allowed=kind)
    codes = sentinels_of(numbers.facts)
    return _quantity(facts, numbers, Guess(kind, said), codes)


def _declared_booleans(facts: Facts, given: Format, said: str) -> Column:
    if not is_text(facts.column.type):
        return _made(facts, Kind.BOOLEAN, said)
    values = [v for v in facts.distinct[0][:10].to_pylist() if v not in given.nulls]
    found = find_booleans(values)
    fmt = found.fmt if found else Format()
    if found is None and given.true is None and given.false is None and len(values) == 2:
        fmt = Format(false=min(values), true=max(values))
    return _made(facts, Kind.BOOLEAN, said, format=fmt)


def _declared_moments(facts: Facts, kind: Kind, given: Format, said: str) -> Column:
    if pa.types.is_temporal(facts.column.type):
        return _typed_moments(facts).model_copy(update={"kind": kind, "reason": said})
    text = _textual(facts)
    if given.date_format is None:
        found = find_dates(text) or find_numeric_dates("date", *text.distinct)
    else:
        values, weights = text.cells
        moments = dates.read(values, given.date_format)
        ok = moments.valid
        found = FoundDates(given.date_format, moments.micros[ok], weights[ok]) if ok.any() else None
    if found is None:
        raise SchemaError(f"column {facts.name!r}", got="values that are not dates or times", allowed=kind)
    fmt = Format(date_format=found.pattern, nulls=found.nulls or ("",))
    return _moment_column(facts, kind, found.micros, found.weights, fmt, said)
