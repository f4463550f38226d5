"""Whole audits of releases whose answer is known."""

from itertools import pairwise
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pytest

from twinset import registry
from twinset.attacks.cap import Cap
from twinset.attacks.dcr_difference import DcrDifference
from twinset.attacks.distance import Distance
from twinset.auditing.copies import copied_records
from twinset.auditing.exposed_groups import grouped_auc
from twinset.auditing.game import Game, NoGame, set_up
from twinset.auditing.inference import leaks
from twinset.auditing.inference_attacks import compare_people
from twinset.auditing.measures import auc
from twinset.auditing.release import audit_release
from twinset.checks.tables import learnable_table, odd_tables
from twinset.errors import InputError
from twinset.protocols import ThreatModel
from twinset.stats.records import concatenate, encode
from twinset.table.schema import Column, Kind, Role, Schema
from twinset.table.table import Table

N = 1_000
CLEAN = "Not shown to leak under these attacks, at this power"


def parts(*sizes, seed=0):
    """Disjoint tables of one population."""
    table = learnable_table(sum(sizes), seed=seed)
    edges = np.cumsum([0, *sizes])
    return [table.take(np.arange(a, b)) for a, b in pairwise(edges)]


def stack(*tables):
    return Table(tables[0].schema, pa.concat_tables([t.data for t in tables]))


def value(audit, attack, group="random", name="auc"):
    return audit.find(name, attack=attack, target_group=group).value


def goal(name):
    """The goal of an attack that needs the release only; else nothing."""
    threat = registry.load("attacks", name).threat_model
    return threat.goal if threat.generator == "no-box" else "membership of a generator"


def independent(table, rng):
    """Columns resampled one by one: exact values are released, no combination is."""
    columns = [table.data[n].take(pa.array(rng.integers(0, N, N))) for n in table.names]
    return Table(table.schema, pa.table(columns, names=list(table.names)))


@pytest.fixture(scope="module")
def world():
    return parts(N, N, 2 * N)


@pytest.fixture(scope="module")
def clean(world):
    train, fresh, holdout = world
    return audit_release(train, fresh, holdout)


@pytest.mark.slow
def test_a_fresh_real_sample_is_not_flagged(clean):
    assert clean.verdict == CLEAN
    assert clean.controls_passed
    for r in clean.results:
        if r.name == "auc" and r.estimate:
            assert r.verdict == "within_noise"
            assert abs(r.value - 0.5) < 4 * r.noise / 1.96
    assert {
        r.params["attack"] for r in clean.results if r.name == "auc" and "attack" in r.params
    } == {n for n in registry.names("attacks") if goal(n) == "membership"}
    inferred = [r for r in clean.results if r.name.endswith("_leak")]
    assert {r.params["attack"] for r in inferred} == {
        n for n in registry.names("attacks") if not goal(n).startswith("membership") and n != "cap"
    }
    assert sum(r.status == "ok" for r in inferred) > 12
    for r in inferred:
        if r.status == "not_applicable":
            assert r.params["attack"] == "singling_out"
            continue
        whole = r.params.get("released", N) == N
        assert r.verdict == ("within_noise" if whole else None)
        assert r.estimate.low <= r.value <= r.estimate.high
        assert abs(r.params["of_train"] - r.params["of_holdout"]) < 0.09
    bounds = [r for r in clean.results if r.name == "epsilon_lower_bound"]
    assert {r.verdict for r in bounds} == {"within_noise"}
    assert all(r.value < 0.1 and r.params["ceiling"] > 4 for r in bounds)
    assert 0.5 < clean.extra["smallest_auc_seen"] < 0.56
    assert any("black" not in t and "can run the generator" in t for t in clean.not_tested)
    assert len(clean.tested) == 5
    covered = {a for c in clean.to_dict()["threat_models"] for a in c["attacks"]}
    assert covered == {
        n for n in registry.names("attacks") if goal(n) != "membership of a generator"
    } - {"cap"}  # a diagnostic is no evidence
    clean.to_json()


