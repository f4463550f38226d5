"""Tests that tell early, from a few columns, that a row will not do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinset.protocols import RowTest
from twinset.rules.combinations import Determines
from twinset.rules.conditions import test_of
from twinset.rules.constraints import Claim, Holds
from twinset.rules.rule import Rules
from twinset.table.expressions.expression import Expression
from twinset.table.expressions.syntax import IsNull, Logic, Name, Node, Not
from twinset.table.schema import Schema
from twinset.table.table import Table

__all__ = ["Condition", "early_tests", "row_test"]


def row_test(
    columns: tuple[str, ...],
    passes: Callable[[Table], npt.NDArray[np.bool_]],
    schema: Schema,
    tree: Node | None = None,
) -> RowTest:
    """Return a test of rows; `tree` is the expression that it tests, if it is one."""
    found: dict[str, set[float]] = {}
    unknown = set(columns) if tree is None else _gather(tree, schema, found)
    ends = {n: tuple(sorted(found.get(n, ()))) for n in columns if n not in unknown}
    return RowTest(columns, passes, ends)


@dataclass(frozen=True)
class Condition:
    """What rows must meet: all of the tests."""

    tests: tuple[RowTest, ...]

    @classmethod
    def of(cls, expression: Expression, schema: Schema) -> Condition:
        """Split an expression into the parts that must all hold."""
        tree = expression.tree
        items = tree.items if isinstance(tree, Logic) and tree.word == "and" else (tree,)
        parts = (Expression(item, str(item)) for item in items)
        return cls(tuple(row_test(p.columns, p.mask, schema, p.tree) for p in parts))

    def mask(self, table: Table) -> npt.NDArray[np.bool_]:
        """Say for each row whether it meets the condition."""
        met = np.ones(table.num_rows, dtype=bool)
        for test in self.tests:
            met &= test.passes(table)
        return met


def early_tests(
    rules: Rules, computed: Collection[str], condition: Condition | None, schema: Schema
) -> list[RowTest]:
    """Return the tests of rows as they are drawn: what reads no column that is `computed` later."""
    tests = [] if condition is None else list(condition.tests)
    claims = _of_a_row(r.claim for r in rules)
    tests += [row_test(c.columns, _keeps(c), schema, _tree(c)) for c in claims]
    return [t for t in tests if not set(t.columns) & set(computed)]


def _of_a_row(claims: Iterable[Claim]) -> list[Claim]:
    return [c for c in claims if not c.whole_table and not isinstance(c, Determines)]


def _keeps(claim: Claim) -> Callable[[Table], npt.NDArray[np.bool_]]:
    return lambda table: ~claim.outcome(table).broken


def _tree(claim: Claim) -> Node | None:
    return claim.expression.tree if isinstance(claim, Holds) else None


def _gather(tree: Node, schema: Schema, found: dict[str, set[float]]) -> set[str]:
    """Add the constants that columns are compared with; return columns of which more is asked."""
    if isinstance(tree, (Logic, Not)):
        return {name for part in tree.parts for name in _gather(part, schema, found)}
    names = set(Expression(tree, str(tree)).columns)
    if isinstance(tree, IsNull) and isinstance(tree.value, Name):
        return set()
    if len(names) > 1:
        return names
    for name in names:
        test = test_of(tree, wanted=True, column=schema[name])
        if test is None:
            return names
        numbers = (c for c in test.constants if isinstance(c, float))
        found.setdefault(name, set()).update(numbers)
    return set()
