"""One column's schema: guessed from its facts, or counted for a kind that a person declared.

What is declared wins over the data, field by field, and is checked against them.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinset.errors import InputError, SchemaError
from twinset.table import dates, number_format
from twinset.table.arrow_types import as_text, is_number, is_text
from twinset.table.canonical import canonical_column
from twinset.table.inference.dates import (
    FoundDates,
    date_column,
    find_dates,
    find_numeric_dates,
    moment_column,
    moments_of_type,
)
from twinset.table.inference.facts import Facts, discrete, made, single, textual
from twinset.table.inference.numbers import (
    Guess,
    number_column,
    number_key,
    quantity,
    sentinels_of,
    text_numbers,
    typed_numbers,
)
from twinset.table.inference.text import (
    TextGuess,
    find_booleans,
    guess_text,
    learned_pattern,
    order_of,
    word_counts,
)
from twinset.table.inference.words import tokens
from twinset.table.personal import Finding, find_personal, mentions
from twinset.table.schema import Column, Format, Kind, Personal, Role, Schema
from twinset.table.table import numbers

__all__ = ["check_declared", "check_fits", "column_as", "declared_fields", "guess_column", "merged"]

_EXACT = 2**53
_DISCRETE = (Kind.CATEGORY, Kind.ORDINAL)
_NUMERIC = re.compile(r"[-+]?\d*[.,]?\d+")
_NOT_WISHES = frozenset({"name", "declared", "reason", "dtype"})
_COUNTED = frozenset({"low", "high", "categories", "nullable", "unique"})


def guess_column(facts: Facts, *, learnable: bool = False) -> Column:
    """Return the column that the data suggest; `learnable` rules out identifiers and text."""
    if facts.filled == 0:
        return made(facts, Kind.CONSTANT, "no values at all", categories=())
    if pa.types.is_boolean(facts.column.type) and facts.num_distinct == 2:
        return made(facts, Kind.BOOLEAN, "the source's type")
    if pa.types.is_temporal(facts.column.type):
        return moments_of_type(facts)
    if pa.types.is_dictionary(facts.dtype) and not is_number(facts.column.type):
        if only := single(facts):
            return only
        found = None if learnable else _personal(facts)
        return _personal_column(facts, found) if found else _from_dictionary(facts)
    if only := single(facts):
        return only
    column = _text_column(facts, learnable) if is_text(facts.column.type) else _typed_numbers(facts)
    if learnable and not column.is_learnable:
        return discrete(facts, Kind.CATEGORY, f"{facts.num_distinct:,} distinct values")
    return column


def _from_dictionary(facts: Facts) -> Column:
    """Return the column of a frame's categorical: its levels, also those that do not occur."""
    levels: list[str] = []
    for chunk in facts.source.chunks:
        text = as_text(pa.chunked_array([chunk.dictionary])).to_pylist()
        levels += [v for v in dict.fromkeys(text) if v is not None and v not in set(levels)]
    booleans = find_booleans([v for v in levels if v is not None])
    if booleans and not facts.dtype.ordered and len(levels) == 2:
        return made(facts, Kind.BOOLEAN, booleans.reason, format=booleans.fmt)
    kind = Kind.ORDINAL if facts.dtype.ordered else Kind.CATEGORY
    ordered = "ordered " if facts.dtype.ordered else ""
    reason = f"the source's type: {ordered}categorical of {len(levels):,} levels"
    return made(facts, kind, reason, categories=tuple(levels))


def _text_column(facts: Facts, learnable: bool) -> Column:
    """Guess a text column."""
    few = facts.present.unique().to_pylist() if facts.num_distinct <= 3 else []
    if few and (found := find_booleans(few)):
        return made(facts, Kind.BOOLEAN, found.reason, format=found.fmt)
    if not learnable and (finding := _personal(facts)):
        return _personal_column(facts, finding)
    if numbers := text_numbers(facts):
        return number_column(facts, numbers)
    if moments := find_dates(facts):
        return date_column(facts, moments)
    return _from_text_guess(facts, guess_text(facts))


def _from_text_guess(facts: Facts, guess: TextGuess) -> Column:
    if guess.kind in _DISCRETE:
        return discrete(facts, guess.kind, guess.reason, ordered=guess.categories)
    reason = guess.reason
    numeric = sum(bool(_NUMERIC.fullmatch(v)) for v in facts.sample)
    if 0.9 * len(facts.sample) < numeric < len(facts.sample):
        reason = f"{reason}; most values are numbers, but not all"
    if guess.kind is Kind.TEXT and (said := mentions(facts.sample)):
        reason = f"{reason}; {said}"
    role = Role.KEY if guess.kind is Kind.IDENTIFIER and facts.unique else Role.FEATURE
    nulls = () if guess.kind is Kind.TEXT and "" in facts.sample else ("",)
    fmt = guess.fmt.model_copy(update={"nulls": nulls})
    return made(facts, guess.kind, reason, format=fmt, unique=facts.unique, role=role)


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
    return made(facts, kind, reason, format=fmt, unique=facts.unique, personal=finding.personal)


