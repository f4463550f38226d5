"""Rows as arrays for distances and attacks: one encoding and one scale for all tables of a game.

Numbers become mid-ranks in [0, 1] within the reference tables, so that a heavy tail does not
swallow everything else, and a zero-inflated column keeps its zeros at one point. Measured on a
hospital table, ranks make distance attacks stronger than standardised numbers (AUC .62 against .58
on a release that copies values).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinset.arrays import Floats
from twinset.errors import InputError
from twinset.protocols import Records
from twinset.table.schema import Column, Kind, Role
from twinset.table.table import Table, numbers

__all__ = ["at_most", "concatenate", "encode", "encoded_columns", "matrix", "pick"]

Codes = npt.NDArray[np.int32]


def encoded_columns(table: Table) -> tuple[str, ...]:
    """Columns that make up a record: all but identifiers, personal data, keys and units.

    Free text takes part (equal or not), since a text that is copied is a leak; a made-up identifier
    tells nothing.
    """
    return tuple(
        c.name
        for c in table.schema.columns
        if c.kind is not Kind.IDENTIFIER
        and c.personal is None
        and c.role not in (Role.UNIT, Role.KEY, Role.ENTITY)
    )


def encode(
    tables: Sequence[Table],
    *,
    reference: int | Sequence[int] = 0,
    columns: Sequence[str] | None = None,
    by_label: bool = False,
) -> list[Records]:
    """Encode tables of the same columns on one scale.

    Parameters
    ----------
    tables
        Same columns and kinds; rows may differ. The kinds are those of ``tables[0]``.
    reference
        Which tables define the scale of numbers. Two rows then have distance 0 exactly if they are
        equal, provided that one of them stands in a reference table.
    columns
        Columns to encode; `encoded_columns` of ``tables[0]`` unless given.
    by_label
        Number levels in the order of their labels, not of the tables that they stand in.

    Returns
    -------
    list of Records
        One per table. `numeric` is a mid-rank in [0, 1] (NaN where null), `values` the number as it
        stands, `codes` the level of a discrete column, numbered over all tables; null is a level.

    Raises
    ------
    InputError
        If a table lacks a column or holds it in another kind.

    Examples
    --------
    >>> train, synthetic = encode([train_table, synthetic_table])  # doctest: +SKIP
    """
    chosen = encoded_columns(tables[0]) if columns is None else tuple(columns)
    fitted_on = [reference] if isinstance(reference, int) else list(reference)
    numeric: list[list[npt.NDArray[np.float32]]] = [[] for _ in tables]
    values: list[list[Floats]] = [[] for _ in tables]
    codes: list[list[Codes]] = [[] for _ in tables]
    numeric_names: list[str] = []
    code_names: list[str] = []
    for name in chosen:
        column = tables[0].schema[name]
        if _is_numeric(column):
            numeric_names.append(name)
            raw = [_values(t, column) for t in tables]
            scale = _Ranks(np.concatenate([raw[i] for i in fitted_on]))
            for place, v in enumerate(raw):
                values[place].append(v)
                numeric[place].append(scale(v))
        else:
            code_names.append(name)
            labels = [_labels(t, column) for t in tables]
            for place, c in enumerate(_shared_codes(labels, by_label)):
                codes[place].append(c)
    return [
        Records(
            _stack(numeric[i], t.num_rows, np.float32),
            _stack(codes[i], t.num_rows, np.int32),
            tuple(numeric_names),
            tuple(code_names),
            _stack(values[i], t.num_rows, np.float64),
        )
        for i, t in enumerate(tables)
    ]


def concatenate(parts: Sequence[Records]) -> Records:
    """Rows of records that were encoded together, one after the other."""
    first = parts[0]
    return Records(
        np.concatenate([p.numeric for p in parts]),
        np.concatenate([p.codes for p in parts]),
        first.numeric_names,
        first.code_names,
        np.concatenate([p.values for p in parts]),
    )


def at_most(rows: int, records: Records, rng: np.random.Generator) -> Records:
    """Random rows in their order: all of them if there are no more."""
    return records.take(np.sort(rng.permutation(len(records))[:rows]))


def matrix(records: Records) -> Floats:
    """Return numbers and codes side by side, shape (rows, columns), NaN where a number is null."""
    return np.concatenate([records.numeric, records.codes], axis=1, dtype=np.float64)


def pick(records: Records, places: Sequence[int]) -> Records:
    """Return some columns: places count the numbers first, then the discrete columns."""
    p = records.numeric.shape[1]
    left, right = [j for j in places if j < p], [j - p for j in places if j >= p]
    return Records(
        np.ascontiguousarray(records.numeric[:, left]),
        np.ascontiguousarray(records.codes[:, right]),
        tuple(records.numeric_names[j] for j in left if records.numeric_names),
        tuple(records.code_names[j] for j in right if records.code_names),
        records.values[:, left] if records.values.size else records.values,
    )


class _Ranks:
    """Mid-rank among the reference values: a monotone map to [0, 1] that keeps ties together."""

    def __init__(self, reference: Floats) -> None:
        self._sorted = np.sort(reference[~np.isnan(reference)])

    def __call__(self, values: Floats) -> npt.NDArray[np.float32]:
        count = max(len(self._sorted), 1)
        distinct, inverse = np.unique(values, return_inverse=True)
        below = np.searchsorted(self._sorted, distinct, side="left")
        upto = np.searchsorted(self._sorted, distinct, side="right")
        ranks = ((below + upto) / (2 * count)).astype(np.float32)
        ranks[np.isnan(distinct)] = np.nan
        return np.asarray(ranks[inverse.reshape(-1)], dtype=np.float32)


def _is_numeric(column: Column) -> bool:
    ordered = column.kind is Kind.ORDINAL and column.categories is not None
    return column.kind.is_number_like or ordered


def _column(table: Table, column: Column) -> tuple[pa.ChunkedArray, Kind]:
    """Return the column and its kind there; InputError if the table lacks it."""
    if column.name not in table.schema:
        raise InputError(
            f"column {column.name!r}", got="a table without it", allowed="same columns"
        )
    return table[column.name], table.schema[column.name].kind


def _values(table: Table, column: Column) -> Floats:
    """Return the column as numbers, an ordinal as the place of its level; NaN where null."""
    array, kind = _column(table, column)
    if array.null_count == len(array):
        return np.full(len(array), np.nan)
    if column.kind is Kind.ORDINAL and not kind.is_number_like:
        return _places(array, column.categories or ())
    same = kind is column.kind or (kind.is_plain_number and column.kind.is_plain_number)
    if not same:
        raise InputError(
            f"column {column.name!r}", got=f"{kind.value} in one table", allowed=column.kind.value
        )
    return numbers(array, kind) + 0.0  # -0.0 becomes 0.0


def _places(array: pa.ChunkedArray, levels: Sequence[str]) -> Floats:
    """Return the place of each value among `levels`; a level not among them stands last."""
    text = array.cast(pa.string())
    places = pc.index_in(text, value_set=pa.array(levels, pa.string()))
    unknown = pc.and_(places.is_null(), text.is_valid())
    places = pc.if_else(unknown, len(levels), places)
    return np.asarray(places.cast(pa.float64()).to_numpy(), dtype=np.float64)


def _labels(table: Table, column: Column) -> pa.DictionaryArray:
    """Return a discrete column as dictionary-encoded text, null as a level of its own."""
    array, kind = _column(table, column)
    if kind.is_number_like and array.null_count < len(array):
        raise InputError(
            f"column {column.name!r}", got=f"{kind.value} in one table", allowed=column.kind.value
        )
    plain = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if not pa.types.is_dictionary(plain.type):
        plain = plain.cast(pa.string()).dictionary_encode()
    return plain


def _shared_codes(columns: Sequence[pa.DictionaryArray], by_label: bool) -> list[Codes]:
    """Number the levels over all columns, in order of label or of appearance; null is level 0."""
    seen: dict[str | None, int] = {None: 0}
    if by_label:
        labels = {v for c in columns for v in c.dictionary.to_pylist() if v is not None}
        seen |= {v: i + 1 for i, v in enumerate(sorted(labels))}
    shared = []
    for column in columns:
        levels = column.dictionary.to_pylist()
        to_code = np.array([seen.setdefault(v, len(seen)) for v in levels] + [0], dtype=np.int32)
        places = column.indices.fill_null(len(levels)).to_numpy(zero_copy_only=False)
        shared.append(np.asarray(to_code[places.astype(np.int64)], dtype=np.int32))
    return shared


def _stack(columns: Sequence[npt.NDArray[np.generic]], rows: int, dtype: type) -> npt.NDArray:  # type: ignore[type-arg]
    if not columns:
        return np.empty((rows, 0), dtype=dtype)
    return np.ascontiguousarray(np.stack(columns, axis=1), dtype=dtype)
