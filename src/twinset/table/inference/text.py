"""Guess what a text column is when it is neither numbers nor dates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinset.table.inference.facts import Facts
from twinset.table.inference.words import BOOLEANS, SCALES, false_first, is_id_name
from twinset.table.patterns import learn
from twinset.table.personal import find_place
from twinset.table.schema import Format, Kind

__all__ = ["TextGuess", "find_booleans", "guess_text", "learned_pattern", "order_of", "word_counts"]

_RARE = 5
_STRICT_NULLS = frozenset({"", "na", "n/a", "null", "nan", "none", "?", "<na>", "nil"})
_UUID = re.compile(
    r"\{?[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\}?|[0-9a-fA-F]{40,64}"
)
_BELOW = "<= < ≤ under|less than|below|up to|at most|bis|unter|fewer than"
_ABOVE = ">= > ≥ over|greater than|more than|more|above|at least|über|ab|from"
_BAND = re.compile(
    rf"(?:(?P<below>{_BELOW.replace(' ', '|', 2)})|(?P<above>{_ABOVE.replace(' ', '|', 2)}))?\s*"
    r"[\[(]?\s*(?:[$€£]\s?)?(?P<low>-?\d[\d,.]*)\s?(?P<kilo>[km](?![a-z]))?\s?(?P<unit>%?\s?(?!to\b|or\b|and\b|plus\b|bis\b)[a-z$€£]*)\s*"
    r"(?P<plus>\+|plus\b|or more|and over|and older|<=)?"
    r"(?P<range>\s*(?:-|–|to|,|bis)\s*[<$€£]?\s?-?\d[\d,.]*\s?[km]?(?![a-z])\s?%?)?\s*[\])]?\s*(?P<rest>.*)",
)


@dataclass(frozen=True)
class TextGuess:
    """What a text column seems to be, and why."""

    kind: Kind
    reason: str
    fmt: Format = field(default_factory=Format)
    categories: tuple[str, ...] | None = None


def find_booleans(values: Sequence[str]) -> TextGuess | None:
    """Two spellings of true and false, perhaps with one of null."""
    if not 2 <= len(values) <= 3:
        return None
    nulls = [v for v in values if len(values) == 3 and v.strip().lower() in _STRICT_NULLS]
    pair = [v for v in values if v not in nulls]
    if len(pair) != 2 or frozenset(v.strip().lower() for v in pair) not in BOOLEANS:
        return None
    false, true = false_first((pair[0], pair[1]))
    fmt = Format(true=true, false=false, nulls=tuple(nulls) or ("",))
    return TextGuess(Kind.BOOLEAN, "two spellings of yes and no", fmt)


def order_of(values: Sequence[str]) -> tuple[str, ...] | None:
    """Return the values in their order if they are a known scale or bands of numbers."""
    low = {re.sub(r"[\s_-]+", " ", v.strip().lower()): v for v in values}
    if len(low) != len(values) or not 3 <= len(values) <= 60:
        return None
    for scale in SCALES:
        if set(low) <= set(scale) and len({scale[w] for w in low}) == len(low):
            return tuple(low[word] for word in sorted(low, key=scale.__getitem__))
    return _bands(values)


def _bands(values: Sequence[str]) -> tuple[str, ...] | None:
    """Order labels such as `<100`, `100-200`, `>=200`; None if some label is no band."""
    if not any(c.isdigit() for v in values for c in v):
        return None
    placed: list[tuple[float, int, str]] = []
    units: set[str] = set()
    open_or_range = False
    for value in values:
        match = _BAND.fullmatch(re.sub(r"[_\s]+", " ", value.strip().lower()))
        if match is None:
            return None
        above = bool(match["above"] or match["plus"])
        units |= {match["unit"].strip().rstrip("s") or match["rest"].strip().rstrip("s")} - {""}
        open_or_range |= bool(above or match["below"] or match["range"])
        try:
            number = float(match["low"].rstrip(".,").replace(",", ""))
        except ValueError:
            return None
        number *= {"k": 1e3, "m": 1e6}.get(match["kilo"] or "", 1.0)
        placed.append((number, -1 if match["below"] else 1 if above else 0, value))
    if not open_or_range or len(units) > 2 or len({p[:2] for p in placed}) < len(placed):
        return None
    return tuple(value for _, _, value in sorted(placed))


def guess_text(facts: Facts) -> TextGuess:
    """Category, ordinal, identifier or text.

    Values that mostly stand fewer than five times could not be learned without telling whose they
    are: such columns are made new, as identifiers if they have one shape, else as text.
    """
    values, counts = facts.distinct
    n, filled = len(values), facts.filled
    rare = float(counts[counts < _RARE].sum() / filled)
    share = n / filled
    unique = n == filled
    sample = facts.sample
    worded = float(np.mean([len(v.split()) for v in sample]))
    if is_id_name(facts.name) and (unique or share > 0.02) and worded < 1.5 and n > 20:
        return _identifier(facts, "the name of a key" + (", each value once" if unique else ""))
    if is_id_name(facts.name) and unique and worded < 1.5:
        return _identifier(facts, "the name of a key, each value once")
    if _is_uuid(sample):
        return _identifier(facts, "the values are UUIDs or long hashes")
    length = float(np.mean([len(v) for v in sample]))
    prose = worded >= 5 and length >= 30 and rare > 0.3 and n > 20
    if prose or (worded >= 4 and unique and n >= 8):
        return _text(facts, "texts of many words, mostly distinct")
    sparse = rare > 0.5 and share > 0.3 and n > 30
    if sparse or (unique and n >= 8):
        codes = np.mean([any(c.isdigit() for c in v) and " " not in v for v in sample])
        if codes > 0.8 and (share > 0.8 or learned_pattern(sample)):
            if share > 0.8:
                return _identifier(facts, f"codes, {share:.0%} of them distinct")
        elif share > 0.3:
            return _text(
                facts, f"{share:.0%} of the values are distinct, and most stand fewer than 5 times"
            )
    if order := order_of(values.to_pylist()) if n <= 60 else None:
        return TextGuess(Kind.ORDINAL, f"{n} levels with a known order", categories=order)
    return TextGuess(Kind.CATEGORY, f"{n:,} distinct values that repeat")


def _is_uuid(sample: Sequence[str]) -> bool:
    return all(_UUID.fullmatch(v) for v in sample[:50]) and len(sample) > 1


def _identifier(facts: Facts, reason: str) -> TextGuess:
    pattern = learned_pattern(facts.sample)
    said = f"{reason}; made new" + (" by their pattern" if pattern else "")
    return TextGuess(Kind.IDENTIFIER, said, Format(pattern=pattern))


def _text(facts: Facts, reason: str) -> TextGuess:
    n = len(facts.distinct[0])
    place = find_place(facts.name, facts.sample) if n < facts.filled else None
    said = f" as {place.replace('_', ' ')}" if place else ""
    fmt = Format(words=word_counts(facts), provider=place)
    return TextGuess(Kind.TEXT, f"{reason}; made new{said}", fmt)


def learned_pattern(values: Sequence[str]) -> str | None:
    """Pattern of a sample of values, checked on them."""
    pattern = learn(values)
    if pattern is None:
        return None
    fits = pc.match_substring_regex(pa.array(values), f"^(?:{pattern})$")
    return pattern if pc.mean(fits).as_py() > 0.98 else None


def word_counts(facts: Facts) -> tuple[int, ...]:
    """Quantiles of the number of words, for surrogate texts of like length."""
    counts = [len(v.split()) for v in facts.sample]
    return tuple(round(float(q)) for q in np.quantile(counts, (0.05, 0.25, 0.5, 0.75, 0.95)))
