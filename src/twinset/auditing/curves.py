"""What a report draws of an attack: aggregates of at least ten members and ten others a step."""

from __future__ import annotations

import math

import numpy as np

from twinset.arrays import Flags, Floats, Ints
from twinset.auditing.game import LEAST
from twinset.stats.intervals import Z95

__all__ = ["curves", "risk_bins", "roc_points", "spread_of"]


_FINER = 1.25  # two points of a curve lie at least this factor of false alarms apart
_SHARES = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0)
_WIDTH = 0.05


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
