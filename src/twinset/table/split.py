"""Train and holdout: no unit in both."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinset.errors import InputError
from twinset.table.arrow_types import one_array
from twinset.table.canonical import listed_names
from twinset.table.table import Table

__all__ = ["align_columns", "check_holdout", "split"]

_HALF_UP_TO_ROWS = 50_000
_HOLDOUT_ROWS = 25_000


def split(
    table: Table, holdout: float | int | None = None, *, rng: np.random.Generator
) -> tuple[Table, Table]:
    """Split at random into train and holdout, by unit, rows in their old order.

    Parameters
    ----------
    holdout
        A share of the units (below 1), or a number of rows, which is not exceeded unless one unit
        alone has more; None: half of the units up to 50,000 rows, else 25,000 rows.
    rng
        Draws the units.

    Returns
    -------
    Train and holdout, each with one unit at least.

    Raises
    ------
    InputError
        If the table has fewer than two units, or a part would be empty.
    """
    units = np.arange(table.num_rows) if table.units is None else table.units
    _, codes, sizes = np.unique(units, return_inverse=True, return_counts=True)
    if len(sizes) < 2:
        raise InputError(
            "the table cannot be split", got=f"{len(sizes)} units", allowed="two units at least"
        )
    count = _units_to_hold(holdout, sizes, order := rng.permutation(len(sizes)), table.num_rows)
    held = np.zeros(len(sizes), dtype=bool)
    held[order[:count]] = True
    mask = held[codes.reshape(-1)]
    return table.take(~mask), table.take(mask)


def _units_to_hold(
    holdout: float | int | None,
    sizes: npt.NDArray[np.int64],
    order: npt.NDArray[np.int64],
    rows: int,
) -> int:
    """Number of units, in random order, that make up the holdout; at least one is left."""
    if holdout is None:
        holdout = 0.5 if rows <= _HALF_UP_TO_ROWS else _HOLDOUT_ROWS
    most = len(sizes) - 1
    whole = isinstance(holdout, int) and not isinstance(holdout, bool)
    if whole and 1 <= holdout < rows:
        fitting = int(np.searchsorted(np.cumsum(sizes[order]), holdout, side="right"))
        return min(max(fitting, 1), most)
    if isinstance(holdout, float) and 0 < holdout < 1:
        return min(max(round(holdout * len(sizes)), 1), most)
    raise InputError(
        "--holdout",
        got=str(holdout),
        allowed=f"a share between 0 and 1, or 1 to {rows - 1:,} rows",
    )


def align_columns(raw: pa.Table, names: Sequence[str], *, what: str) -> pa.Table:
    """Return `raw` with exactly these columns, in this order.

    Raises
    ------
    InputError
        Naming the columns that are missing or not expected; `what` is the table they are in.
    """
    missing = [n for n in names if n not in raw.column_names]
    extra = [n for n in raw.column_names if n not in names]
    if not missing and not extra:
        return raw.select(list(names))
    named = (("no column", missing), ("unknown column", extra))
    found = [f"{what} {listed_names(names)}" for what, names in named if names]
    pairs = [
        f"{near[0]!r} may be {n!r}"
        for n in missing
        if (near := difflib.get_close_matches(n, extra))
    ]
    raise InputError(
        what,
        got=" and ".join(found),
        allowed="the columns of train",
        hint="; ".join(pairs[:3]),
    )


def check_holdout(train: Table, holdout: Table) -> tuple[Table, int]:
    """Make a given holdout fit: columns as in train, units of train removed.

    Returns
    -------
    The holdout in the column order of train, and how many of its units were removed because train
    has them too. Rows are compared only if a unit column says who they belong to.

    Raises
    ------
    InputError
        If columns differ, if it has no rows, or if none is left.
    """
    align_columns(holdout.data, train.names, what="--holdout")
    holdout = holdout.select(train.names)
    if not holdout.num_rows:
        raise InputError("--holdout", got="no rows")
    unit = train.schema.unit
    if unit is None:
        return holdout, 0
    known = _texts(train[unit.name]).unique().drop_null()
    column = _texts(holdout[unit.name])
    shared = np.asarray(pc.is_in(column, value_set=known)) & np.asarray(column.is_valid())
    removed = len(column.filter(pa.array(shared)).unique())
    if shared.all():
        raise InputError(
            "--holdout",
            got=f"only units that are in train too ({removed:,})",
            allowed="rows of other units",
        )
    return (holdout.take(~shared) if removed else holdout), removed


def _texts(column: pa.ChunkedArray) -> pa.Array:
    return one_array(column).cast(pa.string())
