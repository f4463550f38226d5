"""Lower bounds on epsilon from what attacks achieve, each with the most that it could have shown.

A bound holds with confidence ``1 - alpha`` whatever the attack: a mechanism with a smaller epsilon
would let any attack do as well with probability at most alpha. It proves a leak, never its absence.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from twinset.arrays import Flags, Floats
from twinset.auditing.measures import halves

__all__ = [
    "Bound",
    "bound_from_pairs",
    "bound_from_scores",
    "choose_threshold",
    "count_at",
    "epsilon_lower_bound",
    "gaussian_epsilon",
    "gaussian_lower_bound",
    "one_run_ceiling",
    "one_run_lower_bound",
]


_LARGEST = 50.0  # no bound above this is looked for
_STEPS = 60
_SHARES = 40  # numbers of guesses among which one is chosen


@dataclass(frozen=True)
class Bound:
    """A lower bound on epsilon.

    `ceiling` is what the same number of trials would have shown had the attack made no error;
    `trials` are those counted, which are not those on which the threshold was chosen.
    """

    value: float
    ceiling: float
    trials: int
    alpha: float
    delta: float = 0.0


def epsilon_lower_bound(
    hits: npt.ArrayLike,
    members: npt.ArrayLike,
    alarms: npt.ArrayLike,
    non_members: npt.ArrayLike,
    *,
    alpha: float = 0.05,
    delta: float = 0.0,
) -> Floats:
    """Bound epsilon by true and false positives of independent trials; arrays broadcast.

    ``max{ln((TPR_lo - delta) / FPR_hi), ln((TNR_lo - delta) / FNR_hi)}``, at least 0 (Jagielski,
    Ullman, Oprea 2020, section 3), with the one-sided limits of Clopper and Pearson at alpha/2
    each: both forms rest on the same two limits, so that alpha holds for their maximum.
    """
    tpr, fpr = _rates(hits, members, alarms, non_members, alpha)
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.log(np.maximum(tpr - delta, 0) / fpr)
        second = np.log(np.maximum(1 - fpr - delta, 0) / (1 - tpr))
    return np.asarray(np.fmax(np.fmax(first, second), 0.0), dtype=np.float64)


def gaussian_lower_bound(
    hits: npt.ArrayLike,
    members: npt.ArrayLike,
    alarms: npt.ArrayLike,
    non_members: npt.ArrayLike,
    *,
    delta: float,
    alpha: float = 0.05,
) -> Floats:
    """Bound epsilon at `delta` if the mechanism is Gaussian, and only then.

    ``mu >= Phi^-1(1 - FPR_hi) - Phi^-1(FNR_hi)`` (Dong, Roth, Su 2022, section 2.3; Nasr et al.
    2023), turned into epsilon by `gaussian_epsilon`.
    """
    tpr, fpr = _rates(hits, members, alarms, non_members, alpha)
    mu = np.atleast_1d(special.ndtri(1 - fpr) - special.ndtri(1 - tpr))
    found = [gaussian_epsilon(float(m), delta) for m in mu.ravel()]
    return np.reshape(np.asarray(found, dtype=np.float64), np.shape(tpr))


def gaussian_epsilon(mu: float, delta: float) -> float:
    """Return the epsilon that a mu-Gaussian mechanism has at `delta` > 0, by bisection.

    ``delta(eps) = Phi(-eps/mu + mu/2) - e^eps Phi(-eps/mu - mu/2)`` (Dong et al. 2022, cor. 2.13).
    """
    if delta <= 0:
        raise ValueError("a Gaussian mechanism has an epsilon only at delta > 0")
    if not mu > 0:
        return 0.0

    def spent(epsilon: float) -> float:
        tail = epsilon + special.log_ndtr(-epsilon / mu - mu / 2)
        return float(special.ndtr(-epsilon / mu + mu / 2) - math.exp(tail))

    return _largest(lambda epsilon: spent(epsilon) > delta)


def one_run_lower_bound(
    right: int, guesses: int, canaries: int, *, alpha: float = 0.05, delta: float = 0.0
) -> float:
    """Bound epsilon by one run with many canaries, each in with probability 1/2.

    The largest epsilon at which `right` of `guesses` would be too many: ``q = 1/(1 + e^-eps)``,
    ``p = P[Bin(r, q) >= v] + 2 m delta max_i (P[Bin(r, q) >= v - i] - P[Bin(r, q) >= v]) / i``
    (Steinke, Nasr, Jagielski 2023, theorem 5.2).
    """
    if guesses == 0 or right == 0:
        return 0.0

    def chance(epsilon: float) -> float:
        q = special.expit(epsilon)
        at_least = float(stats.binom.sf(right - 1, guesses, q))
        if delta == 0:
            return at_least
        steps = np.arange(1, right + 1)
        more = stats.binom.sf(right - steps - 1, guesses, q) - at_least
        return min(1.0, at_least + 2 * canaries * delta * float((more / steps).max()))

    return _largest(lambda epsilon: chance(epsilon) <= alpha)


def one_run_ceiling(guesses: int, *, alpha: float = 0.05) -> float:
    """Return `one_run_lower_bound` if all guesses are right and delta is 0."""
    return max(float(special.logit(alpha ** (1 / guesses))), 0.0) if guesses else 0.0


def bound_from_scores(
    scores: Floats,
    member: Flags,
    rng: np.random.Generator,
    *,
    alpha: float = 0.05,
    delta: float = 0.0,
    gaussian: bool = False,
) -> Bound:
    """Bound epsilon by independent trials: threshold chosen on one half, counted on the other.

    Parameters
    ----------
    scores, member
        Shape (trials,): score of each run, and whether the target was in.
    gaussian
        Whether the mechanism is Gaussian (`gaussian_lower_bound`).
    """
    choose, count = halves(member, rng)
    threshold = choose_threshold(scores[choose], member[choose], delta, gaussian=gaussian)[0]
    return count_at(
        scores[count], member[count], threshold, alpha=alpha, delta=delta, gaussian=gaussian
    )


def count_at(
    scores: Floats,
    member: Flags,
    threshold: float,
    *,
    alpha: float = 0.05,
    delta: float = 0.0,
    gaussian: bool = False,
) -> Bound:
    """Bound epsilon by trials on which the threshold was not chosen: ``score > threshold``."""
    called = scores > threshold
    counts = [int((called & member).sum()), int(member.sum())]
    counts += [int((called & ~member).sum()), int((~member).sum())]
    made = gaussian_lower_bound if gaussian else epsilon_lower_bound
    value = float(made(*counts, alpha=alpha, delta=delta))
    most = float(made(counts[1], counts[1], 0, counts[3], alpha=alpha, delta=delta))
    return Bound(value, most, counts[1] + counts[3], alpha, delta)


def bound_from_pairs(
    scores: Floats, member: Flags, rng: np.random.Generator, *, alpha: float = 0.05
) -> Bound:
    """Bound epsilon by one release, guessing which of two units is the member.

    If train and holdout were dealt at random, then of a random pair of a member and a non-member
    each was in with probability 1/2, independently of other pairs: a one-run audit whose canaries
    are pairs, for neighbours that differ by replacing a unit. Pairs with a small difference of
    scores are left out; how small is chosen on half of the pairs and counted on the other.
    """
    sides = [rng.permutation(scores[s]) for s in (member, ~member)]
    pairs = min(map(len, sides))
    gap = sides[0][:pairs] - sides[1][:pairs]
    first, second = gap[: pairs // 2], gap[pairs // 2 :]
    guessed = second[(np.abs(second) >= _least_gap(first)) & (second != 0)]
    right = int((guessed > 0).sum())
    value = one_run_lower_bound(right, len(guessed), len(second), alpha=alpha)
    return Bound(value, one_run_ceiling(len(second), alpha=alpha), len(guessed), alpha)


def _rates(
    hits: npt.ArrayLike,
    members: npt.ArrayLike,
    alarms: npt.ArrayLike,
    non_members: npt.ArrayLike,
    alpha: float,
) -> tuple[Floats, Floats]:
    """Return the least TPR and the largest FPR, each at alpha/2."""
    x, n, y, m = (np.asarray(v, dtype=np.float64) for v in (hits, members, alarms, non_members))
    low = np.where(x > 0, stats.beta.ppf(alpha / 2, np.maximum(x, 1), n - x + 1), 0.0)
    high = np.where(y < m, stats.beta.ppf(1 - alpha / 2, y + 1, np.maximum(m - y, 1)), 1.0)
    return low, high


def choose_threshold(
    scores: Floats, member: Flags, delta: float = 0.0, *, gaussian: bool = False
) -> tuple[float, float]:
    """Return t for which ``score > t`` gives the largest bound, by score intervals, and the bound.

    Of a Gaussian mechanism the second is mu. Count at t with other trials.
    """
    levels, place = np.unique(scores, return_inverse=True)
    place = place.reshape(-1)
    rates = []
    for side in (member, ~member):
        n = max(int(side.sum()), 1)
        above = np.cumsum(np.bincount(place[side], minlength=len(levels))[::-1])[::-1]
        rates.append((np.append(above, 0) / n, n))  # calling level i and all above; the last: none
    (tpr, n), (fpr, m) = rates
    low, high = _wilson(tpr, n)[0], _wilson(fpr, m)[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        if gaussian:
            value = special.ndtri(1 - high) + special.ndtri(low)
        else:
            value = np.fmax(
                np.log(np.maximum(low - delta, 0) / high),
                np.log(np.maximum(1 - high - delta, 0) / (1 - low)),
            )
    value = np.nan_to_num(value, nan=-1e9, neginf=-1e9, posinf=1e9)
    best = int(np.argmax(value))
    return float(levels[best - 1]) if best > 0 else -math.inf, float(value[best])


def _wilson(share: Floats, n: int) -> tuple[Floats, Floats]:
    z = 1.96
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)


def _least_gap(gap: Floats) -> float:
    """Return the least |difference| at which guessing pays most."""
    order = np.argsort(-np.abs(gap), kind="stable")
    size = np.abs(gap[order])
    number = int((size > 0).sum())
    if number == 0:
        return math.inf
    right = np.cumsum(gap[order] > 0)
    taken = np.unique(np.geomspace(1, number, _SHARES).astype(np.int64))
    low = np.array([_wilson(right[r - 1] / r, int(r))[0] for r in taken])
    return float(size[taken[int(np.argmax(low))] - 1])


def _largest(holds: Callable[[float], bool]) -> float:
    """Return the largest epsilon at which `holds` (true up to some point) is true, else 0."""
    if not holds(0.0):
        return 0.0
    low, high = 0.0, _LARGEST
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
