"""Requests that a model cannot meet itself, known tables, context columns, and who reads rows."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import twinset as ts
from twinset import registry
from twinset.errors import ConditionError, InputError
from twinset.jobs.augment import augment_to
from twinset.jobs.impute import fill
from twinset.protocols import FitContext, Sample
from twinset.rules.files import as_rules
from twinset.sampling import pool
from twinset.stats.seeds import stream
from twinset.table.canonical import to_canonical
from twinset.table.frames import from_frame
from twinset.table.schema import Role
from twinset.table.table import Table
from twinset.twin import Twin

sys.path.insert(0, str(Path(__file__).parents[1] / "examples" / "plugin" / "src"))
from twinset_example.generator import Gauss


def people(n: int = 3_000, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    town = rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1])
    age = np.clip(rng.normal(40, 12, n) + 10 * (town == "c"), 18, 90).round()
    pay = np.round(np.exp(7 + 0.02 * age + 0.3 * rng.normal(size=n)), 2)
    pay[rng.random(n) < 0.1] = np.nan
    return pd.DataFrame({"town": town, "age": age.astype(int), "pay": pay})


@pytest.fixture(scope="module")
def cart() -> Twin:
    return ts.fit(people(), seed=0, workers=1)


@pytest.fixture(scope="module")
def gauss(cart: Twin) -> Twin:
    """A twin whose model draws free rows only."""
    table = cart.encoding.encode(to_canonical(from_frame(people()), cart.schema))
    model = Gauss().fit(table, context=FitContext(table, stream(0, "fit")))
    return replace(cart, model=model, generator="gauss")


def test_a_constant_is_met_by_rejection(gauss: Twin) -> None:
    (drawn,) = gauss.draws(800, given={"town": "c"})
    (free,) = gauss.draws(20_000)
    inside = free.table.take(np.array(free.table["town"].to_pylist()) == "c")
    assert drawn.method == "rejection"
    assert drawn.effective_size == 800
    assert 0.05 < drawn.acceptance < 0.15
    assert set(drawn.table["town"].to_pylist()) == {"c"}
    assert stats.ks_2samp(drawn.table["age"], inside["age"]).pvalue > 1e-3
    assert stats.ks_2samp(free.table["age"], inside["age"]).pvalue < 1e-6


def test_a_table_is_met_by_the_nearest_of_a_pool(gauss: Twin) -> None:
    given = people(500, seed=3)[["town", "age"]]
    given = given[given.age.between(25, 70)]
    made = gauss.sample(given=given)
    assert made[["town", "age"]].reset_index(drop=True).equals(given.reset_index(drop=True))
    (drawn,) = gauss.draws(given=given)
    assert drawn.method == "approximate"
    assert 0.2 * len(given) < drawn.effective_size <= len(given)
    free = gauss.sample(4_000)
    wanted = stats.spearmanr(free.age, free.pay, nan_policy="omit").statistic
    got = stats.spearmanr(made.age, made.pay, nan_policy="omit").statistic
    assert wanted > 0.3
    assert got == pytest.approx(wanted, abs=0.15)


def test_where_shares_and_rules_work_on_free_rows(gauss: Twin) -> None:
    assert (gauss.sample(200, where="age >= 50").age >= 50).all()
    shared = gauss.sample(400, shares={"town = 'c'": 0.5})
    assert (shared.town == "c").sum() == 200
    both = gauss.sample(100, given={"town": "b"}, where="age >= 50")
    assert (both.town == "b").all()
    assert (both.age >= 50).all()


def test_cells_are_imputed_from_a_pool(gauss: Twin) -> None:
    holes = to_canonical(from_frame(people(300, seed=5).assign(age=None)), gauss.schema)
    filled = fill(gauss, holes, seed=0)
    assert filled["age"].null_count == 0
    town = np.array(filled["town"].to_pylist())
    age = np.array(filled["age"].to_pylist(), dtype=float)
    assert age[town == "c"].mean() > age[town == "a"].mean() + 3


def test_few_agree_in_all_categories(gauss: Twin) -> None:
    """Codes that many free rows share are held on to longest."""
    free = np.repeat([[0, 0], [0, 1], [1, 2]], [40, 30, 3], axis=0)
    asked = np.array([[0, 1], [1, 2], [0, 7]])
    groups = {
        int(r): set(map(tuple, free[agree].tolist()))
        for rows, agree in pool._groups(free, asked)
        for r in rows
    }
    assert groups[0] == {(0, 1)}  # thirty agree in both
    assert groups[1] == {(0, 0), (0, 1), (1, 2)}  # three agree: too few in one code, too
    assert groups[2] == {(0, 0), (0, 1)}  # none agrees in both, many in the first


@pytest.mark.parametrize("name", ["cart", "gauss"])
def test_a_null_is_a_value_that_may_be_asked_for(
    name: str, cart: Twin, gauss: Twin, request: pytest.FixtureRequest
) -> None:
    twin: Twin = request.getfixturevalue(name)
    assert twin.sample(50, given={"pay": None}).pay.isna().all()
    given = pd.DataFrame({"pay": [None, 1000.0] * 20}).astype({"pay": float})
    assert twin.sample(given=given).pay.isna().tolist() == [True, False] * 20
    with pytest.raises(ConditionError, match="null, where the model makes none"):
        twin.sample(5, given={"town": None})


def test_given_tables_are_checked(cart: Twin) -> None:
    with pytest.raises(ConditionError, match="'town', row 2; got a value that the model does not"):
        cart.sample(given=pd.DataFrame({"town": ["a", "nowhere"]}))
    with pytest.raises(ConditionError, match="'age', row 1"):
        cart.sample(given=pd.DataFrame({"age": [1_000]}))
    with pytest.raises(InputError, match="number of rows"):
        cart.sample(7, given=pd.DataFrame({"town": ["a", "b"]}))
    with pytest.raises(InputError, match="--share; got a table of given rows"):
        cart.sample(given=pd.DataFrame({"town": ["a", "b"]}), shares={"age < 30": 0.5})
    with pytest.raises(InputError, match="'age'; got a fraction"):
        cart.sample(7, given={"age": 30.5})
    with pytest.raises(InputError, match="given; got list"):
        cart.sample(7, given=["a"])


def test_given_tables_and_a_condition(cart: Twin) -> None:
    given = pd.DataFrame({"town": ["a", "b", "c"] * 30})
    made = cart.sample(given=given, where="age >= 45")
    assert made.town.tolist() == given.town.tolist()
    assert (made.age >= 45).all()
    with pytest.raises(ConditionError):
        cart.sample(given=given, where="age >= 500")


@pytest.mark.parametrize("generator", ["cart", "independent", "bootstrap"])
def test_a_context_column_is_conditioned_on_and_never_modelled(
    generator: str, tmp_path: Path
) -> None:
    frame = people()
    schema = ts.schema(frame)
    columns = (
        c.model_copy(update={"role": Role.CONTEXT}) if c.name == "age" else c
        for c in schema.columns
    )
    schema = type(schema)(columns=tuple(columns))
    twin = ts.fit(frame, generator=generator, schema=schema, workers=1)
    twin.save(tmp_path / "m.twin")
    twin = ts.load(tmp_path / "m.twin")
    with pytest.raises(InputError, match="no values for age"):
        twin.sample(10)
    old, young = (twin.sample(400, given={"age": a}) for a in (70, 25))
    assert (old.age == 70).all()
    if generator == "cart":
        assert len(twin.model.sequential.steps) == 2
        assert old.pay.median() > 1.5 * young.pay.median()
    given = frame[["age"]].head(40)
    given = given.clip(lower=25, upper=65)
    assert twin.sample(given=given).age.tolist() == given.age.tolist()


class Closed:
    """A table of which only schema and units can be had; `FitContext.read` opens it."""

    def __init__(self, table: Table) -> None:
        self.inside = table
        self.schema, self.units = table.schema, table.units

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"a read past the context: {name}")


@pytest.mark.parametrize("generator", registry.built_in("generators"))
def test_every_reader_of_a_fit_goes_through_the_context(
    generator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    read, over = FitContext.read, FitContext.over

    def opened(self: FitContext, columns: object, why: str, event: object = None) -> object:
        seen.append(why)
        return read(replace(self, rows=self.rows.inside), columns, why, event)

    monkeypatch.setattr(FitContext, "read", opened)
    monkeypatch.setattr(
        FitContext,
        "over",
        lambda self, rows=None, rng=None: over(self, rows and Closed(rows), rng),
    )
    frame = people(400).assign(id=[f"P{i:04}" for i in range(400)])
    table = to_canonical(from_frame(frame), ts.schema(frame))
    rules = as_rules([{"holds": "age >= 18", "exceptions": 0.1}])
    Twin.fit(Closed(table), generator, rules=rules)
    assert set(seen) == {
        "whether there are rows",
        "repeated rows",
        "counts of rows and units",
        "rules: whether the table keeps them",
        "protection of a number",
        "protection of a category",
        "share of nulls of a column that is made new",
        f"generator {generator}",
        "rules: what they must know",
    }


class Refusing:
    """A ledger that pays for nothing."""

    def charge(self, event: object, why: str) -> None:
        raise AssertionError(why)


@pytest.mark.parametrize("generator", registry.built_in("generators"))
def test_a_ledger_refuses_reads_without_an_event(generator: str) -> None:
    table = to_canonical(from_frame(people(200)), ts.schema(people(200)))
    with pytest.raises(InputError, match="differential privacy: a read of 3 columns"):
        Twin.fit(table, generator, ledger=Refusing())
    context = FitContext(table, stream(0, "fit"), ledger=Refusing())
    with pytest.raises(InputError, match="which rows are of one unit"):
        _ = context.units
    with pytest.raises(AssertionError, match="a count"):
        context.read(["age"], "a count", event="gaussian")


def test_generators_say_what_their_models_can_do() -> None:
    assert registry.capabilities_of("cart") == ("given", "where", "log_prob")
    assert registry.capabilities_of("independent") == ("given",)


def test_ids_of_few_digits_do_not_run_out_while_rows_are_thrown_away() -> None:
    """One in a hundred rows is kept: ids are made for those, not for all that are drawn."""
    frame = people(900).assign(id=[f"C{i:03}" for i in range(900)])
    twin = ts.fit(frame, seed=0, workers=1)
    made = twin.sample(600, given={"town": "a"}, where="age >= 62")
    assert made.id.is_unique
    assert made.id.str.fullmatch(r"C\d{3}").all()


def with_role(frame: pd.DataFrame, name: str, **changes: object) -> ts.Schema:
    schema = ts.schema(frame)
    columns = (
        c.model_copy(update={**changes, "declared": c.declared | {"role"}}) if c.name == name else c
        for c in schema.columns
    )
    return type(schema)(columns=tuple(columns))


def test_what_a_call_says_of_roles_wins_over_the_schema() -> None:
    """A role in a schema file made `unit=` of no effect: protection then counted rows."""
    frame = people(400)
    schema = with_role(frame, "age", role=Role.FEATURE)
    twin = ts.fit(frame, schema=schema, unit="age", generator="independent")
    assert twin.provenance["units"] == frame.age.nunique()
    target = ts.schema(frame, schema=schema, target="age").target
    assert target is not None
    assert target.name == "age"
    named = with_role(frame, "town", role=Role.UNIT)
    with pytest.raises(InputError, match="two roles"):
        ts.schema(frame, schema=named, target="town")


@pytest.mark.parametrize("asked", [{"given": {"town": "a"}}, {"where": "town = 'a'"}])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_shares_that_other_conditions_forbid_are_refused(
    asked: dict, share: float, cart: Twin
) -> None:
    with pytest.raises(ConditionError, match="cannot have"):
        cart.sample(20, shares={"town = 'a'": share}, **asked)
    with pytest.raises(ConditionError, match="cannot have"):
        cart.sample(20, shares={"town = 'b'": share}, **asked)


def test_moments_are_not_cut_to_days() -> None:
    frame = people(300).assign(day=pd.Timestamp("2020-01-01") + pd.to_timedelta(range(300), "D"))
    twin = ts.fit(frame, seed=0, workers=1)
    day = pd.Timestamp("2020-03-05")
    assert twin.sample(given=pd.DataFrame({"day": [day]})).day.tolist() == [day]
    with pytest.raises(InputError, match="'day'; got a time of day"):
        twin.sample(given=pd.DataFrame({"day": [day, day + pd.Timedelta("1h")]}))
    with pytest.raises(InputError, match="'day'; got a time zone"):
        twin.sample(given=pd.DataFrame({"day": [day.tz_localize("Europe/Berlin")]}))


def test_jobs_that_have_no_values_for_a_context_say_so_before_any_fit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    frame = people(300)
    schema = with_role(frame, "age", role=Role.CONTEXT)
    twin = ts.fit(frame, schema=schema, workers=1)
    monkeypatch.setattr(Twin, "fit", lambda *_, **__: pytest.fail("a fit"))
    for job in (
        lambda: ts.run(frame, schema=schema, out=tmp_path / "out"),
        lambda: ts.compare(frame, ["cart"], schema=schema),
        lambda: ts.audit(frame, generator="independent", schema=schema, shadows=40),
        lambda: augment_to(frame, tmp_path / "a.csv", target="town", to="balanced", schema=schema),
    ):
        with pytest.raises(InputError, match="'age'; got the role context"):
            job()
    with pytest.raises(InputError, match="keep: true as well"):
        ts.schema(frame, schema=with_role(frame, "age", role=Role.CONTEXT, keep=True))
    holes = to_canonical(from_frame(frame.assign(age=[None] + [40] * 299)), twin.schema)
    with pytest.raises(InputError, match="gaps in a column of context"):
        fill(twin, holes, seed=0)


@pytest.mark.parametrize("null", [None, np.nan, pd.NA, pd.NaT])
def test_null_in_any_spelling(null: object, cart: Twin) -> None:
    assert cart.sample(5, given={"pay": null}).pay.isna().all()


def test_words_for_what_cannot_be_asked(cart: Twin) -> None:
    with pytest.raises(InputError, match="not finite"):
        cart.sample(5, given={"age": float("inf")})
    with pytest.raises(InputError, match="given; got a int as a key"):
        cart.sample(5, given={1: 1})
    with pytest.raises(ConditionError, match=r"--where; got 0 of [\d,]+ rows drawn"):
        cart.sample(5, where="age > 500")
    with pytest.raises(ConditionError, match="--where; got given rows"):
        cart.sample(given=pd.DataFrame({"town": ["a", "b"]}), where="town = 'a'")


def test_a_broken_plug_in_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        name, module = "broken", "broken_package.generator"

        def load(self) -> object:
            raise RuntimeError("at import")

    monkeypatch.setattr(registry, "_outside", lambda room: {"broken": Broken()})
    with pytest.raises(InputError, match=r"cannot be imported \(RuntimeError\)"):
        registry.load("metrics", "broken")


def distinct(drawn: Sample, columns: list[str]) -> int:
    return len(drawn.table.data.select(columns).to_pandas().drop_duplicates())


def test_many_rows_of_one_condition_are_many_different_rows(gauss: Twin) -> None:
    """Rows that agree were cut to 4,000 and used again, and the effective size said otherwise."""
    (drawn,) = gauss.draws(20_000, given={"town": "b"})
    assert drawn.method == "rejection"
    assert distinct(drawn, ["age", "pay"]) > 15_000
    (inside,) = gauss.draws(20_000, given={"town": "b"}, where="age >= 45")
    assert distinct(inside, ["age", "pay"]) > 12_000


def test_the_effective_size_counts_what_is_used_again(
    gauss: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "MOST_POOLED", 2_000)
    monkeypatch.setattr(pool, "_TIMES", 1)
    (drawn,) = gauss.draws(1_500, given={"town": "c"})  # about 200 free rows agree
    assert drawn.method == "approximate"
    assert drawn.effective_size < 300
    used = drawn.table.data.select(["age", "pay"]).to_pandas().value_counts(dropna=False)
    assert drawn.effective_size == pytest.approx(1_500**2 / (used**2).sum(), rel=0.1)
