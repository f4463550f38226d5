"""Numbers of a kind and back, codes of a column's values, and units without a value."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from twinset.rules.combinations import column_codes
from twinset.table.schema import Column, Kind, Role, Schema
from twinset.table.table import Table, canonical_type, coded, from_numbers, labels, numbers

NUMBER_LIKE = [k for k in Kind if k.is_number_like]


@pytest.mark.parametrize("kind", NUMBER_LIKE)
def test_numbers_of_a_kind_come_back_as_its_values(kind):
    values = np.array([0.0, 3.0, np.nan, 86_000.0])
    array = from_numbers(values, kind)
    assert array.type == canonical_type(kind)
    np.testing.assert_array_equal(numbers(pa.chunked_array([array]), kind), values)


def test_codes_of_values_follow_the_dictionary_or_the_first_place():
    first, second = pa.array(["y", "x"]), pa.array(["z", "x", None])
    parts = [first.dictionary_encode(), second.dictionary_encode()]
    codes, values = coded(pa.chunked_array(parts))
    assert (codes.tolist(), values.to_pylist()) == ([0, 1, 2, 1, -1], ["y", "x", "z"])
    codes, values = coded(pa.chunked_array([["b", None], ["a", "b"]]))
    assert (codes.tolist(), values.to_pylist()) == ([0, -1, 1, 0], ["b", "a"])


@pytest.mark.parametrize("dtype", [pa.string(), pa.dictionary(pa.int32(), pa.string())])
def test_no_rows_have_no_codes_and_no_labels(dtype):
    codes, values = coded(pa.chunked_array([], dtype))
    assert (len(codes), len(values)) == (0, 0)
    names, places = labels(pa.chunked_array([], dtype))
    assert (names, len(places)) == ([], 0)


def test_a_null_among_the_levels_is_null_in_the_labels():
    levels = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0]), pa.array(["a", None]))
    assert labels(pa.chunked_array([levels]))[1].tolist() == [0, -1, -1, 0]


def test_codes_of_a_column_of_numbers_follow_their_order():
    columns = (Column(name="n", kind=Kind.INTEGER), Column(name="d", kind=Kind.DATE))
    days = pa.array([9, 2, None], pa.int32()).cast(pa.date32())
    table = Table(Schema(columns=columns), pa.table({"n": pa.array([7, None, 3]), "d": days}))
    codes, levels = column_codes(table, "n")
    assert (codes.tolist(), levels) == ([1, -1, 0], [3.0, 7.0])
    codes, levels = column_codes(table, "d")
    assert (codes.tolist(), levels) == ([0, 1, -1], ["1970-01-10", "1970-01-03"])


def test_rows_without_a_unit_are_each_a_unit_of_their_own():
    schema = Schema(columns=(Column(name="u", kind=Kind.IDENTIFIER, role=Role.UNIT),))
    table = Table(schema, pa.table({"u": pa.array(["b", None, "a", "b", None])}))
    assert table.units.tolist() == [0, 2, 1, 0, 3]
