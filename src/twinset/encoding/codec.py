"""Codec: canonical tables to the learnable form that generators see, and back.

Generators see two shapes only: dictionary-encoded text (boolean, category, ordinal) and float64
with null (all number-like kinds, ``format.step`` giving their grid). On the way in it protects what
is rare or extreme (`twinset.encoding.protection`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinset.encoding.protection import (
    FALSE_TRUE,
    Protected,
    boolean_codes,
    null_share,
    number_step,
    protected,
)
from twinset.encoding.surrogates import whole_widths
from twinset.encoding.weekly_cycle import UNITS
from twinset.errors import ConditionError, InputError
from twinset.table.schema import Column, Format, Kind, Schema
from twinset.table.table import Table, canonical_type, from_numbers, numbers

__all__ = ["Codec", "Protected"]

_DICTIONARY = canonical_type(Kind.CATEGORY)


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
        columns, arrays = [], []
        changes: list[Protected] = []
        for column in table.schema.columns:
            if not column.is_learnable:
                nulls = null_share(table[column.name], table.units, protect)
                columns.append(_unlearned(column, nullable=nulls > 0))
                continue
            safe, array, done = protected(column, table[column.name], table.units, protect, rng)
            columns.append(safe)
            arrays.append(array)
            changes += done
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


def _unlearned(column: Column, *, nullable: bool) -> Column:
    """Return a column that is made new: of a number's bounds only their digits stay."""
    low, high = column.low, column.high
    if column.kind is Kind.IDENTIFIER and low is not None and high is not None:
        counted_on = column.unique and column.format.step is not None and 0 <= low <= 1
        bottom, top = whole_widths(int(low), int(high))
        low, high = low if counted_on else float(bottom), float(top)
    else:
        low = high = None
    nullable = nullable or ("nullable" in column.declared and column.nullable)
    return column.model_copy(update={"low": low, "high": high, "nullable": nullable})


def _learnable(column: Column) -> Column:
    """Return the column as generators see it."""
    shown = column.model_copy(update={"personal": None, "reason": "", "dtype": ""})
    if column.kind.is_number_like:
        grid = Format(step=number_step(column), date_format=UNITS.get(column.kind))
        return shown.model_copy(update={"kind": Kind.REAL, "format": grid})
    update: dict[str, Any] = {"format": Format()}
    if column.kind is Kind.BOOLEAN:
        update |= {"kind": Kind.CATEGORY, "categories": FALSE_TRUE}
    return shown.model_copy(update=update)


def _no_codes(column: Column) -> pa.Array:
    levels = pa.array(column.categories or (), pa.string())
    return pa.DictionaryArray.from_arrays(pa.array([], pa.int32()), levels)


def _encode(column: Column, data: pa.ChunkedArray) -> pa.Array:
    """Learnable form of a canonical column, within the known categories and bounds."""
    if column.kind is Kind.BOOLEAN:
        return boolean_codes(data)
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
    levels = FALSE_TRUE if column.kind is Kind.BOOLEAN else (column.categories or ())
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
        text = str(value)
        if column.kind is Kind.DATE:
            text = text.removesuffix(" 00:00:00")  # of pandas, which has no dates
        cast = pa.array([text]).cast(canonical_type(column.kind))
    except (ValueError, TypeError, pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise InputError(
            f"condition on {column.name!r}",
            got="a value that is not of the column's kind",
            allowed=column.kind.value,
        ) from None
    return float(numbers(pa.chunked_array([cast]), column.kind)[0])
