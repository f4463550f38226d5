"""Claims on a whole table: no value twice, and one column that never falls along another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from twinset.errors import InputError
from twinset.rules.combinations import column_codes, row_codes
from twinset.rules.constraints import Claim, Outcome
from twinset.table.table import Table, numbers

__all__ = ["Monotone", "Unique"]

Direction = Literal["up", "down"]


@dataclass(frozen=True)
class Unique(Claim):
    """No two rows share their values in these columns; rows with a null in them are free."""

    names: tuple[str, ...]
    whole_table: ClassVar[bool] = True

    @property
    def columns(self) -> tuple[str, ...]:
        """Its columns."""
        return self.names

    @property
    def words(self) -> str:
        """Its columns."""
        return f"no two rows share {', '.join(self.names)}"

    def outcome(self, table: Table) -> Outcome:
        """Count every row that repeats an earlier one as broken."""
        coded = [column_codes(table, c)[0] for c in self.names]
        applies = np.logical_and.reduce([c >= 0 for c in coded])
        first = np.unique(row_codes(coded), return_index=True)[1]
        broken = np.ones(table.num_rows, dtype=bool)
        broken[first] = False
        return Outcome(applies, broken & applies)

    def to_data(self) -> dict[str, Any]:
        """``{"unique": columns}``."""
        return {"unique": list(self.names)}


@dataclass(frozen=True)
class Monotone(Claim):
    """Along `by`, `column` never falls (``up``) or never rises (``down``), inside each group.

    Rows with equal `by` have no order among themselves; rows with a null are free.
    """

    column: str
    by: str
    within: tuple[str, ...] = ()
    direction: Direction = "up"
    whole_table: ClassVar[bool] = True

    @property
    def columns(self) -> tuple[str, ...]:
        """What is monotone, along what, and inside what."""
        return (self.column, self.by, *self.within)

    @property
    def words(self) -> str:
        """Which way it may not go."""
        never = "never falls" if self.direction == "up" else "never rises"
        inside = f" within {', '.join(self.within)}" if self.within else ""
        return f"{self.column} {never} as {self.by} grows{inside}"

    def order(
        self, table: Table
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Rows with all values, by group and `by`; the group, and `column` turned to grow."""
        for name in (self.column, self.by):
            if not table.schema[name].kind.is_number_like:
                raise InputError(
                    f"monotone column {name!r}",
                    got=table.schema[name].kind.value,
                    allowed="a number, date or time",
                )
        value, along = (numbers(table[n], table.schema[n].kind) for n in (self.column, self.by))
        coded = [column_codes(table, c)[0] for c in self.within]
        group = row_codes(coded) if coded else np.zeros(table.num_rows, dtype=np.int64)
        there = ~(np.isnan(value) | np.isnan(along))
        for codes in coded:
            there &= codes >= 0
        rows = np.flatnonzero(there)
        rows = rows[np.lexsort((along[rows], group[rows]))]
        return rows, group[rows], value[rows] if self.direction == "up" else -value[rows]

    def outcome(self, table: Table) -> Outcome:
        """Count a row as broken if one before it, in order of `by`, is beyond it."""
        applies, broken = (np.zeros(table.num_rows, dtype=bool) for _ in range(2))
        rows, group, value = self.order(table)
        if not len(rows):
            return Outcome(applies, broken)
        along = numbers(table[self.by], table.schema[self.by].kind)[rows]
        new_group = np.append(True, np.diff(group) != 0)
        new_run = new_group | np.append(True, np.diff(along) != 0)
        rank = np.unique(value, return_inverse=True)[1].reshape(-1)
        number = np.cumsum(new_group) * (int(rank.max()) + 1)
        highest = np.maximum.accumulate(rank + number)
        start = np.flatnonzero(new_run)[np.cumsum(new_run) - 1]  # where each row's run begins
        first = new_group[start]
        before = np.where(first, -1, highest[np.maximum(start - 1, 0)])
        applies[rows] = True
        broken[rows] = before > rank + number
        return Outcome(applies, broken)

    def to_data(self) -> dict[str, Any]:
        """``{"monotone": column, "along": by, "within": columns, "direction": ...}``."""
        inside = {"within": list(self.within)} if self.within else {}
        found = {"monotone": self.column, "along": self.by, **inside}
        return {**found, "direction": self.direction}
