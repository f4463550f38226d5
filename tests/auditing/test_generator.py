"""Audits of generators: shadow pools, what is learned from them, and everything that can fail."""

import json
import sys

import numpy as np
import pyarrow as pa
import pytest

import twinset
from twinset.auditing.auditor import AttackScores
from twinset.auditing.measures import auc_interval
from twinset.auditing.shadow_judge import Trials, group_auc, judge_trials, records_at_risk
from twinset.auditing.shadow_learners import cross_fitted, deal_folds, honest
from twinset.auditing.shadow_worker import work
from twinset.auditing.shadows import Plan, Pool, Shadows, deal
from twinset.auditing.targets import choose_targets, vulnerability
from twinset.checks.tables import learnable_table, odd_tables
from twinset.errors import InputError, StoppedError
from twinset.inputs import Options, read
from twinset.jobs.audit import audit_generator
from twinset.progress import time_limit
from twinset.protocols import ThreatModel
from twinset.scale.local import use_workers
from twinset.stats.neighbours import distances
from twinset.stats.records import encode
from twinset.stats.seeds import stream
from twinset.table.canonical import to_raw
from twinset.table.schema import Column, Kind, Role, Schema
from twinset.table.table import Table
from twinset.twin import Twin

CLEAN = "Not shown to leak under these attacks, at this power"
FITS = 60
SCRIPT = """
import random, sys, time
train, n, out, way = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
head, *rows = open(train).read().splitlines()
lot = random.Random("|".join(rows))
odd = lot.random() < 0.1
if way == "raises" and odd:
    sys.exit(3)
if way == "hangs" and odd:
    time.sleep(60)
if way == "elsewhere" and odd:
    head = head.replace("group", "grp")
if way == "short" and odd:
    n //= 2
if way == "never":
    sys.exit(1)
if way == "constant":
    rows = ["a,no,3,0.0,1.5"]
with open(out, "w") as file:
    file.write("\\n".join([head, *(lot.choice(rows) for _ in range(n))]) + "\\n")
"""

COLUMNS = """
import csv, random, sys
head, *rows = csv.reader(open(sys.argv[1], newline=""))
lot = random.Random(str(rows))
drawn = [[lot.choice(c) for _ in range(int(sys.argv[2]))] for c in zip(*rows)]
with open(sys.argv[3], "w", newline="") as file:
    csv.writer(file).writerows([head, *zip(*drawn)])
"""


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    path = tmp_path_factory.mktemp("tool") / "tool.py"
    path.write_text(SCRIPT)
    return f"{sys.executable} {path} {{train}} {{n}} {{out}}"


@pytest.fixture(scope="module")
def population():
    return learnable_table(400, seed=21)


def run(population, command, way, folder=None, workers=2, **more):
    how = Shadows(fits=FITS, number=4, rows=60, controls=40, seconds=1.5, **more)
    with use_workers(workers):
        return audit_generator(
            population,
            command=f"{command} {way}",
            how=how,
            attacks=["lira", "shadow_values"],
            folder=folder,
        )


def names(audit):
    return {
        json.dumps({**r.to_dict(), "seconds": 0}, sort_keys=True, default=str)
        for r in audit.results
    }


@pytest.mark.slow
def test_a_tool_that_copies_is_caught_and_a_pool_goes_on_after_a_kill(
    population, command, tmp_path
):
    audit = run(population, command, "copies", tmp_path / "two")
    assert audit.verdict.startswith("No, because it")
    assert audit.controls_passed
    assert audit.find("auc", attack="lira", target_group="random").estimate.low > 0.6
    assert audit.find("records_at_risk").value > 0.5
    assert audit.find("shadow_fits").value == 1
    controls = {r.params["control"]: r.estimate for r in audit.results if r.name == "control"}
    assert controls["planted_leak"].low > 0.6
    assert controls["exchangeable"].low < 0.5 < controls["exchangeable"].high
    covered = [c for c in audit.threat_models if c["attacks"]]
    assert [(c["goal"], c["generator"]) for c in covered] == [("membership", "black-box")]
    kept = sorted((tmp_path / "two" / "fits").iterdir())
    for path in kept[::2]:  # as if killed in the middle
        path.unlink()
    (tmp_path / "two" / "fits" / ".9.npz.0123456789ab.tmp").write_bytes(b"half")
    again = run(population, command, "copies", tmp_path / "two", workers=1)
    assert names(again) == names(audit)


