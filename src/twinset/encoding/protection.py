"""Protection of one column: nothing that fewer than `k` units hold is learned.

* *rare categories* (and rare answers of a yes or no) are replaced by draws from the others;
* *extreme values*: numbers beyond the mean of the k-th to (2k - 1)-th largest unit (and smallest)
  are moved to that mean, so the ends of a column tell of no single unit;
* *rare nulls*: where fewer than `k` units have no value, theirs are drawn from the others; where
  fewer than `k` have one, nobody keeps one.

Categories, bounds, codes and nulls that a person has declared are public and pass unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinset.stats.units import Units, holders, outermost, unit_counts
from twinset.table.schema import Column, Kind
from twinset.table.table import numbers

__all__ = ["FALSE_TRUE", "Protected", "boolean_codes", "null_share", "number_step", "protected"]

FALSE_TRUE = ("false", "true")

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Protected:
    """What protection did to one column: `rows` of the train table were changed."""

    column: str
    what: str
    rows: int


def protected(
    column: Column, data: pa.ChunkedArray, units: Units, k: int, rng: np.random.Generator
) -> tuple[Column, pa.Array, tuple[Protected, ...]]:
    """Return a learnable column's schema and values (codes or float64) and what was changed."""
    values: npt.NDArray[np.generic]
    if column.kind.is_number_like:
        safe, values, changed = _protect_numbers(column, data, units, k)
        missing = np.isnan(values.astype(np.float64))
        what = "extreme values moved to the mean of a group"
    else:
        protect = _protect_booleans if column.kind is Kind.BOOLEAN else _protect_categories
        safe, values, changed = protect(column, data, units, k, rng)
        missing = values < 0
        what = "rare categories replaced"
    filled = _fill_rare_nulls(column, values, missing, units, k, rng)
    missing &= ~filled
    public = "nullable" in column.declared and column.nullable
    safe = safe.model_copy(update={"nullable": public or bool(missing.any())})
    if column.kind.is_number_like:
        array = pa.array(values, mask=missing)
    else:
        levels = FALSE_TRUE if column.kind is Kind.BOOLEAN else safe.categories or ()
        indices = pa.array(values, mask=missing, type=pa.int32())
        array = pa.DictionaryArray.from_arrays(indices, pa.array(levels, pa.string()))
    done = ((what, changed), ("rare nulls replaced", int(filled.sum())))
    return safe, array, tuple(Protected(column.name, w, n) for w, n in done if n)


def null_share(data: pa.ChunkedArray, units: Units, k: int) -> float:
    """Share of nulls of a column that is not learned: 0 or 1 where fewer than `k` units differ."""
    missing = np.asarray(data.is_null())
    if holders(missing, units) < k:
        return 0.0
    return 1.0 if holders(~missing, units) < k else float(missing.mean())


def number_step(column: Column) -> float | None:
    """Grid on which a generator sees a number; None if there is none."""
    step = column.format.step
    if step is None and column.kind in (Kind.INTEGER, Kind.DATE):
        step = 1.0
    if step is None and column.format.decimals is not None and column.kind is Kind.REAL:
        step = 10.0**-column.format.decimals
    return step


def boolean_codes(data: pa.ChunkedArray) -> pa.Array:
    """Return a boolean column as codes of `FALSE_TRUE`."""
    indices = pc.cast(data, pa.int32()).combine_chunks()
    indices = indices.combine_chunks() if isinstance(indices, pa.ChunkedArray) else indices
    return pa.DictionaryArray.from_arrays(indices, pa.array(FALSE_TRUE, pa.string()))


def _fill_rare_nulls(
    column: Column,
    values: npt.NDArray[np.generic],
    missing: Mask,
    units: Units,
    k: int,
    rng: np.random.Generator,
) -> Mask:
    """Draw values for nulls that fewer than `k` units have, in place; return where."""
    public = "nullable" in column.declared and column.nullable
    if public or missing.all() or not missing.any() or holders(missing, units) >= k:
        return np.zeros(len(missing), dtype=bool)
    values[missing] = rng.choice(values[~missing], size=int(missing.sum()))
    return missing.copy()


