"""The kinds of record that attacks recognise best, in words, without showing a record.

Kinds are levels and ranges of one column or of two together. They are found on one half of the
targets and measured on the other, so that the figures are not flattered by the search. No kind
stands for fewer than `LEAST` train units, and ranges end at round numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import stats

from twinset.arrays import Flags, Floats, Ints
from twinset.auditing import measures
from twinset.auditing.game import LEAST, Game
from twinset.results import Exposed
from twinset.stats.records import encoded_columns
from twinset.stats.seeds import stream
from twinset.stats.units import count_units
from twinset.table.schema import Column, Kind
from twinset.table.table import Table, from_numbers, numbers

__all__ = ["exposed_kinds", "grouped_auc"]


_SHOWN = 5
_COLUMNS = 15  # columns that take part in pairs
_LEVELS = 30
_PROBS = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
_OVERLAP = 0.5
_WHOLE = 0.5  # a kind that holds more of the members is no kind
_SIMPLER = 0.01  # a kind of two columns must beat one of one column by this


@dataclass(frozen=True, eq=False)
class _Coded:
    """A column cut into kinds: code of each target and of each train row, -1 for none."""

    labels: tuple[str, ...]
    targets: Ints
    train: Ints


@dataclass(frozen=True)
class _Kind:
    """Cells of one or two columns; `bound` is the lower end of its AUC in the first half."""

    columns: tuple[int, ...]
    cells: tuple[int, ...]
    bound: float


def exposed_kinds(game: Game, scores: Floats, seed: int) -> tuple[Exposed, ...]:
    """Return up to five kinds by their risk, the AUC of `scores`, shape (units,), inside them."""
    row = np.unique(game.units, return_index=True)[1]  # one row stands for its unit
    coded = [c for name in encoded_columns(game.train) if (c := _cut(game, name, row)) is not None]
    member = game.is_member
    first, second = measures.halves(member, stream(seed, "audit", "kinds"))
    chosen = _choose(_candidates(coded, scores, member, first), coded, member)
    z = float(stats.norm.ppf(1 - 0.025 / max(len(chosen), 1)))
    shown = [e for kind in chosen if (e := _measure(kind, coded, scores, member, second, z, game))]
    return tuple(sorted(shown, key=lambda e: -e.risk))


def grouped_auc(
    scores: Floats, member: Flags, group: Ints, groups: int
) -> tuple[Floats, Ints, Ints]:
    """AUC inside each group, with its members and non-members; each shape (groups,).

    One sort for all groups; targets with group -1 are left out; an AUC without both sides is .5.
    """
    kept = group >= 0
    scores, member, group = scores[kept], member[kept], group[kept]
    order = np.lexsort((scores, group))
    s, g, others = scores[order], group[order], ~member[order]
    seen = np.concatenate([[0], np.cumsum(others)])
    start = np.ones(len(s), dtype=bool)
    start[1:] = (s[1:] != s[:-1]) | (g[1:] != g[:-1])
    run = np.cumsum(start) - 1
    edges = np.append(np.flatnonzero(start), len(s))
    below_and_ties = (seen[edges[run]] + seen[edges[run + 1]]) / 2
    origin = seen[np.searchsorted(g, np.arange(groups))]
    wins = np.bincount(g[~others], (below_and_ties - origin[g])[~others], minlength=groups)
    n = np.bincount(g[~others], minlength=groups)
    m = np.bincount(g[others], minlength=groups)
    both = (n > 0) & (m > 0)
    return np.where(both, wins / np.maximum(n * m, 1), 0.5), n, m


def _candidates(
    coded: Sequence[_Coded], scores: Floats, member: Flags, first: Flags
) -> list[_Kind]:
    """Score every cell of every column and of every pair of the most telling columns."""
    found: list[_Kind] = []
    best = np.full(len(coded), -np.inf)
    for j, c in enumerate(coded):
        bound = _bounds(scores, member, np.where(first, c.targets, -1), len(c.labels))
        best[j] = bound.max(initial=-np.inf)
        found.extend(_Kind((j,), (i,), float(bound[i])) for i in _possible(bound))
    for j, k in combinations(np.argsort(-best, kind="stable")[:_COLUMNS].tolist(), 2):
        a, b = coded[j], coded[k]
        width = len(b.labels)
        cell = np.where(
            first & (a.targets >= 0) & (b.targets >= 0), a.targets * width + b.targets, -1
        )
        bound = _bounds(scores, member, cell, len(a.labels) * width) - _SIMPLER
        good = sorted(_possible(bound), key=lambda i: -bound[i])[: 2 * _SHOWN]
        found.extend(_Kind((j, k), (i // width, i % width), float(bound[i])) for i in good)
    return found


def _possible(bound: Floats) -> list[int]:
    places: list[int] = np.flatnonzero(bound > -np.inf).tolist()
    return places


def _bounds(scores: Floats, member: Flags, cell: Ints, cells: int) -> Floats:
    """AUC less two standard errors in each cell; -inf where a side has too few."""
    area, n, m = grouped_auc(scores, member, cell, cells)
    error = np.sqrt((n + m + 1) / np.maximum(12.0 * n * m, 1))
    return np.where((n >= LEAST) & (m >= LEAST), area - 2 * error, -np.inf)


def _choose(found: Sequence[_Kind], coded: Sequence[_Coded], member: Flags) -> list[_Kind]:
    """The kinds with the largest bounds, none mostly inside another."""
    chosen: list[tuple[_Kind, Flags]] = []
    for kind in sorted(found, key=lambda k: (-k.bound, k.columns, k.cells)):
        inside = _inside(kind, coded, "targets") & member
        alike = [(inside & other).sum() / (inside | other).sum() for _, other in chosen]
        if inside.sum() <= _WHOLE * member.sum() and max(alike, default=0) <= _OVERLAP:
            chosen.append((kind, inside))
        if len(chosen) == _SHOWN:
            break
    return [kind for kind, _ in chosen]


def _inside(kind: _Kind, coded: Sequence[_Coded], side: str) -> Flags:
    masks = [getattr(coded[j], side) == i for j, i in zip(kind.columns, kind.cells, strict=True)]
    return np.asarray(np.logical_and.reduce(masks), dtype=bool)


def _measure(
    kind: _Kind,
    coded: Sequence[_Coded],
    scores: Floats,
    member: Flags,
    second: Flags,
    z: float,
    game: Game,
) -> Exposed | None:
    """Measure a kind on the half that did not find it; None if too few stand there."""
    inside = _inside(kind, coded, "targets") & second
    if min((inside & member).sum(), (inside & ~member).sum()) < LEAST:
        return None
    within = _inside(kind, coded, "train")
    if any(0 < _held(game, flags & ~within) < LEAST for flags in _wider(kind, coded)):
        return None  # the few others of a wider kind could be had by subtraction
    area = measures.auc(scores, member, inside)
    low, high = measures.auc_interval(area, z)
    text = " and ".join(coded[j].labels[i] for j, i in zip(kind.columns, kind.cells, strict=True))
    return Exposed(text, _held(game, within), area.value, low, high)


def _held(game: Game, rows: Flags) -> int:
    """Units of the train rows in a mask."""
    units = None if game.train.units is None else game.train.units[rows]
    return count_units(units, int(rows.sum()))


def _wider(kind: _Kind, coded: Sequence[_Coded]) -> list[Flags]:
    """Train rows of each single column's kind, if the kind is of two, and all of them."""
    alone = [coded[j].train == i for j, i in zip(kind.columns, kind.cells, strict=True)]
    return [*(alone if len(alone) > 1 else []), np.ones(len(alone[0]), dtype=bool)]


