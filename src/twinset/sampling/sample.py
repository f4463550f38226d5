"""Draw the rows of a twin piece by piece: conditions, what is made new, what is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.encoding.surrogates import make
from twinset.errors import ConditionError
from twinset.protocols import Completed, Completes, Screen, Screens
from twinset.rules.enforce import Cost, Enforcement
from twinset.rules.row_tests import Condition, Test
from twinset.sampling.fitted import Fitted
from twinset.stats.seeds import stream
from twinset.table.schema import Column, Role, Schema
from twinset.table.table import Table

__all__ = ["PIECE", "Draw", "draw", "made_unique", "renumbered", "whole"]

Places = npt.NDArray[np.int64]
Tests = tuple[Test, ...]
PIECE = 65_536
_MAX_TRIES = 200
_QUICK_TRIES = 4
_MOST_EARLY = 64 * PIECE  # rows at once of which few are drawn to their end


@dataclass(frozen=True)
class Draw:
    """Rows and how they were drawn.

    Attributes
    ----------
    method
        ``"direct"``: no condition. Of stated values, as the model says (`twinset.protocols`):
        ``"exact"``, ``"importance"``, or ``"given"`` if it does not say. ``"rejection"``: rows that
        do not meet an expression were thrown away. ``"shares"``, ``"exemplars"``: as stated by
        `twinset.twin.Twin.sample`, each row being one that the model has drawn.
    acceptance
        Share of the drawn rows, or of the candidates for stated values, that met the condition.
    effective
        How many independent rows the table is worth (effective sample size); None if the model
        does not say.
    rules
        What it cost to keep the twin's rules; None if it has none.
    saved
        Share of the cells of the drawn rows that the model did not have to draw, since their rows
        had failed before.
    """

    table: Table
    method: str
    acceptance: float = 1.0
    effective: float | None = None
    rules: Cost | None = None
    saved: float = 0.0


@dataclass(frozen=True)
class _Piece:
    """Which rows of a twin to draw: number `index`, beginning at row `start`."""

    twin: Fitted
    index: int
    start: int
    seed: int
    given: Mapping[str, object]

    def rows(
        self,
        size: int,
        rng: np.random.Generator,
        places: Places | None = None,
        tests: Tests = (),
    ) -> tuple[Table, Completed]:
        """Draw whole rows; return them, and how they were drawn.

        `places` are those of the piece for which the rows are, where columns are kept as they are.
        Rows that fail one of the `tests` are left out if the model can do so early.
        """
        done = self._learned(size, rng, places, tests)
        return self._whole(done.table, places), done

    def renumbered(self, data: pa.Table) -> pa.Table:
        """Make unique columns once more: each attempt has begun with the same values."""
        for place, column in enumerate(self.twin.schema.columns):
            if made_unique(column):
                values = self._made(column, data.num_rows)
                data = data.set_column(place, column.name, pa.chunked_array([values]))
        return data

    def _learned(
        self, size: int, rng: np.random.Generator, places: Places | None, tests: Tests
    ) -> Completed:
        codec, model = self.twin.codec, self.twin.model
        known = codec.encode_given(self.given, size) if self.given else None
        kept = self._kept(size, places)
        if kept is not None:
            known = kept if known is None else _beside(known, kept)
        if known is None and tests and isinstance(model, Screens):
            return model.screened(size, [self._screen(t) for t in tests], rng=rng)
        if known is None:
            return Completed(model.sample(size, rng=rng), "direct", size)
        if isinstance(model, Completes):
            return model.complete(known, rng=rng)
        return Completed(model.sample(known, rng=rng), "given", None)

    def _screen(self, test: Test) -> Screen:
        """Let a test of canonical columns see learnable ones."""
        codec = self.twin.codec

        def passes(part: Table) -> npt.NDArray[np.bool_]:
            return test.passes(Table(codec.schema.select(part.names), pa.table(codec.decode(part))))

        return Screen(frozenset(test.columns), passes, test.ends(codec.schema))

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

    def _whole(self, learned: Table, places: Places | None) -> Table:
        """Add what no generator sees, in the order of the schema."""
        return self.completed(self.twin.codec.decode(learned), learned.num_rows, places)

    def completed(
        self, columns: dict[str, pa.ChunkedArray], size: int, places: Places | None = None
    ) -> Table:
        """Add what no generator sees to canonical columns."""
        kept = self.twin.kept
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


def draw(
    twin: Fitted,
    size: int,
    given: Mapping[str, object],
    condition: Condition | None,
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
        table, done = piece.rows(size, stream(seed, "sample", index))
        return Draw(table, done.method, done.acceptance, done.effective)
    tests = () if given else _able(twin, condition.tests)
    tally = _Tally()
    parts: list[pa.Table] = []
    accepted, ask = 0, size
    for attempt in range(_MAX_TRIES):
        table, done = piece.rows(ask, stream(seed, "sample", index, attempt), tests=tests)
        part = table.take(condition.mask(table))
        parts.append(part.data)
        accepted += part.num_rows
        tally.add(done, ask, table.num_rows)
        hopeless = accepted == 0 and attempt >= _QUICK_TRIES - 1
        if accepted >= size or hopeless or (done.drawn and table.num_rows < ask):
            break
        share = max(accepted, 0.5) / max(tally.given, 1)
        most = 4 * PIECE if accepted else PIECE // 4
        ask = int(min(max((size - accepted) / share * 1.1, 1_000), most))
    if accepted < size:
        raise ConditionError(
            "--where",
            got=f"{accepted} of {tally.drawn:,} rows drawn",
            hint="the condition is impossible or too rare in this model; ask for fewer rows",
        )
    data = piece.renumbered(pa.concat_tables(parts).slice(0, size))
    table = Table(twin.released_schema, data)
    acceptance = accepted / tally.drawn
    return Draw(table, tally.method, acceptance, tally.effective(size), saved=tally.saved)


def whole(twin: Fitted, learned: Table, seed: int) -> Table:
    """Return rows whose learned columns are there, canonical, with all others made new."""
    piece = _Piece(twin, 0, 0, seed, {})
    return piece.completed({n: learned[n] for n in learned.names}, learned.num_rows)


def renumbered(twin: Fitted, data: pa.Table, seed: int, index: int, start: int) -> Table:
    """Return rows from several draws as one table whose unique columns are made anew."""
    piece = _Piece(twin, index, start, seed, {})
    return Table(twin.released_schema, piece.renumbered(data))


@dataclass
class _Tally:
    """How the rows of several attempts were drawn, together.

    Attributes
    ----------
    rows, given
        Rows that were asked for, and that came.
    drawn
        Candidates that it takes for them.
    """

    rows: int = 0
    given: int = 0
    drawn: int = 0
    worth: float | None = 0.0
    cells: float = 0.0
    method: str = "rejection"

    def add(self, done: Completed, rows: int, given: int) -> None:
        self.rows += rows
        self.given += given
        drawn = round(given / done.acceptance) if given and done.drawn else done.drawn or rows
        self.drawn += drawn
        self.method = "importance" if done.method == "importance" else self.method
        known = self.worth is not None and done.effective is not None
        self.worth = (self.worth or 0.0) + (done.effective or 0.0) if known else None
        self.cells += done.saved * drawn

    def effective(self, size: int) -> float | None:
        return None if self.worth is None else self.worth / self.rows * size

    @property
    def saved(self) -> float:
        return self.cells / self.drawn


def _able(twin: Fitted, tests: Iterable[Test]) -> Tests:
    """Return the tests that can be made of learned columns."""
    learned = set(twin.codec.learnable.names)
    if twin.kept is not None or not isinstance(twin.model, Screens):
        return ()
    return tuple(t for t in tests if t.columns and set(t.columns) <= learned)


def _draw_ruled(piece: _Piece, size: int, condition: Condition | None) -> Draw:
    """Draw one piece that keeps the twin's rules, by rejection and repair."""
    twin, tally, ways = piece.twin, _Tally(), []
    kept = twin.kept.column_names if twin.kept is not None else []
    enforcement = Enforcement(twin.rules, {*piece.given, *kept}, condition)
    tests = () if piece.given else _able(twin, enforcement.tests())

    def more(places: Places | None, n: int, attempt: int) -> Table:
        again = () if attempt == 0 else (attempt,)
        rng = stream(piece.seed, "sample", piece.index, *again)
        table, done = piece.rows(n, rng, places, tests if attempt else ())
        ways.append(done.method)
        tally.add(done, n, table.num_rows)
        return table

    table, cost = enforcement.keep(size, more, alike=twin.kept is None, screened=bool(tests))
    cost = replace(cost, drawn=tally.drawn)
    method = ways[0] if condition is None else tally.method
    data = piece.renumbered(table.data)
    worth = tally.effective(size)
    table = Table(twin.released_schema, data)
    return Draw(table, method, cost.acceptance, worth, cost, tally.saved)


def made_unique(column: Column) -> bool:
    """Whether each row gets a new value of its own in this column."""
    unique = column.unique or column.role is Role.UNIT
    return unique and not column.is_learnable and not column.keep


def _beside(a: Table, b: Table) -> Table:
    data = a.data
    for name in b.names:
        data = data.append_column(name, b.data[name])
    return Table(Schema(columns=a.schema.columns + b.schema.columns), data)