@pytest.mark.slow
def test_controls_are_in_every_audit(clean):
    controls = {r.params["control"]: r for r in clean.results if r.name == "control"}
    assert set(controls) == {
        "planted_leak", "planted_people", "exchangeable", "without_release"
    }  # fmt: skip
    assert controls["planted_people"].estimate.low > 0.5
    assert controls["planted_leak"].estimate.low > 0.8
    for name in ("exchangeable", "without_release"):
        assert controls[name].estimate.low < 0.5 < controls[name].estimate.high


def test_attribution_is_compared_with_other_people_and_never_judged(world, clean):
    """Copies give more away of train people than of others, a fresh real sample does not."""
    train, _, holdout = world
    copies = train.take(np.random.default_rng(3).integers(0, N, N))
    leaking = audit_release(train, copies, holdout, attacks=["cap"])
    assert leaking.verdict.startswith("No, because it holds copies")
    for variant in ("CAP", "0CAP", "GCAP"):
        found, none = (
            {r.columns: r for r in a.results if r.params.get("variant") == variant}
            for a in (leaking, clean)
        )
        assert set(found) == set(none) == {(name,) for name in train.names}
        for r in found.values():
            assert r.name == "cap_difference"
            assert r.value == pytest.approx(r.params["of_train"] - r.params["of_holdout"], abs=1e-3)
            assert r.estimate.low > 0.05
            assert r.verdict is None
        assert all(r.estimate.low < 0 < r.estimate.high for r in none.values())
    zero, plain = (
        leaking.find("cap_difference", columns=["group"], variant=v) for v in ("0CAP", "CAP")
    )
    here = plain.params["people"][1]
    assert here < zero.params["people"][1]
    assert zero.params["of_holdout"] == pytest.approx(
        plain.params["of_holdout"] * here / zero.params["people"][1], abs=1e-3
    )


def test_differences_of_attribution_of_a_fresh_sample_are_chance():
    """At most one interval in 20 leaves out zero, in 12 games of three variants and columns."""
    left_out = []
    for game in range(12):
        train, fresh, holdout = parts(300, 300, 600, seed=100 + game)
        made = compare_people(set_up(train, fresh, holdout), [Cap()], game)
        found = [leak.result.estimate for leak in leaks(made, 0.03) if leak.result.estimate]
        left_out += [e.low > 0 or e.high < 0 for e in found]
    assert len(left_out) > 100
    assert np.mean(left_out) < 0.05


def test_the_interval_that_judges_is_written_down(world, clean):
    """Of many attacks the best one looks good: limits are held against a wider interval."""
    copied = audit_release(world[0], stack(world[0], world[1]), world[2], attacks=["distance"])
    seen = set()
    for r in (*clean.results, *copied.results):
        if r.estimate is None or "corrected_low" not in r.params:
            continue
        low, high = r.params["corrected_low"], r.params["corrected_high"]
        assert low <= r.estimate.low + 1e-9
        assert high >= r.estimate.high - 1e-9
        least = max(r.reference, r.params.get("corrected_fpr_high", 0.0))  # of the false alarms
        assert (low > least) == (r.verdict == "worse")
        seen.add((r.name, r.verdict))
    assert {("auc", "worse"), ("auc", "within_noise"), ("attribute_leak", "within_noise")} <= seen
    auc = copied.find("auc", attack="distance", target_group="random")
    assert auc.params["corrected_low"] > 0.5


def test_low_false_positive_rates_need_enough_non_members(clean):
    at = {f: clean.find("tpr_at_fpr", attack="distance", fpr=f) for f in (0.01, 0.001)}
    assert at[0.01].status == "ok"
    assert at[0.01].estimate.low <= 0.01 <= at[0.01].estimate.high
    assert at[0.001].status == "not_applicable"
    assert "10000" in at[0.001].reason


