"""Exact relations between number columns: one equals another, or the sum or difference of two.

A bill that is paid in full, a floor area that is the sum of two: intervals lose what every reader
of such a table sees. A relation points at cells of the same drawn row, so it copies nothing of
train.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinset.stats.units import Units, holders

__all__ = ["MOST_RELATIONS", "Relation", "find_relations", "is_rare"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_SCREENED = 5_000
_SUMMED = 200
_MOST_COLUMNS = 60
MOST_RELATIONS = 4
_SHARE = 0.01
_COMMON = 0.02
_BEYOND = 3
_ALWAYS = 0.99


@dataclass(frozen=True)
class Relation:
    """A column's value as a sum of others, each with its sign."""

    terms: tuple[tuple[int, int], ...]

    @classmethod
    def from_state(cls, terms: Sequence[Sequence[int]]) -> Relation:
        """Relation of the pairs `terms`; ValueError if they are none, or too many."""
        made = cls(tuple((int(i), int(sign)) for i, sign in terms))
        if not 1 <= len(made.terms) <= 2 or any(sign not in (-1, 1) for _, sign in made.terms):
            raise ValueError("a relation that is no sum or difference of two")
        return made

    def value(self, values: Mapping[int, Floats]) -> Floats:
        """Shape (rows,): NaN where one of the others is null."""
        first, *rest = (sign * values[i] for i, sign in self.terms)
        return sum(rest, start=first)


def find_relations(
    values: Mapping[int, Floats], order: Sequence[int], least: int, units: Units = None
) -> dict[int, tuple[tuple[Relation, ...], npt.NDArray[np.int32]]]:
    """Relations of each column to the 60 before it in `order`, where there are any.

    Two columns are equal in at least 1% of the rows, and three times as often as chance makes them,
    values that stand in more than 2% of the rows left out. A sum holds in at least 99%; it is
    looked for in tables of at most 60 number columns.

    Parameters
    ----------
    values
        Shape (rows,) for each number column; NaN is null.
    least, units
        Least units that meet a relation in some rows; shape (rows,), None if each row is its own.

    Returns
    -------
    dict
        Relations, and which one each row meets, shape (rows,); -1 for none.
    """
    found = {}
    columns = [i for i in order if i in values]
    rare = {i: is_rare(values[i]) for i in columns}
    for place, target in enumerate(columns):
        near = columns[max(0, place - _MOST_COLUMNS) : place]
        relations, met = _equalities(values, rare[target], near, target, least, units)
        if len(columns) <= _MOST_COLUMNS and not _holds(met, values[target]):
            total = _total(values, columns[:place], target)
            if total is not None:
                relations, met = (total,), _met(total, values, target).astype(np.int32) - 1
        if relations:
            found[target] = relations, met
    return found


def is_rare(x: Floats) -> Bools:
    """Rows whose value stands in at most 2% of the rows."""
    _, place, count = np.unique(x, return_inverse=True, return_counts=True)
    return np.asarray((count <= _COMMON * len(x))[place])


def _met(relation: Relation, values: Mapping[int, Floats], target: int) -> Bools:
    """Rows that meet it, to the last digit that a sum of decimals keeps."""
    wanted = relation.value(values)
    with np.errstate(invalid="ignore"):
        return np.abs(wanted - values[target]) <= 1e-9 * np.maximum(1, np.abs(wanted))


def _holds(met: npt.NDArray[np.int32], values: Floats) -> bool:
    return bool((met >= 0).sum() >= _ALWAYS * max((~np.isnan(values)).sum(), 1))


def _equalities(
    values: Mapping[int, Floats],
    rare: Bools,
    before: Sequence[int],
    target: int,
    least: int,
    units: Units,
) -> tuple[tuple[Relation, ...], npt.NDArray[np.int32]]:
    """Columns that the target equals, most often met first, each row given to one of them."""
    n = len(values[target])
    rows = np.linspace(0, n - 1, min(n, _SCREENED)).astype(np.int64)
    some, own = values[target][rows], rare[rows]
    share = {i: float(((values[i][rows] == some) & own).mean()) for i in before}
    near = [i for i in before if share[i] > 0.5 * _SHARE]
    near = [
        i for i in near if share[i] > _BEYOND * _by_chance(values[i][rows], some[own], len(rows))
    ]
    near.sort(key=lambda i: -share[i])
    relations: list[Relation] = []
    met = np.full(n, -1, dtype=np.int32)
    for i in near:
        hit = (values[i] == values[target]) & rare & (met < 0)
        often = hit.sum() >= _SHARE * n and holders(hit, units) >= least
        if often and len(relations) < MOST_RELATIONS:
            met[hit] = len(relations)
            relations.append(Relation(((i, 1),)))
    return tuple(relations), met


def _by_chance(x: Floats, y: Floats, n: int) -> float:
    """Share of `n` rows in which `x` equals one of `y` drawn without regard to it."""
    levels, count = np.unique(y[~np.isnan(y)], return_counts=True)
    if not len(levels):
        return 0.0
    at = np.minimum(np.searchsorted(levels, x), len(levels) - 1)
    return float(count[at[levels[at] == x]].sum()) / n**2


def _total(values: Mapping[int, Floats], before: Sequence[int], target: int) -> Relation | None:
    """Return the two columns whose sum or difference the target is in nearly all rows."""
    known = ~np.isnan(values[target])
    rows = np.flatnonzero(known)
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), _SUMMED)).astype(np.int64)]
    if len(before) < 2 or len(rows) < _SUMMED:
        return None
    some = {i: values[i][rows] for i in before}
    whole = values[target][rows]
    for a in before:
        for rest, sign in ((whole - some[a], 1), (some[a] - whole, -1)):
            if np.ptp(rest) == 0 or np.isnan(rest).any():
                continue
            for b in before:
                if b != a and np.mean(np.abs(rest - some[b]) < 1e-9) >= _ALWAYS:
                    relation = Relation(((a, 1), (b, sign)))
                    if _met(relation, values, target)[known].mean() >= _ALWAYS:
                        return relation
    return None
