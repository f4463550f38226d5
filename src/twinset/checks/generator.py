"""What every generator must keep: run by our tests and by those of plug-in authors."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.checks.tables import learnable_table, odd_tables
from twinset.protocols import (
    CAPABILITIES,
    Conditional,
    Density,
    FitContext,
    Generator,
    Model,
    PartialRows,
    RowTest,
    Sample,
    Screened,
    capabilities,
)
from twinset.stats.seeds import stream
from twinset.table.table import Table, numbers
from twinset.twin import pack, unpack

__all__ = ["check_generator"]

_ROWS = 2_000
_FREE = 20_000
_ALPHA = 1e-6
_CLEAR = 0.1  # distance from free rows from which ignoring a condition would show
_NEVER = -1e3


def check_generator(generator: Generator) -> None:
    """Hold a generator to the promises of `twinset.protocols.Generator`.

    Raises
    ------
    AssertionError
        Naming the promise that is broken: it is a frozen dataclass with a name; the same stream
        gives the same rows and another one others; rows have the schema, categories, bounds and
        nulls of the train table; marginals are those of the train table; what its model can do is
        declared; known cells stay as they are, and rows under a condition are those of rejection
        where the model says so; the state survives JSON and arrays; it copies no rows, unless it
        says that it does; odd tables (one row, one column, all null, constant) work.
    """
    cls = type(generator)
    _require(
        dataclasses.is_dataclass(cls) and cls.__dataclass_params__.frozen,
        "a generator is a frozen dataclass",
    )
    _require(isinstance(cls.name, str) and bool(cls.name), "a generator has a name")
    _require(isinstance(generator, Generator), "a generator has name, model, fit and from_state")
    table = learnable_table(_ROWS, seed=0)
    before = table.data
    model = _fitted(generator, table)
    _require(table.data.equals(before), "fit leaves its table alone")
    _check_capabilities(generator, model)
    sampled = model.sample(_ROWS, rng=stream(0, "sample"))
    _check_support(table, sampled, _ROWS)
    _check_streams(generator, table, model, sampled)
    _check_marginals(table, sampled)
    if isinstance(model, Conditional):
        _check_given(table, model)
        _check_conditional(model, table)
    if isinstance(model, Screened):
        _check_screened(model)
    if isinstance(model, Density):
        _check_density(model, table)
    _check_state(generator, table, model, sampled)
    _check_copies(generator, table, sampled)
    for name, odd in odd_tables().items():
        fitted = _fitted(generator, odd, name)
        rows = fitted.sample(7, rng=stream(2, name))
        _check_support(odd, rows, 7, f" ({name})")
        if isinstance(fitted, Conditional):
            given = PartialRows.of(odd.select([odd.names[0]]).take(np.zeros(7, dtype=np.int64)))
            _check_support(odd, fitted.complete(given, rng=stream(3, name)).table, 7, f" ({name})")


def _fitted(generator: Generator, table: Table, name: str = "fit") -> Model:
    return generator.fit(table, context=FitContext(table, stream(0 if name == "fit" else 1, name)))


def _require(holds: bool, promise: str) -> None:
    if not holds:
        raise AssertionError(f"broken promise: {promise}")


def _check_support(train: Table, rows: Table, n: int, where: str = "") -> None:
    _require(rows.num_rows == n, f"one row a row asked for{where}")
    _require(rows.names == train.names, f"same columns in the same order{where}")
    for column in train.schema.columns:
        data = rows[column.name]
        _require(data.type == train[column.name].type, f"same Arrow types{where}: {column.name}")
        if train[column.name].null_count == 0:
            _require(data.null_count == 0, f"no null where none was learned{where}: {column.name}")
        if column.kind.is_number_like:
            values = numbers(data)
            plain = values[~np.isnan(values) & ~np.isin(values, column.sentinels)]
            if len(plain) and column.low is not None and column.high is not None:
                inside = (plain >= column.low).all() and (plain <= column.high).all()
                _require(bool(inside), f"numbers within the bounds{where}: {column.name}")
        else:
            known = set(column.categories or ())
            _require(set(data.to_pylist()) - {None} <= known, f"known categories{where}")


def _check_streams(generator: Generator, table: Table, model: Model, sampled: Table) -> None:
    other = model.sample(_ROWS, rng=stream(1, "sample"))
    _require(not other.data.equals(sampled.data), "another stream gives other rows")
    same = model.sample(_ROWS, rng=stream(0, "sample"))
    _require(same.data.equals(sampled.data), "the same stream gives the same rows")
    again = _fitted(generator, table).sample(_ROWS, rng=stream(0, "sample"))
    if generator.private_noise:
        _require(not again.data.equals(sampled.data), "private noise differs from fit to fit")
        return
    _require(again.data.equals(sampled.data), "fitting twice with one stream gives one model")


def _check_marginals(train: Table, rows: Table) -> None:
    for column in train.schema.columns:
        if column.kind.is_number_like:
            a, b = (numbers(t[column.name]) for t in (train, rows))
            cuts = np.nanquantile(a, np.linspace(0.1, 0.9, 9))
            a, b = (np.where(np.isnan(v), 10, np.searchsorted(cuts, v)) for v in (a, b))
        else:
            known = {c: i for i, c in enumerate(column.categories or ())}
            a, b = (
                np.array([known.get(v, len(known)) for v in t[column.name].to_pylist()])
                for t in (train, rows)
            )
        size = int(max(a.max(), b.max())) + 1
        p, q = (np.bincount(v.astype(int), minlength=size) / len(v) for v in (a, b))
        tvd = float(np.abs(p - q).sum() / 2)
        _require(tvd < 0.1, f"marginals of the train table: {column.name} is off by {tvd:.2f}")


def _check_capabilities(generator: Generator, model: Model) -> None:
    _require(isinstance(model, generator.model), "`model` is the class of what fit returns")
    declared = capabilities(type(model))
    for word, kind in CAPABILITIES.items():
        has = isinstance(model, kind)
        _require(has == (word in declared), f"a model names {kind.__name__} as a base if it is one")


def _check_given(train: Table, model: Conditional) -> None:
    for name in (train.names[0], train.names[-1]):
        given = PartialRows.of(train.select([name]).take(np.arange(200)))
        rows = model.complete(given, rng=stream(0, "given")).table
        _require(rows.num_rows == 200, "one output row per given row")
        want, got = given.table[name].to_pylist(), rows[name].to_pylist()
        kept = all(w is None or w == g for w, g in zip(want, got, strict=True))
        _require(kept, f"known cells stay as they are: {name}")
        _require(rows.names == train.names, "given columns come back with the others, in order")
    null = PartialRows(
        train.select(["flag"]).take(np.flatnonzero(np.asarray(train["flag"].is_null()))[:50]),
        {"flag": np.ones(50, dtype=bool)},
    )
    rows = model.complete(null, rng=stream(0, "null")).table
    _require(rows["flag"].null_count == 50, "a known null stays null")


def _check_conditional(model: Any, train: Table) -> None:
    """Rows given a category have the distribution of free rows that happen to have it."""
    free = model.sample(_FREE, rng=stream(0, "free"))
    for name, value in (("group", "c"), ("group", "a"), ("flag", "yes")):
        there = np.flatnonzero(np.asarray(pa.compute.equal(_text(train[name]), value)))[:1]
        given = PartialRows.of(train.select([name]).take(np.repeat(there, _ROWS)))
        done = model.complete(given, rng=stream(1, "given"))
        meets = np.asarray(pa.compute.equal(_text(free[name]), value).fill_null(False))
        _check_inside(done, free, meets, f"given {name} = {value}")


def _check_screened(model: Any) -> None:
    """Rows that pass a test have the distribution of free rows that happen to pass it."""
    free = model.sample(_FREE, rng=stream(0, "free"))
    for name, passes, ends in (
        ("group", lambda t: np.asarray(pa.compute.equal(_text(t["group"]), "c")), ()),
        ("count", lambda t: numbers(t["count"]) >= 10, (10.0,)),
    ):
        test = RowTest((name,), passes, {name: ends} if ends else {})
        done = model.screened(_ROWS, [test], rng=stream(1, "where"))
        _require(done.table.num_rows == _ROWS, f"a common condition is met by all rows: {name}")
        _require(bool(passes(done.table).all()), f"rows pass the test: {name}")
        _check_inside(done, free, passes(free), f"where {name}")


def _check_inside(done: Sample, free: Table, meets: npt.NDArray[np.bool_], what: str) -> None:
    """Hold rows against rejection: no test rejects them, if their method is exact.

    Else they must at least be nearer to what rejection gives than to free rows.
    """
    kept = free.take(meets)
    for name in free.names:
        same, p = _apart(done.table, kept, name)
        if done.method == "exact":
            _require(p > _ALPHA, f"exact rows are those of rejection ({what}: {name}, p = {p:.1g})")
            continue
        ignored = _apart(free, kept, name)[0]
        _require(
            ignored < _CLEAR or same < ignored / 2, f"what is known is not ignored ({what}: {name})"
        )


def _apart(a: Table, b: Table, name: str) -> tuple[float, float]:
    """Return a distance from 0 to 1 between a column of two tables, and a p-value of no effect."""
    from scipy import stats

    if a.schema[name].kind.is_number_like:
        x, y = (np.nan_to_num(numbers(t[name]), nan=-1e9) for t in (a, b))
        found = stats.ks_2samp(x, y, method="asymp")
        return float(found.statistic), float(found.pvalue)
    levels = sorted({*_text(a[name]).to_pylist(), *_text(b[name]).to_pylist()}, key=str)
    x, y = (np.array([_text(t[name]).to_pylist().count(v) for v in levels]) for t in (a, b))
    tvd = float(np.abs(x / x.sum() - y / y.sum()).sum() / 2)
    return tvd, float(stats.chi2_contingency([x, y]).pvalue) if len(levels) > 1 else 1.0


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def _check_density(model: Any, train: Table) -> None:
    """Rows as they are must not be less probable than rows whose columns were dealt anew."""
    own = model.log_prob(train)
    _require(own.shape == (train.num_rows,), "log_prob has one number a row")
    _require(not np.isnan(own).any(), "log_prob is a number")
    rng = stream(0, "shuffle")
    order = {n: pa.array(rng.permutation(train.num_rows)) for n in train.names}
    shuffled = Table(train.schema, pa.table({n: train.data[n].take(order[n]) for n in train.names}))
    gap = np.maximum(own, _NEVER) - np.maximum(model.log_prob(shuffled), _NEVER)
    least = -4 * float(gap.std()) / np.sqrt(len(gap))
    _require(float(gap.mean()) >= least, "real rows are at least as probable as shuffled ones")


def _check_state(generator: Generator, table: Table, model: Model, sampled: Table) -> None:
    arrays: dict[str, Any] = {}
    text = json.dumps(pack(model.to_state(), "model", arrays), allow_nan=False)
    _require(
        all(a.dtype.kind in "biuf" for a in arrays.values()), "states hold plain numeric arrays"
    )
    empty = Table(table.schema, table.data.slice(0, 0))
    back = generator.from_state(unpack(json.loads(text), arrays), empty)
    rows = back.sample(_ROWS, rng=stream(0, "sample"))
    _require(rows.data.equals(sampled.data), "a state read back gives the same rows")


def _check_copies(generator: Generator, train: Table, rows: Table) -> None:
    """The last column is continuous without ties, so an equal value is a copied one."""
    name = train.names[-1]
    share = float(pa.compute.is_in(rows[name], train[name].combine_chunks()).to_numpy().mean())
    if type(generator).leaks_on_purpose:
        _require(share > 0.9, "a generator that leaks on purpose copies")
    else:
        _require(share < 0.01, f"no exact value of a continuous column is copied: {share:.1%} are")
