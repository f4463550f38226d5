"""Rows under tests: masks and weights leave the distribution inside as rejection does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import twinset as ts
from twinset.blocks import sequential_where
from twinset.blocks.sequential import CodedRows
from twinset.blocks.sequential_where import allowed_codes
from twinset.errors import ConditionError
from twinset.protocols import RowTest, Sample
from twinset.table.expressions.expression import parse
from twinset.table.schema import Kind
from twinset.table.table import Table, numbers
from twinset.twin import Twin

ORDER = ["town", "job", "age", "ill", "pay"]
CASES = [
    "town = 't3'",  # the first column
    "ill = 'yes'",  # a late one, rare, that follows from those before
    "age between 71 and 74.5",  # part of an interval
    "pay >= 4000 or age > 84",
    "job = 'c' and pay < 800",
    "job in ('a', 'c') and ill = 'yes' and age < 60",
    "ill = 'yes' or (job = 'b' and age >= 80)",
    "pay > 60 * age and job != 'a'",  # two numbers: not to be masked
    "pay is null and age > 50",
]


@pytest.fixture(scope="module")
def twin() -> Twin:
    rng = np.random.default_rng(5)
    n = 5_000
    town = rng.choice(8, n, p=np.array([30, 20, 15, 12, 10, 6, 4, 3]) / 100)
    job = rng.choice(3, n, p=[0.5, 0.35, 0.15])
    age = np.clip(np.round(rng.normal(45 + 4 * (town == 3), 16, n)), 18, 90)
    ill = rng.random(n) < np.where((job == 2) & (town > 3), 0.25, 0.004 + age / 9_000)
    pay = np.round(rng.lognormal(7 + 0.3 * job - 0.4 * ill, 0.5, n), 1)
    pay[rng.random(n) < 0.1] = np.nan
    frame = pd.DataFrame(
        {
            "town": [f"t{i}" for i in town],
            "job": np.array(["a", "b", "c"])[job],
            "age": age,
            "ill": np.where(ill, "yes", "no"),
            "pay": pay,
        }
    )
    return ts.fit(frame, options={"order": ORDER}, workers=1)


@pytest.fixture(scope="module")
def free(twin: Twin) -> Table:
    """Many rows without any condition."""
    (drawn,) = twin.draws(150_000, seed=99, piece=150_000)
    return drawn.table


def p_values(a: Table, b: Table) -> list[float]:
    """Whether two samples come from one distribution, a column each."""
    found = []
    for name in ORDER:
        if a.schema[name].kind is Kind.CATEGORY:
            sides = [t[name].to_pylist() for t in (a, b)]
            levels = sorted({*sides[0], *sides[1]})
            counts = np.array([[side.count(v) for v in levels] for side in sides])
            counts = counts[:, counts.sum(axis=0) >= 10]
            if counts.shape[1] > 1:
                found.append(float(stats.chi2_contingency(counts).pvalue))
            continue
        x, y = (numbers(t[name], Kind.REAL) for t in (a, b))
        null = np.array([[np.isnan(v).sum(), (~np.isnan(v)).sum()] for v in (x, y)])
        if null[:, 0].sum() >= 10 and null[:, 1].sum() >= 10:
            found.append(float(stats.chi2_contingency(null).pvalue))
        if null[:, 1].min() >= 10:
            found.append(float(stats.ks_2samp(x[~np.isnan(x)], y[~np.isnan(y)]).pvalue))
    return found


def brute(free: Table, where: str) -> Table:
    return free.take(parse(where).mask(free))


@pytest.mark.parametrize("dear", [False, True])
@pytest.mark.parametrize("where", CASES)
def test_rows_inside_are_those_of_rejection(twin, free, where, dear, monkeypatch):
    if dear:
        monkeypatch.setattr(sequential_where, "_MOST", 1)
        monkeypatch.setattr(sequential_where, "_TIMES", 1.0)
        monkeypatch.setattr(sequential_where, "_GAIN", 1.0)
    inside = brute(free, where)
    n = min(inside.num_rows, 2_000)
    assert n >= 150
    (drawn,) = twin.draws(n, where=where, seed=3)
    assert brute(drawn.table, where).num_rows == n
    assert drawn.effective_size <= n
    assert min(p_values(drawn.table, inside)) > 1e-4


def test_masks_without_weights_would_be_found_out(twin, free, monkeypatch):
    right = sequential_where._candidates

    def unweighted(*args):
        rows, weight, cells = right(*args)
        return rows, np.zeros_like(weight), cells

    monkeypatch.setattr(sequential_where, "_candidates", unweighted)
    (drawn,) = twin.draws(2_000, where="ill = 'yes'", seed=3)
    assert min(p_values(drawn.table, brute(free, "ill = 'yes'"))) < 1e-8


def test_a_rare_late_value_costs_a_fraction_of_its_candidates(twin):
    where = "ill = 'yes'"
    (drawn,) = twin.draws(20_000, where=where)
    share = np.mean([v == "yes" for v in twin.sample(50_000)["ill"]])
    assert share < 0.03
    assert drawn.acceptance > 2 * share
    plain = replace(twin, model=_Plain(twin.model))
    (slow,) = plain.draws(2_000, where=where)
    assert slow.acceptance == pytest.approx(share, rel=0.25)


class _Plain:
    """The model without its tests."""

    def __init__(self, inner):
        self.inner = inner

    def sample(self, n, *, rng):
        return self.inner.sample(n, rng=rng)

    def to_state(self):
        return self.inner.to_state()


@pytest.mark.parametrize("where", ["pay > 1e9", "ill = 'yes' and ill = 'no'", "age = 44.5"])
def test_what_is_impossible_is_refused_at_once(twin, where):
    with pytest.raises(ConditionError, match="impossible or too rare"):
        twin.sample(1_000, where=where)


def test_a_mask_leaves_out_only_what_never_passes(twin):
    model = twin.model.sequential
    i = model.order[2]  # age, whose codes are atoms and intervals
    coder = model.coders[i]
    screen = RowTest(("age",), lambda t: numbers(t["age"], Kind.REAL) >= 70.5, {"age": (70.5,)})
    mask, group = allowed_codes(model, i, CodedRows(), 3, [screen])
    assert group.tolist() == [0, 0, 0]
    allowed = mask[0][: coder.size]
    rng = np.random.default_rng(0)
    for code in range(coder.size - coder.nullable):
        drawn = coder.draw_values(np.full(400, code, np.int32), rng)
        assert allowed[code] or not (drawn >= 70.5).any()
    assert 0 < allowed.sum() < coder.size
    unknown = replace(screen, ends={})
    assert allowed_codes(model, i, CodedRows(), 3, [unknown]) is None


@pytest.mark.slow
def test_the_mass_of_allowed_codes_is_the_sum_of_theirs(twin):
    model, n = twin.model.sequential, 500
    rows = CodedRows()
    model.advance(model.order, rows, {}, n, np.random.default_rng(1))
    for i in model.order:
        step = model.steps[i]
        size = len(step.share)
        rng = np.random.default_rng(i)
        allowed = rng.random((2, size)) < 0.3
        allowed[1, : size // 2] = True
        group = rng.integers(0, 2, n)
        drawn, mass = step.draw_within(rows.codes, allowed, group, rng)
        codes = (np.full(n, c, np.int32) for c in range(size))
        each = np.column_stack([np.exp(step.log_probability(rows.codes, c)) for c in codes])
        assert mass == pytest.approx((each * allowed[group]).sum(axis=1), abs=1e-9)
        there = mass > 0
        assert allowed[group[there], drawn[there]].all()


def test_a_sample_says_how_many_candidates_it_took(twin):
    screen = RowTest(("job",), lambda t: np.array(t["job"].to_pylist()) == "c")
    done = twin.model.screened(300, [screen], rng=np.random.default_rng(2))
    assert isinstance(done, Sample)
    assert done.table.num_rows == 300
    assert done.drawn >= 300 / done.acceptance * 0.5


@pytest.mark.parametrize(
    ("code", "where"), [(-9, "x <= -5 or y = 'b'"), (999, "x > 500 or x < 30")]
)
def test_a_sentinel_outside_the_bounds_meets_its_own_answer(code: int, where: str) -> None:
    """Values are cut to a column's bounds, but its sentinels: each is asked as it stands."""
    rng = np.random.default_rng(1)
    x = rng.integers(20, 90, 4_000)
    x[rng.random(4_000) < 0.1] = code
    frame = pd.DataFrame({"y": rng.choice(["a", "b"], 4_000), "x": x, "z": rng.normal(size=4_000)})
    twin = ts.fit(frame, seed=0)
    assert twin.schema["x"].sentinels == (code,)
    free = twin.sample(20_000, seed=1)
    inside = (
        free[(free.x <= -5) | (free.y == "b")] if code < 0 else free[(free.x > 500) | (free.x < 30)]
    )
    met = twin.sample(2_000, where=where, seed=2)
    for held in ("x", "y"):
        value = code if held == "x" else "b"
        share = (inside[held] == value).mean()
        assert abs((met[held] == value).mean() - share) < 5 * np.sqrt(share * (1 - share) / 2_000)
