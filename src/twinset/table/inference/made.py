"""Build columns from facts: constants, categories, and the parts that all kinds share."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinset.table import number_format
from twinset.table.canonical import as_text
from twinset.table.inference.facts import Facts
from twinset.table.schema import Column, Format, Kind

__all__ = ["discrete", "made", "single", "textual"]

_MOST_CATEGORIES = 100_000


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
        order = np.argsort(numbers.to_numpy(zero_copy_only=False), kind="stable")
        return tuple(labels[i] for i in order)
    return tuple(sorted(labels))


def textual(facts: Facts) -> Facts:
    """Return the facts of a typed column as text."""
    return Facts(facts.name, as_text(facts.column), facts.dtype, facts.source)
