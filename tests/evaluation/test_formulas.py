"""Figures equal their definitions, recomputed by brute force or by SciPy and scikit-learn."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from twinset import registry
from twinset.evidence.evidence import Evidence
from twinset.metrics._linear import logistic
from twinset.metrics.authenticity import authentic
from twinset.stats import unit_permutation
from twinset.stats.intervals import cauchy
from twinset.stats.neighbours import distances


@pytest.fixture(scope="module")
def trio(build, people):
    return tuple(build(people(900, seed), target="rich") for seed in (1, 2, 3))


def measured(trio, name, **about):
    train, synthetic, holdout = trio
    evidence = Evidence(train, synthetic, holdout, target="rich", **about)
    return evidence, registry.configure("metrics", name).measure(evidence)


def by_name(results, name, **params):
    return [
        r
        for r in results
        if r.name == name and all(r.params.get(k) == v for k, v in params.items())
    ]


def test_divergences_equal_scipy(trio) -> None:
    evidence, results = measured(trio, "divergences")
    for column in ("age", "job", "bonus"):
        cells = evidence.cells([column], 32)
        a, b = cells.counts["train"], cells.counts["synthetic"]
        found = {(r.name, r.params.get("direction")): r for r in results if r.columns == (column,)}
        p, q = (a + 0.5) / (a + 0.5).sum(), (b + 0.5) / (b + 0.5).sum()
        there = stats.entropy(p, q, base=2)
        back = stats.entropy(q, p, base=2)
        assert found["kl_divergence", "train || synthetic"].value == pytest.approx(there)
        assert found["kl_divergence", "synthetic || train"].value == pytest.approx(back)
        roots = np.sqrt(a / a.sum()) - np.sqrt(b / b.sum())
        apart = np.sqrt((roots**2).sum() / 2)
        assert found["hellinger", None].value == pytest.approx(apart)
        both = np.stack([a, b])[:, (a + b) > 0]
        chi, p_value, df, _ = stats.chi2_contingency(both, correction=False)
        result = found["chi_square", None]
        assert result.value == pytest.approx(chi)
        assert result.params["df"] == df
        assert result.params["p"] == pytest.approx(p_value, rel=1e-3)


def test_the_k_marginal_score_is_its_definition(trio) -> None:
    evidence, results = measured(trio, "kway")
    names = list(evidence.columns)
    coded = {n: evidence.cells([n], 8).codes for n in names}
    sums = []
    metric = registry.configure("metrics", "kway")
    for chosen in metric._chosen(evidence, names, 3):
        shares = []
        for side in ("train", "synthetic"):
            frame = pd.DataFrame({n: coded[n][side][0] for n in chosen})
            shares.append(frame.value_counts(normalize=True))
        sums.append(shares[0].sub(shares[1], fill_value=0).abs().sum())
    score = by_name(results, "k_marginal_score")[0]
    assert score.params["of"] == len(list(itertools.combinations(names, 3)))
    assert score.value == pytest.approx((2 - np.mean(sums)) * 500)
    assert score.estimate.low <= score.value <= score.estimate.high


def test_pmse_equals_a_logistic_regression(build) -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    frames = [
        pd.DataFrame(
            {"g": rng.choice(list("abc"), 800, p=p), "h": rng.choice(["x", "y"], 800, p=[q, 1 - q])}
        )
        for p, q in (([0.5, 0.3, 0.2], 0.4), ([0.3, 0.3, 0.4], 0.5))
    ]
    evidence = Evidence(*(build(f) for f in frames))
    [result] = registry.configure("metrics", "pmse").measure(evidence)
    x = pd.get_dummies(pd.concat(frames), drop_first=True).to_numpy(float)
    y = np.repeat([0, 1], 800)
    fitted = LogisticRegression(C=1e10, max_iter=1000, tol=1e-10).fit(x, y).predict_proba(x)[:, 1]
    assert result.value == pytest.approx(np.mean((fitted - 0.5) ** 2), rel=1e-4)
    assert result.params["parameters"] == 4
    assert result.params["ratio"] == pytest.approx(result.value / (3 * 0.25 / 1600), rel=1e-3)
    assert result.params["ratio_fitted"] == pytest.approx(2 * result.params["ratio"], rel=1e-3)
    assert result.verdict == "worse"


def test_pmse_of_a_separable_table_is_at_its_limit(build) -> None:
    evidence = Evidence(build({"x": ["a"] * 100}), build({"x": ["b"] * 100}))
    [result] = registry.configure("metrics", "pmse").measure(evidence)
    assert result.value == pytest.approx(0.25, abs=1e-3)
    assert np.isfinite(logistic(np.eye(2).repeat(50, 0), np.repeat([0.0, 1], 50))).all()


def test_mmd_is_its_definition(trio) -> None:
    train, synthetic, _ = trio
    evidence = Evidence(train, synthetic)
    [result] = registry.configure("metrics", "mmd").measure(evidence)
    x, y = (evidence.records()[s] for s in ("train", "synthetic"))
    own = distances(x, x)
    median = np.median(own[np.triu_indices(len(own), 1)])
    k = [np.exp(-distances(a, b) / median).mean() for a, b in ((x, x), (y, y), (x, y))]
    assert result.value == pytest.approx(k[0] + k[1] - 2 * k[2], abs=1e-5)


def test_sliced_wasserstein_of_one_column_equals_scipy(build) -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=700), rng.normal(0.4, 1.3, size=700)
    evidence = Evidence(build({"x": a}), build({"x": b}))
    [result] = registry.configure("metrics", "sliced_wasserstein").measure(evidence)
    ranks = [evidence.records()[s].numeric[:, 0] for s in ("train", "synthetic")]
    # a column of numbers has a second, constant coordinate (its null flag): |cos| of the direction
    axes = np.random.default_rng(0).normal(size=(2, 4000))
    shrink = np.abs(axes[0] / np.linalg.norm(axes, axis=0)).mean()
    expected = stats.wasserstein_distance(*ranks) * shrink
    assert result.value == pytest.approx(expected, rel=0.15)
    assert result.verdict == "worse"


def test_hills_index_of_pareto_tails(build) -> None:
    rng = np.random.default_rng(2)
    heavy, light, held = (rng.pareto(a, 6000) + 1 for a in (2.0, 4.0, 2.0))
    evidence = Evidence(build({"x": heavy}), build({"x": light}), build({"x": held}))
    found = registry.configure("metrics", "tails").measure(evidence)
    index = by_name(found, "tail_index_difference")[0]
    assert index.params["train"] == pytest.approx(1 / 2, abs=0.08)
    assert index.value == pytest.approx(1 / 4 - 1 / 2, abs=0.1)
    assert index.verdict == "worse"
    assert by_name(found, "extreme_quantile_error", tail="high")[0].verdict == "worse"
    assert by_name(found, "extreme_quantile_error", tail="low")[0].verdict == "within_noise"


def test_authenticity_is_its_definition(trio) -> None:
    train, synthetic, _ = trio
    evidence = Evidence(train, synthetic)
    base, queries = (evidence.records()[s] for s in ("train", "synthetic"))
    queries = queries.take(np.arange(150))
    across, among = distances(queries, base), distances(base, base)
    np.fill_diagonal(among, np.inf)
    nearest = across.argmin(axis=1)
    own = [
        float(np.sign(round(across[i, r] - among[r].min(), 6))) / 2 + 0.5
        for i, r in enumerate(nearest)
    ]
    assert authentic(queries, base)[0] == pytest.approx(np.mean(own))


def test_groups_are_counted(trio) -> None:
    _, results = measured(trio, "subgroups", sensitive=["x", "y"])
    frames = [t.data.to_pandas() for t in trio[:2]]
    shares = {r.group: r.value for r in by_name(results, "subgroup_share")}
    here = [(f["x"].astype(str) == "true") | (f["x"] == True) for f in frames]  # noqa: E712
    there = [(f["y"].astype(str) == "true") | (f["y"] == True) for f in frames]  # noqa: E712
    expected = (here[1] & there[1]).mean() - (here[0] & there[0]).mean()
    assert shares["x = true, y = true"] == pytest.approx(expected)
    tvd = {r.group: r for r in by_name(results, "subgroup_tvd")}
    assert {"x = true", "x = true, y = true"} <= tvd.keys()


def test_base_rates_are_counted(trio) -> None:
    _, results = measured(trio, "base_rates", sensitive=["job"])
    frames = [t.data.to_pandas() for t in trio[:2]]
    rates = [(f["rich"] == "yes").groupby(f["job"], observed=True).mean() for f in frames]
    yes = (frames[0]["rich"] == "yes").mean() < 0.5
    sign = 1 if yes else -1
    found = {r.group: r for r in by_name(results, "base_rate_difference")}
    jobs = ["clerk", "nurse"]  # fewer than 10 chefs of one outcome; drivers go with them
    assert set(found) == {f"job = {job}" for job in jobs}
    for job in jobs:
        assert found[f"job = {job}"].value == pytest.approx(sign * (rates[1] - rates[0])[job])
    gap = by_name(results, "parity_gap_difference")[0]
    assert gap.value == pytest.approx(np.ptp(rates[1][jobs]) - np.ptp(rates[0][jobs]))


def test_amplified_bias_is_seen(build) -> None:
    rng = np.random.default_rng(4)

    def draw(gap):
        sex = rng.choice(["f", "m"], 3000)
        rich = np.where(rng.random(3000) < 0.3 + gap * (sex == "m"), "yes", "no")
        return build({"sex": sex, "rich": rich}, target="rich")

    train, release, holdout = draw(0.1), draw(0.3), draw(0.1)
    evidence = Evidence(train, release, holdout, target="rich", sensitive=["sex"])
    found = registry.configure("metrics", "base_rates").measure(evidence)
    gap = by_name(found, "parity_gap_difference")[0]
    assert gap.verdict == "worse"
    assert gap.value == pytest.approx(0.2, abs=0.06)


def test_few_of_an_outcome_are_not_published(build) -> None:
    """5 of 200 women are rich: not told, nor is the men's rate, which would give it away."""
    rich = ["yes"] * 5 + ["no"] * 195 + ["yes"] * 100 + ["no"] * 100
    table = build({"sex": ["f"] * 200 + ["m"] * 200, "rich": rich}, target="rich")
    evidence = Evidence(table, table, table, target="rich", sensitive=["sex"])
    found = registry.configure("metrics", "base_rates").measure(evidence)
    assert not [r.group for r in by_name(found, "base_rate_difference") if r.estimate]
    assert all(r.estimate is None for r in by_name(found, "parity_gap_difference"))


