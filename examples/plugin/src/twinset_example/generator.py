"""Gauss: columns by their quantile curves and frequencies, tied by a Gaussian copula."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import ndtr, ndtri

from twinset.errors import InputError
from twinset.protocols import FitContext, Generator, State
from twinset.table.schema import Column, Kind
from twinset.table.table import Table, labels, numbers

__all__ = ["Gauss", "GaussModel"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class GaussModel:
    """Marginals and the factor of the correlation; it draws free rows and nothing else.

    `null` holds the share of nulls of each column, `curve` a number's quantiles or a category's
    cumulative shares. Nulls lie below all values, so that they depend on other columns too.
    """

    empty: Table
    null: tuple[float, ...]
    curve: tuple[Floats, ...]
    factor: Floats

    def sample(self, n: int, *, rng: np.random.Generator) -> Table:
        """Draw `n` rows: dependent uniforms, each through the inverse of its column's marginal."""
        u = ndtr(rng.normal(size=(n, len(self.null))) @ self.factor.T)
        columns = self.empty.schema.columns
        arrays = [self._inverse(i, column, u[:, i]) for i, column in enumerate(columns)]
        return Table(self.empty.schema, pa.table(arrays, names=list(self.empty.names)))

    def _inverse(self, i: int, column: Column, u: Floats) -> pa.Array:
        null, curve = self.null[i], self.curve[i]
        missing = (u < null) | (len(curve) == 0)
        p = np.clip((u - null) / max(1 - null, 1e-12), 0, 1)
        if column.kind is not Kind.REAL:
            codes = np.searchsorted(curve, p).clip(0, max(len(curve) - 1, 0)).astype(np.int32)
            levels = pa.array(column.categories or (), pa.string())
            return pa.DictionaryArray.from_arrays(pa.array(codes, mask=missing), levels)
        x = np.interp(p, np.linspace(0, 1, len(curve)), curve) if len(curve) else np.zeros(len(p))
        step, low = column.format.step, column.low or 0.0
        if step:
            x = np.round(low + np.round((x - low) / step) * step, 10)
        return pa.array(np.clip(x, column.low, column.high), mask=missing)

    def to_state(self) -> State:
        """Everything needed to sample: arrays and numbers only."""
        return {"null": list(self.null), "curve": list(self.curve), "factor": self.factor}


@dataclass(frozen=True)
class Gauss(Generator):
    """A Gaussian copula: every pair of columns has one correlation, of normal scores.

    Nelsen 2006, An Introduction to Copulas, section 2; normal scores as in Liu, Lafferty and
    Wasserman 2009, J. Mach. Learn. Res. 10. Categories take their order from the schema. A number
    comes from a curve, so that no value of a train row is passed on unless many rows share it.

    Parameters
    ----------
    points
        Points of a number's quantile curve; fewer are smoother and say less of single rows.
    """

    name: ClassVar[str] = "gauss"
    model: ClassVar[type[Any]] = GaussModel
    points: int = 101

    def __post_init__(self) -> None:
        if self.points < 2:
            raise InputError("option points of gauss", got=str(self.points), allowed="2 or more")

    def fit(self, table: Table, *, context: FitContext) -> GaussModel:
        """Learn each marginal, then the correlation of normal scores."""
        learned = [self._marginal(table, c, context.rng) for c in table.schema.columns]
        null, curve, scores = zip(*learned, strict=True)
        z = np.stack(scores, axis=1)
        z = (z - z.mean(axis=0)) / np.maximum(z.std(axis=0), 1e-9)
        power, axes = np.linalg.eigh(0.99 * (z.T @ z) / len(z) + 0.01 * np.eye(z.shape[1]))
        factor = axes * np.sqrt(np.maximum(power, 0))
        scale = np.sqrt((factor**2).sum(axis=1, keepdims=True))
        return GaussModel(table.take(np.arange(0)), null, curve, factor / scale)

    def _marginal(
        self, table: Table, column: Column, rng: np.random.Generator
    ) -> tuple[float, Floats, Floats]:
        """Return the share of nulls, the curve, and a normal score of each row (ties at random)."""
        if column.kind is Kind.REAL:
            x = numbers(table[column.name], Kind.REAL)
            known = x[~np.isnan(x)]
            curve = np.quantile(known, np.linspace(0, 1, self.points)) if len(known) else known
        else:
            names, codes = labels(table[column.name])
            place = [*((column.categories or ()).index(n) for n in names), np.nan]
            x = np.array(place, dtype=np.float64)[codes]
            known = x[~np.isnan(x)].astype(np.int64)
            count = np.bincount(known, minlength=len(column.categories or ()))
            curve = np.cumsum(count) / count.sum() if len(known) else np.zeros(0)
        order = np.lexsort((rng.random(len(x)), np.nan_to_num(x, nan=-np.inf)))
        rank = np.empty(len(x))
        rank[order] = (np.arange(len(x)) + 0.5) / len(x)
        return float(np.isnan(x).mean()), curve, ndtri(rank)

    def from_state(self, state: State, table: Table) -> GaussModel:
        """Rebuild from `GaussModel.to_state`; `table` has no rows and gives the schema."""
        null: Any = state["null"]
        curve: Any = state["curve"]
        return GaussModel(table, tuple(null), tuple(curve), np.asarray(state["factor"]))
