"""Controls of an audit by shadow models: attacks whose right answer is known.

- *planted leak*: releases that copy their train rows must be recognised;
- *exchangeable*: scores against the members of other fits must not be told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from twinset.auditing import measures
from twinset.auditing.measures import Auc
from twinset.auditing.shadow_judge import Trials, group_auc
from twinset.auditing.shadows import Pool
from twinset.protocols import Estimate, Result
from twinset.stats.records import encode
from twinset.stats.row_hash import fingerprints
from twinset.stats.seeds import stream

__all__ = ["planted", "shuffled"]

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_NEGATIVE = 0.999
_CAUGHT = 0.95
_ALONE = 0.5


def planted(
    pool: Pool, trials: Sequence[Trials], member: Flags, folds: Ints
) -> tuple[Result, bool]:
    """Return whether the best attack on releases that copy train rows is beyond chance.

    `trials` are those of the pool's controls.
    """
    made = _areas(trials, member, folds)
    if not made and all(t.threat_model.generator == "white-box" for t in trials):
        reason = "copies of train rows have no model to look into"
        return _none("planted_leak", reason, status="not_applicable"), True
    if not made:
        return _none("planted_leak", "no control gave numbers"), False
    rng = stream(pool.plan.seed, "shadow", "planted")
    z = measures.critical_value([a for a, _ in made], _CAUGHT, rng)
    area, name = max(made, key=lambda pair: pair[0].value)
    result = _result("planted_leak", area, z, name, _CAUGHT)
    low = result.estimate.low if result.estimate else 0.0
    if low <= 0.5 and _alone(pool) < _ALONE:
        reason = "most targets equal other rows: nobody could be recognised by copies either"
        return _none("planted_leak", reason, status="not_applicable"), True
    return replace(result, reference=1.0, direction="higher"), low > 0.5


def shuffled(
    seed: int, trials: Sequence[Trials], member: Flags, folds: Ints
) -> tuple[Result, bool]:
    """Return whether intervals cover a guess where members are those of other fits."""
    rng = stream(seed, "shadow", "shuffled")
    other = member.copy()
    for fold in np.unique(folds):
        here = np.flatnonzero(folds == fold)
        other[here] = member[rng.permutation(here)]
    made = _areas(trials, other, folds)
    if not made:
        return _none("exchangeable", "no attack gave scores"), True
    z = measures.critical_value([a for a, _ in made], _NEGATIVE, stream(seed, "shadow", "negative"))
    area, name = max(made, key=lambda pair: abs(pair[0].value - 0.5))
    covers = all(low <= 0.5 <= high for low, high in (measures.auc_interval(a, z) for a, _ in made))
    result = _result("exchangeable", area, z, name, _NEGATIVE)
    return replace(result, direction="target"), covers


def _areas(trials: Sequence[Trials], member: Flags, folds: Ints) -> list[tuple[Auc, str]]:
    everyone = np.arange(member.shape[1])
    return [
        (group_auc(t.scores, member, folds, everyone), t.attack)
        for t in trials
        if t.scores is not None
    ]


def _alone(pool: Pool) -> float:
    """Return the share of targets whose row nobody else has."""
    rows = fingerprints(encode([pool.table])[0])
    distinct, counts = np.unique(rows, return_counts=True)
    times = counts[np.searchsorted(distinct, rows[list(pool.plan.targets)])]
    return float((times == 1).mean())


def _result(name: str, area: Auc, z: float, attack: str, confidence: float) -> Result:
    low, high = measures.auc_interval(area, z)
    return Result(
        family="privacy",
        name="control",
        params={"control": name, "attack": attack},
        estimate=Estimate(area.value, low, high, area.members + area.non_members, confidence),
        reference=0.5,
    )


def _none(name: str, reason: str, status: Literal["failed", "not_applicable"] = "failed") -> Result:
    return Result(
        family="privacy",
        name="control",
        params={"control": name},
        status=status,
        reason=reason,
        direction="target",
    )
