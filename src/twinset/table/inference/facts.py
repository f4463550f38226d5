"""What is known of one column before anyone guesses what it is, and columns made of such facts."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinset.table import number_format
from twinset.table.arrow_types import as_numpy, as_text
from twinset.table.inference.words import word_set
from twinset.table.schema import Column, Format, Kind

__all__ = [
    "NULL_WORDS",
    "Facts",
    "NumberFacts",
    "discrete",
    "made",
    "null_words",
    "single",
    "textual",
]

NULL_WORDS = word_set(
    ". - -- --- ? ?? * ** \\n #n/a n/a #na na <na> n.a. n.a nan -nan null (null) #null! "
    "none nil nat inf +inf -inf infinity -infinity missing unknown unk nd n.d. n.k. nk "
    "na. keine 0000-00-00 00/00/0000"
) | {"", "not available", "not applicable", "no data", "0000-00-00 00:00:00"}
"""Spellings, in lower case and trimmed, that mean "no value" in a column of numbers or dates."""

_SAMPLE = 1_000
_LONGEST = 1_000
_MOST_CATEGORIES = 100_000


def null_words(values: pa.Array) -> npt.NDArray[np.bool_]:
    """Say where texts are spellings of null."""
    low = pc.utf8_lower(pc.utf8_trim_whitespace(values))
    found = pc.is_in(low, value_set=pa.array(sorted(NULL_WORDS)))
    return np.asarray(as_numpy(found), dtype=bool)


@dataclass(frozen=True)
class Facts:
    """One source column and what is counted of it; the costly parts are computed when asked for.

    Parameters
    ----------
    name
        The column.
    column
        As the source gives it; dictionary columns decoded.
    dtype
        Its type in the source.
    source
        As the source gives it.
    """

    name: str
    column: pa.ChunkedArray
    dtype: pa.DataType
    source: pa.ChunkedArray

    @property
    def rows(self) -> int:
        """Rows, with nulls."""
        return len(self.column)

    @functools.cached_property
    def nulls(self) -> int:
        """Rows without a value."""
        return int(self.column.null_count)

    @property
    def filled(self) -> int:
        """Rows with a value."""
        return self.rows - self.nulls

    @functools.cached_property
    def present(self) -> pa.Array:
        """The values without nulls, in row order."""
        dropped = self.column.drop_null() if self.nulls else self.column
        return dropped.combine_chunks()

    @functools.cached_property
    def spread(self) -> pa.Array:
        """Up to 4,000 values from evenly spaced rows."""
        n = len(self.present)
        rows = np.unique(np.linspace(0, n - 1, min(n, 4 * _SAMPLE)).astype(np.int64))
        return self.present.take(pa.array(rows))

    @functools.cached_property
    def sample(self) -> list[str]:
        """Up to 1,000 distinct values (the first 1,000 characters), for costly expressions."""
        return [str(v)[:_LONGEST] for v in pc.unique(self.spread)[:_SAMPLE].to_pylist()]

    @functools.cached_property
    def cells(self) -> tuple[pa.Array, npt.NDArray[np.int64]]:
        """Values and how often each stands; values may stand twice if nearly all are distinct."""
        spread = self.spread
        if len(spread) == 4 * _SAMPLE and len(pc.unique(spread)) > 0.9 * len(spread):
            return self.present, np.ones(len(self.present), dtype=np.int64)
        return self.distinct

    @functools.cached_property
    def distinct(self) -> tuple[pa.Array, npt.NDArray[np.int64]]:
        """Distinct values in order of appearance and how often each stands."""
        counted = pc.value_counts(self.present)
        counts = as_numpy(counted.field("counts"))
        return counted.field("values"), counts.astype(np.int64)

    @property
    def num_distinct(self) -> int:
        """Number of distinct values."""
        return len(self.distinct[0])

    @property
    def unique(self) -> bool:
        """Whether each row has a value of its own."""
        return self.num_distinct == self.rows


@dataclass(frozen=True)
class NumberFacts:
    """Distinct finite numbers in order, how often each stands, and where they stand.

    Attributes
    ----------
    values, counts
        Shape (distinct,).
    infinite
        Rows with an infinite value.
    """

    values: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]
    infinite: int = 0

    @classmethod
    def of(cls, values: npt.NDArray[np.float64], weights: npt.NDArray[np.int64]) -> NumberFacts:
        """Count numbers that stand `weights` times each; NaN is no value."""
        infinite = int(weights[np.isinf(values)].sum())
        finite = np.isfinite(values)
        values, weights = values[finite] + 0.0, weights[finite]
        order = np.argsort(values, kind="stable")
        values, weights = values[order], weights[order]
        if len(values) == 0:
            return cls(values, weights, infinite)
        first = np.flatnonzero(np.r_[True, np.diff(values) != 0])
        return cls(values[first], np.add.reduceat(weights, first), infinite)

    @property
    def rows(self) -> int:
        """Rows with a finite value."""
        return int(self.counts.sum())

    @functools.cached_property
    def whole(self) -> bool:
        """Whether all are whole numbers of 64 bits."""
        v = self.values
        return bool(len(v)) and bool(np.all(v == np.rint(v)) and np.abs(v).max() < 2**63)

    @staticmethod
    def whole_texts(text: pa.Array) -> bool:
        """Whether most of the texts of numbers are long runs of digits."""
        long = pc.match_substring_regex(text, r"^[+-]?[0-9]{16,}$").fill_null(False)
        return bool(len(long)) and pc.mean(long).as_py() > 0.5

    @property
    def unique(self) -> bool:
        """Whether each value stands once."""
        return bool(len(self.counts)) and int(self.counts.max()) == 1

    def without(self, codes: tuple[float, ...]) -> NumberFacts:
        """Leave out some values."""
        keep = ~np.isin(self.values, codes)
        return NumberFacts(self.values[keep], self.counts[keep], self.infinite)

    def quantile(self, q: float) -> float:
        """Quantile of the rows."""
        place = np.searchsorted(np.cumsum(self.counts), q * self.rows)
        return float(self.values[min(int(place), len(self.values) - 1)])


def made(facts: Facts, kind: Kind, reason: str, **fields: object) -> Column:
    """Return a column with the name, type and nullability of the facts."""
    given = {"nullable": facts.nulls > 0, **fields}
    return Column(name=facts.name, kind=kind, dtype=str(facts.dtype), reason=reason, **given)  # type: ignore[arg-type]


def single(facts: Facts) -> Column | None:
    """Return the column of one value, with or without nulls."""
    first = facts.present[0]
    if len(facts.present) > 1 and facts.present[-1] != first:
        return None
    if pc.any(pc.not_equal(facts.present, first)).as_py():
        return None
    text = as_text(pa.chunked_array([facts.present[:1]]))[0].as_py()
    if text is None:  # NaN or infinite throughout
        return made(facts, Kind.CONSTANT, "no finite values at all", nullable=True, categories=())
    fmt = Format(nulls=()) if text == "" else Format()
    if facts.nulls:
        reason = "one value or none: what varies is whether it is there"
        return made(facts, Kind.CATEGORY, reason, categories=(text,), format=fmt)
    unique = facts.rows == 1
    reason = "the same value in every row"
    return made(facts, Kind.CONSTANT, reason, categories=(text,), format=fmt, unique=unique)


def discrete(
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
    return made(facts, kind, reason, categories=labels, format=fmt)


def _sorted_labels(values: pa.Array) -> tuple[str, ...]:
    numbers = number_format.to_floats(values)
    labels = values.to_pylist()
    if numbers.null_count == 0:
        order = np.argsort(as_numpy(numbers), kind="stable")
        return tuple(labels[i] for i in order)
    return tuple(sorted(labels))


def textual(facts: Facts) -> Facts:
    """Return the facts of a typed column as text."""
    return Facts(facts.name, as_text(facts.column), facts.dtype, facts.source)
