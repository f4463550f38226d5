"""cart: a condition on a late column gives what rejection gives."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import twinset as ts
from twinset.checks.tables import category_array, learnable_table
from twinset.generators.cart import Cart
from twinset.stats.seeds import stream
from twinset.table.schema import Schema
from twinset.table.table import Table


def test_one_condition_on_a_late_column_is_as_by_rejection() -> None:
    table = learnable_table(4_000, seed=0)
    options = Cart(order=("size", "spend", "count", "flag"))
    model = options.fit(table, rng=stream(0, "fit"))
    schema = Schema(columns=(table.schema["group"],))
    codes = np.full(3_000, 2)
    asked = Table(schema, pa.table({"group": category_array(codes, ("a", "b", "c"))}))
    given = model.sample(asked, rng=stream(0, "given"))
    free = model.sample(60_000, rng=stream(0, "free"))
    inside = free.take(np.array(free["group"].to_pylist()) == "c")
    assert set(given["group"].to_pylist()) == {"c"}
    for name in ("count", "size"):
        a, b = (np.array(t[name].to_pylist(), dtype=float) for t in (given, inside))
        assert abs(a.mean() - b.mean()) < 4 * b.std() / np.sqrt(1_000)
    yes = [np.mean(np.array(t["flag"].to_pylist()) == "yes") for t in (given, inside)]
    assert abs(yes[0] - yes[1]) < 0.06


@pytest.mark.parametrize("scale", [1e300, 1e-300, np.nan])
def test_columns_of_no_plain_number_are_learned(scale: float) -> None:
    """All too large to be a quantity, all next to nothing, all null."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.integers(0, 50, 300), "z": rng.random(300) * scale})
    drawn = ts.fit(table, workers=1).sample(20, given={"a": 7})
    assert drawn["z"].isna().all() == (scale != 1e-300)
    assert (drawn["a"] == 7).all()
