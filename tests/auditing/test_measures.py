"""Figures against brute force, intervals by simulation; curves: minimum counts, known chances."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from twinset.auditing.measures import (
    advantage,
    auc,
    auc_interval,
    clopper_pearson,
    critical_value,
    curves,
    null_error,
    risk_bins,
    roc_points,
    spread_of,
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
    assert np.mean([value for value, _, _ in none]) == pytest.approx(0, abs=0.015)
    assert np.mean([low > 0 for _, low, _ in none]) <= 0.05
    _, low, high = advantage(rng.normal(size=200) + 3 * member, member, rng)
    best = 2 * stats.norm.cdf(1.5) - 1
    assert low < best < high
    assert advantage(np.zeros(200), member, rng)[0] == 0


def world(members: int, others: int, shift: float, seed: int = 0, levels: int | None = None):
    rng = np.random.default_rng(seed)
    member = np.arange(members + others) < members
    scores = rng.normal(size=members + others) + shift * member
    if levels is not None:
        scores = np.floor(scores * levels)
    order = rng.permutation(len(scores))
    return scores[order], member[order]


@pytest.mark.parametrize("levels", [None, 1, 20])
@pytest.mark.parametrize("shift", [0.0, 1.0, 6.0])
@pytest.mark.parametrize("sizes", [(25, 25), (400, 3_000), (5_000, 2_000)])
def test_every_step_holds_ten_of_either_side(sizes, shift, levels):
    scores, member = world(*sizes, shift, levels=levels)
    n, m = sizes
    for points in (roc_points(scores, member), roc_points(-scores, member)):
        if not points:
            continue
        assert points[-1] == [1.0, 1.0]
        steps = np.diff(np.array([[0.0, 0.0], *points]), axis=0) * [m, n]
        assert (steps > 9.5).all()
    shares = [b[0] for b in risk_bins(scores, member)]
    assert all(s * n > 9.5 for s in shares)
    assert not shares or sum(shares) == pytest.approx(1, abs=1e-4)


def test_points_are_rates_at_thresholds():
    scores, member = world(3_000, 3_000, 1.0)
    points = np.array(roc_points(scores, member))
    assert len(points) > 15
    for fpr, tpr in points[:-1]:
        threshold = np.sort(scores[~member])[::-1][round(fpr * 3_000) - 1]
        assert (scores[member] >= threshold).mean() == pytest.approx(tpr, abs=1e-6)
    area = np.trapezoid([0, *points[:, 1]], [0, *points[:, 0]])
    assert area == pytest.approx(0.76, abs=0.02)  # Phi(1 / sqrt 2)


def test_the_chance_is_that_of_equal_odds():
    """Scores 0 and 1; members have a 1 twice as often: 2/3 of those with a 1 were in."""
    member = np.arange(4_000) < 2_000
    scores = np.concatenate([np.arange(2_000) < 800, np.arange(2_000) < 400]).astype(float)
    bins = risk_bins(scores, member)
    assert bins[0][:2] == [0.4, pytest.approx(2 / 3, abs=1e-4)]
    assert bins[-1][:2] == [0.6, pytest.approx(0.6 / 1.4, abs=1e-4)]


def test_the_interval_of_a_chance_holds():
    inside = 0
    for seed in range(300):
        scores, member = world(500, 500, 0.0, seed)
        inside += sum(low <= 0.5 <= high for _, _, low, high in risk_bins(scores, member)[:1])
    assert inside / 300 > 0.93


def test_wider_intervals_for_trials_that_depend_on_each_other():
    scores, member = world(500, 500, 0.5)
    one, two = (risk_bins(scores, member, effect)[0] for effect in (1.0, 2.0))
    assert two[3] - two[2] > 1.3 * (one[3] - one[2])


def test_constant_scores_and_few_units_give_no_step():
    member = np.arange(200) < 100
    assert curves(np.zeros(200), member) == {
        "roc": [[1.0, 1.0]],
        "risk": [[1.0, 0.5, 0.5, 0.5]],
    }
    assert curves(np.arange(8.0), np.arange(8) < 4) == {"roc": [], "risk": []}


def test_targets_are_binned_by_ten():
    rng = np.random.default_rng(0)
    for size in (9, 10, 25, 200):
        bins = spread_of(rng.uniform(0.4, 1.0, size))
        assert sum(b[2] for b in bins) in (0, size)
        assert all(b[2] >= 10 for b in bins)
        assert all(a[1] == b[0] for a, b in pairwise(bins))
    assert spread_of(rng.uniform(size=9)) == []
