"""Protection: nothing that fewer than `k` units hold is learned. What all kinds of column share.

Where fewer than `k` units have no value, theirs are drawn from the others; where fewer than `k`
have one, nobody keeps one. What a person has declared is public and passes unchanged. Rare
categories: `twinset.encoding.categories`; extreme numbers: `twinset.encoding.numbers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinset.stats.units import Units, holders
from twinset.table.schema import Column

__all__ = ["Protected", "changes_of", "fill_rare_nulls", "is_null_public"]

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Protected:
    """What protection did to one column: `rows` of the train table were changed."""

    column: str
    what: str
    rows: int


def changes_of(column: str, counts: Mapping[str, int]) -> tuple[Protected, ...]:
    """Return what was changed, of what may have been."""
    return tuple(Protected(column, what, rows) for what, rows in counts.items() if rows)


def is_null_public(column: Column) -> bool:
    """Whether a person has declared that the column has nulls."""
    return "nullable" in column.declared and column.nullable


def fill_rare_nulls(
    column: Column,
    values: npt.NDArray[np.generic],
    missing: Mask,
    units: Units,
    k: int,
    rng: np.random.Generator,
) -> Mask:
    """Draw values for nulls that fewer than `k` units have, in place; return where."""
    if is_null_public(column) or missing.all() or not missing.any() or holders(missing, units) >= k:
        return np.zeros(len(missing), dtype=bool)
    values[missing] = rng.choice(values[~missing], size=int(missing.sum()))
    return missing.copy()
