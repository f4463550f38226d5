"""What every generator must keep: run by our tests and by those of plug-in authors."""

from __future__ import annotations

import dataclasses
import itertools
import json
from dataclasses import replace
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
_CODES = 8
_RARE = 20  # rows of a cell that is tested by itself


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
        _check_normalised(generator, table)
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
    """Rows given a category have the distribution of free rows that happen to have it.

    One condition of all rows, then two that take turns: answers must stand in their own rows.
    """
    free = model.sample(_FREE, rng=stream(0, "free"))
    for name, values in (
        ("group", ("c",)),
        ("group", ("a",)),
        ("flag", ("yes",)),
        ("group", ("a", "c")),
    ):
        levels = np.asarray(_text(train[name]).to_pylist(), dtype=object)
        places = np.array([np.flatnonzero(levels == v)[0] for v in values])
        turn = np.arange(_ROWS * len(values)) % len(values)
        given = PartialRows.of(train.select([name]).take(places[turn]))
        done = model.complete(given, rng=stream(1, "given"))
        for at, value in enumerate(values):
            own = replace(done, table=done.table.take(turn == at))
            meets = np.asarray(pa.compute.equal(_text(free[name]), value).fill_null(False))
            _check_inside(own, free, meets, f"given {name} = {value}")


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
    """Hold rows against rejection: no test rejects columns or pairs, if they are called exact.

    Else columns must at least be nearer to what rejection gives than to free rows.
    """
    kept = free.take(meets)
    is_exact = done.method in ("exact", "rejection", "direct")
    for name in free.names:
        same, p = _apart(done.table, kept, name)
        if is_exact:
            _require(p > _ALPHA, f"exact rows are those of rejection ({what}: {name}, p = {p:.1g})")
            continue
        ignored, noise = _apart(free, kept, name)[0], 2 / np.sqrt(done.table.num_rows)
        heeded = ignored < _CLEAR or same < ignored / 2 + noise
        _require(heeded, f"what is known is not ignored ({what}: {name})")
    if not is_exact:
        return
    codes = {n: [_binned(t, kept, n) for t in (done.table, kept)] for n in free.names}
    for a, b in itertools.combinations(free.names, 2):
        p = _same_counts(*(x * _CODES + y for x, y in zip(codes[a], codes[b], strict=True)))
        promise = f"exact rows are those of rejection ({what}: {a} with {b}, p = {p:.1g})"
        _require(p > _ALPHA, promise)


def _apart(a: Table, b: Table, name: str) -> tuple[float, float]:
    """Return a distance from 0 to 1 between a column of two tables, and a p-value of no effect."""
    from scipy import stats

    if a.schema[name].kind.is_number_like:
        x, y = (np.nan_to_num(numbers(t[name]), nan=-1e9) for t in (a, b))
        found = stats.ks_2samp(x, y, method="asymp")
        return float(found.statistic), float(found.pvalue)
    codes = [_binned(t, b, name) for t in (a, b)]
    shares = [np.bincount(v, minlength=_CODES) / max(len(v), 1) for v in codes]
    return float(np.abs(shares[0] - shares[1]).sum() / 2), _same_counts(codes[0], codes[1])


def _binned(table: Table, like: Table, name: str) -> npt.NDArray[np.int64]:
    """Codes below 8: quarters of a number by those of `like`, the first categories; null is 0."""
    if table.schema[name].kind.is_number_like:
        x = numbers(table[name])
        cuts = np.nanquantile(numbers(like[name]), [0.25, 0.5, 0.75])
        return np.asarray(np.where(np.isnan(x), 0, 1 + np.searchsorted(cuts, x)))
    place = {c: i for i, c in enumerate(table.schema[name].categories or (), 1)}
    codes = [min(place.get(v, 0), _CODES - 1) for v in _text(table[name]).to_pylist()]
    return np.array(codes, dtype=np.int64)


def _same_counts(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> float:
    """p-value of Pearson's chi-square of two rows of counts, rare cells taken together."""
    from scipy import stats

    size = int(max(a.max(initial=0), b.max(initial=0))) + 1
    counts = np.array([np.bincount(v, minlength=size) for v in (a, b)])
    rare = counts.sum(axis=0) < _RARE
    counts = np.column_stack([counts[:, ~rare], counts[:, rare].sum(axis=1)])
    counts = counts[:, counts.sum(axis=0) > 0]
    return float(stats.chi2_contingency(counts).pvalue) if counts.shape[1] > 1 else 1.0


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


def _check_normalised(generator: Generator, train: Table) -> None:
    """Of two categories, the probabilities of all rows that can be add up to one."""
    names = ("group", "flag")
    model: Any = _fitted(generator, train.select(names))
    rows: dict[tuple[Any, ...], int] = {}
    for place, row in enumerate(zip(*(_text(train[n]).to_pylist() for n in names), strict=True)):
        rows.setdefault(row, place)
    every = train.select(names).take(np.array(sorted(rows.values()), dtype=np.int64))
    total = float(np.exp(model.log_prob(every)).sum())
    _require(abs(total - 1) < 0.01, f"probabilities of all rows add up to one, not {total:.3g}")


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
