"""Conditions on one column with constants, as tests of single values."""

from __future__ import annotations

import itertools
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from twinset.table.expressions.syntax import (
    Between,
    Boolean,
    Compare,
    IsIn,
    Matches,
    Name,
    Negative,
    Node,
    Number,
    Text,
)
from twinset.table.schema import Column, Kind
from twinset.table.table import canonical_type, numbers

__all__ = ["OPPOSITE", "ValueTest", "may_hold", "test_of"]

Value = float | str
_SIGNS: dict[str, Callable[[Value, Value], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}
OPPOSITE = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_FRESH = "\x00"


@dataclass(frozen=True)
class ValueTest:
    """A test of one value; `constants` are where its answer changes.

    `bound` is the (sign, number) of a plain comparison with one number, for chains of orders.
    """

    __test__ = False  # no test of pytest

    holds: Callable[[Value], bool]
    constants: tuple[Value, ...]
    bound: tuple[str, float] | None = None


def test_of(tree: Node, wanted: bool, column: Column) -> ValueTest | None:
    """Return the test that a condition on `column` and constants is; None if it is another form."""
    if isinstance(tree, Name):
        return _sign_test("=", "true" if wanted else "false")
    if isinstance(tree, Compare):
        return _compare(tree, wanted, column)
    if isinstance(tree, IsIn) and isinstance(tree.value, Name):
        options = [_constant(o, column) for o in tree.options]
        known = tuple(o for o in options if o is not None)
        if len(known) < len(options):
            return None
        inside = wanted != tree.negated
        return ValueTest(lambda v: (v in known) == inside, known)
    if isinstance(tree, Between) and isinstance(tree.value, Name):
        low, high = _constant(tree.low, column), _constant(tree.high, column)
        if not (isinstance(low, float) and isinstance(high, float)):
            return None
        inside = wanted != tree.negated
        return ValueTest(lambda v: (low <= v <= high) == inside, (low, high))  # type: ignore[operator]
    if isinstance(tree, Matches) and isinstance(tree.value, Name):
        return _pattern(tree, wanted)
    return None


test_of.__test__ = False  # type: ignore[attr-defined]


def may_hold(tests: Sequence[ValueTest | None], column: Column) -> bool:
    """Whether some value of the column passes all tests."""
    real = [t for t in tests if t is not None]
    return any(all(t.holds(v) for t in real) for v in _candidates(real, column))


def _candidates(tests: Sequence[ValueTest], column: Column) -> list[Value]:
    """One value of every kind that the tests tell apart."""
    constants = {c for t in tests for c in t.constants}
    if column.kind.is_number_like:
        return _numbers_around(sorted(c for c in constants if isinstance(c, float)), column)
    if column.kind is Kind.BOOLEAN:
        return ["true", "false"]
    closed = column.kind is Kind.ORDINAL or "categories" in column.declared
    known = {*constants, *(column.categories or ())}
    if closed and column.categories:
        return list(column.categories)
    return [*sorted(known, key=str), _FRESH]


def _numbers_around(constants: Sequence[float], column: Column) -> list[Value]:
    whole = column.kind.is_whole
    if not constants:
        return [0.0]
    around = [constants[0] - 1.0, constants[-1] + 1.0, *constants]
    for a, b in itertools.pairwise(constants):
        middle = (a + b) / 2
        around += [float(int(a) + 1)] if whole and int(a) + 1 < b else []
        around += [] if whole else [middle]
    low = column.low if "low" in column.declared else None
    high = column.high if "high" in column.declared else None
    around += [v for v in (low, high) if v is not None]
    inside = (v for v in around if (low is None or v >= low) and (high is None or v <= high))
    return [v for v in inside if not whole or float(v).is_integer()]


def _compare(tree: Compare, wanted: bool, column: Column) -> ValueTest | None:
    sign, left, right = tree.sign, tree.left, tree.right
    if isinstance(right, Name):
        sign, left, right = _TURNED[sign], right, left
    if not isinstance(left, Name):
        return None
    value = _constant(right, column)
    if value is None:
        return None
    sign = sign if wanted else OPPOSITE[sign]
    if column.kind is Kind.ORDINAL and sign not in ("=", "!="):
        return _ranked(sign, str(value), column)
    return _sign_test(sign, value)


def _sign_test(sign: str, value: Value) -> ValueTest:
    work = _SIGNS[sign]
    bound = (sign, value) if isinstance(value, float) and sign not in ("=", "!=") else None
    other = sign == "!="  # a value that is none of those mentioned differs from all of them
    return ValueTest(lambda v: other if v == _FRESH else work(v, value), (value,), bound)


def _ranked(sign: str, value: str, column: Column) -> ValueTest | None:
    order = list(column.categories or ())
    if value not in order:
        return None
    work, place = _SIGNS[sign], order.index(value)
    return ValueTest(lambda v: v in order and work(order.index(str(v)), place), (value,))


def _pattern(tree: Matches, wanted: bool) -> ValueTest | None:
    """ValueTest known words by RE2; a word that no rule mentions may match or not."""
    inside = wanted != tree.negated

    def holds(value: Value) -> bool:
        if value == _FRESH:
            return True
        whole = rf"\A(?:{tree.pattern})\z"
        found = pa.compute.match_substring_regex(pa.scalar(str(value)), whole).as_py()
        return bool(found) == inside

    return ValueTest(holds, ())


def _constant(node: Node, column: Column) -> Value | None:
    """Return a literal as the column holds it: a number for number-like columns, else text."""
    negative = isinstance(node, Negative)
    inner = node.value if isinstance(node, Negative) else node
    if isinstance(inner, Boolean):
        return str(inner.value).lower()
    if isinstance(inner, Number):
        number = -float(inner.text) if negative else float(inner.text)
        return number if column.kind.is_number_like else str(node)
    if not isinstance(inner, Text) or negative:
        return None
    if column.kind is Kind.BOOLEAN:
        words = {column.format.true: "true", column.format.false: "false"}
        return words.get(inner.value, inner.value)
    if not column.kind.is_number_like:
        return inner.value
    if not re.fullmatch(r"[-0-9T:. ]+", inner.value):
        return None
    try:
        cast = pa.array([inner.value]).cast(canonical_type(column.kind))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    return float(numbers(pa.chunked_array([cast]), column.kind)[0])
