"""What every built-in metric declares, and the page made from it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from twinset import registry
from twinset.evidence.coded import Split
from twinset.metrics import _models
from twinset.metrics._judge import Draft, judge
from twinset.metrics._models import Task, crossfit, fit
from twinset.metrics.c2st import _SHARED
from twinset.protocols import Measure, Metric
from twinset.stats.ordered import auc

ROOT = Path(__file__).parents[2]


def test_the_page_is_current() -> None:
    spec = importlib.util.spec_from_file_location("make_metrics", ROOT / "docs/make_metrics.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.page()
    assert module.PAGE.read_text(encoding="utf-8") == made, "run python docs/make_metrics.py"


@pytest.mark.parametrize("name", registry.names("metrics"))
def test_each_metric_keeps_the_protocol(name: str) -> None:
    metric = registry.configure("metrics", name)
    assert isinstance(metric, Metric)
    assert metric.name == name
    assert all(m.formula and m.low < m.high for m in metric.measures)


def test_names_of_results_are_unique() -> None:
    names = [
        m.name for n in registry.names("metrics") for m in registry.load("metrics", n).measures
    ]
    assert len(names) == len(set(names))


LOWER = Measure(name="m")


def test_verdicts_are_corrected_for_their_number() -> None:
    def draft(p, value=0.2):
        return Draft(LOWER, value, 0.01, 50, reference=0.1, noise=0.05, p_worse=p)

    assert judge("fidelity", [draft(0.02)])[0].verdict == "worse"
    assert judge("fidelity", [draft(0.02), *[draft(0.5)] * 9])[0].verdict == "within_noise"
    # chance excluded, but the holdout is as bad: not worse
    assert judge("fidelity", [draft(1e-9, value=0.1)])[0].verdict == "within_noise"


def test_what_is_not_finite_is_a_status() -> None:
    [result] = judge("fidelity", [Draft(LOWER, float("nan"), 0.0, 5)])
    assert result.status == "not_applicable"
    assert result.reason
    [result] = judge("fidelity", [Draft(LOWER, 0.5, float("inf"), 5)])
    assert result.status == "not_applicable"


@pytest.mark.parametrize("learner", ["boosting", "forest", "linear"])
def test_constant_targets_and_lost_classes_have_predictions(learner) -> None:
    rng = np.random.default_rng(0)
    view = Split(rng.normal(size=(60, 2)), ("a", "b"), (), None)
    test = rng.normal(size=(5, 2))

    def answers(target, task):
        return fit(learner, view, np.asarray(target, dtype=float), task, 1).predict(test)

    assert (answers(np.full(60, 7.0), Task(None)) == 7).all()
    assert (answers(np.ones(60), Task(3)) == [0, 1, 0]).all()
    lost = answers(rng.integers(0, 2, 60), Task(4))
    assert lost.shape == (5, 4)
    assert lost[:, 3] == pytest.approx(0, abs=1e-9)


@pytest.mark.slow
def test_c2st_noise_covers_the_scatter_of_cross_fitted_models(monkeypatch) -> None:
    """Scores of folds whose models share rows scatter more than independent ones."""
    monkeypatch.setattr(_models, "TREES", 40)
    rng, n, values = np.random.default_rng(1), 120, []
    labels = np.concatenate([np.ones(n), np.zeros(n)])
    view = Split(np.empty((0, 5)), tuple("abcde"), (), None)
    for seed in range(60):
        folds = np.concatenate([rng.permutation(np.arange(n) % 5) for _ in range(2)])
        scores = crossfit(rng.normal(size=(2 * n, 5)), labels, folds, view, seed).scores
        inside = [
            auc(scores[(folds == k) & (labels == 1)], scores[(folds == k) & (labels == 0)]).value
            for k in range(5)
        ]
        values.append(np.mean(inside))
    assert np.mean(values) == pytest.approx(0.5, abs=0.03)
    independent = np.sqrt(2 / n / 12)
    assert independent * 1.05 < np.std(values) < independent * np.sqrt(_SHARED) * 1.2
