"""Tables for the tests of rules."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from twinset.inputs import Options, read, read_like
from twinset.table.table import Table

RULES = [
    "start <= end",
    "sex = 'M' implies pregnant = 'no'",
    {"required": "pension", "when": "age >= 65"},
    "age < 65 implies pension is null",
    {"sum": "gross", "of": ["net", "tax"]},
    {"determines": "code", "by": "level"},
    {"fixed": ["level", "code"]},
    "level in ('low', 'mid', 'high')",
    {"pattern": "level", "matches": "[a-z]+"},
]


@pytest.fixture(scope="session")
def table_of():
    def read_table(frame: pd.DataFrame, **options: object) -> Table:
        return read(frame, Options(**options))[1].only

    return read_table


@pytest.fixture(scope="session")
def like():
    def read_other(frame: pd.DataFrame, table: Table) -> Table:
        return read_like(frame, table, Options())

    return read_other


@pytest.fixture(scope="session")
def known() -> list:
    """Return rules that `people` keeps."""
    return list(RULES)


@pytest.fixture(scope="session")
def people() -> pd.DataFrame:
    """Return 2,000 people whose rules are known: see `RULES`."""
    rng = np.random.default_rng(1)
    n = 2_000
    level = rng.choice(["low", "mid", "high"], n, p=[0.5, 0.3, 0.2])
    sex = rng.choice(["F", "M"], n)
    age = rng.integers(0, 90, n)
    net = np.round(rng.lognormal(6, 0.5, n), 2)
    tax = np.round(net * rng.uniform(0.1, 0.4, n), 2)
    start = rng.integers(2000, 2020, n)
    frame = pd.DataFrame(
        {
            "level": level,
            "code": pd.Series(level).map({"low": 1, "mid": 2, "high": 3}).to_numpy(),
            "sex": sex,
            "pregnant": np.where((sex == "F") & (rng.random(n) < 0.3), "yes", "no"),
            "age": age,
            "pension": np.where(age >= 65, rng.integers(100, 900, n), np.nan),
            "net": net,
            "tax": tax,
            "gross": np.round(net + tax, 2),
            "start": start,
            "end": start + rng.integers(0, 8, n),
        }
    )
    frame["pension"] = frame["pension"].astype("Int64")
    return frame