def _typed_numbers(facts: Facts) -> Column:
    """Guess a column of a number type."""
    if _may_be_personal(facts) and (found := _personal(textual(facts))):
        return _personal_column(textual(facts), found)
    if pa.types.is_integer(facts.column.type):
        bounds = pc.min_max(facts.column).as_py()
        if max(-bounds["min"], bounds["max"]) > _EXACT:
            return _from_text_guess(textual(facts), guess_text(textual(facts)))
    return number_column(facts, typed_numbers(facts))


def _may_be_personal(facts: Facts) -> bool:
    """Whether whole numbers are long enough to be phones, cards or national numbers."""
    if not pa.types.is_integer(facts.column.type) or not facts.filled:
        return False
    first = str(facts.present[0].as_py())
    words = tokens(facts.name)
    return len(first) >= 9 or {"birth", "number"} <= set(words) or "ssn" in words


def column_as(facts: Facts, kind: Kind, given: Format) -> Column:
    """Return the column of a declared kind, its details counted in the data.

    `given` holds the declared parts of the format.
    """
    said = "kind as declared"
    if facts.filled == 0:
        return made(facts, kind, "no values at all", nullable=True, format=given)
    if kind in _DISCRETE:
        return _declared_levels(facts, kind, said)
    if kind in (Kind.INTEGER, Kind.REAL):
        return _declared_numbers(facts, kind, given, said)
    if kind is Kind.BOOLEAN:
        return _declared_booleans(facts, given, said)
    if kind in (Kind.DATE, Kind.DATETIME, Kind.TIME, Kind.DURATION):
        return _declared_moments(facts, kind, given, said)
    if kind is Kind.CONSTANT:
        only = single(facts)
        if only is None or only.kind is not Kind.CONSTANT:
            raise SchemaError(
                f"column {facts.name!r}", got="more than one value", allowed="a constant"
            )
        return only
    text = facts if is_text(facts.column.type) else textual(facts)
    if kind is Kind.TEXT:
        return made(facts, kind, said, unique=facts.unique, format=Format(words=word_counts(text)))
    if given.pattern is None and given.provider is None:
        numbers = typed_numbers(facts) if is_number(facts.column.type) else text_numbers(facts)
        if numbers is not None and numbers.facts.whole:
            return number_key(facts, numbers, Guess(kind, said))
    role = Role.KEY if facts.unique else Role.FEATURE
    fmt = Format(pattern=given.pattern or learned_pattern(text.sample))
    return made(facts, kind, said, unique=facts.unique, format=fmt, role=role)


def _declared_levels(facts: Facts, kind: Kind, said: str) -> Column:
    ordered = None
    if kind is Kind.ORDINAL and is_text(facts.column.type) and facts.num_distinct <= 60:
        ordered = order_of(facts.distinct[0].to_pylist())
    return discrete(facts, kind, said, ordered=ordered)


def _declared_numbers(facts: Facts, kind: Kind, given: Format, said: str) -> Column:
    numbers = None
    if is_number(facts.column.type) or pa.types.is_boolean(facts.column.type):
        boolean = pa.types.is_boolean(facts.column.type)
        column = facts.column.cast(pa.int8()) if boolean else facts.column
        numbers = typed_numbers(replace(facts, column=column))
    elif is_text(facts.column.type):
        live = [v for v in facts.sample if v.strip() and v not in given.nulls]
        fmt = number_format.find_notation(live) or Format()
        merged = {**fmt.model_dump(), **{f: getattr(given, f) for f in given.model_fields_set}}
        numbers = text_numbers(facts, Format(**merged))
    if numbers is None:
        raise SchemaError(f"column {facts.name!r}", got="values that are not numbers", allowed=kind)
    codes = sentinels_of(numbers.facts)
    return quantity(facts, numbers, Guess(kind, said), codes)


def _declared_booleans(facts: Facts, given: Format, said: str) -> Column:
    if not is_text(facts.column.type):
        return made(facts, Kind.BOOLEAN, said)
    values = [v for v in facts.distinct[0][:10].to_pylist() if v not in given.nulls]
    found = find_booleans(values)
    fmt = found.fmt if found else Format()
    if found is None and given.true is None and given.false is None and len(values) == 2:
        fmt = Format(false=min(values), true=max(values))
    return made(facts, Kind.BOOLEAN, said, format=fmt)


