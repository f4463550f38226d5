"""The checks of generators fail those that break a promise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pytest

from twinset.checks import check_generator
from twinset.generators.cart import Cart, CartModel
from twinset.protocols import (
    Conditional,
    Density,
    FitContext,
    Generator,
    PartialRows,
    RowTest,
    Sample,
    Screened,
)
from twinset.stats.seeds import stream
from twinset.table.table import Table


@dataclass(frozen=True, eq=False)
class Free:
    """A model that draws free rows only."""

    inner: CartModel

    def sample(self, n: int, *, rng: np.random.Generator) -> Table:
        return self.inner.sample(n, rng=rng)

    def to_state(self) -> Any:
        return self.inner.to_state()


class Deaf(Free, Conditional):
    """Puts known cells into free rows."""

    method: ClassVar[Literal["exact", "importance"]] = "exact"

    def complete(self, rows: PartialRows, *, rng: np.random.Generator) -> Sample:
        return Sample(rows.into(self.sample(rows.num_rows, rng=rng)), self.method)


class Modest(Deaf):
    """The same, and claims less."""

    method: ClassVar[Literal["exact", "importance"]] = "importance"


class Loose(Free, Conditional):
    """Draws each column by itself from rows that agree: no two go together."""

    def complete(self, rows: PartialRows, *, rng: np.random.Generator) -> Sample:
        table = self.inner.complete(rows, rng=rng).table
        if len({tuple(r.values()) for r in rows.table.data.to_pylist()}) > 1:
            return Sample(table, "importance")
        order = {n: pa.array(rng.permutation(table.num_rows)) for n in table.names}
        data = pa.table({n: table.data[n].take(order[n]) for n in table.names})
        return Sample(rows.into(Table(table.schema, data)), "rejection")


class Mixed(Free, Conditional):
    """Answers in the wrong rows."""

    def complete(self, rows: PartialRows, *, rng: np.random.Generator) -> Sample:
        done = self.inner.complete(rows, rng=rng)
        order = np.roll(np.arange(rows.num_rows), 1)
        return Sample(rows.into(done.table.take(order)), done.method)


class Flat(Free, Density):
    """Finds all rows equally probable."""

    def log_prob(self, table: Table) -> Any:
        return np.zeros(table.num_rows)


class Masked(Free, Screened):
    """Gives rows that pass the value that passes: the other columns do not follow."""

    def screened(self, n: int, tests: Sequence[RowTest], *, rng: np.random.Generator) -> Sample:
        free = self.sample(20 * n, rng=rng)
        met = free.take(np.flatnonzero(np.logical_and.reduce([t.passes(free) for t in tests])))
        (name,) = tests[0].columns
        column = met.take(np.arange(n)).data[name]
        rows = free.take(np.arange(n))
        data = rows.data.set_column(rows.data.column_names.index(name), name, column)
        return Sample(Table(rows.schema, data), "exact")


class Backwards(Free, Density):
    """Finds what is likely unlikely."""

    def log_prob(self, table: Table) -> Any:
        return -self.inner.log_prob(table)


class Quiet(Free):
    """Can complete rows and does not say so among its bases."""

    def complete(self, rows: PartialRows, *, rng: np.random.Generator) -> Sample:
        return self.inner.complete(rows, rng=rng)


class Noisy(Free):
    """Draws other rows each time."""

    def sample(self, n: int, *, rng: np.random.Generator) -> Table:
        return self.inner.sample(n, rng=np.random.default_rng())


def broken(kind: type[Any], *, noise: bool = False) -> Generator:
    @dataclass(frozen=True)
    class Broken(Generator):
        """Fits cart and wraps it."""

        name: ClassVar[str] = "broken"
        model: ClassVar[type[Any]] = kind
        private_noise: ClassVar[bool] = noise

        def fit(self, table: Table, *, context: FitContext) -> Any:
            if noise:
                context = context.over(context.rows, np.random.default_rng())
            return kind(Cart(trees=10).fit(table, context=context))

        def from_state(self, state: Any, table: Table) -> Any:
            return kind(Cart().from_state(state, table))

    return Broken()


@pytest.mark.slow
def test_free_rows_are_enough() -> None:
    check_generator(broken(Free))


@pytest.mark.slow
def test_private_noise_is_allowed_where_it_is_declared() -> None:
    check_generator(broken(Free, noise=True))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "promise"),
    [
        (Deaf, "exact rows are those of rejection"),
        (Modest, "what is known is not ignored"),
        (Loose, r"exact rows are those of rejection \(.* with "),
        (Mixed, "what is known is not ignored|exact rows are those of rejection"),
        (Flat, "add up to one"),
        (Masked, "exact rows are those of rejection"),
        (Backwards, "at least as probable as shuffled"),
        (Quiet, "names Conditional as a base"),
        (Noisy, "the same stream gives the same rows"),
    ],
)
def test_a_broken_promise_is_named(kind: type[Any], promise: str) -> None:
    with pytest.raises(AssertionError, match=promise):
        check_generator(broken(kind))


def test_known_cells_are_told_apart_from_nulls() -> None:
    model = Cart(trees=5)
    from twinset.checks.tables import learnable_table

    table = learnable_table(600, seed=1)
    fitted = model.fit(table, context=FitContext(table, stream(0, "fit")))
    given = table.select(["flag"]).take(np.flatnonzero(np.asarray(table["flag"].is_null()))[:20])
    unknown = fitted.complete(PartialRows.of(given), rng=stream(0, "a")).table
    known = PartialRows(given, {"flag": np.ones(20, dtype=bool)})
    assert unknown["flag"].null_count < 20
    assert fitted.complete(known, rng=stream(0, "a")).table["flag"].null_count == 20
