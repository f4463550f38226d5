"""New identifiers, texts and personal data in place of those that are never learned.

Everything is made from the column's schema alone: a pattern, a faker provider, a width. No value of
the source, nor any part of one, comes back, except constants.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinset.encoding.surrogate_patterns import by_pattern, permuted
from twinset.encoding.surrogate_people import PEOPLE
from twinset.encoding.surrogate_words import make_text
from twinset.errors import InputError
from twinset.table.patterns import parse
from twinset.table.schema import Column, Kind

__all__ = ["make", "whole_widths"]

_TYPE_LIMITS = {
    "int8": 127, "uint8": 255, "int16": 32_767, "uint16": 65_535, "int32": 2**31 - 1,
    "uint32": 2**32 - 1,
}  # fmt: skip


def make(
    column: Column, n: int, *, rng: np.random.Generator, start: int = 0, key: int = 0
) -> pa.Array:
    """Make `n` new values of an identifier, text, constant or personal column.

    Parameters
    ----------
    column
        Its format says how values look.
    n
        Number of rows.
    rng
        For everything that need not be unique.
    start
        Index of the first row: chunks with different rows never share a value of a unique column,
        up to 50 million rows where the pattern has room.
    key
        The same for all chunks of one table; another key gives other unique values.

    Returns
    -------
    pa.Array
        Shape (n,), strings in the canonical form of the column, without nulls.

    Raises
    ------
    InputError
        If a unique column has fewer possible values than rows.
    """
    salt = zlib.crc32(column.name.encode()) ^ (key & 0xFFFFFFFF)
    if column.kind is Kind.CONSTANT:
        value = (column.categories or (None,))[0]
        return pa.array([value], pa.string()).take(pa.array(np.zeros(n, dtype=np.int64)))
    if column.format.pattern is not None:
        return _patterned(column, n, rng, start, salt)
    if column.personal is not None or column.format.provider is not None:
        return _personal(column, n, rng, start, salt)
    if column.kind is Kind.TEXT:
        return make_text(column.format.words, n, rng, start=start, salt=salt, unique=column.unique)
    if column.low is not None and column.high is not None:
        return _whole_numbers(column, n, rng, start, salt)
    return _patterned(column, n, rng, start, salt, default="[A-Z]{2}[0-9]{8}")


def _patterned(
    column: Column,
    n: int,
    rng: np.random.Generator,
    start: int,
    salt: int,
    default: str | None = None,
) -> pa.Array:
    pattern = column.format.pattern or default or ""
    limit = _TYPE_LIMITS.get(column.dtype)
    longest = max(sum(s.high for s in shape) for shape in parse(pattern))
    if column.dtype in ("int64", "uint64") and longest > 18:
        eighteen = {
            "low": 1e17,
            "high": 1e18,
            "format": column.format.model_copy(update={"step": None}),
        }
        return _whole_numbers(column.model_copy(update=eighteen), n, rng, start, salt)
    made = by_pattern(
        pattern, n, rng, start=start, salt=salt, unique=column.unique, name=column.name
    )
    if limit is not None:
        made = _within(made, limit, column)
    return made


def _within(made: pa.Array, limit: int, column: Column) -> pa.Array:
    """Fold numbers that do not fit the source's type back into it; unique ones must fit."""
    numbers = pc.cast(made, pa.int64())
    if not len(made) or pc.max(numbers).as_py() <= limit:
        return made
    if column.unique:
        raise InputError(
            f"column {column.name!r}",
            got=f"a pattern whose numbers do not all fit {column.dtype}",
            hint="declare a narrower pattern",
        )
    low = 10 ** (len(str(limit)) - 2)
    folded = numbers.to_numpy(zero_copy_only=False) % (limit - low) + low
    return pc.cast(pa.array(folded), pa.string())


def _whole_numbers(
    column: Column, n: int, rng: np.random.Generator, start: int, salt: int
) -> pa.Array:
    """Whole numbers: counted on where the source counts, else with as many digits."""
    low, high = int(column.low or 0), int(column.high or 0)
    if column.unique and column.format.step:
        values = low + start + np.arange(n, dtype=np.int64)
    else:
        limit = _TYPE_LIMITS.get(column.dtype, 2**63 - 1)
        low, high = whole_widths(low, high, limit)
        if column.unique:
            _check_room(column.name, start + n, limit - low + 1)
            values = _apart(start + np.arange(n, dtype=np.int64), low, high, limit, salt)
        else:
            values = rng.integers(low, high, n, endpoint=True)
    text = pc.cast(pa.array(values), pa.string())
    if column.format.decimals:
        text = pc.binary_join_element_wise(text, "." + "0" * column.format.decimals, "")
    return text


def _apart(
    index: npt.NDArray[np.int64], low: int, high: int, limit: int, salt: int
) -> npt.NDArray[np.int64]:
    """Different numbers for different rows: first all of `low` to `high`, then a digit more."""
    values = np.empty(len(index), dtype=np.int64)
    first = 0
    while True:
        room = min(high - low + 1, 2**31 - 1)
        here = (index >= first) & (index < first + room)
        values[here] = low + permuted(index[here] - first, room, salt)
        first += room
        if not len(index) or index[-1] < first or high >= limit:
            return values
        low, high = high + 1, min(10 * max(high, 1) + 9, limit)


def whole_widths(low: int, high: int, limit: int = 2**63 - 1) -> tuple[int, int]:
    """Widen bounds to whole widths, so that they tell no value of the source.

    >>> whole_widths(1204, 1999)
    (1000, 9999)
    >>> whole_widths(-3, 42)
    (-9, 99)
    """
    bottom = 0 if 0 <= low < 10 else 10 ** (len(str(abs(low))) - 1)
    if low < 0:
        bottom = 1 - 10 * bottom
    top = 10 ** len(str(high)) - 1 if high >= 0 else -(10 ** (len(str(-high)) - 1))
    return max(min(bottom, limit), -limit), min(top, limit)


def _check_room(name: str, rows: int, room: int) -> None:
    if rows > room:
        raise InputError(
            f"column {name!r}",
            got=f"{rows:,} rows",
            allowed=f"{room:,} different values of its form",
            hint="declare a wider pattern, or the column as not unique",
        )


def _personal(column: Column, n: int, rng: np.random.Generator, start: int, salt: int) -> pa.Array:
    """Personal data: our own makers where values must be unique or checked, else faker."""
    provider = column.format.provider or (column.personal or "other")
    maker: Callable[..., pa.Array] = PEOPLE.get(str(provider), PEOPLE["other"])
    index: npt.NDArray[np.int64] = start + np.arange(n, dtype=np.int64)
    return maker(
        index,
        rng,
        provider=str(provider),
        locale=column.format.locale,
        unique=column.unique,
        salt=salt,
    )
