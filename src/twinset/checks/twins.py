"""Releases with one known defect each, and odd tables, on which metrics are checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.checks.tables import category_array, learnable_table, odd_tables
from twinset.protocols import Family
from twinset.table.schema import Column, Kind, Role, Schema
from twinset.table.table import Table, numbers

__all__ = ["DEFECTS", "TARGET", "Case", "broken", "odd_cases", "world"]

TARGET = "group"
SENSITIVE = ("flag",)
Rows = npt.NDArray[np.int64]
Make = Callable[[Table, Table, np.random.Generator], Table]


@dataclass(frozen=True)
class Case:
    """What an evaluation is called with."""

    train: Table
    synthetic: Table
    holdout: Table | None
    target: str | None = None
    sensitive: tuple[str, ...] = ()


def world(rows: int, seed: int) -> Case:
    """Three samples of one population: the release is as good as a real one can be."""
    train, release, holdout = _samples(rows, seed)
    return Case(train, release, holdout, TARGET, SENSITIVE)


def _samples(rows: int, seed: int) -> list[Table]:
    table = learnable_table(3 * rows, seed=seed)
    roles = {"count": Role.TIME, "flag": Role.EVENT}
    columns = (
        c.model_copy(update={"role": roles.get(c.name, c.role)}) for c in table.schema.columns
    )
    table = Table(Schema(columns=tuple(columns)), table.data)
    return [table.take(np.arange(i * rows, (i + 1) * rows)) for i in range(3)]


def broken(defect: str, case: Case, rng: np.random.Generator) -> Case:
    """Return the case with a release that has the named defect."""
    release = _MAKE[defect](case.train, case.synthetic, rng)
    return Case(case.train, release, case.holdout, case.target, case.sensitive)


def _shuffled(train: Table, fresh: Table, rng: np.random.Generator) -> Table:
    """All columns shuffled: every marginal is right, nothing depends on anything."""
    orders = {n: rng.permutation(fresh.num_rows) for n in fresh.names}
    return _put(fresh, {n: fresh[n].take(pa.array(o)) for n, o in orders.items()})


def _shifted(train: Table, fresh: Table, rng: np.random.Generator) -> Table:
    """Every number is moved up by its standard deviation."""
    moved = {}
    for column in fresh.schema.columns:
        if column.kind.is_number_like:
            values = numbers(fresh[column.name])
            values = values + np.nanstd(values)
            moved[column.name] = pa.array(values, mask=np.isnan(values))
    return _put(fresh, moved)


def _filled(train: Table, fresh: Table, rng: np.random.Generator) -> Table:
    """Nulls are replaced by values of other rows."""
    whole = {}
    for name in fresh.names:
        known = np.flatnonzero(np.asarray(fresh[name].is_valid()))
        at = np.arange(fresh.num_rows)
        null = np.setdiff1d(at, known)
        at[null] = rng.choice(known, len(null))
        whole[name] = fresh[name].take(pa.array(at))
    return _put(fresh, whole)


def _damaged(train: Table, fresh: Table, rng: np.random.Generator) -> Table:
    """The target is dealt to the rows at random."""
    order = pa.array(rng.permutation(fresh.num_rows))
    return _put(fresh, {TARGET: fresh[TARGET].take(order)})


def _repeated(train: Table, fresh: Table, rng: np.random.Generator) -> Table:
    """Twenty rows over and over: a generator that collapsed."""
    return fresh.take(rng.integers(20, size=fresh.num_rows))


def _copied(train: Table, fresh: Table, rng: np.random.Generator) -> Table:
    """Train rows drawn with replacement."""
    return train.take(rng.integers(train.num_rows, size=fresh.num_rows))


_MAKE: dict[str, Make] = {
    "shuffled columns": _shuffled,
    "shifted numbers": _shifted,
    "filled nulls": _filled,
    "damaged target": _damaged,
    "repeated rows": _repeated,
    "copies of train": _copied,
}

DEFECTS: dict[Family, tuple[str, ...]] = {
    "fidelity": ("shuffled columns", "shifted numbers", "filled nulls"),
    "diversity": ("repeated rows",),
    "utility": ("damaged target", "shuffled columns"),
    "integrity": ("shuffled columns", "shifted numbers", "filled nulls"),
    "fairness": ("damaged target", "shuffled columns"),
    "privacy": ("copies of train",),
}


def odd_cases() -> dict[str, Case]:
    """Evaluations on which careless code fails."""
    train, release, holdout = _samples(60, 5)
    one = np.arange(1)
    odd = {f"{name} table": Case(t, t, t, t.names[-1]) for name, t in odd_tables().items()}
    return {
        **odd,
        "no holdout": Case(train, release, None, TARGET, SENSITIVE),
        "no target": Case(train, release, holdout),
        "neither holdout nor target": Case(train, release, None),
        "a sensitive number": Case(train, release, holdout, "size", ("count", "flag")),
        "one released row": Case(train, release.take(one), holdout, TARGET, SENSITIVE),
        "one train row": Case(train.take(one), release, holdout, TARGET, SENSITIVE),
        "one holdout row": Case(train, release, holdout.take(one), TARGET, SENSITIVE),
        "unseen categories": Case(_levels("ab"), _levels("xy"), _levels("ab"), "c"),
        "no column in common": Case(_levels("ab"), _levels("ab", "other"), None),
    }


def _levels(levels: str, name: str = "c") -> Table:
    names = tuple(levels)
    column = Column(name=name, kind=Kind.CATEGORY, categories=names)
    data = category_array(np.arange(60, dtype=np.int64) % len(names), names)
    return Table(Schema(columns=(column,)), pa.table([data], names=[name]))


def _put(table: Table, columns: dict[str, pa.Array]) -> Table:
    data = [columns.get(n, table.data[n]) for n in table.names]
    return Table(table.schema, pa.table(data, names=list(table.names)))
