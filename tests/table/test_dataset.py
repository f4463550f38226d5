"""A data set: named tables, keys, links, unit."""

from __future__ import annotations

import pandas as pd
import pytest

import twinset as ts
from twinset.errors import InputError, SchemaError
from twinset.table.canonical import to_canonical
from twinset.table.dataset import Dataset, Link
from twinset.table.frames import from_frame
from twinset.table.table import Table


def table(**columns: list) -> Table:
    frame = pd.DataFrame(columns)
    return to_canonical(from_frame(frame), ts.schema(frame))


@pytest.fixture
def clinic() -> Dataset:
    patients = table(id=["a", "b", "c"] * 4, sex=["f", "m", "f"] * 4)
    visits = table(patient=["a", "b", "b"] * 9, days=[1, 2, 3] * 9)
    link = Link("visits", ("patient",), "patients", ("id",))
    return Dataset(
        {"patients": patients, "visits": visits}, {"patients": ("id",)}, (link,), "patients"
    )


def test_one_table_is_the_simplest_data_set() -> None:
    one = table(x=[1, 2, 3])
    data = Dataset.of(one)
    assert data.is_one
    assert data.only is one
    assert data.to_dict() == {"tables": ["table"], "keys": {}, "links": [], "unit": None}


def test_several_tables_have_no_only_one(clinic: Dataset) -> None:
    assert not clinic.is_one
    with pytest.raises(InputError, match=r"2 tables \(patients, visits\)"):
        _ = clinic.only


def test_its_shape_goes_through_json(clinic: Dataset) -> None:
    schemas = {name: t.schema for name, t in clinic.tables.items()}
    back = Dataset.from_dict(clinic.to_dict(), schemas)
    assert back.links == clinic.links
    assert (back.keys, back.unit) == (clinic.keys, clinic.unit)
    assert [t.num_rows for t in back.tables.values()] == [0, 0]
    assert back.to_dict() == clinic.empty().to_dict()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tables": {}}, "no tables"),
        ({"unit": "doctors"}, "unit; got 'doctors'"),
        ({"keys": {"doctors": ("id",)}}, "no table 'doctors'"),
        ({"links": (Link("visits", ("patient",), "doctors", ("id",)),)}, "no table 'doctors'"),
        ({"links": (Link("visits", ("patient", "days"), "patients", ("id",)),)}, "length"),
    ],
)
def test_what_does_not_fit_is_refused(clinic: Dataset, change: dict, message: str) -> None:
    parts = {"tables": clinic.tables, "keys": {}, "links": (), "unit": None} | change
    with pytest.raises(InputError, match=message):
        Dataset(**parts)


def test_a_link_of_a_column_that_is_not_there(clinic: Dataset) -> None:
    with pytest.raises(SchemaError, match="nobody"):
        Dataset(clinic.tables, links=(Link("visits", ("nobody",), "patients", ("id",)),))