def _bound(values: Floats, units: Units, k: int) -> float | None:
    """Mean of the k-th to (2k-1)-th largest of the units' largest values.

    Of fewer than 2k units it is the mean of all; of fewer than k there is none.
    """
    top = outermost(values, units, 2 * k)
    if len(top) < k:
        return None
    if len(top) < 2 * k:
        return float(top.mean())
    group = top[1 : k + 1]
    return float(group[0]) if group[0] == group[-1] else float(group.mean())


def _protect_numbers(
    column: Column, data: pa.ChunkedArray, units: Units, k: int
) -> tuple[Column, Floats, int]:
    values = numbers(data, column.kind).copy()
    plain = ~np.isnan(values) & ~np.isin(values, column.sentinels)
    x, u = values[plain], None if units is None else units[plain]
    high = column.high if "high" in column.declared else _bound(x, u, k)
    low = column.low if "low" in column.declared else _negate(_bound(-x, u, k))
    if high is None or low is None:  # fewer than k units have a value: nothing is learned
        low = high = None
        changed = int(plain.sum())
        values[plain] = np.nan
    else:
        step = number_step(column)
        if step is not None:
            low, high = (_to_grid(v, x, step) for v in (low, high))
        low, high = min(low, high), max(low, high)
        clipped = np.clip(x, low, high)
        changed = int((clipped != x).sum())
        values[plain] = clipped
    common = _common_codes(column, values, units, k)
    drop = np.isin(values, tuple(set(column.sentinels) - set(common)))
    values[drop] = np.nan
    safe = column.model_copy(update={"low": low, "high": high, "sentinels": common})
    return safe, values, changed + int(drop.sum())


def _common_codes(column: Column, values: Floats, units: Units, k: int) -> tuple[float, ...]:
    """Sentinel codes that at least k units hold."""
    public = "sentinels" in column.declared
    return tuple(c for c in column.sentinels if public or holders(values == c, units) >= k)


def _negate(value: float | None) -> float | None:
    return None if value is None else -value


def _to_grid(value: float, x: Floats, step: float) -> float:
    """Nearest point of the grid that the column's values lie on."""
    offset = float(x[0]) % step if len(x) else 0.0
    return float(round(offset + round((value - offset) / step) * step, 12))


def _protect_categories(
    column: Column, data: pa.ChunkedArray, units: Units, k: int, rng: np.random.Generator
) -> tuple[Column, npt.NDArray[np.int32], int]:
    encoded = pc.cast(data, pa.string()).combine_chunks().dictionary_encode()
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    levels = encoded.dictionary.to_pylist()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    held = _held(codes, units, len(levels))
    declared = set(column.categories or ()) if "categories" in column.declared else set()
    public = np.array([level in declared for level in levels], dtype=bool)
    common = (held >= k) | public
    known = codes >= 0
    rare = known.copy()
    rare[known] = ~common[codes[known]]
    order = [c for c in (column.categories or sorted(levels)) if c in set(levels) | declared]
    place = {level: i for i, level in enumerate(levels)}
    kept = tuple(c for c in order if c not in place or common[place[c]])
    new_code = np.full(len(levels) + 1, -1, dtype=np.int32)
    for i, level in enumerate(kept):
        if level in place:
            new_code[place[level]] = i
    out = new_code[codes]
    if rare.any() and common.any():
        pool = out[known & ~rare]
        out[rare] = rng.choice(pool, size=int(rare.sum())) if len(pool) else -1
    return column.model_copy(update={"categories": kept}), out, int(rare.sum())


def _protect_booleans(
    column: Column, data: pa.ChunkedArray, units: Units, k: int, rng: np.random.Generator
) -> tuple[Column, npt.NDArray[np.int32], int]:
    """Give the answer that fewer than k units gave the other value; null if that is rare too."""
    indices = boolean_codes(data).indices.fill_null(-1)
    codes = indices.to_numpy(zero_copy_only=False).astype(np.int64)
    held = _held(codes, units, len(FALSE_TRUE))
    rare = (codes >= 0) & (held < k)[codes]
    out = np.where(rare, 1 - codes if held.max() >= k else -1, codes).astype(np.int32)
    return column, out, int(rare.sum())


def _held(codes: Ints, units: Units, levels: int) -> Ints:
    """Count the units that hold each code; nulls, -1, are left out."""
    known = codes >= 0
    return unit_counts(codes[known], None if units is None else units[known], levels)
