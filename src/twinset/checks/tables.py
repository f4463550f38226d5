"""Made-up tables with known structure on which checks run."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.table.schema import Column, Format, Kind, Schema
from twinset.table.table import Table

__all__ = ["category_array", "learnable_table", "odd_tables"]


def category_array(codes: npt.NDArray[np.int64], levels: tuple[str, ...]) -> pa.Array:
    """Dictionary array; codes below zero are null."""
    indices = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(levels, pa.string()))


def learnable_table(rows: int, *, seed: int) -> Table:
    """Return a learnable table: dependent categories, an integer, nulls, an atom, a heavy tail."""
    rng = np.random.default_rng(seed)
    group = rng.choice(3, size=rows, p=[0.5, 0.3, 0.2])
    flag = (rng.random(rows) < np.array([0.1, 0.5, 0.9])[group]).astype(np.int64)
    flag[rng.random(rows) < 0.05] = -1
    count = rng.poisson(3 + 5 * group).astype(float)
    spend = np.where(rng.random(rows) < 0.4, 0.0, np.round(rng.lognormal(3 + group, 1), 2))
    spend[group == 2] = np.where(rng.random((group == 2).sum()) < 0.5, np.nan, spend[group == 2])
    size = rng.normal(size=rows) * (1 + group) + count
    columns = (
        Column(name="group", kind=Kind.CATEGORY, categories=("a", "b", "c")),
        Column(name="flag", kind=Kind.CATEGORY, categories=("no", "yes"), nullable=True),
        _real("count", count, 1.0),
        _real("spend", spend, 0.01),
        _real("size", size, None),
    )
    data = [
        category_array(group, ("a", "b", "c")),
        category_array(flag, ("no", "yes")),
        pa.array(count),
        pa.array(spend, mask=np.isnan(spend)),
        pa.array(size),
    ]
    return Table(Schema(columns=columns), pa.table(data, names=[c.name for c in columns]))


def odd_tables() -> dict[str, Table]:
    """Small tables on which careless code fails."""
    two = Column(name="c", kind=Kind.CATEGORY, categories=("x", "y"), nullable=True)
    none = np.full(9, np.nan)
    return {
        "one row": _table((_real("v", np.array([3.0]), 1.0), [3.0])),
        "one column": _table((two, category_array(np.arange(40) % 2, ("x", "y")))),
        "all null": _table(
            (_real("v", none, None), pa.array(none, mask=np.isnan(none))),
            (two, category_array(np.full(9, -1), ("x", "y"))),
        ),
        "constant": _table((_real("v", np.full(30, 2.5), None), np.full(30, 2.5))),
    }


def _real(name: str, values: npt.NDArray[np.float64], step: float | None) -> Column:
    known = values[~np.isnan(values)]
    return Column(
        name=name,
        kind=Kind.REAL,
        nullable=len(known) < len(values),
        format=Format(step=step),
        low=float(known.min()) if len(known) else None,
        high=float(known.max()) if len(known) else None,
    )


def _table(*columns: tuple[Column, object]) -> Table:
    schema = Schema(columns=tuple(c for c, _ in columns))
    return Table(schema, pa.table([pa.array(a) for _, a in columns], names=list(schema.names)))
