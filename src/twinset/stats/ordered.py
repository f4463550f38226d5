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
    points.sort(kind="stable")
    fa = np.searchsorted(a, points, side="right") / len(a)
    fb = np.searchsorted(b, points, side="right") / len(b)
    gap = fa - fb
    width = np.diff(points, append=points[-1])
    top = int(np.argmax(np.abs(gap)))
    d = float(abs(gap[top]))
    s2 = 1 / len(a) + 1 / len(b)
    sides = ((fa, len(a), a), (fb, len(b), b))
    ks_variance = sum(f[top] * (1 - f[top]) / n for f, n, _ in sides)
    # influence of a value x on W: integral from x of sign(gap)
    sign = special.erf(gap / np.sqrt(2 * s2 * np.maximum(fa * (1 - fa) + fb * (1 - fb), 1e-12) / 2))
    tail = np.cumsum((sign * width)[::-1])[::-1]
    w_variance = 0.0
    for _, n, values in sides:
        at = tail[np.searchsorted(points, values, side="left")]
        w_variance += float(np.var(at)) / n
    return Gaps(
        d,
        float(max(ks_variance, s2 * KS_SD**2)),
        float(np.abs(gap) @ width),
        max(w_variance, wasserstein_null(points, len(a), len(b))[1]),
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


@dataclass(frozen=True)
class Auc:
    """Area under the ROC curve with its variance by units (DeLong et al. 1988, eq. 3-6)."""

    value: float
    variance: float


def auc(positive: Floats, negative: Floats, units: tuple[Units, Units] = (None, None)) -> Auc:
    """P(score of a positive > score of a negative), ties one half."""
    both = np.concatenate([positive, negative])
    order_p, order_n = np.sort(positive), np.sort(negative)
    below = np.searchsorted(order_n, positive, "left") + np.searchsorted(order_n, positive, "right")
    above = 2 * len(positive) - (
        np.searchsorted(order_p, negative, "left") + np.searchsorted(order_p, negative, "right")
    )
    if len(both) < 2 or not len(positive) or not len(negative):
        return Auc(0.5, 0.25)
    place_p, place_n = below / (2 * len(negative)), above / (2 * len(positive))
    value = float(place_p.mean())
    variance = 0.0
    for place, unit in zip((place_p, place_n), units, strict=True):
        sums = np.bincount(compact(unit, len(place)), weights=place - value)
        variance += float(sums @ sums) / len(place) ** 2
    return Auc(value, variance)
