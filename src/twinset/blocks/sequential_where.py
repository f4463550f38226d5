"""Draw rows of a sequential model that pass tests: masked column by column, then weighed.

A test is met at the last of its columns: codes of that column which cannot pass, given the row so
far, are left out, and the row's weight is the probability of those that are left. A row is kept
with probability w / max w (rejection; the maximum is that of all candidates: Caffo, Booth and Davis
2002, Biometrika 89), and only what is kept gets the columns that follow. So the distribution inside
is the model's own: masking without weights would leave the columns before it as they were.

Which codes of a column may pass, given the columns of a row that are drawn: a category's codes are
values; a code of a number is an interval, and a test that says where its answer may change
(`twinset.protocols.RowTest.ends`) is asked at those ends and between them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.blocks.sequential import CodedRows, Sequential, effective_size
from twinset.encoding.bins import Discretizer
from twinset.progress import check_time
from twinset.protocols import RowTest, Sample
from twinset.stats.seeds import spawn
from twinset.table.schema import Schema
from twinset.table.table import Table

__all__ = ["allowed_codes", "draw_where"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
_MOST_BITS = 62  # cells of a column that are told apart row by row
_MOST_PATTERNS = 256
_MOST_ASKED = 2_000_000
_AT_ONCE = 65_536
_POOL = 16_384  # candidates whose largest weight is taken for the largest
_HOPELESS = 4 * _POOL
_MOST = 2**19  # candidates that are always allowed
_TIMES = 6.0  # and the cost of a condition beside rows without one
_GAIN = 1.5  # times fewer candidates by weights, for which exactness is given up
_RAREST = 2_000  # candidates a row at most
_LEAST_LIMIT = 2**22


def draw_where(
    model: Sequential, n: int, tests: Sequence[RowTest], rng: np.random.Generator
) -> Sample:
    """Draw `n` rows that pass all `tests`; fewer if that would take too many candidates.

    Where rejection would take more than 6 times the time of free rows (and 524,288 candidates), and
    weights take far less, rows are resampled by weight (Rubin 1987, "SIR") from so many candidates
    that their effective sample size (Kish 1965) is that of `n` rows; what is drawn from them is
    worth about half of that, as the effective size says.
    """
    place = {model.coders[i].column.name: p for p, i in enumerate(model.order)}
    last = max(place[name] for test in tests for name in test.columns) + 1
    most = max(_MOST, math.ceil(_TIMES * n * len(model.order) / last))
    pool, wanted = _Pool(), float(n)
    while True:
        check_time()
        many = int(np.clip(wanted - pool.drawn, 1_000, _AT_ONCE))
        pool.add(many, *_candidates(model, model.order[:last], many, tests, rng), rng)
        kept = pool.kept
        if not len(pool.weight):
            wanted = 4.0 * pool.drawn
            if pool.drawn >= _HOPELESS:
                break
            continue
        if kept >= n and (pool.is_even or pool.drawn >= _POOL):
            break
        expected = pool.share.sum() if pool.is_whole else max(kept, 1)
        by_rejection = 1.1 * n * pool.drawn / expected + 100
        by_weight = 1.2 * n * pool.drawn / effective_size(pool.weight[None, :])[0]
        if pool.is_whole and by_rejection > max(most, _GAIN * by_weight):
            wanted = by_weight
            if pool.drawn >= by_weight:
                return _finished(model, pool, n, last, rng, by_weight=True)
            continue
        wanted = max(by_rejection, 0 if pool.is_even else _POOL, pool.drawn + 1)
        if wanted > max(_RAREST * n, _LEAST_LIMIT):
            break
        if pool.drawn > most:
            pool.thin()
    return _finished(model, pool, n, last, rng, by_weight=False)


def _finished(
    model: Sequential, pool: _Pool, n: int, last: int, rng: np.random.Generator, *, by_weight: bool
) -> Sample:
    """Choose rows of the pool and draw their other columns."""
    kept, worth = pool.kept, float(min(n, pool.kept))
    pick = np.flatnonzero(pool.chosen)[:n]
    if by_weight:
        cumulative = np.cumsum(pool.share)
        asked = (np.arange(n) + rng.random()) / n * cumulative[-1]
        pick = rng.permutation(np.minimum(np.searchsorted(cumulative, asked), len(cumulative) - 1))
        worth = 1 / (1 / n + 1 / float(effective_size(pool.weight[None, :])[0]))  # drawn twice
    rows = CodedRows.joined(pool.parts).take(pick)
    model.advance(model.order[last:], rows, {}, len(pick), rng)
    cells = pool.cells + len(pick) * (len(model.order) - last)
    saved = 1 - cells / (pool.drawn * len(model.order))
    method: Literal["exact", "importance"] = "importance" if by_weight else "exact"
    table = model.decode(rows, rng)
    return Sample(table, method, kept / pool.drawn, worth, pool.drawn, saved)


@dataclass
class _Pool:
    """Candidates that may be kept: each has a log weight, and its chance once and for all."""

    parts: list[CodedRows] = field(default_factory=list)
    weight: Floats = field(default_factory=lambda: np.zeros(0))
    chance: Floats = field(default_factory=lambda: np.zeros(0))
    drawn: int = 0
    cells: int = 0
    is_whole: bool = True

    def add(
        self, many: int, rows: CodedRows, weight: Floats, cells: int, rng: np.random.Generator
    ) -> None:
        """Add what is left of `many` candidates."""
        self.parts.append(rows)
        self.weight = np.concatenate([self.weight, weight])
        self.chance = np.concatenate([self.chance, rng.random(len(weight))])
        self.drawn += many
        self.cells += cells

    @property
    def share(self) -> Floats:
        """Weights beside the largest."""
        return np.asarray(np.exp(self.weight - self.weight.max(initial=-np.inf)))

    @property
    def chosen(self) -> npt.NDArray[np.bool_]:
        """Which candidates rejection keeps."""
        return np.asarray(self.chance < self.share)

    @property
    def is_even(self) -> bool:
        """Whether all weights are alike, so that their maximum is no guess."""
        return len(self.weight) > 0 and float(np.ptp(self.weight)) < 1e-9

    @property
    def kept(self) -> int:
        """How many candidates rejection keeps."""
        return int(self.chosen.sum())

    def thin(self) -> None:
        """Forget what is not kept: a larger maximum would not bring it back."""
        chosen = np.flatnonzero(self.chosen)
        self.parts = [CodedRows.joined(self.parts).take(chosen)]
        self.weight, self.chance = self.weight[chosen], self.chance[chosen]
        self.is_whole = False


def _candidates(
    model: Sequential,
    steps: Sequence[int],
    n: int,
    tests: Sequence[RowTest],
    rng: np.random.Generator,
) -> tuple[CodedRows, Floats, int]:
    """Draw some columns of `n` rows; return those that may pass, their log weights, the cells."""
    rows, weight, cells, waiting = CodedRows(), np.zeros(n), 0, list(tests)
    tested = {name for test in tests for name in test.columns}
    numbers = (i for i, c in enumerate(model.coders) if c.intervals is not None)
    linked = model.linked | {i for i in numbers if model.coders[i].column.name in tested}
    there: set[str] = set()
    for i, own in zip(steps, spawn(rng, len(steps)), strict=True):
        cells += n
        there.add(model.coders[i].column.name)
        due = [s for s in waiting if there.issuperset(s.columns)]
        waiting = [s for s in waiting if s not in due]
        mask = allowed_codes(model, i, rows, n, due) if due and n else None
        if mask is None:
            drawn = model.steps[i].draw(rows.codes, n, own)
        else:
            drawn, mass = model.steps[i].draw_within(rows.codes, *mask, own)
            left = np.flatnonzero(mass > 0)
            rows, drawn, n = rows.take(left), drawn[left], len(left)
            weight = weight[left] + np.log(mass[left])
        model.put(i, rows, *model.finished(i, drawn, rows, linked, own), linked)
        for test in due:
            passed = np.flatnonzero(test.passes(model.part(rows, test.columns)))
            rows, weight, n = rows.take(passed), weight[passed], len(passed)
    return rows, weight, cells


def allowed_codes(
    model: Sequential, i: int, rows: CodedRows, n: int, tests: Sequence[RowTest]
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
