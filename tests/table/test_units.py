"""A column named `person` or `customer` is the unit if its values name people, not if it counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from twinset.inputs import Options
from twinset.stats.seeds import stream
from twinset.table.inference.table_schema import infer
from twinset.table.schema import Kind
from twinset.table.sources import open_source

PEOPLE = 60


def visits(name: str, values: np.ndarray, rng: np.random.Generator) -> pa.Table:
    rows = len(values)
    frame = {name: values, "score": rng.normal(size=rows), "level": rng.integers(0, 9, rows)}
    return pa.Table.from_pandas(pd.DataFrame(frame))


@pytest.mark.parametrize("name", ["person", "Patient", "CUSTOMER", "household", "Schüler"])
@pytest.mark.parametrize("form", ["whole", "code", "text"])
def test_names_in_runs_or_of_a_panel(name, form):
    rng = np.random.default_rng(0)
    number = rng.choice(10_000, PEOPLE, replace=False)
    if form == "code":
        number = np.array([f"P-{i:05}" for i in number])
    if form == "text":
        number = number.astype(str)
    uneven = np.repeat(number, rng.integers(1, 9, PEOPLE))
    panel = rng.permutation(np.repeat(number, 4))
    for values in (uneven, panel):
        unit = infer(visits(name, values, rng)).unit
        assert unit is not None
        assert (unit.name, unit.kind) == (name, Kind.IDENTIFIER)


def test_names_that_tell_a_column():
    rng = np.random.default_rng(1)
    values = rng.permutation(np.repeat(np.arange(PEOPLE) + 1, rng.integers(1, 9, PEOPLE)))
    table = visits("patient", values, rng)
    assert infer(table).unit is None
    sex = rng.choice(["f", "m"], PEOPLE)[values - 1]
    unit = infer(table.append_column("sex", pa.array(sex))).unit
    assert unit is not None
    assert "tells 'sex'" in unit.reason


def test_counts_are_no_names():
    rng = np.random.default_rng(2)
    rows = 4_000
    for values in (
        rng.poisson(200, rows),
        rng.integers(0, 500, rows),
        rng.negative_binomial(2, 0.02, rows),
        rng.integers(18, 90, rows),
        rng.integers(1, 6, rows),
    ):
        table = visits("customer", values, rng)
        bands = pd.cut(values, 6, labels=False).astype(str)
        assert infer(table).unit is None
        assert infer(table.append_column("band", pa.array(bands))).unit is None


def test_words_are_no_names():
    rng = np.random.default_rng(3)
    words = np.array([f"{a}{b}" for a in "abcdefg" for b in "uvwxyz"])
    assert infer(visits("customer", np.repeat(words, 30), rng)).unit is None
    number = np.repeat(np.arange(PEOPLE) + 500, 5)
    assert infer(visits("children", number, rng)).unit is None


RENAMED = [
    ("tabular/nhanes.parquet", "ID", "person"),
    ("tabular/oulad_students.csv.gz", "id_student", "student"),
    ("tabular/eusilc.csv.gz", "db030", "household"),
    ("relational/cdnow/purchases.csv.gz", "users_id", "customer"),
    ("relational/mimic3_demo/admissions.csv", "subject_id", "subject"),
]


@pytest.mark.shared
@pytest.mark.parametrize(("path", "column", "name"), RENAMED)
def test_real_people(shared, path, column, name):
    raw = open_source(shared / "data" / path).raw(20_000, stream(0, "read"))
    raw = raw.rename_columns([name if n == column else n for n in raw.column_names])
    unit = Options().infer(raw).unit
    assert unit is not None
    assert unit.name == name


NO_UNIT = [
    ("adult.csv.gz", ["age", "fnlwgt", "hours-per-week", "capital-gain", "education-num"]),
    ("airbnb_nyc.csv.gz", ["price", "minimum_nights", "number_of_reviews", "availability_365"]),
    ("king_county_houses.csv.gz", ["bedrooms", "sqft_living", "yr_built", "zipcode", "price"]),
    ("loans_full_schema.csv.gz", ["annual_income", "total_credit_lines", "sub_grade"]),
    ("student_mat.csv", ["absences", "age"]),
]  # fmt: skip


@pytest.mark.shared
@pytest.mark.parametrize(("path", "columns"), NO_UNIT)
def test_real_quantities_called_customer(shared, path, columns):
    raw = open_source(shared / "data" / "tabular" / path).raw(20_000, stream(0, "read"))
    for column in columns:
        names = ["customer" if n == column else n for n in raw.column_names]
        assert "customer" in names
        unit = Options().infer(raw.rename_columns(names)).unit
        assert unit is None or unit.name != "customer", column
