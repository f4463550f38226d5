"""Complete partly known rows: by the model, else by rejection or from the nearest of a pool.

A model that draws free rows only is asked for some, and those that agree with what is known are
taken. Where every row knows the same and enough free rows agree, that is rejection, and exact.
Else each row borrows its unknown cells from a free row of a bounded pool: one that agrees in all
known categories while enough do, and is close in the known numbers. Known cells stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.progress import check_time
from twinset.protocols import Conditional, Model, PartialRows, Sample
from twinset.table.table import Table, labels, numbers

__all__ = ["MOST_POOLED", "complete"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

MOST_POOLED = 200_000  # free rows that are held at most
_PILOT = 10_000
_TIMES = 20  # free rows drawn for a row
_NEAREST = 25
_COMPARED = 4_000  # free rows whose distance from a row is computed, at most
_AT_ONCE = 256


def complete(model: Model, rows: PartialRows, *, rng: np.random.Generator) -> Sample:
    """Return one row for each of `rows`: by the model's own way if it has one, else from a pool."""
    if isinstance(model, Conditional):
        return model.complete(rows, rng=rng)
    return _from_pool(model, rows, rng=rng)


def _from_pool(model: Model, rows: PartialRows, *, rng: np.random.Generator) -> Sample:
    """Return one row for each of `rows`, known cells unchanged.

    The method is ``"rejection"`` where all rows know the same and enough free rows agree with it,
    of 20 times as many as are asked for (at least 200,000); only those that agree are held. Else it
    is ``"approximate"``: of the free rows that agree in all known categories (in fewer, those with
    many levels left out first, where not 25 do), the 25 nearest in the known numbers, by ranks, are
    weighed by exp(-(d/h)^2 / 2) with their median distance h, and one is drawn. Of many that agree,
    4,000 at random are compared.

    The effective size then is n^2 / sum u^2, u being how often each free row is used (Kish 1965):
    how many different rows stand behind these. How near they came is not in it.
    """
    n = rows.num_rows
    pool = model.sample(int(min(MOST_POOLED, max(_PILOT, _TIMES * n))), rng=rng)
    if _is_alike(rows):
        agree, drawn = _agreeing_rows(model, rows, pool, rng)
        if agree.num_rows >= n:
            table = rows.into(agree.take(np.arange(n)))
            return Sample(table, "rejection", agree.num_rows / drawn, float(n))
        if agree.num_rows >= _NEAREST:
            return _reused(rows, agree, rng.integers(agree.num_rows, size=n))
    return _reused(rows, pool, _nearest(pool, rows, rng))


def _agreeing_rows(
    model: Model, rows: PartialRows, pool: Table, rng: np.random.Generator
) -> tuple[Table, int]:
    """Return free rows that agree with the known cells, and how many were drawn for them.

    No more are drawn than the pool where it tells that they would not do.
    """
    n, drawn = rows.num_rows, pool.num_rows
    parts = [pool.take(np.flatnonzero(_agreeing(pool, rows)))]
    most = max(MOST_POOLED, _TIMES * n)
    found = parts[0].num_rows
    while found < n <= found / drawn * most and drawn < most:
        check_time()
        more = model.sample(min(len(pool.data), most - drawn), rng=rng)
        parts.append(more.take(np.flatnonzero(_agreeing(more, rows))))
        drawn, found = drawn + more.num_rows, found + parts[-1].num_rows
    data = pa.concat_tables([p.data for p in parts]).unify_dictionaries().combine_chunks()
    return Table(pool.schema, data), drawn


def _reused(rows: PartialRows, free: Table, chosen: Ints) -> Sample:
    """Return rows whose unknown cells come from chosen free rows, some of them several times."""
    uses = np.bincount(chosen)
    worth = len(chosen) ** 2 / float((uses.astype(np.float64) ** 2).sum())
    return Sample(rows.into(free.take(chosen)), "approximate", effective_size=worth)


def _is_alike(rows: PartialRows) -> bool:
    """Whether every row knows the same cells with the same values."""
    return all(k.all() and len(rows.table[n].unique()) == 1 for n, k in rows.known.items())


def _agreeing(pool: Table, rows: PartialRows) -> Mask:
    """Free rows that have the known cells of the first row."""
    met = np.ones(pool.num_rows, dtype=bool)
    for name in rows.known:
        value = rows.table[name][0]
        if not value.is_valid:
            met &= np.asarray(pool[name].is_null())
            continue
        same = pa.compute.equal(pool[name].cast(_plain(pool[name].type)), value.as_py())
        met &= np.asarray(same.fill_null(False))
    return met


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _nearest(pool: Table, rows: PartialRows, rng: np.random.Generator) -> Ints:
    """For each row the place of a free row near to it."""
    chosen = np.zeros(rows.num_rows, dtype=np.int64)
    names = list(rows.known)
    masks = np.stack([rows.known[name] for name in names], axis=1)
    patterns, which = np.unique(masks, axis=0, return_inverse=True)
    for i, pattern in enumerate(patterns):
        at = np.flatnonzero(which.ravel() == i)
        known = [name for name, is_known in zip(names, pattern, strict=True) if is_known]
        free, asked = _cells(pool, rows.table.take(at), known)
        for group, candidates in _groups(free[0], asked[0]):
            check_time()
            chosen[at[group]] = _pick(candidates, free[1], asked[1][group], rng)
    return chosen


