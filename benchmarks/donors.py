"""Generators that release real values on purpose, to hold attacks against published figures.

Not for data that matters: no protection, no smoothing. `plug_in` makes them known to twinset and to
its worker processes by the entry points that every plug-in uses.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from twinset.protocols import FitContext, Generator, State
from twinset.table.schema import Kind
from twinset.table.table import Table

MOST_CLASSES = 50


def plug_in(folder: Path) -> None:
    """Write the entry points of `Donors` into `folder`, and let Python find them and this file."""
    made = folder / "twinset_donors-0.dist-info"
    made.mkdir(parents=True, exist_ok=True)
    (made / "METADATA").write_text("Metadata-Version: 2.1\nName: twinset-donors\nVersion: 0\n")
    (made / "entry_points.txt").write_text("[twinset.generators]\ndonors = donors:Donors\n")
    added = [str(folder), str(Path(__file__).resolve().parent)]
    sys.path[:0] = added
    known = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join([*added, *([known] if known else [])])


@dataclass(frozen=True, eq=False)
class DonorsModel:
    """The train rows, and a tree for each column that has one."""

    table: Table
    features: np.ndarray
    trees: tuple[Any, ...]
    whole: bool

    def sample(self, n: int, *, rng: np.random.Generator) -> Table:
        """Draw rows: of each cell the row that gave it."""
        size = self.table.num_rows
        if self.whole:
            return self.table.take(rng.permutation(np.arange(n) % size))
        made = np.empty((n, len(self.trees)))
        columns = []
        for at, tree in enumerate(self.trees):
            rows = rng.integers(0, size, n)
            if tree is not None:
                rows = _donors(tree.apply(self.features[:, :at]), tree.apply(made[:, :at]), rng)
            made[:, at] = self.features[rows, at]
            columns.append(self.table.data.column(at).take(pa.array(rows)))
        return Table(self.table.schema, pa.table(columns, schema=self.table.data.schema))

    def to_state(self) -> State:
        """Refuse: nothing here is to be kept in a file."""
        raise NotImplementedError


@dataclass(frozen=True)
class Donors(Generator):
    """Values of real rows: whole rows, sequential CART with donor values, or column by column.

    Parameters
    ----------
    leaf
        0 releases the train rows as they are, each once; 1 or more is the least leaf of sequential
        CART (Nowok, Raab, Dibben 2016): the columns in their order, a value from a random donor of
        its leaf; -1 draws each column by itself.
    """

    name: ClassVar[str] = "donors"
    model: ClassVar[type[Any]] = DonorsModel
    leaks_on_purpose: ClassVar[bool] = True

    leaf: int = 5

    def fit(self, table: Table, *, context: FitContext) -> DonorsModel:
        """Grow a tree for each column on those before it."""
        features = np.stack([_features(table, c.name) for c in table.schema.columns], axis=1)
        trees: list[Any] = [None]
        for at, column in enumerate(table.schema.columns[1:], 1):
            target = features[:, at]
            if self.leaf < 1 or np.ptp(target) == 0:
                trees.append(None)
                continue
            few = column.kind is not Kind.REAL and np.unique(target).size <= MOST_CLASSES
            kind = DecisionTreeClassifier if few else DecisionTreeRegressor
            tree = kind(min_samples_leaf=self.leaf, random_state=int(context.rng.integers(2**31)))
            trees.append(tree.fit(features[:, :at], target))
        return DonorsModel(table, features, tuple(trees), whole=self.leaf == 0)

    def from_state(self, state: State, table: Table) -> DonorsModel:
        """Refuse: nothing here is to be kept in a file."""
        raise NotImplementedError


def _donors(own: np.ndarray, asked: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a random train row of each leaf that is asked for."""
    order = np.argsort(own, kind="stable")
    size = np.bincount(own, minlength=int(own.max()) + 1)
    start = np.cumsum(size) - size
    return order[start[asked] + (rng.random(len(asked)) * size[asked]).astype(np.int64)]


def _features(table: Table, name: str) -> np.ndarray:
    """Return numbers with their median where null, or levels by number."""
    column = table[name]
    if pa.types.is_dictionary(column.type):
        return column.combine_chunks().indices.fill_null(-1).to_numpy().astype(float)
    values = column.to_numpy().astype(float)
    if np.isnan(values).all():
        return np.zeros(len(values))
    return np.where(np.isnan(values), np.nanmedian(values), values)