@pytest.mark.slow
def test_a_tool_that_tells_nothing_is_not_flagged(population, command):
    audit = run(population, command, "constant")
    assert audit.verdict == CLEAN
    assert audit.controls_passed
    assert audit.find("auc", attack="lira", target_group="outliers").value == 0.5
    assert audit.find("records_at_risk").value == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("raises", "raised"),
        ("elsewhere", "another_schema"),
        ("short", "too_few_rows"),
        ("hangs", "timed_out"),
    ],
)
def test_fits_that_fail_are_counted(population, command, way, reason):
    audit = run(population, command, way)
    fits = audit.find("shadow_fits")
    failed = fits.params[reason]
    assert 1 <= failed <= 15
    assert fits.value == pytest.approx((FITS - failed) / FITS)
    assert set(fits.params) == {"fits", reason}
    assert audit.verdict.startswith("No, because")


@pytest.mark.slow
def test_a_tool_that_never_works_is_not_assessed(population, command):
    audit = run(population, command, "never")
    assert audit.verdict.startswith("Not assessed: 60 of 60 shadow models failed")
    assert [c.name for c in audit.not_computed] == ["shadow models"]


@pytest.mark.slow
def test_out_of_time_keeps_what_was_done(population, command, tmp_path):
    with pytest.raises(StoppedError), time_limit(4.0):
        run(population, command, "hangs", tmp_path / "slow")
    assert (tmp_path / "slow" / "plan.json").exists()
    assert not (tmp_path / "slow" / "work").exists()  # with train rows in it


@pytest.mark.slow
def test_built_in_generators_are_fitted_in_workers(population):
    audit = twinset.audit(
        to_raw(population),
        generator="bootstrap",
        shadows=40,
        shadow_rows=100,
        attacks=["lira"],
        show_records=True,
    )
    assert audit.verdict.startswith("No, because")
    assert audit.records
    assert set(population.names) < set(audit.records[0])
    assert "records" not in audit.to_dict()


@pytest.mark.slow
def test_a_model_that_tells_is_looked_into_and_others_are_not(population, tmp_path):
    how = Shadows(fits=40, number=3, rows=100, controls=20)
    names = ["lira", "lira_white_box"]
    audit = audit_generator(
        population, "cart", {"leaf": 2, "trees": 10}, how=how, attacks=names, folder=tmp_path
    )
    area = audit.find("auc", attack="lira_white_box", target_group="random")
    assert area.status == "ok"
    assert {c["generator"] for c in audit.threat_models if c["attacks"]} == {
        "black-box", "white-box"
    }  # fmt: skip
    assert audit.controls_passed
    pool = Pool.open(tmp_path)
    numbers = pool.numbers("lira_white_box", control=False)[0]
    twin = Twin.fit(pool.train(0), "cart", {"leaf": 2, "trees": 10}, seed=_seed(pool, 0))
    losses = [
        twin.model.log_prob(twin.encoding.encode(t))
        for t in (pool.train(0), population.take(np.array(pool.plan.targets)))
    ]
    np.testing.assert_allclose(numbers[0, :, 0], losses[1] - losses[0].mean(), rtol=1e-4)
    none = audit_generator(population, "bootstrap", how=how, attacks=names)
    lacking = next(r for r in none.results if r.params.get("attack") == "lira_white_box")
    assert (lacking.status, lacking.reason) == (
        "not_applicable", "the model does not tell the probability of a row"
    )  # fmt: skip
    assert none.verdict.startswith("No, because")


def _seed(pool, fit):
    return int(stream(pool.plan.seed, "shadow", "fit", fit).integers(2**31))


def plan(table, targets, rows, **more):
    given = {"generator": "x", "options": {}, "command": "", "fits": 10, "controls": 0}
    return Plan(
        **{**given, **more},
        rows=rows,
        released=rows,
        targets=targets,
        attacks=(),
        seconds=1.0,
    )


def test_every_target_is_in_half_of_the_fits_and_sizes_do_not_tell(population):
    p, units = plan(population, tuple(range(0, 40, 4)), 100), np.arange(400)
    inside = []
    for fit in range(300):
        rows, coins = deal(p, units, fit)
        assert len(rows) == len(set(rows.tolist())) == 100
        assert np.array_equal(np.isin(np.arange(0, 40, 4), rows), coins)
        inside.append(coins)
    share = np.mean(inside, axis=0)
    assert np.abs(share - 0.5).max() < 4.5 * 0.5 / np.sqrt(300)
    together = np.corrcoef(np.transpose(inside)) - np.eye(10)
    assert np.abs(together).max() < 0.3


