"""Numbers that leave the grid of the real ones are read, counted and named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from twinset.evaluation import evaluate
from twinset.inputs import Options, read, read_like
from twinset.metrics.grid import _off
from twinset.results import Evaluation

N = 600


def people(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, N),
            "rooms": rng.integers(2, 20, N) / 4,
            "income": rng.lognormal(9, 1, N),
        }
    )


def measure(
    release: pd.DataFrame,
    holdout: pd.DataFrame | None = None,
    train: pd.DataFrame | None = None,
) -> Evaluation:
    real = read(people(0) if train is None else train, Options())[1].only
    others = [read_like(t, real, Options()) for t in (release, holdout) if t is not None]
    return evaluate(real, *others, metrics=["grid", "numbers"])


@pytest.mark.parametrize("holdout", [None, people(2)])
def test_a_fresh_sample_stays_on_the_grid(holdout):
    found = measure(people(1), holdout)
    results = [r for r in found.results if r.name == "off_grid_share"]
    assert {(r.columns[0], r.params["step"]) for r in results} == {("age", 1.0), ("rooms", 0.25)}
    assert all(r.value == 0 and r.verdict == "within_noise" for r in results)


@pytest.mark.parametrize("write", [lambda t: t, lambda t: t.astype({"age": object}).astype(str)])
def test_whole_numbers_with_fractions_are_measured_and_named(write):
    release = people(1)
    release["age"] = release["age"] + np.where(np.arange(N) < N // 4, 0.5, 0.0)
    found = measure(write(release))
    [result] = [r for r in found.results if r.columns == ("age",) and r.name == "off_grid_share"]
    assert result.value == pytest.approx(0.25)
    assert result.verdict == "worse"
    assert "not whole numbers" in found.problems[0].text
    assert found.find("ks", ["age"]).status == "ok"


def test_more_digits_than_the_real_ones_have_are_found():
    release = people(1)
    release["rooms"] += 0.1
    assert measure(release).find("off_grid_share", ["rooms"]).value == 1.0


def test_a_grid_that_was_chance_in_train_is_no_fault_of_the_release():
    """All 600 ages of train are even by chance of who is in it; the holdout's are not."""
    train, release, holdout = (people(s) for s in range(3))
    train["age"] = train["age"] // 2 * 2
    result = measure(release, holdout, train).find("off_grid_share", ["age"])
    assert result.params["step"] == 2.0
    assert result.value == pytest.approx(0.5, abs=0.1)
    assert result.verdict == "within_noise"


@pytest.mark.parametrize("step", [0.01, 0.25, 1.0, 1000.0])
def test_single_precision_is_on_the_grid(step):
    exact = np.arange(-2_000, 2_000) * step
    assert _off(exact, step) == 0
    assert _off(exact.astype(np.float32).astype(np.float64), step) == 0
    assert _off(exact + step / 3, step) == len(exact)
