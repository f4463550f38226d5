"""Groups, outcomes and decisions of models on the real holdout, and fairness figures of counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinset.evidence.evidence import Evidence
from twinset.metrics._groups import LEAST, Grouping, groupings
from twinset.metrics._targets import TargetProblem, Trained, problem, trained
from twinset.stats.units import unit_counts

__all__ = ["FIGURES", "GroupedOutcome", "cases"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
_CLASSES = 3
_MINIMUM = 10  # units of a group with the outcome, and without it


@dataclass(frozen=True, eq=False)
class GroupedOutcome:
    """One grouping and one outcome; arrays go over the tested rows that are in a group.

    Attributes
    ----------
    groups
        Shape (rows,): the group of each row, 0 .. len(names) - 1.
    outcome
        Shape (rows,): whether the row has the outcome.
    decided, chances
        Of each model (synthetic, train, quarters of train), shape (rows,): whether it says so, and
        how likely it says that is (None if the target is a number).
    units
        Units of the rows, or None.
    """

    columns: tuple[str, ...]
    names: tuple[str, ...]
    params: dict[str, Any]
    groups: Ints
    outcome: Bools
    decided: tuple[Bools, ...]
    chances: tuple[Floats, ...] | None
    units: npt.NDArray[np.int64] | None

    def counts(self, model: int) -> Floats:
        """Return shape (groups, 2, 2): rows by group, outcome and decision."""
        cell = 4 * self.groups + 2 * self.outcome + self.decided[model]
        found = np.bincount(cell, minlength=4 * len(self.names)).astype(np.float64)
        return found.reshape(len(self.names), 2, 2)

    def paired(self) -> Floats:
        """Return shape (groups, 2, 2, 2): rows by group, outcome, both decisions (train last)."""
        cell = 8 * self.groups + 4 * self.outcome + 2 * self.decided[0] + self.decided[1]
        found = np.bincount(cell, minlength=8 * len(self.names)).astype(np.float64)
        return found.reshape(len(self.names), 2, 2, 2)


def cases(evidence: Evidence) -> tuple[TargetProblem, Trained, list[GroupedOutcome]] | str:
    """Return the groupings and outcomes to be judged, or why there are none."""
    return evidence.once("fair", lambda: _cases(evidence))


def _cases(evidence: Evidence) -> tuple[TargetProblem, Trained, list[GroupedOutcome]] | str:
    if not evidence.sensitive:
        return "no sensitive column was named"
    p = problem(evidence)
    if isinstance(p, str):
        return p
    models = trained(evidence, p)
    outcomes = list(_outcomes(evidence, p, models))
    found = [g for g in groupings(evidence, sensitive=True) if p.column not in g.columns]
    made = [_case(evidence, p, g, o) for g in found for o in outcomes]
    kept = [c for c in made if c is not None]
    if not kept:
        return (
            f"no two groups of the sensitive columns have {_MINIMUM} units of the holdout with an "
            "outcome and without it"
        )
    return p, models, kept


_Outcome = tuple[dict[str, Any], Bools, tuple[Bools, ...], tuple[Floats, ...] | None]


def _outcomes(evidence: Evidence, p: TargetProblem, models: Trained) -> Iterator[_Outcome]:
    """Yield names, truth, decisions and chances of each outcome, over the tested rows."""
    if p.task.classes is None:
        middle = float(np.nanmedian(p.target["train"]))
        decided = tuple(a > middle for a in models.answers)
        yield {"class": "above the median of train"}, p.truth > middle, decided, None
        return
    names = evidence.target_values()[1] or ()
    known = ~np.isnan(p.target["train"])
    units = p.views["train"].units
    held = unit_counts(
        p.target["train"][known].astype(np.int64),
        None if units is None else units[known],
        p.task.classes,
    )
    first = [1] if p.task.classes == 2 else range(min(_CLASSES, p.task.classes))
    for c in first:
        if held[c] < LEAST:
            continue
        decided = tuple(a.argmax(axis=1) == c for a in models.answers)
        chances = tuple(a[:, c] for a in models.answers)
        yield {"class": names[c]}, p.truth == c, decided, chances


def _case(
    evidence: Evidence, p: TargetProblem, grouping: Grouping, outcome: _Outcome
) -> GroupedOutcome | None:
    label, truth, decided, chances = outcome
    place = np.full(len(p.views["holdout"].features), -1)
    place[evidence.holdout_rows] = grouping.codes["holdout"]
    groups = place[p.rows]
    size = len(grouping.names)
    cell = np.where(groups < 0, 2 * size, 2 * groups + truth)
    held = unit_counts(cell, p.units, 2 * size + 1)[:-1].reshape(size, 2)
    large = np.flatnonzero((held >= _MINIMUM).all(axis=1))
    if len(large) < 2:
        return None
    number = np.full(size + 1, -1)
    number[large] = np.arange(len(large))
    groups = number[groups]
    inside = groups >= 0
    return GroupedOutcome(
        grouping.columns,
        tuple(grouping.names[i] for i in large),
        {**label, "by": list(grouping.columns)},
        groups[inside],
        truth[inside],
        tuple(d[inside] for d in decided),
        None if chances is None else tuple(c[inside] for c in chances),
        None if p.units is None else p.units[inside],
    )


def _share(above: Floats, below: Floats) -> Floats:
    return np.asarray(np.where(below > 0, above / np.where(below > 0, below, 1.0), 0.0))


def _selected(c: Floats) -> Floats:
    """Share of each group that is chosen, shape (..., groups)."""
    return _share(c[..., 1].sum(axis=-1), c.sum(axis=(-1, -2)))


def _recalled(c: Floats) -> Floats:
    return _share(c[..., 1, 1], c[..., 1, :].sum(axis=-1))


def _alarmed(c: Floats) -> Floats:
    return _share(c[..., 0, 1], c[..., 0, :].sum(axis=-1))


def _precise(c: Floats) -> Floats:
    return _share(c[..., 1, 1], c[..., :, 1].sum(axis=-1))


def _right(c: Floats) -> Floats:
    """Share of each group that is decided right, shape (..., groups)."""
    return _share(c[..., 0, 0] + c[..., 1, 1], c.sum(axis=(-1, -2)))


def _gap(rates: Floats) -> Floats:
    return np.asarray(np.ptp(rates, axis=-1))


def _ratio(rates: Floats) -> Floats:
    """Smallest over largest; 1 if all are 0."""
    high = rates.max(axis=-1)
    return np.asarray(np.where(high > 0, rates.min(axis=-1) / np.where(high > 0, high, 1.0), 1.0))


def _benefits(c: Floats) -> tuple[Floats, Floats]:
    """Sum of benefits (decision - outcome + 1) and of their squares by group."""
    fair, given = c[..., 0, 0] + c[..., 1, 1], c[..., 0, 1]
    return fair + 2 * given, fair + 4 * given


def _entropy(c: Floats) -> Floats:
    first, second = (b.sum(axis=-1) for b in _benefits(c))
    n = c.sum(axis=(-1, -2, -3))
    return np.asarray((_share(second * n, first**2) - 1) / 2)


def _between(c: Floats) -> Floats:
    first, n = _benefits(c)[0], c.sum(axis=(-1, -2))
    mean = _share(first.sum(axis=-1), n.sum(axis=-1))[..., None]
    inside = n * (_share(_share(first, n), mean) ** 2 - 1)
    return np.asarray(_share(inside.sum(axis=-1), n.sum(axis=-1)) / 2)


def _amplified(c: Floats) -> Floats:
    held = _share(c[..., 1, :].sum(axis=-1), c.sum(axis=(-1, -2)))
    whole = _share(c[..., 1, :].sum(axis=(-1, -2)), c.sum(axis=(-1, -2, -3)))[..., None]
    sign = np.where(held > whole, 1.0, -1.0)
    return np.asarray((sign * (_selected(c) - held)).mean(axis=-1))


def _both(
    worst: Callable[[Floats, Floats], Floats], of: Callable[[Floats], Floats]
) -> Callable[[Floats], Floats]:
    return lambda c: np.asarray(worst(of(_recalled(c)), of(_alarmed(c))))


FIGURES: dict[str, Callable[[Floats], Floats]] = {
    "demographic_parity_difference": lambda c: _gap(_selected(c)),
    "demographic_parity_ratio": lambda c: _ratio(_selected(c)),
    "equal_opportunity_difference": lambda c: _gap(_recalled(c)),
    "equal_opportunity_ratio": lambda c: _ratio(_recalled(c)),
    "equalised_odds_difference": _both(np.maximum, _gap),
    "equalised_odds_ratio": _both(np.minimum, _ratio),
    "predictive_parity_difference": lambda c: _gap(_precise(c)),
    "predictive_parity_ratio": lambda c: _ratio(_precise(c)),
    "worst_group_accuracy": lambda c: np.asarray(_right(c).min(axis=-1)),
    "generalised_entropy": _entropy,
    "between_group_entropy": _between,
    "bias_amplification": _amplified,
}
"""Figures of counts of shape (..., groups, outcome, decision)."""
