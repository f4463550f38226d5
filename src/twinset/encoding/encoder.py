"""Encoders: what turns some columns into what generators see, and back.

An encoder is fitted on n columns of the private table and gives m: one number or one code column
for what is learned, none for what is made new. Generators see two shapes only, float64 with null
and dictionary-encoded text. Protection is a step of fitting: what an encoding tells of its columns
(categories, bounds, codes, nulls) is what at least `protect` units share or a person declared.

Conforming encoders: `twinset.encoding.numbers.NumberEncoder` (dates and times too),
`twinset.encoding.categories.CategoryEncoder`, `twinset.encoding.made_new.MadeNewEncoder`. Which one
a column takes is said in `twinset.encoding.table_encoding.encoder_of`, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from twinset.encoding.protection import Protected
from twinset.protocols import FitContext
from twinset.table.schema import Column
from twinset.table.table import Table

__all__ = ["Encoded", "Encoder", "Encoding"]


class Encoding(Protocol):
    """A fitted encoder; it holds no rows, and can be rebuilt from its columns."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The n columns as tables have them, protected."""
        ...

    @property
    def encoded(self) -> tuple[Column, ...]:
        """The m columns that generators see."""
        ...

    def encode(self, table: Table) -> list[pa.Array]:
        """Return the m arrays of more rows: null for an unknown category, within the bounds."""
        ...

    def decode(self, encoded: Table) -> list[pa.ChunkedArray]:
        """Return canonical arrays of the n columns."""
        ...

    def stated(self, value: object) -> float | str | None:
        """Return one value that a user states, as it is when encoded; None for a null.

        Raises
        ------
        InputError
            If it is none of this kind of column, or the column cannot be asked for.
        ConditionError
            If the model does not know it.
        """
        ...


@dataclass(frozen=True)
class Encoded:
    """What fitting gives: the encoding, the train rows in it, and what protection changed."""

    encoding: Encoding
    arrays: Sequence[pa.Array]
    changes: tuple[Protected, ...] = ()


class Encoder(Protocol):
    """How some columns are to be encoded."""

    def fit(self, columns: tuple[Column, ...], *, context: FitContext) -> Encoded:
        """Read the columns through `context` and learn their protected form."""
        ...
