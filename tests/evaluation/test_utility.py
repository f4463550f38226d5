"""Utility: scores equal scikit-learn's, their errors the bootstrap's, broken twins are caught."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, fbeta_score, r2_score, roc_auc_score

from twinset import registry
from twinset.evidence.evidence import Evidence
from twinset.metrics import _scores as scores
from twinset.metrics._linear import DesignMatrix, Glm, sandwich
from twinset.metrics.coefficients import _overlap
from twinset.metrics.efficacy import _best_threshold
from twinset.stats.intervals import Z95
from twinset.trust.gates import Gate, judge


def answers(classes, rows=400, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, rows).astype(float)
    found = rng.dirichlet(np.ones(classes), rows).round(2) + np.eye(classes)[truth.astype(int)] / 4
    return found / found.sum(axis=1, keepdims=True), truth


@pytest.mark.parametrize("classes", [2, 3])
def test_scores_equal_sklearn(classes) -> None:
    found, truth = answers(classes)
    chosen = found.argmax(axis=1)
    areas = [roc_auc_score(truth == c, found[:, c]) for c in range(classes)]
    area = areas[1] if classes == 2 else np.mean(areas)
    average = "binary" if classes == 2 else "macro"
    assert scores.area(found, truth).value == pytest.approx(area)
    assert scores.accuracy(found, truth).value == pytest.approx(accuracy_score(truth, chosen))
    for beta in (1.0, 2.0):
        expected = fbeta_score(truth, chosen, beta=beta, average=average)
        assert scores.f_score(chosen, truth, classes, beta).value == pytest.approx(expected)
    number, guess = found[:, 0], found[:, 1]
    assert scores.r2(guess, number).value == pytest.approx(max(r2_score(number, guess), -1))


@pytest.mark.parametrize("classes", [2, 3])
def test_errors_of_scores_are_those_of_the_bootstrap(classes) -> None:
    """Paired difference of two models, rows dependent inside units."""
    found, truth = answers(classes, 600)
    other, _ = answers(classes, 600, seed=1)
    units = np.arange(600) // 3
    rng = np.random.default_rng(2)
    figures = (
        scores.area,
        scores.accuracy,
        lambda f, t: scores.f_score(f.argmax(axis=1), t, classes, 2.0),
        lambda f, t: scores.r2(f[:, 1], (t == 1) + 0.0),
    )
    for figure in figures:
        drawn = []
        for _ in range(400):
            rows = (rng.integers(0, 200, 200)[:, None] * 3 + np.arange(3)).ravel()
            drawn.append(figure(found[rows], truth[rows]).value)
            drawn[-1] -= figure(other[rows], truth[rows]).value
        variance = (figure(found, truth) - figure(other, truth)).variance(units)
        assert variance**0.5 == pytest.approx(np.std(drawn), rel=0.15)


def test_the_best_threshold_has_the_best_f1() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(300) < 0.3
    score = (rng.normal(size=300) + truth).round(1)
    best = max(f1_score(truth, score >= t) for t in np.unique(score))
    assert f1_score(truth, score >= _best_threshold(score, truth)) == pytest.approx(best)
    assert _best_threshold(score, np.zeros(300, dtype=bool)) == 0.5


def test_logistic_model_and_its_covariance() -> None:
    """Coefficients equal scikit-learn's without penalty; errors equal those of samples."""
    rng = np.random.default_rng(0)

    def draw(rows):
        x = np.column_stack([rng.normal(size=rows), rng.integers(0, 3, rows)]).astype(float)
        chance = 1 / (1 + np.exp(-(x[:, 0] - 0.5 * (x[:, 1] == 1) + 0.5)))
        return x, (rng.random(rows) < chance).astype(float)

    x, y = draw(2_000)
    design = DesignMatrix.of(x, ("a", "b"), (1,))
    model = Glm.fit(design(x), y, logistic=True)
    peer = LogisticRegression(C=1e12, tol=1e-10, max_iter=1_000).fit(design(x)[:, 1:], y)
    assert model.beta == pytest.approx([*peer.intercept_, *peer.coef_[0]], abs=1e-4)
    assert model.predict(design(x)) == pytest.approx(peer.predict_proba(design(x)[:, 1:])[:, 1])
    errors = np.sqrt(np.diag(sandwich(model, design(x), y, None)))
    again = np.array(
        [Glm.fit(design(a), b, logistic=True).beta for a, b in map(draw, [2_000] * 99)]
    )
    assert errors == pytest.approx(again.std(axis=0), rel=0.2)


