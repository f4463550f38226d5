"""Patterns of identifiers: learned from the shape of values, never from their content.

A pattern is a regular expression of a small kind (RE2 reads it too): literals, classes such as
``[A-Z]`` and ``[0-9]``, counts ``{6}`` and ``{2,4}``, and alternatives ``(?:...|...)`` around the
whole. A character is a literal only if it stands at its place in every value.
"""

from __future__ import annotations

import itertools
import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from twinset.errors import SchemaError

__all__ = ["Slot", "learn", "parse"]

_CLASSES = (
    ("[0-9]", string.digits),
    ("[A-F]", "ABCDEF"),
    ("[A-Z]", string.ascii_uppercase),
    ("[a-f]", "abcdef"),
    ("[a-z]", string.ascii_lowercase),
    ("[0-9a-f]", string.digits + "abcdef"),
    ("[0-9A-F]", string.digits + "ABCDEF"),
    ("[A-Z0-9]", string.ascii_uppercase + string.digits),
    ("[a-z0-9]", string.ascii_lowercase + string.digits),
    ("[A-Za-z]", string.ascii_letters),
    ("[A-Za-z0-9]", string.ascii_letters + string.digits),
)
_MOST = 64
_ENOUGH = 20


@dataclass(frozen=True)
class Slot:
    """One piece of a pattern: characters to choose from, and how many times."""

    alphabet: str
    low: int = 1
    high: int = 1


def learn(values: Sequence[str]) -> str | None:
    """Return the pattern that all of these distinct values fit, or None if they have no one shape.

    >>> learn([f"C-{n:04}" for n in range(0, 9000, 77)])
    'C-[0-9]{4}'
    """
    values = [v for v in values if v]
    if len(values) < 2 or max(map(len, values)) > _MOST:
        return None
    if len({len(v) for v in values}) == 1:
        return _by_place(values)
    shapes: dict[str, list[str]] = {}
    for value in values:
        shapes.setdefault(_shape(value), []).append(value)
    common = [s for s, group in shapes.items() if len(group) >= max(5, 0.02 * len(values))]
    held = sum(len(shapes[s]) for s in common)
    if not common or len(common) > 4 or held < 0.98 * len(values):
        return None
    learned = sorted(_by_run(shapes[s]) for s in common)
    return learned[0] if len(learned) == 1 else f"(?:{'|'.join(learned)})"


def _shape(value: str) -> str:
    """Kinds of runs: `ab-12` is `a-9`."""
    kinds = ("9" if c.isdigit() else "a" if c.isalpha() else c for c in value)
    return "".join(k for k, _ in itertools.groupby(kinds))


def _by_place(values: Sequence[str]) -> str | None:
    """Pattern of values of one length, character by character."""
    pieces: list[str] = []
    for place, chars in enumerate(zip(*values, strict=True)):
        piece = _class(chars, many=len(values), first=place == 0)
        if piece is None:
            return None
        pieces.append(piece)
    return _merge(pieces)


def _by_run(values: Sequence[str]) -> str:
    """Pattern of values of one shape whose runs differ in length."""
    runs = [re.findall(r"[0-9]+|[^\W\d_]+|.", v, flags=re.DOTALL) for v in values]
    pieces: list[str] = []
    for column in zip(*runs, strict=True):
        lengths = [len(r) for r in column]
        piece = _class("".join(column), many=len(values)) or _literal(column[0])
        if len(set(column)) == 1 and len(values) >= _ENOUGH:
            piece, low, high = _literal(column[0]), 1, 1
        else:
            low, high = min(lengths), max(lengths)
        if column[0][0].isdigit() and high > 1 and not any(r[0] == "0" for r in column):
            pieces.append("[1-9][0-9]" + _counted(low - 1, high - 1))
        else:
            pieces.append(piece + _counted(low, high))
    return "".join(pieces)


def _counted(low: int, high: int) -> str:
    if low == high:
        return "" if low == 1 else f"{{{low}}}"
    return f"{{{low},{high}}}"


def _literal(text: str) -> str:
    return "".join(c if c in "-_/ @:,;#%&=~'<>!" else re.escape(c) for c in text)


