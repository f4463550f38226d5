"""Constraint files of SDV as rules: lists of ``constraint_class`` and ``constraint_parameters``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twinset.errors import InputError
from twinset.table.expressions.syntax import Name, Negative, Number, Text

__all__ = ["from_constraints", "is_constraints"]

Entry = str | dict[str, Any]
Parameters = Mapping[str, Any]


def is_constraints(data: object) -> bool:
    """Whether parsed data is a list of SDV constraints, alone or under ``constraints``."""
    if isinstance(data, dict) and set(data) == {"constraints"}:
        data = data["constraints"]
    return (
        isinstance(data, list)
        and bool(data)
        and all(isinstance(c, dict) and "constraint_class" in c for c in data)
    )


def from_constraints(data: Any, source: str) -> list[Entry]:
    """Return entries of a rules file; those of several tables are taken for one.

    Raises
    ------
    InputError
        For a constraint of another kind, or one without its parameters.
    """
    entries: list[Entry] = []
    constraints = data["constraints"] if isinstance(data, dict) else data
    for place, constraint in enumerate(constraints, 1):
        name = constraint["constraint_class"]
        where = f"{source}, constraint {place}"
        if name not in _KINDS:
            raise InputError(where, got=str(name)[:40], allowed=", ".join(_KINDS))
        parameters = constraint.get("constraint_parameters", {})
        if not isinstance(parameters, dict):
            raise InputError(f"{where}: constraint_parameters", allowed="a mapping")
        try:
            entries += _KINDS[name](parameters)
        except (KeyError, TypeError) as error:
            said = f"no parameter {error}" if isinstance(error, KeyError) else "other parameters"
            raise InputError(f"{where} ({name})", got=said) from None
    return entries


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return str(Name(0, value))


def _literal(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    if isinstance(value, str):
        return str(Text(0, value))
    number = Number(0, repr(abs(value)))
    return str(Negative(0, number) if value < 0 else number)


def _below(p: Parameters) -> str:
    return "<" if p.get("strict_boundaries") else "<="


def _inequality(p: Parameters) -> list[Entry]:
    return [f"{_name(p['low_column_name'])} {_below(p)} {_name(p['high_column_name'])}"]


def _range(p: Parameters) -> list[Entry]:
    low, middle, high = (_name(p[f"{part}_column_name"]) for part in ("low", "middle", "high"))
    return [f"{low} {_below(p)} {middle}", f"{middle} {_below(p)} {high}"]


def _scalar_range(p: Parameters) -> list[Entry]:
    column, sign = _name(p["column_name"]), _below(p)
    turned = sign.replace("<", ">")
    low, high = _literal(p["low_value"]), _literal(p["high_value"])
    return [f"{column} {turned} {low} and {column} {sign} {high}"]


def _scalar_inequality(p: Parameters) -> list[Entry]:
    relation = p["relation"]
    if relation not in (">", ">=", "<", "<="):
        raise TypeError
    return [f"{_name(p['column_name'])} {relation} {_literal(p['value'])}"]


def _signed(sign: str) -> Callable[[Parameters], list[Entry]]:
    def entry(p: Parameters) -> list[Entry]:
        equal = "" if p.get("strict_boundaries") else "="
        return [f"{_name(p['column_name'])} {sign}{equal} 0"]

    return entry


def _columns(p: Parameters) -> list[str]:
    names = p["column_names"]
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise TypeError
    return names


def _one_hot(p: Parameters) -> list[Entry]:
    names = [str(Name(0, n)) for n in _columns(p)]
    return [*(f"{n} in (0, 1)" for n in names), f"{' + '.join(names)} = 1"]


_KINDS: dict[str, Callable[[Parameters], list[Entry]]] = {
    "Inequality": _inequality,
    "ScalarInequality": _scalar_inequality,
    "Range": _range,
    "ScalarRange": _scalar_range,
    "Positive": _signed(">"),
    "Negative": _signed("<"),
    "FixedCombinations": lambda p: [{"fixed": _columns(p)}],
    "Unique": lambda p: [{"unique": _columns(p)}],
    "OneHotEncoding": _one_hot,
}
