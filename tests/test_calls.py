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


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: ts.fit(TABLE, traget="y"), "option 'traget'; got no such option; allowed: "),
        (lambda: ts.schema(TABLE, colour=1), "option 'colour'"),
        (
            lambda: ts.audit(TABLE, TABLE, shadows={"fits": 50}),
            "shadows; got an audit of a release",
        ),
        (lambda: ts.evaluate(PEOPLE, PEOPLE[:90], PEOPLE), "many rows that stand in both"),
        (
            lambda: ts.fit(TABLE, generator="independent").sample(
                9, shares={"y = 'a'": 0.4, "y='a'": 0.6}
            ),
            "--share; got y='a' twice",
        ),
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
