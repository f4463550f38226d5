"""Tests that tell early, from a few columns, that a row will not do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinset.rules.combinations import Determines
from twinset.rules.conditions import test_of
from twinset.rules.constraints import Claim, Holds
from twinset.rules.rule import Rules
from twinset.table.expressions.expression import Expression
from twinset.table.expressions.syntax import IsNull, Logic, Name, Node, Not
from twinset.table.schema import Schema
from twinset.table.table import Table

__all__ = ["Condition", "Test", "early_tests"]


@dataclass(frozen=True)
class Test:
    """A row for which `passes` is false is of no use; `passes` needs a table of `columns` only.

    `tree` is the expression that it tests, if it is one.
    """

    __test__ = False  # no test of pytest

    columns: tuple[str, ...]
    passes: Callable[[Table], npt.NDArray[np.bool_]]
    tree: Node | None = None

    def ends(self, schema: Schema) -> dict[str, tuple[float, ...]]:
        """Return, by column of numbers, all values at which the answer may change, if known."""
        found: dict[str, set[float]] = {}
        unknown = set(self.columns) if self.tree is None else _gather(self.tree, schema, found)
        return {n: tuple(sorted(found.get(n, ()))) for n in self.columns if n not in unknown}


@dataclass(frozen=True)
class Condition:
    """What rows must meet: all of the tests."""

    tests: tuple[Test, ...]

    @classmethod
    def of(cls, expression: Expression) -> Condition:
        """Split an expression into the parts that must all hold."""
        tree = expression.tree
        items = tree.items if isinstance(tree, Logic) and tree.word == "and" else (tree,)
        parts = (Expression(item, str(item)) for item in items)
        return cls(tuple(Test(part.columns, part.mask, part.tree) for part in parts))

    def mask(self, table: Table) -> npt.NDArray[np.bool_]:
        """Say for each row whether it meets the condition."""
        met = np.ones(table.num_rows, dtype=bool)
        for test in self.tests:
            met &= test.passes(table)
        return met


def early_tests(rules: Rules, computed: Collection[str], condition: Condition | None) -> list[Test]:
    """Return the tests of rows as they are drawn: what reads no column that is `computed` later."""
    tests = [] if condition is None else list(condition.tests)
    tests += [Test(c.columns, _keeps(c), _tree(c)) for c in _of_a_row(r.claim for r in rules)]
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
