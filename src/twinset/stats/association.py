"""Strength of association between two columns, with its sampling variance.

From counts (Cramer's V, correlation ratio, mutual information) or from columns of numbers
(Pearson; Spearman is Pearson of mid-ranks).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import rankdata

from twinset.arrays import Floats

__all__ = [
    "correlation_freedom",
    "correlation_ratio",
    "correlations",
    "cramers_v",
    "mid_ranks",
    "mutual_information",
]


def mid_ranks(values: Floats) -> Floats:
    """Return mid-ranks in (0, 1] of a column, NaN where null."""
    ranks = np.full(len(values), np.nan)
    there = ~np.isnan(values)
    ranks[there] = rankdata(values[there]) / max(int(there.sum()), 1)
    return ranks


def correlations(columns: Floats) -> tuple[Floats, Floats, Floats]:
    """Pearson correlations of all pairs, each on the rows where both are known.

    Parameters
    ----------
    columns
        Shape (rows, p), NaN where null.

    Returns
    -------
    r, variance, n
        Shape (p, p) each: correlation, its delta-method variance for independent rows (Kendall and
        Stuart, vol. 1, eq. 10.51), and the number of rows. NaN where undefined.
    """
    there = ~np.isnan(columns)
    count = np.maximum(there.sum(axis=0), 1)
    filled = np.where(there, columns, 0.0)
    mean = filled.sum(axis=0) / count
    z = np.where(there, columns - mean, 0.0)
    sd = np.sqrt((z * z).sum(axis=0) / count)
    usable = sd > 1e-12 * np.maximum(np.abs(mean), 1e-300)
    z = np.divide(z, sd, out=np.zeros_like(z), where=usable)
    mask = there.astype(np.float64)
    n = mask.T @ mask
    square = z * z  # products: powers above two go through the logarithm
    powers = [mask, z, square, square * z, square * square]
    safe = np.maximum(n, 1.0)

    def moment(i: int, j: int) -> Floats:
        return np.asarray(powers[i].T @ powers[j] / safe)

    m1, m2 = moment(1, 0), moment(2, 0)
    sx, sy = m2 - m1**2, (m2 - m1**2).T
    cov = moment(1, 1) - m1 * m1.T
    ok = (sx > 1e-12) & (sy > 1e-12) & (n > 3) & usable[:, None] & usable[None, :]
    scale = np.sqrt(np.where(ok, sx * sy, 1.0))
    r = np.where(ok, np.clip(cov / scale, -1, 1), np.nan)
    # fourth moments about the column mean: shared nulls move it little, and only the variance
    fourth = moment(4, 0) / np.where(ok, sx**2, 1.0)
    m22 = moment(2, 2) / np.where(ok, sx * sy, 1.0)
    m31 = moment(3, 1) / np.where(ok, sx * scale, 1.0)
    variance = r * r / 4 * (fourth + fourth.T + 2 * m22) - r * (m31 + m31.T) + m22
    return r, np.where(ok, np.maximum(variance, 0) / safe, np.nan), n


def correlation_freedom(x: Floats, y: Floats) -> float:
    """Degrees of freedom of a Pearson correlation's variance, itself an estimate.

    The variance is the mean square of the rows' influence zx zy - r (zx^2 + zy^2) / 2 over n, and
    has the relative variance (kurtosis of the influence - 1) / n, where a chi-square has 2 / df
    (Satterthwaite 1946): few where single rows in a heavy tail make the correlation.
    """
    known = ~(np.isnan(x) | np.isnan(y))
    zx, zy = ((v[known] - v[known].mean()) / max(v[known].std(), 1e-300) for v in (x, y))
    pull = zx * zy - (zx * zy).mean() / 2 * (zx**2 + zy**2)
    square = pull**2
    spread = float(square.var())
    return 2 * len(pull) * float(square.mean()) ** 2 / spread if spread > 0 else math.inf


def _margins(table: Floats) -> tuple[Floats, Floats, Floats, float]:
    n = float(table.sum())
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    p = table / n if n > 0 else table
    return p, p.sum(axis=1), p.sum(axis=0), n


def cramers_v(table: Floats, levels: tuple[int, int] | None = None) -> tuple[float, float] | None:
    """Bias-corrected Cramer's V and its variance from a table of counts (Bergsma 2013).

    None if one side has fewer than two levels. The variance is the delta method on phi squared
    plus the scatter of a chi-square under independence.

    Parameters
    ----------
    table
        Shape (r, c): counts.
    levels
        Numbers of levels that V is scaled by, if not those that occur: tables that are compared
        need the same, or one rare level that only one of them has moves V by more than its scatter.
    """
    p, rows, cols, n = _margins(table)
    if min(p.shape) < 2 or n < 2:
        return None
    ratio = p / np.outer(rows, cols)
    phi = float((p * ratio).sum()) - 1
    pull = 2 * ratio - ((p * ratio).sum(axis=1) / rows)[:, None] - (p * ratio).sum(axis=0) / cols
    mean = float((p * pull).sum())
    df = (p.shape[0] - 1) * (p.shape[1] - 1)
    spread = max(float((p * pull**2).sum()) - mean**2, 0.0) / n + 2 * df / n**2
    fair = max(0.0, phi - df / (n - 1))
    r, c = levels or p.shape
    lesser = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    if lesser <= 0:
        return None
    return _root(fair / lesser, spread / lesser**2)


def _root(square: float, variance: float) -> tuple[float, float]:
    """Square root of an estimate, with a variance that stays finite at zero."""
    sd = math.sqrt(variance)
    return min(1.0, math.sqrt(square)), variance / (4 * max(square, sd / 2))


def correlation_ratio(table: Floats, scores: Floats) -> tuple[float, float] | None:
    """Correlation ratio eta of scored columns given the rows of a table of counts, and variance.

    Parameters
    ----------
    table
        Shape (groups, scores): counts.
    scores
        Shape (scores,): the number that stands for each column.
    """
    n = float(table.sum())
    table = table[table.sum(axis=1) > 0]
    if len(table) < 2 or n < 3:
        return None
    p = table / n
    share, column = p.sum(axis=1), p.sum(axis=0)
    centred = scores - float(column @ scores)
    total = float(column @ centred**2)
    if total <= 1e-15:
        return None
    y = centred / math.sqrt(total)
    means = (p @ y) / share
    eta2 = float(share @ means**2)
    pull = 2 * np.outer(means, y) - (means**2)[:, None] - eta2 * y**2
    average = float((p * pull).sum())
    df = len(table) - 1
    spread = max(float((p * pull**2).sum()) - average**2, 0.0) / n + 2 * df / n**2
    if n - len(table) < 1:
        return None
    fair = max(0.0, 1 - (1 - eta2) * (n - 1) / (n - len(table)))
    return _root(fair, spread)


def mutual_information(table: Floats) -> float:
    """Mutual information in nats, less its bias (r - 1)(c - 1) / 2n (Miller 1955), at least 0."""
    p, rows, cols, n = _margins(table)
    if n == 0:
        return 0.0
    ratio = np.where(p > 0, p / np.outer(rows, cols), 1.0)
    raw = float((p * np.log(ratio)).sum())
    bias = float((p.shape[0] - 1) * (p.shape[1] - 1)) / (2 * n)
    return max(0.0, raw - bias)
