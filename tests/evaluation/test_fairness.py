"""Fairness of models equals fairlearn's; broken twins are caught, fresh samples are not."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from fairlearn import metrics as peer
from sklearn.metrics import accuracy_score, precision_score

from twinset import registry
from twinset.evidence.evidence import Evidence
from twinset.metrics._fair import FIGURES, cases
from twinset.metrics.disparity import _unexplained
from twinset.metrics.group_scores import _equity

MODELS = ("model_fairness", "group_scores")


def world(rows, seed, *, gap=0.0, shuffled=None):
    """Two sensitive columns; `gap` moves the outcome of one group."""
    rng = np.random.default_rng(seed)
    sex, race = rng.choice(["f", "m"], rows), rng.choice(["a", "b", "c"], rows, p=[0.5, 0.3, 0.2])
    skill, years = rng.normal(size=(2, rows))
    odds = 1.5 * skill + years * (race == "b") + 0.5 * (sex == "m") + gap * (sex == "f")
    hired = np.where(rng.random(rows) < 1 / (1 + np.exp(-odds)), "yes", "no")
    if shuffled:
        mine = np.flatnonzero(sex == shuffled)
        hired[mine] = hired[rng.permutation(mine)]
    frame = {"sex": sex, "race": race, "skill": skill, "years": years, "hired": hired}
    return pd.DataFrame(frame)


def evidence_of(build, frames, target="hired", sensitive=("sex", "race"), unit=None):
    tables = [build(f, target=target, unit=unit) for f in frames]
    return Evidence(*tables, target=target, sensitive=sensitive)


def measured(build, metric, frames, **options):
    return registry.configure("metrics", metric).measure(evidence_of(build, frames, **options))


def test_fairness_of_decisions_equals_fairlearn(build) -> None:
    evidence = evidence_of(build, [world(900, s) for s in range(3)])
    found = registry.configure("metrics", "model_fairness").measure(evidence)
    value = {(r.name, r.columns): r.value for r in found}
    _, _, judged = cases(evidence)
    assert {len(c.columns) for c in judged} == {1, 2}
    for case in judged:
        y, p = case.outcome.astype(int), case.decided[0].astype(int)
        own = {"sensitive_features": case.groups}
        frame = peer.MetricFrame(
            metrics={"precision": precision_score, "accuracy": accuracy_score},
            y_true=y, y_pred=p, **own,
        )  # fmt: skip
        expected = {
            "demographic_parity_difference": peer.demographic_parity_difference(y, p, **own),
            "demographic_parity_ratio": peer.demographic_parity_ratio(y, p, **own),
            "equal_opportunity_difference": peer.equal_opportunity_difference(y, p, **own),
            "equal_opportunity_ratio": peer.equal_opportunity_ratio(y, p, **own),
            "equalised_odds_difference": peer.equalized_odds_difference(y, p, **own),
            "equalised_odds_ratio": peer.equalized_odds_ratio(y, p, **own),
            "predictive_parity_difference": frame.difference()["precision"],
            "predictive_parity_ratio": frame.ratio()["precision"],
            "worst_group_accuracy": frame.group_min()["accuracy"],
        }
        for name, figure in expected.items():
            got = value[name, (*case.columns, "hired")]
            assert got == pytest.approx(figure, abs=1e-9), (name, case.columns)


def test_entropy_and_amplification_equal_their_definitions() -> None:
    rng = np.random.default_rng(0)
    group, y, p = rng.integers(0, 3, 500), rng.integers(0, 2, 500), rng.integers(0, 2, 500)
    counts = np.zeros((3, 2, 2))
    np.add.at(counts, (group, y, p), 1)
    benefit = p - y + 1.0

    def entropy(b):
        return np.mean((b / b.mean()) ** 2 - 1) / 2

    means = np.array([benefit[group == g].mean() for g in range(3)])
    assert FIGURES["generalised_entropy"](counts) == pytest.approx(entropy(benefit))
    assert FIGURES["between_group_entropy"](counts) == pytest.approx(entropy(means[group]))
    amplified = []
    for g in range(3):
        mine = group == g
        together = np.mean(mine & (y == 1)) > np.mean(mine) * np.mean(y)
        change = p[mine].mean() - y[mine].mean()
        amplified.append(change if together else -change)
    assert FIGURES["bias_amplification"](counts) == pytest.approx(np.mean(amplified))


def test_equity_scaled_area_is_that_of_luo() -> None:
    assert _equity(np.array([0.8, 0.9, 0.7])) == pytest.approx(0.8 / (1 + 0.1 + 0.1))


def test_disparity_that_is_explained_goes() -> None:
    """Zliobaite's example: rates depend on the faculty alone, groups choose other faculties."""
    cells = np.zeros((2, 2, 2))  # faculty, sex, admitted
    for faculty, sex in itertools.product(range(2), range(2)):
        n = 800 if faculty == sex else 200
        cells[faculty, sex] = n * 0.7, n * 0.3
        if faculty == 1:
            cells[faculty, sex] = n * 0.4, n * 0.6
    assert _unexplained(cells.ravel(), (2, 2, 2)) == pytest.approx(0)
    cells[:, 1] = cells[:, 1] @ np.array([[0.9, 0.1], [0.0, 1.0]])  # more of the second sex
    by_hand = 0.0
    for e in range(2):
        rates = cells[e, :, 1] / cells[e].sum(axis=1)
        weights = cells[e].sum(axis=1) / cells.sum(axis=(0, 2))
        by_hand += weights[1] * rates[1] - weights[0] * rates[0]
        by_hand -= rates.mean() * (weights[1] - weights[0])
    assert _unexplained(cells.ravel(), (2, 2, 2)) == pytest.approx(by_hand)