@pytest.mark.slow
def test_a_bootstrap_is_caught_as_copied_rows(world):
    train, _, holdout = world
    copies = train.take(np.random.default_rng(1).integers(0, N, N))
    audit = audit_release(train, copies, holdout)
    assert audit.verdict.startswith("No, because it holds copies")
    assert audit.controls_passed
    assert value(audit, "exact_match") == pytest.approx(1 - np.exp(-1) / 2, abs=0.04)
    assert value(audit, "distance") > 0.75
    assert audit.find("tpr_at_fpr", attack="distance", fpr=0.01).estimate.low > 0.5
    bound = audit.find("epsilon_lower_bound", attack="exact_match")
    assert 3 < bound.value <= bound.params["ceiling"] == bound.estimate.high
    assert bound.verdict == "worse"
    adv, right, gain = (
        audit.find(n, attack="distance", target_group="random").estimate
        for n in ("advantage", "balanced_accuracy", "privacy_gain")
    )
    assert adv.value == pytest.approx(2 * right.value - 1) == pytest.approx(1 - gain.value)
    assert (gain.low, gain.high) == pytest.approx((1 - adv.high, 1 - adv.low))
    assert len(audit.exposed) == 5
    assert all(e.count >= 10 and e.low > 0.5 for e in audit.exposed)


def test_what_is_inferred_of_train_people_alone_is_a_leak(world):
    """Copies without any attack on membership: guesses, links and descriptions say No."""
    train, _, holdout = world
    copies = train.take(np.random.default_rng(1).integers(0, N, N))
    names = ["attribute_nearest", "linear_reconstruction", "linkability", "singling_out"]
    audit = audit_release(train, copies, holdout, attacks=names)
    for name in ("attribute_leak", "reconstruction_leak", "linkability_leak", "singling_out_leak"):
        found = audit.find(name)
        assert found.verdict == "worse"
        assert found.params["of_train"] > found.params["of_holdout"] + 0.15
        assert 0 < found.params["of_guess"] < 0.6 or name == "singling_out_leak"
    moved = pa.array(copies["size"].to_numpy() + 0.5)  # no row is copied, or nearly so
    near = Table(copies.schema, copies.data.set_column(copies.names.index("size"), "size", moved))
    assert audit.records == ()
    one = audit_release(train, near, holdout, attacks=["attribute_nearest"])
    assert one.verdict.startswith("No, because ")
    assert "of train people is guessed right in" in one.verdict
    assert "safe" not in one.to_json()


