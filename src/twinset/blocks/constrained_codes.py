"""Which codes of a column may pass tests, given the columns of a row that are drawn.

A category's codes are values. A code of a number is an interval, and a test that says where its
answer may change (`twinset.protocols.RowTest.ends`) is asked at those ends and between them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.blocks.sequential import Rows, Sequential
from twinset.encoding.bins import Discretizer
from twinset.protocols import RowTest
from twinset.table.schema import Schema
from twinset.table.table import Table

__all__ = ["allowed_codes"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
_MOST_BITS = 62  # cells of a column that are told apart row by row
_MOST_PATTERNS = 256
_MOST_ASKED = 2_000_000


def allowed_codes(
    model: Sequential, i: int, rows: Rows, n: int, tests: Sequence[RowTest]
) -> tuple[Bools, Ints] | None:
    """Return the codes of column `i` that may pass all `tests`, whose other columns are there.

    Shapes (groups, codes) and (rows,): for groups of rows, and which group a row is of. None where
    that cannot be told. A code that is left out never passes; one that is left may fail.
    """
    coder = model.coders[i]
    name = coder.column.name
    found = _cells(coder, [s for s in tests if name in s.columns])
    others = sorted({c for s in tests for c in s.columns} - {name})
    if found is None:
        return None
    values, of_code = found
    cells = len(values)
    if others and (cells > _MOST_BITS or n * cells > _MOST_ASKED):
        return None
    times = n if others else 1
    own = pa.chunked_array([values.take(pa.array(np.tile(np.arange(cells), times)))])
    asked = Table(Schema(columns=(coder.column,)), pa.table({name: own}))
    if others:
        asked = _beside(model.part(rows, others).take(np.repeat(np.arange(n), cells)), asked)
    passes: Bools = np.ones(times * cells, dtype=bool)
    for test in tests:
        passes &= test.passes(asked.select(sorted(test.columns)))
    passes = passes.reshape(times, cells)
    group = np.zeros(n, dtype=np.int64)
    if others:
        key = passes @ (1 << np.arange(cells, dtype=np.int64))
        _, first, group = np.unique(key, return_index=True, return_inverse=True)
        passes = passes[first]
        if len(passes) > _MOST_PATTERNS:
            return None
    derived = len(model.steps[i].share) - coder.size
    allowed = (passes[:, :, None] & of_code[None]).any(axis=1)
    return np.pad(allowed, ((0, 0), (0, derived)), constant_values=True), group


def _cells(coder: Discretizer, tests: Sequence[RowTest]) -> tuple[pa.Array, Bools] | None:
    """Return one value for each cell that tests tell apart, and (cells, codes): which meet."""
    if coder.intervals is None:
        every, nobody = np.arange(coder.size, dtype=np.int32), np.random.default_rng(0)
        return coder.decode(every, nobody), np.eye(coder.size, dtype=bool)  # categories: no draws
    if any(coder.column.name not in s.ends for s in tests):
        return None
    ends = np.unique([e for s in tests for e in s.ends[coder.column.name]])
    low, high = np.r_[-np.inf, np.repeat(ends, 2)], np.r_[np.repeat(ends, 2), np.inf]
    inside = np.zeros(1)
    if len(ends):
        inside = np.r_[ends[0] - 1, (low[1:-1] + high[1:-1]) / 2, ends[-1] + 1]
    alone = np.array(coder.column.sentinels, dtype=np.float64)  # they lie outside the bounds, to
    low, high, inside = (
        np.r_[part, alone] for part in (low, high, inside)
    )  # which all else is cut
    x = coder.intervals
    slack = x.step / 2 + 1e-9 * np.maximum(1, np.abs(x.high))  # values are rounded to their grid
    meets = (low[:, None] <= x.high + slack) & (high[:, None] >= x.low - slack)
    if coder.nullable:
        inside = np.r_[inside, np.nan]
        meets = np.pad(meets, ((0, 1), (0, 1)))
        meets[-1, -1] = True
    return coder.array(inside), meets


def _beside(a: Table, b: Table) -> Table:
    schema = Schema(columns=a.schema.columns + b.schema.columns)
    return Table(schema, pa.table([*a.data.columns, *b.data.columns], names=list(schema.names)))
