"""What every generator must keep: run by our tests and by those of plug-in authors."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pyarrow as pa

from twinset.checks.tables import learnable_table, odd_tables
from twinset.protocols import Generator, Model
from twinset.stats.seeds import stream
from twinset.table.schema import Kind
from twinset.table.table import Table, numbers
from twinset.twin import pack, unpack

__all__ = ["check_generator"]

_ROWS = 2_000


def check_generator(generator: Generator) -> None:
    """Hold a generator to the promises of `twinset.protocols.Generator`.

    Raises
    ------
    AssertionError
        Naming the promise that is broken: it is a frozen dataclass with a name; the same stream
        gives the same rows and another one others; rows have the schema, categories, bounds and
        nulls of the train table; marginals are those of the train table; known cells of `given`
        stay as they are; the state survives JSON and arrays; it copies no rows, unless it says that
        it does; odd tables (one row, one column, all null, constant) work.
    """
    cls = type(generator)
    _require(
        dataclasses.is_dataclass(cls) and cls.__dataclass_params__.frozen,
        "a generator is a frozen dataclass",
    )
    _require(isinstance(cls.name, str) and bool(cls.name), "a generator has a name")
    table = learnable_table(_ROWS, seed=0)
    before = table.data
    model = generator.fit(table, rng=stream(0, "fit"))
    _require(table.data.equals(before), "fit leaves its table alone")
    sampled = model.sample(_ROWS, rng=stream(0, "sample"))
    _check_support(table, sampled, _ROWS)
    _check_streams(generator, table, model, sampled)
    _check_marginals(table, sampled)
    _check_given(table, model)
    _check_state(generator, table, model, sampled)
    _check_copies(generator, table, sampled)
    for name, odd in odd_tables().items():
        rows = generator.fit(odd, rng=stream(1, name)).sample(7, rng=stream(2, name))
        _check_support(odd, rows, 7, f" ({name})")


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
        if column.kind is Kind.REAL:
            values = numbers(data, Kind.REAL)
            plain = values[~np.isnan(values) & ~np.isin(values, column.sentinels)]
            if len(plain) and column.low is not None and column.high is not None:
                inside = (plain >= column.low).all() and (plain <= column.high).all()
                _require(bool(inside), f"numbers within the bounds{where}: {column.name}")
        else:
            known = set(column.categories or ())
            _require(set(data.to_pylist()) - {None} <= known, f"known categories{where}")


def _check_streams(generator: Generator, table: Table, model: Model, sampled: Table) -> None:
    same = model.sample(_ROWS, rng=stream(0, "sample"))
    _require(same.data.equals(sampled.data), "the same stream gives the same rows")
    again = generator.fit(table, rng=stream(0, "fit")).sample(_ROWS, rng=stream(0, "sample"))
    _require(again.data.equals(sampled.data), "fitting twice with one stream gives one model")
    other = model.sample(_ROWS, rng=stream(1, "sample"))
    _require(not other.data.equals(sampled.data), "another stream gives other rows")


def _check_marginals(train: Table, rows: Table) -> None:
    for column in train.schema.columns:
        if column.kind is Kind.REAL:
            a, b = (numbers(t[column.name], Kind.REAL) for t in (train, rows))
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


def _check_given(train: Table, model: Model) -> None:
    for name in (train.names[0], train.names[-1]):
        given = train.select([name]).take(np.arange(200))
        rows = model.sample(given, rng=stream(0, "given"))
        _require(rows.num_rows == 200, "one output row per given row")
        want, got = given[name].to_pylist(), rows[name].to_pylist()
        kept = all(w is None or w == g for w, g in zip(want, got, strict=True))
        _require(kept, f"known cells of `given` stay as they are: {name}")
        _require(rows.names == train.names, "given columns come back with the others, in order")


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
