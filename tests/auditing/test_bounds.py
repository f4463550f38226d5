"""Bounds on epsilon, simulated with mechanisms of known epsilon."""

import numpy as np
import pytest
from scipy import stats

from twinset.auditing.bounds import (
    bound_from_pairs,
    bound_from_scores,
    epsilon_lower_bound,
    gaussian_epsilon,
    gaussian_lower_bound,
    one_run_ceiling,
    one_run_lower_bound,
)

AUDITS, TRIALS, ALPHA = 500, 10_000, 0.05
# more than this share of 500 audits above the truth has probability below 1e-4 at alpha
TOLERATED = stats.binom.isf(1e-4, AUDITS, ALPHA) / AUDITS
EPSILONS = [(0.5, 0.80), (1.0, 0.90), (2.0, 0.90), (4.0, 0.90)]


def randomised_response(epsilon, shape, rng):
    """Bits and what is told of them: the truth with probability e^eps / (1 + e^eps)."""
    bit = rng.random(shape) < 0.5
    honest = rng.random(shape) < 1 / (1 + np.exp(-epsilon))
    return bit, bit == honest


@pytest.mark.parametrize(("epsilon", "least"), EPSILONS)
def test_the_bound_holds_and_is_tight_for_randomised_response(epsilon, least):
    rng = np.random.default_rng(int(10 * epsilon))
    bits, told = randomised_response(epsilon, (AUDITS, TRIALS), rng)
    found = np.array(
        [bound_from_scores(t.astype(float), b, rng).value for b, t in zip(bits, told, strict=True)]
    )
    assert (found > epsilon).mean() <= TOLERATED
    assert np.median(found) >= least * epsilon


@pytest.mark.parametrize(("epsilon", "least"), EPSILONS)
def test_one_run_holds_and_is_tight_for_randomised_response(epsilon, least):
    rng = np.random.default_rng(int(10 * epsilon) + 1)
    bits, told = randomised_response(epsilon, (AUDITS, TRIALS), rng)
    right = np.unique((bits == told).sum(axis=1), return_counts=True)
    found = np.repeat([one_run_lower_bound(int(v), TRIALS, TRIALS) for v in right[0]], right[1])
    assert (found > epsilon).mean() <= TOLERATED
    assert np.median(found) >= least * epsilon


def test_without_a_leak_hardly_any_bound_is_above_zero():
    rng = np.random.default_rng(1)
    member = np.arange(400) < 200
    scores = rng.normal(size=(AUDITS, 400))
    for made in (bound_from_scores, bound_from_pairs):
        found = np.array([made(s, member, rng).value for s in scores])
        assert (found > 0).mean() <= TOLERATED


def test_a_threshold_and_attack_chosen_on_the_trials_they_are_counted_on_break_the_bound():
    """The simulation has power: the mistake it guards against is seen."""
    rng = np.random.default_rng(2)
    wrong = 0
    for _ in range(200):
        scores = np.sort(rng.random((50, 2, 200)), axis=-1)  # 50 attacks that guess
        cuts = np.linspace(0, 1, 50)
        hits, alarms = (
            np.stack([200 - np.searchsorted(s, cuts) for s in scores[:, side]]) for side in (0, 1)
        )
        wrong += epsilon_lower_bound(hits, 200, alarms, 200).max() > 0
    assert wrong / 200 > 2 * TOLERATED


def test_delta_takes_away_what_a_rare_disaster_shows():
    """A mechanism that tells all with probability 2% and nothing otherwise is (0, .02)-private."""
    rng = np.random.default_rng(3)
    member = rng.random(40_000) < 0.5
    scores = np.where(rng.random(40_000) < 0.02, np.where(member, 9.0, -9.0), 0.0)
    assert bound_from_scores(scores, member, rng).value > 2
    assert bound_from_scores(scores, member, rng, delta=0.02).value < 0.02
    right = round(TRIALS * (0.5 + 0.01))
    assert one_run_lower_bound(right + 200, TRIALS, TRIALS) > 0
    assert one_run_lower_bound(right + 200, TRIALS, TRIALS, delta=0.02) == 0


def test_the_gaussian_form_holds_and_is_tighter_than_the_general_one():
    rng, mu, delta = np.random.default_rng(4), 1.0, 1e-3
    truth = gaussian_epsilon(mu, delta)
    member = np.arange(4_000) < 2_000
    scores = rng.normal(size=(200, 4_000)) + mu * member
    gaussian = [bound_from_scores(s, member, rng, delta=delta, gaussian=True) for s in scores]
    general = [bound_from_scores(s, member, rng, delta=delta) for s in scores]
    value = np.array([b.value for b in gaussian])
    assert (value > truth).mean() <= stats.binom.isf(1e-4, 200, ALPHA) / 200
    assert np.median(value) > 0.75 * truth
    assert np.median(value) > np.median([b.value for b in general]) > 0


def test_gaussian_epsilon_solves_its_equation():
    for mu, delta in ((0.5, 1e-5), (1.0, 1e-2), (3.0, 1e-6)):
        e = gaussian_epsilon(mu, delta)
        back = stats.norm.cdf(-e / mu + mu / 2) - np.exp(e) * stats.norm.cdf(-e / mu - mu / 2)
        assert back == pytest.approx(delta, rel=1e-6)
    assert gaussian_epsilon(-1.0, 1e-5) == 0
    with pytest.raises(ValueError, match="delta"):
        gaussian_epsilon(1.0, 0.0)


@pytest.mark.parametrize(
    ("n", "most"), [(50, 2.78), (100, 3.49), (500, 5.11), (1_000, 5.81), (2_500, 6.73)]
)
def test_ceilings_are_the_published_ones(n, most):
    assert epsilon_lower_bound(n, n, 0, n, alpha=0.1) == pytest.approx(most, abs=0.006)


def test_a_rate_is_compared_with_a_rate():
    """No false alarm among ten says little; compared with a count it would say infinity."""
    assert epsilon_lower_bound(10, 10, 0, 10) < 1.5
    assert epsilon_lower_bound(0, 10, 10, 10) == 0
    assert epsilon_lower_bound(0, 0, 0, 0) == 0
    many = epsilon_lower_bound(np.array([50, 90]), 100, np.array([50, 10]), 100)
    assert many[0] == 0 < many[1]
    gaussian = gaussian_lower_bound([90, 50], 100, [10, 50], 100, delta=1e-5)
    assert gaussian[0] > 0 == gaussian[1]


def test_one_run_at_its_ends():
    assert one_run_lower_bound(100, 100, 100) == pytest.approx(one_run_ceiling(100), abs=1e-6)
    assert one_run_ceiling(0) == one_run_lower_bound(0, 0, 10) == 0
    assert one_run_lower_bound(50, 100, 100) == 0
    exact = one_run_lower_bound(70, 100, 100)
    assert stats.binom.sf(69, 100, 1 / (1 + np.exp(-exact))) == pytest.approx(0.05, abs=1e-6)


def test_pairs_see_few_copies_that_an_average_does_not():
    rng = np.random.default_rng(5)
    member = np.arange(4_000) < 2_000
    scores = rng.normal(size=4_000) + 20.0 * (member & (rng.random(4_000) < 0.05))
    found = bound_from_pairs(scores, member, rng)
    assert 2 < found.value <= found.ceiling
    flat = bound_from_pairs(np.zeros(4_000), member, rng)
    assert (flat.value, flat.trials) == (0, 0)
    assert flat.ceiling == one_run_ceiling(1_000)