def _cut(game: Game, name: str, row: npt.NDArray[np.intp]) -> _Coded | None:
    """Cut a column into kinds; None if it has fewer than two or is free text."""
    column = game.train.schema[name]
    if not column.kind.is_learnable:
        return None
    tables = [game.member_table, game.other_table, game.train]
    if column.kind.is_number_like:
        labels, parts = _cut_numbers(column, tables)
    else:
        labels, parts = _cut_levels(column, tables)
    if len(labels) < 2:
        return None
    return _Coded(tuple(labels), np.concatenate(parts[:2])[row], parts[2])


def _cut_numbers(column: Column, tables: Sequence[Table]) -> tuple[list[str], list[Ints]]:
    """Ranges between round quantiles of the train table; null is a kind."""
    values = [
        np.full(t.num_rows, np.nan)
        if t[column.name].null_count == t.num_rows
        else numbers(t[column.name], t.schema[column.name].kind)
        for t in tables
    ]
    there = values[2][~np.isnan(values[2])]
    if not len(there):
        return [], []
    edges = np.unique([_round(e, column.kind) for e in np.quantile(there, _PROBS)])
    edges = edges[(edges >= there.min()) & (edges < there.max())]
    labels = _label_ranges(column, edges, float(there.min()))
    null = len(labels) - 1
    return labels, [
        np.where(np.isnan(v), null, np.searchsorted(edges, v, side="left")).astype(np.int64)
        for v in values
    ]


def _label_ranges(column: Column, edges: Floats, least: float) -> list[str]:
    """Name the ranges between `edges`, and null."""
    name, words = column.name, [_write(e, column.kind) for e in edges]
    if not words:
        return [f"any {name}", f"{name} missing"]
    labels = [f"{name} is {words[0]}" if edges[0] == least else f"{name} up to {words[0]}"]
    for (low, high), (a, b) in zip(pairwise(edges), pairwise(words), strict=True):
        one = column.kind is Kind.INTEGER and high == low + 1
        labels.append(f"{name} is {b}" if one else f"{name} above {a} and up to {b}")
    return [*labels, f"{name} above {words[-1]}", f"{name} missing"]


def _round(value: float, kind: Kind) -> float:
    """Round to two significant digits, a time to the day, a date to nothing finer than it is."""
    if kind.is_calendar:
        day = 86_400 // (kind.facts.seconds or 1)
        return float(np.rint(value / day) * day)
    return float(f"{value:.1e}")


def _write(value: float, kind: Kind) -> str:
    if kind.is_moment:
        text = str(from_numbers(np.array([value]), kind)[0].as_py())
        return text[:10] if kind is Kind.DATETIME else text
    if kind is Kind.DURATION:
        return f"{value:,.0f} seconds"
    return f"{value:,.10g}"


def _cut_levels(column: Column, tables: Sequence[Table]) -> tuple[list[str], list[Ints]]:
    """The most frequent levels of the train table that at least `LEAST` units hold."""
    text = [t[column.name].cast(pa.string()).to_numpy() for t in tables]
    whole = np.array([v if v is not None else "\x00" for v in text[2]], dtype=object)
    levels, place = np.unique(whole.astype(str), return_inverse=True)
    units = tables[2].units
    held = np.unique(np.stack([place, np.arange(len(place)) if units is None else units]), axis=1)
    counts = np.bincount(held[0], minlength=len(levels))
    kept = [i for i in np.argsort(-counts, kind="stable")[:_LEVELS] if counts[i] >= LEAST]
    code = {levels[i]: place for place, i in enumerate(kept)}
    labels = [
        f"{column.name} missing" if levels[i] == "\x00" else f"{column.name} is {levels[i]}"
        for i in kept
    ]
    return labels, [
        np.array([code.get("\x00" if v is None else str(v), -1) for v in t], dtype=np.int64)
        for t in text
    ]
