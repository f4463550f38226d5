"""Rules as files: a list in YAML or JSON; each entry is an expression or a mapping of one kind.

``age >= 0``; ``holds: EXPRESSION``; ``equation: total = net + tax`` with ``tolerance``;
``sum: total`` with ``of: [net, tax]``; ``unique: [columns]``; ``fixed: [columns]``;
``determines: column`` with ``by: [columns]``; ``monotone: column`` with ``along``, ``within`` and
``direction``; ``pattern: column`` with ``matches``; ``required: column`` with ``when: EXPRESSION``.
Every mapping may have a ``name``, ``exceptions`` (a share of the rows) and ``found``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from twinset.errors import ExpressionError, InputError
from twinset.rules.combinations import Cell, Combination, Determines, Fixed
from twinset.rules.constraints import Claim, Equation, Holds, is_equation
from twinset.rules.rule import Found, Rule, Rules
from twinset.rules.sdv_constraints import from_constraints, is_constraints
from twinset.rules.table_constraints import Monotone, Unique
from twinset.table.expressions.expression import parse
from twinset.table.expressions.syntax import Name, Text
from twinset.table.yaml import load_yaml

__all__ = ["as_rules", "load_rules", "rules_from_data"]

_COMMON = ("name", "exceptions", "found")


def load_rules(path: str | Path) -> Rules:
    """Read a rules file.

    Raises
    ------
    InputError
        With the rule that is wrong.
    """
    path = Path(path)
    return rules_from_data(load_yaml(path), path.name)  # JSON is YAML too


def as_rules(rules: Rules | str | Path | Sequence[Any]) -> Rules:
    """Return rules from a file's path, a list of expressions and mappings, or rules as they are."""
    if isinstance(rules, Rules):
        return rules
    if isinstance(rules, str | Path):
        return load_rules(rules)
    return rules_from_data(list(rules))


def rules_from_data(data: Any, source: str = "rules") -> Rules:
    """Build rules from parsed YAML or JSON (ours, or constraints of SDV), or a list of entries."""
    if is_constraints(data):
        data = from_constraints(data, source)
    if isinstance(data, dict) and set(data) <= {"version", "rules"}:
        if data.get("version", 1) != 1:
            raise InputError(f"{source}: version", got=repr(data["version"]), allowed="1")
        data = data.get("rules")
    if not isinstance(data, list) or not data:
        raise InputError(
            source, got="no list of rules", allowed="rules: [EXPRESSION, ...], see the docs"
        )
    return Rules(
        tuple(_rule(entry, f"{source}, rule {i}") for i, entry in enumerate(data, 1)), source
    )


def _rule(entry: Any, where: str) -> Rule:
    try:
        if isinstance(entry, str):
            return Rule(_expression(entry))
        if not isinstance(entry, dict) or not all(isinstance(k, str) for k in entry):
            raise InputError(
                "not a rule", got=type(entry).__name__, allowed="an expression or a mapping"
            )
        return _mapping(entry)
    except (InputError, ExpressionError) as error:
        raise InputError(
            f"{where}: {error.what}", got=error.got, allowed=error.allowed, hint=error.hint
        ) from None


def _mapping(entry: dict[str, Any]) -> Rule:
    kinds = [k for k in entry if k in _KINDS]
    if len(kinds) != 1:
        raise InputError(
            "kind of rule", got=", ".join(kinds) or "none", allowed=f"one of {', '.join(_KINDS)}"
        )
    build, fields = _KINDS[kinds[0]]
    known = (kinds[0], *fields, *_COMMON)
    for key in entry:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]}?" if near else ""
            raise InputError(f"field {key!r}", allowed=", ".join(known), hint=hint)
    share = _number(entry.get("exceptions", 0.0), "exceptions", 1, "a share from 0 to 1")
    found = _found(entry["found"]) if "found" in entry else None
    return Rule(build(entry), str(entry.get("name", "")), share, found)


def _expression(text: str) -> Claim:
    expression = parse(text)
    return Equation.of(text) if is_equation(expression.tree) else Holds(expression)


def _equation(entry: dict[str, Any]) -> Claim:
    text = _text(entry, "equation", "text, such as 'total = net + tax'")
    return Equation.of(text, _tolerance(entry))


