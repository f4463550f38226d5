"""One person in several equal rows: found without a unit column, so that counts are of people.

A survey that was drawn by its weights, or a join that went wrong, holds whole rows twice or eight
times. Each is one person, and five such rows are not five people behind a value. But rows can also
be equal by chance, where a table says little of each row: three answers of yes or no have eight
rows in all. Chance shows in the neighbourhood: a row that came up twice by chance has neighbours,
rows that differ from it in one column only; the same person twice stands alone.

Measured on 25 public tables without their unit columns: of the rows that occur again, 82-100% have
neighbours where they are chance (census answers, customers without any transaction), and 0-44%
where they are not (measurements of one particle, people of NHANES, who were drawn by weight).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.arrays import Ints
from twinset.stats.row_hash import mix
from twinset.table.schema import Kind
from twinset.table.table import Table, coded, numbers

__all__ = ["repeated_rows"]

Hashes = npt.NDArray[np.uint64]

_FEWEST = 50
_LEAST_DISTINCT = 0.5
_WITH_NEIGHBOURS = 0.5
_BUT_ONE_WITH_NEIGHBOURS = 0.1
_BUT_ONE_REPEATED = 0.01
_MOST_BUT_ONE = 5
_LOOKED_AT = 1_000
_GLANCE = 10_000


def repeated_rows(table: Table) -> Ints | None:
    """Return a unit for each row, equal rows sharing one, where equal rows are not chance.

    All columns count but identifiers, which number rows; columns that say the same count as one.
    Equal rows are one unit if more than half of the rows, and at least 50, are different (so that
    merging takes little away), and fewer than half of those that occur again have a neighbour: a
    row that differs from them in one column only. So are rows that are equal but for one column
    (noise within a person, such as a date), if that repeats 1% of the rows or more and fewer than a
    tenth of these have a neighbour among the other columns.

    Returns
    -------
    Shape (rows,), or None: each row is its own unit.
    """
    hashes = [_hashes(table, c.name) for c in table.schema.columns if c.kind is not Kind.IDENTIFIER]
    columns = _alike(hashes)
    if not columns or table.num_rows <= _FEWEST:
        return None
    whole = _sum(columns)
    first, unit, again = _equal(whole)
    links = []
    alone = len(again) and _with_neighbours(columns, first, again) < _WITH_NEIGHBOURS
    if alone and _apart(len(first), len(whole)):
        links.append(unit)
    for j in _but_one(columns, whole, len(first)):
        rest = columns[:j] + columns[j + 1 :]
        first, unit, again = _equal(whole - columns[j])
        if _with_neighbours(rest, first, again) < _BUT_ONE_WITH_NEIGHBOURS:
            links.append(unit)
    return _linked(links) if links else None


def _equal(whole: Hashes) -> tuple[Ints, Ints, Ints]:
    """Return the first row of each kind, the kind of each row, and the kinds that occur again."""
    _, first, kind, count = np.unique(
        whole, return_index=True, return_inverse=True, return_counts=True
    )
    return first, kind.ravel().astype(np.int64), first[count > 1]


def _apart(distinct: int, rows: int) -> bool:
    """Whether so many rows are different that those which are not stand out."""
    return distinct >= max(_FEWEST, _LEAST_DISTINCT * rows)


def _but_one(columns: Sequence[Hashes], whole: Hashes, distinct: int) -> list[int]:
    """Columns without which many more rows are equal, those with most of them first."""
    found = []
    for j, column in enumerate(columns):
        ordered = np.sort(whole - column)
        left = 1 + int(np.count_nonzero(ordered[1:] != ordered[:-1]))
        more = distinct - left
        repeats = len(columns) > 1 and more >= _BUT_ONE_REPEATED * len(whole)
        if repeats and _apart(left, len(whole)):
            found.append((-more, j))
    return [j for _, j in sorted(found)[:_MOST_BUT_ONE]]


def _with_neighbours(columns: Sequence[Hashes], distinct: Ints, asked: Ints) -> float:
    """Share of the rows `asked` (up to 1,000 of them) that have a neighbour among `distinct`."""
    asked = asked[:: -(-len(asked) // _LOOKED_AT)]
    whole = _sum(columns)
    found = np.zeros(len(asked), dtype=bool)
    for column in columns:
        rest = (whole - column)[distinct]
        wanted, where = np.unique((whole - column)[asked], return_inverse=True)
        at = np.minimum(np.searchsorted(wanted, rest), len(wanted) - 1)
        hits = np.bincount(at[wanted[at] == rest], minlength=len(wanted))
        found |= (hits > 1)[where.ravel()]
    return float(found.mean())


def _linked(links: Sequence[Ints]) -> Ints:
    """Units that no link crosses: rows of one kind by any of `links` belong together."""
    unit = links[0]
    while True:
        before = unit
        for kind in links:
            least = np.full(int(kind.max()) + 1, len(unit), dtype=np.int64)
            np.minimum.at(least, kind, unit)
            unit = least[kind]
        if np.array_equal(unit, before):
            return np.unique(unit, return_inverse=True)[1].ravel().astype(np.int64)


def _alike(columns: Sequence[Hashes]) -> list[Hashes]:
    """Sum the columns that say the same, such as a code and its label, into one."""
    kinds: dict[bytes, list[Hashes]] = {}
    for column in columns:
        kinds.setdefault(_partition(column[:_GLANCE]), []).append(column)
    parts: dict[tuple[bytes, bytes], Hashes] = {}
    for glance, same in kinds.items():
        for column in same:
            key = glance, b"" if len(same) == 1 else _partition(column)
            parts[key] = parts[key] + column if key in parts else column
    return list(parts.values())


def _partition(column: Hashes) -> bytes:
    """Which rows hold the same value: equal for columns that say the same."""
    _, first, code = np.unique(column, return_index=True, return_inverse=True)
    return first[code.ravel()].astype(np.int64).tobytes()


def _sum(columns: Sequence[Hashes]) -> Hashes:
    whole = columns[0].copy()
    for column in columns[1:]:
        whole += column
    return whole


def _hashes(table: Table, name: str) -> Hashes:
    """Scrambled bits of one column's values, other ones for another column."""
    kind = table.schema[name].kind
    if kind.is_number_like:
        values = numbers(table[name], kind) + 0.0  # -0.0 becomes 0.0
        values[np.isnan(values)] = np.nan  # one pattern of bits
        bits = values.view(np.uint64)
    else:
        bits = coded(table[name].cast(pa.string()))[0].view(np.uint64)
    salt = np.full(1, table.names.index(name) + 1, dtype=np.uint64)
    return mix(mix(bits.copy()) + mix(salt))
