"""Draw rows in which conditions have stated shares, and all else follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.errors import ConditionError, InputError
from twinset.protocols import Sample
from twinset.rules.row_tests import Condition, row_test
from twinset.sampling.fitted import Fitted
from twinset.sampling.sample import KnownCells, Totals, draw, renumbered
from twinset.stats.seeds import derived, stream
from twinset.table.expressions.expression import Expression
from twinset.table.schema import Schema
from twinset.table.table import Table

__all__ = ["Shares", "draw_shared"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
_PILOT = 16_384
_MOST = 12
_ROUNDS = 1_000


@dataclass(frozen=True)
class Shares:
    """Conditions, and the share of rows that shall meet each."""

    conditions: tuple[Expression, ...]
    wanted: tuple[float, ...]

    @classmethod
    def of(cls, stated: Mapping[Expression, float]) -> Shares:
        """Check stated shares.

        Raises
        ------
        InputError
            If a share is no number from 0 to 1, or there are more than 12.
        """
        if len(stated) > _MOST:
            raise InputError("--share", got=f"{len(stated)} shares", allowed=f"at most {_MOST}")
        for share in stated.values():
            if not isinstance(share, int | float) or not 0 <= share <= 1:
                raise InputError("--share", got=repr(share), allowed="0 to 1")
        return cls(tuple(stated), tuple(float(s) for s in stated.values()))

    def __bool__(self) -> bool:
        """Whether any is stated."""
        return bool(self.conditions)

    def cells(self, table: Table) -> Ints:
        """Shape (rows,): which conditions each row meets, as bits."""
        bits = [c.mask(table).astype(np.int64) << i for i, c in enumerate(self.conditions)]
        return np.asarray(np.sum(bits, axis=0), dtype=np.int64)

    def fitted(self, cells: Ints, seen: Floats) -> Floats:
        """Return the shares of cells that are nearest to the `seen` ones and as stated.

        Iterative proportional fitting (Deming and Stephan 1940, Ann. Math. Stat. 11): of all
        distributions with the stated shares it has the least Kullback-Leibler divergence from the
        model (Csiszar 1975, Ann. Probability 3), so that inside each cell nothing changes.

        Raises
        ------
        ConditionError
            If no row drawn meets (or misses) a condition, or the shares contradict each other.
        """
        inside = (cells[:, None] >> np.arange(len(self.wanted)) & 1).astype(bool)
        p = seen / seen.sum()
        for _ in range(_ROUNDS):
            for j, wanted in enumerate(self.wanted):
                for side, goal in ((inside[:, j], wanted), (~inside[:, j], 1 - wanted)):
                    mass = p[side].sum()
                    if mass > 0:
                        p[side] *= goal / mass
            if np.abs(inside.T @ p - self.wanted).max() < 1e-9 and abs(p.sum() - 1) < 1e-9:
                return np.asarray(p)
        apart = np.maximum(
            np.abs(inside.T @ p - self.wanted), np.abs((~inside).T @ p - 1 + self.wanted)
        )
        if apart.max() < 1e-4 and abs(p.sum() - 1) < 1e-4:
            return np.asarray(p / p.sum())
        raise ConditionError(
            "--share",
            got=f"shares that the rows of the model cannot have (the worst: {self._worst(apart)})",
            hint="they contradict each other, or no row drawn meets or misses the condition",
        )

    def _worst(self, apart: Floats) -> str:
        return f"number {int(np.argmax(apart)) + 1}"

    def condition(self, cell: int, also: Condition | None, schema: Schema) -> Condition:
        """Return what rows of one cell must meet, besides another condition."""
        tests = [
            row_test(c.columns, c.mask if cell >> i & 1 else _missed(c), schema, c.tree)
            for i, c in enumerate(self.conditions)
        ]
        return Condition((*(also.tests if also else ()), *tests))


def _missed(condition: Expression) -> Callable[[Table], Mask]:
    """Rows for which an expression is not true: false or unknown."""
    return lambda table: ~condition.mask(table)


def draw_shared(
    twin: Fitted,
    size: int,
    shares: Shares,
    known: KnownCells,
    condition: Condition | None,
    seed: int,
    *,
    index: int,
    start: int,
) -> Sample:
    """Draw one piece: free rows tell the shares of all cells, then each cell gets its rows.

    The rows of a cell are those of the model under its condition, drawn by rejection.
    """

    def more(what: Condition | None, n: int, part: int) -> Sample:
        own = derived(seed, "shares", index, part)
        return draw(twin, n, known, what, own, index=index, start=start)

    pilot = more(condition, max(size, _PILOT), 0)
    held = shares.cells(pilot.table)
    cells, seen = np.unique(held, return_counts=True)
    counts = _rounded(shares.fitted(cells, seen.astype(float)) * size)
    parts, totals = [], Totals("shares")
    totals.add(pilot)
    for cell, count in zip(cells.tolist(), counts.tolist(), strict=True):
        there = np.flatnonzero(held == cell)[:count]
        parts.append(pilot.table.take(there).data)
        missing = count - len(there)
        if missing:
            made = more(shares.condition(cell, condition, twin.schema), missing, 1 + cell)
            totals.add(made)
            parts.append(made.table.data)
    order = stream(seed, "shares", index).permutation(size)
    table = pa.concat_tables(parts).unify_dictionaries().combine_chunks().take(pa.array(order))
    return totals.sample(renumbered(twin, table, seed, index, start))


def _rounded(counts: Floats) -> Ints:
    """Round to whole numbers of the same sum, by largest remainders."""
    whole = np.floor(counts + 1e-9).astype(np.int64)
    left = round(counts.sum()) - int(whole.sum())
    whole[np.argsort(whole - counts, kind="stable")[:left]] += 1
    return whole
