"""One column's schema for a kind that is declared, its details counted in the data."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from twinset.errors import SchemaError
from twinset.table import dates, number_format
from twinset.table.arrow_types import is_text
from twinset.table.inference.dates import FoundDates, find_dates, find_numeric_dates
from twinset.table.inference.facts import Facts
from twinset.table.inference.made import discrete, made, single, textual
from twinset.table.inference.moments import moment_column, moments_of_type
from twinset.table.inference.numbers import Guess, sentinels_of
from twinset.table.inference.quantities import number_key, quantity, text_numbers, typed_numbers
from twinset.table.inference.text import find_booleans, learned_pattern, order_of, word_counts
from twinset.table.inference.typed import is_number
from twinset.table.schema import Column, Format, Kind, Role

__all__ = ["column_as"]

_DISCRETE = (Kind.CATEGORY, Kind.ORDINAL)


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
    unique = facts.num_distinct == facts.rows
    if kind is Kind.TEXT:
        return made(facts, kind, said, unique=unique, format=Format(words=word_counts(text)))
    if given.pattern is None and given.provider is None:
        numbers = typed_numbers(facts) if is_number(facts.column.type) else text_numbers(facts)
        if numbers is not None and numbers.facts.whole:
            return number_key(facts, numbers, Guess(kind, said))
    role = Role.KEY if unique else Role.FEATURE
    fmt = Format(pattern=given.pattern or learned_pattern(text.sample))
    return made(facts, kind, said, unique=unique, format=fmt, role=role)


def _declared_levels(facts: Facts, kind: Kind, said: str) -> Column:
    ordered = None
    if kind is Kind.ORDINAL and is_text(facts.column.type) and facts.num_distinct <= 60:
        ordered = order_of(facts.distinct[0].to_pylist())
    return discrete(facts, kind, said, ordered=ordered)


def _declared_numbers(facts: Facts, kind: Kind, given: Format, said: str) -> Column:
    numbers = None
    if is_number(facts.column.type) or pa.types.is_boolean(facts.column.type):
        column = (
            facts.column.cast(pa.int8()) if pa.types.is_boolean(facts.column.type) else facts.column
        )
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
