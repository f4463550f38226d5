"""Bootstrap: train rows drawn with replacement. Leaks on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.protocols import Conditional, FitContext, Generator, PartialRows, Sample, State
from twinset.table.table import Table, coded

__all__ = ["Bootstrap", "BootstrapModel"]


@dataclass(frozen=True)
class BootstrapModel(Conditional):
    """The train rows."""

    table: Table

    def sample(self, n: int, *, rng: np.random.Generator) -> Table:
        """Draw `n` rows."""
        return _plain(self.table, rng.integers(self.table.num_rows, size=n))

    def complete(self, rows: PartialRows, *, rng: np.random.Generator) -> Sample:
        """Draw among the train rows that share the known cells; any where none does."""
        found, is_found = _matching(self.table.select(rows.table.names), rows, rng)
        table = rows.into(_plain(self.table, found))
        if is_found.all():
            return Sample(table, "exact", effective_size=rows.num_rows)
        return Sample(table, "approximate", effective_size=float(is_found.sum()))

    def to_state(self) -> State:
        """Numbers as float64, categories as int32 codes."""
        state: State = {}
        for column in self.table.schema.columns:
            data = self.table.data[column.name]
            if column.kind.is_number_like:
                state[column.name] = data.combine_chunks().to_numpy(zero_copy_only=False)
            else:
                state[column.name] = coded(data)[0].astype(np.int32)
        return state


@dataclass(frozen=True)
class Bootstrap(Generator):
    """LEAKS ON PURPOSE: releases train rows as they are; the positive control of every audit.

    Its rows are perfect in distribution and protect no one (Efron 1979, Annals of Statistics 7,
    section 2, for the resampling itself).
    """

    name: ClassVar[str] = "bootstrap"
    model: ClassVar[type[Any]] = BootstrapModel
    leaks_on_purpose: ClassVar[bool] = True

    def fit(self, table: Table, *, context: FitContext) -> BootstrapModel:
        """Keep all rows of `table`."""
        return BootstrapModel(table)

    def from_state(self, state: State, table: Table) -> BootstrapModel:
        """Rebuild from `BootstrapModel.to_state`."""
        arrays = []
        for column in table.schema.columns:
            values = np.asarray(state[column.name])
            if column.kind.is_number_like:
                arrays.append(pa.array(values, mask=np.isnan(values)))
            else:
                indices = pa.array(values, mask=values < 0, type=pa.int32())
                levels = pa.array(column.categories or (), pa.string())
                arrays.append(pa.DictionaryArray.from_arrays(indices, levels))
        return BootstrapModel(Table(table.schema, pa.table(arrays, names=list(table.names))))


def _plain(table: Table, rows: npt.NDArray[np.int64]) -> Table:
    return Table(table.schema, table.data.take(pa.array(rows)))


def _matching(
    train: Table, rows: PartialRows, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """For each row a random train row that shares its known cells, or any; and whether it does."""
    given = rows.table
    both = pa.concat_tables([train.data, given.data]).unify_dictionaries()
    codes = np.stack([coded(both[name])[0] for name in given.names], axis=1)
    n = train.num_rows
    place = rng.integers(n, size=given.num_rows)
    is_found = np.ones(given.num_rows, dtype=bool)
    known_cells = np.stack([rows.known[name] for name in given.names], axis=1)
    masks, which = np.unique(known_cells, axis=0, return_inverse=True)
    for i, known in enumerate(masks):
        asked = np.flatnonzero(which.ravel() == i)
        part = np.concatenate([codes[:n, known], codes[n + asked][:, known]])
        keys = np.unique(part, axis=0, return_inverse=True)[1].ravel()
        order = np.argsort(keys[:n], kind="stable")
        first = np.searchsorted(keys[:n][order], keys[n:], side="left")
        last = np.searchsorted(keys[:n][order], keys[n:], side="right")
        found = last > first
        pick = first + np.floor(rng.random(len(asked)) * (last - first)).astype(np.int64)
        place[asked[found]] = order[pick[found]]
        is_found[asked[~found]] = False
    return place, is_found
