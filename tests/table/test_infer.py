"""What a careful reader would say of each column, and what a person has declared."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pytest

from twinset.errors import InputError, SchemaError
from twinset.table.inference.table_schema import describe, infer
from twinset.table.schema import Column, Format, Kind, Role, Schema


def text(*values: str | None, times: int = 1) -> pa.Array:
    return pa.array(list(values) * times, pa.string())


def column(values: pa.Array | list, name: str = "v", **given) -> Column:
    values = values if isinstance(values, pa.Array) else text(*values)
    return infer(pa.table({name: values}), **given)[name]


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


RNG = np.random.default_rng(5)
LONG = RNG.integers(0, 90, 400)

KINDS = {
    "ages": ([str(v) for v in LONG], Kind.INTEGER),
    "floats": ([str(round(v, 3)) for v in RNG.normal(size=300)], Kind.REAL),
    "whole floats": ([f"{v}.0" for v in LONG], Kind.INTEGER),
    "yes and no": (["Yes", "no", "Yes"] * 9, Kind.BOOLEAN),
    "ja und nein": (["ja", "nein"] * 9, Kind.BOOLEAN),
    "zero and one": (["0", "1"] * 9, Kind.BOOLEAN),
    "one and two": (["1", "2"] * 30, Kind.CATEGORY),
    "leading zeros": (["02139", "10001", "94110"] * 20, Kind.CATEGORY),
    "colours": (["red", "green", "blue"] * 20, Kind.CATEGORY),
    "bands": (["<100", "100-200", ">=200"] * 9, Kind.ORDINAL),
    "scale": (["low", "high", "medium"] * 9, Kind.ORDINAL),
    "likert": ([str(v) for v in RNG.choice([1, 2, 3, 4, 5], 500, p=[0.1, 0.2, 0.4, 0.2, 0.1])],
               Kind.ORDINAL),
    "counts": ([str(v) for v in RNG.poisson(0.7, 500)], Kind.INTEGER),
    "old dates": ([f"{1400 + i}-03-04" for i in range(60)], Kind.DATE),
    "late dates": ([f"{2500 + i}-12-31" for i in range(60)], Kind.DATE),
    "datetimes": ([f"2020-01-01 10:{i:02}:30" for i in range(60)], Kind.DATETIME),
    "times": ([f"{i % 24:02}:15" for i in range(60)], Kind.TIME),
    "months": ([f"{2000 + i}-{1 + i % 12:02}" for i in range(20)], Kind.DATE),
    "constant": (["x"] * 9, Kind.CONSTANT),
    "empty": ([None] * 9, Kind.CONSTANT),
    "uuids": ([f"{i:08x}-0000-4000-8000-{i:012x}" for i in range(60)], Kind.IDENTIFIER),
    "prose": ([f"this is a longer text that goes on about item {i} and more" for i in range(60)],
              Kind.TEXT),
    "money": ([f"${v:,}.50" for v in range(900, 3000, 50)], Kind.REAL),
    "beyond 64 bits": ([str(10**25 + 7 * i) for i in range(60)], Kind.IDENTIFIER),
}  # fmt: skip


@pytest.mark.parametrize("case", KINDS, ids=str)
def test_kind(case):
    values, kind = KINDS[case]
    found = column(values)
    assert found.kind is kind, found.reason
    assert found.reason


def test_day_first_and_month_first_are_settled_by_the_whole_column():
    assert column(["03/04/2020", "13/01/2020"]).format.date_format == "%d/%m/%Y"
    assert column(["03/04/2020", "01/13/2020"]).format.date_format == "%m/%d/%Y"
    firsts = column([f"01/{m:02}/2020" for m in range(1, 13)])
    assert firsts.format.date_format == "%d/%m/%Y"
    assert "other way round" in firsts.reason


def test_zeros_of_each_part_are_its_own():
    assert column(["1/04/2004", "22/11/2004"]).format.date_format == "%-d/%m/%Y"


def test_bounds_are_in_the_numbers_of_the_table():
    dates = column(["1970-01-02", "1970-01-11"])
    assert (dates.low, dates.high) == (1.0, 10.0)
    stamps = column(["1970-01-01 00:01:00", "1970-01-01 00:05:00"])
    assert (stamps.low, stamps.high, stamps.format.step) == (60.0, 300.0, 60.0)


@pytest.mark.parametrize("code", [-9, -999, 999, 9999, -1])
def test_codes_apart_from_the_rest_are_sentinels(code):
    values = [str(code if i % 9 == 0 else 20 + i % 31) for i in range(300)]
    found = column(values)
    assert found.sentinels == (float(code),)
    assert (found.low, found.high) == (20.0, 50.0)


def test_numbers_that_go_on_are_no_sentinels():
    assert column([str(v) for v in range(-30, 30)] * 5).sentinels == ()
    assert column([str(v) for v in range(100)] * 5).sentinels == ()
    late = [str(max(0, round(v))) for v in RNG.normal(50, 20, 500)]
    assert column(late).sentinels == ()


def test_null_spellings_of_numbers_and_of_categories():
    numbers = column([str(v) for v in range(40)] + ["?"] * 5 + ["N/A"])
    assert numbers.kind is Kind.INTEGER
    assert numbers.format.nulls == ("?", "N/A")
    assert numbers.nullable
    assert column([*"abc", "?", "N/A"] * 9).categories == ("?", "N/A", "a", "b", "c")


def test_a_rare_word_among_numbers_is_no_null_spelling():
    """It would be written for every null of a release."""
    numbers = [str(v) for v in range(40)] * 5
    assert column([*numbers, *["N"] * 10]).format.nulls == ("N",)
    rare = column([*numbers, "Meier"])
    assert rare.format.nulls == ("",)
    assert not rare.kind.is_number_like


def test_decimals_step_comma_and_groups():
    assert column(["1.50", "2.25", "3.00"] * 9).format.decimals == 2
    assert column([f"{v}00" for v in range(10, 99)]).format.step == 100
    comma = column(["1.234,5", "12,25", "0,5"] * 9)
    assert (comma.format.comma, comma.format.thousands, comma.kind) == (True, ".", Kind.REAL)


def test_one_odd_amount_does_not_hide_the_grid():
    amounts = [str(1000 * v) for v in range(10, 80)] * 20
    assert column([*amounts, "32768"]).format.step == 1000
    assert column([*amounts, *["32768"] * 50]).format.step != 1000


def test_zero_inflation_and_skew_are_said():
    values = np.where(RNG.random(2000) < 0.6, 0, RNG.lognormal(3, 1.5, 2000)).round(2)
    reason = column([str(v) for v in values]).reason
    assert "are 0" in reason
    assert "long tail to the right" in reason
    assert "tail" not in column([str(v) for v in RNG.normal(50, 5, 500).round(2)]).reason


def test_a_column_of_one_value_and_nulls_keeps_its_nulls():
    found = column(["x", None, "x"])
    assert (found.kind, found.categories, found.nullable) == (Kind.CATEGORY, ("x",), True)


def test_keys_are_not_amounts():
    keys = pa.table({"order_id": text(*map(str, RNG.permutation(500))),
                     "amount": text(*map(str, RNG.permutation(5000)[:500]))})  # fmt: skip
    schema = infer(keys)
    assert schema["order_id"].kind is Kind.IDENTIFIER
    assert schema["order_id"].role is Role.KEY
    assert schema["amount"].kind is Kind.INTEGER


def test_the_unit_is_the_person_whose_rows_repeat():
    people = np.repeat(np.arange(100, 160), 3)
    raw = pa.table({"patient_id": text(*map(str, people)),
                    "ward_id": text(*map(str, people % 7)),
                    "pulse": text(*map(str, RNG.integers(50, 99, 180)))})  # fmt: skip
    schema = infer(raw)
    assert schema.unit is not None
    assert schema.unit.name == "patient_id"
    assert schema["ward_id"].kind is Kind.CATEGORY


def test_a_unit_without_a_name_is_found_by_the_rows_and_what_never_changes_within():
    size = RNG.integers(1, 5, 300)
    house = np.repeat(np.arange(1, 301), size)
    raw = pa.table({"x1": text(*map(str, house)),
                    "x2": text(*map(str, RNG.integers(1, 90, 300)[house - 1])),
                    "x3": text(*RNG.choice(["n", "e", "s"], 300)[house - 1]),
                    "x4": text(*map(str, RNG.integers(0, 90, len(house))))})  # fmt: skip
    assert infer(raw).unit.name == "x1"
    mixed = raw.take(pa.array(RNG.permutation(len(house))))
    assert infer(mixed).unit is None, "in any order of rows the numbers could be a quantity"


def test_typed_sources():
    frame = pd.DataFrame(
        {
            "cat": pd.Categorical(["a", "b"] * 30, categories=["b", "a", "c"]),
            "rank": pd.Categorical(["lo", "hi"] * 30, categories=["lo", "hi"], ordered=True),
            "flag": [True, False] * 30,
            "maybe": pd.array([True, None] * 15 + [False] * 30, dtype="boolean"),
            "x": np.r_[np.nan, np.inf, RNG.normal(size=58)],
            "when": pd.date_range("2020", periods=60, freq="37min", tz="Europe/Berlin"),
            "day": pd.date_range("2020", periods=60),
            "lasts": pd.to_timedelta(RNG.integers(0, 999, 60), unit="s"),
            "big": RNG.integers(2**63, 2**64 - 1, 60, dtype="uint64"),
        }
    )
    schema = infer(pa.Table.from_pandas(frame, preserve_index=False))
    kinds = {c.name: c.kind.value for c in schema.columns}
    assert kinds == {
        "cat": "category", "rank": "ordinal", "flag": "boolean", "maybe": "boolean", "x": "real",
        "when": "datetime", "day": "date", "lasts": "duration", "big": "identifier",
    }  # fmt: skip
    assert schema["cat"].categories == ("b", "a", "c")
    assert schema["x"].nullable
    assert "infinite" in schema["x"].reason
    assert schema["when"].dtype == "timestamp[us, tz=Europe/Berlin]"


@pytest.mark.parametrize(
    "values",
    [pa.array([[1]]), pa.array([{"a": 1}]), pa.array([b"x"])],
    ids=["list", "map", "bytes"],
)
def test_nested_and_bytes_are_refused_in_one_line(values):
    with pytest.raises(InputError, match="column 'v'; got values of Arrow type") as caught:
        infer(pa.table({"v": values}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_tiny_tables(rows):
    schema = infer(pa.table({"a": text(*["1"] * rows), "b": text(*["x y"] * rows)}))
    assert schema.names == ("a", "b")


def test_duplicate_names_are_refused():
    raw = pa.Table.from_arrays([text("1"), text("2")], names=["a", "a"])
    with pytest.raises(SchemaError, match="'a' twice"):
        infer(raw)


class TestDeclared:
    raw = pa.table(
        {"age": text(*map(str, range(17, 60))), "job": text(*(["a", "b", None] * 15)[:43])}
    )

    def test_wins_field_by_field(self):
        declared = Schema(columns=(Column(name="age", low=0, high=120),))
        found = infer(self.raw, declared=declared)["age"]
        assert (found.kind, found.low, found.high) == (Kind.INTEGER, 0, 120)
        assert found.declared == {"low", "high"}
        assert infer(self.raw)["age"].declared == frozenset()

    def test_kind_and_format(self):
        declared = Schema(
            columns=(Column(name="age", kind=Kind.CATEGORY),
                     Column(name="job", kind=Kind.IDENTIFIER, format=Format(pattern="[a-z]{3}")))
        )  # fmt: skip
        schema = infer(self.raw, declared=declared)
        assert schema["age"].categories[:2] == ("17", "18")
        assert schema["job"].format.pattern == "[a-z]{3}"

    @pytest.mark.parametrize(
        ("given", "where"),
        [
            ({"name": "age", "low": 18}, "column 'age', data row 1;"),
            ({"name": "age", "high": 20}, "column 'age', data row 5;"),
            ({"name": "age", "kind": "date"}, "column 'age'"),
            ({"name": "age", "kind": "boolean"}, "column 'age', data row 1;"),
            ({"name": "job", "nullable": False}, "column 'job', data row 3;"),
            (
                {"name": "job", "kind": "category", "categories": ("a",)},
                "column 'job', data row 2;",
            ),
            ({"name": "wage"}, "'wage' is not in the table"),
        ],
        ids=str,
    )
    def test_what_does_not_fit_names_column_and_row_but_no_value(self, given, where):
        with pytest.raises(SchemaError) as caught:
            infer(self.raw, declared=Schema(columns=(Column(**given),)))
        assert where in str(caught.value)
        assert "59" not in str(caught.value)

    def test_roles(self):
        schema = infer(self.raw, target="job", sensitive=["age"])
        assert schema.target.name == "job"
        assert schema["age"].role is Role.SENSITIVE
        assert infer(self.raw, unit="age").unit.kind is Kind.IDENTIFIER
        with pytest.raises(SchemaError, match="not in the table"):
            infer(self.raw, target="wages")

    def test_a_target_is_always_learnable(self):
        values = text(*[f"text number {i} with some more words" for i in range(60)])
        raw = pa.table({"v": values})
        assert not infer(raw)["v"].is_learnable
        assert infer(raw, target="v")["v"].is_learnable


def test_describe_has_one_row_per_column():
    schema = infer(pa.table({"d": text("2020-01-01", "2020-02-03"), "n": text("1", "2")}))
    rows = describe(schema)
    assert [r["column"] for r in rows] == ["d", "n"]
    assert rows[0]["details"].startswith("%Y-%m-%d")
    assert set(rows[0]) == {"column", "kind", "role", "nulls", "details", "reason"}


EXPECTED = {
    "tabular/adult.csv.gz": {
        "age": "integer", "workclass": "category", "fnlwgt": "integer", "sex": "category",
        "capital-gain": "integer", "income": "category",
    },
    "tabular/cardio.csv.gz": {
        "id": "identifier", "age": "integer", "gender": "category", "weight": "real",
        "cholesterol": "ordinal", "smoke": "boolean", "ap_hi": "integer",
    },
    "tabular/king_county_houses.csv.gz": {
        "id": "identifier", "date": "date", "price": "integer", "bedrooms": "integer",
        "bathrooms": "real", "zipcode": "category", "waterfront": "boolean", "lat": "real",
    },
    "tabular/loans_full_schema.csv.gz": {
        "emp_title": "text", "state": "category", "annual_income": "real", "grade": "category",
        "issue_month": "date", "num_accounts_120d_past_due": "category",
    },
    "tabular/nist_acs_national2019.csv.gz": {
        "PUMA": "category", "AGEP": "integer", "SEX": "category", "MSP": "category",
        "INDP": "category", "PINCP": "integer", "HOUSING_TYPE": "category", "DENSITY": "real",
    },
    "tabular/uk_census_2011_10k.csv.gz": {
        "Person ID": "identifier", "Region": "category", "Age": "ordinal",
        "Economic Activity": "category", "Hours worked per week": "category",
    },
    "sequential/sunspots_monthly.csv": {"Month": "date", "Sunspots": "real"},
    "text/sms_spam.csv.gz": {"label": "category", "text": "text"},
    "relational/synthea/encounters.csv": {
        "Id": "identifier", "START": "datetime", "PATIENT": "identifier", "CODE": "category",
    },
}  # fmt: skip
UNITS = {
    "tabular/nhanes.parquet": "ID", "tabular/eusilc.csv.gz": "db030", "tabular/adult.csv.gz": None,
    "tabular/oulad_students.csv.gz": "id_student", "relational/cdnow/purchases.csv.gz": "users_id",
    "tabular/cardio.csv.gz": None, "relational/synthea/conditions.csv": "PATIENT",
    "relational/mimic3_demo/diagnoses_icd.csv": "subject_id",
}  # fmt: skip


@pytest.mark.shared
@pytest.mark.parametrize("name", EXPECTED)
def test_real_tables_as_a_careful_reader_sees_them(shared, name):
    schema = infer(delimited(shared / "data" / name))
    assert {c: schema[c].kind.value for c in EXPECTED[name]} == EXPECTED[name]


@pytest.mark.shared
@pytest.mark.parametrize("name", UNITS)
def test_units_of_real_tables(shared, name):
    import pyarrow.parquet as pq

    path = shared / "data" / name
    schema = infer(pq.read_table(path) if path.suffix == ".parquet" else delimited(path))
    assert (schema.unit.name if schema.unit else None) == UNITS[name]


@pytest.mark.shared
def test_pdays_is_a_number_with_a_code(shared):
    schema = infer(delimited(shared / "data/tabular/bank_marketing.csv.gz"))
    assert schema["pdays"].sentinels == (-1.0,)
    assert schema["month"].categories[:2] == ("jan", "feb")


def test_dates_far_from_all_others_are_codes():
    days = [str(dt.date(2020, 1, 1) + dt.timedelta(days=i)) for i in range(60)]
    found = column([*days, *["9999-12-31"] * 4])
    assert found.sentinels == (2932896.0,)
    assert found.high < 19_000


def test_noise_in_the_last_bits_and_powers_of_ten_hide_no_grid():
    rng = np.random.default_rng(0)
    texts = [f"{v:.4f}" for v in rng.normal(47, 1, 300)]
    noisy = [*texts, "47.330400000000004"]
    assert infer(pa.table({"lat": noisy}))["lat"].format.step == pytest.approx(1e-4)
    assert infer(pa.table({"x": [*texts, "-5.9e-05"]}))["x"].format.step == pytest.approx(1e-6)
    assert infer(pa.table({"x": [*texts, "47.3304000004"]}))["x"].format.step is None


def test_a_clock_has_no_day_and_month_to_mix_up():
    texts = [f"{h}:{m:02d}:00" for h in range(24) for m in (0, 7, 30)]
    assert "month" not in infer(pa.table({"Time": texts}))["Time"].reason


def test_a_third_value_beyond_the_sample_is_no_boolean() -> None:
    values = ["0.0"] * 5_000
    values[100:170], values[4_210] = ["1.0"] * 70, "2.0"
    assert infer(pa.table({"babies": values, "row": range(5_000)}))["babies"].kind == "integer"
