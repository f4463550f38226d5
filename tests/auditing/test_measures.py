"""Figures against brute force, intervals by simulation."""

import numpy as np
import pytest
from scipy import stats

from twinset.auditing.measures import (
    advantage,
    auc,
    auc_interval,
    clopper_pearson,
    critical_value,
    null_error,
    tpr_at_fpr,
)


def flags(n, m):
    return np.arange(n + m) < n


def test_auc_counts_pairs_and_halves_ties():
    rng = np.random.default_rng(0)
    scores, member = rng.integers(0, 6, 90).astype(float), flags(40, 50)
    a, b = scores[:40, None], scores[None, 40:]
    assert auc(scores, member).value == pytest.approx((a > b).mean() + (a == b).mean() / 2)
    within = rng.random(90) < 0.5
    part = auc(scores, member, within)
    assert part.value == pytest.approx(auc(scores[within], member[within]).value)
    assert (part.influence[~within] == 0).all()


@pytest.mark.parametrize("shift", [0.0, 1.0, 2.5])
@pytest.mark.parametrize("size", [(60, 60), (300, 80)])
def test_auc_interval_covers(shift, size):
    rng = np.random.default_rng(1)
    true = stats.norm.cdf(shift / np.sqrt(2))
    member = flags(*size)
    held = 0
    for _ in range(600):
        low, high = auc_interval(auc(rng.normal(size=sum(size)) + shift * member, member))
        held += low <= true <= high
    assert 0.925 <= held / 600 <= 0.985


@pytest.mark.parametrize("size", [12, 25])
def test_auc_interval_covers_where_sides_nearly_separate(size):
    rng = np.random.default_rng(6)
    true = stats.norm.cdf(2.5 / np.sqrt(2))
    member = flags(size, size)
    found = [auc(rng.normal(size=2 * size) + 2.5 * member, member) for _ in range(600)]
    assert np.mean([a <= true <= b for a, b in map(auc_interval, found)]) >= 0.92


def test_auc_interval_at_the_ends_is_neither_empty_nor_certain():
    member = flags(30, 30)
    low, high = auc_interval(auc(member.astype(float), member))
    assert 0.85 < low < 0.97
    assert high == 1.0
    assert auc_interval(auc(-member.astype(float), member)) == pytest.approx((0.0, 1 - low))
    low, high = auc_interval(auc(np.zeros(60), member))
    assert low < 0.5 < high


def test_correction_holds_over_many_attacks_and_costs_nothing_for_copies():
    rng = np.random.default_rng(2)
    member = flags(150, 150)
    false = 0
    for i in range(200):
        shared = rng.normal(size=300)
        found = [auc(shared + rng.normal(size=300), member) for _ in range(8)]
        z = critical_value(found, 0.95, np.random.default_rng(i))
        false += any(not a <= 0.5 <= b for a, b in (auc_interval(f, z) for f in found))
    assert 0.01 <= false / 200 <= 0.095
    same = [auc(shared, member)] * 8
    assert critical_value(same, 0.95, rng) == pytest.approx(1.96, abs=0.03)
    many = [auc(rng.normal(size=300), member) for _ in range(8)]
    assert critical_value(many, 0.95, rng) == pytest.approx(2.72, abs=0.08)


def test_null_error_is_that_of_random_scores():
    rng = np.random.default_rng(3)
    found = [auc(rng.normal(size=70), flags(30, 40)).value for _ in range(2_000)]
    assert np.std(found) == pytest.approx(null_error(30, 40), rel=0.06)


def test_clopper_pearson_is_exact():
    for count, n in ((0, 20), (3, 20), (20, 20)):
        exact = stats.binomtest(count, n).proportion_ci(0.95, method="exact")
        assert clopper_pearson(count, n) == pytest.approx((exact.low, exact.high))
    assert clopper_pearson(0, 0) == (0.0, 1.0)


def test_thresholds_hold_their_false_positive_rate_on_other_units():
    rng = np.random.default_rng(4)
    member = flags(1_000, 1_000)
    rates = [
        tpr_at_fpr(rng.normal(size=2_000) + 3 * member, member, 0.01, np.random.default_rng(i))
        for i in range(200)
    ]
    assert np.mean([r.fpr for r in rates]) == pytest.approx(0.01, abs=0.0012)
    truth = stats.norm.sf(stats.norm.isf(0.01) - 3)
    assert np.mean([r.tpr for r in rates]) == pytest.approx(truth, abs=0.03)
    tied = tpr_at_fpr(np.zeros(2_000), member, 0.01, rng)
    assert (tied.hits, tied.alarms) == (0, 0)


def test_advantage_is_not_flattered_by_the_choice_of_threshold():
    rng = np.random.default_rng(5)
    member = flags(100, 100)
    none = [advantage(rng.normal(size=200), member, np.random.default_rng(i)) for i in range(300)]
    assert np.mean([a.value for a in none]) == pytest.approx(0, abs=0.015)
    assert np.mean([a.low > 0 for a in none]) <= 0.05
    clear = advantage(rng.normal(size=200) + 3 * member, member, rng)
    best = 2 * stats.norm.cdf(1.5) - 1
    assert clear.low < best < clear.high
    assert advantage(np.zeros(200), member, rng).value == 0
