"""What a metric may ask of its evidence; `twinset.evidence.evidence` fulfils it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from twinset.stats.units import Units
from twinset.table.schema import Kind

__all__ = ["Cells", "Coded", "Side", "Split", "Standing"]

T = TypeVar("T")
Side = Literal["train", "synthetic", "holdout"]
Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.integer[Any]]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Coded:
    """One column as codes: bins or categories fitted on train, then null, then unseen values.

    Attributes
    ----------
    codes
        Shape (rows at hand,) for each side.
    size
        Number of codes; the last but one is null, the last is unseen (not in train).
    order
        Codes by value where the column is ordered, else None.
    text
        What each code is, in words; to be shown only where 10 train units or more hold the code.
    """

    name: str
    kind: Kind
    codes: dict[Side, Codes]
    size: int
    order: npt.NDArray[np.int64] | None
    text: tuple[str, ...]

    @property
    def null(self) -> int:
        """Code of null."""
        return self.size - 2

    @property
    def unseen(self) -> int:
        """Code of values that train does not have."""
        return self.size - 1


@dataclass(frozen=True, eq=False)
class Cells:
    """Counts of some columns' joint codes in each table.

    Attributes
    ----------
    columns, shape
        The columns and how many codes each has.
    counts
        Shape (cells,) for each side.
    unseen
        Shape (cells,): cells that train cannot have.
    codes
        The columns' codes in the rows at hand, for each side.
    """

    columns: tuple[str, ...]
    shape: tuple[int, ...]
    counts: dict[Side, Counts]
    unseen: npt.NDArray[np.bool_]
    codes: dict[Side, tuple[Codes, ...]]

    def index(self, side: Side, rows: npt.NDArray[np.int64] | None = None) -> npt.NDArray[np.int64]:
        """Return shape (rows,): the cell of each row, or of the rows at these places."""
        codes = self.codes[side] if rows is None else tuple(c[rows] for c in self.codes[side])
        found = codes[0].astype(np.int64)
        for code, size in zip(codes[1:], self.shape[1:], strict=True):
            found *= size
            found += code
        return found


@dataclass(frozen=True, eq=False)
class Split:
    """A model's view of two tables: features, which columns are categories, and units."""

    features: Floats
    names: tuple[str, ...]
    categorical: tuple[int, ...]
    units: Units

    def take(self, rows: npt.NDArray[np.generic]) -> Split:
        """Rows at these places, or where a mask is true."""
        units = None if self.units is None else self.units[rows]
        return Split(self.features[rows], self.names, self.categorical, units)

    def only(self, columns: npt.NDArray[np.int64]) -> Split:
        """Columns at these places."""
        names = tuple(self.names[i] for i in columns)
        categorical = tuple(k for k, i in enumerate(columns) if i in self.categorical)
        return Split(self.features[:, columns], names, categorical, self.units)


@dataclass(frozen=True)
class Standing:
    """How many `rows` of a table, of so many `units`, equal a train row."""

    copied: int
    rows: int
    units: int