def test_a_rest_that_could_be_had_by_subtraction_takes_a_group_with_it(build) -> None:
    levels = ["a"] * 300 + ["b"] * 200 + ["c"] * 60 + ["d"] * 4
    table = build({"g": levels, "x": range(len(levels))})
    found = registry.configure("metrics", "subgroups").measure(Evidence(table, table, table))
    assert {r.group for r in by_name(found, "subgroup_share")} == {"g = a", "g = b"}


def test_labels_are_dealt_by_unit() -> None:
    rng = np.random.default_rng(5)
    units = np.repeat(np.arange(20), 5)
    first = units < 8
    for weights in (
        unit_permutation.dealt(first, units, 30, rng),
        unit_permutation.drawn(first, units, 30, rng),
    ):
        assert weights.shape == (30, 100)
        assert np.allclose(weights.sum(axis=1), 0)
        assert np.allclose(np.abs(weights).sum(axis=1), 2)
        assert all(np.ptp(w.reshape(20, 5), axis=1).max() < 1e-15 for w in weights)
    assert unit_permutation.weights(first) @ units == pytest.approx(3.5 - 13.5)


def test_cauchys_combination_holds_its_level_for_dependent_tests() -> None:
    rng = np.random.default_rng(6)
    z = np.sqrt(0.5) * rng.normal(size=(4000, 1)) + np.sqrt(0.5) * rng.normal(size=(4000, 10))
    p = np.array([cauchy(row) for row in stats.norm.sf(z)])
    assert np.mean(p < 0.05) < 0.07
    assert cauchy(np.array([1e-12, 0.5, 0.99])) < 1e-10
    assert 0.99 < cauchy(np.ones(3)) <= 1
