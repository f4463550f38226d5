"""One column's schema, guessed from its facts."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from twinset.table.arrow_types import is_text
from twinset.table.canonical import as_text
from twinset.table.inference.dates import find_dates
from twinset.table.inference.facts import Facts
from twinset.table.inference.made import discrete, made, single, textual
from twinset.table.inference.moments import date_column, moments_of_type
from twinset.table.inference.quantities import number_column, text_numbers, typed_numbers
from twinset.table.inference.text import TextGuess, find_booleans, guess_text, learned_pattern
from twinset.table.inference.typed import is_number
from twinset.table.inference.words import tokens
from twinset.table.personal import Finding, find_personal, mentions
from twinset.table.schema import Column, Format, Kind, Personal, Role

__all__ = ["guess_column"]

_EXACT = 2**53
_DISCRETE = (Kind.CATEGORY, Kind.ORDINAL)
_NUMERIC = re.compile(r"[-+]?\d*[.,]?\d+")


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
    unique = facts.num_distinct == facts.rows
    role = Role.KEY if guess.kind is Kind.IDENTIFIER and unique else Role.FEATURE
    nulls = () if guess.kind is Kind.TEXT and "" in facts.sample else ("",)
    fmt = guess.fmt.model_copy(update={"nulls": nulls})
    return made(facts, guess.kind, reason, format=fmt, unique=unique, role=role)


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
    return made(facts, kind, reason, format=fmt, unique=unique, personal=finding.personal)


def _typed_numbers(facts: Facts) -> Column:
    """Guess a column of a number type."""
    if _may_be_personal(facts) and (found := _personal(_as_text_facts(facts))):
        return _personal_column(_as_text_facts(facts), found)
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


def _as_text_facts(facts: Facts) -> Facts:
    return Facts(facts.name, facts.column.cast(pa.string()), facts.dtype, facts.source)