def test_effects_that_others_explain_are_left_out() -> None:
    a = np.repeat([0.0, 1.0, 2.0], 50)
    x = np.column_stack([a, 3 * a + 1, np.ones(150), np.where(a == 2, np.nan, a)])
    design = DesignMatrix.of(x, ("a", "twice", "constant", "known"), (0, 3))
    assert np.linalg.matrix_rank(design(x)) == design(x).shape[1]


def world(rows, seed, *, xor=True):
    """A target that depends on numbers, a category, and on two columns together."""
    rng = np.random.default_rng(seed)
    job = rng.choice(["a", "b", "c"], rows)
    age, pay = rng.normal(40, 10, rows), rng.normal(0, 1, rows)
    p, q = rng.random((2, rows)) < 0.5
    odds = (age - 40) / 10 + pay * (job == "a") + 2.0 * ((p ^ q) - 0.5) * xor
    rich = np.where(rng.random(rows) < 1 / (1 + np.exp(-odds)), "yes", "no")
    return pd.DataFrame({"job": job, "age": age, "pay": pay, "p": p, "q": q, "rich": rich})


def frames(rows, seed):
    return [world(rows, 3 * seed + i) for i in range(3)]


def measured(build, metric, frames, target="rich", **options):
    tables = [build(f, target=target) for f in frames]
    evidence = Evidence(*tables, target=target, **options)
    return registry.configure("metrics", metric).measure(evidence)


UTILITY = (
    *("tstr", "tstr_models", "efficacy", "added_rows", "importances"),
    *("column_targets", "coefficients"),
)


@pytest.mark.parametrize("metric", UTILITY)
def test_a_release_whose_target_is_reversed_is_worse(build, metric) -> None:
    tables = [world(1_500, s) for s in range(3)]
    tables[1] = tables[1].assign(rich=np.where(tables[1]["rich"] == "yes", "no", "yes"))
    if metric == "importances":  # the same columns matter: break them
        tables[1] = world(1_500, 1).assign(age=tables[0]["age"], p=tables[2]["p"])
    found = measured(build, metric, tables)
    assert any(r.verdict == "worse" for r in found), found


def test_only_models_of_two_columns_together_miss_a_lost_xor(build) -> None:
    tables = [world(3_000, s, xor=s != 1) for s in range(3)]
    worse = {r.name: r.verdict == "worse" for r in measured(build, "tstr", tables)}
    stiff = {r.name: r.verdict for r in measured(build, "tstr_models", tables)}
    assert worse["tstr_gap"]
    assert stiff["tstr_gap_forest"] == "worse"
    assert stiff["tstr_gap_linear"] == "within_noise"


@pytest.mark.slow
@pytest.mark.parametrize("metric", UTILITY)
def test_a_fresh_real_sample_is_worse_at_most_as_often_as_said(build, metric) -> None:
    """30 fresh samples: at most 5% of the figures (a name's few figures stand or fall together)."""
    judged = [
        r.verdict == "worse"
        for seed in range(30)
        for r in measured(build, metric, frames(400, seed), sensitive=("job",))
        if r.verdict
    ]
    assert len(judged) >= 60
    assert np.mean(judged) <= 0.05


