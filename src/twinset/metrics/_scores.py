"""Scores of predictions, with what each row adds to their error.

A score's influences (shape (rows,)) sum to zero and their squares, summed inside units, to its
variance; the difference of two scores on the same rows has the difference of their influences.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinset.stats.ordered import auc
from twinset.stats.units import Units, compact

__all__ = ["Score", "accuracy", "area", "f_score", "mean_score", "r2", "ratio", "scores_of"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Score:
    """A figure of rows and the influence of each."""

    value: float
    influence: Floats

    def __neg__(self) -> Score:
        """Return the figure with the other sign."""
        return Score(-self.value, -self.influence)

    def __sub__(self, other: Score) -> Score:
        """Return the difference of two figures of the same rows."""
        return Score(self.value - other.value, self.influence - other.influence)

    def variance(self, units: Units) -> float:
        """Sampling variance, rows of one unit taken together."""
        if units is None:
            return float(self.influence @ self.influence)
        summed = np.bincount(compact(units, len(self.influence)), weights=self.influence)
        return float(summed @ summed)


def ratio(above: Floats, below: Floats) -> Score:
    """Sum of `above` over sum of `below`, both of shape (rows,); 0 if there is nothing below."""
    total = float(below.sum())
    if total <= 0:
        return Score(0.0, np.zeros(len(below)))
    value = float(above.sum()) / total
    return Score(value, (above - value * below) / total)


def mean_score(parts: list[Score]) -> Score:
    """Average of figures of the same rows."""
    influence = np.mean([p.influence for p in parts], axis=0)
    return Score(float(np.mean([p.value for p in parts])), np.asarray(influence))


def area(found: Floats, truth: Floats) -> Score:
    """Area under the ROC curve; with more than two classes the mean over one against the rest."""
    classes = np.unique(truth).astype(int)
    if found.shape[1] == 2:
        classes = np.array([1])
    parts = []
    for c in classes:
        hit = truth == c
        one = auc(found[hit, c], found[~hit, c])
        influence = np.empty(len(truth))
        influence[hit], influence[~hit] = one.positive, one.negative
        parts.append(Score(one.value, influence))
    return mean_score(parts)


def accuracy(found: Floats, truth: Floats) -> Score:
    """Share of rows whose likeliest class is theirs."""
    right = (found.argmax(axis=1) == truth).astype(np.float64)
    return ratio(right, np.ones(len(right)))


def r2(found: Floats, truth: Floats) -> Score:
    """Share of the variance that is explained, at least -1; 0 if there is no variance."""
    centred = (truth - truth.mean()) ** 2
    if centred.sum() <= 0:
        return Score(0.0, np.zeros(len(truth)))
    rest = ratio((truth - found) ** 2, centred)
    return Score(max(1 - rest.value, -1.0), -rest.influence)


def f_score(chosen: Ints, truth: Floats, classes: int, beta: float) -> Score:
    """F of weight `beta` on recall: of class 1 of two, else the mean over the classes.

    (1 + b^2) TP / ((1 + b^2) TP + b^2 FN + FP) (van Rijsbergen 1979, chapter 7).
    """
    parts = []
    for c in [1] if classes == 2 else np.unique(truth).astype(int):
        hit = ((chosen == c) & (truth == c)) * (1 + beta**2)
        missed = ((chosen != c) & (truth == c)) * beta**2
        parts.append(ratio(hit, hit + missed + ((chosen == c) & (truth != c))))
    return mean_score(parts)


def scores_of(classes: int | None) -> dict[str, Callable[[Floats, Floats], Score]]:
    """Return the scores of a task by name, the first one first."""
    if classes is None:
        return {"r2": r2}
    return {"auc": area, "accuracy": accuracy}
