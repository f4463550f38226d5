"""Codec: canonical tables to the learnable form that generators see, and back.

Generators see two shapes only: dictionary-encoded text (boolean, category, ordinal) and float64
with null (all number-like kinds, ``format.step`` giving their grid). On the way in it protects:

* *rare categories* (and rare answers of a yes or no), held by fewer than `protect` units, are
  replaced by draws from the others, so a model never learns them and a release never shows them;
* *extreme values*: numbers beyond the mean of the `protect`-th to (2 `protect` - 1)-th largest unit
  (and smallest) are moved to that mean, so the ends of a column tell of no single unit.

Categories and bounds that a person has declared are public and pass unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinset.blocks.surrogates import whole_widths
from twinset.errors import ConditionError, InputError
from twinset.table.schema import Column, Format, Kind, Schema
from twinset.table.table import Table, canonical_type, from_numbers, numbers

__all__ = ["Codec", "Protected"]

_DICTIONARY = canonical_type(Kind.CATEGORY)
_FALSE_TRUE = ("false", "true")


@dataclass(frozen=True)
class Protected:
    """What protection did to one column: `rows` of the train table were changed."""

    column: str
    what: str
    rows: int


@dataclass(frozen=True)
class Codec:
    """Encoder and decoder of the learnable columns of one schema.

    `schema` is the full, protected schema: its category lists and bounds hold only what at least
    `protect` units share or a person declared.
    """

    schema: Schema
    protect: int = 5

    @property
    def learnable(self) -> Schema:
        """Schema of the tables that the generator sees."""
        return Schema(columns=tuple(_learnable(c) for c in self.schema.columns if c.is_learnable))

    @classmethod
    def fit(
        cls, table: Table, *, protect: int, rng: np.random.Generator
    ) -> tuple[Codec, Table, tuple[Protected, ...]]:
        """Return the codec, the protected learnable table, and what protection changed."""
        columns, arrays, changes = [], [], []
        for column in table.schema.columns:
            if not column.is_learnable:
                columns.append(_unlearned(column))
                continue
            data = table[column.name]
            if column.kind.is_number_like:
                safe, array, rows = _protect_numbers(column, data, table.units, protect)
                what = "extreme values moved to the mean of a group"
            else:
                safe, array, rows = _protect_categories(column, data, table.units, protect, rng)
                what = "rare categories replaced"
            columns.append(safe)
            arrays.append(array)
            if rows:
                changes.append(Protected(column.name, what, rows))
        codec = cls(Schema(columns=tuple(columns)), protect)
        data = pa.table(arrays, names=list(codec.learnable.names))
        return codec, Table(codec.learnable, data, table.units), tuple(changes)

    def learnable_empty(self) -> Table:
        """Learnable table without rows: tells a model file's reader what the columns are."""
        columns = self.learnable.columns
        types = [pa.float64() if c.kind is Kind.REAL else _DICTIONARY for c in columns]
        arrays = [
            pa.array([], pa.float64()) if t == pa.float64() else _no_codes(c)
            for c, t in zip(columns, types, strict=True)
        ]
        return Table(self.learnable, pa.table(arrays, names=[c.name for c in columns]))

    def encode_rows(self, table: Table) -> Table:
        """Learnable form of more rows of the same kind; unknown categories become null."""
        schema = self.learnable.select(list(table.names))
        arrays = [_encode(self.schema[n], table[n]) for n in table.names]
        return Table(schema, pa.table(arrays, names=list(table.names)), table.units)

    def decode(self, table: Table) -> dict[str, pa.ChunkedArray]:
        """Canonical Arrow columns of a learnable table, by name."""
        return {name: _decode(self.schema[name], table[name]) for name in table.names}

    def encode_given(self, given: Mapping[str, object], n: int) -> Table:
        """Return `n` rows that hold the stated values in the stated columns.

        Raises
        ------
        ConditionError
            If a value is outside the categories or bounds of its column.
        InputError
            If a column cannot carry a condition.
        """
        columns, arrays = [], []
        for name, value in given.items():
            column = self.schema[name]
            if not column.is_learnable:
                raise InputError(
                    f"condition on {name!r}",
                    got=f"a column of kind {column.kind.value} that is made new",
                    allowed=", ".join(self.learnable.names[:12]),
                )
            columns.append(_learnable(column))
            arrays.append(_given(column, value, n))
        schema = Schema(columns=tuple(columns))
        return Table(schema, pa.table(arrays, names=list(schema.names)))


