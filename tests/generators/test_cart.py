"""cart: a condition on a late column gives what rejection gives."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats

import twinset as ts
from twinset.blocks import sequential_given
from twinset.blocks.sequential_given import _each
from twinset.checks.tables import category_array, learnable_table
from twinset.errors import ConditionError
from twinset.generators.cart import Cart, CartModel
from twinset.protocols import FitContext, PartialRows, State
from twinset.stats.seeds import stream
from twinset.table.schema import Kind, Schema
from twinset.table.table import Table, numbers


def test_one_condition_on_a_late_column_is_as_by_rejection() -> None:
    table = learnable_table(4_000, seed=0)
    options = Cart(order=("size", "spend", "count", "flag"))
    model = options.fit(table, context=FitContext(table, stream(0, "fit")))
    schema = Schema(columns=(table.schema["group"],))
    codes = np.full(3_000, 2)
    asked = Table(schema, pa.table({"group": category_array(codes, ("a", "b", "c"))}))
    given = model.complete(PartialRows.of(asked), rng=stream(0, "given")).table
    free = model.sample(60_000, rng=stream(0, "free"))
    inside = free.take(np.array(free["group"].to_pylist()) == "c")
    assert set(given["group"].to_pylist()) == {"c"}
    for name in ("count", "size"):
        a, b = (np.array(t[name].to_pylist(), dtype=float) for t in (given, inside))
        assert abs(a.mean() - b.mean()) < 4 * b.std() / np.sqrt(1_000)
    yes = [np.mean(np.array(t["flag"].to_pylist()) == "yes") for t in (given, inside)]
    assert abs(yes[0] - yes[1]) < 0.06


@pytest.mark.slow
@pytest.mark.parametrize("more", [0, 9])
def test_what_only_two_columns_together_tell_is_learned(more: int) -> None:
    """An exclusive or: neither column alone says anything of the label (four modes, 5 sd apart)."""
    rng = np.random.default_rng(7)
    a, b = rng.integers(0, 2, (2, 8_000))
    frame = pd.DataFrame({"x": 5 * a + rng.normal(size=8_000), "y": 5 * b + rng.normal(size=8_000)})
    for i in range(more):
        frame[f"noise_{i}"] = rng.normal(size=8_000).round(2)
    frame["label"] = np.where(a == b, "same", "other")
    made = ts.fit(frame, target="label", seed=0).sample()
    right = np.where((made.x > 2.5) == (made.y > 2.5), "same", "other") == made.label
    assert right.mean() > 0.95


@pytest.mark.parametrize("scale", [1e300, 1e-300, np.nan])
def test_columns_of_no_plain_number_are_learned(scale: float) -> None:
    """All too large to be a quantity, all next to nothing, all null."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.integers(0, 50, 300), "z": rng.random(300) * scale})
    drawn = ts.fit(table, workers=1).sample(20, given={"a": 7})
    assert drawn["z"].isna().all() == (scale != 1e-300)
    assert (drawn["a"] == 7).all()


def rare_world(rows: int = 8_000) -> tuple[pd.DataFrame, Cart]:
    """A late column whose rare value comes from few levels of the first one."""
    rng = np.random.default_rng(3)
    town = rng.choice(12, rows, p=[0.3, 0.2, 0.15, *[0.35 / 9] * 9])
    chance = np.where(town >= 10, 0.35, np.where(town == 0, 0.02, 0.001))
    age = rng.integers(18, 80, rows)
    rare = np.where(rng.random(rows) < chance, "rare", "usual")
    pay = np.round(rng.lognormal(7, 0.5, rows) * np.where(rare == "rare", 1.5, 1.0))
    frame = pd.DataFrame({"town": [f"t{i}" for i in town], "age": age, "rare": rare, "pay": pay})
    return frame, Cart(order=("town", "age", "rare", "pay"))


def far_apart(a: list[str], b: list[str]) -> float:
    """P value of the chi-square test that two samples come from one distribution."""
    levels = sorted({*a, *b})
    counts = np.array([[sum(v == w for v in side) for w in levels] for side in (a, b)])
    return float(stats.chi2_contingency(counts[:, counts.sum(axis=0) >= 10]).pvalue)


def test_a_rare_value_changes_nothing_inside_its_condition() -> None:
    frame, options = rare_world()
    twin = ts.fit(frame, options={"order": list(options.order)}, workers=1)
    (given,) = twin.draws(4_000, given={"rare": "rare"})
    (inside,) = twin.draws(4_000, where="rare = 'rare'", seed=1)
    assert (given.method, given.effective_size) == ("exact", 4_000)
    assert 0.01 < given.acceptance < 0.2
    towns = [t.table["town"].to_pylist() for t in (given, inside)]
    assert far_apart(*towns) > 1e-3
    pays = [numbers(t.table["pay"], Kind.REAL) for t in (given, inside)]
    assert stats.ks_2samp(*pays).pvalue > 1e-3
    # the same test finds the bias of one among 16 candidates a row
    asked = twin.encoding.stated({"rare": "rare"}, 4_000)
    known = twin.model.sequential.known(asked)
    rows, _ = _each(twin.model.sequential, known, np.arange(4_000), stream(0, "few"))
    few = twin.model.sequential.decode(rows, stream(0, "few"))
    assert far_apart(few["town"].to_pylist(), towns[1]) < 1e-6


def test_too_dear_a_condition_is_met_by_weights_and_says_so(monkeypatch) -> None:
    frame, options = rare_world(3_000)
    twin = ts.fit(frame, options={"order": list(options.order)}, workers=1)
    monkeypatch.setattr(sequential_given, "_MOST", 1)
    monkeypatch.setattr(sequential_given, "_TIMES", 1.0)
    (drawn,) = twin.draws(20_000, given={"rare": "rare"})
    assert drawn.method == "importance"
    assert 100 < drawn.effective_size < 10_000
    assert set(drawn.table["rare"].to_pylist()) == {"rare"}


@pytest.mark.parametrize("rules", [None, [{"holds": "pay < 2500", "exceptions": 0.2}]])
def test_rows_are_given_up_as_soon_as_they_fail(rules) -> None:
    frame, options = rare_world(4_000)
    twin = ts.fit(frame, options={"order": list(options.order)}, rules=rules, workers=1)
    where = "age >= 60 and rare = 'rare'"
    drawn, plain = (
        next(replace(twin, model=model).draws(1_500, where=where))
        for model in (twin.model, Unscreened(twin.model))
    )
    assert plain.saved == 0
    assert drawn.acceptance > 2 * plain.acceptance  # what cannot pass is never drawn
    assert far_apart(*(d.table["town"].to_pylist() for d in (drawn, plain))) > 1e-3
    pays = [numbers(d.table["pay"], Kind.REAL) for d in (drawn, plain)]
    assert stats.ks_2samp(*pays).pvalue > 1e-3
    # masking that draws the column anew in place of the row would be found out
    free = twin.sample(1_500, where="age >= 60")["town"].tolist()
    assert far_apart(free, plain.table["town"].to_pylist()) < 1e-6
    with pytest.raises(ConditionError, match=r"impossible|keep"):
        twin.sample(5, where="age > 500")


@dataclass(frozen=True, eq=False)
class Unscreened:
    """The model without its early tests."""

    inner: CartModel

    def sample(self, n: int, *, rng: np.random.Generator) -> Table:
        return self.inner.sample(n, rng=rng)

    def to_state(self) -> State:
        return self.inner.to_state()
