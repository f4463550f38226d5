"""Reconstruction over the rows that a generator releases: who is guessed right, and what fails."""

import sys

import numpy as np
import pandas as pd
import pytest

from twinset.auditing.inference import leaks
from twinset.auditing.reconstruction_curve import curve_sides, grown
from twinset.auditing.shadow_worker import work
from twinset.auditing.shadows import Plan, Pool, Shadows
from twinset.inputs import Options, read
from twinset.jobs.audit import audit_generator
from twinset.report.curves import growth_curves

SIZES = [100, 1_000, 10_000, 100_000]


def people(rows=2_000, seed=3):
    """Twelve columns that tell nothing of a secret: it was dealt at random."""
    rng = np.random.default_rng(seed)
    known = {f"k{i}": rng.integers(0, 7, rows) for i in range(8)}
    known |= {f"x{i}": rng.normal(size=rows).round(3) for i in range(4)}
    frame = pd.DataFrame({**known, "secret": rng.choice(["yes", "no"], rows)})
    return read(frame, Options(target="secret"))[1].only


def curve(table, folder, generator, seed=0, **more):
    plan = Plan(
        generator=generator, options={}, command="", fits=40, controls=10, rows=1_000,
        released=1_000, targets=(0,), attacks=("lira",), seconds=60.0, seed=seed,
        curve=SIZES[-1], protect=1, **more,
    )  # fmt: skip
    pool = Pool.make(folder, plan, table)
    assert work(pool, [], table, plan.curve_task) == "ok"
    found = [leak.result for leak in leaks(grown(plan, pool.curve()[0]), 0.03)]
    return sorted(found, key=lambda r: r.params["released"])


@pytest.mark.slow
def test_of_copies_the_curve_rises_until_everybody_is_known(tmp_path):
    found = curve(people(), tmp_path, "bootstrap")
    assert [r.params["released"] for r in found] == SIZES
    assert {r.columns for r in found} == {("secret",)}
    train = [r.params["of_train"] for r in found]
    assert train == sorted(train)
    assert train[0] < 0.75
    assert train[1] >= 0.80
    assert train[2] >= 0.99
    assert train[3] >= 0.999
    assert all(abs(r.params["of_holdout"] - 0.5) < 0.06 for r in found)
    assert all(abs(r.params["of_guess"] - 0.5) < 0.06 for r in found)
    assert [r.verdict for r in found] == [None, "worse", None, None]  # the size that is audited
    [drawn] = growth_curves(found)
    assert len(drawn.lines) == 3


@pytest.mark.slow
def test_of_columns_drawn_one_by_one_nothing_is_learned_of_train_people(tmp_path):
    table = people()
    found = [r for s in range(6) for r in curve(table, tmp_path / str(s), "independent", seed=s)]
    beyond = [r for r in found if not r.estimate.low <= 0 <= r.estimate.high]
    assert len(found) == 24
    assert len(beyond) <= 3  # 5% of 24 and a standard error or two
    assert all(r.verdict != "worse" for r in found)
    assert all(abs(r.value) < 0.25 for r in found)


def test_people_on_the_two_sides_are_others_and_come_whole(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"id": np.repeat(np.arange(300), 3), "v": rng.integers(0, 9, 900)})
    table = read(frame, Options(unit="id"))[1].only
    plan = Plan(
        generator="bootstrap", options={}, command="", fits=40, controls=10, rows=400,
        released=400, targets=(0,), attacks=(), seconds=60.0, curve=1_000,
    )  # fmt: skip
    sides = curve_sides(Pool.make(tmp_path, plan, table))
    owners = [side["id"].to_numpy() for side in sides]
    assert not set(owners[0]) & set(owners[1])
    for mine in owners:
        assert 390 <= len(mine) <= 400
        assert set(np.unique(mine, return_counts=True)[1]) == {3}


@pytest.fixture(scope="module")
def few():
    return people(400)


@pytest.mark.slow
def test_an_audit_judges_the_size_it_is_about_and_says_who_could_do_it(few):
    audit = audit_generator(few, "bootstrap", how=how(curve=1_000))
    found = [r for r in audit.results if r.name == "reconstruction_leak"]
    assert {r.params["released"]: r.verdict for r in found} == {150: "worse", 100: None, 1000: None}
    assert "reconstruction" in {c["goal"] for c in audit.threat_models if c["attacks"]}
    secret = audit_generator(few, "bootstrap", how=how(curve=200, secret="k3"))
    assert secret.find("reconstruction_leak").columns == ("k3",)
    none = audit_generator(few, "bootstrap", how=how(curve=0))
    assert all(r.name != "reconstruction_leak" for r in none.results)
    assert not none.not_computed[1:]


@pytest.mark.slow
def test_a_tool_that_gives_too_few_rows_for_a_curve_is_still_audited(few, tmp_path):
    tool = tmp_path / "tool.py"
    tool.write_text(
        "import shutil, sys\n"
        "assert int(sys.argv[3]) < 1_000\n"
        "shutil.copy(sys.argv[1], sys.argv[2])\n"
    )
    command = f"{sys.executable} {tool} {{train}} {{out}} {{n}}"
    audit = audit_generator(few, command=command, how=how(curve=1_000))
    assert audit.find("shadow_fits").value == 1
    reasons = {n.name: n.reason for n in audit.not_computed}
    assert reasons["reconstruction_leak (linear_reconstruction)"] == "the fit for it: raised"


def how(**more):
    return Shadows(fits=40, kinds=("random",), number=3, rows=150, controls=20, **more)