def _pick(candidates: Ints, free: Floats, asked: Floats, rng: np.random.Generator) -> Ints:
    """Choose a candidate for each asked row, by distance in the known numbers."""
    if not free.shape[1]:
        return rng.choice(candidates, len(asked))
    if len(candidates) > _COMPARED:
        candidates = np.sort(rng.choice(candidates, _COMPARED, replace=False))
    there, k = free[candidates], min(_NEAREST, len(candidates))
    square = (asked**2).sum(axis=1)[:, None] + (there**2).sum(axis=1) - 2 * asked @ there.T
    near = np.argpartition(square, k - 1, axis=1)[:, :k]
    square = np.maximum(np.take_along_axis(square, near, axis=1), 0)
    width = np.maximum(np.median(square, axis=1, keepdims=True), 1e-18)
    gumbel = -np.log(-np.log(rng.random(square.shape)))
    pick = np.take_along_axis(near, np.argmax(gumbel - square / width / 2, axis=1)[:, None], axis=1)
    return np.asarray(candidates[pick[:, 0]])


def _groups(free: Ints, asked: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Yield asked rows and the free rows that agree with them in as many codes as enough do.

    Shapes (free rows, columns) and (asked rows, columns), the columns that count most first: the
    last are given up first where fewer than 25 free rows agree.
    """
    left = np.arange(len(asked))
    for width in range(free.shape[1], -1, -1):
        both = np.concatenate([free[:, :width], asked[left, :width]])
        keys = np.unique(both, axis=0, return_inverse=True)[1].ravel()
        own, wanted = keys[: len(free)], keys[len(free) :]
        order = np.argsort(own, kind="stable")
        first, last = (np.searchsorted(own[order], wanted, side=s) for s in ("left", "right"))
        enough = (last - first >= _NEAREST) | (width == 0)
        for key in np.unique(wanted[enough]):
            places = np.flatnonzero(wanted == key)
            agree = order[first[places[0]] : last[places[0]]]
            for start in range(0, len(places), _AT_ONCE):
                yield left[places[start : start + _AT_ONCE]], agree
        left = left[~enough]
        if not len(left):
            return


def _cells(
    pool: Table, given: Table, names: list[str]
) -> tuple[tuple[Ints, Floats], tuple[Ints, Floats]]:
    """Return codes and ranks of the known columns, of free rows and of asked ones.

    Codes, null being one, stand in order of the columns' numbers of levels; so that of a column
    with few levels, which free rows share easily, comes first.
    """
    codes: list[tuple[int, Ints, Ints]] = []
    ranks: list[tuple[Floats, Floats]] = []
    for name in names:
        if pool.schema[name].kind.is_number_like:
            a, b = (numbers(t[name]) for t in (pool, given))
            ordered = np.sort(a[~np.isnan(a)])
            ranks.append((_ranks(ordered, a), _ranks(ordered, b)))
            a, b = np.isnan(a), np.isnan(b)
            if a.any() or b.any():
                codes.append((2, a.astype(np.int64), b.astype(np.int64)))
            continue
        levels, own = labels(pool[name])
        place = {level: i for i, level in enumerate(levels)}
        others, places = labels(given[name])
        to = np.array([*(place.get(v, len(levels)) for v in others), -1], dtype=np.int64)
        codes.append((len(levels), own, to[places]))
    codes.sort(key=lambda c: c[0])
    sides = []
    for side, table in enumerate((pool, given)):
        rows = table.num_rows
        whole = [c[1 + side] for c in codes]
        parts = [r[side] for r in ranks]
        sides.append(
            (
                np.stack(whole, axis=1) if whole else np.zeros((rows, 0), dtype=np.int64),
                np.stack(parts, axis=1) if parts else np.zeros((rows, 0)),
            )
        )
    return sides[0], sides[1]


def _ranks(ordered: Floats, x: Floats) -> Floats:
    """Ranks from 0 to 1 among ordered numbers; a null stands in the middle."""
    low, high = (np.searchsorted(ordered, x, side=s) for s in ("left", "right"))
    return np.where(np.isnan(x), 0.5, (low + high) / (2 * max(len(ordered), 1)))
