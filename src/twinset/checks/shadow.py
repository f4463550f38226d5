"""What attacks by shadow models must keep, as `check_attack` holds them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from twinset.auditing.shadow_judge import group_auc
from twinset.auditing.shadow_learners import cross_fitted, deal_folds
from twinset.checks.tables import learnable_table
from twinset.protocols import Records
from twinset.stats.records import encode
from twinset.stats.seeds import stream

__all__ = ["check_shadow"]

_FITS, _ROWS, _POPULATION = 300, 12, 400


def check_shadow(attack: Any) -> None:
    """Hold an attack that learns from shadow models: here tiny tables, released as they are."""
    if attack.threat_model.generator == "white-box":
        _judge(_weighed(attack, copies=True), _weighed(attack, copies=False))
        return
    known, people = _world()
    targets = people.take(np.arange(4))
    first = attack.describe(targets, people, auxiliary=known)
    again = attack.describe(targets, people, auxiliary=known)
    _require(np.ndim(first) == 2 and len(first) in (1, 4), "there are k numbers, or k a target")
    _require(bool(np.array_equal(first, again)), "the same release gives the same numbers")
    for odd in (people.take(np.zeros(3, dtype=np.int64)), people.take(np.arange(1))):
        made = attack.describe(targets, odd, auxiliary=known)
        _require(np.shape(made) == np.shape(first), "their number does not depend on the release")
        _require(bool(np.isfinite(made).all()), "numbers are finite")
    _judge(*(_area(attack, known, people, copies=c) for c in (True, False)))


def _judge(leaking: float, clean: float) -> None:
    _require(leaking > 0.58, f"a generator that copies train rows is caught (AUC {leaking:.3f})")
    _require(
        abs(clean - 0.5) < 5 / np.sqrt(12 * _FITS),
        f"targets are not told apart where nothing is learned (AUC {clean:.3f})",
    )


def _area(attack: Any, known: Records, people: Records, *, copies: bool) -> float:
    """Mean AUC on four targets of fits that release their train rows, or fresh rows."""
    numbers, member = [], []
    for fit in range(_FITS):
        rng = stream(1, "check", "shadow", fit)
        inside = rng.random(4) < 0.5
        others = 4 + rng.permutation(_POPULATION)[: _ROWS - int(inside.sum())]
        rows = np.concatenate([np.flatnonzero(inside), others])
        if not copies:
            rows = 4 + rng.permutation(_POPULATION)[:_ROWS]
        release = people.take(rows)
        numbers.append(attack.describe(people.take(np.arange(4)), release, auxiliary=known))
        member.append(inside)
    return _learned(attack, numbers, member)


def _weighed(attack: Any, *, copies: bool) -> float:
    """Mean AUC on four targets of models that find their train rows likelier, or do not."""
    numbers, member = [], []
    for fit in range(_FITS):
        rng = stream(1, "check", "white box", fit)
        inside = rng.random(4) < 0.5
        own = rng.normal(-20, 1, 4) + (inside if copies else 0)
        made = attack.weigh(own, rng.normal(-19, 1, _ROWS))
        _require(np.ndim(made) == 2 and len(made) == 4, "there are k numbers a target")
        numbers.append(made)
        member.append(inside)
    return _learned(attack, numbers, member)


def _learned(attack: Any, numbers: list[Any], member: list[npt.NDArray[np.bool_]]) -> float:
    flags: npt.NDArray[np.bool_] = np.stack(member)
    folds = deal_folds(_FITS, stream(1, "check", "folds"))
    scores = cross_fitted(np.stack(numbers).astype(np.float64), flags, folds, attack.learner)
    _require(bool(np.isfinite(scores).all()), "scores are finite")
    return group_auc(scores, flags, folds, np.arange(4)).value


def _world() -> tuple[Records, Records]:
    """Rows of the adversary; four targets, the first of people, and other people."""
    table = learnable_table(_POPULATION + 504, seed=13)
    known, people = encode(
        [table.take(np.arange(500)), table.take(np.arange(500, 504 + _POPULATION))]
    )
    return known, people


def _require(holds: bool, promise: str) -> None:
    if not holds:
        raise AssertionError(f"broken promise: {promise}")
