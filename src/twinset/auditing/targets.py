"""Whom to attack: random people, outliers, the most vulnerable, declared ones, canaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from twinset.arrays import Floats, Ints
from twinset.errors import InputError
from twinset.protocols import Records
from twinset.stats.neighbours import nearest
from twinset.stats.records import encode, encoded_columns
from twinset.stats.row_hash import fingerprints
from twinset.stats.seeds import stream
from twinset.stats.units import compact
from twinset.table.schema import Role
from twinset.table.table import Table

__all__ = ["KINDS", "choose_targets", "vulnerability"]


KINDS = ("random", "outliers", "vulnerable", "canaries")
_NEIGHBOURS = 5
_COMPARED = 4_000  # rows that stand for the population
_BLOCK = 512
_RARE = 0.02


def choose_targets(
    table: Table, kinds: Sequence[str], number: int, seed: int, declared: Table | None = None
) -> tuple[Table, Ints, Mapping[str, Ints]]:
    """Choose `number` targets of each kind, each the first row of its unit.

    Returns
    -------
    table
        The table; canaries, which nobody is, stand at its end.
    rows
        Positions of all targets, ascending, none twice.
    groups
        For each kind, and ``"declared"``, places among `rows`.

    Raises
    ------
    InputError
        If a kind is not known or a declared row does not stand in the table.
    """
    unknown = [k for k in kinds if k not in KINDS]
    if unknown:
        raise InputError(
            "--attack-targets", got=repr(unknown[0]), allowed=f"{', '.join(KINDS)}, or a file"
        )
    rng = stream(seed, "shadow", "targets")
    first = np.sort(np.unique(compact(table.units, table.num_rows), return_index=True)[1])
    records = encode([table])[0]
    chosen: dict[str, Ints] = {}
    for kind in kinds:
        if kind == "random":
            chosen[kind] = np.sort(rng.permutation(first)[:number])
        elif kind != "canaries":
            far = (
                _far(records, first, rng)
                if kind == "outliers"
                else vulnerability(records, first, rng)
            )
            chosen[kind] = first[np.argsort(-far, kind="stable")[:number]]
    if declared is not None:
        chosen["declared"] = _find(table, declared)
    if "canaries" in kinds:
        made = _canaries(table, records, number, rng)
        chosen["canaries"] = table.num_rows + np.arange(number)
        table = Table(table.schema, pa.concat_tables([table.data, made]))
    rows = np.unique(np.concatenate(list(chosen.values())))
    return table, rows, {k: np.searchsorted(rows, v) for k, v in chosen.items()}


def _far(records: Records, first: Ints, rng: np.random.Generator) -> Floats:
    """Mean distance to the nearest other rows, shape (units,)."""
    some = np.sort(rng.permutation(len(records))[:_COMPARED])
    near = nearest(records.take(first), records.take(some), _NEIGHBOURS + 1)[0].astype(np.float64)
    own = np.isin(first, some)  # such a row finds itself: its first neighbour does not count
    near = np.where(np.isfinite(near), near, np.nanmax(np.where(np.isfinite(near), near, 0)))
    far = np.where(own, near[:, 1:].mean(axis=1), near[:, :-1].mean(axis=1))
    return np.asarray(far, dtype=np.float64)


def vulnerability(records: Records, first: Ints, rng: np.random.Generator) -> Floats:
    """Mean distance to the 5 nearest rows by the measure of Achilles, shape (units,).

    ``(c/n)(1 - cos of one-hot levels) + (m/n)(1 - cos of min-max numbers)``, c discrete and m
    number columns, n = c + m (Meeus et al. 2023, eq. 3). The cosine of one-hot levels is the share
    of columns that agree.
    """
    some = np.sort(rng.permutation(len(records))[:_COMPARED])
    numbers = records.values if records.values.size else records.numeric
    low = np.nan_to_num(np.nanmin(numbers, axis=0, initial=np.inf), posinf=0.0)
    span = np.nan_to_num(np.nanmax(numbers, axis=0, initial=-np.inf), neginf=0.0) - low
    scaled = np.nan_to_num((numbers - low) / np.where(span > 0, span, 1.0))
    length = np.sqrt((scaled**2).sum(axis=1, keepdims=True))
    unit = scaled / np.where(length > 0, length, 1.0)
    c, m = records.codes.shape[1], numbers.shape[1]
    found = np.empty(len(first))
    for start in range(0, len(first), _BLOCK):
        here = first[start : start + _BLOCK]
        apart = np.zeros((len(here), len(some)))
        for j in range(c):
            apart += records.codes[here, j, None] != records.codes[some, j]
        if m:
            apart += m * (1 - unit[here] @ unit[some].T)
        apart[here[:, None] == some] = np.inf
        k = min(_NEIGHBOURS, len(some) - 1)
        found[start : start + _BLOCK] = np.partition(apart, k - 1, axis=1)[:, :k].mean(axis=1)
    return np.asarray(found / (c + m), dtype=np.float64)


def _find(table: Table, declared: Table) -> Ints:
    """Return the first row of the table that equals each declared row."""
    theirs, mine = (fingerprints(r) for r in encode([declared, table], reference=1))
    order = np.argsort(mine, kind="stable")
    at = np.minimum(np.searchsorted(mine[order], theirs), len(mine) - 1)
    found = mine[order][at] == theirs
    if not found.all():
        raise InputError(
            "--attack-targets",
            got=f"{int((~found).sum())} rows that do not stand in the train table",
            allowed="rows of the train table, or a kind",
            hint="copy them from the train file as they are",
        )
    return np.unique(order[at])


def _canaries(table: Table, records: Records, number: int, rng: np.random.Generator) -> pa.Table:
    """Rows that nobody is, each a unit of its own: each value drawn by itself, rare ones first."""
    columns = []
    for name in table.names:
        values = table[name]
        if table.schema[name].role is Role.UNIT:
            columns.append(pa.chunked_array([pa.nulls(number, values.type)]))
            continue
        if name in encoded_columns(table):
            weight = _rarity(records, name)
        else:
            weight = np.ones(table.num_rows)
        rows = rng.choice(table.num_rows, number, p=weight / weight.sum())
        columns.append(values.take(pa.array(rows)))
    return pa.table(columns, schema=table.data.schema)


def _rarity(records: Records, name: str) -> Floats:
    """Return the weight of each row: one over how often its value stands; extremes of numbers."""
    if name in records.code_names:
        codes = records.codes[:, records.code_names.index(name)]
        return np.asarray(1.0 / np.bincount(codes)[codes], dtype=np.float64)
    rank = np.nan_to_num(records.numeric[:, records.numeric_names.index(name)], nan=0.5)
    rare = np.where(np.minimum(rank, 1 - rank) < _RARE, 1.0, 1e-6)
    return np.asarray(rare, dtype=np.float64)
