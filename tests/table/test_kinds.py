"""Kinds of columns: what is declared of each holds for the values that a table keeps."""

import numpy as np
import pyarrow as pa
import pytest

from twinset.table.kinds import Kind
from twinset.table.schema import Column, Format
from twinset.table.table import canonical_type, from_numbers, numbers


@pytest.mark.parametrize("kind", [k for k in Kind if k.is_number_like])
def test_numbers_of_each_kind_come_back(kind: Kind) -> None:
    values = np.array([0.0, 3.0, np.nan, 7.0])
    cells = from_numbers(values, kind)
    assert cells.type == canonical_type(kind)
    np.testing.assert_array_equal(numbers(pa.chunked_array([cells]), kind), values)


def test_every_kind_is_declared_and_counted_once() -> None:
    families = [
        {k for k in Kind if k.facts.family == f} for f in ("amount", "moment", "levels", "made new")
    ]
    assert set.union(*families) == set(Kind)
    assert {k for k in Kind if k.is_plain_number} == {Kind.INTEGER, Kind.REAL}
    assert {k for k in Kind if k.is_calendar} == {Kind.DATE, Kind.DATETIME}
    assert {k for k in Kind if k.is_whole} == {Kind.INTEGER, Kind.DATE}
    assert {k for k in Kind if k.is_coded} == {Kind.CATEGORY, Kind.ORDINAL}


@pytest.mark.parametrize(
    ("kind", "form", "step"),
    [
        (Kind.INTEGER, Format(), 1.0),
        (Kind.INTEGER, Format(step=1000), 1000.0),
        (Kind.REAL, Format(decimals=2), 0.01),
        (Kind.REAL, Format(decimals=2, step=0.25), 0.25),
        (Kind.REAL, Format(), None),
        (Kind.DURATION, Format(decimals=2), None),
    ],
)
def test_step_is_stated_or_that_of_the_kind_or_of_the_decimals(
    kind: Kind, form: Format, step: float | None
) -> None:
    assert Column(name="x", kind=kind, format=form).step == step
