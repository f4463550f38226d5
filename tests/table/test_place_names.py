"""Columns of places that are too rare to be learned are made new, and look like places."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from twinset.encoding.surrogate_words import WORDS
from twinset.encoding.surrogates import make
from twinset.table.inference.table_schema import infer
from twinset.table.places import find_place
from twinset.table.schema import Kind

ENDS = [f"{a}{b}{c}" for a in "abcdefg" for b in ("ton", "ham", "ley") for c in ("", " Mill")]
TOWNS = [f"{a}{b}" for a in ("Al", "Bel", "Cor", "Dun") for b in ENDS]


@pytest.mark.parametrize(
    ("name", "values", "provider"),
    [
        ("home_city", TOWNS, "city"),
        ("postcode", [f"{a}{i} {i % 9}BC" for a in "LMNP" for i in range(10, 60)], "postcode"),
        ("city", [f"{a}, see page {i}" for a in "abcd" for i in range(50)], None),
        ("remark", TOWNS, None),
    ],
)
def test_new_towns_and_postcodes_look_like_such(name, values, provider):
    """Towns that are too rare to be learned were made of random words."""
    column = infer(pa.table({name: [*values, values[0]]})).columns[0]
    assert (column.kind, column.format.provider) == (Kind.TEXT, provider)
    made = make(column, 200, rng=np.random.default_rng(0)).to_pylist()
    assert not set(made) & set(values)
    worded = {v.split()[-1].lower().strip(".") for v in made} & set(WORDS)
    assert bool(worded) is (provider is None)
    assert provider is None or find_place(name, made) == provider
