"""Whether some row can keep all rules at once: a search over the cases that they distinguish.

Conditions on single columns are decided exactly (every constant that the rules mention, the gaps
between them, and one value that is none of them), orders between two number-like columns by their
chains. What is neither (arithmetic, functions) is taken to be free, so a contradiction that is
reported is one; not every one is found.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from twinset.rules.conditions import OPPOSITE, ValueTest, may_hold, test_of
from twinset.rules.constraints import Holds
from twinset.rules.rule import Rule, Rules
from twinset.table.expressions.syntax import Boolean, Compare, IsNull, Logic, Name, Node, Not
from twinset.table.schema import Schema

__all__ = ["contradiction"]

_MOST_STEPS = 30_000


Tests = dict[str, tuple[ValueTest | None, ...]]  # a column without a test is known not to be null


@dataclass(frozen=True)
class _State:
    """What a branch of the search has assumed so far."""

    tests: Tests = field(default_factory=dict)
    null: frozenset[str] = frozenset()
    orders: tuple[tuple[str, str, bool], ...] = ()  # (a, b, strict): a is at most, or below, b


def contradiction(rules: Rules, schema: Schema) -> tuple[Rule, ...]:
    """Return a smallest set of rules that no row can keep; empty if none was found.

    Where some row of a table keeps them all there is none, which is quicker to see.
    """
    found = tuple(r for r in rules if isinstance(r.claim, Holds))
    if _satisfiable(found, schema):
        return ()
    for rule in tuple(found):
        fewer = tuple(r for r in found if r is not rule)
        if not _satisfiable(fewer, schema):
            found = fewer
    return found


def _satisfiable(rules: Sequence[Rule], schema: Schema) -> bool:
    trees = [r.claim.expression.tree for r in rules if isinstance(r.claim, Holds)]
    nullable = frozenset(
        n.value.name
        for t in trees
        for n in _walk(t)
        if isinstance(n, IsNull) and isinstance(n.value, Name)
    )
    search = _Search(schema, nullable)
    return search.holds(trees)


def _walk(tree: Node) -> Iterator[Node]:
    yield tree
    for part in tree.parts:
        yield from _walk(part)


_Goal = tuple[Node, bool]  # a tree, and whether it must be true


@dataclass(frozen=True)
class _Search:
    """Backtracking over the alternatives, the most constrained condition first.

    A null is considered where a rule speaks of it.
    """

    schema: Schema
    nullable: frozenset[str]

    def holds(self, trees: Sequence[Node]) -> bool:
        """Whether some row meets all trees; true if the search grows too long."""
        waiting: list[tuple[tuple[_Goal, ...], _State]] = [
            (tuple((t, True) for t in trees), _State())
        ]
        steps = 0
        while waiting and steps < _MOST_STEPS:
            goals, state = waiting.pop()
            if not goals:
                return True
            fewest: list[tuple[tuple[_Goal, ...], _State]] | None = None
            place = 0
            for i, goal in enumerate(goals):
                steps += 1
                found = list(self._expand(*goal, state))
                if fewest is None or len(found) < len(fewest):
                    fewest, place = found, i
                if len(found) <= 1:
                    break
            rest = goals[:place] + goals[place + 1 :]
            waiting.extend((new + rest, assumed) for new, assumed in reversed(fewest or []))
        return bool(waiting)

    def _expand(
        self, tree: Node, wanted: bool, state: _State
    ) -> Iterator[tuple[tuple[_Goal, ...], _State]]:
        """Alternatives by which one goal is met: what is left to do, and what is assumed."""
        if isinstance(tree, Not):
            yield from self._expand(tree.value, not wanted, state)
            return
        if not isinstance(tree, Logic):
            for assumed in self._assume(tree, wanted, state):
                yield (), assumed
            return
        parts = [(i, wanted) for i in tree.items]
        if tree.word == "implies":
            parts = [(tree.items[0], not wanted), (tree.items[1], wanted)]
        if (tree.word == "and") == wanted:
            yield tuple(parts), state
            return
        for part in parts:
            yield from self._expand(*part, state)

    def _assume(self, tree: Node, wanted: bool, state: _State) -> Iterator[_State]:
        """States in which one condition is as wanted, or unknown because of a null."""
        if isinstance(tree, Boolean):
            if tree.value == wanted:
                yield state
            return
        if isinstance(tree, IsNull) and isinstance(tree.value, Name):
            yield from self._assume_null(tree.value.name, (not tree.negated) == wanted, state)
            return
        names = list(dict.fromkeys(n.name for n in _walk(tree) if isinstance(n, Name)))
        if any(n in state.null for n in names):
            yield state
            return
        for name in names:
            if name in self.nullable and not state.tests.get(name):
                yield _State(state.tests, state.null | {name}, state.orders)
        yield from self._assume_known(tree, wanted, names, state)

    def _assume_null(self, name: str, null: bool, state: _State) -> Iterator[_State]:
        if null and not state.tests.get(name):
            yield _State(state.tests, state.null | {name}, state.orders)
        if not null and name not in state.null:
            known: Tests = {**state.tests, name: state.tests.get(name, ()) or (None,)}
            yield _State(known, state.null, state.orders)

    def _assume_known(
        self, tree: Node, wanted: bool, names: list[str], state: _State
    ) -> Iterator[_State]:
        tests: Tests = {n: state.tests.get(n, ()) or (None,) for n in names}
        known: Tests = {**state.tests, **tests}
        if len(names) == 1:
            test = test_of(tree, wanted, self.schema[names[0]])
            if test is None:
                yield _State(known, state.null, state.orders)
                return
            mine = (*known[names[0]], test)
            if may_hold(mine, self.schema[names[0]]):
                tried: Tests = {**known, names[0]: mine}
                yield from self._ordered(_State(tried, state.null, state.orders))
            return
        order = self._order(tree, wanted)
        if order is None:
            yield _State(known, state.null, state.orders)
            return
        for more in order:
            yield from self._ordered(_State(known, state.null, (*state.orders, *more)))

    def _order(self, tree: Node, wanted: bool) -> list[tuple[tuple[str, str, bool], ...]] | None:
        """Alternatives of orders that a comparison of two columns asks for."""
        if not (
            isinstance(tree, Compare)
            and isinstance(tree.left, Name)
            and isinstance(tree.right, Name)
            and all(self.schema[n.name].kind.is_number_like for n in (tree.left, tree.right))
        ):
            return None
        a, b = tree.left.name, tree.right.name
        sign = tree.sign if wanted else OPPOSITE[tree.sign]
        if sign == "=":
            return [((a, b, False), (b, a, False))]
        if sign == "!=":
            return [((a, b, True),), ((b, a, True),)]
        low, high = (a, b) if sign[0] == "<" else (b, a)
        return [((low, high, len(sign) == 1),)]

    def _ordered(self, state: _State) -> Iterator[_State]:
        """Yield the state unless its orders and bounds form a circle that must grow."""
        edges: list[tuple[str, str, float, bool]] = [
            (a, b, 0.0, strict) for a, b, strict in state.orders
        ]
        for name, tests in state.tests.items():
            low, low_open, high, high_open = _bounds(tests)
            if math.isfinite(low):
                edges.append(("", name, low, low_open))
            if math.isfinite(high):
                edges.append((name, "", -high, high_open))
        if state.orders and _grows(edges):
            return
        yield state


def _bounds(tests: tuple[ValueTest | None, ...]) -> tuple[float, bool, float, bool]:
    """Largest lower and smallest upper bound among tests, and whether they are strict."""
    low, low_open, high, high_open = -math.inf, False, math.inf, False
    for test in tests:
        if test is None or test.bound is None:
            continue
        sign, value = test.bound
        if sign[0] == ">" and (value, sign == ">") > (low, low_open):
            low, low_open = value, sign == ">"
        if sign[0] == "<" and (-value, sign == "<") > (-high, high_open):
            high, high_open = value, sign == "<"
    return low, low_open, high, high_open


def _grows(edges: list[tuple[str, str, float, bool]]) -> bool:
    """Whether distances a + gap <= b have a circle of positive length (Bellman 1958)."""
    far: dict[str, tuple[float, int]] = {n: (0.0, 0) for e in edges for n in e[:2]}
    for _ in range(len(far) + 1):
        changed = False
        for a, b, gap, strict in edges:
            reach = (far[a][0] + gap, far[a][1] + strict)
            if reach > far[b]:
                far[b], changed = reach, True
        if not changed:
            return False
    return True