@pytest.mark.slow
def test_reconstruction_grows_with_the_rows_released(world):
    """Points of the curve are shown beside the whole release, which alone is judged."""
    train, fresh, holdout = world
    copies = train.take(np.random.default_rng(1).integers(0, N, 12 * N))
    audit = audit_release(train, copies, holdout, attacks=["linear_reconstruction"])
    found = [r for r in audit.results if r.name == "reconstruction_leak"]
    first = [r for r in found if r.columns == found[0].columns]
    rows = [r.params["released"] for r in first]
    assert rows == [12 * N, 12 * N // 64, 12 * N // 16, 12 * N // 4]
    assert [r.verdict for r in first] == ["worse", None, None, None]
    assert first[0].value > first[3].value > first[1].value
    none = audit_release(train, fresh, holdout, attacks=["linear_reconstruction"])
    assert all(r.verdict != "worse" for r in none.results if r.name == "reconstruction_leak")


def test_columns_that_follow_from_others_are_no_leak():
    """What a release tells of everybody is inference: right for train and holdout alike."""
    train, fresh, holdout = parts(N, N, 2 * N, seed=5)
    doubled = [
        Table(
            Schema(columns=(*t.schema.columns, Column(name="again", kind=Kind.CATEGORY))),
            t.data.append_column("again", t.data["group"]),
        )
        for t in (train, fresh, holdout)
    ]
    audit = audit_release(*doubled, attacks=["attribute_nearest", "attribute_classifier"])
    found = audit.find("attribute_leak", columns=["again"], attack="attribute_classifier")
    assert found.params["of_holdout"] > 0.97
    assert found.params["of_guess"] < 0.6
    assert found.verdict == "within_noise"
    assert not audit.verdict.startswith("No, because")


@pytest.mark.slow
def test_five_percent_of_copies_are_caught_at_low_false_positive_rates(world):
    train, fresh, holdout = world
    mixed = stack(fresh.take(np.arange(N // 20, N)), train.take(np.arange(N // 20)))
    audit = audit_release(train, mixed, holdout)
    assert audit.verdict.startswith("No, because")
    at = audit.find("tpr_at_fpr", attack="exact_match", fpr=0.01)
    assert at.verdict == "worse"
    assert at.value == pytest.approx(0.05, abs=0.012)
    assert value(audit, "exact_match") < 0.55  # the AUC alone would hardly show it


@pytest.mark.slow
def test_independent_columns_leak_values_not_rows(world):
    train, _, holdout = world
    audit = audit_release(train, independent(train, np.random.default_rng(2)), holdout)
    assert audit.verdict.startswith("No, because it repeats exact values")
    assert "not shown to repeat whole rows" in audit.verdict
    assert value(audit, "exact_values") > 0.7
    assert value(audit, "exact_match") < 0.55
    assert audit.find("auc", attack="exact_values").params["leak"] == "value"


def test_holding_the_non_members_themselves_makes_a_leak_of_nothing(world):
    train, fresh, holdout = world
    s, r, m = encode([fresh, holdout, train], reference=[0, 1])
    trap = DcrDifference().score(concatenate([m, r]), s, auxiliary=r, rng=np.random.default_rng(0))
    assert auc(trap, np.arange(len(trap)) < N).value > 0.7
    game = set_up(train, fresh, holdout)
    assert isinstance(game, Game)
    ours = DcrDifference().score(
        game.targets, game.release, auxiliary=game.auxiliary, rng=np.random.default_rng(0)
    )
    assert abs(auc(ours, game.is_member).value - 0.5) < 0.05


def test_same_seed_same_audit_and_no_order_of_attacks(world):
    train, fresh, holdout = world
    names = ["distance", "domias", "local_density"]
    one = audit_release(train, fresh, holdout, attacks=names, seed=3)
    two = audit_release(train, fresh, holdout, attacks=names[::-1], seed=3)
    for name in names:
        assert value(one, name) == value(two, name)
    assert value(one, "distance") != value(
        audit_release(train, fresh, holdout, attacks=names, seed=4), "distance"
    )


def test_without_a_holdout_nothing_is_assessed(world):
    train, fresh, _ = world
    audit = audit_release(train, fresh, None)
    assert audit.verdict.startswith("Not assessed")
    assert {r.status for r in audit.results} == {"not_applicable"}
    assert all(r.reason for r in audit.results)


def test_own_auxiliary_rows_leave_the_whole_holdout_as_non_members(world):
    train, fresh, holdout = world
    known, others = holdout.take(np.arange(N)), holdout.take(np.arange(N, 2 * N))
    game = set_up(train, fresh, others, auxiliary=known)
    assert isinstance(game, Game)
    assert game.non_members == N
    assert len(game.auxiliary) == N


def with_units(table, units):
    schema = Schema(
        columns=(*table.schema.columns, Column(name="id", kind=Kind.INTEGER, role=Role.UNIT))
    )
    return Table(schema, table.data.append_column("id", pa.array(units)))


def test_roles_are_dealt_by_unit():
    train, fresh, holdout = parts(300, 300, 300)
    people = with_units(holdout, np.arange(300) // 5 + 1_000)
    game = set_up(with_units(train, np.arange(300) // 5), with_units(fresh, np.arange(300)), people)
    assert isinstance(game, Game)
    assert game.non_members == 30
    assert game.members == 30
    assert len(game.targets) == 300
    with pytest.raises(InputError, match="train and holdout") as caught:
        set_up(with_units(train, np.arange(300)), fresh, with_units(holdout, np.arange(300) + 299))
    assert "1 units" in str(caught.value)


def test_the_same_rows_as_train_and_holdout_are_refused(world):
    train, fresh, _ = world
    with pytest.raises(InputError, match="train and holdout"):
        audit_release(train, fresh, train.take(np.arange(400)))


def few_cells(rows, seed):
    rng = np.random.default_rng(seed)
    data = pa.table({"month": rng.integers(1, 13, rows), "age": rng.integers(0, 120, rows)})
    return Table(
        Schema(columns=tuple(Column(name=n, kind=Kind.INTEGER) for n in data.column_names)), data
    )


def test_tables_of_few_cells_are_not_taken_for_copies_of_each_other():
    train, fresh, holdout = (few_cells(N, seed) for seed in range(3))
    assert audit_release(train, fresh, holdout, attacks=["distance"]).verdict == CLEAN
    with pytest.raises(InputError, match="many rows that stand in both"):
        audit_release(train, fresh, train, attacks=["distance"])


def test_a_few_equal_rows_of_a_tiny_table_are_chance():
    """Names that stand twice in a table of 18 rows, each once on either side of the split."""
    names = [f"n{i}" for i in range(4)]
    sides = [[*names, *(f"{side}{i}" for i in range(5))] for side in "ab"]
    train, holdout = (
        Table(Schema(columns=(Column(name="x", kind=Kind.CATEGORY),)), pa.table({"x": side}))
        for side in sides
    )
    assert audit_release(train, train, holdout, attacks=["distance"]).verdict.startswith("Not ass")


def test_an_attack_that_works_by_less_than_the_margin_is_in_the_verdict(world):
    train, _, holdout = world
    copies = train.take(np.random.default_rng(1).integers(0, N, N))
    rng, data = np.random.default_rng(2), copies.data
    for name, step in (("size", 2), ("spend", 20)):
        x = pa.array(copies[name].to_numpy() + rng.normal(0, step, N))
        data = data.set_column(copies.names.index(name), name, x)
    near = Table(copies.schema, data)
    audit = audit_release(train, near, holdout, attacks=["distance"], margin=0.45)
    assert audit.verdict == f"{CLEAN}, beyond the margin of 45%"
    powers = audit.extra["smallest_auc_seen_of"]
    assert powers["random"] == audit.extra["smallest_auc_seen"] < powers["outliers"]


def test_one_percent_of_copies_is_a_no(world):
    train, fresh, holdout = world
    few = N // 100
    mixed = stack(fresh.take(np.arange(few, N)), train.take(np.arange(few)))
    audit = audit_release(train, mixed, holdout, attacks=["distance"])
    assert audit.verdict.startswith("No, because it holds copies of train records: 1.00%")
    found = audit.find("records_copied")
    assert (found.value, found.reference, found.verdict) == (0.01, 0.0, "worse")


def test_rare_categories_that_only_train_could_release_are_no_copies():
    """Levels of few units are withheld: the others are more often train's, copied or not."""
    rng = np.random.default_rng(7)
    n = 12_000
    code, letter = rng.integers(0, 4_000, n), rng.integers(0, 10, n)
    number = np.round(rng.normal(size=n) * 1_000, 2)
    columns = (
        Column(name="code", kind=Kind.CATEGORY),
        Column(name="letter", kind=Kind.CATEGORY),
        Column(name="number", kind=Kind.REAL),
    )
    cells = {"code": code.astype(str), "letter": letter.astype(str), "number": number}
    whole = Table(Schema(columns=columns), pa.table(cells))
    train, holdout = whole.take(np.arange(n // 2)), whole.take(np.arange(n // 2, n))
    often = np.flatnonzero(np.bincount(code[: n // 2], minlength=4_000)[code[: n // 2]] >= 5)
    parts = [rng.choice(often, n // 2) for _ in columns]  # each column alone, from frequent codes
    made = [train[c.name].take(pa.array(p)) for c, p in zip(columns, parts, strict=True)]
    release = Table(whole.schema, pa.table(made, names=list(cells)))
    _, near = copied_records(train, release, holdout, 0)
    assert near.value > 3 * near.reference  # what a toss of a coin would take for copies
    assert near.verdict == "within_noise"


def test_rows_that_people_share_are_no_copies():
    train, holdout = few_cells(N, 0), few_cells(N, 1)
    audit = audit_release(train, few_cells(N, 2), holdout, attacks=["distance"])
    assert audit.find("records_copied").value > 0.02
    assert audit.find("records_copied").verdict == "within_noise"


def test_copies_are_counted_by_unit():
    """Forty rows of one person in the release are one person."""
    columns = (Column(name="id", kind=Kind.IDENTIFIER, role=Role.UNIT),)
    columns += (Column(name="x", kind=Kind.REAL),)
    train, holdout, fresh = (
        Table(
            Schema(columns=columns),
            pa.table({"id": [f"{s}{i // 40}" for i in range(N)], "x": rng.normal(size=N)}),
        )
        for s, rng in (
            ("a", np.random.default_rng(0)),
            ("b", np.random.default_rng(1)),
            ("c", np.random.default_rng(2)),
        )
    )
    released = stack(fresh.take(np.arange(40, N)), train.take(np.arange(40)))
    found, nearly = copied_records(train, released, holdout, 0)
    assert nearly.verdict == "within_noise"
    assert (found.value, found.estimate.n, found.verdict) == (1 / 25, 25, "within_noise")


def moved(table, step):
    """Each real number of the table moved by `step`, some up and some down."""
    rng, data = np.random.default_rng(5), table.data
    for place, column in enumerate(table.schema.columns):
        if column.kind is Kind.REAL:
            x = table[column.name].to_numpy() + step * rng.choice([-1, 1], table.num_rows)
            data = data.set_column(place, column.name, pa.array(x))
    return Table(table.schema, data)


def test_two_percent_of_rows_moved_a_little_are_a_no(world):
    train, fresh, holdout = world
    few = N // 50
    mixed = stack(fresh.take(np.arange(few, N)), moved(train.take(np.arange(few)), 1e-6))
    audit = audit_release(train, mixed, holdout, attacks=["distance"])
    assert audit.find("records_copied").verdict == "within_noise"
    found = audit.find("records_nearly_copied")
    assert found.value == pytest.approx(0.02, abs=0.002)
    assert (found.reference, found.params["radius"]) == (0.0, 0.001)
    assert found.verdict == "worse"
    assert audit.verdict.startswith("No, because it holds near copies of train records: 2.")


def zero_inflated(rows, seed):
    """Half of a column is 0: a rank would move far if a zero moves a little."""
    rng = np.random.default_rng(seed)
    data = {f"x{j}": np.where(rng.random(rows) < 0.5, 0, rng.normal(size=rows)) for j in range(8)}
    columns = tuple(Column(name=n, kind=Kind.REAL) for n in data)
    return Table(Schema(columns=columns), pa.table(data))


def test_a_frequent_value_that_moved_a_little_is_still_near():
    train, fresh, holdout = (zero_inflated(N, seed) for seed in range(3))
    few = N // 50
    mixed = stack(fresh.take(np.arange(few, N)), moved(train.take(np.arange(few)), 1e-6))
    assert copied_records(train, mixed, holdout, 0)[1].verdict == "worse"


@pytest.mark.parametrize("make", [few_cells, zero_inflated, lambda n, seed: parts(n, seed=seed)[0]])
def test_fresh_samples_are_seldom_called_near_copies(make):
    """At most 4 alarms in 100 games, at 0.5% for each figure (more: once in 300 runs)."""
    alarms = 0
    for game in range(100):
        train, fresh, holdout = (make(300, 1_000 + 3 * game + i) for i in range(3))
        found = copied_records(train, fresh, holdout, game)
        alarms += any(r.verdict == "worse" for r in found)
    assert alarms <= 4


def test_near_is_a_twentieth_of_the_way_to_somebody_else():
    """Against the definition, by all distances of small tables."""
    train, fresh, holdout = (zero_inflated(120, seed) for seed in range(3))
    released = stack(fresh, moved(train.take(np.arange(30)), 1e-2))
    found = copied_records(train, released, holdout, 0)[1]
    rows = [
        np.stack([t[n].to_numpy() for n in t.names], axis=1) for t in (train, holdout, released)
    ]
    real = np.concatenate(rows[:2])
    levels = [np.unique(column) for column in real.T]
    x, s = (
        np.stack(
            [np.interp(v, u, np.linspace(0, 1, len(u))) for v, u in zip(r.T, levels, strict=True)],
            axis=1,
        )
        for r in (real, rows[2])
    )
    to_release = np.abs(x[:, None] - s[None]).sum(axis=2).min(axis=1)
    apart = np.abs(x[:, None] - x[None]).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    near = to_release < found.params["radius"] * np.minimum(apart.min(axis=1), 1)
    assert 0 < near.sum() < 30
    assert (found.value, found.reference) == (near[:120].mean(), near[120:].mean())


def test_a_holdout_of_other_people_fails_the_control(world):
    train, fresh, holdout = world
    size = holdout["size"].to_numpy()
    group = np.array(holdout["group"].to_pylist())
    kept = holdout.take((size < np.median(size)) & (group == "a"))
    audit = audit_release(train, fresh, kept, attacks=["distance"])
    assert not audit.controls_passed
    assert audit.verdict.startswith("Not assessed: a control gave a wrong answer (without release")


class _Broken:
    name: ClassVar[str] = "broken"
    threat_model: ClassVar[ThreatModel] = ThreatModel()

    def score(self, targets, release, *, auxiliary, rng):
        raise ValueError("a plug-in fell over")


class _Endless(_Broken):
    def score(self, targets, release, *, auxiliary, rng):
        return np.full(len(targets), np.inf)


@pytest.mark.parametrize("broken", [_Broken, _Endless])
def test_a_broken_attack_is_a_failed_result(world, monkeypatch, broken):
    train, fresh, holdout = world
    made = {"broken": broken(), "distance": Distance()}
    monkeypatch.setattr(registry, "configure", lambda room, name: made[name])
    audit = audit_release(train, fresh, holdout, attacks=["broken", "distance"])
    failed = audit.find("auc", attack="broken")
    assert failed.status == "failed"
    assert failed.reason
    assert audit.find("auc", attack="distance").status == "ok"
    assert [c["attacks"] for c in audit.threat_models if c["attacks"]] == [["distance"]]
    assert any("broken" in n.name for n in audit.not_computed)


@pytest.mark.parametrize("name", odd_tables())
def test_odd_tables_have_an_explicit_status(name):
    table = odd_tables()[name]
    repeated = stack(*[table] * 8)
    for train, holdout in ((table, table), (repeated, repeated)):
        audit = audit_release(train, table, holdout)
        assert audit.verdict == CLEAN or audit.verdict.startswith("Not assessed")
        assert audit.controls_passed
        audit.to_json()


def test_thirty_rows_and_unseen_levels():
    train, fresh, holdout = parts(30, 30, 30)
    unseen = pa.array(["other"] * 30).dictionary_encode()
    changed = fresh.data.set_column(0, "group", unseen.cast(pa.dictionary(pa.int32(), pa.string())))
    audit = audit_release(train, Table(fresh.schema, changed), holdout)
    assert audit.verdict == CLEAN
    assert audit.extra["smallest_auc_seen"] > 0.7
    few = audit_release(train, fresh, holdout.take(np.arange(15)))
    assert few.verdict.startswith("Not assessed")
    assert isinstance(set_up(train, fresh.take(np.arange(0)), holdout), NoGame)


def test_the_exposed_kind_is_the_one_that_leaks():
    train, fresh, holdout = parts(3 * N, 3 * N, 4 * N)
    leaking = train.take(np.array(train["group"].to_pylist()) == "c")
    rest = fresh.take(np.array(fresh["group"].to_pylist()) != "c")
    audit = audit_release(train, stack(leaking, rest), holdout, attacks=["distance", "exact_match"])
    first = audit.exposed[0]
    assert "group is c" in audit.exposed[0].text
    assert first.low > 0.9
    assert first.count >= 10
    assert not any("group is a" in e.text and e.low > 0.5 for e in audit.exposed)


def test_grouped_auc_equals_one_auc_a_group():
    rng = np.random.default_rng(7)
    scores, member = rng.integers(0, 9, 500).astype(float), rng.random(500) < 0.4
    group = rng.integers(-1, 6, 500)
    group[group == 4] = 3
    area, n, m = grouped_auc(scores, member, group, 6)
    for g in range(6):
        inside = group == g
        assert (n[g], m[g]) == ((inside & member).sum(), (inside & ~member).sum())
        expected = auc(scores, member, inside).value if inside.any() else 0.5
        assert area[g] == pytest.approx(expected)