def _declared_moments(facts: Facts, kind: Kind, given: Format, said: str) -> Column:
    if pa.types.is_temporal(facts.column.type):
        return moments_of_type(facts).model_copy(update={"kind": kind, "reason": said})
    text = textual(facts)
    if given.date_format is None:
        found = find_dates(text) or find_numeric_dates("date", *text.distinct)
    else:
        values, weights = text.cells
        moments = dates.read(values, given.date_format)
        ok = moments.valid
        found = FoundDates(given.date_format, moments.micros[ok], weights[ok]) if ok.any() else None
    if found is None:
        raise SchemaError(
            f"column {facts.name!r}", got="values that are not dates or times", allowed=kind
        )
    fmt = Format(date_format=found.pattern, nulls=found.nulls or ("",))
    return moment_column(facts, kind, found.micros, found.weights, fmt, said)


def declared_fields(wish: Column) -> frozenset[str]:
    """Fields that a person has stated: `declared` if it is given, else all that are set."""
    if "declared" in wish.model_fields_set:
        return wish.declared
    return frozenset(wish.model_fields_set) - _NOT_WISHES


def check_declared(declared: Schema, names: list[str]) -> None:
    """SchemaError if a declared column is not in the table."""
    have = Schema(columns=tuple(Column(name=n) for n in names))
    for column in declared.columns:
        if column.name not in have:
            have[column.name]


def merged(found: Column, wish: Column) -> Column:
    """Return the inferred column with the wished fields in place.

    Fields that a schema file marks as inferred are kept as hints, except for what is counted in the
    data: bounds are widened and categories added to.
    """
    stated = declared_fields(wish)
    fields = set(wish.model_fields_set) - _NOT_WISHES
    update: dict[str, object] = {f: getattr(wish, f) for f in fields - {"format"} if f in stated}
    for field in fields - stated - {"format"}:
        if field not in _COUNTED:
            update[field] = getattr(wish, field)
    if "low" in fields - stated and wish.low is not None and found.low is not None:
        update["low"] = min(wish.low, found.low)
    if "high" in fields - stated and wish.high is not None and found.high is not None:
        update["high"] = max(wish.high, found.high)
    if "categories" in fields - stated and wish.categories and found.categories:
        new = [c for c in found.categories if c not in set(wish.categories)]
        update["categories"] = (*wish.categories, *new)
    if "format" in fields:
        given = {f: getattr(wish.format, f) for f in wish.format.model_fields_set}
        update["format"] = Format(**{**found.format.model_dump(), **given})
    why = wish.reason if wish.reason and "kind" not in stated else found.reason
    told = sorted(stated - {"role", "keep"})
    said = f"declared: {', '.join(told)}" if told else ""
    if said and not why.startswith("declared: "):
        why = "; ".join(r for r in (said, why) if r)
    update["reason"] = why
    update["declared"] = stated
    return found.model_copy(update=update)


def check_fits(raw: pa.ChunkedArray, column: Column) -> None:
    """SchemaError with column and data row (from 1) if a value does not fit what is declared."""
    if not column.declared - {"role", "keep", "personal"}:
        return
    try:
        values = canonical_column(raw, column)
    except InputError as error:
        raise SchemaError(error.what, got=error.got, allowed=error.allowed) from None
    if "nullable" in column.declared and not column.nullable and values.null_count:
        row = int(np.flatnonzero(values.is_null().to_numpy())[0]) + 1
        raise SchemaError(
            f"column {column.name!r}, data row {row}", got="no value", allowed="a value"
        )
    if not column.kind.is_number_like or not column.declared & {"low", "high"}:
        return
    x = numbers(values, column.kind).copy()
    x[np.isin(x, column.sentinels)] = np.nan
    outside = np.zeros(len(x), dtype=bool)
    if "low" in column.declared and column.low is not None:
        outside |= x < column.low
    if "high" in column.declared and column.high is not None:
        outside |= x > column.high
    if outside.any():
        row = int(np.flatnonzero(outside)[0]) + 1
        raise SchemaError(
            f"column {column.name!r}, data row {row}",
            got="a value outside the declared bounds",
            allowed=_declared_range(column),
            hint="widen low and high, or declare the value as a sentinel",
        )


def _declared_range(column: Column) -> str:
    """Say the declared bounds; an inferred one would tell a value of the data."""
    parts = [(w, getattr(column, f)) for f, w in (("low", "at least"), ("high", "at most"))
             if f in column.declared]  # fmt: skip
    return ", ".join(f"{word} {bound:g}" for word, bound in parts if bound is not None)
