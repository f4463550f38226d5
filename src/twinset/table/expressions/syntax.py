"""Tree of the expression language: one frozen class a construct, and how each is written.

``str`` of a tree parses to the same tree (`twinset.table.expressions.parser`): brackets stand where
`tightness` asks for them. `twinset.table.expressions.expression` is the language's door.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import NoReturn

from twinset.errors import ExpressionError

__all__ = [
    "KEYWORDS",
    "Between",
    "Boolean",
    "Call",
    "Compare",
    "IsIn",
    "IsNull",
    "Logic",
    "Matches",
    "Name",
    "Negative",
    "Node",
    "Not",
    "Number",
    "Operation",
    "Text",
    "fail",
]

KEYWORDS = frozenset(
    {"and", "or", "not", "implies", "in", "between", "is", "null", "matches", "true", "false"}
)
_PLAIN_NAME = re.compile(r"[^\W\d][\w.]*")


@dataclass(frozen=True)
class Node:
    """A part of an expression; `at` is its place in the text, from 0."""

    at: int = field(compare=False, repr=False)

    @property
    def parts(self) -> tuple[Node, ...]:
        """The nodes directly below, from left to right."""
        found: list[Node] = []
        for part in fields(self):
            value = getattr(self, part.name)
            if isinstance(value, Node):
                found.append(value)
            elif isinstance(value, tuple):
                found.extend(value)
        return tuple(found)

    tightness = 8


@dataclass(frozen=True)
class Number(Node):
    """A number as written, without sign."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Text(Node):
    """Text, or a date or time where it meets one."""

    value: str

    def __str__(self) -> str:
        return "'" + self.value.replace("'", "''") + "'"


@dataclass(frozen=True)
class Boolean(Node):
    """``true`` or ``false``."""

    value: bool

    def __str__(self) -> str:
        return str(self.value).lower()


@dataclass(frozen=True)
class Name(Node):
    """A column."""

    name: str

    def __str__(self) -> str:
        plain = _PLAIN_NAME.fullmatch(self.name) and self.name.lower() not in KEYWORDS
        return self.name if plain else "`" + self.name.replace("`", "``") + "`"


@dataclass(frozen=True)
class Call(Node):
    """A function of one value."""

    function: str
    value: Node

    def __str__(self) -> str:
        return f"{self.function}({self.value})"


@dataclass(frozen=True)
class Negative(Node):
    """Unary minus."""

    value: Node
    tightness = 7

    def __str__(self) -> str:
        return f"-{_inside(self.value, 7)}"


@dataclass(frozen=True)
class Operation(Node):
    """``+ - * /``."""

    sign: str
    left: Node
    right: Node

    @property
    def tightness(self) -> int:  # type: ignore[override]
        """Rank among the operators."""
        return 5 if self.sign in "+-" else 6

    def __str__(self) -> str:
        own = self.tightness
        return f"{_inside(self.left, own)} {self.sign} {_inside(self.right, own + 1)}"


@dataclass(frozen=True)
class Compare(Node):
    """``= != < <= > >=``."""

    sign: str
    left: Node
    right: Node
    tightness = 4

    def __str__(self) -> str:
        return f"{_inside(self.left, 5)} {self.sign} {_inside(self.right, 5)}"


@dataclass(frozen=True)
class IsIn(Node):
    """``x in (a, b)`` of literals."""

    value: Node
    options: tuple[Node, ...]
    negated: bool
    tightness = 4

    def __str__(self) -> str:
        options = ", ".join(map(str, self.options))
        return f"{_inside(self.value, 5)} {'not ' * self.negated}in ({options})"


@dataclass(frozen=True)
class Between(Node):
    """``x between low and high``, both ends included."""

    value: Node
    low: Node
    high: Node
    negated: bool
    tightness = 4

    def __str__(self) -> str:
        ends = f"{_inside(self.low, 5)} and {_inside(self.high, 5)}"
        return f"{_inside(self.value, 5)} {'not ' * self.negated}between {ends}"


@dataclass(frozen=True)
class IsNull(Node):
    """``x is null``."""

    value: Node
    negated: bool
    tightness = 4

    def __str__(self) -> str:
        return f"{_inside(self.value, 5)} is {'not ' * self.negated}null"


@dataclass(frozen=True)
class Matches(Node):
    """``x matches 'pattern'``: the whole text fits the regular expression (RE2)."""

    value: Node
    pattern: str
    negated: bool
    tightness = 4

    def __str__(self) -> str:
        pattern = Text(0, self.pattern)
        return f"{_inside(self.value, 5)} {'not ' * self.negated}matches {pattern}"


@dataclass(frozen=True)
class Not(Node):
    """``not x``."""

    value: Node
    tightness = 3

    def __str__(self) -> str:
        return f"not {_inside(self.value, 3)}"


@dataclass(frozen=True)
class Logic(Node):
    """``a and b and c``, ``a or b``, or ``a implies b`` (two parts)."""

    word: str
    items: tuple[Node, ...]

    @property
    def tightness(self) -> int:  # type: ignore[override]
        """Rank among the operators."""
        return ("implies", "or", "and").index(self.word)

    def __str__(self) -> str:
        own = self.tightness
        shown = [_inside(i, own + 1) for i in self.items]
        if self.word == "implies":
            shown[-1] = _inside(self.items[-1], own)
        return f" {self.word} ".join(shown)


def _inside(node: Node, tightness: int) -> str:
    return str(node) if node.tightness >= tightness else f"({node})"


def fail(what: str, at: int, *, allowed: str = "", hint: str = "") -> NoReturn:
    """Raise ExpressionError for the place `at` (from 0)."""
    raise ExpressionError(
        f"expression, character {at + 1}: {what}", allowed=allowed, hint=hint
    ) from None
