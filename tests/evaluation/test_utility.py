"""Utility: scores equal scikit-learn's, their errors the bootstrap's, broken twins are caught."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, fbeta_score, r2_score, roc_auc_score

from twinset import registry
from twinset.evaluation.evidence import Evidence
from twinset.metrics import _scores as scores
from twinset.metrics._linear import Design, Glm, sandwich
from twinset.metrics.efficacy import _best_threshold


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
    design = Design.of(x, ("a", "b"), (1,))
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
    design = Design.of(x, ("a", "twice", "constant", "known"), (0, 3))
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


def measured(build, metric, frames, target="rich", **options):
    tables = [build(f, target=target) for f in frames]
    evidence = Evidence(*tables, target=target, **options)
    return registry.configure("metrics", metric).measure(evidence)


UTILITY = ("tstr", "tstr_models", "efficacy", "added_rows", "importances")


@pytest.mark.parametrize("metric", UTILITY)
def test_a_release_whose_target_is_reversed_is_worse(build, metric) -> None:
    frames = [world(1_500, s) for s in range(3)]
    frames[1] = frames[1].assign(rich=np.where(frames[1]["rich"] == "yes", "no", "yes"))
    if metric == "importances":  # the same columns matter: break them
        frames[1] = world(1_500, 1).assign(age=frames[0]["age"], p=frames[2]["p"])
    found = measured(build, metric, frames)
    assert any(r.verdict == "worse" for r in found), found


def test_only_models_of_two_columns_together_miss_a_lost_xor(build) -> None:
    frames = [world(3_000, s, xor=s != 1) for s in range(3)]
    worse = {r.name: r.verdict == "worse" for r in measured(build, "tstr", frames)}
    stiff = {r.name: r.verdict for r in measured(build, "tstr_models", frames)}
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
        for r in measured(build, metric, [world(400, 3 * seed + i) for i in range(3)])
        if r.verdict
    ]
    assert len(judged) >= 60
    assert np.mean(judged) <= 0.05
