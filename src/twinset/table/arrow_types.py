"""Arrow types from their names, so that a column goes back to the type it came in."""

from __future__ import annotations

import re

import pyarrow as pa

from twinset.errors import SchemaError

__all__ = ["arrow_type", "is_text"]

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
