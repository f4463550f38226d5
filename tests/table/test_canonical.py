"""Raw cells to canonical ones and back, the same."""

from __future__ import annotations

import csv
import datetime as dt
import decimal
import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinset.errors import InputError
from twinset.table import dates
from twinset.table.canonical import to_canonical, to_raw
from twinset.table.inference.table_schema import infer
from twinset.table.number_format import to_floats, write_reals
from twinset.table.schema import Column, Format, Kind, Schema
from twinset.table.table import canonical_type


def there_and_back(raw: pa.Table) -> pa.Table:
    schema = infer(raw)
    table = to_canonical(raw, schema)
    for column in schema.columns:
        assert table.data[column.name].type == canonical_type(column.kind)
    return to_raw(table)


def delimited(path: Path) -> pa.Table:
    """All cells as text; an empty cell is null."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        names = next(csv.reader(lines))
    convert = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), null_values=[""], strings_can_be_null=True
    )
    parse = pa.csv.ParseOptions(newlines_in_values=True)
    return pa.csv.read_csv(path, parse_options=parse, convert_options=convert)


SMALL = [
    "tabular/eusilc.csv.gz", "tabular/loans_full_schema.csv.gz", "tabular/hotel_rates.csv.gz",
    "tabular/king_county_houses.csv.gz", "tabular/nist_acs_ma2019.csv.gz",
    "tabular/compas_two_years.csv.gz", "sequential/air_quality_uci.csv.gz",
    "sequential/stocks_panel.csv.gz", "text/alexa_reviews.csv.gz",
    "relational/northwind/orders.csv", "relational/synthea/encounters.csv",
    "relational/mimic3_demo/prescriptions.csv.gz",
]  # fmt: skip


@pytest.mark.shared
@pytest.mark.parametrize("name", SMALL)
def test_real_tables_come_back_as_they_were(shared, name):
    raw = delimited(shared / "data" / name)
    assert there_and_back(raw).equals(raw)


CELLS = {
    "comma": ["1.234,50", "12,25", "0,50", "-3,75"] * 9,
    "dollar": ["$1,234.50", "-$0.25", "$7.00"] * 9,
    "percent": ["12.5 %", "3 %", "7.25 %"] * 9,
    "padded": ["007", "010", "999"] * 9,
    "tiny": ["1e-05", "0.25", "1.5"] * 9,
    "booleans": ["ja", "nein", None] * 9,
    "nulls": [*map(str, range(40)), "?", "?"],
    "am and pm": ["11:05 PM", "01:15 AM", "12:00 PM"],
    "capital months": ["02-JAN-2020", "13-FEB-2021"],
    "short years": ["2-Jan-20", "13-Feb-69"],
    "midnights": ["2020-01-02 00:00:00", "2021-05-06 00:00:00"],
    "offset": ["2020-01-02T03:04:05+01:00", "2021-05-06T07:08:09+01:00"],
    "milliseconds": ["2020-01-02 03:04:05.250", "2020-01-02 03:04:05.125"],
    "far": ["0001-01-01", "9999-12-31", "1582-10-15"],
    "empty text": ["", "a", "b"] * 9,
    "spaces": [" a", "b ", " "] * 9,
}


@pytest.mark.parametrize("case", CELLS)
def test_written_forms_come_back(case):
    raw = pa.table({"v": pa.array(CELLS[case], pa.string())})
    assert there_and_back(raw).equals(raw)


def test_typed_sources_come_back():
    n = 60
    raw = pa.table(
        {
            "i8": pa.array(np.arange(n) % 50, pa.int8()),
            "f32": pa.array(np.arange(n) / 7, pa.float32()),
            "dec": pa.array([decimal.Decimal(i) / 4 for i in range(n)], pa.decimal128(10, 2)),
            "large": pa.array([f"x{i % 4}" for i in range(n)], pa.large_string()),
            "cat": pa.array(["a", "b", None] * 20).dictionary_encode(),
            "code": pa.array([1, 2, None] * 20, pa.int16()),
            "flag": pa.array([0.0, 1.0, None] * 20),
            "when": pa.array(range(n), pa.timestamp("ms", "Asia/Tokyo")),
            "day": pa.array([dt.date(1500, 1, 1)] * 30 + [dt.date(3000, 1, 1)] * 30),
            "time": pa.array([i * 60 for i in range(n)], pa.time32("s")),
            "lasts": pa.array(range(n), pa.duration("s")),
            "none": pa.nulls(n),
            "one": pa.array([2.5] * n),
        }
    )
    back = there_and_back(raw)
    assert back.schema.types[:4] == raw.schema.types[:4]
    for name in raw.column_names:
        assert back[name].to_pylist() == raw[name].to_pylist(), name
        if name != "cat":
            assert back[name].type == raw[name].type


def test_a_value_that_does_not_fit_names_column_and_row_only():
    schema = Schema(columns=(Column(name="n", kind=Kind.INTEGER),))
    raw = pa.table({"n": pa.array(["1", "2", "secret"])})
    with pytest.raises(InputError) as caught:
        to_canonical(raw, schema)
    assert "column 'n', data row 3" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_missing_and_extra_columns_are_named():
    schema = Schema(columns=(Column(name="a", kind=Kind.TEXT),))
    with pytest.raises(InputError, match="no column 'a'; extra 'b'"):
        to_canonical(pa.table({"b": pa.array(["x"])}), schema)


def test_new_categories_follow_the_known_ones():
    schema = Schema(columns=(Column(name="a", kind=Kind.CATEGORY, categories=("x", "y")),))
    table = to_canonical(pa.table({"a": pa.array(["z", "x", None])}), schema)
    assert table.data["a"].chunk(0).dictionary.to_pylist() == ["x", "y", "z"]
    assert table.data["a"].to_pylist() == ["z", "x", None]


def test_another_spelling_of_the_same_table_is_read():
    """A release may write 16 where the train table wrote 16.0, or hold typed columns."""
    schema = infer(pa.table({"n": pa.array([f"{i}.0" for i in range(40)]),
                             "b": pa.array(["yes", "no"] * 20)}))  # fmt: skip
    typed = pa.table({"n": pa.array([1.0, 2.0]), "b": pa.array([True, False])})
    assert to_raw(to_canonical(typed, schema)).to_pydict() == {
        "n": ["1.0", "2.0"],
        "b": ["yes", "no"],
    }
    spelled = pa.table({"n": pa.array(["3", "NA"]), "b": pa.array(["Yes", "NO"])})
    assert to_raw(to_canonical(spelled, schema)).to_pydict() == {
        "n": ["3.0", None],
        "b": ["yes", "no"],
    }


@settings(max_examples=200, deadline=None)
@given(st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)))
def test_dates_agree_with_the_standard_library(moment):
    text = moment.replace(microsecond=0).isoformat(sep=" ")
    found = dates.read(pa.array([text]), "%Y-%m-%d %H:%M:%S")
    seconds = (moment.replace(microsecond=0) - dt.datetime(1970, 1, 1)).total_seconds()
    assert found.valid[0]
    assert found.micros[0] == seconds * 1e6
    assert dates.write(found.micros, ~found.valid, "%A %d %B").to_pylist() == [
        moment.strftime("%A %d %B")
    ]


@pytest.mark.parametrize("wrong", ["2021-02-29", "2020-13-01", "2020-00-10", "2020-04-31", "x"])
def test_days_that_do_not_exist_are_no_dates(wrong):
    assert not dates.read(pa.array([wrong]), "%Y-%m-%d").valid[0]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_shortest_texts_are_those_of_python(values):
    text = write_reals(pa.array(values, pa.float64()), Format(min_decimals=1))
    assert text.to_pylist() == [repr(v) for v in values]
    assert to_floats(text).to_pylist() == values


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=12)), min_size=1, max_size=30))
def test_any_texts_come_back_or_fold_into_null(values):
    raw = pa.table({"v": pa.array(values, pa.string())})
    schema = infer(raw)
    back = to_raw(to_canonical(raw, schema))["v"].to_pylist()
    if schema["v"].kind in (Kind.CATEGORY, Kind.TEXT, Kind.ORDINAL, Kind.CONSTANT):
        assert [v or None for v in back] == [v or None for v in values]
    assert len(back) == len(values)
