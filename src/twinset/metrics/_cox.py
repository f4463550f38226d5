"""Proportional hazards (Cox 1972) by Newton steps, concordance, and the Kaplan-Meier curve."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from twinset.metrics._scores import Score

__all__ = ["concordance", "cox", "kaplan_meier"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
_STEPS = 25
_BLOCK = 500
_RIDGE = 1e-4  # penalty on squares of coefficients, per row: bounded where a column tells all


def cox(x: Floats, time: Floats, event: Bools) -> Floats:
    """Return the coefficients that maximise the partial likelihood, ties after Breslow (1974).

    Parameters
    ----------
    x, time, event
        Shape (rows, p), (rows,), (rows,): event is false where the time was cut short (censored).
    """
    order = np.argsort(-time, kind="stable")
    x, time, event = x[order], time[order], event[order]
    last = np.append(np.flatnonzero(np.diff(time)), len(time) - 1)  # of rows of equal time
    group = np.searchsorted(last, np.arange(len(time)))
    beta = np.zeros(x.shape[1])
    for _ in range(_STEPS):
        score = x @ beta
        weight = np.exp(score - score.max())
        risk = np.cumsum(weight)[last][group]  # of all rows with this time or a later one
        mean = np.cumsum(weight[:, None] * x, axis=0)[last][group] / risk[:, None]
        # how often each row is at risk when an event happens, each by one over the risk then
        share = np.cumsum((event / risk)[::-1])[::-1]
        first = np.searchsorted(group, np.arange(len(last)))
        held = weight * share[first][group]
        hessian = (x * held[:, None]).T @ x - (mean * event[:, None]).T @ mean
        hessian += _RIDGE * len(x) * np.eye(x.shape[1])
        gradient = ((x - mean) * event[:, None]).sum(axis=0) - _RIDGE * len(x) * beta
        step = np.linalg.solve(hessian, gradient)
        beta += step / max(1.0, float(np.abs(step).max()) / 2)
        if np.abs(step).max() < 1e-8:
            break
    return beta


def concordance(risk: Floats, time: Floats, event: Bools) -> Score:
    """Share of comparable pairs in which the higher risk comes to its event first (Harrell 1982).

    A pair is comparable if the earlier time is one of an event, or, at equal times, one is of an
    event and the other not; equal risks count one half. 0.5 if no pair is comparable.
    """
    right, pairs = np.zeros(len(risk)), np.zeros(len(risk))
    for start in range(0, len(risk), _BLOCK):
        own = slice(start, start + _BLOCK)
        later = (time[None] > time[own, None]) | ((time[None] == time[own, None]) & ~event[None])
        able = later & event[own, None]
        won = able * ((risk[own, None] > risk[None]) + (risk[own, None] == risk[None]) / 2)
        pairs[own] += able.sum(axis=1)
        right[own] += won.sum(axis=1)
        pairs += able.sum(axis=0)
        right += won.sum(axis=0)
    total = float(pairs.sum())  # every pair twice: once for each of its rows
    if total <= 0:
        return Score(0.5, np.zeros(len(risk)))
    value = float(right.sum()) / total
    return Score(value, 2 * (right - value * pairs) / total)


def kaplan_meier(events: Floats, leaving: Floats) -> Floats:
    """Return the share that is left after each step, shape (..., steps) (Kaplan and Meier 1958).

    Parameters
    ----------
    events, leaving
        Shape (..., steps): rows whose time ends in the step by the event; by any cause.
    """
    at_risk = np.cumsum(leaving[..., ::-1], axis=-1)[..., ::-1]
    hazard = events / np.where(at_risk > 0, at_risk, 1.0)
    return np.asarray(np.cumprod(1 - np.minimum(hazard, 1.0), axis=-1))
