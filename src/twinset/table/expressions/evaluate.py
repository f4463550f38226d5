"""What an expression tree means for a table, by Arrow compute and three-valued logic.

Types are checked before any row is looked at. A literal takes the type of what it meets: a date,
the code of a category, the word for true. Whole numbers are compared exactly, ordinals by the place
of their category; sums and products are double precision; a division by zero is null.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinset.errors import near
from twinset.table.expressions.syntax import (
    Between,
    Boolean,
    Call,
    Compare,
    IsIn,
    IsNull,
    Logic,
    Matches,
    Name,
    Negative,
    Node,
    Not,
    Number,
    Operation,
    Text,
    fail,
)
from twinset.table.schema import Column, Kind
from twinset.table.table import Table, numbers

__all__ = ["check_pattern", "evaluate", "evaluate_amount"]

_SIGNS: dict[str, Callable[..., Any]] = {
    "=": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}
_ORDERED = ("number", "ordinal", "date", "datetime", "time")
_TEXT_FORMS = {
    "date": (r"\d{4}-\d\d-\d\d", "'YYYY-MM-DD'"),
    "datetime": (r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?", "'YYYY-MM-DD HH:MM:SS'"),
    "time": (r"\d\d:\d\d(:\d\d(\.\d{1,6})?)?", "'HH:MM:SS'"),
}
_TYPES = {
    Kind.BOOLEAN: "boolean",
    Kind.INTEGER: "number",
    Kind.REAL: "number",
    Kind.ORDINAL: "ordinal",
    Kind.DATE: "date",
    Kind.DATETIME: "datetime",
    Kind.TIME: "time",
    Kind.DURATION: "number",
}
_MICROSECONDS = 1e6


@dataclass(frozen=True)
class _Value:
    """Cells of one type: an Arrow array or scalar.

    `literal` is the node if it is a constant; `column` describes where a plain column comes from.
    """

    type: str
    data: Any
    literal: Node | None = None
    column: Column | None = None


def _compared(sign: str, node: Node, left: _Value, right: _Value) -> Any:
    """Compare two cells; ExpressionError at `node` if their types do not go together."""
    left, right = _meet(left, right), _meet(right, left)
    if sign not in ("=", "!="):
        return _ordered(sign, node, left, right)
    kinds = {"text" if v.type == "ordinal" else v.type for v in (left, right)}
    if kinds == {"date", "datetime"}:
        left, right = _as_datetime(left), _as_datetime(right)
    elif len(kinds) > 1:
        _clash(node, left, right)
    if kinds == {"text"}:
        return _equal_text(sign, left, right)
    return _SIGNS[sign](*_numbers(left, right))


def _equal_text(sign: str, left: _Value, right: _Value) -> Any:
    if right.literal is not None:
        return _on_text(left.data, lambda t: _SIGNS[sign](t, right.data))
    if left.literal is not None:
        return _on_text(right.data, lambda t: _SIGNS[sign](t, left.data))
    a, b = (v.data.cast(pa.string()) for v in (left, right))
    return _SIGNS[sign](a, b)


def _numbers(left: _Value, right: _Value) -> tuple[Any, Any]:
    """Compare whole numbers as such, and anything else in double precision."""
    if left.type == "number" and left.data.type != right.data.type:
        whole = pa.types.is_integer(left.data.type) and pa.types.is_integer(right.data.type)
        kind = pa.int64() if whole else pa.float64()
        return left.data.cast(kind, safe=False), right.data.cast(kind, safe=False)
    return left.data, right.data


def _ordered(sign: str, node: Node, left: _Value, right: _Value) -> Any:
    if "ordinal" in (left.type, right.type):
        left, right = _ranked(node, left, right), _ranked(node, right, left)
    if {left.type, right.type} == {"date", "datetime"}:
        left, right = _as_datetime(left), _as_datetime(right)
    if left.type != right.type:
        _clash(node, left, right)
    if left.type not in _ORDERED:
        fail(
            f"{left.type} values have no order",
            node.at,
            allowed="=, !=, in, matches",
            hint="a category with an order is declared ordinal in the schema",
        )
    return _SIGNS[sign](*_numbers(left, right))


def _ranked(node: Node, value: _Value, other: _Value) -> _Value:
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
        return _Value(
            "number",
            _on_text(value.data, lambda t: pc.take(places, pc.index_in(t, value_set=words))),
        )
    if value.literal is None or value.type != "text":
        _clash(node, value, other)
    word = value.data.as_py()
    if word not in order:
        fail("the text is not a category of the ordinal column", node.at)
    return _Value("number", pa.scalar(order.index(word)))


def _as_datetime(value: _Value) -> _Value:
    return _Value("datetime", value.data.cast(pa.timestamp("us")), value.literal)


def _clash(node: Node, left: _Value, right: _Value) -> NoReturn:
    """Say that two types cannot be compared."""
    hint = (
        "column names with odd signs stand in backticks"
        if "text" in (left.type, right.type)
        else ""
    )
    fail(f"a {left.type} cannot be compared with a {right.type}", node.at, hint=hint)


def _meet(value: _Value, other: _Value) -> _Value:
    """Read a literal as the type of what it meets: a date, a category's code, a boolean's word."""
    node = value.literal
    if node is None or value.type == other.type:
        return value
    if isinstance(node, Text) and other.type in _TEXT_FORMS:
        return _Value(other.type, _moment(node, other.type))
    if isinstance(node, Text | Number) and other.type == "boolean" and other.column is not None:
        return _Value("boolean", pa.scalar(_spelled(node, other.column)))
    coded = other.type in ("text", "ordinal") and other.column is not None
    if coded and isinstance(node, Number | Negative | Boolean):
        # codes such as 1 and 2 are categories, not quantities
        return _Value("text", pa.scalar(str(node)), Text(node.at, str(node)))
    return value


def _moment(node: Text, kind: str) -> pa.Scalar:
    pattern, form = _TEXT_FORMS[kind]
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


def _on_text(data: Any, work: Callable[[Any], Any]) -> Any:
    """Apply `work` to text; of coded text, once to each category."""
    if not pa.types.is_dictionary(data.type):
        return work(data)
    chunks = data.unify_dictionaries().chunks if isinstance(data, pa.ChunkedArray) else [data]
    done = [pc.take(work(c.dictionary), c.indices) for c in chunks]
    return pa.chunked_array(done) if done else work(pa.chunked_array([], pa.string()))


def evaluate(node: Node, table: Table) -> pa.Array | pa.ChunkedArray | pa.BooleanScalar:
    """Return true, false or null for each row.

    Raises
    ------
    ExpressionError
        If a column is unknown or types do not go together.
    """
    value = _value(node, table)
    if value.type != "boolean":
        fail(f"this is a {value.type}, not a condition", node.at, hint="compare it with something")
    return value.data


def evaluate_amount(node: Node, table: Table) -> npt.NDArray[np.float64]:
    """Return a number for each row, NaN where it is unknown; shape (rows,).

    Dates are days and datetimes seconds since 1970-01-01.

    Raises
    ------
    ExpressionError
        If a column is unknown, or the value is not a number or a date.
    """
    value = _value(node, table)
    kind = {"number": Kind.REAL, "date": Kind.DATE, "datetime": Kind.DATETIME}.get(value.type)
    if kind is None:
        fail(f"this is a {value.type}, not an amount", node.at, allowed="numbers and dates")
    data = value.data
    if isinstance(data, pa.Scalar):
        data = pa.chunked_array([pa.array([data.as_py()] * table.num_rows, data.type)])
    elif isinstance(data, pa.Array):
        data = pa.chunked_array([data])
    return numbers(data, kind)


def check_pattern(pattern: str, at: int) -> None:
    """Raise ExpressionError unless RE2 takes the regular expression."""
    try:
        pc.match_substring_regex(pa.array([""]), _whole(pattern))
    except pa.ArrowInvalid:
        fail(
            "not a regular expression that RE2 takes",
            at,
            hint="look-around and back-references are not available",
        )


def _whole(pattern: str) -> str:
    return rf"\A(?:{pattern})\z"


def _value(node: Node, table: Table) -> _Value:
    return _HANDLERS[type(node)](node, table)


def _number(node: Number, _: Table) -> _Value:
    text = node.text
    exact = text.isdigit() and len(text) <= 18
    return _Value("number", pa.scalar(int(text) if exact else float(text)), node)


def _text(node: Text, _: Table) -> _Value:
    return _Value("text", pa.scalar(node.value), node)


def _boolean(node: Boolean, _: Table) -> _Value:
    return _Value("boolean", pa.scalar(node.value), node)


def _name(node: Name, table: Table) -> _Value:
    if node.name not in table.schema:
        said = {"hint": "text is put in quotes", **near(node.name, table.names)}
        fail(f"no column {node.name!r}", node.at, **said)
    column = table.schema[node.name]
    kind, data = _TYPES.get(column.kind, "text"), table[node.name]
    if column.kind is Kind.DURATION:
        data = pc.divide(data.cast(pa.int64()).cast(pa.float64(), safe=False), _MICROSECONDS)
    elif pa.types.is_floating(data.type):
        data = pc.if_else(pc.is_nan(data), pa.scalar(None, data.type), data)
    return _Value(kind, data, column=column)


def _call(node: Call, table: Table) -> _Value:
    value = _value(node.value, table)
    if node.function == "length":
        if value.type not in ("text", "ordinal"):
            fail(f"length of a {value.type}", node.at, allowed="text")
        return _Value("number", _on_text(value.data, pc.utf8_length))
    if value.type not in ("date", "datetime"):
        fail(f"{node.function} of a {value.type}", node.at, allowed="a date or datetime column")
    part: Callable[..., Any] = {"year": pc.year, "month": pc.month, "day": pc.day}[node.function]
    return _Value("number", part(value.data))


def _floats(value: _Value) -> Any:
    return value.data.cast(pa.float64(), safe=False)


def _negative(node: Negative, table: Table) -> _Value:
    value = _value(node.value, table)
    if value.type != "number":
        fail(f"minus a {value.type}", node.at, allowed="a number")
    data = value.data if value.literal is not None else _floats(value)
    return _Value("number", pc.negate(data), node if value.literal is not None else None)


def _operation(node: Operation, table: Table) -> _Value:
    left, right = _value(node.left, table), _value(node.right, table)
    if "text" in (left.type, right.type) and not {left.type, right.type}.isdisjoint(_TEXT_FORMS):
        left, right = _meet(left, right), _meet(right, left)
    kinds = (left.type, right.type)
    if kinds == ("number", "number"):
        return _Value("number", _arithmetic(node.sign, _floats(left), _floats(right)))
    if kinds == ("date", "date") and node.sign == "-":
        days = pc.subtract(left.data.cast(pa.int32()), right.data.cast(pa.int32()))
        return _Value("number", days)
    if kinds == ("datetime", "datetime") and node.sign == "-":
        apart = pc.subtract(left.data.cast(pa.int64()), right.data.cast(pa.int64()))
        seconds = pc.divide(apart.cast(pa.float64(), safe=False), _MICROSECONDS)
        return _Value("number", seconds)
    if kinds == ("date", "number") and node.sign in "+-":
        days = _arithmetic(node.sign, left.data.cast(pa.int32()).cast(pa.float64()), _floats(right))
        inside = pc.less(pc.abs(days), 2.0**31 - 1)
        days = pc.if_else(inside, pc.round(days), pa.scalar(None, pa.float64()))
        return _Value("date", days.cast(pa.int32()).cast(pa.date32()))
    return fail(
        f"{left.type} {node.sign} {right.type}",
        node.at,
        allowed="numbers, date - date (days), datetime - datetime (seconds), date + days",
    )


def _arithmetic(sign: str, a: Any, b: Any) -> Any:
    if sign == "/":
        b = pc.if_else(pc.equal(b, 0.0), pa.scalar(None, pa.float64()), b)
    work: Callable[..., Any] = {
        "+": pc.add, "-": pc.subtract, "*": pc.multiply, "/": pc.divide
    }[sign]  # fmt: skip
    result = work(a, b)
    return pc.if_else(pc.is_finite(result), result, pa.scalar(None, pa.float64()))


def _compare(node: Compare, table: Table) -> _Value:
    return _Value(
        "boolean", _compared(node.sign, node, _value(node.left, table), _value(node.right, table))
    )


def _is_in(node: IsIn, table: Table) -> _Value:
    value = _value(node.value, table)
    hits = [_compared("=", o, value, _value(o, table)) for o in node.options[:1]]
    if value.type in ("text", "ordinal"):
        words = [_meet(_value(o, table), value) for o in node.options]
        for option, word in zip(node.options, words, strict=True):
            if word.type != "text":
                _clash(option, value, word)
        options = pa.array([w.data.as_py() for w in words], pa.string())
        found = _on_text(value.data, lambda t: pc.is_in(t, value_set=options))
        hits = [pc.if_else(pc.is_null(value.data), pa.scalar(None, pa.bool_()), found)]
    else:
        hits += [_compared("=", o, value, _value(o, table)) for o in node.options[1:]]
    return _negate_if(node.negated, _joined(pc.or_kleene, hits))


def _joined(work: Callable[..., Any], items: list[Any]) -> Any:
    result = items[0]
    for item in items[1:]:
        result = work(result, item)
    return result


def _negate_if(negated: bool, data: Any) -> _Value:
    return _Value("boolean", pc.invert(data) if negated else data)


def _between(node: Between, table: Table) -> _Value:
    value = _value(node.value, table)
    above = _compared(">=", node.low, value, _value(node.low, table))
    below = _compared("<=", node.high, value, _value(node.high, table))
    return _negate_if(node.negated, pc.and_kleene(above, below))


def _is_null(node: IsNull, table: Table) -> _Value:
    return _negate_if(node.negated, pc.is_null(_value(node.value, table).data))


def _matches(node: Matches, table: Table) -> _Value:
    value = _value(node.value, table)
    if value.type not in ("text", "ordinal"):
        fail(f"a {value.type} is not text", node.at, allowed="a text or category before matches")
    found = _on_text(value.data, lambda t: pc.match_substring_regex(t, _whole(node.pattern)))
    return _negate_if(node.negated, found)


def _not(node: Not, table: Table) -> _Value:
    return _Value("boolean", pc.invert(evaluate(node.value, table)))


def _logic(node: Logic, table: Table) -> _Value:
    items = [evaluate(i, table) for i in node.items]
    if node.word == "implies":
        return _Value("boolean", pc.or_kleene(pc.invert(items[0]), items[1]))
    return _Value("boolean", _joined(pc.and_kleene if node.word == "and" else pc.or_kleene, items))


_HANDLERS: dict[type[Node], Callable[..., _Value]] = {
    Number: _number,
    Text: _text,
    Boolean: _boolean,
    Name: _name,
    Call: _call,
    Negative: _negative,
    Operation: _operation,
    Compare: _compare,
    IsIn: _is_in,
    Between: _between,
    IsNull: _is_null,
    Matches: _matches,
    Not: _not,
    Logic: _logic,
}
