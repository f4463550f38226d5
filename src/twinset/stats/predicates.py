"""How many rows meet each of many conjunctions of ranges."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from twinset.protocols import Predicates, Records

__all__ = ["columns_of", "count_rows"]

_BLOCK = 4_000_000


def columns_of(records: Records) -> npt.NDArray[np.float64]:
    """Return shape (columns, rows): numbers as they stand, then codes; NaN where null."""
    numbers = records.values if records.values.size else records.numeric
    return np.ascontiguousarray(
        np.concatenate([numbers, records.codes], axis=1, dtype=np.float64).T
    )


def count_rows(predicates: Predicates, records: Records) -> npt.NDArray[np.int64]:
    """Return shape (predicates,): rows of `records` that meet each; a null meets no range."""
    values = columns_of(records)
    counts = np.zeros(len(predicates), dtype=np.int64)
    step = max(_BLOCK // max(len(records), 1), 1)
    for start in range(0, len(predicates), step):
        part = slice(start, start + step)
        columns, low, high = predicates.columns[part], predicates.low[part], predicates.high[part]
        meets = np.ones((len(columns), len(records)), dtype=bool)
        for w in range(columns.shape[1]):
            used = columns[:, w] >= 0
            v = values[columns[used, w]]
            meets[used] &= (v >= low[used, w, None]) & (v <= high[used, w, None])
        counts[part] = meets.sum(axis=1)
    return counts
