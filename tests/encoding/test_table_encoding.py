"""Protection: no rare category, no extreme value, counted by unit, reaches a generator."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from twinset.encoding.table_encoding import fit_encoding
from twinset.errors import ConditionError, InputError
from twinset.protocols import FitContext
from twinset.table.schema import Column, Format, Kind, Role, Schema
from twinset.table.table import Table, canonical_type, from_numbers, numbers


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def one(kind: Kind, values: list, **column) -> Table:
    array = pa.array(values)
    if canonical_type(kind) != array.type:
        array = (
            array.cast(pa.string()).dictionary_encode()
            if kind is Kind.CATEGORY
            else array.cast(pa.int32() if kind is Kind.DATE else array.type).cast(
                canonical_type(kind)
            )
        )
    schema = Schema(columns=(Column(name="x", kind=kind, **column),))
    return Table(schema, pa.table({"x": array}))


def fit(table: Table, protect: int = 5):
    return fit_encoding(FitContext(table, rng()), protect)


def test_rare_categories_vanish_and_common_ones_stay() -> None:
    values = ["a"] * 50 + ["b"] * 30 + ["c"] * 4 + [None] * 16
    encoding, learn, changes = fit(one(Kind.CATEGORY, values, categories=("a", "b", "c")))
    assert encoding.schema["x"].categories == ("a", "b")
    got = learn["x"].to_pylist()
    assert got[:80] == values[:80]
    assert got[84:] == [None] * 16
    assert set(got[80:84]) <= {"a", "b"}
    assert [(c.column, c.rows) for c in changes] == [("x", 4)]


def test_declared_categories_are_public() -> None:
    table = one(
        Kind.CATEGORY,
        ["a"] * 50 + ["c"],
        categories=("a", "c", "never seen"),
        declared=frozenset({"categories"}),
    )
    encoding, learn, changes = fit(table)
    assert encoding.schema["x"].categories == ("a", "c", "never seen")
    assert learn["x"].to_pylist()[-1] == "c"
    assert not changes


def test_extremes_move_to_a_group_mean() -> None:
    values = np.r_[np.linspace(0, 1, 200), [10.0, 50.0, 1e9]]
    encoding, learn, changes = fit(one(Kind.REAL, list(values)))
    got = numbers(learn["x"], Kind.REAL)
    top = np.sort(values)[::-1]
    assert encoding.schema["x"].high == pytest.approx(top[4:9].mean())
    assert got.max() == encoding.schema["x"].high
    assert not set(top[:5]) & set(got)
    assert changes[0].rows >= 8


def test_count_is_by_unit() -> None:
    """Forty rows of one person are one unit: the category and the value are as rare as one row."""
    units = np.r_[np.arange(100), np.full(40, 100)]
    category = ["a"] * 100 + ["b"] * 40
    number = [1.0] * 50 + [2.0] * 50 + [99.0] * 40
    schema = Schema(
        columns=(
            Column(name="id", kind=Kind.IDENTIFIER, role=Role.UNIT),
            Column(name="c", kind=Kind.CATEGORY, categories=("a", "b")),
            Column(name="v", kind=Kind.REAL),
        )
    )
    data = pa.table(
        {
            "id": pa.array([str(u) for u in units]),
            "c": pa.array(category).dictionary_encode(),
            "v": number,
        }
    )
    encoding, learn, _ = fit(Table(schema, data))
    assert encoding.schema["c"].categories == ("a",)
    assert encoding.schema["v"].high == 2.0
    assert set(learn["c"].to_pylist()) == {"a"}
    assert learn.names == ("c", "v")


def test_sentinels_are_codes_not_extremes() -> None:
    values = [float(v) for v in range(100)] + [-999.0] * 20 + [-555.0]
    encoding, learn, _ = fit(one(Kind.REAL, values, sentinels=(-999.0, -555.0)))
    column = encoding.schema["x"]
    assert column.sentinels == (-999.0,)
    assert column.low >= 0
    got = numbers(learn["x"], Kind.REAL)
    assert (got[:-1] == -999.0).sum() == 20
    assert got[-1] in got[:-1]


@pytest.mark.parametrize("n", [5, 9])
def test_few_units_leave_their_mean(n: int) -> None:
    encoding, learn, _ = fit(one(Kind.REAL, [float(i * i) for i in range(n)]))
    assert set(numbers(learn["x"], Kind.REAL)) == {np.mean(np.arange(n) ** 2)}
    assert encoding.schema["x"].low == encoding.schema["x"].high


@pytest.mark.parametrize("n", [1, 4])
def test_too_few_units_leave_nothing(n: int) -> None:
    values = [float(i * i) for i in range(n)] + [None] * 20
    encoding, learn, changes = fit(one(Kind.REAL, values))
    assert learn["x"].null_count == n + 20
    assert encoding.schema["x"].low is None
    assert encoding.schema["x"].nullable
    assert changes[0].rows == n


def test_a_category_without_any_value_has_no_levels() -> None:
    table = one(Kind.CATEGORY, pa.nulls(20, pa.string()).to_pylist())
    encoding, learn, changes = fit(table)
    assert encoding.schema["x"].categories == ()
    assert learn["x"].null_count == 20
    assert not changes


def test_all_null_column() -> None:
    encoding, learn, changes = fit(
        one(Kind.REAL, pa.nulls(5, pa.float64()).to_pylist() or [None] * 5)
    )
    assert learn["x"].null_count == 5
    assert encoding.schema["x"].low is None
    assert not changes


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Kind.DATE, [0.0, 40_000.0, -150_000.0, 500_000.0, np.nan]),
        (Kind.DATETIME, [0.0, 1.5e9, -2e10, 4e10, np.nan]),
        (Kind.TIME, [0.0, 86_399.0, np.nan]),
        (Kind.DURATION, [-5.0, 0.25, np.nan]),
        (Kind.INTEGER, [-3.0, 2.0**50, np.nan]),
        (Kind.REAL, [-0.5, 1e300, np.nan]),
    ],
)
def test_numbers_round_trip(kind: Kind, values: list[float]) -> None:
    column = pa.chunked_array([from_numbers(np.array(values), kind)])
    assert column.type == canonical_type(kind)
    np.testing.assert_allclose(numbers(column, kind), values)


@pytest.mark.parametrize("rare", [True, False])
def test_a_rare_answer_is_not_learned(rare: bool) -> None:
    values = [rare] * 4 + [not rare] * 50 + [None] * 5
    encoding, learn, changes = fit(one(Kind.BOOLEAN, values))
    assert set(encoding.decode(learn)["x"].to_pylist()) == {not rare, None}
    assert changes[0].rows == 4
    encoding, learn, changes = fit(one(Kind.BOOLEAN, [rare, *values]))
    assert set(encoding.decode(learn)["x"].to_pylist()) == {True, False, None}
    assert not changes


def test_answers_are_counted_by_units() -> None:
    schema = Schema(
        columns=(
            Column(name="id", kind=Kind.IDENTIFIER, role=Role.UNIT),
            Column(name="x", kind=Kind.BOOLEAN),
        )
    )
    units = ["ill"] * 40 + [str(i) for i in range(60)]
    data = pa.table({"id": units, "x": pa.array([True] * 40 + [False] * 60)})
    _, learn, _ = fit(Table(schema, data))
    assert set(learn["x"].to_pylist()) == {"false"}


def test_too_few_answers_leave_nothing() -> None:
    _, learn, _ = fit(one(Kind.BOOLEAN, [True] * 3 + [False] * 4 + [None] * 50))
    assert learn["x"].null_count == 57


NULLS = [
    (Kind.CATEGORY, ["a"] * 60 + ["b"] * 40),
    (Kind.BOOLEAN, [True] * 60 + [False] * 40),
    (Kind.REAL, [float(i % 17) for i in range(100)]),
    (Kind.DATE, list(range(100))),
]


@pytest.mark.parametrize(("kind", "values"), NULLS)
def test_a_rare_null_is_not_learned(kind: Kind, values: list) -> None:
    """Four without a value get one that others have; the fifth makes null common."""
    table = one(kind, [*values, *[None] * 4], nullable=True)
    encoding, learn, changes = fit(table)
    assert learn["x"].null_count == 0
    assert set(learn["x"].to_pylist()[100:]) <= set(learn["x"].to_pylist()[:100])
    assert not encoding.schema["x"].nullable
    assert ("rare nulls replaced", 4) in [(c.what, c.rows) for c in changes]
    encoding, learn, changes = fit(one(kind, [*values, *[None] * 5], nullable=True))
    assert learn["x"].null_count == 5
    assert encoding.schema["x"].nullable
    assert "rare nulls replaced" not in [c.what for c in changes]


@pytest.mark.parametrize(("kind", "values"), NULLS)
def test_nulls_are_counted_by_units(kind: Kind, values: list) -> None:
    """Thirty nulls of one person are one; so are the ones that protection itself makes."""
    table = one(kind, [*values, *[None] * 30], nullable=True)
    units = np.r_[np.arange(100), np.full(30, 100)]
    _, learn, _ = fit(Table(table.schema, table.data, units))
    assert learn["x"].null_count == 0
    assert set(learn["x"].to_pylist()[100:]) > set(learn["x"].to_pylist()[100:101])


def test_a_declared_null_is_public() -> None:
    for values in (["a"] * 50 + [None], ["a"] * 50):
        encoding, learn, _ = fit(
            one(Kind.CATEGORY, values, nullable=True, declared=frozenset({"nullable"}))
        )
        assert encoding.schema["x"].nullable
        assert learn["x"].null_count == len(values) - 50


@pytest.mark.parametrize(
    ("nulls", "filled", "share"), [(4, 96, 0.0), (5, 95, 0.05), (97, 3, 1.0), (0, 100, 0.0)]
)
def test_a_rare_null_of_what_is_made_new(nulls: int, filled: int, share: float) -> None:
    table = one(Kind.TEXT, [f"t{i}" for i in range(filled)] + [None] * nulls, nullable=True)
    encoding, _, _ = fit(table)
    assert encoding.null_shares == {"x": share}
    assert encoding.schema["x"].nullable is (share > 0)


def test_decode_restores_kinds() -> None:
    table = one(Kind.BOOLEAN, [True, False, None] * 10)
    encoding, learn, _ = fit(table)
    assert set(learn["x"].to_pylist()) == {"true", "false", None}
    assert encoding.decode(learn)["x"].to_pylist() == table["x"].to_pylist()


def test_conditions() -> None:
    category, _, _ = fit(one(Kind.CATEGORY, ["a"] * 50 + ["b"] * 2, categories=("a", "b")))
    assert category.stated({"x": "a"}, 3).table["x"].to_pylist() == ["a"] * 3
    with pytest.raises(ConditionError, match="category that the model does not know"):
        category.stated({"x": "b"}, 3)
    integer, _, _ = fit(one(Kind.INTEGER, list(range(100))))
    assert numbers(integer.stated({"x": "50"}, 2).table["x"], Kind.REAL).tolist() == [50.0, 50.0]
    with pytest.raises(ConditionError, match="outside"):
        integer.stated({"x": 5_000}, 2)
    with pytest.raises(InputError, match="not of the column's kind"):
        integer.stated({"x": "many"}, 2)
    flag = one(Kind.BOOLEAN, [True, False] * 9, format=Format(true="yes", false="no"))
    assert fit(flag)[0].stated({"x": "yes"}, 1).table["x"].to_pylist() == ["true"]
