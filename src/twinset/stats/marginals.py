"""Distances between counted distributions, their intervals, and what chance alone shows.

All functions take counts over the same cells. "a" is train, "b" the table held against it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy import special, stats

from twinset.arrays import Floats, Ints

__all__ = [
    "SplitNull",
    "joint",
    "js_divergence",
    "js_variance",
    "rake",
    "raked_inflation",
    "raked_tvd",
    "tvd",
    "tvd_variance",
]


_EXACT = 40  # cells with at most this many rows get their exact binomial split
_DENSE = 5  # least number of rows from which a cell's scatter shrinks like 1/sqrt(n)


def joint(codes: list[Ints], sizes: list[int]) -> Ints:
    """Return shape (prod of sizes,): counts of the joint codes, last column fastest."""
    index = codes[0]
    for code, size in zip(codes[1:], sizes[1:], strict=True):
        index = index * size + code
    return np.bincount(index, minlength=math.prod(sizes))


def _share(counts: Ints | Floats) -> Floats:
    total = float(counts.sum())
    return np.asarray(counts / total if total > 0 else counts, dtype=np.float64)


def tvd(a: Ints | Floats, b: Ints | Floats) -> float:
    """Total variation distance, half the sum of |share - share|, in [0, 1].

    >>> tvd(np.array([4, 4]), np.array([6, 2]))
    0.25
    """
    return float(np.abs(_share(a) - _share(b)).sum() / 2)


def tvd_variance(
    a: Ints, b: Ints, effects: tuple[float, float] = (1.0, 1.0)
) -> tuple[float, Floats]:
    """Sampling variance of `tvd` for these sizes, and the weight of each cell in it.

    Delta method with the sign of each cell's difference softened by its own noise (a folded normal
    per cell), so that it stays valid where the distance is all noise.

    Returns
    -------
    variance
        Variance of the distance; `effects` are the design effects of the two tables.
    weights
        Shape (cells,), in [-1, 1]: derivative of twice the distance by the share of the cell in a.
    """
    n, m = float(a.sum()), float(b.sum())
    if n == 0 or m == 0:
        return 0.0, np.zeros(len(a))
    p, q = a / n, b / m
    gap = p - q
    var = effects[0] * p * (1 - p) / n + effects[1] * q * (1 - q) / m
    sd = np.sqrt(np.maximum(var, 1e-300))
    z = gap / sd
    soft = special.erf(z / math.sqrt(2))
    folded = sd * math.sqrt(2 / math.pi) * np.exp(-np.minimum(z * z, 1400) / 2) + gap * soft
    rest = np.maximum(gap * gap + var - folded * folded - soft * soft * var, 0).sum()
    linear = effects[0] * _spread(p, soft) / n + effects[1] * _spread(q, soft) / m
    return float((linear + rest) / 4), soft


def _spread(p: Floats, weights: Floats) -> float:
    mean = float(p @ weights)
    return max(float(p @ (weights * weights)) - mean * mean, 0.0)


def js_divergence(a: Ints | Floats, b: Ints | Floats) -> float:
    """Jensen-Shannon divergence in bits, in [0, 1] (Lin 1991, eq. 3.5 with equal weights)."""
    p, q = _share(a), _share(b)
    m = (p + q) / 2
    return float(max((special.rel_entr(p, m) + special.rel_entr(q, m)).sum(), 0) / 2 / math.log(2))


def js_variance(a: Ints, b: Ints, effects: tuple[float, float] = (1.0, 1.0)) -> float:
    """Sampling variance of `js_divergence`: delta method plus the second-order scatter."""
    n, m = float(a.sum()), float(b.sum())
    if n == 0 or m == 0:
        return 0.0
    p, q = a / n, b / m
    half = np.maximum((p + q) / 2, 1e-300)
    first = [np.log2(np.where(x > 0, x / half, 1.0)) / 2 for x in (p, q)]
    linear = effects[0] * _spread(p, first[0]) / n + effects[1] * _spread(q, first[1]) / m
    s2 = effects[0] / n + effects[1] / m
    second = 2 * np.count_nonzero((a + b) > 0) * (s2 / (8 * math.log(2))) ** 2
    return linear + float(second)


def rake(counts: Floats, rows: Floats, columns: Floats) -> Floats:
    """Return `counts` (..., r, c) fitted to these row and column sums (Deming and Stephan 1940).

    What is left between two tables raked to the same margins is a difference in dependence.
    """
    table = counts.astype(np.float64)
    for _ in range(4):
        for axis, wanted in ((-1, rows[..., :, None]), (-2, columns[..., None, :])):
            have = table.sum(axis=axis, keepdims=True)
            table = table * np.divide(wanted, have, out=np.zeros_like(have), where=have > 0)
    return table


def raked_tvd(a: Ints | Floats, b: Ints | Floats) -> Floats:
    """TVD of tables (..., r, c) after raking `b` to the margins of `a`; shape (...).

    On the levels that both have: a lost level is a column's defect.
    """
    rows, columns = ((a.sum(axis=i) > 0) & (b.sum(axis=i) > 0) for i in (-1, -2))
    both = rows[..., :, None] & columns[..., None, :]
    mine, its = np.where(both, a, 0.0), np.where(both, b, 0.0)
    raked = rake(its, mine.sum(axis=-1), mine.sum(axis=-2))
    shares = [t / np.maximum(t.sum(axis=(-1, -2), keepdims=True), 1e-300) for t in (mine, raked)]
    return np.asarray(np.abs(shares[0] - shares[1]).sum(axis=(-1, -2)) / 2)


def raked_inflation(rows: Floats, columns: Floats) -> float:
    """How many times the variance of a raked table's TVD exceeds that of independent cells.

    Cells of one row and of one column go against each other once the margins are fixed: two columns
    are mirror images. With shares p of rows and q of columns, cells (i, j) and (k, l) have the
    correlation r_ik c_jl, r_ik = -sqrt(p_i p_k / (1 - p_i)(1 - p_k)) for i != k and likewise c, and
    the covariance of two folded normals is sd sd f(rho), f = (rho^2 + rho^4/12 + ...) / pi.

    Parameters
    ----------
    rows, columns
        Shape (r,) and (c,): shares or counts of the margins.
    """
    sides = []
    for margin in (rows, columns):
        p = _share(margin[margin > 0])
        odds = p / np.maximum(1 - p, 1e-12)
        square = np.minimum(np.outer(odds, odds), 1.0)
        np.fill_diagonal(square, 1.0)
        weight = np.sqrt(p * (1 - p))
        sides.append((square, weight))
    (r, u), (c, v) = sides
    own = float((u**2).sum() * (v**2).sum())
    if own <= 0:
        return 1.0
    series = sum(
        a * float(u @ r**k @ u) * float(v @ c**k @ v) for k, a in enumerate(_FOLDED, start=1)
    )
    return max(1.0, series / (sum(_FOLDED) * own))


_FOLDED = (1.0, 1 / 12, 1 / 40, 5 / 448, 7 / 1152)  # of sqrt(1 - x^2) + x asin x - 1, times 2


def _at(table: Floats, counts: Floats) -> Floats:
    return np.asarray(np.interp(counts, np.arange(len(table)), table), dtype=np.float64)


def _tvd_cell(x: Floats, y: Floats, a: float, b: float) -> Floats:
    return np.abs(x / a - y / b)


def _js_cell(x: Floats, y: Floats, a: float, b: float) -> Floats:
    p, q = x / a, y / b
    m = (p + q) / 2
    return np.asarray((special.rel_entr(p, m) + special.rel_entr(q, m)) / (2 * math.log(2)))


@dataclass(frozen=True)
class SplitNull:
    """Mean and variance of TVD and Jensen-Shannon if both tables are one population.

    Real rows (train and holdout pooled, or train alone) are dealt to two parts at random; per cell
    with c rows the split is binomial: exact for c <= 40, normal above. Unlike
    ``E = 1/2 sum sqrt(2/pi p(1-p)(1/n + 1/m))`` this stays right for sparse cells, where that
    formula exceeds 1. Sizes other than those of the split are reached by scaling the cells with at
    least 5 rows; sparser cells hardly depend on the size.

    Parameters
    ----------
    split
        Rows of the two parts that the real rows are dealt to.
    sizes
        Rows of the two tables that are compared.
    """

    split: tuple[int, int]
    sizes: tuple[int, int]
    _tables: dict[str, tuple[Floats, Floats]] = field(default_factory=dict, compare=False)

    def tvd(
        self,
        counts: Ints,
        fresh: float = 0.0,
        effect: float = 1.0,
        damp: Floats | float = 1.0,
    ) -> tuple[float, float]:
        """Return null mean and variance of the TVD.

        Parameters
        ----------
        counts
            Shape (cells,): pooled real rows per cell that train could have.
        fresh
            Share of fresh real rows that fall in cells which train cannot have (unseen values).
        effect
            Design effect of units.
        damp
            Shape (cells,): part of a cell's standard deviation that is left, if not all.
        """
        mean, var = self._table("tvd", _tvd_cell)
        scale = self._scale()
        pooled = float(sum(self.split))
        p = counts / max(pooled, 1.0)
        s2 = self._s2(self.split) * scale**2 * effect
        spread = s2 * p * (1 - p)
        few = counts / effect  # rows that come in packs of `effect` scatter as fewer, larger ones
        shrink = np.sqrt(np.maximum(1 - p, 0)) * np.where(few >= _DENSE, scale, 1.0) * effect
        exact = few <= _EXACT
        means = np.where(exact, _at(mean, few) * shrink, np.sqrt(2 / math.pi * spread)) * damp
        variances = np.where(exact, _at(var, few) * shrink**2, (1 - 2 / math.pi) * spread) * damp**2
        with np.errstate(divide="ignore", invalid="ignore"):
            pull = np.where(p < 1, p * np.sqrt(p / (1 - p)), 0.0)
        shared = s2 / math.pi * (pull.sum() ** 2 - (pull**2).sum())
        extra = fresh * (1 - fresh) / self.sizes[1] * effect + self._drift(mean, few) * effect**2
        return float(means.sum() + fresh) / 2, float(variances.sum() + shared + extra) / 4

    def js(self, counts: Ints, fresh: float = 0.0, effect: float = 1.0) -> tuple[float, float]:
        """Return null mean and variance of the Jensen-Shannon divergence; see `tvd`."""
        mean, var = self._table("js", _js_cell)
        scale = self._scale() ** 2
        p = counts / max(float(sum(self.split)), 1.0)
        unit = self._s2(self.split) * (1 - p) / (8 * math.log(2)) * (counts > 0)
        few = counts / effect
        exact = few <= _EXACT
        factor = np.where(few >= _DENSE, scale, 1.0) * effect
        means = np.where(exact, _at(mean, few) * (1 - p), unit) * factor
        variances = np.where(exact, _at(var, few) * (1 - p) ** 2, 2 * unit**2) * factor**2
        base = self._s2(self.split) * scale * effect / (8 * math.log(2))
        shared = 2 * base**2 * float(1 - (p**2).sum())
        extra = fresh * (1 - fresh) / self.sizes[1] * effect / 4
        extra += self._drift(mean, few) * effect**2
        return float(means.sum() + fresh / 2), float(variances.sum() + shared + extra)

    def _drift(self, mean: Floats, counts: Floats) -> float:
        """Variance of the null mean itself: the real rows are one sample, the release another."""
        held = counts[(counts > 0) & (counts < _EXACT)]
        slope = (_at(mean, held + 1) - _at(mean, np.maximum(held - 1, 0))) / 2
        total = max(float(counts.sum()), 1.0)
        return float(max((held * slope**2).sum() - (held @ slope) ** 2 / total, 0.0))

    def _s2(self, sizes: tuple[int, int]) -> float:
        return 1 / max(sizes[0], 1) + 1 / max(sizes[1], 1)

    def _scale(self) -> float:
        return math.sqrt(self._s2(self.sizes) / self._s2(self.split))

    def _table(
        self, name: str, cell: Callable[[Floats, Floats, float, float], Floats]
    ) -> tuple[Floats, Floats]:
        if name not in self._tables:
            a, b = float(max(self.split[0], 1)), float(max(self.split[1], 1))
            count = np.arange(_EXACT + 1)[:, None]
            x = np.arange(_EXACT + 1, dtype=np.float64)[None, :]
            weight = stats.binom.pmf(x, count, a / (a + b))
            value = cell(x, np.maximum(count - x, 0.0), a, b)
            mean = (weight * value).sum(axis=1)
            self._tables[name] = mean, (weight * value**2).sum(axis=1) - mean**2
        return self._tables[name]
