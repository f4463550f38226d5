"""Rules kept by every generator: no row breaks one, at a cost that is told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import twinset as ts
from twinset import registry
from twinset.errors import ConditionError, InputError
from twinset.inputs import Options, read
from twinset.rules.check import check
from twinset.rules.files import rules_from_data
from twinset.twin import Twin

QUICK = {"cart": {"trees": 2}}


def broken_by(rules, frame: pd.DataFrame, table) -> list[int]:
    from twinset.inputs import read_like

    known = rules_from_data(rules).learned(table, 5)
    return [c.broken for c in check(known, read_like(frame, table, Options()))]


@pytest.mark.slow
@pytest.mark.parametrize("name", registry.built_in("generators"))
def test_no_row_breaks_a_rule(name, people, known, table_of) -> None:
    table = table_of(people)
    rules = [*known, {"monotone": "net", "along": "age", "within": ["sex"]}]
    rules[-1]["exceptions"] = 1.0
    twin = ts.fit(people, generator=name, options=QUICK.get(name), rules=rules)
    plain = ts.fit(people, generator=name, options=QUICK.get(name))
    made = twin.sample(1_500)
    assert len(made) == 1_500
    assert broken_by(rules, made, table) == [0] * len(rules)
    if name != "bootstrap":
        assert sum(broken_by(known, plain.sample(1_500), table)) > 100
    women = twin.sample(300, given={"sex": "F"}, where="age >= 60")
    assert set(women["sex"]) == {"F"}
    assert women["age"].min() >= 60
    assert broken_by(rules, women, table) == [0] * len(rules)


def test_the_same_rows_where_no_rule_is_broken(people) -> None:
    plain = ts.fit(people, generator="independent", seed=3)
    ruled = ts.fit(people, generator="independent", seed=3, rules=["age >= 0"])
    pd.testing.assert_frame_equal(plain.sample(200), ruled.sample(200))


def test_rejection_leaves_the_distribution_under_the_rules() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.choice(list("pqr"), 4_000), "b": rng.choice(list("xyz"), 4_000)})
    rule = [{"holds": "not (a = 'p' and b = 'x') and not (a = 'r' and b != 'z')", "exceptions": 1}]
    twin = ts.fit(frame, generator="independent", rules=rule)
    made = twin.sample(40_000, seed=1)
    loose = ts.fit(frame, generator="independent").sample(160_000, seed=2)
    legal = loose[
        ~((loose["a"] == "p") & (loose["b"] == "x")) & ~((loose["a"] == "r") & (loose["b"] != "z"))
    ]
    ours = made.value_counts(normalize=True)
    theirs = legal.value_counts(normalize=True)
    assert set(ours.index) == set(theirs.index)
    assert (ours - theirs[ours.index]).abs().max() < 0.01
    draw = next(iter(twin.draws(5_000)))
    assert draw.rules.acceptance == pytest.approx(1 - 3 / 9, abs=0.03)
    assert draw.rules.repaired == 0
    assert draw.rules.shift > 0.05


def test_what_is_rarely_kept_is_repaired() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=3_000)
    frame = pd.DataFrame({f"x{i}": x + rng.normal(size=3_000) * 0.1 for i in range(6)})
    rules = [
        {"holds": f"x{i} - x{i + 1} between -0.5 and 0.5", "exceptions": 0.2} for i in range(5)
    ]
    twin = ts.fit(frame, generator="independent", rules=rules)
    draw = next(iter(twin.draws(2_000)))
    assert draw.rules.repaired > 100
    assert draw.rules.acceptance < 0.1
    assert [c.broken for c in check(twin.rules, draw.table)] == [0] * 5


def test_equations_and_dependencies_are_computed(people) -> None:
    rules = [{"sum": "gross", "of": ["net", "tax"]}, {"determines": "code", "by": "level"}]
    twin = ts.fit(people, generator="independent", rules=rules)
    draw = next(iter(twin.draws(1_000)))
    assert draw.rules.acceptance == 1.0
    assert draw.rules.computed > 900
    made = twin.sample(1_000)
    assert ((made["net"] + made["tax"] - made["gross"]).abs() < 0.005).all()
    assert ((made["gross"] * 100).round() / 100 == made["gross"]).all()
    # a given column stays: what would be computed is then met by rejection
    given = twin.sample(300, given={"code": 2})
    assert set(given["level"]) == {"mid"}


def test_unique_combinations_and_what_cannot_be() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.choice(list("pqrs"), 400), "b": rng.integers(0, 200, 400)})
    rules = [{"unique": ["a", "b"], "exceptions": 1}]
    twin = ts.fit(frame, generator="independent", rules=rules)
    assert not twin.sample(400).duplicated().any()
    with pytest.raises(ConditionError, match=r"rule 1 \(no two rows share a, b\)"):
        twin.sample(2_000)


@pytest.mark.parametrize(
    ("rules", "word"),
    [
        (["age > 50", "age < 40"], "a contradiction"),
        (["age > 50"], "rows of the table break it"),
        (["no_such_column > 1"], "no_such_column"),
    ],
)
def test_bad_sets_are_refused_before_the_fit(people, rules, word) -> None:
    with pytest.raises(InputError, match=word):
        ts.fit(people, generator="independent", rules=rules)


def test_what_the_model_cannot_make_names_the_rules(people) -> None:
    rules = ["age >= 0", {"holds": "age > 80 and net < 1", "exceptions": 1}]
    twin = ts.fit(people, generator="independent", rules=rules)
    with pytest.raises(ConditionError, match=r"rule 2 \(age > 80 and net < 1\)") as caught:
        twin.sample(100)
    assert "\n" not in str(caught.value)


def test_declared_bounds_hold_for_what_is_computed(people) -> None:
    from twinset.table.schema import Column, Kind, Schema

    most = float(people["gross"].max())
    declared = Column(name="gross", kind=Kind.REAL, high=most, declared={"kind", "high"})
    rules = [{"sum": "gross", "of": ["net", "tax"]}]
    twin = ts.fit(people, generator="independent", rules=rules, schema=Schema(columns=(declared,)))
    assert twin.sample(2_000)["gross"].max() <= most


def test_columns_that_are_kept_stay_in_their_rows() -> None:
    from twinset.table.schema import Column, Schema

    rng = np.random.default_rng(0)
    sex = rng.choice(["F", "M"], 600)
    frame = pd.DataFrame(
        {"sex": sex, "ill": np.where(sex == "M", "no", rng.choice(["no", "yes"], 600))}
    )
    keep = Schema(columns=(Column(name="sex", keep=True, declared={"keep"}),))
    rules = ["sex = 'M' implies ill = 'no'"]
    twin = ts.fit(frame, generator="independent", schema=keep, rules=rules)
    made = twin.sample(600)
    assert made["sex"].tolist() == sex.tolist()
    assert not ((made["sex"] == "M") & (made["ill"] == "yes")).any()
    assert made["ill"][made["sex"] == "F"].eq("yes").mean() == pytest.approx(0.25, abs=0.08)


def test_a_model_file_keeps_its_rules(people, known, tmp_path) -> None:
    twin = ts.fit(people, generator="independent", rules=known)
    twin.save(tmp_path / "m.twin")
    again = ts.load(tmp_path / "m.twin")
    assert [str(r) for r in again.rules] == [str(r) for r in twin.rules]
    pd.testing.assert_frame_equal(again.sample(300), twin.sample(300))
    assert again.facts()["rules"][0] == "start <= end"


def test_pieces_and_workers_change_nothing(people, known) -> None:
    from twinset.scale.local import use_workers

    table = read(people, Options())[1].only
    twin = Twin.fit(table, "independent", rules=rules_from_data(known[1:5]))
    with use_workers(1):
        one = [d.table.data for d in twin.draws(900, piece=300)]
    with use_workers(3):
        three = [d.table.data for d in twin.draws(900, piece=300)]
    assert all(a.equals(b) for a, b in zip(one, three, strict=True))
    assert len(one) == 3


def test_numbers_made_unique_stay_unique() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"id": [f"C{i:05}" for i in range(800)], "a": rng.choice(list("pq"), 800)})
    frame["b"] = np.where(frame["a"] == "p", "x", rng.choice(list("xy"), 800))
    twin = ts.fit(frame, generator="independent", rules=["a = 'p' implies b = 'x'"])
    made = twin.sample(800)
    assert made["id"].is_unique
    assert not ((made["a"] == "p") & (made["b"] == "y")).any()
