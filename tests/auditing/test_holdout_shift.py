"""The control without a release: random splits pass it, sorted files cut in two do not."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import twinset as ts
from twinset.auditing import controls, holdout_shift, measures
from twinset.auditing.game import set_up
from twinset.auditing.release import audit_release
from twinset.checks.tables import learnable_table
from twinset.table.schema import Column, Kind, Role, Schema
from twinset.table.table import Table


def many_levels(rows, rng):
    """A number, a column of few levels, and one of so many that half of them occur once."""
    data = pa.table(
        {
            "x": np.round(rng.normal(size=rows), 1),
            "few": rng.choice(["a", "b", "c"], rows, p=[0.7, 0.2, 0.1]),
            "many": rng.zipf(1.3, rows).clip(max=5_000).astype(str),
        }
    )
    kinds = (Kind.REAL, Kind.CATEGORY, Kind.CATEGORY)
    columns = (Column(name=n, kind=k) for n, k in zip(data.column_names, kinds, strict=True))
    return Table(Schema(columns=tuple(columns)), data)


def with_units(table, rng):
    """Whole numbers of rows for each person, who gives all of his rows something in common."""
    ids = np.sort(rng.integers(0, table.num_rows // 4, table.num_rows))
    own = rng.normal(size=table.num_rows)[ids] + rng.normal(size=table.num_rows) / 5
    data = table.data.append_column("own", pa.array(own)).append_column("id", pa.array(ids))
    columns = (
        Column(name="own", kind=Kind.REAL),
        Column(name="id", kind=Kind.INTEGER, role=Role.UNIT),
    )
    return Table(Schema(columns=(*table.schema.columns, *columns)), data)


def halves(table, rng):
    """Train and holdout by unit at random."""
    ids = np.arange(table.num_rows) if table.units is None else np.asarray(table.units)
    first = rng.random(int(ids.max()) + 1) < 0.5
    return table.take(first[ids]), table.take(~first[ids])


def game_of(train, holdout, seed=0):
    return set_up(train, train.take(np.arange(20)), holdout, seed=seed)


def random_games(number, rows, units):
    for seed in range(number):
        rng = np.random.default_rng(seed)
        table = many_levels(rows, rng)
        yield seed, game_of(*halves(with_units(table, rng) if units else table, rng), seed)


def mean_auc(games):
    """Mean AUC of the classifiers, and its standard error."""
    found = []
    for seed, game in games:
        areas = [
            measures.auc(s, game.is_member, ~np.isnan(s)).value
            for s in holdout_shift.Likeness(game, seed).scores()
        ]
        found.append(np.mean(areas))
    return np.mean(found), np.std(found) / np.sqrt(len(found))


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "units"), [(80, False), (600, False), (1_200, True)])
def test_random_splits_pass(rows, units):
    """The stated level is one in a thousand: 2 of 60 by chance in one of 600 runs."""
    failed = [
        not controls.without_release(game, seed)[1] for seed, game in random_games(60, rows, units)
    ]
    assert sum(failed) < 2


@pytest.mark.slow
@pytest.mark.parametrize("units", [False, True])
def test_nothing_is_learned_of_a_random_split(units):
    mean, error = mean_auc(random_games(40, 1_000, units))
    assert abs(mean - 0.5) < 4 * error


@pytest.mark.slow
def test_levels_numbered_as_they_come_would_tell(monkeypatch):
    plain = holdout_shift.encode
    monkeypatch.setattr(
        holdout_shift, "encode", lambda *a, by_label, **kw: plain(*a, **kw, by_label=not by_label)
    )
    mean, error = mean_auc(random_games(40, 1_000, False))
    assert mean > 0.5 + 4 * error


@pytest.mark.parametrize("name", ["size", "group"])
def test_a_sorted_table_cut_in_two_fails_and_the_column_is_named(name):
    table = learnable_table(600, seed=4)
    order = np.argsort(np.array(table[name].to_pylist()), kind="stable")
    train, holdout = table.take(order[:300]), table.take(order[300:])
    audit = audit_release(train, train, holdout, attacks=["distance"], seed=1)
    assert not audit.controls_passed
    found = audit.find("control", control="without_release")
    assert found.columns[0] == name
    assert audit.verdict.startswith(
        f"Not assessed: a control gave a wrong answer (without release: the holdout is not like "
        f"train, most of all in {name}"
    )
    assert "split one table at random, by unit" in audit.verdict


def test_columns_that_differ_together_only_are_told_but_not_named():
    """Each column alone is the same in both tables; their product is not."""
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(2, 4_000))
    sides = [
        Table(
            Schema(columns=tuple(Column(name=n, kind=Kind.REAL) for n in "xy")),
            pa.table({"x": x[keep], "y": y[keep]}),
        )
        for keep in (x * y > 0, x * y <= 0)
    ]
    result, passed = controls.without_release(game_of(*sides), 0)
    assert not passed
    assert result.columns == ()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "rows"), [("student_mat.csv", 395), ("adult.csv.gz", 6_000)])
def test_real_tables_sorted_by_age_fail_and_dealt_at_random_pass(shared, name, rows):
    path = shared / "data" / "tabular" / name
    table = pd.read_csv(path, sep=None, engine="python", nrows=rows)
    for order, passes in (
        (np.argsort(table["age"].to_numpy(), kind="stable"), False),
        (np.random.default_rng(0).permutation(rows), True),
    ):
        train, holdout = table.iloc[order[: rows // 2]], table.iloc[order[rows // 2 :]]
        audit = ts.audit(train, train.head(100), holdout)
        assert audit.controls_passed == passes
        assert ("most of all in age" in audit.verdict) != passes
