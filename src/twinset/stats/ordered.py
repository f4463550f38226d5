"""Distances between sorted samples: Kolmogorov-Smirnov, Wasserstein, quantiles, and AUC."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from twinset.stats.units import Units, compact

__all__ = ["Auc", "Gaps", "auc", "gaps", "kolmogorov", "quantile_gap", "wasserstein_null"]

Floats = npt.NDArray[np.float64]

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
    under equality.
    """
    points = np.concatenate([a, b])
    order = np.argsort(points, kind="stable")  # two runs: merged, not sorted
    points = points[order]
    last = np.append(points[1:] != points[:-1], True)
    upto = np.flatnonzero(last) + 1
    below_a = np.cumsum(order < len(a))[last]
    points = points[last]
    fa, fb = below_a / len(a), (upto - below_a) / len(b)
    gap = fa - fb
    width = np.diff(points, append=points[-1])
    top = int(np.argmax(np.abs(gap)))
    d = float(abs(gap[top]))
    s2 = 1 / len(a) + 1 / len(b)
    ks_variance = sum(f[top] * (1 - f[top]) / n for f, n in ((fa, len(a)), (fb, len(b))))
    # influence of a value x on W: integral from x of sign(gap)
    sign = special.erf(gap / np.sqrt(2 * s2 * np.maximum(fa * (1 - fa) + fb * (1 - fb), 1e-12) / 2))
    tail = np.cumsum((sign * width)[::-1])[::-1]
    w_variance = 0.0
    for f, n in ((fa, len(a)), (fb, len(b))):
        share = np.diff(f, prepend=0.0)
        centred = tail - share @ tail
        w_variance += float(share @ (centred * centred)) / n
    pooled = np.sort(np.concatenate([a, b]), kind="stable")
    return Gaps(
        d,
        float(max(ks_variance, s2 * KS_SD**2)),
        float(np.abs(gap) @ width),
        max(w_variance, wasserstein_null(pooled, len(a), len(b))[1]),
    )


def kolmogorov(d: float, n: float, m: float) -> float:
    """Return P(D >= d) under equality (asymptotic; conservative where values tie)."""
    return float(special.kolmogorov(d * math.sqrt(n * m / (n + m))))


def wasserstein_null(pooled: Floats, n: float, m: float) -> tuple[float, float]:
    """Mean and variance of W between samples of n and m drawn from the sorted `pooled` values.

    ``sqrt(1/n + 1/m)`` times the integral of |Brownian bridge(F)| (del Barrio et al. 1999).
    """
    s = math.sqrt(1 / n + 1 / m)
    f = (np.arange(len(pooled) - 1) + 1) / len(pooled)
    mean = s * math.sqrt(2 / math.pi) * float(np.sqrt(f * (1 - f)) @ np.diff(pooled))
    grid = np.unique(np.linspace(0, len(pooled) - 1, 201).astype(np.int64))
    x, u = pooled[grid], (grid + 0.5) / len(pooled)
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
    qa, qb = np.quantile(a, PROBS), np.quantile(b, PROBS)
    spread = qa[-1] - qa[0]
    return float(np.abs(qa - qb).mean() / spread) if spread > 0 else math.nan


@dataclass(frozen=True, eq=False)
class Auc:
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


def auc(positive: Floats, negative: Floats) -> Auc:
    """Area under the ROC curve of the scores of two groups; 0.5 if one is empty.

    >>> auc(np.array([0.9, 0.4]), np.array([0.4, 0.1])).value
    0.875
    """
    if not len(positive) or not len(negative):
        return Auc(0.5, np.zeros(len(positive)), np.zeros(len(negative)))
    above = _mid(np.sort(negative), positive) / len(negative)
    below = 1 - _mid(np.sort(positive), negative) / len(positive)
    value = float(above.mean())
    return Auc(value, (above - value) / len(positive), (below - value) / len(negative))


def _mid(ordered: Floats, values: Floats) -> Floats:
    """How many of `ordered` lie below each value, ties one half."""
    left = np.searchsorted(ordered, values, side="left")
    return np.asarray((left + np.searchsorted(ordered, values, side="right")) / 2.0)
