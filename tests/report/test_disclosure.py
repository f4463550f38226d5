"""Nothing held by fewer than ten units leaves, even if the rooms below let it through."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from twinset.protocols import Estimate, Result
from twinset.report.disclosure import MINIMUM, guard_provenance, publishable_schema
from twinset.report.html import render
from twinset.report.json import to_json
from twinset.report.summary import summarise
from twinset.results import Chart, Exposed
from twinset.table.schema import Column, Kind, Role, Schema
from twinset.table.table import Table

SECRET = "Zanzibar-4711"


def both(evaluation, audit, provenance) -> str:
    page = render(summarise(evaluation, audit, (), provenance))
    return page + to_json(evaluation, audit, (), provenance)


@pytest.mark.parametrize("units", [3, 9])
def test_a_chart_with_a_small_bin_goes(evaluation, audit, provenance, units):
    share = units / 24_421
    chart = Chart("country", ("US", SECRET), (1 - share, share), (1.0, 0.0))
    text = both(replace(evaluation, charts=(chart,)), audit, provenance)
    assert SECRET not in text
    assert "a group in it holds fewer than 10 units" in text


def test_a_chart_with_large_bins_stays(evaluation, audit, provenance):
    share = MINIMUM / 24_421
    chart = Chart("country", ("US", SECRET), (1 - share, share), (1.0, 0.0))
    assert SECRET in both(replace(evaluation, charts=(chart,)), audit, provenance)


def test_what_bins_leave_out_can_be_subtracted(evaluation, audit, provenance):
    chart = Chart("country", ("US", SECRET), (0.5, 0.5 - 4 / 24_421), (0.5, 0.5))
    assert SECRET not in both(replace(evaluation, charts=(chart,)), audit, provenance)


def test_only_the_holdouts_bars_go_if_only_they_are_small(evaluation, provenance):
    share = 4 / 24_421
    chart = Chart("country", ("US", "CA"), (0.5, 0.5), (0.5, 0.5), (1 - share, share))
    card = summarise(replace(evaluation, charts=(chart,)), None, (), provenance).columns[0]
    assert card.chart.header == ("value", "train", "synthetic")


def test_small_groups_and_kinds_go(evaluation, audit, provenance):
    small = Result("fairness", "gap", group=SECRET, estimate=Estimate(0.1, 0.0, 0.2, 9))
    kind = Exposed(f"country is {SECRET}", 9, 0.9, 0.8, 1.0)
    text = both(
        replace(evaluation, results=(*evaluation.results, small)),
        replace(audit, exposed=(*audit.exposed, kind)),
        provenance,
    )
    assert SECRET not in text
    assert "rests on fewer than 10 units" in text


def test_small_counts_in_words_go():
    known = guard_provenance({"protection": "age: top coded in 3 rows; pay: in 1,003 rows"})
    assert known["protection"] == "age: top coded in fewer than 10 rows; pay: in 1,003 rows"


def table(units: np.ndarray | None = None) -> Table:
    city = ["Oslo"] * 40 + ["Bergen"] * 12 + [SECRET] * 8
    pay = np.arange(60, dtype=np.float64)
    pay[-1] = 123_456.789
    columns = [
        Column(
            name="city", kind=Kind.CATEGORY, categories=("Oslo", "Bergen", SECRET), reason=SECRET
        ),
        Column(name="pay", kind=Kind.REAL, low=0.0, high=123_456.789, sentinels=(5.0,)),
    ]
    data = {"city": pa.array(city).dictionary_encode(), "pay": pa.array(pay)}
    if units is not None:
        columns.append(Column(name="who", kind=Kind.IDENTIFIER, role=Role.UNIT))
        data["who"] = pa.array([f"u{u}" for u in units])
    return Table(Schema(columns=tuple(columns)), pa.table(data))


def test_the_schema_names_no_rare_value_and_no_extreme():
    real = table()
    schema = publishable_schema(real.schema, real)
    assert schema["city"].categories == ("Oslo", "Bergen")
    assert schema["pay"].sentinels == ()
    assert (schema["pay"].low, schema["pay"].high) == (10.0, 50.0)
    assert SECRET not in json.dumps(schema.to_dict())


def test_the_schema_counts_units_not_rows():
    units = np.concatenate([np.arange(40), np.repeat(np.arange(100, 103), 4), np.arange(200, 208)])
    real = table(units)
    assert publishable_schema(real.schema, real)["city"].categories == ("Oslo",)


def test_what_was_declared_stays():
    real = table()
    fixed = real.schema["pay"].model_copy(
        update={"declared": frozenset({"low", "high"}), "low": -1.0}
    )
    schema = publishable_schema(real.schema.replacing(fixed), real)
    assert schema["pay"].low == -1.0
    assert schema["pay"].high == 123_456.789


def test_too_few_units_leave_no_bound():
    real = table(np.zeros(60, dtype=int))
    schema = publishable_schema(real.schema, real)
    assert schema["pay"].low is None
    assert schema["city"].categories == ()
