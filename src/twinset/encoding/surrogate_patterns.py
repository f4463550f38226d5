"""Draw from patterns (`twinset.table.patterns`) in whole arrays, without repeats where asked."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinset.errors import InputError
from twinset.table.patterns import Slot, parse

__all__ = ["by_pattern", "permuted", "rows_to_text"]

Ints = npt.NDArray[np.int64]
_INDEXED = 2**31 - 1
_MOST_ROWS = 50_000_000
_MOST_SHAPES = 64


@dataclass(frozen=True)
class _Shape:
    """A pattern of fixed length: one alphabet per character, and how many values are indexed.

    `indexed` are the places of characters that spell the row's index; the others are random.
    """

    alphabets: tuple[str, ...]
    room: int
    indexed: tuple[int, ...]

    @classmethod
    def of(cls, slots: tuple[str, ...]) -> _Shape:
        room, indexed = 1, []
        for place in reversed(range(len(slots))):
            size = len(slots[place])
            if size > 1 and room * size <= _INDEXED:
                room *= size
                indexed.append(place)
        return cls(slots, room, tuple(indexed))


def permuted(index: Ints, room: int, salt: int) -> Ints:
    """Scramble [0, room) one to one, `room` at most 2^32.

    Four rounds of a Feistel network on pairs below the root of `room`; the few results outside walk
    on until inside (J. Black and P. Rogaway, "Ciphers with arbitrary finite domains", 2002).

    >>> sorted(permuted(np.arange(10), 10, salt=7).tolist())
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    if room <= 1:
        return index % max(room, 1)
    side = math.isqrt(room - 1) + 1
    out = _network(index % room, side, salt)
    while len(outside := np.flatnonzero(out >= room)):
        out[outside] = _network(out[outside], side, salt)
    return out


def _network(index: Ints, side: int, salt: int) -> Ints:
    left, right = np.divmod(index, side)
    for turn in range(4):
        mixed = (right.astype(np.uint64) + np.uint64(salt * 4 + turn + 1)) * np.uint64(
            0x9E3779B97F4A7C15
        )
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(32)
        left, right = right, (left + (mixed % np.uint64(side)).astype(np.int64)) % side
    out: Ints = left * side + right
    return out


def by_pattern(
    pattern: str,
    n: int,
    rng: np.random.Generator,
    *,
    start: int = 0,
    salt: int = 0,
    unique: bool = False,
    name: str = "",
) -> pa.Array:
    """Draw `n` texts of a pattern; shape (n,).

    Parameters
    ----------
    pattern
        See `twinset.table.patterns.parse`.
    start, salt, unique
        With `unique`, rows of different index have different texts, for one salt.
    name
        Of the column, for the error.

    Raises
    ------
    InputError
        If a unique pattern has fewer values than rows; SchemaError if it is no pattern.
    """
    shapes = _shapes(parse(pattern))
    index = start + np.arange(n, dtype=np.int64)
    if not unique:
        which = rng.integers(0, len(shapes), n)
        return _gather(shapes, which, None, rng)
    which, within = _allot(shapes, index, salt, start + n, name)
    return _gather(shapes, which, within, rng)


def _shapes(alternatives: list[list[Slot]]) -> list[_Shape]:
    """Fixed-length forms of a pattern; counts that vary too much are held at their largest."""
    out: dict[tuple[str, ...], _Shape] = {}
    for slots in alternatives:
        spans = [range(s.low, s.high + 1) for s in slots]
        while math.prod(map(len, spans)) > _MOST_SHAPES:
            widest = max(range(len(spans)), key=lambda i: len(spans[i]))
            spans[widest] = range(spans[widest].stop - 1, spans[widest].stop)
        for counts in itertools.product(*spans):
            flat = tuple(
                itertools.chain.from_iterable(
                    itertools.repeat(s.alphabet, k) for s, k in zip(slots, counts, strict=True)
                )
            )
            out[flat] = _Shape.of(flat)
    return list(out.values())


def _allot(shapes: list[_Shape], index: Ints, salt: int, rows: int, name: str) -> tuple[Ints, Ints]:
    """Which shape and which of its values each row gets; different for different rows."""
    rooms = np.array([s.room for s in shapes], dtype=np.int64)
    total = int(rooms.sum())
    if rows > total:
        raise InputError(
            f"column {name!r}" if name else "pattern",
            got=f"{rows:,} rows",
            allowed=f"{total:,} different values of its pattern",
            hint="declare a wider pattern, or the column as not unique",
        )
    if total <= _INDEXED:
        place = permuted(index, total, salt)
        ends = np.cumsum(rooms)
        which = np.searchsorted(ends, place, side="right")
        return which, place - (ends - rooms)[which]
    rows = max(rows, _MOST_ROWS)  # the same shapes in every chunk, or chunks would share values
    wide = np.flatnonzero(rooms >= -(-rows // len(rooms)))
    if not len(wide) or rooms[wide].min() < -(-rows // len(wide)):
        wide = np.array([int(rooms.argmax())])
    which = wide[index % len(wide)]
    within = np.empty(len(index), dtype=np.int64)
    for shape in wide:
        mine = which == shape
        within[mine] = permuted(index[mine] // len(wide), int(rooms[shape]), salt)
    return which, within


def _gather(
    shapes: list[_Shape], which: Ints, within: Ints | None, rng: np.random.Generator
) -> pa.Array:
    """Texts of all rows, shape by shape, back in row order."""
    parts, rows = [], []
    for number, shape in enumerate(shapes):
        mine = np.flatnonzero(which == number)
        if len(mine):
            parts.append(_draw(shape, len(mine), None if within is None else within[mine], rng))
            rows.append(mine)
    if not parts:
        return pa.array([], pa.string())
    if len(parts) == 1:
        return parts[0]
    order = np.argsort(np.concatenate(rows), kind="stable")
    return pa.concat_arrays(parts).take(pa.array(order))


def _draw(shape: _Shape, n: int, within: Ints | None, rng: np.random.Generator) -> pa.Array:
    """Texts of one shape: the indexed characters spell `within`, the others are random."""
    if not shape.alphabets:
        return pa.array([""] * n, pa.string())
    ascii_only = all(a.isascii() for a in shape.alphabets)
    out = np.empty((n, len(shape.alphabets)), dtype=np.uint8 if ascii_only else np.uint32)
    rest = None if within is None else within.copy()
    for place in reversed(range(len(shape.alphabets))):
        letters = np.array([ord(c) for c in shape.alphabets[place]], dtype=out.dtype)
        if len(letters) == 1:
            out[:, place] = letters[0]
        elif rest is not None and place in shape.indexed:
            rest, digit = np.divmod(rest, len(letters))
            out[:, place] = letters[digit]
        else:
            out[:, place] = letters[rng.integers(0, len(letters), n, dtype=np.uint32)]
    return rows_to_text(out)


def rows_to_text(chars: npt.NDArray[np.unsignedinteger]) -> pa.Array:
    """Rows of character codes as strings."""
    n, width = chars.shape
    if chars.dtype != np.uint8:
        flat = np.ascontiguousarray(chars).view(f"<U{width}").ravel()
        return pa.array(flat.tolist(), pa.string())
    offsets = np.arange(n + 1, dtype=np.int64) * width
    data = pa.py_buffer(np.ascontiguousarray(chars).tobytes())
    large = pa.Array.from_buffers(
        pa.large_string(), n, [None, pa.py_buffer(offsets.tobytes()), data]
    )
    return pc.cast(large, pa.string())