@pytest.mark.parametrize("metric", MODELS)
def test_a_target_shuffled_in_one_group_is_worse(build, metric) -> None:
    frames = [world(2_000, s, shuffled="f" if s == 1 else None) for s in range(3)]
    found = measured(build, metric, frames, sensitive=("sex",))
    worse = {r.name: r for r in found if r.verdict == "worse"}
    assert worse, found
    if metric == "model_fairness":
        assert "equal_opportunity_difference" in worse
        assert worse["worst_group_accuracy"].params["worst"] == "sex = f"


def test_another_gap_between_groups_is_worse(build) -> None:
    frames = [world(2_000, s, gap=-1.5 if s == 1 else 0.0) for s in range(3)]
    frames[1] = frames[1][(frames[1]["race"] != "c") | (np.arange(2_000) % 2 == 0)]
    found = measured(build, "disparity", frames)
    worse = [r for r in found if r.verdict == "worse"]
    assert {r.params.get("given") for r in worse} >= {"skill", "years", None}
    short = [r for r in worse if r.name == "representation_ratio"]
    assert any(r.params["worst"] == "race = c" for r in short)


def test_numbers_and_several_classes_have_fairness(build) -> None:
    frames = [world(900, s) for s in range(3)]
    number = measured(build, "model_fairness", frames, target="skill")
    assert {r.params["class"] for r in number} == {"above the median of train"}
    several = measured(build, "model_fairness", frames, target="race", sensitive=("sex",))
    assert {r.params["class"] for r in several} == {"a", "b", "c"}
    refused = measured(build, "group_scores", frames, target="skill")
    assert all(r.reason == "the target is a number, not a class" for r in refused)


def test_groups_without_ten_units_of_each_outcome_are_left_out(build) -> None:
    frames = [world(900, s) for s in range(3)]
    frames[2].loc[(frames[2]["race"] == "c") & (frames[2].index > 60), "hired"] = "no"
    _, _, judged = cases(evidence_of(build, frames, sensitive=("race",)))
    assert [c.names for c in judged] == [("race = a", "race = b")]


@pytest.mark.slow
@pytest.mark.parametrize("metric", [*MODELS, "disparity"])
def test_a_fresh_real_sample_is_worse_at_most_as_often_as_said(build, metric) -> None:
    """40 fresh samples: at most 5% of the figures."""
    judged = [
        r.verdict == "worse"
        for seed in range(40)
        for r in measured(build, metric, [world(500, 3 * seed + i) for i in range(3)])
        if r.verdict
    ]
    assert len(judged) > 200
    assert np.mean(judged) <= 0.05
