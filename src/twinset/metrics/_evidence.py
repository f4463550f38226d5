"""What a metric may ask of its evidence; `twinset.evaluation.evidence` fulfils it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from twinset.protocols import Records
from twinset.stats.units import Units
from twinset.table.schema import Kind, Schema
from twinset.table.table import Table

__all__ = ["Cells", "Coded", "Evidence", "Side", "Split", "Standing"]

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


class Evidence(Protocol):
    """Train, synthetic and holdout, coded once, with everything that metrics share.

    A metric whose class says ``needs = "counts"`` uses counts, sorted values, units and `some` rows
    alone, and is computed on all rows of a table of any size; others get a sample of a large table.
    """

    train: Table
    synthetic: Table
    holdout: Table | None
    target: str | None
    sensitive: tuple[str, ...]
    schema: Schema

    @property
    def columns(self) -> dict[str, Coded]:
        """Coded columns by name."""
        ...

    @property
    def sides(self) -> tuple[Side, ...]:
        """Tables that are there; the holdout has at most as many rows as the release."""
        ...

    def rng(self, *task: str | int) -> np.random.Generator:
        """Random stream of a task."""
        ...

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what `make` gives, made once for all metrics that ask by this key."""
        ...

    def rows(self, side: Side) -> int:
        """Rows of a table."""
        ...

    def units(self, side: Side) -> Units:
        """Units of a table's rows at hand."""
        ...

    def number_of_units(self, side: Side) -> int:
        """Units of a table."""
        ...

    def effect(self, side: Side, column: str) -> float:
        """Design effect of units on a column's shares."""
        ...

    def held(self, column: str) -> Counts:
        """Units of train that hold each code of a column at least once; shape (codes,)."""
        ...

    def pooled_effect(self, columns: Sequence[str]) -> float:
        """Design effect of real rows, the largest of these columns."""
        ...

    def effects(self, cells: Cells) -> tuple[float, float]:
        """Design effects on a set's counts, of real rows and of the release's."""
        ...

    def dependence_effect(self, cells: Cells) -> float:
        """Design effect of real rows on a pair's joint counts once its margins are fixed."""
        ...

    def effects_along(self, column: str) -> Floats:
        """Design effects of real rows on the shares below a number's 1%, 2% ... 99% quantile."""
        ...

    def cells(self, columns: Sequence[str], levels: int | None = None) -> Cells:
        """Joint counts, each column coarsened to `levels` codes (plus null and unseen)."""
        ...

    def missing_patterns(self, columns: Sequence[str]) -> Cells:
        """Counts of which of some columns are null together; the last cell is unseen in train."""
        ...

    def null(
        self, cells: Cells, measure: Literal["tvd", "js"], *, raked: bool = False
    ) -> tuple[float, float]:
        """Mean and variance of a distance if the release were a fresh real sample.

        `raked`: of the distance of a pair after both tables were given the same margins.
        """
        ...

    def pooled(self, cells: Cells) -> tuple[Counts, float]:
        """Real rows in each cell that train can have, and the share of fresh rows in the others."""
        ...

    def reference(self, cells: Cells, measure: Literal["tvd", "js"]) -> float:
        """The holdout's own distance from train, at the size of the release."""
        ...

    def some(
        self, side: Side, most: int = ...
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Places of a bounded sample, by unit, of the rows at hand, and the unit of each."""
        ...

    def mean_variance(self, sets: Sequence[Cells]) -> float:
        """Variance of the mean TVD of some sets if the release were a fresh real sample."""
        ...

    def values(self, side: Side, column: str) -> Floats:
        """Return a number-like column of the rows at hand as float64, NaN where null."""
        ...

    def sorted(self, side: Side, column: str) -> Floats:
        """Sorted non-null values of a number-like column."""
        ...

    def real_sorted(self, column: str) -> Floats:
        """Sorted non-null values of a number-like column in train and holdout together."""
        ...

    def numeric(self) -> tuple[str, ...]:
        """Names of number-like columns."""
        ...

    @property
    def holdout_rows(self) -> npt.NDArray[np.int64]:
        """Places in the whole holdout (of models) of the holdout's rows elsewhere."""
        ...

    def model_view(self, side: Side, *, without: str | None = None) -> Split:
        """Features of all rows of a table for a model; holdout is the whole holdout here."""
        ...

    def target_values(self) -> tuple[dict[Side, Floats], tuple[str, ...] | None]:
        """Target per side (class codes or numbers, NaN where null), and class names if discrete."""
        ...

    def records(self) -> dict[Side, Records]:
        """All tables on one scale for distances; holdout is the whole holdout here."""
        ...

    def hashes(self, *, near_unique: bool) -> dict[Side, npt.NDArray[np.uint64]]:
        """One number a row, equal exactly if rows are equal."""
        ...

    def standing_in_train(self, *, near_unique: bool) -> dict[Side, Standing]:
        """How many rows of each whole table equal a train row (of train: another train row)."""
        ...
