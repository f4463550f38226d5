"""Rules counted on all rows of a table, in memory or in files, equal to the last digit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from twinset.rules.check import Checked, check_rows, checked
from twinset.rules.combinations import Fixed
from twinset.rules.constraints import Claim, Equation, Holds, Outcome
from twinset.rules.rule import Rule, Rules
from twinset.stats.units import count_units
from twinset.table.column_store import PIECE, Filed, Spill
from twinset.table.table import Table

__all__ = ["ROOM", "Learned", "RuleCounts", "count"]

ROOM = 128 << 20  # bytes of the columns that rules need at once, of a table that is in files
_BUCKET = 2 << 20
_APPLIES, _BROKEN = 1, 2


@dataclass(frozen=True)
class RuleCounts:
    """What a table says of rules.

    Attributes
    ----------
    checked
        One a rule.
    rows, units
        Of the table.
    broken
        Rows that break any rule.
    """

    checked: tuple[Checked, ...]
    rows: int
    units: int
    broken: int


@dataclass(frozen=True)
class Learned:
    """Rules with what they know of train, and what of tables in files they need at once.

    Attributes
    ----------
    rules
        Those that can be counted.
    left_out
        Those that need more rows at once than fit.
    held
        Of each table in files, all rows of the columns that some rules need at once.
    """

    rules: Rules
    left_out: tuple[Rule, ...]
    held: Mapping[str, Table]

    @classmethod
    def of(cls, rules: Rules, train: Table, spills: Mapping[str, Spill], protect: int) -> Learned:
        """Let rules learn from train, and hold what they need of `spills`, by side."""
        held: dict[str, Table] = {}
        left_out: list[Rule] = []
        if "train" not in spills:
            rules = rules.learned(train, protect)
        for side in sorted(spills, key=lambda s: s != "train"):
            together = [r for r in rules if not _by_row(r.claim)]
            if not together:
                continue
            table = _hold(spills[side], {c for r in together for c in r.columns})
            if table is None:
                left_out += together
                rules = replace(rules, rules=tuple(r for r in rules if _by_row(r.claim)))
                continue
            held[side] = table
            if side == "train":
                rules = rules.learned(table, protect)
        return cls(rules, tuple(left_out), held)


def _by_row(claim: Claim) -> bool:
    """Whether a row alone tells if it keeps the claim."""
    known = isinstance(claim, Fixed) and claim.combinations is not None
    return known or isinstance(claim, Holds | Equation)


def _hold(spill: Spill, columns: set[str]) -> Table | None:
    """Return all rows of some columns, or None if that is too much."""
    schema = spill.schema.select([n for n in spill.schema.names if n in columns])
    parts, units, size = [], [], 0
    for table, hashes in spill.again():
        data = table.data.select(list(schema.names))
        size += data.nbytes
        if size > ROOM:
            return None
        parts.append(data)
        if hashes is not None:
            units.append(hashes.view(np.int64))
    own = np.concatenate(units) if units else None
    return Table(schema, pa.concat_tables(parts), own)


def count(learned: Learned, side: str, table: Table, spill: Spill | None) -> RuleCounts:
    """Count all rows of a table; of one in files, `table` is a sample."""
    if spill is None:
        found, broken = check_rows(learned.rules, table)
        units = count_units(table.units, table.num_rows)
        return RuleCounts(found, table.num_rows, units, int(broken.sum()))
    flags = _flags(learned, side, spill)
    rows, broken_rows = np.zeros((2, len(flags)), dtype=np.int64)
    any_broken = 0
    for start in range(0, spill.rows, PIECE):
        pieces = [f[start : start + PIECE] for f in flags]
        rows += [np.count_nonzero(p & _APPLIES) for p in pieces]
        broken_rows += [np.count_nonzero(p & _BROKEN) for p in pieces]
        if pieces:
            any_broken += int(np.count_nonzero(np.bitwise_or.reduce(pieces) & _BROKEN))
    checks = []
    for rule, f, n, bad in zip(
        learned.rules, flags, rows.tolist(), broken_rows.tolist(), strict=True
    ):
        counted = _units(spill, f, _APPLIES, n), _units(spill, f, _BROKEN, bad)
        checks.append(checked(rule, (n, bad), counted))
    return RuleCounts(tuple(checks), spill.rows, _units(spill, None, 0, spill.rows), any_broken)


def _flags(learned: Learned, side: str, spill: Spill) -> list[Filed]:
    """Write for each rule a byte a row: whether it applies, and whether the row breaks it."""
    flags = [
        Filed(spill.folder / f"rule-{k}", np.dtype(np.uint8)) for k in range(len(learned.rules))
    ]
    by_row = [(f, r.claim) for f, r in zip(flags, learned.rules, strict=True) if _by_row(r.claim)]
    for table, _ in spill.again() if by_row else ():
        for file, claim in by_row:
            file.append(_bits(claim.outcome(table)))
    for file, rule in zip(flags, learned.rules, strict=True):
        if not _by_row(rule.claim):
            file.append(_bits(rule.claim.outcome(learned.held[side])))
    return flags


def _bits(outcome: Outcome) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return (outcome.applies * _APPLIES + outcome.broken * _BROKEN).astype(np.uint8)


def _units(spill: Spill, flags: Filed | None, bit: int, rows: int) -> int:
    """Count the units with such a row, a part of the units at a time."""
    if spill.units is None:
        return rows
    parts = max(1, math.ceil(spill.rows / _BUCKET))
    total = 0
    for k in range(parts):
        found = []
        for start in range(0, spill.rows, PIECE):
            units = spill.units[start : start + PIECE]
            mine = units % np.uint64(parts) == k
            if flags is not None:
                mine &= (flags[start : start + PIECE] & bit) > 0
            found.append(np.unique(units[mine]))
        total += len(np.unique(np.concatenate(found)))
    return total
