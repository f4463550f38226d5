"""Impute: fill the missing cells of a table by a twin's model, row by row.

Each row's missing cells are drawn together, given its known cells (Rubin 1987, multiple
imputation: several copies show how uncertain the filled cells are). What is known stays as it
stands in the source. A filled cell is never null, unless a rule of the twin leaves no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinset.deprecations import renamed
from twinset.errors import InputError
from twinset.inputs import MAX_ROWS
from twinset.progress import phase
from twinset.protocols import PartialRows
from twinset.rules.derive import derivations, derive
from twinset.sampling.pool import complete
from twinset.stats.seeds import derived, stream
from twinset.table.canonical import to_canonical, to_raw
from twinset.table.schema import Role
from twinset.table.sources import open_source
from twinset.table.split import align_columns
from twinset.table.table import Table
from twinset.table.write import write_table
from twinset.twin import Twin

__all__ = ["Filled", "fill", "impute_to"]

Mask = npt.NDArray[np.bool_]
_PIECE = 8_192
_AT_ONCE = 4_096
_REPEATS = (1, 2, 3, 4, 8)  # candidates a row in each round
_POOL = 2_048


@dataclass(frozen=True)
class Filled:
    """How many cells were filled, and how many are still missing, by column."""

    rows: int
    filled: Mapping[str, int]
    missing: Mapping[str, int]


@renamed(path="out")
def impute_to(
    twin: Twin,
    data: object,
    out: str | Path,
    *,
    seed: int | None = None,
    copy: int | None = None,
    table: str | None = None,
    max_rows: int = MAX_ROWS,
) -> Filled:
    """Write `data` with its missing cells filled; its other cells stay as they stand.

    Parameters
    ----------
    data
        Table, path or URL with the columns of the twin.
    copy
        Number of the imputation: each has draws of its own.

    Raises
    ------
    InputError
        If the columns are not those of the twin.
    """
    seed = twin.seed if seed is None else seed
    seed = seed if copy is None else derived(seed, "impute", copy)
    source = open_source(data, table=table)
    raw = source.raw(max_rows, stream(seed, "read"))
    if raw.num_rows == 0:
        raise InputError(source.name, got="no rows", allowed="at least one row")
    raw = align_columns(raw, twin.schema.names, what=source.name)
    before = to_canonical(raw, twin.schema)
    after = fill(twin, before, seed=seed)
    write_table(_with_known(raw, before, after), out, source)
    counts = {n: (before[n].null_count, after[n].null_count) for n in before.names}
    return Filled(
        raw.num_rows,
        {n: a - b for n, (a, b) in counts.items() if a > b},
        {n: b for n, (_, b) in counts.items() if b},
    )


def _with_known(raw: pa.Table, before: Table, after: Table) -> pa.Table:
    """Put filled cells into the raw table; all others are as they came."""
    made = to_raw(after)
    columns = []
    for name in raw.column_names:
        new = pc.and_(before[name].is_null(), after[name].is_valid()).combine_chunks()
        if not pc.any(new).as_py():
            columns.append(raw[name])
            continue
        own, kind = raw[name].combine_chunks(), raw[name].type
        if pa.types.is_dictionary(kind):
            own, kind = own.cast(kind.value_type), kind.value_type
        columns.append(pc.if_else(new, made[name].combine_chunks().cast(kind), own))
    return pa.table(columns, names=raw.column_names)


def fill(twin: Twin, table: Table, *, seed: int) -> Table:
    """Return a canonical table of the twin's columns with its missing learnable cells filled."""
    for column in twin.schema.with_role(Role.CONTEXT):
        if table[column.name].null_count:
            raise InputError(
                f"column {column.name!r}",
                got="gaps in a column of context, which is never modelled",
                allowed="a value in each row",
            )
    parts = []
    with phase("impute", table.num_rows) as running:
        for start in range(0, table.num_rows, _PIECE):
            part = Table(table.schema, table.data.slice(start, _PIECE))
            parts.append(_Imputation(twin, part, seed, start).filled().data)
            running.advance(part.num_rows)
    return Table(table.schema, pa.concat_tables(parts, promote_options="permissive"))