def test_overlap_of_intervals_is_that_of_karr() -> None:
    """Intervals [0, 4] and [1, 3]: common 2, so (2 / 4 + 2 / 2) / 2; none in common: 0."""
    one, half = 2 / Z95, 1 / Z95
    assert _overlap(np.array([0.0, 9.0]), one, half) == pytest.approx([0.75, 0.0])


def test_the_column_that_suffers_most_is_named(build) -> None:
    tables = [world(3_000, s) for s in range(3)]
    tables[1]["age"] = np.random.default_rng(5).permutation(tables[1]["age"])
    found = measured(build, "column_targets", tables)
    worst = max((r for r in found if r.estimate), key=lambda r: r.value / r.noise)
    assert worst.columns in (("age",), ("rich",))
    assert {r.columns[0] for r in found if r.verdict == "worse"} >= {"rich"}
    assert {r.columns[0] for r in found if r.verdict == "within_noise"} >= {"job", "pay"}


def test_an_effect_that_is_lost_in_one_group_is_worse_there(build) -> None:
    tables = [world(4_000, s) for s in range(3)]
    mine = np.flatnonzero(tables[1]["job"] == "b")
    ages = tables[1]["age"].to_numpy().copy()
    ages[mine] = np.random.default_rng(1).permutation(ages[mine])
    tables[1]["age"] = ages
    found = measured(build, "coefficients", tables, sensitive=("job",))
    verdicts = {r.group: r.verdict for r in found}
    assert verdicts["job = b"] == "worse"
    assert verdicts["job = a"] == verdicts["job = c"] == "within_noise"
    alone = measured(build, "coefficients", tables[:2])  # a target is enough: no holdout needed
    assert [r.verdict for r in alone] == ["worse"]


def test_levels_that_hardly_ever_have_the_event_are_no_alarm(build) -> None:
    """A level with hardly an event: its effect has no bound, its sandwich error is far too small.

    And two levels that are one but for a few rows: only those rows tell their effects apart.
    """

    def odd(seed):
        table, rng = world(1_200, seed), np.random.default_rng([seed, 1])
        rare = rng.random(len(table)) < 0.06
        table.loc[rare, "rich"] = np.where(rng.random(rare.sum()) < 0.01, "yes", "no")
        table["kind"] = np.where(rare, "none", rng.choice(["x", "y"], len(table)))
        table["place"] = np.where(rare & (rng.random(len(table)) < 0.95), "none", "some")
        return table

    alarms = 0
    for seed in range(30):
        found = measured(build, "coefficients", [odd(3 * seed + i) for i in range(3)])
        alarms += any(r.verdict == "worse" for r in found)
    assert alarms <= 4  # 2.5% each: five or more of 30 once in a thousand times


def test_numbers_and_several_classes_have_coefficients(build) -> None:
    tables = [world(1_000, s) for s in range(3)]
    assert [r.params.get("class") for r in measured(build, "coefficients", tables, "age")] == [None]
    classes = {r.params["class"] for r in measured(build, "coefficients", tables, "job")}
    assert classes == {"a", "b", "c"}


def test_many_columns_are_drawn_and_that_is_said(build) -> None:
    rng = np.random.default_rng(0)
    tables = [pd.DataFrame(rng.normal(size=(200, 25))).add_prefix("x") for _ in range(2)]
    found = measured(build, "column_targets", tables, None)  # no holdout: halves of train
    assert len(found) == 20
    assert {r.params["of"] for r in found} == {25}


@pytest.mark.parametrize(
    "metric", [*UTILITY, "model_fairness", "group_scores", "disparity", "base_rates"]
)
def test_each_measure_can_be_a_gate(build, metric) -> None:
    results = measured(build, metric, frames(600, 0), sensitive=("job", "p"))
    names = [m.name for m in registry.load("metrics", metric).measures]
    assert all(g.met for g in judge([Gate(measure=n, bound=">= -9") for n in names], results))
    assert not any(g.met for g in judge([Gate(measure=n, bound="> 99") for n in names], results))
