"""One encoding and one scale for all tables."""

import numpy as np
import pyarrow as pa
import pytest

from twinset.errors import InputError
from twinset.stats.records import concatenate, encode, encoded_columns
from twinset.table.schema import Column, Kind, Role, Schema
from twinset.table.table import Table


def table(**columns):
    """Columns given as (kind, values) or (Column, values)."""
    made, arrays = [], []
    for name, (kind, values) in columns.items():
        column = kind if isinstance(kind, Column) else Column(name=name, kind=kind)
        array = pa.array(values)
        if column.kind in (Kind.CATEGORY, Kind.ORDINAL):
            array = pa.array(values, pa.string()).dictionary_encode()
        elif column.kind is Kind.REAL:
            array = pa.array(values, pa.float64())
        made.append(column)
        arrays.append(array)
    return Table(Schema(columns=tuple(made)), pa.table(dict(zip(columns, arrays, strict=True))))


def test_numbers_become_mid_ranks_of_the_reference():
    train = table(x=(Kind.REAL, [0.0, 0.0, 5.0, 1e9]))
    other = table(x=(Kind.REAL, [None, 5.0, 7.0]))
    a, b = encode([train, other])
    assert a.numeric[:, 0].tolist() == [0.25, 0.25, 0.625, 0.875]
    assert np.isnan(b.numeric[0, 0])
    assert b.numeric[1:, 0].tolist() == [0.625, 0.75]
    assert b.values[1:, 0].tolist() == [5.0, 7.0]


def test_an_unseen_number_never_shares_the_rank_of_a_reference_number():
    rng = np.random.default_rng(0)
    seen, unseen = rng.normal(size=500).round(1), rng.normal(size=500)
    a, b = encode([table(x=(Kind.REAL, seen)), table(x=(Kind.REAL, unseen))])
    assert not set(a.numeric[:, 0].tolist()) & set(b.numeric[:, 0].tolist())


def test_levels_are_numbered_over_all_tables_and_null_is_a_level():
    a, b = encode(
        [
            table(c=(Kind.CATEGORY, ["x", None, "y"])),
            table(c=(Kind.CATEGORY, ["new", "y", None, "x"])),
        ]
    )
    assert a.codes[1, 0] == b.codes[2, 0]
    assert a.codes[2, 0] == b.codes[1, 0]
    assert a.codes[0, 0] == b.codes[3, 0]
    assert len({*a.codes[:, 0], *b.codes[:, 0]}) == 4


def test_ordinals_with_known_order_have_distances():
    levels = Column(name="o", kind=Kind.ORDINAL, categories=("low", "mid", "high"))
    (a,) = encode([table(o=(levels, ["high", "low", None, "mid", "odd"]))])
    assert a.numeric_names == ("o",)
    assert a.values[:, 0].tolist()[:2] == [2.0, 0.0]
    assert np.isnan(a.values[2, 0])
    assert a.values[4, 0] == 3.0


def test_identifiers_and_units_stay_out_and_text_takes_part():
    unit = Column(name="u", kind=Kind.INTEGER, role=Role.UNIT)
    t = table(u=(unit, [1, 1]), i=(Kind.IDENTIFIER, ["a", "b"]), t=(Kind.TEXT, ["long", "short"]))
    assert encoded_columns(t) == ("t",)


def test_all_null_constant_boolean_and_empty_columns_are_encoded():
    t = table(
        n=(Kind.REAL, [None, None]),
        k=(Kind.CONSTANT, ["z", "z"]),
        b=(Kind.BOOLEAN, [True, False]),
        e=(Kind.CATEGORY, [None, None]),
    )
    (a,) = encode([t])
    assert np.isnan(a.numeric).all()
    assert a.codes.shape == (2, 3)
    (empty,) = encode([t.take(np.array([], dtype=int))])
    assert len(empty) == 0


def test_concatenate_and_take_are_inverse():
    t = table(x=(Kind.REAL, [1.0, 2.0, 3.0]), c=(Kind.CATEGORY, ["a", "b", "a"]))
    (a,) = encode([t])
    both = concatenate([a.take(np.array([0])), a.take(np.array([1, 2]))])
    for field in ("numeric", "codes", "values"):
        np.testing.assert_array_equal(getattr(both, field), getattr(a, field))


def test_a_table_of_other_kinds_or_columns_is_refused_without_naming_a_value():
    number, text = table(x=(Kind.REAL, [1.5])), table(x=(Kind.CATEGORY, ["secret"]))
    for pair in ([number, text], [text, number]):
        with pytest.raises(InputError, match="column 'x'") as caught:
            encode(pair)
        assert "secret" not in str(caught.value)
    with pytest.raises(InputError, match="without it"):
        encode([number, table(y=(Kind.REAL, [1.5]))])
