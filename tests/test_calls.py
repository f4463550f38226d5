"""Calls from Python that cannot mean what they say are one clear line."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import twinset as ts
from twinset.errors import InputError

PEOPLE = pd.DataFrame({"x": np.random.default_rng(0).normal(size=200), "y": ["a", "b"] * 100})
TABLE = pd.DataFrame({"x": range(40), "y": ["a", "b"] * 20})

TWIN = ts.fit(PEOPLE, generator="independent")


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (
            lambda: ts.fit(TABLE, traget="y"),
            "option 'traget'; got no such option; hint: did you mean target",
        ),
        (lambda: ts.fit(TABLE, generatr="cart"), "hint: did you mean generator"),
        (lambda: ts.schema(TABLE, colour=1), "option 'colour'"),
        (
            lambda: ts.audit(TABLE, TABLE, shadows=50),
            "shadows; got an audit of a release",
        ),
        (lambda: ts.evaluate(PEOPLE, PEOPLE[:90], PEOPLE), "many rows that stand in both"),
        (
            lambda: TWIN.sample(9, shares={"y = 'a'": 0.4, "y='a'": 0.6}),
            "--share; got y='a' twice",
        ),
        (lambda: TWIN.sample("10"), "number of rows; got '10'; allowed: a whole number"),
        (lambda: TWIN.sample(1.5), "number of rows; got 1.5"),
        (lambda: TWIN.sample(-1), "number of rows; got -1"),
        (lambda: TWIN.sample(9, seed=-1), "seed; got -1; allowed: a whole number, 0 or more"),
        (lambda: TWIN.sample(9, seed="x"), "seed; got 'x'"),
        (lambda: TWIN.sample(9, given="y=a"), "given; got str; allowed: "),
        (lambda: TWIN.sample(9, where=5), "where; got int; allowed: a condition"),
        (lambda: ts.fit(PEOPLE, protect="5"), "protect; got '5'; allowed: a whole number"),
        (lambda: ts.metric("ks")(TABLE, TABLE), "tables; hint: ts.evaluate"),
        (
            lambda: ts.evaluate(TABLE, TABLE, rules=["x >= 0"], compat="sdmetrics"),
            "rules; got with the conventions of sdmetrics",
        ),
    ],
)
def test_one_clear_line(call: Callable[[], object], match: str) -> None:
    with pytest.raises(InputError, match=match):
        call()


def test_one_sensitive_column_may_stand_alone() -> None:
    found = ts.evaluate(PEOPLE[:100], PEOPLE[100:], sensitive="y")
    assert any(r.name == "base_rate_difference" or r.group for r in found.results)


def test_a_notebook_shows_columns() -> None:
    assert "<td>y</td><td>category</td>" in TWIN._repr_html_()
