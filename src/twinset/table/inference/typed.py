"""Columns of typed sources: what their Arrow type already says."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinset.errors import InputError

__all__ = ["as_float_text", "check_type", "decoded", "is_number", "typed_moments"]


def check_type(name: str, dtype: pa.DataType) -> None:
    """Refuse types that are not values of a table; InputError says what to do."""
    t = pa.types
    inner = dtype.value_type if t.is_dictionary(dtype) else dtype
    if t.is_nested(inner):
        hint = "leave the column out, or make one column of each part"
    elif t.is_binary(inner) or t.is_large_binary(inner) or t.is_fixed_size_binary(inner):
        hint = "leave the column out, or decode it to text"
    elif t.is_interval(inner) or isinstance(inner, pa.ExtensionType) or t.is_union(inner):
        hint = "leave the column out, or cast it to a plain type"
    else:
        return
    kind = re.split(r"[<\[(]", str(inner))[0]
    raise InputError(
        f"column {name!r}",
        got=f"values of Arrow type {kind}",
        allowed="numbers, text, booleans, dates and times",
        hint=hint,
    )


def decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Column without dictionary encoding and views; text as 32-bit or 64-bit strings."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if column.type == pa.string_view():
        column = column.cast(pa.large_string())
    if pa.types.is_large_string(column.type) and column.nbytes < 2**31 - 1:
        column = column.cast(pa.string())
    return column


def is_number(dtype: pa.DataType) -> bool:
    """Whether a type holds numbers."""
    t = pa.types
    return bool(t.is_integer(dtype) or t.is_floating(dtype) or t.is_decimal(dtype))


def typed_moments(values: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Microseconds of typed dates, datetimes, times or durations (UTC), and where null."""
    t = pa.types
    null = values.is_null().to_numpy(zero_copy_only=False)
    dtype = values.type
    if t.is_date(dtype):
        days = values.cast(pa.date32()).cast(pa.int32()).fill_null(0).to_numpy(zero_copy_only=False)
        return days.astype(np.int64) * 86_400_000_000, null
    raw = values.cast(pa.int32() if t.is_time32(dtype) else pa.int64()).fill_null(0)
    ticks = raw.to_numpy(zero_copy_only=False).astype(np.int64)
    if dtype.unit == "ns":
        return np.floor_divide(ticks, 1000), null
    return ticks * {"s": 1_000_000, "ms": 1000, "us": 1}[dtype.unit], null


def as_float_text(values: np.ndarray) -> pa.Array:
    """Shortest texts of floats, to see how many decimals they have."""
    return pc.cast(pa.array(values), pa.string())
