"""Identifiers and personal data that the release repeats: they are no part of the records attacked.

A made-up name or number may stand in the train table by chance, but then as often in the holdout.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy import stats

from twinset.auditing.measures import clopper_pearson
from twinset.protocols import Estimate, Result
from twinset.stats.records import encoded_columns
from twinset.stats.seeds import stream
from twinset.table.schema import Kind
from twinset.table.table import Table

__all__ = ["copied_identifiers"]

_RUNNING = 9  # digits up to which a number may be a running number
_DENSE = 0.05  # share of the numbers between the first and the last that running numbers take
_LEAST = 0.005  # share of rows that must repeat train values beyond the holdout's


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
        and not _is_running(_text(train, n))
    ]
    return tuple(_compare(n, train, synthetic, holdout, seed, len(columns)) for n in columns)


def _compare(
    name: str, train: Table, synthetic: Table, holdout: Table, seed: int, columns: int
) -> Result:
    released = _text(synthetic, name)
    pools = [pc.unique(_text(t, name).drop_null()) for t in (train, holdout)]
    size = min(len(p) for p in pools)
    if size == 0 or len(released) == released.null_count:
        return Result(
            family="privacy",
            name="identifiers_copied",
            columns=(name,),
            status="not_applicable",
            reason="no values to compare",
        )
    rng = stream(seed, "audit", "identifiers", name)
    inside, outside = (
        _hits(released, p.take(pa.array(rng.permutation(len(p))[:size]))) for p in pools
    )
    only_train, only_holdout = int((inside & ~outside).sum()), int((outside & ~inside).sum())
    n, hits, expected = len(released), int(inside.sum()), float(outside.mean())
    chance = float(stats.binom.sf(only_train - 1, only_train + only_holdout, 0.5))
    shown = chance < 0.05 / columns and (only_train - only_holdout) / n > _LEAST
    low, high = clopper_pearson(hits, n)
    return Result(
        family="privacy",
        name="identifiers_copied",
        columns=(name,),
        estimate=Estimate(hits / n, low, high, n),
        reference=expected,
        verdict="worse" if shown else "within_noise",
    )


def _text(table: Table, name: str) -> pa.Array:
    column = table[name].cast(pa.string())
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _hits(values: pa.Array, pool: pa.Array) -> npt.NDArray[np.bool_]:
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
