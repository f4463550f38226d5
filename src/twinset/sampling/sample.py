"""Draw the rows of a twin piece by piece: conditions, what is made new, what is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.encoding.surrogates import make
from twinset.errors import ConditionError
from twinset.protocols import PartialRows, RowTest, Sample, Screened
from twinset.protocols.generators import Method
from twinset.rules.enforce import Cost, Enforcement, merged
from twinset.rules.row_tests import Condition
from twinset.sampling.fitted import Fitted
from twinset.sampling.pool import complete
from twinset.stats.seeds import stream
from twinset.table.schema import Column, Role, Schema
from twinset.table.table import Table, canonical_type

__all__ = ["PIECE", "KnownCells", "Totals", "draw", "made_unique", "renumbered", "whole"]

Places = npt.NDArray[np.int64]
Tests = tuple[RowTest, ...]
PIECE = 65_536
_MAX_TRIES = 200
_QUICK_TRIES = 4


@dataclass(frozen=True)
class KnownCells:
    """What is known of the rows to draw: the same of all, or cells of each.

    Attributes
    ----------
    constants
        Values by column.
    rows
        Partly known rows, encoded, one for each row of the whole sample.
    """

    constants: Mapping[str, object] = field(default_factory=dict)
    rows: PartialRows | None = None

    @property
    def names(self) -> set[str]:
        """Columns of which anything is known."""
        return {*self.constants, *(self.rows.known if self.rows else ())}


@dataclass
class Totals:
    """Several samples, taken together."""

    method: Method
    rows: int = 0
    came: int = 0
    drawn: float = 0.0
    worth: float | None = 0.0
    cells: float = 0.0
    costs: list[Cost] = field(default_factory=list)

    def add(self, part: Sample, asked: int | None = None, drawn: float | None = None) -> None:
        """Add a sample of which `asked` rows were wanted, from `drawn` candidates."""
        came = part.table.num_rows
        drawn = came / part.acceptance if drawn is None else drawn
        self.rows += came if asked is None else asked
        self.came += came
        self.drawn += drawn
        known = self.worth is not None and part.effective_size is not None
        self.worth = (self.worth or 0.0) + (part.effective_size or 0.0) if known else None
        self.cells += part.saved * drawn
        self.costs += [part.rules] if part.rules is not None else []

    def add_attempt(self, part: Sample, asked: int) -> None:
        """Add what a model drew in one of several attempts."""
        came = part.table.num_rows
        drawn = round(came / part.acceptance) if came and part.drawn else part.drawn or asked
        self.add(part, asked, drawn)
        self.method = part.method if part.method in ("importance", "approximate") else self.method

    def effective(self, size: int) -> float | None:
        """Effective size of `size` rows of these; None where a part has none."""
        return None if self.worth is None else self.worth / self.rows * size

    @property
    def saved(self) -> float:
        """Share of the cells that did not have to be drawn."""
        return self.cells / self.drawn

    def sample(self, table: Table, kept: int | None = None) -> Sample:
        """Return rows chosen from these; `kept` of the rows would do (default: the table's)."""
        rows = table.num_rows
        acceptance = (rows if kept is None else kept) / self.drawn
        worth, costs = self.effective(rows), merged(self.costs) if self.costs else None
        return Sample(table, self.method, acceptance, worth, saved=self.saved, rules=costs)


@dataclass(frozen=True)
class _Batch:
    """Which rows of a twin to draw: number `index`, beginning at row `start`."""

    twin: Fitted
    index: int
    start: int
    seed: int
    known: KnownCells
    later: frozenset[str] = frozenset()
    """Columns that `renumbered` makes once the rows are chosen: null until then."""

    @property
    def is_alike(self) -> bool:
        """Whether a row may stand in any place."""
        return self.twin.kept is None and self.known.rows is None

    def rows(
        self,
        size: int,
        rng: np.random.Generator,
        places: Places | None = None,
        tests: Tests = (),
    ) -> Sample:
        """Draw whole rows.

        `places` are those of the piece for which the rows are, where each place has cells of its
        own. Rows that fail one of the `tests` are left out if the model can do so early.
        """
        done = self._encoded(size, rng, places, tests)
        table = self.completed(self.twin.encoding.decode(done.table), done.table.num_rows, places)
        return replace(done, table=table)

    def renumbered(self, data: pa.Table) -> pa.Table:
        """Make unique columns once more: each attempt has begun with the same values."""
        for place, column in enumerate(self.twin.schema.columns):
            if made_unique(column):
                values = self._made(column, data.num_rows)
                data = data.set_column(place, column.name, pa.chunked_array([values]))
        return data

    def _encoded(
        self, size: int, rng: np.random.Generator, places: Places | None, tests: Tests
    ) -> Sample:
        model, known = self.twin.model, self._partial(size, places)
        if known is None and tests and isinstance(model, Screened):
            return model.screened(size, [self._seen(t) for t in tests], rng=rng)
        if known is None:
            return Sample(model.sample(size, rng=rng), "direct", effective_size=size)
        return complete(model, known, rng=rng)

    def _seen(self, test: RowTest) -> RowTest:
        """Let a test of canonical columns see encoded ones."""
        encoding = self.twin.encoding

        def passes(part: Table) -> npt.NDArray[np.bool_]:
            data = pa.table(encoding.decode(part))
            return test.passes(Table(encoding.schema.select(part.names), data))

        return replace(test, passes=passes)

    def _partial(self, size: int, places: Places | None) -> PartialRows | None:
        """What is known of rows to draw, encoded; None if nothing is."""
        at = self.start + (np.arange(size) if places is None else places)
        parts = []
        if self.known.constants:
            parts.append(self.twin.encoding.stated(self.known.constants, size))
        if self.known.rows is not None:
            parts.append(self.known.rows.take(at))
        kept, schema = self.twin.kept, self.twin.schema
        names = [n for n in (kept.column_names if kept else ()) if schema[n].is_learnable]
        if kept is not None and names:
            own = Table(schema.select(names), kept.select(names).take(pa.array(at)))
            parts.append(PartialRows.of(self.twin.encoding.encode(own)))
        return _beside(parts) if parts else None

    def completed(
        self, columns: dict[str, pa.ChunkedArray], size: int, places: Places | None = None
    ) -> Table:
        """Add what no generator sees to canonical columns, in the order of the schema."""
        kept = self.twin.kept
        for column in self.twin.schema.columns:
            if kept is not None and column.name in kept.column_names:
                own = kept[column.name]
                at = None if places is None else pa.array(self.start + places)
                columns[column.name] = own.slice(self.start, size) if at is None else own.take(at)
            elif column.name in self.later:
                columns[column.name] = pa.nulls(size, canonical_type(column.kind))
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
        share = self.twin.encoding.null_shares.get(column.name, 0.0)
        if share == 0:
            return values
        return pa.compute.if_else(pa.array(rng.random(n) < share), None, values)


def draw(
    twin: Fitted,
    size: int,
    known: KnownCells,
    condition: Condition | None,
    seed: int,
    *,
    index: int = 0,
    start: int = 0,
) -> Sample:
    """Draw one piece: directly, by the model's way with what is known, or by rejection."""
    piece = _Batch(twin, index, start, seed, known)
    if twin.rules or condition is not None:
        ruled = {name for rule in twin.rules for name in rule.columns}
        unique = {c.name for c in twin.schema.columns if made_unique(c)}
        piece = replace(piece, later=frozenset(unique - ruled))
    if twin.rules or (condition is not None and known.rows is not None):
        return _draw_ruled(piece, size, condition)
    if condition is None:
        return replace(piece.rows(size, stream(seed, "sample", index)), drawn=0, saved=0.0)
    tests = () if known.names else _early(twin, condition.tests)
    totals = Totals("rejection")
    parts: list[pa.Table] = []
    accepted, ask = 0, size
    for attempt in range(_MAX_TRIES):
        done = piece.rows(ask, stream(seed, "sample", index, attempt), tests=tests)
        part = done.table.take(condition.mask(done.table))
        parts.append(part.data)
        accepted += part.num_rows
        totals.add_attempt(done, ask)
        hopeless = accepted == 0 and attempt >= _QUICK_TRIES - 1
        if accepted >= size or hopeless or (done.drawn and done.table.num_rows < ask):
            break
        share = max(accepted, 0.5) / max(totals.came, 1)
        most = 4 * PIECE if accepted else PIECE // 4
        ask = int(min(max((size - accepted) / share * 1.1, 1_000), most))
    if accepted < size:
        raise ConditionError(
            "--where",
            got=f"{accepted} of {round(totals.drawn):,} rows drawn",
            hint="the condition is impossible or too rare in this model; ask for fewer rows",
        )
    table = renumbered(twin, pa.concat_tables(parts).slice(0, size), seed, index, start)
    return totals.sample(table, accepted)


def whole(twin: Fitted, learned: Table, seed: int) -> Table:
    """Return rows whose learned columns are there, canonical, with all others made new."""
    piece = _Batch(twin, 0, 0, seed, KnownCells())
    return piece.completed({n: learned[n] for n in learned.names}, learned.num_rows)


def renumbered(twin: Fitted, data: pa.Table, seed: int, index: int, start: int) -> Table:
    """Return rows from several draws as one table whose unique columns are made anew."""
    piece = _Batch(twin, index, start, seed, KnownCells())
    return Table(twin.released_schema, piece.renumbered(data))


def _early(twin: Fitted, tests: Iterable[RowTest]) -> Tests:
    """Return the tests that the model can meet while it draws: those of learned columns."""
    learned = set(twin.encoding.encoded.names)
    if twin.kept is not None or not isinstance(twin.model, Screened):
        return ()
    return tuple(t for t in tests if t.columns and set(t.columns) <= learned)


def _draw_ruled(piece: _Batch, size: int, condition: Condition | None) -> Sample:
    """Draw one piece that keeps the twin's rules, by rejection and repair."""
    twin, totals, ways = piece.twin, Totals("rejection"), []
    kept = twin.kept.column_names if twin.kept is not None else []
    enforcement = Enforcement(twin.rules, {*piece.known.names, *kept}, condition)
    tests = () if piece.known.names else _early(twin, enforcement.tests(twin.schema))

    def more(places: Places | None, n: int, attempt: int) -> Table:
        again = () if attempt == 0 else (attempt,)
        rng = stream(piece.seed, "sample", piece.index, *again)
        done = piece.rows(n, rng, places, tests if attempt else ())
        ways.append(done.method)
        totals.add_attempt(done, n)
        return done.table

    try:
        table, cost = enforcement.keep(size, more, alike=piece.is_alike, screened=bool(tests))
    except ConditionError:
        if twin.rules:
            raise
        raise ConditionError(
            "--where",
            got=f"given rows that no row meets the condition with, {round(totals.drawn):,} drawn",
            hint="leave them out, or relax the condition",
        ) from None
    cost = replace(cost, drawn=round(totals.drawn))
    method = ways[0] if condition is None else totals.method
    table = Table(twin.released_schema, piece.renumbered(table.data))
    worth, rules = totals.effective(size), cost if twin.rules else None
    return Sample(table, method, cost.acceptance, worth, saved=totals.saved, rules=rules)


def made_unique(column: Column) -> bool:
    """Whether each row gets a new value of its own in this column."""
    unique = column.unique or column.role is Role.UNIT
    return unique and not column.is_learnable and not column.keep


def _beside(parts: list[PartialRows]) -> PartialRows:
    """Return what several parts know of the same rows."""
    tables = [p.table for p in parts]
    schema = Schema(columns=tuple(c for t in tables for c in t.schema.columns))
    data = pa.table([c for t in tables for c in t.data.columns], names=list(schema.names))
    return PartialRows(Table(schema, data), {n: k for p in parts for n, k in p.known.items()})
