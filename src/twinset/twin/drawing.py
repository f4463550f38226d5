"""Draw the rows of a twin piece by piece: conditions, what is made new, what is kept."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.blocks.surrogates import make
from twinset.errors import ConditionError, InputError
from twinset.progress import phase
from twinset.protocols import Completed, Completes
from twinset.rules.enforce import Cost, Enforcement, needs_whole_table
from twinset.scale.local import map_ordered
from twinset.stats.seeds import stream
from twinset.table.expressions import Expression, parse
from twinset.table.schema import Column, Role, Schema
from twinset.table.table import Table

if TYPE_CHECKING:
    from twinset.twin.twin import Twin

__all__ = ["PIECE", "Draw", "draw", "draws"]

Places = npt.NDArray[np.int64]
PIECE = 65_536
_MAX_TRIES = 200
_QUICK_TRIES = 4


@dataclass(frozen=True)
class Draw:
    """Rows and how they were drawn.

    Attributes
    ----------
    method
        ``"direct"``: no condition. Of stated values, as the model says (`twinset.protocols`):
        ``"exact"``, ``"importance"``, or ``"given"`` if it does not say. ``"rejection"``: rows that
        do not meet an expression were thrown away.
    acceptance
        Share of the drawn rows that met the expression.
    effective
        How many independent rows the table is worth (effective sample size); None if the model
        does not say.
    rules
        What it cost to keep the twin's rules; None if it has none.
    """

    table: Table
    method: str
    acceptance: float = 1.0
    effective: float | None = None
    rules: Cost | None = None


@dataclass(frozen=True)
class _Piece:
    """Which rows of a twin to draw: number `index`, beginning at row `start`."""

    twin: Twin
    index: int
    start: int
    seed: int
    given: Mapping[str, object]

    def rows(
        self, size: int, rng: np.random.Generator, places: Places | None = None
    ) -> tuple[Table, str, float | None]:
        """Draw whole rows; return them, the method, and how many rows they are worth.

        `places` are those of the piece for which the rows are, where columns are kept as they are.
        """
        done = self._learned(size, rng, places)
        return self._whole(done.table, size, places), done.method, done.effective

    def renumbered(self, data: pa.Table) -> pa.Table:
        """Make unique columns once more: each attempt has begun with the same values."""
        for place, column in enumerate(self.twin.schema.columns):
            if _made_unique(column):
                values = self._made(column, data.num_rows)
                data = data.set_column(place, column.name, pa.chunked_array([values]))
        return data

    def _learned(self, size: int, rng: np.random.Generator, places: Places | None) -> Completed:
        codec, model = self.twin.codec, self.twin.model
        known = codec.encode_given(self.given, size) if self.given else None
        kept = self._kept(size, places)
        if kept is not None:
            known = kept if known is None else _beside(known, kept)
        if known is None:
            return Completed(model.sample(size, rng=rng), "direct", size)
        if isinstance(model, Completes):
            return model.complete(known, rng=rng)
        return Completed(model.sample(known, rng=rng), "given", None)

    def _kept(self, size: int, places: Places | None) -> Table | None:
        kept, schema = self.twin.kept, self.twin.schema
        names = [n for n in (kept.column_names if kept else ()) if schema[n].is_learnable]
        if kept is None or not names:
            return None
        rows = kept.select(names).slice(self.start, size)
        if places is not None:
            rows = kept.select(names).take(pa.array(self.start + places))
        part = Table(schema.select(names), rows)
        return self.twin.codec.encode_rows(part)

    def _whole(self, learned: Table, size: int, places: Places | None) -> Table:
        """Add what no generator sees, in the order of the schema."""
        kept = self.twin.kept
        columns = self.twin.codec.decode(learned)
        for column in self.twin.schema.columns:
            if kept is not None and column.name in kept.column_names:
                own = kept[column.name]
                at = None if places is None else pa.array(self.start + places)
                columns[column.name] = own.slice(self.start, size) if at is None else own.take(at)
            elif column.name not in columns:
                columns[column.name] = self._made(column, size)
        names = list(self.twin.schema.names)
        return Table(self.twin.released_schema, pa.table([columns[n] for n in names], names=names))

    def _made(self, column: Column, n: int) -> pa.Array:
        """New values; one seed gives other unique ones than another, so copies share none."""
        rng = stream(self.seed, "make", column.name, self.index)
        key = int(stream(self.seed, "key", column.name).integers(2**32))
        if column.role is Role.UNIT:
            column = column.model_copy(update={"unique": True})
        values = make(column, n, rng=rng, start=self.start, key=key)
        share = self.twin.null_shares.get(column.name, 0.0)
        if share == 0:
            return values
        return pa.compute.if_else(pa.array(rng.random(n) < share), None, values)


def draws(
    twin: Twin,
    rows: int,
    *,
    given: Mapping[str, object],
    where: str | None,
    seed: int,
    piece: int = PIECE,
) -> Iterator[Draw]:
    """Yield `rows` rows piece by piece, in bounded memory; see `Twin.draws`."""
    if rows < 1:
        raise InputError("number of rows", got=str(rows), allowed="1 or more")
    condition = None if where is None else _condition(twin, where)
    _check_given(twin, given, rows)
    if needs_whole_table(twin.rules, twin.schema):
        piece = rows

    def one(i: int) -> Draw:
        size = min(piece, rows - i * piece)
        return draw(twin, size, given, condition, seed, index=i, start=i * piece)

    with phase("sample", rows) as running:
        for drawn in map_ordered(one, range(math.ceil(rows / piece))):
            yield drawn
            running.advance(drawn.table.num_rows)


def draw(
    twin: Twin,
    size: int,
    given: Mapping[str, object],
    condition: Expression | None,
    seed: int,
    *,
    index: int = 0,
    start: int = 0,
) -> Draw:
    """Draw one piece: directly, by the model's way with `given`, or by rejection."""
    piece = _Piece(twin, index, start, seed, given)
    if twin.rules:
        return _draw_ruled(piece, size, condition)
    if condition is None:
        table, method, effective = piece.rows(size, stream(seed, "sample", index))
        return Draw(table, method, 1.0, effective)
    parts: list[pa.Table] = []
    accepted = drawn = 0
    worth: float | None = 0.0
    ask = size
    for attempt in range(_MAX_TRIES):
        table, _, effective = piece.rows(ask, stream(seed, "sample", index, attempt))
        part = table.take(condition.mask(table))
        parts.append(part.data)
        accepted += part.num_rows
        drawn += ask
        worth = None if worth is None or effective is None else worth + effective
        if accepted >= size or (accepted == 0 and attempt >= _QUICK_TRIES - 1):
            break
        share = max(accepted, 0.5) / drawn
        most = 4 * PIECE if accepted else PIECE // 4
        ask = int(min(max((size - accepted) / share * 1.1, 1_000), most))
    if accepted < size:
        raise ConditionError(
            "--where",
            got=f"{accepted} of {drawn:,} rows drawn",
            hint="the condition is impossible or too rare in this model; ask for fewer rows",
        )
    data = piece.renumbered(pa.concat_tables(parts).slice(0, size))
    effective = None if worth is None else worth / drawn * size
    return Draw(Table(twin.released_schema, data), "rejection", accepted / drawn, effective)


