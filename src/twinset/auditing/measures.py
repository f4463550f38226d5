"""From scores to figures with intervals: AUC, TPR at FPR, advantage. Arrays in, numbers out.

And to what a report draws of an attack: aggregates of at least ten members and ten others a step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from scipy import special, stats

from twinset.arrays import Flags, Floats, Ints
from twinset.auditing.game import LEAST
from twinset.stats import ordered
from twinset.stats.intervals import Z95, wilson

__all__ = [
    "Auc",
    "Rate",
    "advantage",
    "auc",
    "auc_interval",
    "best_threshold",
    "clopper_pearson",
    "critical_value",
    "curves",
    "halves",
    "null_error",
    "risk_bins",
    "roc_points",
    "spread_of",
    "tpr_at_fpr",
]


_DRAWS = 10_000
_FINER = 1.25  # two points of a curve lie at least this factor of false alarms apart
_SHARES = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0)
_WIDTH = 0.05


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


def advantage(
    scores: Floats, member: Flags, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Best TPR - FPR (Yeom et al. 2018, definition 4): chosen on one half, counted on the other.

    The value and the ends of its interval, Newcombe's (1998, method 10) for a difference of two
    proportions.
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
    return gap, gap - math.hypot(a - a_low, b_high - b), gap + math.hypot(a_high - a, b - b_low)


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


def curves(scores: Floats, member: Flags, effect: float = 1.0) -> dict[str, list[list[float]]]:
    """Return params ``roc`` and ``risk`` of an attack; see `roc_points` and `risk_bins`."""
    return {"roc": roc_points(scores, member), "risk": risk_bins(scores, member, effect)}


def _counted(scores: Floats, member: Flags) -> tuple[Ints, Ints]:
    """Members and others at or above each distinct score, highest first."""
    levels, place = np.unique(-scores, return_inverse=True)
    place = place.reshape(-1)
    hits, alarms = (np.bincount(place[side], minlength=len(levels)) for side in (member, ~member))
    return np.cumsum(hits), np.cumsum(alarms)


def _steps(hits: Ints, alarms: Ints, wanted: Floats) -> list[int]:
    """Pick places, the last one always, so that each step holds `LEAST` of either side.

    `wanted` are numbers of alarms at which a step may end.
    """
    kept: list[int] = []
    before = (0, 0)
    goal = 0
    for i in range(len(hits)):
        while goal < len(wanted) and alarms[i] >= wanted[goal]:
            goal += 1
        due = goal > 0 and alarms[i] >= wanted[goal - 1] > before[1]
        if due and hits[i] - before[0] >= LEAST and alarms[i] - before[1] >= LEAST:
            kept.append(i)
            before = int(hits[i]), int(alarms[i])
    last = len(hits) - 1
    if kept and kept[-1] != last:
        rest = hits[last] - hits[kept[-1]], alarms[last] - alarms[kept[-1]]
        if min(rest) < LEAST:
            kept.pop()
        kept.append(last)
    return kept


def roc_points(scores: Floats, member: Flags) -> list[list[float]]:
    """Return ``[false positive rate, true positive rate]`` of falling thresholds; [] if too few.

    Thresholds and rates come from the same units: a picture, no claim (those are `tpr_at_fpr`).
    """
    hits, alarms = _counted(scores, member)
    n, m = int(hits[-1]), int(alarms[-1])
    number = max(math.ceil(math.log(max(m / LEAST, 1.0)) / math.log(_FINER)), 0) + 1
    wanted = np.minimum(LEAST * _FINER ** np.arange(number), m)
    kept = _steps(hits, alarms, wanted)
    return [[round(alarms[i] / m, 6), round(hits[i] / n, 6)] for i in kept]


def risk_bins(scores: Floats, member: Flags, effect: float = 1.0) -> list[list[float]]:
    """Return how surely records are recognised, by bins of their score, the most suspect first.

    Parameters
    ----------
    effect
        Variance of a count over that of independent trials.

    Returns
    -------
    list
        ``[share of members, chance, low, high]``: of a record with such a score, the chance that
        it was in, if in and out are equally likely beforehand, with its 95% interval (of the log
        ratio of the two shares, Katz et al. 1978).
    """
    hits, alarms = _counted(scores, member)
    n, m = int(hits[-1]), int(alarms[-1])
    wanted = np.array([max(s * m, LEAST) for s in _SHARES])
    found = []
    before = (0, 0)
    for i in _steps(hits, alarms, wanted):
        a, b = int(hits[i]) - before[0], int(alarms[i]) - before[1]
        before = int(hits[i]), int(alarms[i])
        ratio = math.log((a / n) / (b / m))
        half = Z95 * math.sqrt(effect * max(1 / a - 1 / n + 1 / b - 1 / m, 0.0))
        chances = (1 / (1 + math.exp(-x)) for x in (ratio, ratio - half, ratio + half))
        found.append([round(x, 5) for x in (a / n, *chances)])
    return found


def spread_of(values: Floats) -> list[list[float]]:
    """Bin AUCs of single targets: ``[from, to, number]``, at least ten in each; [] if too few.

    Bins are 0.05 wide and joined until they hold enough.
    """
    number = round(1 / _WIDTH)
    place = np.clip((values / _WIDTH).astype(np.int64), 0, number - 1)
    counts = np.bincount(place, minlength=number).tolist()
    first = next((i for i, c in enumerate(counts) if c), 0)
    found: list[list[float]] = []
    start, held = first, 0
    for i in range(first, number):
        held += counts[i]
        if held >= LEAST:
            found.append([start * _WIDTH, (i + 1) * _WIDTH, held])
            start, held = i + 1, 0
    if held and found:
        top = max(i for i, c in enumerate(counts) if c)
        found[-1] = [found[-1][0], (top + 1) * _WIDTH, found[-1][2] + held]
    return [[round(a, 2), round(b, 2), c] for a, b, c in found]