def test_in_a_fixed_game_only_the_targets_and_their_stand_ins_change(population):
    units, targets = np.arange(400), np.arange(0, 40, 4)
    for neighbours in ("replace", "add_remove"):
        how = plan(population, tuple(targets.tolist()), 100, fixed=True, neighbours=neighbours)
        made = [deal(how, units, fit) for fit in range(40)]
        rest = [set(rows.tolist()) - set(targets.tolist()) for rows, _ in made]
        for rows, inside in made:
            assert np.array_equal(np.isin(targets, rows), inside)
            assert len(rows) == (100 if neighbours == "replace" else 90 + inside.sum())
        always = set.intersection(*rest)
        assert len(always) == 90
        if neighbours == "add_remove":
            assert all(r == always for r in rest)
            continue
        for row in set.union(*rest) - always:  # in exactly when one certain target is out
            there = np.array([row in r for r in rest])
            assert any(np.array_equal(there, ~m) for m in np.transpose([m for _, m in made]))


def test_neighbours_by_adding_differ_by_one_row(population):
    how = plan(population, (3, 9), 100, neighbours="add_remove")
    sizes = {
        int(m.sum()): len(rows) for rows, m in (deal(how, np.arange(400), f) for f in range(9))
    }
    assert sizes == {0: 98, 1: 99, 2: 100}


def test_a_secret_is_exchanged_and_nothing_else(population, tmp_path):
    how = plan(population, (5, 50, 300), 100, secret="group")
    pool = Pool.make(tmp_path, how, population)
    own = population.take(np.array([5, 50, 300]))
    for name in population.names:
        a, b = own[name].to_pylist(), pool.others[name].to_pylist()
        assert all(x != y for x, y in zip(a, b, strict=True)) if name == "group" else a == b
    for fit in range(10):
        rows, inside = deal(how, np.arange(400), fit)
        made = pool.train(fit)["group"].to_pylist()
        for i, row in enumerate((5, 50, 300)):
            side = own if inside[i] else pool.others
            assert made[rows.tolist().index(row)] == side["group"][i].as_py()
        kept = ~np.isin(rows, [5, 50, 300])
        told = population.take(rows[kept])["group"].to_pylist()
        assert [v for v, k in zip(made, kept, strict=True) if k] == told


@pytest.mark.slow
def test_a_secret_is_told_by_copies_and_not_by_the_population(population, command):
    """What follows from other columns is as likely for either value: a guess is right in half."""
    audit = run(population, command, "copies", secret="group")
    area = audit.find("auc", attack="shadow_values", target_group="random")
    assert audit.find("auc", attack="lira", target_group="random").estimate.low > 0.6
    assert area.params["secret"] == "group"
    assert "the group of train records" in audit.verdict
    assert {c["goal"] for c in audit.threat_models if c["attacks"]} == {"attribute"}
    assert run(population, command, "constant", secret="group").verdict == CLEAN
    how = Shadows(fits=FITS, number=4, rows=150, secret="flag")
    audit = audit_generator(population, "independent", how=how, attacks=["lira"])
    assert audit.verdict == CLEAN  # the flag depends on the group, whoever's it is


@pytest.mark.slow
def test_a_fixed_game_says_so(population, command):
    audit = run(population, command, "copies", fixed=True, neighbours="add_remove")
    bound = audit.find("epsilon_lower_bound", attack="lira")
    assert bound.params["neighbours"] == "add_remove"
    assert bound.params["rest"] == "fixed"
    assert bound.value > 0
    assert {c["data"] for c in audit.threat_models if c["attacks"]} == {"exact"}


def test_people_come_whole(population):
    units = np.arange(400) // 4
    rows, coins = deal(plan(population, (0, 40), 100), units, 3)
    assert len(rows) == 100
    assert set(np.bincount(units[rows])) <= {0, 4}
    assert (0 in rows) == coins[0]


