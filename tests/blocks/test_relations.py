"""Exact relations between columns are found, kept in draws, and not found where there are none."""

from __future__ import annotations

import numpy as np
import pandas as pd

import twinset as ts
from twinset.blocks.relations import Relation, find_relations

ROWS = 3_000


def found(columns: dict[int, np.ndarray]) -> dict[int, tuple[Relation, ...]]:
    return {i: r for i, (r, _) in find_relations(columns, list(columns), least=20).items()}


def test_a_sum_and_a_difference_are_found() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 5_000, ROWS).astype(float), rng.integers(0, 900, ROWS).astype(float)
    assert found({0: a, 1: b, 2: a + b}) == {2: (Relation(((0, 1), (1, 1))),)}
    assert found({0: a + b, 1: a, 2: b}) == {2: (Relation(((0, 1), (1, -1))),)}


def test_columns_equal_in_some_rows_are_found_and_chance_is_not() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 9_000, ROWS).astype(float), rng.integers(0, 9_000, ROWS).astype(float)
    some = np.where(rng.random(ROWS) < 0.1, a, b)
    assert found({0: a, 1: some}) == {1: (Relation(((0, 1),)),)}
    assert found({0: a, 1: b}) == {}
    age, hours = rng.integers(20, 80, ROWS) * 1.0, rng.integers(10, 70, ROWS) * 1.0
    assert found({0: age, 1: hours}) == {}
    zeros = [np.where(rng.random(ROWS) < 0.7, 0.0, x) for x in (a, b)]
    assert found({0: zeros[0], 1: zeros[1]}) == {}


def test_what_one_person_repeats_is_no_relation() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 9_000, ROWS).astype(float), rng.integers(0, 9_000, ROWS).astype(float)
    b[:100] = a[:100]
    units = np.r_[np.zeros(100, dtype=np.int64), np.arange(1, ROWS - 99)]
    assert find_relations({0: a, 1: b}, [0, 1], least=20).keys() == {1}
    assert not find_relations({0: a, 1: b}, [0, 1], least=20, units=units)


def test_drawn_rows_keep_them() -> None:
    rng = np.random.default_rng(2)
    rooms = np.round(rng.lognormal(6, 0.5, ROWS))
    cellar = np.where(rng.random(ROWS) < 0.6, 0, np.round(rng.lognormal(5, 0.5, ROWS)))
    bill = np.round(rng.lognormal(7, 1, ROWS), 2)
    paid = np.where(rng.random(ROWS) < 0.3, bill, np.round(rng.lognormal(5, 1, ROWS), 2))
    paid[rng.random(ROWS) < 0.05] = np.nan
    table = pd.DataFrame(
        {"all": rooms + cellar, "rooms": rooms, "cellar": cellar, "bill": bill, "paid": paid}
    )
    twin = ts.fit(table, seed=0)
    drawn = twin.sample(5_000)
    assert ((drawn["rooms"] + drawn["cellar"]) == drawn["all"]).mean() > 0.97
    full = {name: (t["paid"] == t["bill"]).mean() for name, t in (("", table), ("new", drawn))}
    assert abs(full["new"] - full[""]) < 0.04
    assert abs((drawn["cellar"] == 0).mean() - 0.6) < 0.05
    given = twin.sample(200, given={"bill": 1_000.0})
    assert (given["bill"] == 1_000.0).all()
    assert 0.1 < (given["paid"] == 1_000.0).mean() < 0.5
