"""Columns that follow another closely keep their distance; others are left alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import twinset as ts
from twinset.blocks.offsets import Offset, find_anchors, fit_offset, scale
from twinset.blocks.sequential import Sequential
from twinset.table.schema import Format

ROWS = 3_000


def stays(rows: int, seed: int) -> pd.DataFrame:
    """Stays in hospital: most of days, one in eight open, one in twenty of months."""
    rng = np.random.default_rng(seed)
    start = rng.integers(0, 4_000, rows)
    days = np.where(rng.random(rows) < 0.05, rng.integers(100, 900, rows), rng.poisson(4, rows))
    first = pd.Timestamp("2010-01-01")
    end = pd.Series(first + pd.to_timedelta(start + days, "D"))
    born = rng.integers(1930, 2000, rows)
    return pd.DataFrame(
        {
            "admitted": first + pd.to_timedelta(start, "D"),
            "discharged": end.mask(rng.random(rows) < 0.125),
            "born": born,
            "age": 2020 - born - rng.integers(0, 2, rows),
            "ward": rng.choice(["a", "b", "c"], rows),
        }
    )


def test_an_end_follows_its_start_and_noise_does_not() -> None:
    rng = np.random.default_rng(0)
    start, other = rng.uniform(0, 4_000, ROWS), rng.uniform(0, 4_000, ROWS)
    end = start + rng.exponential(10, ROWS)

    def found(*columns: np.ndarray) -> dict[int, tuple[int, int]]:
        values = dict(enumerate(columns))
        return find_anchors(values, list(values), dict.fromkeys(values, "days"))

    assert found(start, other, end) == {2: (0, 1)}
    assert found(start, 5_000 - end) == {1: (0, -1)}
    loose = start + rng.normal(0, 800, ROWS)
    assert found(start, other, loose) == {}
    never = np.where(rng.random(ROWS) < 0.3, 99_999.0, end)
    assert found(start, never) == {1: (0, 1)}
    assert found(np.full(ROWS, np.nan), end) == {}
    values = {0: start, 1: end}
    assert find_anchors(values, [0, 1], {0: "days", 1: "seconds"}) == {}
    assert find_anchors(values, [0, 1], {0: None, 1: None}) == {}


def test_amounts_do_not_follow_each_other() -> None:
    x = np.array([0.0, 5_000.0, np.nan])
    assert scale(x, Format(step=1)) is None
    assert scale(x / 10, Format(step=1)) == "number"
    assert scale(x / 10, Format(step=0.01)) is None
    assert scale(x, Format(step=1, date_format="days")) == "days"


def test_drawn_rows_keep_their_distance() -> None:
    train = stays(ROWS, 0)
    twin = ts.fit(train, seed=0)
    drawn = twin.sample(ROWS)
    wanted = (train["discharged"] - train["admitted"]).dt.days
    found = (drawn["discharged"] - drawn["admitted"]).dt.days
    assert (found.dropna() >= 0).mean() > 0.98
    for q in (0.1, 0.5, 0.9):
        assert abs(found.quantile(q) - wanted.quantile(q)) <= 1
    assert abs(found.mean() - wanted.mean()) < 12
    assert abs(drawn["discharged"].isna().mean() - 0.125) < 0.03
    assert (2020 - drawn["born"] - drawn["age"]).between(0, 1).mean() > 0.97


def test_a_known_end_gives_its_start() -> None:
    """Conditioning on the end weighs candidates by their distance to it."""
    twin = ts.fit(stays(ROWS, 0)[["admitted", "discharged"]], seed=0)
    end = pd.Timestamp("2015-06-01")
    starts = twin.sample(300, given={"discharged": end})["admitted"]
    assert ((end - starts).dt.days.between(0, 40)).mean() > 0.9


def test_a_difference_that_train_never_had_is_none() -> None:
    rng = np.random.default_rng(3)
    start = np.sort(np.floor(rng.uniform(0, 4_000, ROWS)))
    end = start + rng.integers(1, 40, ROWS)
    made = fit_offset(end, (0, 1), start, np.ones(ROWS, bool), None, step=1.0, bins=100, atom=10)
    assert made is not None
    assert made[0].codes_of(np.array([2_000.0, np.nan]), np.zeros(2)).tolist() == [-1, -1]


def test_a_state_that_does_not_fit_is_refused() -> None:
    rng = np.random.default_rng(1)
    start = np.sort(rng.uniform(0, 4_000, ROWS))
    end = start + rng.exponential(10, ROWS)
    made = fit_offset(end, (0, 1), start, np.ones(ROWS, bool), None, step=None, bins=100, atom=10)
    assert made is not None
    state = made[0].to_state()
    assert np.array_equal(Offset.from_state(state).codes_of(end, start), made[1])
    with pytest.raises(ValueError, match="offset"):
        Offset.from_state({**state, "sign": 2})
    sequential = ts.fit(stays(ROWS, 0), seed=0).model.sequential
    whole = sequential.to_state()
    target, offset = next(iter(whole["offsets"].items()))
    columns = [c.column for c in sequential.coders]
    Sequential.from_state(whole, columns)
    broken = {**whole, "offsets": {target: {**offset, "anchor": int(target)}}}
    with pytest.raises(ValueError, match="not drawn before"):
        Sequential.from_state(broken, columns)