def _unlearned(column: Column) -> Column:
    """Return a column that is made new: of a number's bounds only their digits stay."""
    low, high = column.low, column.high
    if column.kind is Kind.IDENTIFIER and low is not None and high is not None:
        counted_on = column.unique and column.format.step is not None and 0 <= low <= 1
        bottom, top = whole_widths(int(low), int(high))
        low, high = low if counted_on else float(bottom), float(top)
    else:
        low = high = None
    return column.model_copy(update={"low": low, "high": high})


def _learnable(column: Column) -> Column:
    """Return the column as generators see it."""
    shown = column.model_copy(update={"personal": None, "reason": "", "dtype": ""})
    if column.kind.is_number_like:
        step = column.format.step
        if step is None and column.kind in (Kind.INTEGER, Kind.DATE):
            step = 1.0
        if step is None and column.format.decimals is not None and column.kind is Kind.REAL:
            step = 10.0**-column.format.decimals
        return shown.model_copy(update={"kind": Kind.REAL, "format": Format(step=step)})
    update: dict[str, Any] = {"format": Format()}
    if column.kind is Kind.BOOLEAN:
        update |= {"kind": Kind.CATEGORY, "categories": _FALSE_TRUE}
    return shown.model_copy(update=update)


def _per_unit(
    values: npt.NDArray[np.float64], units: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Largest value of each unit."""
    order = np.lexsort((values, units))
    last = np.append(np.flatnonzero(np.diff(units[order])), len(order) - 1)
    largest: npt.NDArray[np.float64] = values[order][last]
    return largest


def _bound(
    values: npt.NDArray[np.float64], units: npt.NDArray[np.int64] | None, k: int
) -> float | None:
    """Mean of the k-th to (2k-1)-th largest of the units' largest values.

    Of fewer than 2k units it is the mean of all; of fewer than k there is none.
    """
    top = values if units is None or not len(values) else _per_unit(values, units)
    if len(top) < k:
        return None
    if len(top) < 2 * k:
        return float(top.mean())
    largest = np.partition(top, len(top) - 2 * k)[-2 * k :]
    group = np.sort(largest)[1 : k + 1]
    return float(group[0]) if group[0] == group[-1] else float(group.mean())


def _protect_numbers(
    column: Column, data: pa.ChunkedArray, units: npt.NDArray[np.int64] | None, k: int
) -> tuple[Column, pa.Array, int]:
    values = numbers(data, column.kind)
    code = np.isin(values, column.sentinels)
    plain = ~np.isnan(values) & ~code
    x, u = values[plain], None if units is None else units[plain]
    high = column.high if "high" in column.declared else _bound(x, u, k)
    low = column.low if "low" in column.declared else _negate(_bound(-x, u, k))
    if high is None or low is None:  # fewer than k units have a value: nothing is learned
        low = high = None
        changed = int(plain.sum())
        values = np.where(plain, np.nan, values)
        column = column.model_copy(update={"nullable": column.nullable or changed > 0})
    else:
        step = _learnable(column).format.step
        if step is not None:
            low, high = (_to_grid(v, x, step) for v in (low, high))
        low, high = min(low, high), max(low, high)
        clipped = np.clip(x, low, high)
        changed = int((clipped != x).sum())
        values = values.copy()
        values[plain] = clipped
    safe = column.model_copy(
        update={"low": low, "high": high, "sentinels": _common_codes(column, values, units, k)}
    )
    if set(safe.sentinels) != set(column.sentinels):
        drop = np.isin(values, tuple(set(column.sentinels) - set(safe.sentinels)))
        changed += int(drop.sum())
        values = np.where(drop, np.nan, values)
        safe = safe.model_copy(update={"nullable": safe.nullable or bool(drop.any())})
    return safe, pa.array(values, mask=np.isnan(values)), changed


def _common_codes(
    column: Column,
    values: npt.NDArray[np.float64],
    units: npt.NDArray[np.int64] | None,
    k: int,
) -> tuple[float, ...]:
    """Sentinel codes that at least k units hold."""
    kept = []
    for code in column.sentinels:
        rows = np.flatnonzero(values == code)
        held = len(rows) if units is None else len(np.unique(units[rows]))
        if held >= k or "sentinels" in column.declared:
            kept.append(code)
    return tuple(kept)


def _negate(value: float | None) -> float | None:
    return None if value is None else -value


def _to_grid(value: float, x: npt.NDArray[np.float64], step: float) -> float:
    """Nearest point of the grid that the column's values lie on."""
    offset = float(x[0]) % step if len(x) else 0.0
    return float(round(offset + round((value - offset) / step) * step, 12))


def _protect_categories(
    column: Column,
    data: pa.ChunkedArray,
    units: npt.NDArray[np.int64] | None,
    k: int,
    rng: np.random.Generator,
) -> tuple[Column, pa.Array, int]:
    if column.kind is Kind.BOOLEAN:
        return _protect_booleans(column, data, units, k)
    encoded = pc.cast(data, pa.string()).combine_chunks().dictionary_encode()
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    levels = encoded.dictionary.to_pylist()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    held = _units_per_code(codes, units, len(levels))
    declared = set(column.categories or ()) if "categories" in column.declared else set()
    public = np.array([level in declared for level in levels], dtype=bool)
    common = (held >= k) | public
    known = codes >= 0
    rare = known & ~common[codes]
    order = [c for c in (column.categories or sorted(levels)) if c in set(levels) | declared]
    place = {level: i for i, level in enumerate(levels)}
    kept = tuple(c for c in order if c not in place or common[place[c]])
    new_code = np.full(len(levels) + 1, -1, dtype=np.int32)
    for i, level in enumerate(kept):
        if level in place:
            new_code[place[level]] = i
    out = new_code[codes]
    if rare.any() and common.any():
        pool = out[known & ~rare]
        out[rare] = rng.choice(pool, size=int(rare.sum())) if len(pool) else -1
    nullable = column.nullable or bool((out < 0).any())
    safe = column.model_copy(update={"categories": kept, "nullable": nullable})
    indices = pa.array(out, mask=out < 0, type=pa.int32())
    array = pa.DictionaryArray.from_arrays(indices, pa.array(kept, pa.string()))
    return safe, array, int(rare.sum())


def _protect_booleans(
    column: Column, data: pa.ChunkedArray, units: npt.NDArray[np.int64] | None, k: int
) -> tuple[Column, pa.Array, int]:
    """Give the answer that fewer than k units gave the other value; null if that is rare too."""
    array = _boolean_codes(data)
    codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    held = _units_per_code(codes, units, len(_FALSE_TRUE))
    rare = (codes >= 0) & (held < k)[codes]
    if not rare.any():
        return column, array, 0
    out = np.where(rare, 1 - codes if held.max() >= k else -1, codes).astype(np.int32)
    safe = column.model_copy(update={"nullable": column.nullable or bool((out < 0).any())})
    indices = pa.array(out, mask=out < 0, type=pa.int32())
    levels = pa.array(_FALSE_TRUE, pa.string())
    return safe, pa.DictionaryArray.from_arrays(indices, levels), int(rare.sum())


def _units_per_code(
    codes: npt.NDArray[np.int64], units: npt.NDArray[np.int64] | None, levels: int
) -> npt.NDArray[np.int64]:
    """Number of distinct units that hold each code (nulls, -1, are left out)."""
    known = codes >= 0
    codes = codes[known]
    if units is None:
        return np.bincount(codes, minlength=levels)
    pairs = np.unique(np.stack([codes, units[known]]), axis=1)
    return np.bincount(pairs[0], minlength=levels)


def _boolean_codes(data: pa.ChunkedArray) -> pa.Array:
    indices = pc.cast(data, pa.int32()).combine_chunks()
    indices = indices.combine_chunks() if isinstance(indices, pa.ChunkedArray) else indices
    return pa.DictionaryArray.from_arrays(indices, pa.array(_FALSE_TRUE, pa.string()))


def _no_codes(column: Column) -> pa.Array:
    levels = pa.array(column.categories or (), pa.string())
    return pa.DictionaryArray.from_arrays(pa.array([], pa.int32()), levels)


def _encode(column: Column, data: pa.ChunkedArray) -> pa.Array:
    """Learnable form of a canonical column, within the known categories and bounds."""
    if column.kind is Kind.BOOLEAN:
        return _boolean_codes(data)
    if not column.kind.is_number_like:
        levels = pa.array(column.categories or (), pa.string())
        indices = pc.index_in(pc.cast(data, pa.string()), levels).combine_chunks()
        return pa.DictionaryArray.from_arrays(indices, levels)
    values = numbers(data, column.kind)
    if column.low is not None and column.high is not None:
        plain = ~np.isin(values, column.sentinels)
        values = np.where(plain, np.clip(values, column.low, column.high), values)
    return pa.array(values, mask=np.isnan(values))


def _decode(column: Column, data: pa.ChunkedArray) -> pa.ChunkedArray:
    if column.kind is Kind.BOOLEAN:
        return pc.equal(pc.cast(data, pa.string()), "true")
    if not column.kind.is_number_like:
        return data.cast(_DICTIONARY)
    values = numbers(data, Kind.REAL)
    if column.kind is Kind.REAL and column.format.decimals is not None:
        values = np.round(values, column.format.decimals)
    if column.low is not None and column.high is not None:
        plain = ~np.isin(values, column.sentinels)
        values = np.where(plain, np.clip(values, column.low, column.high), values)
    return pa.chunked_array([from_numbers(values, column.kind)])


def _given(column: Column, value: object, n: int) -> pa.Array:
    """Return `n` times one stated value in learnable form."""
    if value is None:
        return pa.nulls(n, pa.float64() if column.kind.is_number_like else _DICTIONARY)
    if column.kind.is_number_like:
        number = _number(column, value)
        outside = column.low is not None and column.high is not None
        if outside and not (column.low <= number <= column.high or number in column.sentinels):  # type: ignore[operator]
            raise ConditionError(
                f"condition on {column.name!r}",
                got="a value outside what the model knows",
                hint="ask for a value between the bounds that `twinset schema` shows",
            )
        return pa.array(np.full(n, number))
    levels = _FALSE_TRUE if column.kind is Kind.BOOLEAN else (column.categories or ())
    text = _boolean_text(column, value) if column.kind is Kind.BOOLEAN else str(value)
    if text not in levels:
        raise ConditionError(
            f"condition on {column.name!r}",
            got="a category that the model does not know",
            allowed=f"one of the {len(levels)} categories with at least the minimum count",
        )
    indices = np.full(n, levels.index(text), dtype=np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(indices), pa.array(levels, pa.string()))


def _boolean_text(column: Column, value: object) -> str:
    text = str(value)
    if text == column.format.true:
        return "true"
    if text == column.format.false:
        return "false"
    return text.lower()


def _number(column: Column, value: object) -> float:
    """Return the number of one stated value: a number, or text of a date or time."""
    try:
        if column.kind in (Kind.INTEGER, Kind.REAL):
            return float(value)  # type: ignore[arg-type]
        cast = pa.array([str(value)]).cast(canonical_type(column.kind))
    except (ValueError, TypeError, pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise InputError(
            f"condition on {column.name!r}",
            got="a value that is not of the column's kind",
            allowed=column.kind.value,
        ) from None
    return float(numbers(pa.chunked_array([cast]), column.kind)[0])