def test_a_pool_of_another_plan_is_emptied(population, tmp_path):
    pool = Pool.make(tmp_path, plan(population, (1, 2), 50), population)
    pool.keep(0, {"a": np.zeros((1, 3), np.float32)})
    pool.fail(1, "raised")
    assert Pool.open(tmp_path).plan == pool.plan
    assert Pool.open(tmp_path).table.data.equals(population.data)
    assert Pool.make(tmp_path, plan(population, (1, 2), 50), population).missing() == [
        *range(2, 10)
    ]
    assert pool.failed() == {"raised": 1}
    assert len(Pool.make(tmp_path, plan(population, (1, 2), 60), population).missing()) == 10


def test_targets_of_each_kind(population):
    table, rows, groups = choose_targets(
        population, ["random", "outliers", "vulnerable", "canaries"], 5, 0
    )
    assert table.num_rows == 405
    assert {len(g) for g in groups.values()} == {5}
    assert (rows[groups["canaries"]] >= 400).all()
    assert (np.diff(rows) > 0).all()
    records = encode([population])[0]
    near = np.sort(distances(records, records) + 9.0 * np.eye(400, dtype=np.float32), axis=1)
    farthest = np.argsort(-near[:, :5].mean(axis=1))[:5]
    assert set(rows[groups["outliers"]]) == set(farthest)
    declared = population.take(np.array([7, 300]))
    _, rows, groups = choose_targets(population, ["random"], 3, 0, declared)
    assert set(rows[groups["declared"]]) == {7, 300}
    other = learnable_table(3, seed=99).take(np.array([0]))
    with pytest.raises(InputError, match="1 rows that do not stand"):
        choose_targets(population, ["random"], 3, 0, other)
    with pytest.raises(InputError, match="allowed: random, outliers"):
        choose_targets(population, ["famous"], 3, 0)


