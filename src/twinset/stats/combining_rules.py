"""Inference from several synthetic copies: one estimate with the error that making them added.

An analysis of synthetic rows alone takes them for real ones, and its intervals are too narrow. The
rules here combine the estimates of M copies and their variances, both computed as usual.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy import stats

from twinset.errors import InputError

__all__ = ["Combined", "Making", "combine"]

Making = Literal["one_fit", "fully", "partially"]


@dataclass(frozen=True)
class Combined:
    """An estimate from several copies.

    Attributes
    ----------
    value
        Mean of the copies' estimates.
    low, high, confidence
        Interval, of Student's t with `df` degrees of freedom (normal where they are infinite).
    within, between, total
        Mean of the copies' variances, variance between their estimates, and variance of `value`.
    copies
        Number of copies.
    """

    value: float
    low: float
    high: float
    within: float
    between: float
    total: float
    df: float
    copies: int
    made: Making
    confidence: float = 0.95


def combine(
    estimates: Sequence[float],
    variances: Sequence[float],
    *,
    made: Making = "one_fit",
    train_rows: int | None = None,
    copy_rows: int | None = None,
    confidence: float = 0.95,
) -> Combined:
    """Combine the estimates of M copies into one, with an interval that covers.

    It covers if the model that made the copies has no bias in what is estimated; none of these
    rules can see a bias. Trees smooth, so a slope comes out flatter: of y = x / 2 + noise in 1,000
    rows, cart's copies gave .35, and the interval held .5 in a fifth of the cases. Hold the
    estimate against the holdout first (`coefficient_overlap`).

    Below, v is the mean of the variances and b the variance between the estimates.

    Parameters
    ----------
    estimates, variances
        One of each a copy: figure and squared standard error, computed as if rows were real.
    made
        ``"one_fit"``: all columns drawn from one fitted model, as ``twinset sample --copies`` does:
        T = v (k/n + 1/M) for copies of k rows of n train rows (Raab, Nowok and Dibben 2016, J.
        Privacy and Confidentiality 7(3), section 3); one copy is enough.
        ``"fully"``: all columns, with parameters drawn anew for each copy: T = (1 + 1/M) b - v, and
        v k/n where that is negative (Reiter 2002), df = (M - 1)(1 - 1/r)^2, r = (1 + 1/M) b / v
        (Raghunathan, Reiter and Rubin 2003, J. Official Statistics 19(1), section 2); far too wide
        for fewer than about 20 copies.
        ``"partially"``: some cells replaced, with parameters drawn anew: T = v + b/M, df =
        (M - 1)(1 + 1/r)^2, r = b / (M v) (Reiter 2003, Survey Methodology 29(2), section 3).
    train_rows, copy_rows
        n and k, for ``"one_fit"`` (1 to 1 if not given).

    Raises
    ------
    InputError
        If the two lists differ in length, are empty or not finite, a variance is negative, or there
        is one copy where its spread is needed.

    Examples
    --------
    >>> found = combine([10.0, 12.0, 11.0], [0.5, 0.5, 0.5], made="partially")
    >>> found.value, round(found.total, 3), round(found.df, 1)
    (11.0, 0.833, 12.5)
    """
    q, v = _checked(estimates, variances, made, confidence)
    m = len(q)
    value, within = float(q.mean()), float(v.mean())
    between = float(q.var(ddof=1)) if m > 1 else 0.0
    share = (copy_rows or 1) / (train_rows or copy_rows or 1)
    total, df = within * (share + 1 / m), math.inf
    if made == "partially":
        total = within + between / m
        df = (m - 1) * (1 + m * within / between) ** 2 if between > 0 else math.inf
    elif made == "fully":
        raised = (1 + 1 / m) * between
        total = raised - within if raised > within else within * share
        df = max((m - 1) * (1 - within / raised) ** 2, 1.0) if raised > 0 else math.inf
    half = float(stats.t.ppf((1 + confidence) / 2, df)) * math.sqrt(total)
    return Combined(
        value, value - half, value + half, within, between, total, df, m, made, confidence
    )


def _checked(
    estimates: Sequence[float], variances: Sequence[float], made: Making, confidence: float
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], ...]:
    q = np.asarray(estimates, dtype=np.float64).reshape(-1)
    v = np.asarray(variances, dtype=np.float64).reshape(-1)
    if made not in get_args(Making):
        raise InputError("made", got=repr(made), allowed=", ".join(get_args(Making)))
    if len(q) != len(v) or not len(q):
        raise InputError(
            "combine",
            got=f"{len(q)} estimates and {len(v)} variances",
            allowed="one of each a copy",
        )
    if not (np.isfinite(q).all() and np.isfinite(v).all() and (v >= 0).all()):
        raise InputError("combine", got="a figure that is not finite, or a variance below 0")
    if len(q) == 1 and made != "one_fit":
        raise InputError("combine", got="one copy", allowed=f"two or more where made is {made!r}")
    if not 0 < confidence < 1:
        raise InputError("confidence", got=str(confidence), allowed="a share between 0 and 1")
    return q, v
