"""Drawn dates keep to the week of the table, and to the hours of its days."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import twinset as ts
from twinset.encoding.weekly_cycle import fit_rhythm, follow

ROWS = 3_000


def visits(seed: int, unit: str) -> pd.DataFrame:
    """Visits on weekdays between 8 and 17 o'clock, over ten years."""
    rng = np.random.default_rng(seed)
    days = pd.bdate_range("2010-01-01", "2019-12-31")
    day = days[rng.integers(0, len(days), ROWS)]
    hours = pd.to_timedelta(rng.integers(8 * 60, 17 * 60, ROWS) * 60, "s")
    at = pd.Series(day if unit == "date" else day + hours)
    return pd.DataFrame({"at": at, "ward": rng.choice(["a", "b"], ROWS)})


@pytest.mark.parametrize("generator", ["cart", "independent"])
@pytest.mark.parametrize("unit", ["date", "datetime"])
def test_weekdays_and_hours_are_kept(generator: str, unit: str) -> None:
    drawn = ts.fit(visits(0, unit), generator=generator, seed=0).sample(ROWS)["at"]
    assert (drawn.dt.day_of_week < 5).mean() > 0.98
    if unit == "datetime":
        assert drawn.dt.hour.between(8, 16).mean() > 0.98
    shares = drawn.dt.day_of_week.value_counts(normalize=True)
    assert shares[:5].between(0.16, 0.24).all()


def test_an_even_week_and_few_rows_have_none() -> None:
    rng = np.random.default_rng(0)
    days = np.floor(rng.uniform(0, 3_650, ROWS))
    assert not len(fit_rhythm(days, np.ones(ROWS), 7))
    seconds = rng.uniform(0, 3_650 * 86_400, ROWS)
    assert not len(fit_rhythm(seconds, np.ones(ROWS), 168))
    workdays = days[days % 7 < 5]
    assert len(fit_rhythm(workdays, np.ones(len(workdays)), 7)) == 7
    assert not len(fit_rhythm(workdays[:100], np.ones(100), 7))
    assert not len(fit_rhythm(workdays, np.full(len(workdays), 0.01), 7)), "few units"


def test_a_phase_of_few_units_is_not_learned() -> None:
    rng = np.random.default_rng(1)
    days = np.floor(rng.uniform(0, 3_650, ROWS))
    days = np.r_[days[days % 7 < 5], [6.0, 13.0, 20.0]]
    chance = fit_rhythm(days, np.ones(len(days)), 7)
    assert chance[6] == 0
    assert chance[5] == 0
    assert (chance[:5] > 0.8).all()


def test_following_ends_where_nothing_is_accepted() -> None:
    rng = np.random.default_rng(2)
    x = np.array([5.0, 1.0, np.nan])
    drawn = follow(x, np.array([1.0] * 5 + [0.0] * 2), lambda at: np.full(len(at), 5.0), rng)
    assert np.array_equal(drawn, [5.0, 1.0, np.nan], equal_nan=True)