def _draw_ruled(piece: _Piece, size: int, condition: Expression | None) -> Draw:
    """Draw one piece that keeps the twin's rules, by rejection and repair."""
    twin, ways = piece.twin, []

    def more(places: Places | None, n: int, attempt: int) -> Table:
        again = () if attempt == 0 else (attempt,)
        table, method, worth = piece.rows(
            n, stream(piece.seed, "sample", piece.index, *again), places
        )
        ways.append((method, worth, n))
        return table

    kept = twin.kept.column_names if twin.kept is not None else []
    enforcement = Enforcement(twin.rules, {*piece.given, *kept}, condition)
    table, cost = enforcement.keep(size, more, alike=twin.kept is None)
    method = ways[0][0] if condition is None else "rejection"
    worth = [w for _, w, _ in ways]
    share = None if None in worth else sum(w or 0.0 for w in worth) / sum(n for *_, n in ways)
    data = piece.renumbered(table.data)
    effective = None if share is None else share * size
    return Draw(Table(twin.released_schema, data), method, cost.acceptance, effective, cost)


def _condition(twin: Twin, where: str) -> Expression:
    condition = parse(where)
    for name in condition.columns:
        if _made_unique(twin.schema[name]):
            raise InputError(
                f"condition on {name!r}",
                got="a column that is made new and unique",
                allowed=", ".join(twin.codec.learnable.names[:12]),
            )
    if twin.kept is not None:
        raise InputError(
            "--where",
            got="a model that keeps columns as they are, row by row",
            hint="sample all rows and filter the file",
        )
    return condition


def _check_given(twin: Twin, given: Mapping[str, object], rows: int) -> None:
    if twin.kept is None:
        return
    clash = sorted(set(given) & set(twin.kept.column_names))
    if clash:
        raise InputError(f"condition on {clash[0]!r}", got="a column that is kept as it is")
    if rows > twin.kept.num_rows:
        raise InputError(
            "number of rows",
            got=str(rows),
            allowed=f"at most {twin.kept.num_rows}, since columns are kept as they are",
        )


def _made_unique(column: Column) -> bool:
    """Whether each row gets a new value of its own in this column."""
    unique = column.unique or column.role is Role.UNIT
    return unique and not column.is_learnable and not column.keep


def _beside(a: Table, b: Table) -> Table:
    data = a.data
    for name in b.names:
        data = data.append_column(name, b.data[name])
    return Table(Schema(columns=a.schema.columns + b.schema.columns), data)