def test_canaries_are_nobody(population):
    people = Column(name="id", kind=Kind.INTEGER, role=Role.UNIT)
    table = Table(
        Schema(columns=(*population.schema.columns, people)),
        population.data.append_column("id", pa.array(np.arange(400) // 2)),
    )
    made, rows, _ = choose_targets(table, ["canaries"], 5, 0)
    assert made.num_units == 205
    units = np.unique(made.units, return_inverse=True)[1]
    for fit in range(20):
        chosen, inside = deal(plan(made, tuple(rows.tolist()), 100), units, fit)
        assert set(chosen[chosen >= 400]) == set(rows[inside])
        assert set(np.bincount(units[chosen[chosen < 400]])) <= {0, 2}


def test_vulnerability_is_the_plain_formula():
    r = encode([learnable_table(40, seed=2)])[0]
    found = vulnerability(r, np.arange(40), np.random.default_rng(0))
    low, high = np.nanmin(r.values, axis=0), np.nanmax(r.values, axis=0)
    x = np.nan_to_num((r.values - low) / (high - low))
    plain = []
    for i in range(40):
        apart = []
        for j in range(40):
            size = np.linalg.norm(x[i]) * np.linalg.norm(x[j])
            cosine = x[i] @ x[j] / size if size > 0 else 0.0
            apart.append((r.codes[i] != r.codes[j]).sum() + 3 * (1 - cosine))
        apart.pop(i)
        plain.append(np.sort(apart)[:5].mean() / 5)
    np.testing.assert_allclose(found, plain, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("learner", ["ridge", "likelihood", "offline"])
def test_what_is_learned_of_noise_is_a_guess_and_of_a_signal_is_not(learner):
    rng = np.random.default_rng(3)
    areas = []
    for seed in range(120):
        member = rng.random((60, 3)) < 0.5
        noise = rng.normal(size=(60, 3, 5)) @ rng.normal(size=(5, 12))
        folds = deal_folds(60, np.random.default_rng(seed))
        scores = cross_fitted(noise, member, folds, learner)
        areas.append(group_auc(scores, member, folds, np.arange(3)))
    values = np.array([a.value for a in areas])
    assert values.mean() == pytest.approx(0.5, abs=4 * values.std() / np.sqrt(120))
    assert abs(values.mean() - 0.5) < 0.02
    standard = (values - 0.5) / [a.error for a in areas]
    assert 0.7 < standard.std() < 1.25  # without the factor for cross-fitting up to 1.7
    assert np.mean([auc_interval(a)[0] > 0.5 for a in areas]) < 0.07
    signal = noise + 3.0 * member[:, :, None] * np.abs(noise).mean()
    scores = cross_fitted(signal, member, folds, learner)
    assert group_auc(scores, member, folds, np.arange(3)).value > 0.7


def scored(name, scores, **more):
    threat = ThreatModel(generator="black-box", data="exact")
    return AttackScores(name, threat, "row", scores, **more)


def test_bounds_of_a_guess_are_rarely_above_zero():
    """Rule, target and threshold are chosen on other fits than those they are counted on."""
    rng = np.random.default_rng(7)
    above = 0
    for seed in range(60):
        member, noise = rng.random((80, 6)) < 0.5, rng.normal(size=(80, 6, 8))
        folds, choose = deal_folds(80, rng), rng.permutation(80) < 40
        how = noise, member, folds, "ridge"
        scores, apart = cross_fitted(*how), honest(*how, choose)
        trials = Trials([scored("a", scores, honest=apart)], member, folds, choose)
        judged = judge_trials(trials, {"all": np.arange(6)}, seed, 0.0)
        above += next(r for r in judged.results if r.name == "epsilon_lower_bound").value > 0
    assert above <= 7  # 5% and chance


def test_bounds_of_a_known_epsilon_hold_for_the_worst_of_several_targets():
    """A release that tells of each target by randomised response, and nothing else."""
    rng, epsilon, fits = np.random.default_rng(8), 1.5, 300
    found = []
    for seed in range(60):
        member = rng.random((fits, 5)) < 0.5
        told = member == (rng.random((fits, 5)) < 1 / (1 + np.exp(-epsilon)))
        folds, choose = deal_folds(fits, rng), rng.permutation(fits) < fits // 2
        how = told[:, :, None].astype(float), member, folds, "ridge"
        scores, apart = cross_fitted(*how), honest(*how, choose)
        trials = Trials([scored("a", scores, honest=apart)], member, folds, choose)
        judged = judge_trials(trials, {"all": np.arange(5)}, seed, 0.0)
        found.append(next(r for r in judged.results if r.name == "epsilon_lower_bound").value)
    assert (np.array(found) > epsilon).sum() <= 7  # 5% and chance
    assert np.median(found) > 0.5 * epsilon


def test_group_intervals_count_fits_not_trials():
    """Targets that all say the same are no more evidence than one."""
    rng = np.random.default_rng(4)
    member, folds = rng.random((100, 1)) < 0.5, deal_folds(100, rng)
    scores = rng.normal(size=(100, 1))
    one = group_auc(scores, member, folds, np.array([0]))
    same = group_auc(np.repeat(scores, 8, 1), np.repeat(member, 8, 1), folds, np.arange(8))
    assert same.error == pytest.approx(one.error)
    apart = rng.random((100, 8)) < 0.5
    many = group_auc(rng.normal(size=(100, 8)), apart, folds, np.arange(8))
    assert many.error < 0.6 * one.error


def test_records_at_risk_hold_the_false_discovery_rate():
    rng = np.random.default_rng(5)
    folds = deal_folds(100, rng)
    member = rng.random((100, 40)) < 0.5
    scores = rng.normal(size=(100, 40))
    scores[:, :8] += 2.0 * member[:, :8]
    choose = np.arange(100) < 50
    found = [scored("a", scores), scored("b", None, reason="broken")]
    result, flags, risk = records_at_risk(Trials(found, member, folds, choose))
    assert flags[:8].all()
    assert flags[8:].sum() <= 2
    assert risk[:8].min() > 0.8
    assert result.value == flags.mean()
    none = Trials([scored("a", rng.normal(size=(100, 40)))], member, folds, choose)
    assert records_at_risk(none)[0].value <= 0.05


def test_outliers_at_greater_risk_have_a_gap_beyond_zero():
    rng = np.random.default_rng(6)
    folds, member = deal_folds(150, rng), rng.random((150, 12)) < 0.5
    scores = rng.normal(size=(150, 12))
    scores[:, 6:] += 1.0 * member[:, 6:]
    groups = {"random": np.arange(6), "outliers": np.arange(6, 12)}
    choose = np.arange(150) < 75
    trials = Trials([scored("a", scores, honest=scores)], member, folds, choose)
    judged = judge_trials(trials, groups, 0, 1e-3)
    gap = next(r for r in judged.results if r.name == "auc_gap")
    assert gap.estimate.low > 0.1
    assert {f.group for f in judged.findings} == {"outliers"}
    bound = next(
        r
        for r in judged.results
        if r.name == "epsilon_lower_bound" and r.params["target_group"] == "outliers"
    )
    assert 0 <= bound.value <= bound.params["ceiling"]
    assert bound.params["delta"] == 1e-3
    assert bound.params["if_gaussian"] >= 0


@pytest.mark.slow
def test_a_table_in_which_all_are_equal_has_no_control_to_fail():
    table = odd_tables()["constant"]
    many = Table(table.schema, pa.concat_tables([table.data] * 10))
    audit = audit_generator(
        many,
        "bootstrap",
        how=Shadows(fits=40, number=3, rows=60, controls=10),
        attacks=["lira", "targeted_queries"],
    )
    assert audit.verdict == CLEAN
    assert audit.controls_passed
    control = next(r for r in audit.results if r.params.get("control") == "planted_leak")
    assert control.status == "not_applicable"


@pytest.mark.slow
@pytest.mark.shared
def test_hospital_charges_that_are_copied_one_by_one_are_value_leaks(shared, tmp_path):
    """Real stays; each column is drawn by itself from train values."""
    tool = tmp_path / "columns.py"
    tool.write_text(COLUMNS)
    stays = read(shared / "data" / "tabular" / "texas_inpatient_2013.csv", Options())[1].only
    audit = audit_generator(
        stays,
        command=f"{sys.executable} {tool} {{train}} {{n}} {{out}}",
        how=Shadows(fits=80, number=4, rows=150, controls=40),
        attacks=["lira", "shadow_values"],
    )
    values, near = (
        audit.find("auc", attack=a, target_group="random") for a in ("shadow_values", "lira")
    )
    assert values.estimate.low > 0.8
    assert near.estimate.low < 0.5 < near.estimate.high
    assert "repeats exact values" in audit.verdict
    assert "not shown to repeat whole rows" in audit.verdict


def test_calls_that_cannot_work_are_refused(population, command):
    with pytest.raises(InputError, match=r"no \{out\}"):
        audit_generator(population, command="tool {train} {n}")
    with pytest.raises(InputError, match="at least 100"):
        audit_generator(population.take(np.arange(60)), "bootstrap")
    with pytest.raises(InputError, match="40 or more"):
        audit_generator(population, "bootstrap", how=Shadows(fits=3))
    with pytest.raises(InputError, match="train rows of a shadow model"):
        audit_generator(population, "bootstrap", how=Shadows(rows=30, number=20))
    with pytest.raises(InputError, match="none that works with shadow models"):
        audit_generator(population, "bootstrap", attacks=["distance"])
    for game, message in (
        ({"secret": "age"}, "no such column"),
        ({"secret": "group", "neighbours": "add_remove"}, "a secret"),
        ({"neighbours": "near"}, "replace, add_remove"),
        ({"fixed": True, "rows": 300}, "at most half"),
    ):
        with pytest.raises(InputError, match=message):
            audit_generator(population, "bootstrap", how=Shadows(**game))
    people = Column(name="id", kind=Kind.INTEGER, role=Role.UNIT)
    few = Table(
        Schema(columns=(*population.schema.columns, people)),
        population.data.append_column("id", pa.array(np.arange(400) // 20)),
    )
    with pytest.raises(InputError, match="20 rows or units"):
        audit_generator(few, "bootstrap")


class _Raising:
    """An attack that divides by zero."""

    name = "raising"
    threat_model = ThreatModel(generator="black-box")

    def describe(self, targets, release, *, auxiliary):
        raise ZeroDivisionError


def test_the_type_of_an_error_is_kept(population, tmp_path, monkeypatch):
    pool = Pool.make(tmp_path, plan(population, (1, 2), 50, generator="bootstrap"), population)
    assert work(pool, [_Raising()], population, 0) == "ok"
    assert pool.raised("raising") == "ZeroDivisionError"
    assert pool.raised("other") == ""
    assert pool.numbers("raising", control=False) is None

    def fail(pool, fit):
        raise OverflowError

    monkeypatch.setattr("twinset.auditing.shadow_worker._release", fail)
    assert work(pool, [], population, 1) == "raised OverflowError"
    assert pool.failed() == {"raised OverflowError": 1}


def test_what_a_killed_run_left_half_written_in_a_pool_is_removed(population, tmp_path):
    Pool.make(tmp_path, plan(population, (1, 2), 50), population)
    left = [tmp_path / ".table.arrow.0123456789ab.tmp", tmp_path / "fits/.3.npz.0123456789ab.tmp"]
    for path in left:
        path.write_text("x")
    Pool.make(tmp_path, plan(population, (1, 2), 50), population)
    assert not any(path.exists() for path in left)
