"""What a release repeats of train: records as they are or all but so, and identifiers.

Membership attacks average over all targets, so a few copied people hardly move an AUC; yet a row
that only one person has does not come into a release by chance. As many train records are looked at
here as there are others to compare with.

Identifiers and personal data are no part of the records attacked. A made-up name or number may
stand in the train table by chance, but then as often in the holdout.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import stats
from scipy.spatial import KDTree

from twinset.arrays import Flags, Floats, Ints
from twinset.auditing.auditor import share_result, unknown
from twinset.progress import check_time
from twinset.protocols import Records, Result
from twinset.stats.records import encode, encoded_columns
from twinset.stats.row_hash import fingerprints
from twinset.stats.seeds import stream
from twinset.stats.units import compact
from twinset.table.schema import Kind
from twinset.table.table import Table

__all__ = ["copied_identifiers", "copied_records"]

_VERDICTS = {True: "worse", False: "within_noise"}
_CHANCE = 0.01 / 2  # of a wrong alarm, for two figures
_TIMES = 3.0  # as for the true positive rate: this often as many as of records not fitted
_NEAR = (0.05, 0.001)  # of the way to the nearest row of somebody else
_OWN = 16  # rows of a unit that may stand nearer than somebody else's, at most
_BLOCK = 10_000
_RUNNING = 9  # digits up to which a number may be a running number
_DENSE = 0.05  # share of the numbers between the first and the last that running numbers take
_LEAST = 0.005  # share of rows that must repeat train values beyond the holdout's

Sides = tuple[int, int]  # units of train, other units


def copied_records(
    train: Table, synthetic: Table, holdout: Table, seed: int
) -> tuple[Result, Result]:
    """Share of train units of whom a row that is theirs alone stands in the release, or nearly so.

    Equally many random units of train and holdout are dealt; a row of two of them is nobody's. A
    row is nearly there if a synthetic row lies within a twentieth (or, for tables where many are, a
    thousandth) of its distance to the nearest row of anybody else dealt: no synthetic row is that
    near to two people. Without copying, a unit that stands in the release is of train as often as
    any unit all of whose categories the release has (a coin, but for rare ones that are withheld
    unless train has enough). The verdict is "worse" if a binomial test says otherwise (0.5% for
    each figure, halved for two radii) and train is hit more than three times as often.
    """
    columns = encoded_columns(train)
    released, *sides = encode([synthetic, train, holdout], columns=columns)
    rng = stream(seed, "audit", "copies")
    units = [compact(t.units, t.num_rows) for t in (train, holdout)]
    size = min(int(u.max(initial=-1)) + 1 for u in units)
    dealt = [np.isin(u, rng.permutation(int(u.max(initial=-1)) + 1)[:size]) for u in units]
    people = [side.take(np.flatnonzero(kept)) for side, kept in zip(sides, dealt, strict=True)]
    owners = [u[kept] for u, kept in zip(units, dealt, strict=True)]
    owner = np.concatenate([owners[0], owners[1] + len(units[0])])
    fitted = np.arange(len(owner)) < len(owners[0])

    def counts(hit: Flags) -> Sides:
        copied, other = (len(np.unique(owner[hit & side])) for side in (fitted, ~fitted))
        return copied, other

    exposed = counts(_with_its_categories(people, released))
    way = _way(people, released, owner)
    near = {radius: counts(way < radius) for radius in _NEAR}
    radius = min(near, key=lambda r: _chance(near[r], exposed))
    equal = _result("records_copied", counts(_equal(people, released, owner)), exposed, size)
    return equal, _result(
        "records_nearly_copied", near[radius], exposed, size, tries=len(_NEAR), radius=radius
    )


def _chance(hit: Sides, exposed: Sides) -> float:
    """Probability that so many of those hit are of train, if each is as any that is exposed."""
    share = exposed[0] / max(sum(exposed), 1)
    return float(stats.binom.sf(hit[0] - 1, sum(hit), share))


def _result(
    name: str, hit: Sides, exposed: Sides, size: int, tries: int = 1, **params: float
) -> Result:
    copied, other = hit
    often = copied * exposed[1] > _TIMES * other * exposed[0]
    shown = often and _chance(hit, exposed) < _CHANCE / tries
    about = {"interval": "Clopper-Pearson", **params}
    return share_result(name, copied, size, other / size, params=about, verdict=_VERDICTS[shown])


def _with_its_categories(people: Sequence[Records], released: Records) -> Flags:
    """Which rows have in each discrete column a level that the release has."""
    codes = np.concatenate([side.codes for side in people])
    known = [np.isin(codes[:, j], released.codes[:, j]) for j in range(codes.shape[1])]
    return np.all(known, axis=0) if known else np.ones(len(codes), dtype=bool)


def _equal(people: Sequence[Records], released: Records, owner: Ints) -> Flags:
    """Which rows stand in the release and are those of one unit alone."""
    rows = np.concatenate([fingerprints(side) for side in people])
    order = np.lexsort((owner, rows))
    row, who = rows[order], owner[order]
    shared = row[1:][(row[1:] == row[:-1]) & (who[1:] != who[:-1])]
    return np.isin(rows, fingerprints(released)) & ~np.isin(rows, shared)


def _way(people: Sequence[Records], released: Records, owner: Ints) -> Floats:
    """Distance of each row to the nearest synthetic row, as a share of that to another unit's.

    Infinite if it is more than the widest radius, or if another unit has the same row. A difference
    in a discrete column is a distance of 1, and no distance counts as more, so that only rows which
    agree in those columns are compared.
    """
    real, synthetic = _points(people, released)
    own = np.full(len(real), np.inf)
    tree = KDTree(synthetic)
    for start in range(0, len(real), _BLOCK):
        check_time()
        block = slice(start, start + _BLOCK)
        own[block] = tree.query(real[block], p=1, distance_upper_bound=max(_NEAR))[0]
    some = np.flatnonzero(np.isfinite(own))
    others = _to_others(real, owner, some)
    own[some] = np.where(others > 0, own[some] / np.maximum(others, 1e-300), np.inf)
    return own


def _to_others(real: Floats, owner: Ints, some: Ints) -> Floats:
    """Distance of `some` rows to the nearest row of another unit, at most 1; never too large."""
    tree, k = KDTree(real), min(int(np.bincount(owner).max()), _OWN) + 1
    found = np.ones(len(some))
    for start in range(0, len(some), _BLOCK):
        check_time()
        rows = some[start : start + _BLOCK]
        far, place = tree.query(real[rows], k=k, p=1, distance_upper_bound=1.0)
        own = np.append(owner, -1)[place] == owner[rows, None]
        nearest = np.where(own, np.inf, far).min(axis=1)
        nearest[own.all(axis=1)] = far[own.all(axis=1), -1]
        found[start : start + _BLOCK] = np.minimum(nearest, 1.0)
    return found


def _scale(values: Floats, levels: Floats) -> Floats:
    """Place among the distinct real values, 0 to 1, straight lines between.

    What moves a little stays near, even off a value that half of the rows share, which mid-ranks
    would take far.
    """
    places = np.linspace(0.0, 1.0, len(levels))
    known = levels if len(levels) else np.zeros(1)
    return np.interp(np.nan_to_num(values), known, places if len(levels) else known)


def _points(people: Sequence[Records], released: Records) -> list[Floats]:
    """Return real rows, synthetic rows: numbers on one scale, then the discrete columns as one."""
    values = [np.concatenate([side.values for side in people]), released.values]
    codes = [np.concatenate([side.codes for side in people]), released.codes]
    levels = [np.unique(column[~np.isnan(column)]) for column in values[0].T]
    null = [np.isnan(v) for v in values]
    plain = [Records(n.astype(np.float32), c) for n, c in zip(null, codes, strict=True)]
    prints = [fingerprints(p) for p in plain]
    kind = np.unique(np.concatenate(prints), return_inverse=True)[1].reshape(-1)
    kinds = np.split(kind, [len(prints[0])])
    points = []
    for v, n, k in zip(values, null, kinds, strict=True):
        columns = [np.where(n[:, j], 0.0, _scale(v[:, j], u)) for j, u in enumerate(levels)]
        points.append(np.column_stack([*columns, 2.0 * k]))
    return points


def copied_identifiers(
    train: Table, synthetic: Table, holdout: Table, seed: int
) -> tuple[Result, ...]:
    """Share of synthetic rows whose identifier stands in the train table, against the holdout.

    One result for each identifier or personal column; its verdict is "worse" if the train table is
    hit more often than as many holdout values (exact test of McNemar 1947, 5% over all columns).
    Running numbers are left out: they coincide by their nature.
    """
    left_out = [n for n in train.names if n not in encoded_columns(train)]
    columns = [
        n
        for n in left_out
        if all(n in t.schema for t in (train, synthetic, holdout))
        and train.schema[n].kind in (Kind.IDENTIFIER, Kind.TEXT, Kind.CATEGORY)
        and not _is_running(_as_text(train, n))
    ]
    return tuple(_repeated(n, train, synthetic, holdout, seed, len(columns)) for n in columns)


def _repeated(
    name: str, train: Table, synthetic: Table, holdout: Table, seed: int, columns: int
) -> Result:
    released = _as_text(synthetic, name)
    pools = [pc.unique(_as_text(t, name).drop_null()) for t in (train, holdout)]
    size = min(len(p) for p in pools)
    if size == 0 or len(released) == released.null_count:
        return unknown("identifiers_copied", "no values to compare", columns=(name,))
    rng = stream(seed, "audit", "identifiers", name)
    inside, outside = (
        _hits(released, p.take(pa.array(rng.permutation(len(p))[:size]))) for p in pools
    )
    only_train, only_holdout = int((inside & ~outside).sum()), int((outside & ~inside).sum())
    n, hits, expected = len(released), int(inside.sum()), float(outside.mean())
    chance = float(stats.binom.sf(only_train - 1, only_train + only_holdout, 0.5))
    shown = chance < 0.05 / columns and (only_train - only_holdout) / n > _LEAST
    about = {"columns": (name,), "verdict": _VERDICTS[shown]}
    return share_result("identifiers_copied", hits, n, expected, **about)


def _as_text(table: Table, name: str) -> pa.Array:
    column = table[name].cast(pa.string())
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _hits(values: pa.Array, pool: pa.Array) -> Flags:
    found = pc.and_(pc.is_in(values, value_set=pool), values.is_valid())
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)


def _is_running(values: pa.Array) -> bool:
    """Whether most values are short whole numbers that leave few of their range out."""
    known = pc.unique(values.drop_null())
    short = known.filter(pc.match_substring_regex(known, f"^[0-9]{{1,{_RUNNING}}}$"))
    if len(short) <= 0.5 * len(known):
        return False
    numbers = short.cast(pa.int64())
    span = pc.max(numbers).as_py() - pc.min(numbers).as_py() + 1
    return bool(len(numbers) > _DENSE * span)
