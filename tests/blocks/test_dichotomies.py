"""Nested dichotomies: the right probabilities, functions learned as such, a sound file only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from twinset.blocks.boosting import Boosting
from twinset.blocks.dichotomies import Dichotomies, fit_dichotomies
from twinset.blocks.zero_count import Unseen

BOOSTING = Boosting(trees=60, rate=0.2, leaves=8, smoothing=5.0, leaf=20, patience=6)
ROWS = 6_000


def fitted(
    x: np.ndarray,
    y: np.ndarray,
    units: np.ndarray | None = None,
    *,
    categorical: bool = True,
    levels: int | None = None,
) -> Dichotomies:
    size = int(x.max()) + 1 if levels is None else levels
    share = np.bincount(y) / len(y)
    return fit_dichotomies(
        {0: x.astype(np.int32)},
        (0,),
        {0} if categorical else set(),
        [size],
        y.astype(np.int64),
        share,
        units,
        rng=np.random.default_rng(1),
        boosting=BOOSTING,
    )


def test_a_function_of_a_category_of_many_levels_is_learned_as_one() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 150, ROWS)
    of_level = rng.integers(0, 12, 150)
    found = fitted(x, of_level[x]).draw({0: x.astype(np.int32)}, ROWS, rng)
    assert np.mean(found == of_level[x]) > 0.99


@pytest.mark.parametrize("classes", [5, 90])  # 90: models shared by many nodes
def test_draws_follow_the_conditional_and_match_their_probability(classes: int) -> None:
    rng = np.random.default_rng(2)
    x = rng.integers(0, 4, ROWS)
    y = np.clip((classes * (x + rng.random(ROWS)) / 5).astype(int), 0, classes - 1)
    y[:classes] = np.arange(classes)
    model = fitted(x, y, categorical=False)
    for level in range(4):
        codes = {0: np.full(20_000, level, dtype=np.int32)}
        drawn = model.draw(codes, 20_000, rng)
        assert abs(drawn.mean() - y[x == level].mean()) < 0.03 * classes
        all_classes = {0: np.full(classes, level, dtype=np.int32)}
        p = np.exp(model.log_probability(all_classes, np.arange(classes)))
        assert p.sum() == pytest.approx(1)
        seen = np.bincount(drawn, minlength=classes) / len(drawn)
        assert np.abs(np.cumsum(seen) - np.cumsum(p)).max() < 0.02


def test_what_depends_on_nothing_keeps_its_shares() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.integers(0, 50, ROWS), rng.integers(0, 8, ROWS)
    model = fitted(x, y)
    for level in range(0, 50, 10):
        codes = {0: np.full(8, level, dtype=np.int32)}
        p = np.exp(model.log_probability(codes, np.arange(8)))
        assert np.abs(p - np.bincount(y) / ROWS).max() < 0.05


def test_answers_of_four_units_do_not_rank_a_level() -> None:
    """The new codes stand in the model file: single people were ranked by answer."""
    rng = np.random.default_rng(6)
    x = rng.integers(0, 30, ROWS)
    y = (rng.random(ROWS) < x / 30).astype(int)
    for rows, units in ((4, None), (12, np.r_[np.arange(ROWS), np.repeat(ROWS + np.arange(4), 3)])):
        people = np.full(rows, 30)
        ranks = [
            fitted(np.r_[x, people], np.r_[y, np.full(rows, answer)], units).recodes[0]
            for answer in (0, 1)
        ]
        assert abs(int(ranks[0][0, 30]) - int(ranks[1][0, 30])) <= 1


def test_a_person_of_many_rows_is_no_leaf() -> None:
    """Sixty rows of one person answer otherwise than everybody near: no tree learns that."""
    rng = np.random.default_rng(7)
    x = rng.integers(0, 100, ROWS)
    y = (rng.random(ROWS) < 0.2).astype(int)
    x[:60], y[:60] = 50, 1
    x[60:][x[60:] == 50] = 49
    units = np.r_[np.zeros(60, dtype=np.int64), np.arange(1, ROWS - 59)]

    def of_50(units: np.ndarray | None) -> float:
        model = fitted(x, y, units, categorical=False)
        return float(np.exp(model.log_probability({0: np.array([50])}, np.array([1])))[0])

    assert of_50(None) > 0.7
    assert of_50(units) < 0.5


def test_rows_of_one_unit_do_not_check_each_other() -> None:
    """Answers that say nothing but who it is, each person in eight rows: nothing is learned."""
    rng = np.random.default_rng(8)
    units = np.repeat(np.arange(2_000), 8)
    x, y = rng.integers(0, 2_000, 2_000)[units], rng.integers(0, 2, 2_000)[units]

    def spread(units: np.ndarray | None) -> float:
        model = fitted(x, y, units, categorical=False)
        every = {0: np.arange(2_000)}
        return float(np.exp(model.log_probability(every, np.ones(2_000, dtype=np.int64))).std())

    assert spread(None) > 0.07
    assert spread(units) < 0.04


def test_a_state_is_read_back_and_a_broken_one_refused() -> None:
    rng = np.random.default_rng(4)
    x = rng.integers(0, 10, ROWS)
    model = fitted(x, (x + rng.integers(0, 2, ROWS)) % 10)
    state, codes = model.to_state(), {0: x.astype(np.int32)}
    back = Dichotomies.from_state(state, [10], 10)
    same = [m.draw(codes, ROWS, np.random.default_rng(9)) for m in (model, back)]
    np.testing.assert_array_equal(*same)
    lies = {
        "bounds": model.bounds[::-1],
        "share": np.full_like(model.share, 1.5),
        "model": np.full_like(model.model, 10**6),
        "place": model.place[:-1],
        "predictors": [3],
        "predictors ": [0, 0],
        "recodes": {"0": np.zeros((1, 4), dtype=np.int32)},
        "unseen": {"where": np.array([[0, 0, 10, 1]]), "most": np.array([0.1])},
        "unseen ": {"where": np.array([[0, 1, 0, 1]]), "most": np.array([0.1])},
    }
    for name, lie in lies.items():
        with pytest.raises((ValueError, IndexError, KeyError)):
            Dichotomies.from_state({**state, name.strip(): lie}, [10], 10)
    with pytest.raises(ValueError, match="fit together"):
        Dichotomies.from_state(state, [10], 11)


def test_what_is_never_answered_is_nearly_never_drawn_and_what_is_rare_still_is() -> None:
    rng = np.random.default_rng(5)
    n = 20_000
    x = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    y = (rng.random(n) < np.array([0.0, 0.05, 0.002])[x]).astype(int)  # never, seldom, rarely
    model = fitted(x, y)
    p = np.exp(model.log_probability({0: np.arange(3, dtype=np.int32)}, np.ones(3, np.int64)))
    rows = np.bincount(x)
    assert 0 < p[0] <= 0.5 / (rows[0] + 1)
    assert p[1] == pytest.approx(0.05, abs=0.01)
    assert 0.0005 < p[2] < 0.006
    leaky = replace(model, unseen=None)
    leaked = np.exp(leaky.log_probability({0: np.zeros(1, np.int32)}, np.ones(1, np.int64)))
    assert leaked[0] > 1.5 * p[0]  # boosting alone does leak


def test_bounds_that_contradict_each_other_change_nothing() -> None:
    where = np.array([[0, 0, 1, 1], [0, 1, 1, 0]])
    found = Unseen(where, np.array([0.01, 0.01]))
    codes = {0: np.array([1, 1, 0], np.int32), 1: np.array([0, 1, 1], np.int32)}
    got = found.bounded(0, np.array([0.5, 0.5, 0.5]), codes, np.arange(3))
    np.testing.assert_allclose(got, [0.01, 0.5, 0.99])
