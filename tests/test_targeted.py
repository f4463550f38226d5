"""Rows on demand: stated shares, exemplars, and a pattern at its real rate."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import twinset as ts
from twinset.errors import InputError


def basket(n: int = 6_000) -> pd.DataFrame:
    """What was bought; 2% of the customers bought a TV and seven other things."""
    rng = np.random.default_rng(11)
    hit = rng.random(n) < 0.02
    others = np.where(hit, 7, rng.choice(7, n))
    tv = np.where(hit | (rng.random(n) < 0.1), "yes", "no")
    town = rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1])
    spent = np.round(rng.gamma(2, 30, n) + 40 * others + np.where(tv == "yes", 500, 0), 2)
    return pd.DataFrame({"town": town, "tv": tv, "others": others, "spent": spent})


PATTERN = "tv = 'yes' and others = 7"


def pattern(frame: pd.DataFrame) -> float:
    return float(((frame["tv"] == "yes") & (frame["others"] == 7)).mean())


@pytest.mark.parametrize("generator", ["cart", "bootstrap"])
def test_a_pattern_has_its_real_rate_or_the_one_asked_for(generator):
    frame = basket()
    twin = ts.fit(frame, generator=generator)
    real, n = pattern(frame), 10_000
    sd = np.sqrt(real * (1 - real) * (1 / n + 1 / len(frame)))
    assert abs(pattern(twin.sample(n)) - real) < 4 * sd
    shares = {PATTERN: 0.2, "town = 'b'": 0.5}
    drawn = twin.sample(4_000, shares=shares)
    assert pattern(drawn) == pytest.approx(0.2, abs=1e-3)
    assert (drawn["town"] == "b").mean() == pytest.approx(0.5, abs=1e-3)
    rest = drawn["town"][drawn["town"] != "b"].value_counts(normalize=True)  # 6 to 1, as before
    assert rest["a"] == pytest.approx(6 / 7, abs=0.04)
    inside = drawn[(drawn["tv"] == "yes") & (drawn["others"] == 7)]["spent"]
    same = twin.sample(800, where=PATTERN)["spent"]
    assert stats.ks_2samp(inside, same).pvalue > 1e-3
    assert stats.ks_2samp(drawn["spent"], twin.sample(800)["spent"]).pvalue < 1e-6  # all follows


@pytest.mark.parametrize(
    ("shares", "word"),
    [
        ({"town = 'a'": 0.7, "town = 'b'": 0.6}, "contradict"),
        ({"spent > 90000": 0.5}, "no row drawn meets"),
        ({"town = 'a'": 1.5}, "0 to 1"),
        ({"town": 0.5}, "not a condition"),
        ({"city = 'a'": 0.5}, "city"),
        ({f"spent > {i}": 0.5 for i in range(13)}, "at most 12"),
    ],
)
def test_shares_that_cannot_be(shares, word):
    twin = ts.fit(basket(1_000), generator="independent")
    with pytest.raises(InputError, match=word):
        twin.sample(100, shares=shares)


@pytest.mark.parametrize("generator", ["cart", "independent", "bootstrap"])
def test_more_like_these_rows_and_never_they(generator):
    frame = basket(3_000)
    like = frame[(frame["town"] == "c") & (frame["spent"] > 250)].head(40)
    twin = ts.fit(frame, generator=generator)
    (drawn,) = twin.draws(400, like=like)
    near = drawn.table.data.to_pandas()
    free = twin.sample(2_000)
    assert drawn.method == "exemplars"
    assert 0 < drawn.acceptance < 0.5
    assert (near["town"] == "c").mean() > 3 * (free["town"] == "c").mean()
    assert near["spent"].mean() > free["spent"].mean() + 40
    own = {tuple(row) for row in like.astype({"others": float}).to_numpy().tolist()}
    made = {tuple(row) for row in near[like.columns].astype({"others": float}).to_numpy().tolist()}
    assert not own & made
    if generator == "bootstrap":  # which gives them out else
        plain = free[like.columns].astype({"others": float}).to_numpy().tolist()
        assert own & {tuple(row) for row in plain}


def test_weights_are_the_ratio_of_two_normal_densities():
    """Of N(1, 1) against N(0, 1) the log ratio is linear in x; its slope there is 1."""
    rng = np.random.default_rng(0)
    twin = ts.fit(pd.DataFrame({"x": rng.normal(size=4_000), "y": rng.normal(size=4_000)}))
    like = pd.DataFrame({"x": rng.normal(1, 1, 800), "y": rng.normal(size=800)})
    near = twin.sample(1_500, like=like)
    assert near["x"].mean() == pytest.approx(0.8, abs=0.25)  # weights end at the median exemplar
    assert abs(near["y"].mean()) < 0.15


def test_exemplars_may_hold_what_the_model_does_not_know_and_nothing():
    frame = basket(600)
    like = pd.DataFrame({"town": ["c", "elsewhere", None], "tv": "yes", "others": 3, "spent": 600})
    near = ts.fit(frame, generator="independent").sample(150, like=like)
    assert len(near) == 150
    assert set(near["town"]) <= {"a", "b", "c"}
    assert (near["tv"] == "yes").mean() > (frame["tv"] == "yes").mean()


def test_shares_and_exemplars_keep_rules_and_conditions():
    rules = [{"holds": "tv = 'no' implies spent < 400", "exceptions": 0.02}]
    twin = ts.fit(basket(3_000), generator="independent", rules=rules)
    drawn = twin.sample(300, shares={"town = 'c'": 0.5}, where="others > 2", given={"tv": "no"})
    assert len(drawn) == 300
    assert (drawn["town"] == "c").mean() == 0.5
    assert drawn["others"].astype(int).min() > 2
    assert set(drawn["tv"]) == {"no"}
    assert drawn["spent"].max() < 400
    once = basket(300).drop_duplicates("spent")
    whole = ts.fit(once, generator="independent", rules=[{"unique": ["spent"]}])
    with pytest.raises(InputError, match="compare rows"):
        whole.sample(20, shares={"town = 'c'": 0.5})


def test_exemplars_that_cannot_be(tmp_path):
    frame = basket(600)
    twin = ts.fit(frame, generator="independent")
    with pytest.raises(InputError, match="no rows"):
        twin.sample(5, like=frame.head(0))
    with pytest.raises(InputError, match="no column"):
        twin.sample(5, like=frame[["town"]])
    with pytest.raises(InputError, match="not both"):
        twin.sample(5, like=frame.head(9), shares={"tv = 'yes'": 0.5})
