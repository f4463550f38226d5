"""Columns of tables as arrays: levels and their places, numbers, codes shared by tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.coded import Codes, Floats
from twinset.table.table import Table, column_numbers, labels

__all__ = ["column_numbers", "labels", "shared_codes", "small", "unseen_cells"]


K = TypeVar("K", bound=str)


def shared_codes(tables: Mapping[K, Table], column: str) -> tuple[dict[K, Floats], tuple[str, ...]]:
    """Number the levels over all tables, the most frequent in the first one first; NaN is null."""
    found = {s: labels(t[column]) for s, t in tables.items()}
    names, at = next(iter(found.values()))
    held = np.bincount(at[at >= 0], minlength=len(names))
    first = [names[i] for i in np.argsort(-held, kind="stable") if held[i]]
    code = {v: i for i, v in enumerate(first)}
    for others, used in found.values():
        for i in np.unique(used[used >= 0]):
            code.setdefault(others[i], len(code))
    return (
        {
            s: np.array([float(code.get(v, -1)) for v in n] + [np.nan])[i]
            for s, (n, i) in found.items()
        },
        tuple(code),
    )


def small(codes: npt.NDArray[np.int64], size: int) -> Codes:
    """Return codes in the smallest type that holds `size` of them."""
    return codes.astype(np.min_scalar_type(size))


def unseen_cells(shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Return shape (cells,): cells in which a column has its last code, which train cannot have."""
    grid = np.zeros(shape, dtype=bool)
    for axis in range(len(shape)):
        np.moveaxis(grid, axis, 0)[-1] = True
    return grid.reshape(-1)
