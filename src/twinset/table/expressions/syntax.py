"""Syntax of the expression language: the tree, one frozen class a construct, and text to tree.

``str`` of a tree parses to the same tree: brackets stand where `tightness` asks for them.
Precedence from loose to tight: ``implies`` (right to left), ``or``, ``and``, ``not``, one of the
comparisons, ``+ -``, ``* /``, unary ``-``. The tree is at most 100 deep.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
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
    "parse_tree",
]

KEYWORDS = frozenset(
    {"and", "or", "not", "implies", "in", "between", "is", "null", "matches", "true", "false"}
)
_PLAIN_NAME = re.compile(r"[^\W\d][\w.]*")
_MAX_LENGTH = 20_000
_MAX_DEPTH = 40
_MAX_TREE_DEPTH = 100
_FUNCTIONS = ("length", "year", "month", "day")
_COMPARISONS = {"=": "=", "==": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}  # fmt: skip # noqa: E501
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))
    | (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
    | (?P<quoted>`(?:[^`]|``)+`)
    | (?P<word>[^\W\d][\w.]*)
    | (?P<sign><=|>=|<>|!=|==|[-+*/()=<>,])
    )""",
    re.VERBOSE,
)


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


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(text: str) -> Iterator[_Token]:
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            at = position + len(text[position:]) - len(text[position:].lstrip())
            open_ = text[at] in "'\"`"
            fail("a quote is never closed" if open_ else "a sign that has no meaning here", at)
        kind = str(match.lastgroup)
        found = match[kind]
        if kind == "word" and found.lower() in KEYWORDS:
            kind, found = "keyword", found.lower()
        yield _Token(kind, found, match.start(match.lastgroup or 0))
        position = match.end()
    yield _Token("end", "", end)


def parse_tree(text: str) -> Node:
    """Parse to a tree.

    Raises
    ------
    ExpressionError
        With the place of the mistake. An expression is at most 20,000 characters and 40
        brackets deep.
    """
    if len(text) > _MAX_LENGTH:
        raise ExpressionError(
            "expression", got=f"{len(text):,} characters", allowed=f"at most {_MAX_LENGTH:,}"
        )
    if "\x00" in text:
        fail("a NUL character", text.index("\x00"))
    parser = _Parser(list(_tokens(text)))
    tree = parser.expression(0)
    if parser.now.kind != "end":
        parser.unexpected("and, or, implies, or the end")
    _check_depth(tree)
    return tree


def _check_depth(tree: Node) -> None:
    """Refuse what later walks over the tree could not descend; this one does not recurse."""
    waiting = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > _MAX_TREE_DEPTH:
            fail("too deeply nested", node.at)
        waiting.extend((part, depth + 1) for part in node.parts)


