"""Edge cases for tests of software: boundaries, rare pairs, nulls, all pairs covered."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinset.errors import ConditionError, InputError
from twinset.rules.constraints import Claim
from twinset.rules.derive import derivations, target_of
from twinset.rules.row_tests import Condition
from twinset.sampling.column_values import Choice, bounds_of, categories_of, legal, table_of
from twinset.sampling.fitted import Fitted
from twinset.sampling.sample import whole
from twinset.stats.seeds import stream
from twinset.table.schema import Column, Kind
from twinset.table.table import Table

__all__ = ["Covered", "Edges", "edge_cases"]

Mask = npt.NDArray[np.bool_]
Row = dict[str, Choice]
_MOST_COLUMNS = 200
_MOST_LEVELS = 60
_BATCH = 24
_FILLS = 48
_MADE = 1_000


@dataclass(frozen=True)
class Covered:
    """What a set of edge cases covers.

    Attributes
    ----------
    rows, columns, values
        Rows, learned columns, and values looked for in all of them together.
    pairs, covered
        Pairs of values of two columns, and those that stand in a row.
    excluded
        Pairs for which no row that keeps the rules was found.
    """

    rows: int
    columns: int
    values: int
    pairs: int
    covered: int
    excluded: int


@dataclass(frozen=True)
class Edges:
    """Rows of edge cases, and what they cover."""

    table: Table
    covered: Covered


def edge_cases(twin: Fitted, *, condition: Condition | None = None, seed: int) -> Edges:
    """Return rows that hold every pair of values of any two learned columns, under the rules.

    Values are all categories, and of a number its protected bounds, their neighbours, zero and the
    middle, and codes such as -9; null where the column may be null. A covering array of strength 2
    by a greedy algorithm: each row starts from a pair that is missing and takes, column by column,
    the value that covers most (Cohen, Dalal, Fredman and Patton 1997, IEEE Trans. Softw. Eng. 23,
    section 3). All values come from the twin's protected schema: none is a single person's. Texts
    that are made new appear with their longest and shortest of 1,000.

    Raises
    ------
    InputError
        If there are more than 200 columns, or a number has no bounds.
    ConditionError
        If no row at all keeps the rules.
    """
    computed = derivations(twin.rules, ())
    given = {target_of(c) for c in computed}
    names = [n for n in twin.encoding.encoded.names if n not in given]
    if len(names) > _MOST_COLUMNS:
        raise InputError("--edge-cases", got=f"{len(names)} columns", allowed="at most 200")
    levels = {n: _levels(twin.schema[n]) for n in names}
    rng = stream(seed, "edges")
    array = _Array(twin, levels, computed, condition, rng)
    rows = array.rows()
    if not rows:
        raise ConditionError("--edge-cases", got="no row that keeps the rules")
    table, _ = array.checked(rows)
    missing = sum(int(m.sum()) for m in array.missing.values())
    pairs = sum(m.size for m in array.missing.values())
    values = sum(map(len, levels.values()))
    covered = Covered(len(rows), len(names), values, pairs, pairs - missing, missing)
    return Edges(_with_texts(twin, whole(twin, table, seed), seed), covered)


def _levels(column: Column) -> list[Choice]:
    """Return the values of a column that tests should meet."""
    found: list[Choice] = []
    if column.kind.is_number_like:
        low, high, step = bounds_of(column)
        near = step or (high - low) / 1_000
        middle = low + near * np.floor((high - low) / near / 2)
        tried = {low, low + near, middle, high - near, high, 0.0 if low <= 0 <= high else low}
        found += sorted(float(v) for v in tried if low <= v <= high)
        found += [float(v) for v in column.sentinels]
    else:
        found += categories_of(column)[:_MOST_LEVELS]
    return [*found, None] if column.nullable else found


@dataclass(eq=False)
class _Array:
    """A covering array while it grows: which pairs are missing, by two columns."""

    twin: Fitted
    levels: dict[str, list[Choice]]
    computed: tuple[Claim, ...]
    condition: Condition | None
    rng: np.random.Generator
    missing: dict[tuple[str, str], Mask] = field(init=False)
    _drawn: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.missing = {
            (a, b): np.ones((len(self.levels[a]), len(self.levels[b])), dtype=bool)
            for a, b in itertools.combinations(self.levels, 2)
        }

    def rows(self) -> list[Row]:
        """Return rows until every pair that can be is covered."""
        if len(self.levels) == 1:
            rows = [{n: v} for n, values in self.levels.items() for v in values]
            _, good = self.checked(rows)
            return [r for r, g in zip(rows, good, strict=True) if g]
        found: list[Row] = []
        failed: set[tuple[str, str, int, int]] = set()
        while open_ := self._open(failed):
            picked = [open_[i] for i in self.rng.permutation(len(open_))[:_BATCH]]
            rows = [self._row(pair) for pair in picked]
            _, good = self.checked(rows)
            for pair, row, fits in zip(picked, rows, good, strict=True):
                a, b, i, j = pair
                if not self.missing[a, b][i, j]:
                    continue  # an earlier row of the batch has it
                chosen = row if fits else self._filled(pair)
                if chosen is None:
                    failed.add(pair)
                    continue
                self._cover(chosen)
                found.append(chosen)
        return found

    def checked(self, rows: list[Row]) -> tuple[Table, Mask]:
        """Return rows as a table with what rules compute, and which are legal."""
        encoding = self.twin.encoding
        values = {n: [r[n] for r in rows] for n in self.levels}
        return legal(table_of(encoding, values), self.twin.rules, self.computed, self.condition)

    def _open(self, failed: set[tuple[str, str, int, int]]) -> list[tuple[str, str, int, int]]:
        """Return pairs that are missing, of the two columns that miss most."""
        counts = {k: int(m.sum()) for k, m in self.missing.items()}
        for a, b, _, _ in failed:
            counts[a, b] -= 1
        a, b = max(counts, key=lambda k: counts[k])
        if not counts[a, b]:
            return []
        return [
            p
            for i, j in np.argwhere(self.missing[a, b]).tolist()
            if (p := (a, b, i, j)) not in failed
        ]

    def _row(self, pair: tuple[str, str, int, int]) -> Row:
        """Grow a row from a pair: each further column takes the value that covers most."""
        a, b, i, j = pair
        at = {a: i, b: j}
        rest = [n for n in self.levels if n not in at]
        for name in self.rng.permutation(rest).tolist():
            gain = self.rng.random(len(self.levels[name]))
            for other, k in at.items():
                both = self.missing.get((name, other))
                gain += both[:, k] if both is not None else self.missing[other, name][k]
            at[name] = int(np.argmax(gain))
        return {n: self.levels[n][at[n]] for n in self.levels}

    def _filled(self, pair: tuple[str, str, int, int]) -> Row | None:
        """Return a legal row with the pair in it, all else as the model draws it; None if not."""
        a, b, i, j = pair
        drawn = self._pool()
        rows = [{**row, a: self.levels[a][i], b: self.levels[b][j]} for row in drawn]
        rows = [rows[k] for k in self.rng.permutation(len(rows))[:_FILLS]]
        _, good = self.checked(rows)
        return rows[int(np.argmax(good))] if good.any() else None

    def _pool(self) -> list[Row]:
        """Return rows of the model, in the form of generators."""
        if not self._drawn:
            drawn = self.twin.model.sample(2_000, rng=self.rng)
            self._drawn = drawn.data.select(list(self.levels)).to_pylist()
        return self._drawn

    def _cover(self, row: Row) -> None:
        at = {n: values.index(row[n]) for n, values in self.levels.items() if row[n] in values}
        for a, b in itertools.combinations(at, 2):
            self.missing[a, b][at[a], at[b]] = False


def _with_texts(twin: Fitted, table: Table, seed: int) -> Table:
    """Put the longest and the shortest of many made texts into the first two rows."""
    used = {n for rule in twin.rules for n in rule.columns}
    for place, column in enumerate(table.schema.columns):
        if column.kind is not Kind.TEXT or column.name in used or table.num_rows < 2:
            continue
        learned = table.select(list(twin.encoding.encoded.names))
        many = whole(twin, learned.take(np.arange(_MADE) % table.num_rows), seed)[column.name]
        size = np.asarray(pc.fill_null(pc.utf8_length(many.cast(pa.string())), 0))
        ends = many.take(pa.array([int(size.argmax()), int(size.argmin())])).combine_chunks()
        rest = table[column.name].combine_chunks().slice(2)
        values = pa.chunked_array([ends, rest])
        table = Table(table.schema, table.data.set_column(place, column.name, values))
    return table
