"""Learned columns as choices: from what a schema knows of a column to its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.encoding.categories import CategoryEncoding
from twinset.encoding.table_encoding import TableEncoding, encoded_array
from twinset.errors import InputError
from twinset.rules.constraints import Claim
from twinset.rules.derive import derive
from twinset.rules.row_tests import Condition
from twinset.rules.rule import Rules
from twinset.table.schema import Column
from twinset.table.table import Table

__all__ = ["Choice", "bounds_of", "categories_of", "legal", "table_of"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Choice = float | str | None


def categories_of(column: Column) -> tuple[str, ...]:
    """Return the known categories as generators see them; none of a number."""
    return () if column.kind.is_number_like else CategoryEncoding(column).levels


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
    return column.low, column.high, column.step or 0.0


def table_of(encoding: TableEncoding, stated: Mapping[str, Sequence[Choice]]) -> Table:
    """Return all learned columns, canonical; categories are stated as `categories_of` names them.

    A column that is not stated gets a value that a rule may correct: a null breaks no rule.
    """
    rows = len(next(iter(stated.values())))
    columns = encoding.encoded.columns
    values = (stated.get(c.name, [_some(encoding.schema[c.name])] * rows) for c in columns)
    arrays = [encoded_array(c, v) for c, v in zip(columns, values, strict=True)]
    names = list(encoding.encoded.names)
    decoded = encoding.decode(Table(encoding.encoded, pa.table(arrays, names=names)))
    return Table(encoding.schema.select(names), pa.table(decoded))


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
