"""Learned columns as choices: from what a schema knows of a column to its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.encoding.codec import Codec
from twinset.encoding.protection import FALSE_TRUE, number_step
from twinset.errors import InputError
from twinset.rules.constraints import Claim
from twinset.rules.derive import derive
from twinset.rules.row_tests import Condition
from twinset.rules.rule import Rules
from twinset.table.schema import Column, Kind
from twinset.table.table import Table

__all__ = ["Choice", "bounds_of", "categories_of", "legal", "table_of"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Choice = float | str | None


def categories_of(column: Column) -> tuple[str, ...]:
    """Return the known categories as generators see them; none of a number."""
    return FALSE_TRUE if column.kind is Kind.BOOLEAN else tuple(column.categories or ())


def bounds_of(column: Column) -> tuple[float, float, float]:
    """Return the protected bounds of a number and its step, 0 if it has none.

    Raises
    ------
    InputError
        If they are not known.
    """
    if column.low is None or column.high is None:
        raise InputError(
            f"column {column.name!r}",
            got="no bounds",
            hint="declare low and high in a schema file (fit --schema)",
        )
    return column.low, column.high, number_step(column) or 0.0


def table_of(codec: Codec, stated: Mapping[str, Sequence[Choice]]) -> Table:
    """Return all learned columns, canonical; categories are stated as `categories_of` names them.

    A column that is not stated gets a value that a rule may correct: a null breaks no rule.
    """
    arrays, rows = [], len(next(iter(stated.values())))
    values = {n: stated.get(n, [_some(codec.schema[n])] * rows) for n in codec.learnable.names}
    for name, chosen in values.items():
        if codec.schema[name].kind.is_number_like:
            arrays.append(pa.array(chosen, pa.float64()))
            continue
        levels = categories_of(codec.schema[name])
        place = {level: i for i, level in enumerate(levels)}
        codes = [None if v is None else place[str(v)] for v in chosen]
        arrays.append(pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(levels)))
    columns = codec.decode(Table(codec.learnable, pa.table(arrays, names=list(values))))
    return Table(codec.schema.select(list(values)), pa.table(columns))


def _some(column: Column) -> Choice:
    return bounds_of(column)[0] if column.kind.is_number_like else categories_of(column)[0]


def legal(
    table: Table, rules: Rules, computed: tuple[Claim, ...], condition: Condition | None
) -> tuple[Table, Mask]:
    """Compute what rules give; say which rows keep all rules of single rows and the condition."""
    table, _ = derive(computed, table)
    good = np.ones(table.num_rows, dtype=bool)
    if condition is not None:
        good &= condition.mask(table)
    for rule in rules:
        if set(rule.columns) <= set(table.names):
            good &= ~rule.claim.outcome(table).broken
    return table, good
