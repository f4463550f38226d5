"""What a person has declared of a column, against what the data say: the person wins, checked."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from twinset.errors import InputError, SchemaError
from twinset.table.canonical import canonical_column
from twinset.table.schema import Column, Format, Schema
from twinset.table.table import numbers

__all__ = ["check_declared", "check_fits", "declared_fields", "merged"]

_NOT_WISHES = frozenset({"name", "declared", "reason", "dtype"})
_COUNTED = frozenset({"low", "high", "categories", "nullable", "unique"})


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
