"""Secondary suppression: which cells of a table may be shown so that no small rest can be had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twinset.arrays import Flags, Ints
from twinset.stats.units import Units, unit_counts

__all__ = ["Tabulation", "conceal"]


@dataclass(frozen=True, eq=False)
class Tabulation:
    """Rows of one table as cells, and as the lines (margins, totals) whose sums are known.

    Attributes
    ----------
    cells
        Shape (rows,): the cell of each row, or -1 if it is in none.
    lines
        Shape (rows,) for each way to add up: the line of each row, or -1 if it counts in none.
    """

    cells: Ints
    lines: Sequence[Ints]
    units: Units = None


def conceal(
    shown: Flags,
    sizes: Ints,
    lines: Sequence[Ints],
    tables: Sequence[Tabulation],
    least: int = 10,
) -> Flags:
    """Hide further cells until the hidden rest of every line holds no unit or at least `least`.

    A known sum less its shown cells is the rest; while that is small, the smallest shown cell of
    the line joins it (complementary suppression: Willenborg and de Waal 2001, section 4.2).

    Parameters
    ----------
    shown, sizes
        Shape (cells,): the cells that are large enough by themselves, and what they hold.
    lines
        Shape (cells,) for each way to add up: the line of each cell.
    tables
        In all of these the rule holds.
    """
    shown = shown.copy()
    while True:
        cells = {c for t in tables for c in _exposing(shown, sizes, lines, t, least)}
        if not cells:
            return shown
        shown[list(cells)] = False


def _exposing(
    shown: Flags, sizes: Ints, lines: Sequence[Ints], table: Tabulation, least: int
) -> list[int]:
    """Return the smallest shown cell of each line whose rest is small."""
    hidden = (table.cells < 0) | ~shown[table.cells]
    found = []
    for of_cell, of_row in zip(lines, table.lines, strict=True):
        number = int(max(of_cell.max(initial=-1), of_row.max(initial=-1))) + 1
        code = np.where(hidden & (of_row >= 0), of_row, number)
        rest = unit_counts(code, table.units, number + 1)[:-1]
        for line in np.flatnonzero((rest > 0) & (rest < least)):
            there = np.flatnonzero(shown & (of_cell == line))
            if len(there):
                found.append(int(there[np.argmin(sizes[there])]))
    return found
