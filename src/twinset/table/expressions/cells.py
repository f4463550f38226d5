"""Typed cells of an expression, and how two of them compare.

A literal takes the type of what it meets: a date, the code of a category, the word for true. Whole
numbers are compared exactly, ordinals by the place of their category.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.compute as pc

from twinset.table.expressions.syntax import Boolean, Negative, Node, Number, Text, fail
from twinset.table.schema import Column

__all__ = ["TEXT_FORMS", "Value", "clash", "compared", "meet", "on_text"]

_SIGNS: dict[str, Callable[..., Any]] = {
    "=": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}
_ORDERED = ("number", "ordinal", "date", "datetime", "time")
TEXT_FORMS = {
    "date": (r"\d{4}-\d\d-\d\d", "'YYYY-MM-DD'"),
    "datetime": (r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?", "'YYYY-MM-DD HH:MM:SS'"),
    "time": (r"\d\d:\d\d(:\d\d(\.\d{1,6})?)?", "'HH:MM:SS'"),
}


@dataclass(frozen=True)
class Value:
    """Cells of one type: an Arrow array or scalar.

    `literal` is the node if it is a constant; `column` describes where a plain column comes from.
    """

    type: str
    data: Any
    literal: Node | None = None
    column: Column | None = None


def compared(sign: str, node: Node, left: Value, right: Value) -> Any:
    """Compare two cells; ExpressionError at `node` if their types do not go together."""
    left, right = meet(left, right), meet(right, left)
    if sign not in ("=", "!="):
        return _ordered(sign, node, left, right)
    kinds = {"text" if v.type == "ordinal" else v.type for v in (left, right)}
    if kinds == {"date", "datetime"}:
        left, right = _as_datetime(left), _as_datetime(right)
    elif len(kinds) > 1:
        clash(node, left, right)
    if kinds == {"text"}:
        return _equal_text(sign, left, right)
    return _SIGNS[sign](*_numbers(left, right))


def _equal_text(sign: str, left: Value, right: Value) -> Any:
    if right.literal is not None:
        return on_text(left.data, lambda t: _SIGNS[sign](t, right.data))
    if left.literal is not None:
        return on_text(right.data, lambda t: _SIGNS[sign](t, left.data))
    a, b = (v.data.cast(pa.string()) for v in (left, right))
    return _SIGNS[sign](a, b)


def _numbers(left: Value, right: Value) -> tuple[Any, Any]:
    """Compare whole numbers as such, and anything else in double precision."""
    if left.type == "number" and left.data.type != right.data.type:
        whole = pa.types.is_integer(left.data.type) and pa.types.is_integer(right.data.type)
        kind = pa.int64() if whole else pa.float64()
        return left.data.cast(kind, safe=False), right.data.cast(kind, safe=False)
    return left.data, right.data


def _ordered(sign: str, node: Node, left: Value, right: Value) -> Any:
    if "ordinal" in (left.type, right.type):
        left, right = _ranked(node, left, right), _ranked(node, right, left)
    if {left.type, right.type} == {"date", "datetime"}:
        left, right = _as_datetime(left), _as_datetime(right)
    if left.type != right.type:
        clash(node, left, right)
    if left.type not in _ORDERED:
        fail(
            f"{left.type} values have no order",
            node.at,
            allowed="=, !=, in, matches",
            hint="a category with an order is declared ordinal in the schema",
        )
    return _SIGNS[sign](*_numbers(left, right))


def _ranked(node: Node, value: Value, other: Value) -> Value:
    """Turn an ordinal, or a text that meets one, into its place in the order."""
    column = value.column if value.type == "ordinal" else other.column
    order = [] if column is None or column.categories is None else list(column.categories)
    places = pa.array(range(len(order)), pa.int64())
    if value.type == "ordinal":
        if other.type == "ordinal" and other.column != column:
            names = other.column.categories if other.column is not None else None
            if names is None or list(names) != order:
                fail("two ordinal columns with other orders", node.at)
        words = pa.array(order, pa.string())
        return Value(
            "number",
            on_text(value.data, lambda t: pc.take(places, pc.index_in(t, value_set=words))),
        )
    if value.literal is None or value.type != "text":
        clash(node, value, other)
    word = value.data.as_py()
    if word not in order:
        fail("the text is not a category of the ordinal column", node.at)
    return Value("number", pa.scalar(order.index(word)))


def _as_datetime(value: Value) -> Value:
    return Value("datetime", value.data.cast(pa.timestamp("us")), value.literal)


def clash(node: Node, left: Value, right: Value) -> NoReturn:
    """Say that two types cannot be compared."""
    hint = (
        "column names with odd signs stand in backticks"
        if "text" in (left.type, right.type)
        else ""
    )
    fail(f"a {left.type} cannot be compared with a {right.type}", node.at, hint=hint)


def meet(value: Value, other: Value) -> Value:
    """Read a literal as the type of what it meets: a date, a category's code, a boolean's word."""
    node = value.literal
    if node is None or value.type == other.type:
        return value
    if isinstance(node, Text) and other.type in TEXT_FORMS:
        return Value(other.type, _moment(node, other.type))
    if isinstance(node, Text | Number) and other.type == "boolean" and other.column is not None:
        return Value("boolean", pa.scalar(_spelled(node, other.column)))
    coded = other.type in ("text", "ordinal") and other.column is not None
    if coded and isinstance(node, Number | Negative | Boolean):
        # codes such as 1 and 2 are categories, not quantities
        return Value("text", pa.scalar(str(node)), Text(node.at, str(node)))
    return value


def _moment(node: Text, kind: str) -> pa.Scalar:
    pattern, form = TEXT_FORMS[kind]
    if re.fullmatch(pattern, node.value, re.ASCII):
        try:
            if kind == "date":
                return pa.scalar(dt.date.fromisoformat(node.value))
            if kind == "datetime":
                return pa.scalar(dt.datetime.fromisoformat(node.value), pa.timestamp("us"))
            return pa.scalar(dt.time.fromisoformat(node.value), pa.time64("us"))
        except ValueError:
            pass
    return fail(f"the text is not a {kind}", node.at, allowed=form)


def _spelled(node: Text | Number, column: Column) -> bool:
    word = node.value if isinstance(node, Text) else node.text
    words = {"true": True, "false": False}
    if column.format.true is not None and column.format.false is not None:
        words |= {column.format.true: True, column.format.false: False}
    if word not in words:
        fail(
            f"column {column.name!r} is a boolean",
            node.at,
            allowed="true, false, or as the column spells them",
        )
    return words[word]


def on_text(data: Any, work: Callable[[Any], Any]) -> Any:
    """Apply `work` to text; of coded text, once to each category."""
    if not pa.types.is_dictionary(data.type):
        return work(data)
    chunks = data.unify_dictionaries().chunks if isinstance(data, pa.ChunkedArray) else [data]
    done = [pc.take(work(c.dictionary), c.indices) for c in chunks]
    return pa.chunked_array(done) if done else work(pa.chunked_array([], pa.string()))
