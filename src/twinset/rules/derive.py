"""Cells that rules give: the left side of an equation, and what other columns determine."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinset.rules.combinations import Determines
from twinset.rules.constraints import Claim, Equation, step_of
from twinset.rules.rule import Rules
from twinset.rules.table_constraints import Monotone
from twinset.table.schema import Column
from twinset.table.table import Table, canonical_type, from_numbers, numbers

__all__ = ["arrange", "derivations", "derive", "target_of"]

Mask = npt.NDArray[np.bool_]


def derivations(rules: Rules, fixed: Collection[str]) -> tuple[Claim, ...]:
    """Claims whose column can be computed from others, in an order that works.

    Each column is computed at most once, none that is in `fixed`, and no two from each other.
    """
    sources: dict[str, set[str]] = {}
    chosen: list[tuple[str, Claim]] = []
    for rule in rules:
        claim = rule.claim
        target = target_of(claim)
        if target is None or target in fixed or target in sources:
            continue
        needed = set(claim.columns) - {target}
        if any(target in _ancestors(n, sources) for n in needed):
            continue
        sources[target] = needed
        chosen.append((target, claim))
    chosen.sort(key=lambda item: len(_ancestors(item[0], sources)))
    return tuple(claim for _, claim in chosen)


def target_of(claim: Claim) -> str | None:
    """Return the column that a claim gives from others."""
    if isinstance(claim, Equation):
        return None if claim.column in claim.right.columns else claim.column
    return claim.gives if isinstance(claim, Determines) else None


def _ancestors(name: str, sources: dict[str, set[str]]) -> set[str]:
    found, waiting = {name}, [name]
    while waiting:
        for before in sources.get(waiting.pop(), set()) - found:
            found.add(before)
            waiting.append(before)
    return found


def derive(claims: tuple[Claim, ...], table: Table) -> tuple[Table, Mask]:
    """Compute the columns; return the table, and which rows have changed."""
    changed = np.zeros(table.num_rows, dtype=bool)
    for claim in claims:
        if isinstance(claim, Equation):
            name, values, there = claim.column, *_computed(claim, table)
        elif isinstance(claim, Determines):
            name, (values, there) = claim.gives, claim.fill(table)
            values = _typed(values, table.schema[name])
        else:
            continue
        broken = claim.outcome(table).broken & there
        if broken.any():
            table = _with_column(table, name, pc.if_else(pa.array(broken), values, table[name]))
            changed |= broken
    return table, changed


def _computed(claim: Equation, table: Table) -> tuple[pa.Array, Mask]:
    """Right side as values of the left column: on its grid, in its kind."""
    column = table.schema[claim.column]
    _, right = claim.amounts(table)
    step = step_of(column)
    if step > 0:
        right = np.round(np.round(right / step) * step, 12)
    return from_numbers(right, column.kind), ~np.isnan(right)


def _typed(values: pa.Array, column: Column) -> pa.Array:
    if column.kind.is_plain_number:
        return from_numbers(np.asarray(values.to_numpy(zero_copy_only=False), float), column.kind)
    return values.cast(canonical_type(column.kind))


def _with_column(table: Table, name: str, values: pa.Array | pa.ChunkedArray) -> Table:
    """Return the table with other values in one column."""
    kind = canonical_type(table.schema[name].kind)
    place = table.names.index(name)
    if isinstance(values, pa.Array):
        values = pa.chunked_array([values])
    return Table(table.schema, table.data.set_column(place, name, values.cast(kind)), table.units)


def arrange(claims: tuple[Monotone, ...], table: Table) -> tuple[Table, Mask]:
    """Sort the values of monotone columns inside their groups; the marginals stay as they are.

    The increasing rearrangement (Chernozhukov, Fernandez-Val and Galichon 2009, Biometrika 96).
    """
    changed = np.zeros(table.num_rows, dtype=bool)
    for claim in claims:
        if not claim.outcome(table).broken.any():
            continue
        rows, group, value = claim.order(table)
        ordered = value[np.lexsort((value, group))]
        column = table.schema[claim.column]
        new = numbers(table[claim.column], column.kind).copy()
        new[rows] = ordered if claim.direction == "up" else -ordered
        old = numbers(table[claim.column], column.kind)
        changed |= (new != old) & ~np.isnan(new)
        table = _with_column(table, claim.column, from_numbers(new, column.kind))
    return table, changed
