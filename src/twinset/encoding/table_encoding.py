"""The encoding of a whole table: one encoder a column, chosen by its kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from twinset.encoding.categories import CategoryEncoder, CategoryEncoding
from twinset.encoding.encoder import Encoder, Encoding
from twinset.encoding.made_new import MadeNewEncoder, MadeNewEncoding
from twinset.encoding.numbers import NumberEncoder, NumberEncoding
from twinset.encoding.protection import Protected
from twinset.errors import ConditionError, InputError
from twinset.protocols import FitContext, PartialRows
from twinset.stats.units import Units
from twinset.table.schema import Column, Schema
from twinset.table.table import Table

__all__ = ["TableEncoding", "encoded_array", "encoder_of", "fit_encoding"]


def encoder_of(column: Column, protect: int) -> Encoder:
    """Return how a column is encoded."""
    if not column.is_learnable:
        return MadeNewEncoder(protect)
    return NumberEncoder(protect) if column.kind.is_number_like else CategoryEncoder(protect)


def _encoding_of(column: Column, null_share: float) -> Encoding:
    """Rebuild the encoding of a protected column."""
    if not column.is_learnable:
        return MadeNewEncoding(column, null_share)
    return NumberEncoding(column) if column.kind.is_number_like else CategoryEncoding(column)


@dataclass(frozen=True)
class TableEncoding:
    """Fitted encodings of all columns of a table, in their order.

    Attributes
    ----------
    encodings
        One for each column of the schema.
    protect
        Minimum number of units behind all that they tell.
    """

    encodings: tuple[Encoding, ...]
    protect: int = 5

    @classmethod
    def of(
        cls, schema: Schema, protect: int, null_shares: Mapping[str, float] | None = None
    ) -> TableEncoding:
        """Rebuild from a protected schema."""
        shares = null_shares or {}
        encodings = (_encoding_of(c, shares.get(c.name, 0.0)) for c in schema.columns)
        return cls(tuple(encodings), protect)

    @cached_property
    def schema(self) -> Schema:
        """The protected schema: of the whole table, with what is made new."""
        return Schema(columns=tuple(c for e in self.encodings for c in e.columns))

    @cached_property
    def encoded(self) -> Schema:
        """Schema of the tables that the generator sees."""
        return Schema(columns=tuple(c for e in self.encodings for c in e.encoded))

    @cached_property
    def null_shares(self) -> dict[str, float]:
        """Share of nulls in each column that is made new."""
        made = (e for e in self.encodings if isinstance(e, MadeNewEncoding))
        return {e.column.name: e.null_share for e in made}

    @cached_property
    def _by_name(self) -> dict[str, Encoding]:
        return {c.name: e for e in self.encodings for c in e.columns}

    def empty(self) -> Table:
        """Encoded table without rows: tells a model file's reader what the columns are."""
        return _table(self.encoded, [encoded_array(c, []) for c in self.encoded.columns])

    def encode(self, table: Table) -> Table:
        """Encoded form of some columns of more rows; unknown categories become null."""
        used = [self._by_name[n] for n in table.names]
        schema = Schema(columns=tuple(c for e in used for c in e.encoded))
        return _table(schema, [a for e in used for a in e.encode(table)], table.units)

    def decode(self, encoded: Table) -> dict[str, pa.ChunkedArray]:
        """Canonical Arrow columns of an encoded table, by name."""
        found: dict[str, pa.ChunkedArray] = {}
        for encoding in self.encodings:
            if encoding.encoded and encoding.encoded[0].name in encoded.schema:
                names = (c.name for c in encoding.columns)
                found.update(zip(names, encoding.decode(encoded), strict=True))
        return {n: found[n] for n in encoded.names if n in found}

    def stated(self, given: Mapping[str, object], n: int) -> PartialRows:
        """Return `n` rows that hold the stated values; None asks for a null.

        Raises
        ------
        ConditionError
            If a value is outside the categories or bounds of its column, or it has no nulls.
        InputError
            If a column cannot carry a condition.
        """
        columns, arrays = [], []
        for name, value in given.items():
            self.check_askable(name)
            encoding = self._by_name[name]
            stated = encoding.stated(None if _is_null(value) else value)
            if stated is None and not self.schema[name].nullable:
                raise ConditionError(
                    f"condition on {name!r}",
                    got="a null, where the model makes none",
                    hint="leave the column out if it is not known",
                )
            (column,) = encoding.encoded
            columns.append(column)
            arrays.append(encoded_array(column, [stated] * n))
        table = _table(Schema(columns=tuple(columns)), arrays)
        return PartialRows(table, {name: np.ones(n, dtype=bool) for name in given})

    def check_askable(self, name: str) -> None:
        """Raise InputError for a column that no generator sees."""
        if not self.schema[name].is_learnable:
            raise InputError(
                f"condition on {name!r}",
                got=f"a column of kind {self.schema[name].kind.value} that is made new",
                allowed=", ".join(self.encoded.names[:12]),
            )


def encoded_array(column: Column, values: Sequence[float | str | None]) -> pa.Array:
    """Return values of an encoded column in its Arrow type."""
    if column.kind.is_number_like:
        return pa.array(values, pa.float64())
    levels = list(column.categories or ())
    place = {level: i for i, level in enumerate(levels)}
    indices = [None if v is None else place[str(v)] for v in values]
    codes = pa.array(indices, pa.int32())
    return pa.DictionaryArray.from_arrays(codes, pa.array(levels, pa.string()))


def _is_null(value: Any) -> bool:
    """Whether a value is null as Python, numpy or pandas spell it."""
    if value is None or isinstance(value, str):
        return value is None
    import pandas as pd  # here: only conditions need it

    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _table(schema: Schema, arrays: Sequence[pa.Array], units: Units = None) -> Table:
    return Table(schema, pa.table(list(arrays), names=list(schema.names)), units)


def fit_encoding(
    context: FitContext, protect: int
) -> tuple[TableEncoding, Table, tuple[Protected, ...]]:
    """Fit an encoder for each column of the context's table.

    Returns
    -------
    The encoding, the train rows in it, and what protection changed.
    """
    fitted = [encoder_of(c, protect).fit((c,), context=context) for c in context.schema.columns]
    encoding = TableEncoding(tuple(f.encoding for f in fitted), protect)
    arrays = [a for f in fitted for a in f.arrays]
    rows = _table(encoding.encoded, arrays, context.units)
    return encoding, rows, tuple(c for f in fitted for c in f.changes)