class _Parser:
    """Recursive descent; each method reads what its name says and leaves the rest."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens, self._i = tokens, 0
        self._depths: dict[int, int] = {}

    @property
    def now(self) -> _Token:
        return self._tokens[self._i]

    def unexpected(self, allowed: str) -> NoReturn:
        found = "the end" if self.now.kind == "end" else repr(self.now.text[:20])
        fail(f"{found} is not expected here", self.now.at, allowed=allowed)

    def _next(self) -> _Token:
        token = self.now
        self._i += 1
        return token

    def _accept(self, *texts: str) -> _Token | None:
        known = self.now.kind in ("keyword", "sign") and self.now.text in texts
        return self._next() if known else None

    def _expect(self, text: str) -> None:
        if self._accept(text) is None:
            self.unexpected(repr(text))

    def expression(self, depth: int) -> Node:
        """Read ``a implies b``."""
        if depth > _MAX_DEPTH:
            fail("too deeply nested", self.now.at, allowed=f"{_MAX_DEPTH} levels")
        at, left = self.now.at, self._any(depth)
        if self._accept("implies"):
            return Logic(at, "implies", (left, self.expression(depth + 1)))
        return left

    def _any(self, depth: int) -> Node:
        return self._joined("or", lambda: self._joined("and", lambda: self._negated(depth)))

    def _joined(self, word: str, part: Callable[[], Node]) -> Node:
        at, items = self.now.at, [part()]
        while self._accept(word):
            items.append(part())
        return items[0] if len(items) == 1 else Logic(at, word, tuple(items))

    def _negated(self, depth: int) -> Node:
        signs = []
        while (token := self._accept("not")) is not None:
            signs.append(token.at)
        if depth + len(signs) > _MAX_DEPTH:
            fail("too deeply nested", self.now.at, allowed=f"{_MAX_DEPTH} levels")
        node = self._comparison(depth + len(signs))
        for at in reversed(signs):
            node = Not(at, node)
        return node

    def _comparison(self, depth: int) -> Node:
        at, left = self.now.at, self._sum(depth)
        if (token := self._accept(*_COMPARISONS)) is not None:
            node: Node = Compare(at, _COMPARISONS[token.text], left, self._sum(depth))
        elif self._accept("is"):
            negated = self._accept("not") is not None
            self._expect("null")
            node = IsNull(at, left, negated)
        else:
            negated = self._accept("not") is not None
            if self._accept("in"):
                node = IsIn(at, left, self._options(depth), negated)
            elif self._accept("between"):
                low = self._sum(depth)
                self._expect("and")
                node = Between(at, left, low, self._sum(depth), negated)
            elif self._accept("matches"):
                node = Matches(at, left, self._pattern(), negated)
            elif negated:
                self.unexpected("in, between, matches")
            else:
                return left
        if self.now.text in _COMPARISONS and self.now.kind == "sign":
            fail("comparisons cannot be chained", self.now.at, hint="a <= b and b < c")
        return node

    def _options(self, depth: int) -> tuple[Node, ...]:
        self._expect("(")
        options = [self._option(depth)]
        while self._accept(","):
            options.append(self._option(depth))
        self._expect(")")
        return tuple(options)

    def _option(self, depth: int) -> Node:
        at = self.now.at
        node = self._unary(depth)
        inner = node.value if isinstance(node, Negative) else node
        if not isinstance(inner, Number | Text | Boolean) or (
            inner is not node and not isinstance(inner, Number)
        ):
            fail("only numbers, texts, true and false stand in a list", at)
        return node

    def _pattern(self) -> str:
        if self.now.kind != "text":
            self.unexpected("a regular expression in quotes")
        return _unquoted(self._next().text)

    def _sum(self, depth: int) -> Node:
        return self._chain(depth, ("+", "-"))

    def _chain(self, depth: int, signs: tuple[str, ...]) -> Node:
        """Read operations of equal rank from left to right."""
        inner = signs == ("+", "-")
        at = self.now.at
        node = self._chain(depth, ("*", "/")) if inner else self._unary(depth)
        while (token := self._accept(*signs)) is not None:
            right = self._chain(depth, ("*", "/")) if inner else self._unary(depth)
            node = Operation(at, token.text, node, right)
        return node

    def _unary(self, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            fail("too deeply nested", self.now.at, allowed=f"{_MAX_DEPTH} levels")
        if (token := self._accept("-")) is not None:
            return Negative(token.at, self._unary(depth + 1))
        return self._atom(depth)

    def _atom(self, depth: int) -> Node:
        token = self.now
        if token.kind == "number":
            return Number(self._next().at, token.text)
        if token.kind == "text":
            return Text(self._next().at, _unquoted(token.text))
        if token.kind == "quoted":
            return Name(self._next().at, _unquoted(token.text))
        if self._accept("true", "false"):
            return Boolean(token.at, token.text == "true")
        if self._accept("("):
            node = self.expression(depth + 1)
            self._expect(")")
            return node
        if token.kind != "word":
            self.unexpected("a column, a number, a text in quotes, not, (")
        self._next()
        if self._accept("(") is None:
            return Name(token.at, token.text)
        if token.text.lower() not in _FUNCTIONS:
            fail(f"no function {token.text[:20]!r}", token.at, allowed=", ".join(_FUNCTIONS))
        value = self._sum(depth + 1)
        self._expect(")")
        return Call(token.at, token.text.lower(), value)


def _unquoted(text: str) -> str:
    return text[1:-1].replace(text[0] * 2, text[0])
