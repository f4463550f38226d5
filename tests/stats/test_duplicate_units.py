"""Equal rows: one person several times, or chance?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import twinset as ts
from twinset.inputs import Options, read
from twinset.stats.duplicate_units import repeated_rows
from twinset.table.table import Table


def table(frame: pd.DataFrame) -> Table:
    return read(frame, Options())[1].only


def patients(people: int, rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "sex": rng.choice(["f", "m"], people),
            "age": rng.integers(18, 90, people),
            "weight": np.round(rng.normal(75, 12, people), 1),
            "pressure": rng.integers(90, 180, people),
            "town": rng.choice([f"town {i}" for i in range(40)], people),
            "visited": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(rng.integers(0, 900, people), "D"),
            "smoker": rng.choice(["yes", "no", None], people),
        }
    )


def answers(rows: int, columns: int, levels: int, rng: np.random.Generator) -> pd.DataFrame:
    """Skewed answers that depend on one another: many rows are equal by chance."""
    mood = rng.random(rows)
    cells = {
        f"q{j}": [f"l{v}" for v in np.floor((mood * rng.random(rows)) ** 2 * levels).astype(int)]
        for j in range(columns)
    }
    return pd.DataFrame(cells)


def test_a_person_in_several_rows_is_one_unit():
    rng = np.random.default_rng(0)
    people = patients(400, rng)
    often = people.loc[np.r_[np.arange(400), np.repeat(np.arange(20), 7)]]
    often = often.sample(frac=1, random_state=0).reset_index()
    units = repeated_rows(table(often.drop(columns="index")))
    assert units is not None
    assert len(np.unique(units)) == 400
    same = pd.Series(often["index"]).groupby(units).nunique()
    assert (same == 1).all()


def test_one_column_may_vary_within_a_person():
    """Each visit has a date of its own; some visits are in two rows."""
    rng = np.random.default_rng(0)
    people = patients(400, rng)
    visits = people.loc[np.r_[np.arange(400), np.repeat(np.arange(80), 3)]].reset_index()
    visits["visited"] = rng.permutation(visits["visited"].to_numpy())
    visits = pd.concat([visits, visits.iloc[:30]], ignore_index=True)
    units = repeated_rows(table(visits.drop(columns="index")))
    assert units is not None
    assert len(np.unique(units)) == 400
    assert (visits["index"].groupby(units).nunique() == 1).all()


def test_rows_that_differ_are_their_own_units():
    assert repeated_rows(table(patients(400, np.random.default_rng(0)))) is None


@pytest.mark.parametrize(
    ("columns", "levels"), [(1, 2), (3, 2), (1, 2_000), (4, 6), (6, 8), (12, 4)]
)
def test_chance_is_no_person(columns, levels):
    frame = answers(1_000, columns, levels, np.random.default_rng(1))
    assert frame.duplicated().any()
    assert repeated_rows(table(frame)) is None


def test_a_code_and_its_label_are_one_column():
    """Two columns that say the same, of 2,000 things in 3,000 rows: equal rows are sales."""
    rng = np.random.default_rng(2)
    thing = rng.permutation(np.r_[np.arange(2_000), rng.integers(0, 2_000, 1_000)])
    frame = pd.DataFrame({"number": thing * 7 + 1_000, "name": [f"thing {t}" for t in thing]})
    assert repeated_rows(table(frame)) is None


def test_numbers_of_rows_do_not_hide_a_person():
    frame = patients(300, np.random.default_rng(0))
    frame = pd.concat([frame, frame.iloc[:50]], ignore_index=True)
    frame.insert(0, "id", [f"R{i:05}" for i in range(len(frame))])
    units = repeated_rows(table(frame))
    assert units is not None
    assert len(np.unique(units)) == 300


@pytest.mark.parametrize("generator", ["cart", "independent"])
def test_what_one_person_in_eight_rows_has_is_not_shown(generator):
    """`protect` and atoms count the person, not the rows; a broken count would show 222.2."""
    people = patients(400, np.random.default_rng(3))
    people.loc[0, ["weight", "town"]] = [222.2, "Atlantis"]
    people = people.loc[np.r_[np.arange(400), np.repeat([0, 1, 2], 11)]].reset_index(drop=True)
    twin = ts.fit(people, generator=generator)
    made = twin.sample(2_000)
    assert made["weight"].max() < 130
    assert "Atlantis" not in set(made["town"])
    assert twin.provenance == {"rows": 433, "units": 433, "repeated": 33}
    assert "identical rows counted as one unit: 33 rows" in twin.protection_text()


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "repeated"),
    [("nhanes", True), ("magic_telescope", True), ("uk_census_2011_10k", False),
     ("online_shoppers", False), ("cardio", False), ("default_credit_card", False)],
)  # fmt: skip
def test_real_tables(shared, name, repeated):
    """Of nhanes, a sample drawn by weights, some people stand there eight times; 62% once."""
    path = next((shared / "data" / "tabular").glob(f"{name}.*"))
    whole = read(path, Options())[1].only
    hidden = {c.name for c in whole.schema.columns if c.role.value == "unit"}
    bare = Table(whole.schema, whole.data).select([n for n in whole.names if n not in hidden])
    units = repeated_rows(Table(bare.schema, bare.data))
    assert (units is not None) is repeated
    if name == "nhanes":
        assert units is not None
        assert np.unique(units).size == whole.num_units
        assert pd.Series(whole.units).groupby(units).nunique().max() == 1
