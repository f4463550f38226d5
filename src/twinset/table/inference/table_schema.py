"""Infer a schema: what each column is, how it is written, and why we think so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from twinset.errors import SchemaError
from twinset.table import dates
from twinset.table.arrow_types import check_type, decoded
from twinset.table.inference.columns import (
    check_declared,
    check_fits,
    column_as,
    declared_fields,
    guess_column,
    merged,
)
from twinset.table.inference.facts import Facts
from twinset.table.inference.units import find_unit, grouped_unit, named_unit
from twinset.table.schema import Column, Kind, Role, Schema

__all__ = ["describe", "infer"]

_FEW_VALUES = 50
_LEARNED = (Role.TARGET, Role.SENSITIVE, Role.CONTEXT)
_MANY_ROWS_EACH = 10


def infer(
    raw: pa.Table,
    *,
    declared: Schema | None = None,
    target: str | None = None,
    sensitive: Sequence[str] = (),
    unit: str | None = None,
) -> Schema:
    """Infer the schema of a raw table.

    Parameters
    ----------
    raw
        As its source gives it: all text for delimited files, Arrow types elsewhere.
    declared
        What is known already, of some or all columns; it wins field by field.
    target, sensitive, unit
        Columns that have these roles.

    Returns
    -------
    Schema
        One column per column of `raw`, each with the reason for its kind.

    Raises
    ------
    SchemaError
        If a named column is not in the table, or values do not fit what is declared.
    InputError
        If a column holds lists, structures or bytes.
    """
    names = list(raw.column_names)
    if len(set(names)) < len(names):
        twice = min(n for n, k in Counter(names).items() if k > 1)
        raise SchemaError("column names", got=f"{twice!r} twice", allowed="unique names")
    roles = _roles(names, target, sensitive, unit)
    wishes: dict[str, Column] = {}
    if declared is not None:
        check_declared(declared, names)
        wishes = {c.name: c for c in declared.columns}
    columns, counts = [], {}
    for name in names:
        facts = _facts(name, raw[name])
        column = _column(facts, wishes.get(name), roles.get(name))
        if column.kind is Kind.IDENTIFIER:
            counts[name] = (facts.num_distinct, facts.filled)
        columns.append(column)
    columns = _with_unit(raw, columns, counts, fixed=set(roles) | set(wishes))
    return Schema(columns=tuple(columns))


def _roles(
    names: Sequence[str], target: str | None, sensitive: Sequence[str], unit: str | None
) -> dict[str, Role]:
    """Roles given by the caller; SchemaError if a column is not there or has two."""
    asked = [(n, Role.SENSITIVE) for n in sensitive]
    asked += [(n, r) for n, r in ((target, Role.TARGET), (unit, Role.UNIT)) if n is not None]
    have = Schema(columns=tuple(Column(name=n) for n in names))
    roles: dict[str, Role] = {}
    for name, role in asked:
        have[name]
        if Role.UNIT in (role, roles.get(name)) and name in roles:
            raise SchemaError(
                f"column {name!r}", got="two roles", allowed="the unit has no other role"
            )
        roles[name] = role
    return roles


def _facts(name: str, source: pa.ChunkedArray) -> Facts:
    check_type(name, source.type)
    column = decoded(source)
    if pa.types.is_null(column.type):
        column = column.cast(pa.string())
    if pa.types.is_floating(column.type):
        column = _without_nan(column)
    return Facts(name, column, source.type, source)


def _without_nan(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow.compute as pc

    if column.type == pa.float16():
        column = column.cast(pa.float32())
    nan = pc.is_nan(column)
    return pc.if_else(nan, None, column) if pc.any(nan).as_py() else column


def _column(facts: Facts, wish: Column | None, role: Role | None) -> Column:
    """Return one column: guessed, then as declared, then with its role."""
    stated = wish.role if wish is not None and "role" in wish.model_fields_set else None
    wanted = stated if role is None else role
    if stated is Role.UNIT and role not in (None, Role.UNIT):
        raise SchemaError(
            f"column {wish.name!r}" if wish else "unit",
            got="two roles",
            allowed="the unit has no other role",
        )
    learn = wanted in _LEARNED or bool(wish and wish.keep)
    if wish is not None and "kind" in wish.model_fields_set:
        column = _hinted(facts, wish, learn) or column_as(facts, wish.kind, wish.format)
    elif wanted is Role.UNIT or (wish is not None and wish.personal is not None):
        column = column_as(facts, Kind.IDENTIFIER, wish.format if wish else Column(name="x").format)
    else:
        column = guess_column(facts, learnable=learn)
    if wish is not None:
        column = merged(column, wish)
        check_fits(facts.source, column)
    if role is not None:  # what a call says wins over the schema
        declared = column.declared | {"role"}
        column = column.model_copy(update={"role": role, "declared": declared})
    _check_context(column)
    return column


def _check_context(column: Column) -> None:
    """SchemaError if a column that the model is to be conditioned on cannot be learned."""
    if column.role is Role.CONTEXT and column.keep:
        raise SchemaError(
            f"column {column.name!r}: role context",
            got="keep: true as well",
            allowed="one of them: a kept column is released as it is, of context others are given",
        )
    if column.role is Role.CONTEXT and not column.is_learnable:
        personal = "personal data, which is" if column.personal else f"kind {column.kind}, which is"
        raise SchemaError(
            f"column {column.name!r}: role context",
            got=f"{personal} never learned",
            allowed=", ".join(k for k in Kind if k.is_learnable),
        )


def _hinted(facts: Facts, wish: Column, learn: bool) -> Column | None:
    """Return the guess where it agrees with a kind that a file marks as inferred."""
    if "kind" in declared_fields(wish):
        return None
    column = guess_column(facts, learnable=learn)
    return column if column.kind is wish.kind else None


def _with_unit(
    raw: pa.Table,
    columns: list[Column],
    counts: dict[str, tuple[int, int]],
    fixed: set[str],
) -> list[Column]:
    """Give one column the role of the unit, and make codes of keys with few values."""
    found = None
    if not any(c.role is Role.UNIT for c in columns):
        free = [c for c in columns if c.name not in fixed]
        found = find_unit(free, counts) or named_unit(raw, free) or grouped_unit(raw, free)
    out, keys = [], set(counts) - fixed
    for column in columns:
        if found and column.name == found[0]:
            column = _as_unit(raw, column, found[1])
        elif column.name in keys and _is_code(column, *counts[column.name]):
            facts = _facts(column.name, raw[column.name])
            levels = column_as(facts, Kind.CATEGORY, column.format)
            said = f"{facts.num_distinct:,} values that repeat often, by their name keys: codes"
            column = levels.model_copy(update={"reason": said})
        out.append(column)
    return out


def _as_unit(raw: pa.Table, column: Column, reason: str) -> Column:
    """Make a column the unit; a quantity that turns out to be one becomes a key."""
    if column.kind is not Kind.IDENTIFIER:
        facts = _facts(column.name, raw[column.name])
        column = column_as(facts, Kind.IDENTIFIER, column.format)
    return column.model_copy(update={"role": Role.UNIT, "reason": reason})


def _is_code(column: Column, distinct: int, filled: int) -> bool:
    """Whether a key repeats so often that it is a code, such as the number of a shop."""
    if column.unique or column.personal is not None:
        return False
    if distinct <= _FEW_VALUES:
        return filled > 3 * distinct
    dense = column.low is not None and column.high is not None
    dense = dense and column.high - column.low < 3 * distinct  # type: ignore[operator]
    return dense and filled >= _MANY_ROWS_EACH * distinct


def describe(schema: Schema) -> list[dict[str, Any]]:
    """Rows for a reader: column, kind, role, nulls, what else is known, and the reason."""
    return [
        {
            "column": c.name,
            "kind": c.kind.value,
            "role": c.role.value,
            "nulls": "yes" if c.nullable else "no",
            "details": _details(c),
            "reason": c.reason,
        }
        for c in schema.columns
    ]


def _shown(value: float, kind: Kind) -> str:
    """Write a bound or code as people do: a date for dates."""
    if kind not in (Kind.DATE, Kind.DATETIME):
        return f"{value:g}"
    micros = np.array([round(value * (dates.DAY_US if kind is Kind.DATE else 1_000_000))])
    return str(dates.write(micros, np.array([False]), "%Y-%m-%d")[0].as_py())


def _details(column: Column) -> str:
    """Say the format and limits of a column in a few words."""
    said = _format_details(column)
    if column.sentinels:
        said.append("codes " + ", ".join(_shown(s, column.kind) for s in column.sentinels))
    if column.unique:
        said.append("unique")
    if column.keep:
        said.append("kept as it is")
    if column.declared:
        said.append("declared: " + ", ".join(sorted(column.declared)))
    return ", ".join(said)


def _format_details(column: Column) -> list[str]:
    fmt, said = column.format, []
    if column.personal:
        said.append(f"personal: {column.personal.value}")
    if column.categories is not None and column.kind is not Kind.CONSTANT:
        said.append(f"{len(column.categories):,} categories")
    if fmt.date_format:
        said.append(fmt.date_format)
    if fmt.pattern:
        said.append(fmt.pattern)
    if fmt.true is not None:
        said.append(f"{fmt.true!r} is true")
    if fmt.decimals:
        said.append(f"{fmt.decimals} decimals")
    if fmt.step and fmt.step != 1 and column.kind.is_number_like:
        said.append(f"step {fmt.step:g}")
    if fmt.nulls not in ((), ("",)):
        said.append("null written as " + ", ".join(map(repr, fmt.nulls)))
    return said
