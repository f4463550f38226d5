"""Rules kept in rows that are drawn by hand: bounds, codes, given cells, what is computed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pytest

from twinset.errors import ConditionError
from twinset.rules.combinations import Determines
from twinset.rules.derive import arrange, derivations, derive, target_of
from twinset.rules.enforce import Cost, Enforcement, _with_donors, merged, needs_whole_table
from twinset.rules.files import rules_from_data
from twinset.rules.row_tests import Condition
from twinset.rules.table_constraints import Monotone
from twinset.table.expressions.expression import parse
from twinset.table.schema import Column, Kind, Schema
from twinset.table.table import Table, canonical_type

NET, TAX = Column(name="net", kind=Kind.INTEGER), Column(name="tax", kind=Kind.INTEGER)
GROSS = Column(
    name="gross",
    kind=Kind.INTEGER,
    low=10,
    high=50,
    sentinels=(-9.0, 999.0),
    declared=frozenset({"low", "high"}),
)
SUM = [{"sum": "gross", "of": ["net", "tax"]}]


def table(columns, *values) -> Table:
    arrays = {
        c.name: pa.array(np.asarray(v, dtype=object).tolist(), canonical_type(c.kind))
        for c, v in zip(columns, values, strict=True)
    }
    return Table(Schema(columns=tuple(columns)), pa.table(arrays))


def draws(columns, row):
    """Return what draws rows: `row` gives the columns of so many, for these places."""

    def more(places, n, attempt) -> Table:
        return table(columns, *row(np.random.default_rng(attempt), n, places))

    return more


def wages(rng, n, places):
    code = rng.choice([-9, 999], n)
    return (
        rng.integers(0, 41, n),
        rng.integers(0, 41, n),
        np.where(rng.random(n) < 0.2, code, rng.integers(10, 51, n)),
    )


def kept(gross: Column) -> np.ndarray:
    """Return the gross wages of 4,000 rows that keep the sum."""
    more = draws((NET, TAX, gross), wages)
    made, _ = Enforcement(rules_from_data(SUM)).keep(4_000, more, alike=True)
    return made["gross"].to_numpy()


def test_declared_bounds_hold_for_what_is_computed_and_codes_pass_them() -> None:
    gross = kept(GROSS)
    code = np.isin(gross, GROSS.sentinels)
    assert code.mean() == pytest.approx(0.2 / (0.2 + 0.8 * 1_231 / 1_681), abs=0.04)
    plain = gross[~code]
    assert plain.min() == 10
    assert plain.max() == 50


@pytest.mark.parametrize(
    ("low", "high", "declared"), [(10, None, "low"), (None, 50, "high"), (10, 50, "kind")]
)
def test_one_bound_may_be_declared_and_none_that_is_not_holds(low, high, declared) -> None:
    about = {"low": low, "high": high, "declared": frozenset({declared})}
    gross = kept(GROSS.model_copy(update=about))
    plain = gross[~np.isin(gross, GROSS.sentinels)]
    assert plain.min() == (10 if declared == "low" else 0)
    assert plain.max() == (50 if declared == "high" else 80)


def test_a_condition_may_be_rare() -> None:
    columns = (NET, TAX)
    more = draws(columns, lambda rng, n, _: (rng.integers(0, 1_000, n), rng.integers(0, 9, n)))
    rare = Condition.of(parse("net = 500"), Schema(columns=columns))
    rules = rules_from_data(["tax >= 0"])
    made, cost = Enforcement(rules, condition=rare).keep(50, more, alike=True)
    assert set(made["net"].to_pylist()) == {500}
    assert cost.drawn > 25_000


def test_repair_leaves_given_cells_and_takes_from_rows_that_share_them() -> None:
    size = 1_000
    own = np.arange(size) % 2
    sex = Column(name="sex", kind=Kind.INTEGER)

    def people(rng, n, places):
        at = np.arange(n) if places is None else places
        return own[at], rng.integers(0, 200, n), rng.integers(0, 200, n)

    rules = rules_from_data(["sex = 1 implies net = tax"])
    enforcement = Enforcement(rules, ("sex",))
    made, cost = enforcement.keep(size, draws((sex, NET, TAX), people), alike=False)
    assert cost.repaired > 100
    assert made["sex"].to_pylist() == own.tolist()
    net, tax = made["net"].to_numpy(), made["tax"].to_numpy()
    assert (net == tax)[own == 1].all()
    assert not (net == tax)[own == 0].all()


def test_rows_that_are_drawn_again_are_those_of_their_places() -> None:
    place = Column(name="place", kind=Kind.INTEGER)

    def numbered(rng, n, places):
        return (np.arange(n) if places is None else places), rng.integers(0, 200, n)

    enforcement = Enforcement(rules_from_data(["net > 100"]), ("place",))
    made, cost = enforcement.keep(500, draws((place, NET), numbered), alike=False)
    assert cost.repaired == 0
    assert made["place"].to_pylist() == list(range(500))
    assert made["net"].to_numpy().min() > 100


def test_the_nearest_row_to_one_without_a_value_has_none_either() -> None:
    real = Column(name="a", kind=Kind.REAL)
    rows = table((real, NET), [None, 0.0, None, 9.0], [1, 1, 2, 3])
    good = np.array([False, True, True, True])
    mended = _with_donors(rows, ~good, good, {"a", "net"}, ())
    assert mended["a"].to_pylist() == [None, 0.0, None, 9.0]
    assert mended["net"].to_pylist() == [2, 1, 2, 3]


def test_what_a_model_cannot_draw_is_not_asked_for_again() -> None:
    asked = []

    def more(places, n, attempt) -> Table:
        asked.append(n)
        many = n if attempt == 0 else 0
        return table((NET, TAX), np.zeros(many, int), np.zeros(many, int))

    enforcement = Enforcement(rules_from_data(["net > tax"]))
    with pytest.raises(ConditionError, match=r"rule 1 \(net > tax\)"):
        enforcement.keep(10, more, alike=True, screened=True)
    assert len(asked) == 2


def test_columns_are_computed_after_what_they_are_computed_from() -> None:
    names = ("total", "sub", "net", "tax")
    columns = [Column(name=n, kind=Kind.INTEGER) for n in names]
    rules = rules_from_data(["total = sub + tax", "sub = net + net"])
    order = derivations(rules, ())
    assert [target_of(c) for c in order] == ["sub", "total"]
    made, changed = derive(order, table(columns, [0, 7], [0, 6], [2, 3], [5, 1]))
    assert made["total"].to_pylist() == [9, 7]
    assert changed.tolist() == [True, False]


def test_no_two_columns_are_computed_from_each_other() -> None:
    rules = rules_from_data(["net = 2 * tax", "tax = net / 2", "sub = net + 1", "net = sub - 1"])
    assert [target_of(c) for c in derivations(rules, ())] == ["net", "sub"]
    assert [target_of(c) for c in derivations(rules, ("net",))] == ["tax", "sub"]


def test_a_value_is_computed_only_where_it_is_known() -> None:
    group = Column(name="g", kind=Kind.CATEGORY)
    claim = Determines(("g",), "net", (("a", 1.0),))
    made, changed = derive((claim,), table((group, NET), list("abbb"), [7, 1, 1, 2]))
    assert made["net"].to_pylist() == [1, 1, 1, 2]
    assert changed.tolist() == [True, False, False, False]


@pytest.mark.parametrize("direction", ["up", "down"])
def test_monotone_columns_are_sorted_inside_their_groups(direction) -> None:
    group = Column(name="g", kind=Kind.CATEGORY)
    claim = Monotone("net", "tax", ("g",), direction)
    rows = table((group, NET, TAX), list("aaabb"), [3, 1, 2, 5, 9], [1, 2, 3, 1, 2])
    made, _ = arrange((claim,), rows)
    wanted = [1, 2, 3, 5, 9] if direction == "up" else [3, 2, 1, 9, 5]
    assert made["net"].to_pylist() == wanted
    assert not claim.outcome(made).broken.any()


def test_rows_must_be_drawn_at_once_where_a_dependency_is_open() -> None:
    known = Column(name="g", kind=Kind.CATEGORY, categories=("a", "b"))
    schema = Schema(columns=(known, NET, TAX))

    def whole(by, *combinations) -> bool:
        rule = {"determines": "tax", "by": by, "combinations": list(combinations)}
        return needs_whole_table(rules_from_data([rule]), schema)

    assert not whole("g", ["a", 1], ["b", 2])
    assert whole("g", ["a", 1])
    assert whole(["g", "net"], ["a", 1, 1], ["b", 2, 2])
    assert needs_whole_table(rules_from_data([{"unique": "g"}]), schema)
    assert not needs_whole_table(rules_from_data(["net > 1"]), schema)


def test_the_cost_of_several_draws_weighs_them_by_their_rows() -> None:
    one = Cost(10, 40, 10, 1, 2, (5, 0), 0.5)
    two = dataclasses.replace(one, rows=30, shift=0.1)
    assert merged([]) is None
    assert merged([one, two]) == Cost(40, 80, 20, 2, 4, (10, 0), pytest.approx(0.2))
