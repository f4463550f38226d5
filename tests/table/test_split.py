"""Splitting by unit, and holdouts that people bring."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from twinset.errors import InputError
from twinset.table.schema import Column, Kind, Role, Schema
from twinset.table.split import align_columns, check_holdout, split
from twinset.table.table import Table


def table_of(units, *, role=Role.UNIT, names=("who", "row")):
    units = np.asarray(units)
    schema = Schema(
        columns=(
            Column(name=names[0], kind=Kind.IDENTIFIER, role=role),
            Column(name=names[1], kind=Kind.INTEGER),
        )
    )
    who = pa.array([None if u < 0 else f"p{u}" for u in units], pa.string())
    return Table(schema, pa.table([who, pa.array(np.arange(len(units)))], names=list(names)))


def rows_of(table):
    return table["row"].to_numpy()


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("holdout", [None, 0.3, 250])
def test_units_are_in_one_part_and_rows_stay_in_order(holdout):
    units = rng(1).integers(0, 200, 1_000)
    train, held = split(table_of(units), holdout, rng=rng())
    assert set(units[rows_of(train)]).isdisjoint(units[rows_of(held)])
    assert sorted([*rows_of(train), *rows_of(held)]) == list(range(1_000))
    assert (np.diff(rows_of(train)) > 0).all()
    assert (np.diff(rows_of(held)) > 0).all()


def test_sizes():
    plain = table_of(range(1_001), role=Role.FEATURE)
    assert split(plain, rng=rng())[1].num_rows == 500
    assert split(plain, 0.1, rng=rng())[1].num_rows == 100
    assert split(plain, 123, rng=rng())[1].num_rows == 123
    assert split(plain, 1, rng=rng())[1].num_rows == 1
    assert split(plain, 1_000, rng=rng())[0].num_rows == 1
    large = table_of(range(50_001), role=Role.FEATURE)
    assert split(large, rng=rng())[1].num_rows == 25_000
    units = table_of(np.repeat(np.arange(300), 4))
    assert split(units, rng=rng())[1].num_units == 150
    assert split(units, 41, rng=rng())[1].num_rows == 40, "a number of rows is not exceeded"
    assert split(units, 2, rng=rng())[1].num_rows == 4, "but one unit is the least"


def test_each_row_without_a_unit_is_its_own():
    train, held = split(table_of([-1] * 100), rng=rng())
    assert (train.num_rows, held.num_rows) == (50, 50)


def test_the_seed_decides_and_every_unit_has_its_chance():
    table = table_of(range(20), role=Role.FEATURE)
    same = [rows_of(split(table, rng=rng(5))[1]).tolist() for _ in range(2)]
    assert same[0] == same[1]
    counts = np.zeros(20)
    for seed in range(600):
        counts[rows_of(split(table, rng=rng(seed))[1])] += 1
    # 600 draws of a half: a standard deviation of 12.2; a unit left out or always in is far off
    assert (abs(counts - 300) < 5 * 12.2).all()


@pytest.mark.parametrize("holdout", [0, 1.0, 0.0, -0.2, 1.5, 10, -3, True, float("nan")])
def test_sizes_that_make_no_sense(holdout):
    with pytest.raises(InputError, match=r"--holdout; got .*; allowed: a share between 0 and 1"):
        split(table_of(range(10)), holdout, rng=rng())


def test_one_unit_cannot_be_split():
    with pytest.raises(InputError, match="cannot be split; got 1 units"):
        split(table_of([3, 3, 3]), rng=rng())
    with pytest.raises(InputError, match="got 0 units"):
        split(table_of([]), rng=rng())


def test_holdout_is_put_in_order_and_shared_units_go():
    train = table_of([1, 2, 3, -1])
    given = table_of([3, 4, 3, 5, 1, -1]).select(["row", "who"])
    held, removed = check_holdout(train, given)
    assert removed == 2
    assert held.names == train.names
    assert rows_of(held).tolist() == [1, 3, 5]
    assert check_holdout(train, table_of([7, 8]))[1] == 0
    plain = table_of([1, 2], role=Role.FEATURE)
    assert check_holdout(plain, plain)[0].num_rows == 2, (
        "rows are not units unless a column says so"
    )


def test_holdouts_that_cannot_be_used():
    train = table_of([1, 2, 3])
    with pytest.raises(InputError, match=r"--holdout; got only units that are in train too \(2\)"):
        check_holdout(train, table_of([1, 2, 2]))
    with pytest.raises(InputError, match="--holdout; got no rows"):
        check_holdout(train, table_of([]))
    with pytest.raises(
        InputError,
        match="got no column 'who' and unknown column 'whom'; allowed: the columns of train; "
        "hint: 'whom' may be 'who'",
    ):
        check_holdout(train, table_of([7], names=("whom", "row")))


def test_columns_are_aligned():
    raw = pa.table({"b": [1], "a": [2]})
    assert align_columns(raw, ["a", "b"], what="x").column_names == ["a", "b"]
    with pytest.raises(
        InputError, match="x; got no column 'c0', 'c1', 'c2', 'c3', 'c4' and 3 more"
    ):
        align_columns(raw, ["a", "b", *(f"c{i}" for i in range(8))], what="x")