def _class(chars: Iterable[str], *, many: int, first: bool = False) -> str | None:
    """Return the smallest class that holds the characters; a literal if there is only one."""
    held = Counter(chars)
    if len(held) == 1:
        (char,) = held
        if not char.isalnum() or many >= _ENOUGH:
            return _literal(char)
    if all(c in string.digits for c in held):
        # the first digit keeps its range, so that numbers of a type do not overflow
        return f"[{min(held)}-{max(held)}]" if first and len(held) > 1 else "[0-9]"
    for name, alphabet in _CLASSES:
        if name in ("[A-F]", "[a-f]") and many < _ENOUGH:
            continue
        if all(c in alphabet for c in held):
            return name
    signs = {c for c in held if not (c.isascii() and c.isalnum())}
    if len(signs) <= 3 and all(c in string.punctuation + " " for c in signs) and len(held) > 1:
        return "[A-Za-z0-9" + "".join(re.escape(c) for c in sorted(signs)) + "]"
    return None


def _merge(pieces: Sequence[str]) -> str:
    """Write equal neighbours once with a count."""
    out = []
    for piece, group in itertools.groupby(pieces):
        n = len(list(group))
        out.append(
            piece if n == 1 else piece * n if n == 2 and len(piece) == 1 else f"{piece}{{{n}}}"
        )
    return "".join(out)


_PIECE = re.compile(
    r"(?P<class>\[(?:\\.|[^\]\\])+\])|(?P<escape>\\.)|(?P<dot>\.)|(?P<char>[^\\\[\](){}|*+?^$.])"
)
_COUNT = re.compile(r"\{(\d+)(?:,(\d+))?\}|\?|\*|\+")


def parse(pattern: str) -> list[list[Slot]]:
    """Alternatives of a pattern, each a list of slots.

    Raises
    ------
    SchemaError
        If it is not a pattern of the kind in the module's docstring.
    """
    bare = pattern.removeprefix("^").removesuffix("$")
    if (match := re.fullmatch(r"\((?:\?:)?(.*)\)", bare)) and "(" not in match[1]:
        bare = match[1]
    return [_slots(part, pattern) for part in re.split(r"(?<!\\)\|", bare)]


def _slots(part: str, pattern: str) -> list[Slot]:
    slots, place = [], 0
    while place < len(part):
        match = _PIECE.match(part, place)
        if match is None:
            raise SchemaError(
                "format.pattern",
                got=f"{pattern!r}, unclear at character {place + 1}",
                allowed="literals, classes such as [A-Z], counts such as {6}, alternatives (a|b)",
            )
        place, low, high = match.end(), 1, 1
        if count := _COUNT.match(part, place):
            place = count.end()
            low, high = _count(count)
            if high > 1000 or low > high:
                raise SchemaError("format.pattern", got=repr(pattern), allowed="counts to 1000")
        slots.append(Slot(_alphabet(match), low, high))
    return slots


def _count(count: re.Match[str]) -> tuple[int, int]:
    if count[0] in ("?", "*", "+"):
        return (1 if count[0] == "+" else 0), (1 if count[0] == "?" else 8)
    return int(count[1]), int(count[2] or count[1])


def _alphabet(match: re.Match[str]) -> str:
    shorthand = {
        "d": string.digits,
        "w": string.ascii_letters + string.digits + "_",
        "s": " ",
    }
    if match["class"]:
        inside, out = match["class"][1:-1], ""
        for m in re.finditer(r"(\\.|[^\\])(?:-(\\.|[^\\]))?", inside, flags=re.DOTALL):
            first = m[1][-1]
            if m[1] in (r"\d", r"\w", r"\s"):
                out += shorthand[first]
                continue
            last = m[2][-1] if m[2] else first
            out += "".join(chr(c) for c in range(ord(first), ord(last) + 1))
        return "".join(dict.fromkeys(out))
    if match["escape"]:
        return shorthand.get(match["escape"][1], match["escape"][1])
    return string.ascii_letters + string.digits if match["dot"] else match["char"]
