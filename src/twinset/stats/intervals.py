"""Intervals and tail probabilities in closed form; p-values of many tests at once."""

from __future__ import annotations

import math

import numpy as np
from scipy import special, stats

from twinset.arrays import Floats

__all__ = [
    "Z95",
    "adjust",
    "cauchy",
    "chi_tails",
    "gamma_tails",
    "normal_interval",
    "proportions_differ",
    "two_sided",
    "wilson",
]

Z95 = 1.959963984540054


def wilson(count: float, n: float, z: float = Z95) -> tuple[float, float]:
    """Return the score interval of a proportion (Wilson 1927), 95% by default; (0, 1) if n is 0."""
    if n <= 0:
        return 0.0, 1.0
    share = min(max(count / n, 0.0), 1.0)
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n * n)) / (1 + z**2 / n)
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def two_sided(z: float) -> float:
    """Return P(|Z| >= |z|) of a standard normal."""
    return float(math.erfc(abs(z) / math.sqrt(2)))


def chi_tails(value: float, mean: float, variance: float) -> tuple[float, float]:
    """Return P(D >= value), P(D <= value) for a distance D with this null mean and variance.

    D is taken as a scaled chi variable whose degrees of freedom match the two moments: exact for
    one degree of freedom (|difference| of two proportions), near normal for many cells.
    """
    second = variance + mean * mean
    if not math.isfinite(second + value):
        return 1.0, 1.0
    if second <= 0:
        return (1.0, 1.0) if value <= 0 else (0.0, 1.0)
    short = min(variance / second, 0.4999)
    inverse = 2 - math.sqrt(4 - 8 * short)  # from mean^2 / E D^2 = 1 - 1/(2 nu) + 1/(8 nu^2)
    nu = 1 / max(inverse, 1e-9)
    x = nu * value * value / (2 * second)
    return float(special.gammaincc(nu / 2, x)), float(special.gammainc(nu / 2, x))


def gamma_tails(value: float, mean: float, variance: float) -> tuple[float, float]:
    """Return P(D >= value), P(D <= value) for a divergence, taken as a scaled chi-square."""
    if mean <= 0 or variance <= 0:
        return (1.0, 1.0) if value <= max(mean, 0) else (0.0, 1.0)
    shape = mean * mean / variance
    x = max(value, 0.0) * mean / variance
    return float(special.gammaincc(shape, x)), float(special.gammainc(shape, x))


def proportions_differ(
    x1: float, n1: float, x2: float, n2: float, effect: float = 1.0
) -> tuple[float, float]:
    """Return P(share 1 this high), P(share 1 this low) if both shares are equal.

    Conditional binomial test for rare events (exact for Poisson counts; Przyborowski and Wilenski
    1940), normal with pooled variance otherwise; counts are thinned by the design `effect`.
    """
    x1, n1, x2, n2 = x1 / effect, n1 / effect, x2 / effect, n2 / effect
    total = x1 + x2
    if n1 <= 0 or n2 <= 0 or total <= 0:
        return 1.0, 1.0
    if total < 60:
        whole, part = math.ceil(total - 1e-9), n1 / (n1 + n2)
        high = float(stats.binom.sf(math.floor(x1 + 1e-9) - 1, whole, part))
        return high, float(stats.binom.cdf(math.ceil(x1 - 1e-9), whole, part))
    pooled = total / (n1 + n2)
    sd = math.sqrt(max(pooled * (1 - pooled), 1e-300) * (1 / n1 + 1 / n2))
    z = (x1 / n1 - x2 / n2) / sd
    return float(special.ndtr(-z)), float(special.ndtr(z))


def normal_interval(
    value: float, variance: float, low: float = -np.inf, high: float = np.inf
) -> tuple[float, float]:
    """Return value -+ 1.96 standard deviations, within [low, high]."""
    half = Z95 * math.sqrt(max(variance, 0.0))
    return max(low, value - half), min(high, value + half)


def adjust(p: Floats) -> Floats:
    """Return Benjamini-Hochberg adjusted p-values, same shape and order.

    Rejecting those at most q holds the false discovery rate at q for independent or positively
    dependent tests (Benjamini and Hochberg 1995, eq. 1; Benjamini and Yekutieli 2001, thm 1.2).

    >>> adjust(np.array([0.01, 0.04, 0.03, 0.5])).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    if p.size == 0:
        return p.astype(np.float64)
    order = np.argsort(p)[::-1]
    ranks = np.arange(p.size, 0, -1)
    lowest = np.minimum.accumulate(p[order] * p.size / ranks)
    adjusted = np.empty(p.size)
    adjusted[order] = np.minimum(lowest, 1.0)
    return adjusted


def cauchy(p: Floats) -> float:
    """Return one p-value for several tests of one hypothesis, however they depend on each other.

    Mean of Cauchy variables (Liu and Xie 2020, eq. 3); exact in the tail, where it matters.

    >>> round(cauchy(np.array([0.01, 0.5, 0.9])), 4)
    0.0328
    """
    bounded = np.clip(p, 1e-300, 1 - 1e-12)
    # cot(pi p) without cancellation: tan((1/2 - p) pi) is 1 / tan(pi p)
    mean = float(np.mean(1 / np.tan(np.pi * bounded)))
    return float(np.arctan2(1.0, mean) / np.pi)
