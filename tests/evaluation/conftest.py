"""Small tables built by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from twinset.table.schema import Column, Kind, Role, Schema
from twinset.table.table import Table, canonical_type

Build = Callable[..., Table]


def build_table(
    columns: Mapping[str, object] | pd.DataFrame,
    *,
    target: str | None = None,
    unit: str | None = None,
    kinds: Mapping[str, Kind] | None = None,
) -> Table:
    """Turn a frame or a mapping of arrays into a canonical table."""
    frame = pd.DataFrame(columns)
    made, arrays = [], []
    for name in frame.columns:
        values = frame[name]
        role = Role.TARGET if name == target else Role.UNIT if name == unit else Role.FEATURE
        if kinds and name in kinds:
            kind = kinds[name]
        elif values.dtype.kind == "b":
            kind = Kind.BOOLEAN
        elif values.dtype.kind in "iu":
            kind = Kind.INTEGER
        elif values.dtype.kind == "f":
            kind = Kind.REAL
        else:
            kind = Kind.CATEGORY
        raw = [None if pd.isna(v) else v for v in values.tolist()]
        categories = None
        if kind in (Kind.CATEGORY, Kind.ORDINAL):
            array = pa.array([None if v is None else str(v) for v in raw], pa.string())
            array = array.cast(canonical_type(kind))
            categories = tuple(sorted({str(v) for v in raw if v is not None}))
        else:
            array = pa.array(raw, canonical_type(kind))
        made.append(Column(name=str(name), kind=kind, role=role, categories=categories))
        arrays.append(array)
    return Table(Schema(columns=tuple(made)), pa.table(arrays, names=[c.name for c in made]))


@pytest.fixture(scope="session")
def build() -> Build:
    return build_table


@pytest.fixture(scope="session")
def people() -> Callable[[int, int], pd.DataFrame]:
    """Draw a frame of mixed, dependent columns: (rows, seed)."""

    def draw(rows: int, seed: int) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        age = rng.integers(18, 80, rows)
        job = rng.choice(["clerk", "nurse", "driver", "chef"], rows, p=[0.4, 0.3, 0.2, 0.1])
        pay = rng.lognormal(3 + (age - 18) / 60 + (job == "chef"), 0.5, rows)
        hours = np.where(rng.random(rows) < 0.4, 40, rng.integers(5, 70, rows))
        bonus = np.where(rng.random(rows) < 0.2, np.nan, rng.gamma(2, 2, rows))
        rich = rng.random(rows) < 1 / (1 + np.exp(-(pay - 40) / 10))
        x, y = rng.random(rows) < 0.5, rng.random(rows) < 0.5
        z = (x ^ y) ^ (rng.random(rows) < 0.05)
        return pd.DataFrame(
            {
                "age": age,
                "job": job,
                "pay": pay,
                "hours": hours,
                "bonus": bonus,
                "x": x,
                "y": y,
                "z": z,
                "rich": np.where(rich, "yes", "no"),
            }
        )

    return draw
