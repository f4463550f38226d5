"""Categories, ordered ones, yes and no: dictionary-encoded text over protected levels.

*Rare categories* are replaced by draws from the others; the answer of a yes or no that is rare
becomes the other one. Declared categories are public and pass unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinset.encoding.encoder import Encoded
from twinset.encoding.protection import changes_of, fill_rare_nulls, is_null_public
from twinset.errors import ConditionError
from twinset.protocols import FitContext
from twinset.stats.units import Units, unit_counts
from twinset.table.schema import Column, Format, Kind
from twinset.table.table import Table, canonical_type, coded

__all__ = ["CategoryEncoder", "CategoryEncoding"]

_FALSE_TRUE = ("false", "true")
_DICTIONARY = canonical_type(Kind.CATEGORY)
Codes = npt.NDArray[np.int32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CategoryEncoding:
    """One discrete column as codes of its levels."""

    column: Column

    @property
    def columns(self) -> tuple[Column, ...]:
        """The protected column."""
        return (self.column,)

    @property
    def levels(self) -> tuple[str, ...]:
        """What the codes mean."""
        return _FALSE_TRUE if self._is_boolean else tuple(self.column.categories or ())

    @property
    def encoded(self) -> tuple[Column, ...]:
        """The same column without a spelling; a yes or no is a category."""
        update: dict[str, Any] = {"personal": None, "reason": "", "dtype": "", "format": Format()}
        if self._is_boolean:
            update |= {"kind": Kind.CATEGORY, "categories": _FALSE_TRUE}
        return (self.column.model_copy(update=update),)

    def encode(self, table: Table) -> list[pa.Array]:
        """Codes; what is not among the levels becomes null."""
        data = table[self.column.name]
        if self._is_boolean:
            return [_boolean_codes(data)]
        levels = pa.array(self.column.categories or (), pa.string())
        indices = pc.index_in(pc.cast(data, pa.string()), levels).combine_chunks()
        return [pa.DictionaryArray.from_arrays(indices, levels)]

    def decode(self, encoded: Table) -> list[pa.ChunkedArray]:
        """Return the column's levels, or true and false."""
        data = encoded[self.column.name]
        if self._is_boolean:
            return [pc.equal(pc.cast(data, pa.string()), "true")]
        return [data.cast(_DICTIONARY)]

    def stated(self, value: object) -> str | None:
        """Return a level."""
        if value is None:
            return None
        text = self._answer(str(value)) if self._is_boolean else str(value)
        if text not in self.levels:
            raise ConditionError(
                f"condition on {self.column.name!r}",
                got="a category that the model does not know",
                allowed=f"one of the {len(self.levels)} categories with at least the minimum count",
            )
        return text

    @property
    def _is_boolean(self) -> bool:
        return self.column.kind is Kind.BOOLEAN

    def _answer(self, text: str) -> str:
        spelled = {self.column.format.false: "false", self.column.format.true: "true"}
        return spelled.get(text, text.lower())


@dataclass(frozen=True)
class CategoryEncoder:
    """Encodes one discrete column.

    Parameters
    ----------
    protect
        Minimum number of units behind a level and behind nulls.
    """

    protect: int

    def fit(self, columns: tuple[Column, ...], *, context: FitContext) -> Encoded:
        """Replace rare levels, and fill rare nulls."""
        (column,) = columns
        table = context.read([column.name], "protection of a category")
        units, k, rng = table.units, self.protect, context.rng
        if column.kind is Kind.BOOLEAN:
            safe, (codes, changed) = column, _protected_answers(table[column.name], units, k)
        else:
            safe, codes, changed = _protected_levels(column, table[column.name], units, k, rng)
        missing = codes < 0
        filled = fill_rare_nulls(column, codes, missing, units, k, rng)
        missing &= ~filled
        nullable = is_null_public(column) or bool(missing.any())
        encoding = CategoryEncoding(safe.model_copy(update={"nullable": nullable}))
        indices = pa.array(codes, mask=missing, type=pa.int32())
        array = pa.DictionaryArray.from_arrays(indices, pa.array(encoding.levels, pa.string()))
        counts = {"rare categories replaced": changed, "rare nulls replaced": int(filled.sum())}
        return Encoded(encoding, [array], changes_of(column.name, counts))


def _boolean_codes(data: pa.ChunkedArray) -> pa.Array:
    indices = pc.cast(data, pa.int32()).combine_chunks()
    indices = indices.combine_chunks() if isinstance(indices, pa.ChunkedArray) else indices
    return pa.DictionaryArray.from_arrays(indices, pa.array(_FALSE_TRUE, pa.string()))


def _protected_levels(
    column: Column, data: pa.ChunkedArray, units: Units, k: int, rng: np.random.Generator
) -> tuple[Column, Codes, int]:
    """Return the column with its common levels, codes of them, and how many were replaced."""
    codes, values = coded(pc.cast(data, pa.string()))
    levels = values.to_pylist()
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


def _protected_answers(data: pa.ChunkedArray, units: Units, k: int) -> tuple[Codes, int]:
    """Give the answer that fewer than k units gave the other value; null if that is rare too."""
    codes, _ = coded(_boolean_codes(data))
    held = _held(codes, units, len(_FALSE_TRUE))
    rare = (codes >= 0) & (held < k)[codes]
    out = np.where(rare, 1 - codes if held.max() >= k else -1, codes).astype(np.int32)
    return out, int(rare.sum())


def _held(codes: Ints, units: Units, levels: int) -> Ints:
    """Count the units that hold each code; nulls, -1, are left out."""
    known = codes >= 0
    return unit_counts(codes[known], None if units is None else units[known], levels)
