"""Survival: the Cox model, concordance and curves against brute force; broken twins are caught."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from twinset import registry
from twinset.evidence.evidence import Evidence
from twinset.metrics._cox import concordance, cox, kaplan_meier
from twinset.table.schema import Role, Schema
from twinset.table.table import Table


def world(rows, seed, *, scale=1.0):
    rng = np.random.default_rng(seed)
    age, dose = rng.normal(size=(2, rows))
    arm = rng.choice(["a", "b"], rows)
    hazard = np.exp(0.8 * age - 0.5 * dose * (arm == "b"))
    ends, leaves = rng.exponential(10 * scale / hazard), rng.exponential(15, rows)
    weeks = np.ceil(np.minimum(ends, leaves)).astype(int)
    return pd.DataFrame(
        {"age": age, "dose": dose, "arm": arm, "weeks": weeks, "died": ends <= leaves}
    )


def with_roles(table):
    roles = {"weeks": Role.TIME, "died": Role.EVENT}
    columns = (
        c.model_copy(update={"role": roles.get(c.name, c.role)}) for c in table.schema.columns
    )
    return Table(Schema(columns=tuple(columns)), table.data)


def measured(build, frames, **options):
    evidence = Evidence(*(with_roles(build(f)) for f in frames), **options)
    found = registry.configure("metrics", "survival").measure(evidence)
    return {r.name: r for r in found}


def test_cox_equals_the_partial_likelihood_maximised_by_brute_force() -> None:
    frame = world(150, 0)
    x = frame[["age", "dose"]].to_numpy()
    time, event = frame["weeks"].to_numpy(float), frame["died"].to_numpy()

    def loss(beta):
        total = 0.0
        for i in np.flatnonzero(event):
            total += x[i] @ beta - np.log(np.exp(x[time >= time[i]] @ beta).sum())
        return -total + 1e-4 * len(x) * beta @ beta / 2

    best = minimize(loss, np.zeros(2), method="BFGS", options={"gtol": 1e-7}).x
    assert cox(x, time, event) == pytest.approx(best, abs=1e-5)


def test_concordance_equals_pairs_counted_one_by_one() -> None:
    frame = world(80, 1)
    time, event = frame["weeks"].to_numpy(float), frame["died"].to_numpy()
    risk = frame["age"].to_numpy().round(0)
    right = pairs = 0.0
    for i in range(80):
        for j in range(80):
            if event[i] and (time[i] < time[j] or (time[i] == time[j] and not event[j])):
                pairs += 1
                right += 1.0 if risk[i] > risk[j] else 0.5 if risk[i] == risk[j] else 0.0
    assert concordance(risk, time, event).value == pytest.approx(right / pairs)


def test_the_error_of_concordance_is_that_of_samples() -> None:
    values, errors = [], []
    for seed in range(300):
        frame = world(150, seed)
        found = concordance(
            frame["age"].to_numpy(), frame["weeks"].to_numpy(float), frame["died"].to_numpy()
        )
        values.append(found.value)
        errors.append(found.variance(None) ** 0.5)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.12)


def test_kaplan_meier_by_hand() -> None:
    """10 rows; 2 events; then 1 event and 3 leave; then 4 events."""
    curve = kaplan_meier(np.array([2.0, 1.0, 4.0]), np.array([2.0, 4.0, 4.0]))
    assert curve == pytest.approx([0.8, 0.8 * 7 / 8, 0.0])


def test_times_dealt_at_random_and_longer_times_are_worse(build) -> None:
    frames = [world(1_500, s) for s in range(3)]
    order = np.random.default_rng(1).permutation(1_500)
    dealt = frames[1].assign(**{c: frames[1][c].to_numpy()[order] for c in ("weeks", "died")})
    found = measured(build, [frames[0], dealt, frames[2]])
    assert found["survival_concordance"].verdict == "worse"
    assert found["survival_curve_distance"].verdict == "within_noise"
    found = measured(build, [frames[0], world(1_500, 1, scale=1.5), frames[2]])
    assert found["survival_curve_distance"].verdict == "worse"
    assert found["survival_concordance"].verdict == "within_noise"


def test_without_roles_there_is_a_reason(build) -> None:
    frames = [world(300, s) for s in range(3)]
    evidence = Evidence(*map(build, frames))
    found = registry.configure("metrics", "survival").measure(evidence)
    assert all("role time" in r.reason for r in found)
    alone = measured(build, frames[:2])
    assert alone["survival_concordance"].reason == "there is no holdout to test on"
    assert alone["survival_curve_distance"].verdict == "within_noise"


@pytest.mark.slow
def test_a_fresh_real_sample_is_seldom_worse(build) -> None:
    judged = [
        r.verdict == "worse"
        for seed in range(60)
        for r in measured(build, [world(400, 3 * seed + i) for i in range(3)]).values()
    ]
    assert np.mean(judged) <= 0.05