def _sum(entry: dict[str, Any]) -> Claim:
    total, parts = _column(entry, "sum"), _columns(entry, "of", least=2)
    right = " + ".join(str(Name(0, p)) for p in parts)
    return Equation.of(f"{Name(0, total)} = {right}", _tolerance(entry))


def _pattern(entry: dict[str, Any]) -> Claim:
    column = Name(0, _column(entry, "pattern"))
    pattern = _text(entry, "matches", "a regular expression in quotes")
    return Holds(parse(f"{column} matches {Text(0, pattern)}"))


def _required(entry: dict[str, Any]) -> Claim:
    column = Name(0, _column(entry, "required"))
    if entry.get("when") is None:
        return Holds(parse(f"{column} is not null"))
    when = parse(_text(entry, "when", "an expression in quotes"))
    return Holds(parse(f"({when}) implies {column} is not null"))


def _fixed(entry: dict[str, Any]) -> Claim:
    names = _columns(entry, "fixed", least=2)
    return Fixed(names, _stated(entry, len(names)))


def _determines(entry: dict[str, Any]) -> Claim:
    names, gives = _columns(entry, "by"), _column(entry, "determines")
    if gives in names:
        raise InputError("by", got="the column that is determined", allowed="other columns")
    return Determines(names, gives, _stated(entry, len(names) + 1))


def _monotone(entry: dict[str, Any]) -> Claim:
    direction = entry.get("direction", "up")
    if direction not in ("up", "down"):
        raise InputError("direction", got=repr(direction), allowed="up, down")
    within = _columns(entry, "within") if "within" in entry else ()
    return Monotone(_column(entry, "monotone"), _column(entry, "along"), within, direction)


_KINDS: dict[str, tuple[Callable[[dict[str, Any]], Claim], tuple[str, ...]]] = {
    "holds": (lambda e: Holds(parse(_text(e, "holds", "an expression in quotes"))), ()),
    "equation": (_equation, ("tolerance",)),
    "sum": (_sum, ("of", "tolerance")),
    "unique": (lambda e: Unique(_columns(e, "unique")), ()),
    "fixed": (_fixed, ("combinations",)),
    "determines": (_determines, ("by", "combinations")),
    "monotone": (_monotone, ("along", "within", "direction")),
    "pattern": (_pattern, ("matches",)),
    "required": (_required, ("when",)),
}


def _text(entry: dict[str, Any], field: str, allowed: str) -> str:
    if not isinstance(entry.get(field), str):
        raise InputError(field, allowed=allowed)
    return str(entry[field])


def _column(entry: dict[str, Any], field: str) -> str:
    value = entry.get(field)
    if not isinstance(value, str) or not value:
        raise InputError(field, got=type(value).__name__, allowed="the name of a column")
    return value


def _columns(entry: dict[str, Any], field: str, least: int = 1) -> tuple[str, ...]:
    value = entry.get(field)
    names = [value] if isinstance(value, str) else value
    if isinstance(names, list) and all(isinstance(n, str) and n for n in names):
        distinct = tuple(dict.fromkeys(names))
        if len(names) == len(distinct) >= least:
            return distinct
    raise InputError(
        field, got=type(value).__name__, allowed=f"a list of {least} or more distinct columns"
    )


def _tolerance(entry: dict[str, Any]) -> float | None:
    value = entry.get("tolerance")
    return None if value is None else _number(value, "tolerance", 1e300, "a number from 0")


def _number(value: Any, field: str, most: float, allowed: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise InputError(field, got=repr(value)[:20], allowed=allowed)
    return float(value)


def _stated(entry: dict[str, Any], width: int) -> tuple[Combination, ...] | None:
    if "combinations" not in entry:
        return None
    rows = entry["combinations"]
    if not isinstance(rows, list):
        raise InputError("combinations", allowed="a list of lists of values")
    if not all(isinstance(r, list) and len(r) == width for r in rows):
        raise InputError("combinations", allowed=f"lists of {width} values each")
    return tuple(tuple(_cell(v) for v in r) for r in rows)


def _cell(value: Any) -> Cell:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _found(value: Any) -> Found:
    try:
        if all(isinstance(v, int | float) for v in value.values()):
            return Found(**value)
    except (AttributeError, TypeError):  # no mapping, or one of other fields
        pass
    raise InputError("found", allowed="the evidence as `twinset rules` wrote it")
