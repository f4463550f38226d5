"""Curves of attacks: the definition, the minimum count in every step, known chances."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from twinset.auditing.curves import curves, risk_bins, roc_points, spread_of


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
