"""Columns that no generator sees: identifiers, text, personal data, constants; made anew.

Of the private column only the share of nulls is learned, and of a number how many digits it has.
Values come from `twinset.encoding.surrogates`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from twinset.encoding.encoder import Encoded
from twinset.encoding.protection import is_null_public
from twinset.encoding.surrogates import whole_widths
from twinset.errors import InputError
from twinset.protocols import FitContext
from twinset.stats.units import Units, holders
from twinset.table.schema import Column, Kind
from twinset.table.table import Table

__all__ = ["MadeNewEncoder", "MadeNewEncoding"]


@dataclass(frozen=True)
class MadeNewEncoding:
    """One column as none; the twin makes its values.

    Attributes
    ----------
    null_share
        Share of its cells that are null.
    """

    column: Column
    null_share: float = 0.0

    @property
    def columns(self) -> tuple[Column, ...]:
        """The column without what its values tell."""
        return (self.column,)

    @property
    def encoded(self) -> tuple[Column, ...]:
        """None."""
        return ()

    def encode(self, table: Table) -> list[pa.Array]:
        """Nothing."""
        return []

    def decode(self, encoded: Table) -> list[pa.ChunkedArray]:
        """Nothing: see `twinset.sampling.sample`."""
        return []

    def stated(self, value: object) -> None:
        """Refuse: it cannot be asked for."""
        raise InputError(
            f"condition on {self.column.name!r}",
            got=f"a column of kind {self.column.kind.value} that is made new",
        )


@dataclass(frozen=True)
class MadeNewEncoder:
    """Learns how a column is made new.

    Parameters
    ----------
    protect
        Minimum number of units that have a null, and that have none.
    """

    protect: int

    def fit(self, columns: tuple[Column, ...], *, context: FitContext) -> Encoded:
        """Read the share of nulls."""
        (column,) = columns
        table = context.read([column.name], "share of nulls of a column that is made new")
        missing = np.asarray(table[column.name].is_null())
        share = _null_share(missing, table.units, self.protect)
        return Encoded(MadeNewEncoding(_without_values(column, nullable=share > 0), share), [])


def _null_share(missing: np.ndarray[tuple[int], np.dtype[np.bool_]], units: Units, k: int) -> float:
    """Share of nulls: 0 or 1 where fewer than `k` units differ."""
    if holders(missing, units) < k:
        return 0.0
    return 1.0 if holders(~missing, units) < k else float(missing.mean())


def _without_values(column: Column, *, nullable: bool) -> Column:
    """Return a column that is made new: of a number's bounds only their digits stay."""
    low, high = column.low, column.high
    if column.kind is Kind.IDENTIFIER and low is not None and high is not None:
        counted_on = column.unique and column.format.step is not None and 0 <= low <= 1
        bottom, top = whole_widths(int(low), int(high))
        low, high = low if counted_on else float(bottom), float(top)
    else:
        low = high = None
    nullable = nullable or is_null_public(column)
    return column.model_copy(update={"low": low, "high": high, "nullable": nullable})
