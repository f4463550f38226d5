"""Distances between sorted samples: Kolmogorov-Smirnov, Wasserstein, quantiles, and AUC."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from twinset.arrays import Floats, Ints
from twinset.stats.sorted_values import blocks, pieces, quantiles, runs
from twinset.stats.units import Units, compact

__all__ = ["AucInfluence", "Gaps", "auc", "gaps", "kolmogorov", "quantile_gap", "wasserstein_null"]


KS_MEAN, KS_SD = 0.8687311606361592, 0.2603328697  # moments of Kolmogorov's distribution
PROBS = np.arange(0.05, 0.951, 0.05)


@dataclass(frozen=True)
class Gaps:
    """Distances between two cumulative distributions and their sampling variances."""

    ks: float
    ks_variance: float
    wasserstein: float
    wasserstein_variance: float


def gaps(a: Floats, b: Floats) -> Gaps:
    """Kolmogorov-Smirnov D and 1-Wasserstein distance of two sorted, non-empty samples.

    W = integral of |F_a - F_b| (Vallender 1974); variances by the delta method, at least those
    under equality. Goes down the values block by block (`twinset.stats.sorted_values`).
    """
    n, m = len(a), len(b)
    s2 = 1 / n + 1 / m
    marks = _marks(n + m)
    found = np.empty(len(marks))
    d, ks_variance, wasserstein, bridge, tail_above = -1.0, 0.0, 0.0, 0.0, 0.0
    first, second = np.zeros(2), np.zeros(2)
    above = None
    for at_a, at_b in reversed(blocks(a, b)):
        points, counts = _merged(a[at_a], b[at_b])
        if not len(points):
            continue
        upto = np.cumsum(counts, axis=1) + np.array([[at_a.start], [at_b.start]])
        fa, fb = upto[0] / n, upto[1] / m
        gap = fa - fb
        width = np.diff(points, append=points[-1] if above is None else above)
        top = int(np.argmax(np.abs(gap)))
        if abs(gap[top]) >= d:
            d = float(abs(gap[top]))
            ks_variance = float(sum(f[top] * (1 - f[top]) / k for f, k in ((fa, n), (fb, m))))
        wasserstein += float(np.abs(gap) @ width)
        both = upto.sum(axis=0)
        bridge += float(np.sqrt(both * (n + m - both)) @ width) / (n + m)
        inside = (marks >= both[0] - counts[:, 0].sum()) & (marks < both[-1])
        found[inside] = points[np.searchsorted(both, marks[inside], side="right")]
        # influence of a value x on W: integral from x of sign(gap)
        scatter = np.maximum(fa * (1 - fa) + fb * (1 - fb), 1e-12)
        tail = np.cumsum((special.erf(gap / np.sqrt(s2 * scatter)) * width)[::-1])[::-1]
        tail += tail_above
        shares = counts / [[n], [m]]
        first += shares @ tail
        second += shares @ (tail * tail)
        above, tail_above = points[0], float(tail[0])
    w_variance = float(np.maximum(second - first**2, 0.0) @ [1 / n, 1 / m])
    return Gaps(
        d,
        max(ks_variance, s2 * KS_SD**2),
        wasserstein,
        max(w_variance, _bridge_moments(bridge, found, n, m)[1]),
    )


def _merged(a: Floats, b: Floats) -> tuple[Floats, Ints]:
    """Distinct values of two sorted parts, and shape (2, values): how often each has them."""
    parts = [runs(part) for part in (a, b)]
    points = np.union1d(parts[0][0], parts[1][0])
    counts = np.zeros((2, len(points)), dtype=np.int64)
    for own, (values, held) in zip(counts, parts, strict=True):
        own[np.searchsorted(points, values)] = held
    return points, counts


def kolmogorov(d: float, n: float, m: float) -> float:
    """Return P(D >= d) under equality (asymptotic; conservative where values tie)."""
    return float(special.kolmogorov(d * math.sqrt(n * m / (n + m))))


def wasserstein_null(pooled: Floats, n: float, m: float) -> tuple[float, float]:
    """Mean and variance of W between samples of n and m drawn from the sorted `pooled` values.

    ``sqrt(1/n + 1/m)`` times the integral of |Brownian bridge(F)| (del Barrio et al. 1999).
    """
    size = len(pooled)
    bridge = 0.0
    for at in pieces(size - 1):
        below = np.arange(at.start + 1, at.stop + 1, dtype=np.float64)
        steps = np.diff(pooled[at.start : at.stop + 1])
        bridge += float(np.sqrt(below * (size - below)) @ steps) / size
    return _bridge_moments(bridge, np.asarray(pooled[_marks(size)]), n, m, size)


def _marks(size: int) -> Ints:
    """Places of about 200 evenly spaced order statistics."""
    return np.unique(np.linspace(0, size - 1, 201).astype(np.int64))


def _bridge_moments(
    bridge: float, x: Floats, n: float, m: float, size: int | None = None
) -> tuple[float, float]:
    """Mean and variance from the integral of sqrt(F (1 - F)) and the values at `_marks`."""
    size = round(n + m) if size is None else size
    s = math.sqrt(1 / n + 1 / m)
    mean = s * math.sqrt(2 / math.pi) * bridge
    u = (_marks(size) + 0.5) / size
    middle, width = (u[1:] + u[:-1]) / 2, np.diff(x)
    sd = np.sqrt(middle * (1 - middle))
    low = np.minimum.outer(middle, middle)
    rho = np.clip((low - np.outer(middle, middle)) / np.outer(sd, sd), -1, 1)
    shape = (2 / math.pi) * (np.sqrt(1 - rho * rho) + rho * np.arcsin(rho) - 1)
    weight = sd * width
    coarse = math.sqrt(2 / math.pi) * float(weight.sum()) * s
    variance = s * s * float(weight @ shape @ weight)
    return mean, variance * (mean / coarse) ** 2 if coarse > 0 else 0.0


def quantile_gap(a: Floats, b: Floats) -> float:
    """Mean |difference of quantiles| over 5%, 10% ... 95%, in units of the 5%-95% range of `a`."""
    qa, qb = quantiles(a, PROBS), quantiles(b, PROBS)
    spread = qa[-1] - qa[0]
    return float(np.abs(qa - qb).mean() / spread) if spread > 0 else math.nan


@dataclass(frozen=True, eq=False)
class AucInfluence:
    """Area under the ROC curve; what each score adds to its error (DeLong et al. 1988, eq. 3-6).

    Attributes
    ----------
    value
        P(score of a positive > score of a negative), ties one half.
    positive, negative
        Shape (positives,) and (negatives,): influences; their squares add up to the variance.
    """

    value: float
    positive: Floats
    negative: Floats

    def variance(self, units: tuple[Units, Units] = (None, None)) -> float:
        """Variance of the area, the scores of one unit taken together; 0.25 if a side is empty."""
        if not len(self.positive) or not len(self.negative):
            return 0.25
        total = 0.0
        for influence, unit in zip((self.positive, self.negative), units, strict=True):
            sums = np.bincount(compact(unit, len(influence)), weights=influence)
            total += float(sums @ sums)
        return total


def auc(positive: Floats, negative: Floats) -> AucInfluence:
    """Area under the ROC curve of the scores of two groups; 0.5 if one is empty.

    >>> auc(np.array([0.9, 0.4]), np.array([0.4, 0.1])).value
    0.875
    """
    if not len(positive) or not len(negative):
        return AucInfluence(0.5, np.zeros(len(positive)), np.zeros(len(negative)))
    above = _mid(np.sort(negative), positive) / len(negative)
    below = 1 - _mid(np.sort(positive), negative) / len(positive)
    value = float(above.mean())
    return AucInfluence(value, (above - value) / len(positive), (below - value) / len(negative))


def _mid(ordered: Floats, values: Floats) -> Floats:
    """How many of `ordered` lie below each value, ties one half."""
    left = np.searchsorted(ordered, values, side="left")
    return np.asarray((left + np.searchsorted(ordered, values, side="right")) / 2.0)
