"""From scores to figures with intervals: AUC, TPR at FPR, advantage. Arrays in, numbers out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from scipy import special, stats

from twinset.arrays import Flags, Floats
from twinset.stats import ordered
from twinset.stats.intervals import wilson

__all__ = [
    "Advantage",
    "Auc",
    "Rate",
    "advantage",
    "auc",
    "auc_interval",
    "best_threshold",
    "clopper_pearson",
    "critical_value",
    "halves",
    "null_error",
    "tpr_at_fpr",
]


_DRAWS = 10_000


@dataclass(frozen=True, eq=False)
class Auc:
    """P(score of a member > score of a non-member), ties one half.

    `influence`, shape (units,), is what each unit adds to the error (DeLong et al. 1988, eq. 5);
    its sum of squares is the variance, and sums of products of two attacks are their covariance.
    """

    value: float
    influence: Floats
    members: int
    non_members: int

    @property
    def error(self) -> float:
        """Standard error."""
        return float(np.sqrt(self.influence @ self.influence))


def auc(scores: Floats, member: Flags, within: Flags | None = None) -> Auc:
    """AUC of `scores`, shape (units,), on all units or on those `within`."""
    chosen = np.ones(len(scores), dtype=bool) if within is None else within
    places = (np.flatnonzero(chosen & member), np.flatnonzero(chosen & ~member))
    found = ordered.auc(scores[places[0]], scores[places[1]])
    influence = np.zeros(len(scores))
    influence[places[0]], influence[places[1]] = found.positive, found.negative
    return Auc(found.value, influence, len(places[0]), len(places[1]))


def auc_interval(found: Auc, z: float = 1.959964) -> tuple[float, float]:
    """Interval of `z` standard errors each way.

    By influences on the logit scale; where sides are nearly separated, so that influences say
    little, the values that a test with the error of Hanley and McNeil (1982, eq. 1) would not
    reject.
    """
    value, smaller = found.value, max(min(found.members, found.non_members), 1)
    if value * (1 - value) * smaller < 1:
        reflected = value < 0.5
        far = _rejected(1 - value if reflected else value, found.members, found.non_members, z)
        return (0.0, 1 - far) if reflected else (far, 1.0)
    error = max(found.error, 0.7 / smaller) / (value * (1 - value))  # equal scores tell little
    centre = math.log(value / (1 - value))
    low, high = (float(special.expit(centre + side * z * error)) for side in (-1, 1))
    return min(low, value), max(high, value)


def _rejected(value: float, members: int, others: int, z: float) -> float:
    """Largest AUC below `value` that lies `z` of its own standard errors away, by bisection."""
    low, high = 0.0, value
    for _ in range(50):
        a = (low + high) / 2
        q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
        spread = a * (1 - a) + (members - 1) * (q1 - a * a) + (others - 1) * (q2 - a * a)
        error = math.sqrt(max(spread, 0.0) / max(members * others, 1))
        low, high = (a, high) if value - a > z * error else (low, a)
    return low


def null_error(members: int, non_members: int) -> float:
    """Standard error of the AUC of an attack that guesses (Mann and Whitney 1947)."""
    return math.sqrt((members + non_members + 1) / (12 * members * non_members))


def critical_value(found: Sequence[Auc], confidence: float, rng: np.random.Generator) -> float:
    """Number of standard errors that holds for all attacks at once.

    The `confidence` quantile of max |Z| over the attacks, Z normal with the correlation of their
    influences (Hothorn et al. 2008, Simultaneous inference, section 3), so that attacks which say
    the same cost nothing.
    """
    rows = [a.influence / a.error for a in found if a.error > 0]
    if not rows:
        return float(stats.norm.ppf((1 + confidence) / 2))
    matrix = np.stack(rows)
    values, vectors = np.linalg.eigh(matrix @ matrix.T)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    draws = np.abs(rng.normal(size=(_DRAWS, len(rows))) @ root.T).max(axis=1)
    return max(float(np.quantile(draws, confidence)), float(stats.norm.ppf((1 + confidence) / 2)))


def clopper_pearson(count: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact interval of a proportion (Clopper and Pearson 1934); (0, 1) if n is 0."""
    if n == 0:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    low = 0.0 if count == 0 else float(stats.beta.ppf(tail, count, n - count + 1))
    high = 1.0 if count == n else float(stats.beta.ppf(1 - tail, count + 1, n - count))
    return low, high


@dataclass(frozen=True)
class Rate:
    """True and false positives counted at thresholds that were chosen on other units."""

    hits: int
    members: int
    alarms: int
    non_members: int

    @property
    def tpr(self) -> float:
        """Share of members recognised."""
        return self.hits / self.members

    @property
    def fpr(self) -> float:
        """Share of non-members taken for members."""
        return self.alarms / self.non_members


def tpr_at_fpr(scores: Floats, member: Flags, fpr: float, rng: np.random.Generator) -> Rate:
    """Recognise members at a false positive rate of at most `fpr`, expected.

    Two halves: the threshold is an order statistic of the non-members of one half, chosen so that
    a fresh non-member exceeds it with probability at most `fpr`; members and non-members of the
    other half are counted; then the halves change places.
    """
    hits = alarms = 0
    for choose, count in permutations(halves(member, rng)):
        others = np.sort(scores[choose & ~member])[::-1]
        rank = max(int(fpr * (len(others) + 1)) - 1, 0)
        called = scores > others[rank]
        hits += int((called & count & member).sum())
        alarms += int((called & count & ~member).sum())
    return Rate(hits, int(member.sum()), alarms, int((~member).sum()))


@dataclass(frozen=True)
class Advantage:
    """TPR - FPR at thresholds chosen on other units."""

    value: float
    low: float
    high: float


def advantage(scores: Floats, member: Flags, rng: np.random.Generator) -> Advantage:
    """Best TPR - FPR (Yeom et al. 2018, definition 4): chosen on one half, counted on the other.

    The interval is Newcombe's (1998, method 10) for a difference of two proportions.
    """
    hits = alarms = 0
    for choose, count in permutations(halves(member, rng)):
        threshold = best_threshold(scores[choose], member[choose])
        called = scores > threshold
        hits += int((called & count & member).sum())
        alarms += int((called & count & ~member).sum())
    n, m = int(member.sum()), int((~member).sum())
    (a_low, a_high), (b_low, b_high) = wilson(hits, n), wilson(alarms, m)
    a, b = hits / n, alarms / m
    gap = a - b
    return Advantage(
        gap,
        gap - math.hypot(a - a_low, b_high - b),
        gap + math.hypot(a_high - a, b - b_low),
    )


def best_threshold(scores: Floats, member: Flags) -> float:
    """Return the value t for which ``score > t`` has the largest TPR - FPR."""
    levels, place = np.unique(scores, return_inverse=True)
    place = place.reshape(-1)
    tpr = np.bincount(place[member], minlength=len(levels)) / max(int(member.sum()), 1)
    fpr = np.bincount(place[~member], minlength=len(levels)) / max(int((~member).sum()), 1)
    gain = np.cumsum((tpr - fpr)[::-1])[::-1]  # calling everything from this level up
    best = int(np.argmax(gain))
    return float(levels[best - 1]) if best > 0 else -math.inf


def halves(member: Flags, rng: np.random.Generator) -> tuple[Flags, Flags]:
    """Deal units to two parts, each with half of either side."""
    first = np.zeros(len(member), dtype=bool)
    for side in (member, ~member):
        places = rng.permutation(np.flatnonzero(side))
        first[places[: len(places) // 2]] = True
    return first, ~first
