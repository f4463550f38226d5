"""Claims against their definitions, row by row."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinset.rules.check import check
from twinset.rules.combinations import Determines, Fixed
from twinset.rules.constraints import Equation
from twinset.rules.files import rules_from_data
from twinset.rules.table_constraints import Monotone, Unique
from twinset.table.schema import Column, Kind, Schema
from twinset.table.table import Table, canonical_type

SMALL = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", None]),
        st.sampled_from([1.0, 2.5, 3.0, None]),
        st.sampled_from(["x", "y", None]),
    ),
    min_size=1,
    max_size=12,
)


KINDS = {"g": Kind.CATEGORY, "v": Kind.REAL, "w": Kind.CATEGORY, "k": Kind.INTEGER}


def small(rows) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["g", "v", "w"], dtype=object)
    frame["k"] = np.arange(len(frame)) % 4
    return frame


def declared(frame) -> Table:
    columns = tuple(Column(name=n, kind=k) for n, k in KINDS.items())
    arrays = {n: pa.array(frame[n].tolist(), canonical_type(k)) for n, k in KINDS.items()}
    return Table(Schema(columns=columns), pa.table(arrays))


def test_rules_hold_and_each_is_broken_by_what_breaks_it(people, table_of, like, known) -> None:
    table = table_of(people)
    rules = rules_from_data(known).learned(table, 5)
    assert [c.broken for c in check(rules, table)] == [0] * len(known)
    rows = {c.rule: c.rows for c in check(rules, table)}
    assert min(rows.values()) > 100  # none holds because it applies to nothing
    bad = people.copy()
    bad.loc[:9, "end"] = bad.loc[:9, "start"] - 1
    bad.loc[:9, "pregnant"], bad.loc[:9, "sex"] = "yes", "M"
    bad.loc[:9, "age"], bad.loc[10:19, "age"] = 70, 30
    bad.loc[:9, "pension"], bad.loc[10:19, "pension"] = pd.NA, 5
    bad.loc[:9, "gross"] += 0.02
    bad.loc[:9, "code"] = bad.loc[:9, "code"] % 3 + 1
    bad.loc[:9, "level"] = bad.loc[:9, "level"].to_numpy()
    broken = [c.broken for c in check(rules, like(bad, table))]
    assert broken[:7] == [10] * 7
    odd = people.copy()
    odd.loc[:4, "level"] = "None!"
    assert [c.broken for c in check(rules, like(odd, table))][6:] == [5, 5, 5]


def test_equation_takes_rounding_but_not_more(people, table_of, like) -> None:
    table = table_of(people)
    claim = Equation.of("gross = net + tax")
    assert not claim.outcome(table).broken.any()
    off = people.assign(gross=people["gross"] + 0.01)
    assert claim.outcome(like(off, table)).broken.all()
    assert not Equation.of("gross = net + tax", 0.011).outcome(table_of(off)).broken.any()


@given(SMALL)
@settings(max_examples=60, deadline=None)
def test_determines_means_one_value_a_group(rows) -> None:
    frame = small(rows)
    table = declared(frame)
    broken = Determines(("g",), "v").outcome(table).broken
    for value, group in frame.groupby("g"):
        inside = broken[frame["g"] == value]
        counts = group["v"].astype(object).where(group["v"].notna(), "null").value_counts()
        assert int(inside.sum()) == len(group) - int(counts.max())
    assert not broken[frame["g"].isna()].any()


@given(SMALL, SMALL)
@settings(max_examples=60, deadline=None)
def test_fixed_means_the_combinations_of_train(a, b) -> None:
    train, other = small(a), small(b)
    known = {tuple(map(str, r)) for r in train[["g", "v"]].itertuples(index=False)}
    rule = Fixed(("g", "v")).learned(declared(train), 1)
    broken = rule.outcome(declared(other)).broken
    want = [tuple(map(str, r)) not in known for r in other[["g", "v"]].itertuples(index=False)]
    assert broken.tolist() == want


def test_combinations_of_fewer_units_than_the_minimum_are_not_learned(table_of) -> None:
    frame = pd.DataFrame({"a": ["x"] * 10 + ["y"] * 4, "b": ["p"] * 10 + ["q"] * 4})
    table = table_of(frame)
    assert Fixed(("a", "b")).learned(table, 5).combinations == (("x", "p"),)
    assert Determines(("a",), "b").learned(table, 5).combinations == (("x", "p"),)
    assert len(Fixed(("a", "b")).learned(table, 4).combinations) == 2


@given(SMALL)
@settings(max_examples=60, deadline=None)
def test_unique_keeps_the_first(rows) -> None:
    frame = small(rows)
    broken = Unique(("g", "w")).outcome(declared(frame)).broken
    seen, want = set(), []
    for row in frame[["g", "w"]].itertuples(index=False):
        known = None not in row
        want.append(known and row in seen)
        seen |= {row} if known else set()
    assert broken.tolist() == want


@given(SMALL, st.sampled_from(["up", "down"]), st.booleans())
@settings(max_examples=100, deadline=None)
def test_monotone_compares_with_every_row_before(rows, direction, grouped) -> None:
    frame = small(rows)
    claim = Monotone("v", "k", ("g",) if grouped else (), direction)
    broken = claim.outcome(declared(frame)).broken
    for i, j in itertools.product(range(len(frame)), repeat=2):
        a, b = frame.iloc[i], frame.iloc[j]
        if pd.isna(a["v"]) or pd.isna(b["v"]) or (grouped and (a["g"] != b["g"] or a["g"] is None)):
            continue
        if a["k"] < b["k"] and (a["v"] > b["v"] if direction == "up" else a["v"] < b["v"]):
            assert broken[j]
    if not broken.any():
        known = frame[frame["v"].notna()]
        for _, part in known.groupby("g") if grouped else [(0, known)]:
            by = part.groupby("k")["v"]
            low, high = by.min(), by.max()
            ordered = (high.shift() <= low) if direction == "up" else (low.shift() >= high)
            assert ordered[1:].all()


@pytest.mark.parametrize("kind", ["sentinel", "null"])
def test_equation_says_nothing_of_codes_and_nulls(kind, table_of) -> None:
    value = -9 if kind == "sentinel" else None
    frame = pd.DataFrame({"a": [3, 5, 7], "b": [1, 2, value], "c": [2, 3, 4]}, dtype="Int64")
    columns = [Column(name=n, kind=Kind.INTEGER, declared={"kind"}) for n in "abc"]
    columns[1] = columns[1].model_copy(update={"sentinels": (-9.0,)})
    outcome = Equation.of("a = b + c").outcome(
        table_of(frame, schema=Schema(columns=tuple(columns)))
    )
    assert outcome.applies.tolist() == [True, True, False]
    assert not outcome.broken.any()
