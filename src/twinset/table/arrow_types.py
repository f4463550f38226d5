"""Arrow types: by name, what they hold, and which of them a table can have."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinset.errors import InputError, SchemaError

__all__ = [
    "all_whole",
    "arrow_type",
    "as_float_text",
    "as_numpy",
    "as_text",
    "check_type",
    "decoded",
    "is_number",
    "is_text",
    "one_array",
    "typed_moments",
]

_PLAIN: dict[str, pa.DataType] = {
    str(t): t
    for t in (
        pa.null(), pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(),
        pa.uint16(), pa.uint32(), pa.uint64(), pa.float16(), pa.float32(), pa.float64(),
        pa.string(), pa.large_string(), pa.string_view(), pa.date32(), pa.date64(),
        pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns"),
        *(pa.duration(u) for u in ("s", "ms", "us", "ns")),
        *(pa.timestamp(u) for u in ("s", "ms", "us", "ns")),
    )
}  # fmt: skip
_STAMP = re.compile(r"timestamp\[(s|ms|us|ns), tz=([\w+\-/:]+)\]")
_DECIMAL = re.compile(r"decimal(32|64|128|256)\((\d+), (-?\d+)\)")
_DICTIONARY = re.compile(r"dictionary<values=(.+), indices=(u?int\d+), ordered=([01])>")


def arrow_type(name: str) -> pa.DataType:
    """Return the Arrow type whose text form is `name`; SchemaError if there is none.

    >>> arrow_type("timestamp[us, tz=UTC]")
    TimestampType(timestamp[us, tz=UTC])
    """
    if name in _PLAIN:
        return _PLAIN[name]
    if match := _STAMP.fullmatch(name):
        return pa.timestamp(match[1], match[2])
    if match := _DECIMAL.fullmatch(name):
        make = {"32": "decimal32", "64": "decimal64", "128": "decimal128", "256": "decimal256"}
        return getattr(pa, make[match[1]])(int(match[2]), int(match[3]))
    if match := _DICTIONARY.fullmatch(name):
        values, indices = arrow_type(match[1]), arrow_type(match[2])
        return pa.dictionary(indices, values, ordered=match[3] == "1")
    raise SchemaError("dtype", got=repr(name), allowed="an Arrow type, such as string or int64")


def is_text(dtype: pa.DataType) -> bool:
    """Whether values of the type are text."""
    return bool(
        pa.types.is_string(dtype) or pa.types.is_large_string(dtype) or dtype == pa.string_view()
    )


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


def one_array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column in one piece."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    # Arrow leaves a column in pieces that no single array can hold
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def as_numpy(array: pa.Array | pa.ChunkedArray) -> npt.NDArray[Any]:
    """Return a column's values; a null is NaN or None."""
    kept = isinstance(array, pa.ChunkedArray)
    out: npt.NDArray[Any] = array.to_numpy() if kept else array.to_numpy(zero_copy_only=False)
    return out


def as_float_text(values: np.ndarray) -> pa.Array:
    """Shortest texts of floats, to see how many decimals they have."""
    return pc.cast(pa.array(values), pa.string())


def as_text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values of any plain type as text: whole floats without decimals."""
    if values.type == pa.string():
        return values
    if pa.types.is_floating(values.type):
        x = values.cast(pa.float64())
        whole = all_whole(x)
        x = pc.if_else(pc.is_finite(x), x, None)
        return (x.cast(pa.int64()) if whole else x).cast(pa.string())
    return values.cast(pa.string())


def all_whole(x: pa.ChunkedArray) -> bool:
    """Whether all known values are whole and small enough to be written without decimals."""
    whole = pc.all(pc.or_kleene(pc.equal(x, pc.floor(x)), pc.is_nan(x))).as_py()
    x = pc.if_else(pc.is_finite(x), x, None)
    return bool(whole) and (pc.max(pc.abs(x)).as_py() or 0) < 2**53