@dataclass(frozen=True, eq=False)
class _Imputation:
    """Some rows, and the twin that fills them."""

    twin: Twin
    table: Table
    seed: int
    start: int

    @cached_property
    def holes(self) -> dict[str, Mask]:
        """Rows with a cell to be filled, by column."""
        return {n: np.asarray(self.table[n].is_null()) for n in self.twin.encoding.encoded.names}

    def filled(self) -> Table:
        """Draw rows until no cell that can be filled is null; then drop what breaks a rule."""
        open_ = np.logical_or.reduce(list(self.holes.values()))
        table = self.table
        for attempt, repeat in enumerate(_REPEATS):
            rows = np.flatnonzero(open_)
            if not len(rows):
                return table
            candidates = np.repeat(rows, repeat)
            drawn = self._drawn(candidates, attempt)
            last = attempt == len(_REPEATS) - 1
            if last:
                drawn = self._by_column(drawn, candidates)
            legal: Mask = ~self._broken(drawn).reshape(-1, repeat)
            best: Mask = legal & ~self._still_null(drawn, candidates).reshape(-1, repeat)
            if last:  # what must stay empty may
                best = np.where(best.any(axis=1, keepdims=True), best, legal)
            done = best.any(axis=1)
            pick = np.arange(len(rows)) * repeat + np.argmax(best, axis=1)
            table = self._put(table, rows[done], drawn.take(pick[done]))
            open_[rows[done]] = False
        return table

    def _drawn(self, rows: npt.NDArray[np.int64], attempt: int) -> Table:
        """Draw the missing cells of these rows, given what is known; other columns as they are."""
        encoding, known = self.twin.encoding, self.table.take(rows)
        given = encoding.encode(known.select(encoding.encoded.names))
        parts = []
        for start in range(0, len(rows), _AT_ONCE):
            part = Table(given.schema, given.data.slice(start, _AT_ONCE))
            parts.append(
                self._completed(part, stream(self.seed, "impute", self.start, attempt, start))
            )
        columns = encoding.decode(
            Table(encoding.encoded, pa.concat_tables(parts, promote_options="permissive"))
        )
        drawn = _keeping(known, columns)
        computed, _ = derive(derivations(self.twin.rules, ()), drawn)
        return _keeping(known, {name: computed[name] for name in columns})

    def _completed(self, given: Table, rng: np.random.Generator) -> pa.Table:
        """Rows of the model; columns that no row knows are not given."""
        names = [n for n in given.names if given[n].null_count < given.num_rows]
        model = self.twin.model
        if not names:
            return model.sample(given.num_rows, rng=rng).data
        return complete(model, PartialRows.of(given.select(names)), rng=rng).table.data

    def _by_column(self, drawn: Table, rows: npt.NDArray[np.int64]) -> Table:
        """Fill what the model leaves null by values of that column alone, where no rule breaks."""
        if self.twin.schema.with_role(Role.CONTEXT):
            return drawn  # there are no free rows
        rng = stream(self.seed, "impute", self.start, "alone")
        pool = self.twin.encoding.decode(self.twin.model.sample(_POOL, rng=rng))
        for name, mask in self.holes.items():
            own = drawn[name]
            empty = np.asarray(own.is_null()) & mask[rows]
            values = pool[name].drop_null().combine_chunks()
            if not empty.any() or not len(values):
                continue
            chosen = values.take(pa.array(rng.integers(0, len(values), len(rows)))).cast(own.type)
            tried = _with(drawn, name, pc.if_else(pa.array(empty), chosen, own))
            worse = self._broken(tried) & ~self._broken(drawn)
            drawn = _with(drawn, name, pc.if_else(pa.array(empty & ~worse), chosen, own))
        return drawn

    def _still_null(self, drawn: Table, rows: npt.NDArray[np.int64]) -> Mask:
        null = np.zeros(drawn.num_rows, dtype=bool)
        for name, mask in self.holes.items():
            null |= np.asarray(drawn[name].is_null()) & mask[rows]
        return null

    def _broken(self, drawn: Table) -> Mask:
        """Rows that break a rule of the twin which looks at single rows."""
        broken = np.zeros(drawn.num_rows, dtype=bool)
        for rule in self.twin.rules:
            if not rule.claim.whole_table:
                broken |= rule.claim.outcome(drawn).broken
        return broken

    def _put(self, table: Table, rows: npt.NDArray[np.int64], drawn: Table) -> Table:
        index = np.arange(table.num_rows)
        index[rows] = table.num_rows + np.arange(len(rows))
        for name, mask in self.holes.items():
            if mask[rows].any():
                both = pa.chunked_array(
                    [c for t in (table, drawn) for c in t[name].chunks], table[name].type
                )
                if pa.types.is_dictionary(both.type):
                    both = both.unify_dictionaries()
                table = _with(table, name, both.combine_chunks().take(pa.array(index)))
        return table


def _keeping(known: Table, drawn: Mapping[str, pa.ChunkedArray]) -> Table:
    """Return the known cells, and drawn ones in their gaps."""
    table = known
    for name, values in drawn.items():
        own = known[name]
        table = _with(table, name, pc.if_else(own.is_null(), values.cast(own.type), own))
    return table


def _with(table: Table, name: str, values: pa.ChunkedArray) -> Table:
    """Return the table with other values of a column."""
    place = table.data.column_names.index(name)
    return Table(table.schema, table.data.set_column(place, name, values))
