"""Null distributions and intervals against simulation, distances against SciPy and brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from twinset.stats import association, marginals, ordered
from twinset.stats.association import correlation_freedom, correlations
from twinset.stats.codes import coarsen, fit_bins
from twinset.stats.intervals import adjust, chi_tails, gamma_tails, proportions_differ, wilson
from twinset.stats.units import design_effect, draw, folds, unit_counts

ZIPF = 1 / np.arange(1, 2001)
SHAPES = {
    "coin": np.array([0.5, 0.5]),
    "skewed": np.array([0.9, 0.06, 0.03, 0.01]),
    "dense": np.ones(200) / 200,
    "sparse": ZIPF / ZIPF.sum(),
    "a cell a row": np.ones(5000) / 5000,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("measure", ["tvd", "js"])
def test_null_has_the_simulated_mean_and_holds_its_size(shape: str, measure: str) -> None:
    p, rng = SHAPES[shape], np.random.default_rng(1)
    null = marginals.SplitNull((1000, 800), (1000, 800))
    distance = marginals.tvd if measure == "tvd" else marginals.js_divergence
    tails = chi_tails if measure == "tvd" else gamma_tails
    values, means, rejected = [], [], 0
    for _ in range(250):
        train, holdout, fresh = (rng.multinomial(n, p) for n in (1000, 800, 800))
        mean, variance = getattr(null, measure)(train + holdout)
        value = distance(train, fresh)
        values.append(value)
        means.append(mean)
        rejected += tails(value, mean, variance)[0] < 0.05
    chance = 4 * np.std(values) / 250**0.5
    assert abs(np.mean(means) - np.mean(values)) < chance + 0.03 * np.mean(values)
    assert rejected / 250 < 0.12


def test_null_beats_the_dense_formula_on_sparse_cells() -> None:
    """E = 1/2 sum sqrt(2/pi p(1-p)(1/n+1/m)) gives an impossible 1.27 here; the truth is 0.747."""
    rng, p = np.random.default_rng(0), np.ones(10_000) / 10_000
    train, holdout, fresh = (rng.multinomial(1000, p) for _ in range(3))
    formula = 0.5 * np.sqrt(2 / np.pi * p * (1 - p) * 2 / 1000).sum()
    mean, _ = marginals.SplitNull((1000, 1000), (1000, 1000)).tvd(train + holdout)
    assert formula > 1
    assert mean == pytest.approx(marginals.tvd(train, fresh), abs=0.2)
    assert mean < 1


def test_null_reaches_other_sizes() -> None:
    rng, p = np.random.default_rng(2), SHAPES["dense"]
    null = marginals.SplitNull((4000, 1000), (4000, 4000))
    truth = np.mean(
        [marginals.tvd(rng.multinomial(4000, p), rng.multinomial(4000, p)) for _ in range(100)]
    )
    mean, _ = null.tvd(rng.multinomial(5000, p))
    assert mean == pytest.approx(truth, rel=0.05)


@pytest.mark.parametrize(
    ("p", "q"),
    [
        ([0.5, 0.5], [0.6, 0.4]),
        ([0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]),
        (list(np.ones(30) / 30), list(np.arange(1, 31) / 465)),
        ([0.5, 0.5], [0.5, 0.5]),
    ],
)
def test_tvd_interval_covers_its_mean(p: list[float], q: list[float]) -> None:
    rng = np.random.default_rng(3)
    found = []
    for _ in range(300):
        a, b = rng.multinomial(500, p), rng.multinomial(400, q)
        found.append((marginals.tvd(a, b), marginals.tvd_variance(a, b)[0]))
    values, variances = np.array(found).T
    covered = np.abs(values - values.mean()) <= 1.96 * np.sqrt(variances)
    assert covered.mean() >= 0.92
    assert np.sqrt(variances).mean() < 2 * values.std()  # and is not covering by being endless


def test_js_interval_covers_its_mean() -> None:
    rng = np.random.default_rng(4)
    p, q = [0.4, 0.3, 0.2, 0.1], [0.2, 0.2, 0.3, 0.3]
    found = [
        (marginals.js_divergence(a, b), marginals.js_variance(a, b))
        for a, b in ((rng.multinomial(500, p), rng.multinomial(400, q)) for _ in range(300))
    ]
    values, variances = np.array(found).T
    assert (np.abs(values - values.mean()) <= 1.96 * np.sqrt(variances)).mean() >= 0.92


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_ks_and_wasserstein_equal_scipy_and_cover(shift: float) -> None:
    rng = np.random.default_rng(5)
    ks, wasserstein = [], []
    for _ in range(200):
        a = np.sort(rng.lognormal(0, 1, 300).round(1))
        b = np.sort(rng.lognormal(0, 1, 200).round(1) + shift)
        found = ordered.gaps(a, b)
        assert found.ks == pytest.approx(stats.ks_2samp(a, b).statistic)
        assert found.wasserstein == pytest.approx(stats.wasserstein_distance(a, b))
        ks.append((found.ks, found.ks_variance))
        wasserstein.append((found.wasserstein, found.wasserstein_variance))
    for pairs in (ks, wasserstein):
        values, variances = np.array(pairs).T
        assert (np.abs(values - values.mean()) <= 1.96 * np.sqrt(variances)).mean() >= 0.89


def test_wasserstein_null_matches_simulation() -> None:
    rng = np.random.default_rng(6)
    values = [
        ordered.gaps(np.sort(rng.normal(size=400)), np.sort(rng.normal(size=300))).wasserstein
        for _ in range(300)
    ]
    mean, variance = ordered.wasserstein_null(np.sort(rng.normal(size=2000)), 400, 300)
    assert mean == pytest.approx(np.mean(values), rel=0.07)
    assert variance**0.5 == pytest.approx(np.std(values), rel=0.15)


def test_tvd_equals_brute_force() -> None:
    rng = np.random.default_rng(7)
    a, b = rng.integers(0, 4, (2, 500)), rng.integers(0, 4, (2, 300))
    cells = [(i, j) for i in range(4) for j in range(4)]
    brute = sum(abs(np.mean((a[0] == i) & (a[1] == j)) - np.mean((b[0] == i) & (b[1] == j)))
                for i, j in cells) / 2  # fmt: skip
    fast = marginals.tvd(marginals.joint(list(a), [4, 4]), marginals.joint(list(b), [4, 4]))
    assert fast == pytest.approx(brute)


def test_auc_with_ties_and_units() -> None:
    rng = np.random.default_rng(8)
    p, n = rng.integers(0, 5, 60).astype(float), rng.integers(0, 4, 50).astype(float)
    brute = np.mean((p[:, None] > n) + 0.5 * (p[:, None] == n))
    assert ordered.auc(p, n).value == pytest.approx(brute)
    # each unit five times: the same value, five times the variance
    once = ordered.auc(p, n)
    ids = np.repeat(np.arange(60), 5), np.repeat(np.arange(50), 5)
    five = ordered.auc(np.repeat(p, 5), np.repeat(n, 5))
    assert five.value == pytest.approx(once.value)
    assert five.variance(ids) == pytest.approx(once.variance())
    assert five.variance() < once.variance() / 4


def test_correlations_equal_scipy_and_cover() -> None:
    rng = np.random.default_rng(9)
    found = []
    for _ in range(200):
        x = rng.normal(size=300)
        y = 0.6 * x + 0.8 * rng.normal(size=300)
        r, variance, _ = association.correlations(np.column_stack([x, y]))
        found.append((r[0, 1], variance[0, 1]))
    assert r[0, 1] == pytest.approx(np.corrcoef(x, y)[0, 1])
    ranks = np.column_stack([association.mid_ranks(x), association.mid_ranks(y)])
    assert association.correlations(ranks)[0][0, 1] == pytest.approx(stats.spearmanr(x, y)[0])
    values, variances = np.array(found).T
    assert (np.abs(values - 0.6) <= 1.96 * np.sqrt(variances)).mean() >= 0.9
    x[::7] = np.nan
    both = ~np.isnan(x)
    r, _, n = association.correlations(np.column_stack([x, y]))
    assert r[0, 1] == pytest.approx(np.corrcoef(x[both], y[both])[0, 1])
    assert n[0, 1] == both.sum()


def test_cramers_v_and_correlation_ratio_cover() -> None:
    rng = np.random.default_rng(10)
    v, eta = [], []
    for _ in range(200):
        a = rng.integers(0, 3, 1000)
        b = np.where(rng.random(1000) < 0.3, a, rng.integers(0, 3, 1000))
        table = marginals.joint([a, b], [3, 3]).reshape(3, 3).astype(float)
        v.append(association.cramers_v(table))
        eta.append(association.correlation_ratio(table, np.array([0.0, 1.0, 2.0])))
    for found, truth in ((v, 0.3), (eta, 0.3)):
        values, variances = np.array(found).T
        assert values.mean() == pytest.approx(truth, abs=0.02)
        assert (np.abs(values - truth) <= 1.96 * np.sqrt(variances)).mean() >= 0.9
    independent = rng.multinomial(1000, np.ones(9) / 9).reshape(3, 3).astype(float)
    value, variance = association.cramers_v(independent)
    assert value < 2.5 * variance**0.5
    assert association.cramers_v(np.array([[5.0, 0.0], [3.0, 0.0]])) is None


def test_design_effect_of_repeated_units() -> None:
    rng = np.random.default_rng(11)
    codes, units = np.repeat(rng.integers(0, 4, 300), 4), np.repeat(np.arange(300), 4)
    assert design_effect(codes, units, 4) == pytest.approx(4, rel=0.05)
    assert design_effect(rng.permutation(codes), units, 4) == pytest.approx(1, abs=0.2)
    assert design_effect(codes, None, 4) == 1.0


def test_units_stay_whole_in_folds_and_draws() -> None:
    rng = np.random.default_rng(12)
    units = rng.integers(0, 50, 400) * 1000
    fold = folds(units, 400, 5, rng)
    assert all(len(np.unique(fold[units == u])) == 1 for u in np.unique(units))
    rows = draw(units, 400, 100, rng)
    inside = np.isin(np.arange(400), rows)
    assert all(len(np.unique(inside[units == u])) == 1 for u in np.unique(units))
    assert 60 < len(rows) <= 100
    assert unit_counts(np.zeros(400, dtype=np.int64), units, 2).tolist() == [50, 0]


def test_adjusted_p_values_equal_scipy() -> None:
    p = np.random.default_rng(14).random(30) ** 2
    np.testing.assert_allclose(adjust(p), stats.false_discovery_control(p))
    assert adjust(np.empty(0)).size == 0


def test_proportions() -> None:
    assert proportions_differ(50_000, 100_000, 80_000, 100_000)[1] < 1e-300
    assert proportions_differ(0, 1000, 0, 1000) == (1.0, 1.0)
    exact = stats.binomtest(7, 8, 0.5, alternative="greater").pvalue
    assert proportions_differ(7, 1000, 1, 1000)[0] == pytest.approx(exact)
    low, high = wilson(3, 50)
    expected = stats.binomtest(3, 50).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high))


def test_bins_have_atoms_round_edges_and_codes_for_null_and_unseen() -> None:
    rng = np.random.default_rng(15)
    values = np.where(rng.random(5000) < 0.3, 40.0, rng.normal(40, 12, 5000))
    bins = fit_bins(values)
    assert 40.0 in bins.atoms
    assert all(float(e).is_integer() or len(f"{e:g}") <= 5 for e in bins.edges)
    codes = bins.code(np.array([40.0, np.nan, 1e9, -1e9]))
    assert codes[1] == bins.null
    assert codes[2] == codes[3] == bins.unseen
    counts = np.bincount(bins.code(values), minlength=bins.size)
    assert counts[: len(bins.edges) + 1].max() < 3 * len(values) / 20
    assert counts.sum() == 5000
    # the order follows the values
    place = np.argsort(bins.order)
    known = bins.code(np.sort(values))
    assert (np.diff(place[known]) >= 0).mean() > 0.99


def test_bins_of_nothing_and_of_a_constant() -> None:
    empty = fit_bins(np.array([np.nan, np.nan]))
    assert empty.code(np.array([np.nan, 1.0])).tolist()[0] == empty.null
    constant = fit_bins(np.full(5, 3.0))
    assert len(set(constant.code(np.array([3.0, 2.0, np.nan])).tolist())) == 3


def test_coarse_codes() -> None:
    counts = np.array([50, 1, 30, 2, 17])
    by_rank = coarsen(counts, None, 3)
    assert len(set(by_rank[[0, 2]])) == 2
    assert by_rank[1] == by_rank[3] == by_rank[4]
    by_value = coarsen(counts, np.arange(5), 2)
    assert (np.diff(by_value) >= 0).all()


def test_far_values_make_a_correlation_unsure() -> None:
    """Two samples of one heavy-tailed population: by the normal, 1.1% have a p below 0.1%."""
    rng = np.random.default_rng(8)
    normal, student = [], []
    for _ in range(1_000):
        variance, freedom, r = [], [], []
        for _ in range(2):
            z = rng.normal(size=(1_000, 2))
            z[:, 1] = 0.5 * z[:, 0] + math.sqrt(0.75) * z[:, 1]
            found = correlations(np.exp(1.5 * z))
            r.append(found[0][0, 1])
            variance.append(found[1][0, 1])
            freedom.append(correlation_freedom(*np.exp(1.5 * z).T))
        z = -abs(r[0] - r[1]) / math.sqrt(sum(variance))
        doubt = sum(v * v / f for v, f in zip(variance, freedom, strict=True))
        normal.append(2 * stats.norm.cdf(z))
        student.append(2 * stats.t.cdf(z, sum(variance) ** 2 / doubt))
    assert np.mean(np.array(normal) < 0.001) > 0.006
    assert np.mean(np.array(student) < 0.001) <= 0.004
    x = rng.normal(size=(1_000, 2))
    assert correlation_freedom(*x.T) > 100  # no heavy tail: the normal, nearly
