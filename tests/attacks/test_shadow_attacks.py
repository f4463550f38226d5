"""Shadow attacks: counting queries against a plain loop, what each sees, and the shipped check."""

import dataclasses
import time
from itertools import combinations
from typing import ClassVar

import numpy as np
import pytest

from twinset.attacks.lira import Lira
from twinset.attacks.lira_white_box import LiraWhiteBox
from twinset.attacks.shadow_values import ShadowValues
from twinset.attacks.targeted_queries import TargetedQueries
from twinset.auditing.shadow_judge import group_auc
from twinset.auditing.shadow_learners import cross_fitted, deal_folds
from twinset.checks.attack import check_attack
from twinset.protocols import Records
from twinset.stats.neighbours import distances
from twinset.stats.queries import all_counts, conditions, counts, masks, queries


def rows(n, rng, levels=3, numbers=2, codes=3):
    values = rng.integers(0, 6, (n, numbers)).astype(float)
    values[rng.random((n, numbers)) < 0.1] = np.nan
    scaled = (values / 6).astype(np.float32)
    return Records(scaled, rng.integers(0, levels, (n, codes)).astype(np.int32), values=values)


def test_all_counts_are_those_of_a_plain_loop():
    rng = np.random.default_rng(0)
    x, s = rows(1, rng), rows(50, rng)
    columns = conditions(s)
    assert columns == ((0, 1), (2, 3), (4,), (5,), (6,))
    found = all_counts(masks(x, s), 7)

    def meets(row, bit):
        if bit >= 4:
            return s.codes[row, bit - 4] == x.codes[0, bit - 4]
        v, own = s.values[row, bit // 2], x.values[0, bit // 2]
        if np.isnan(own) or np.isnan(v):
            return np.isnan(own) and np.isnan(v)
        return v >= own if bit % 2 else v <= own

    table = np.array([[meets(r, b) for b in range(7)] for r in range(50)])
    for asked in range(128):
        wanted = [b for b in range(7) if asked >> b & 1]
        assert found[asked] == table[:, wanted].all(axis=1).sum()


def test_wide_tables_are_counted_as_narrow_ones():
    rng = np.random.default_rng(1)
    x, s = rows(1, rng, numbers=4, codes=5), rows(400, rng, numbers=4, codes=5)
    rows_met, asked = masks(x, s), queries(conditions(s), 300)
    assert 298 <= len(asked) == len(set(asked.tolist())) <= 300
    np.testing.assert_array_equal(counts(rows_met, asked, 20), counts(rows_met, asked, 13))
    assert asked[-1] == (1 << 13) - 1


def test_queries_hold_all_of_one_and_two_columns():
    asked = set(queries(((0, 1), (2,), (3,), (4,)), 200).tolist())
    kinds = [(1, 2, 3), (4,), (8,), (16,)]
    assert {k for kind in kinds for k in kind} <= asked
    for a, b in combinations(kinds, 2):
        assert {i | j for i in a for j in b} <= asked
    assert queries(((0,),), 10).tolist() == [1]


def test_all_queries_of_fourteen_columns_take_milliseconds():
    rng = np.random.default_rng(2)
    x, s = rows(1, rng, numbers=0, codes=14), rows(5_000, rng, numbers=0, codes=14)
    took = []
    for _ in range(5):
        began = time.process_time()
        assert len(all_counts(masks(x, s), 14)) == 2**14
        took.append(time.process_time() - began)
    assert min(took) < 0.005


def test_values_are_counted_exactly():
    rng = np.random.default_rng(3)
    x, s = rows(10, rng), rows(80, rng)
    found = ShadowValues().describe(x, s, auxiliary=s) ** 2
    for i in range(10):
        plain = [(s.values[:, j] == x.values[i, j]).sum() for j in range(2)]
        plain += [(s.codes[:, j] == x.codes[i, j]).sum() for j in range(3)]
        np.testing.assert_allclose(found[i], plain, rtol=1e-5)


def test_lira_looks_at_the_nearest_row():
    rng = np.random.default_rng(4)
    x, s = rows(10, rng), rows(80, rng)
    near = distances(x, s).min(axis=1)
    found = Lira().describe(x, s, auxiliary=s)[:, 0]
    np.testing.assert_allclose(found, -np.log(near + 0.01), rtol=1e-5)


@dataclasses.dataclass(frozen=True)
class Told(Lira):
    """A shadow attack that can be broken in several ways."""

    name: ClassVar[str] = "told"
    way: str = "sound"

    def describe(self, targets, release, *, auxiliary):
        found = super().describe(targets, release, auxiliary=auxiliary)
        if self.way == "blind":
            return np.zeros_like(found)
        if self.way == "shape":
            return found[:, :0] if len(release) < 10 else found
        if self.way == "clock":
            return found + np.random.default_rng().normal(size=found.shape).astype(np.float32)
        return found


@pytest.mark.parametrize(
    ("way", "promise"),
    [("blind", "is caught"), ("shape", "does not depend"), ("clock", "same numbers")],
)
def test_the_shipped_check_refuses_broken_shadow_attacks(way, promise):
    with pytest.raises(AssertionError, match=promise):
        check_attack(Told(way=way))
    check_attack(Told())


@dataclasses.dataclass(frozen=True)
class Weighed(LiraWhiteBox):
    """A white-box attack that can be broken."""

    name: ClassVar[str] = "weighed"
    way: str = "sound"

    def weigh(self, targets, train):
        found = super().weigh(targets, train)
        return {"sound": found, "blind": 0 * found, "shape": found[1:]}[self.way]


@pytest.mark.parametrize(("way", "promise"), [("blind", "is caught"), ("shape", "k numbers")])
def test_the_shipped_check_refuses_broken_white_box_attacks(way, promise):
    with pytest.raises(AssertionError, match=promise):
        check_attack(Weighed(way=way))
    check_attack(Weighed())


def test_value_leaks_are_told_from_row_leaks():
    """Columns mixed among rows repeat values, not combinations."""
    rng = np.random.default_rng(5)
    n, fits = 40, 120
    people = Records(
        np.zeros((400, 2), np.float32),
        rng.integers(0, 3, (400, 3)).astype(np.int32),
        values=rng.normal(size=(400, 2)),
    )
    found = {}
    for kind in ("values", "nothing"):
        numbers, member = [], []
        for _ in range(fits):
            inside = rng.random(3) < 0.5
            others = 3 + rng.permutation(397)[: n - inside.sum()]
            train = people.take(np.concatenate([np.flatnonzero(inside), others]))
            values = np.stack([rng.permutation(train.values[:, j]) for j in range(2)], axis=1)
            if kind == "nothing":
                values = rng.normal(size=values.shape)
            release = dataclasses.replace(train, values=values)
            numbers.append(
                ShadowValues().describe(people.take(np.arange(3)), release, auxiliary=people)
            )
            member.append(inside)
        flags, folds = np.stack(member), deal_folds(fits, rng)
        scores = cross_fitted(np.stack(numbers).astype(float)[:, :, :2], flags, folds, "ridge")
        found[kind] = group_auc(scores, flags, folds, np.arange(3)).value
    assert found["values"] > 0.95
    assert abs(found["nothing"] - 0.5) < 0.1
    assert TargetedQueries.leak == "row"
    assert ShadowValues.leak == "value"
