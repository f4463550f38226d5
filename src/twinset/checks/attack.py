"""What every attack must keep: run by our tests and by those of plug-in authors."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from twinset.checks.inference import CHECKS
from twinset.checks.shadow import check_shadow
from twinset.checks.tables import learnable_table
from twinset.protocols import Attack, Records, ThreatModel
from twinset.stats.records import concatenate, encode
from twinset.stats.seeds import stream

__all__ = ["check_attack"]

_SIDE = 800


def check_attack(attack: Any) -> None:
    """Hold an attack (or its class with default options) to the promises of its protocol.

    Which one is said by the goal of its threat model: `Attack`, `AttributeAttack`, `LinkageAttack`
    or `SinglingOutAttack`; an attack that can run the generator is a `ShadowAttack`.

    Raises
    ------
    AssertionError
        Naming the promise that is broken: it has a name and a threat model; scores are finite, one
        per target, whatever the release looks like; the same stream gives the same scores; inputs
        stay as they are; a release that copies train rows is caught (AUC above .6); members of
        whom the release knows nothing are not (AUC within five standard errors of .5).
    """
    made = attack() if isinstance(attack, type) else attack
    _require(isinstance(made.name, str) and bool(made.name), "an attack has a name")
    _require(isinstance(made.threat_model, ThreatModel), "an attack states its threat model")
    _require(dataclasses.is_dataclass(made), "an attack is a dataclass: its fields are its options")
    if made.threat_model.generator != "no-box":
        check_shadow(made)
        return
    check = CHECKS.get(made.threat_model.goal)
    if check is not None:
        check(made)
        return
    _check_success(made)
    _check_odd(made)


def _check_success(attack: Attack) -> None:
    members, others, auxiliary, fresh = _world()
    targets = concatenate([members, others])
    picks = stream(0, "check", "copies").integers(0, _SIDE, _SIDE)
    leaking = members.take(picks)
    before = [_copy(r) for r in (targets, leaking, auxiliary)]
    scores = _scores(attack, targets, leaking, auxiliary)
    for now, then in zip((targets, leaking, auxiliary), before, strict=True):
        same = all(
            np.array_equal(a, b, equal_nan=True) for a, b in zip(_copy(now), then, strict=True)
        )
        _require(same, "an attack leaves its inputs alone")
    again = _scores(attack, targets, leaking, auxiliary)
    _require(np.array_equal(scores, again), "the same stream gives the same scores")
    caught = _auc(scores)
    _require(caught > 0.6, f"a release that copies train rows is caught (AUC {caught:.3f})")
    guess = _auc(_scores(attack, targets, fresh, auxiliary))
    error = math.sqrt((2 * _SIDE + 1) / (12 * _SIDE * _SIDE))
    _require(
        abs(guess - 0.5) < 5 * error,
        f"members are not told apart by a release that has not seen them (AUC {guess:.3f})",
    )


def _check_odd(attack: Attack) -> None:
    """Scores stay finite for tiny, constant, all-null and one-sided inputs."""
    members, others, auxiliary, _ = _world()
    few = np.arange(12)
    targets = concatenate([members.take(few), others.take(few)])
    blank = dataclasses.replace(
        targets,
        numeric=np.full_like(targets.numeric, np.nan),
        codes=np.zeros_like(targets.codes),
        values=np.full_like(targets.values, np.nan),
    )
    for release in (members.take(few[:1]), blank, members.take(few)):
        for known in (auxiliary.take(few), auxiliary.take(few[:1]), None):
            _scores(attack, targets, release, known)
    _scores(attack, blank, blank, blank)


def _scores(
    attack: Attack, targets: Records, release: Records, auxiliary: Records | None
) -> npt.NDArray[np.float64]:
    scores = attack.score(targets, release, auxiliary=auxiliary, rng=stream(0, "check", "scores"))
    _require(np.shape(scores) == (len(targets),), "there is one score per target")
    _require(bool(np.isfinite(scores).all()), "scores are finite")
    return scores


def _world() -> list[Records]:
    """Members, non-members, the adversary's rows and a release that has seen none of them."""
    table = learnable_table(4 * _SIDE, seed=7)
    parts = [table.take(np.arange(i * _SIDE, (i + 1) * _SIDE)) for i in range(4)]
    return encode(parts, reference=[2, 3])


def _copy(records: Records) -> list[npt.NDArray[np.generic]]:
    return [records.numeric.copy(), records.codes.copy(), records.values.copy()]


def _auc(scores: npt.NDArray[np.float64]) -> float:
    """P(score of a member > score of a non-member), ties one half; members stand first."""
    others = np.sort(scores[_SIDE:])
    left = np.searchsorted(others, scores[:_SIDE], side="left")
    right = np.searchsorted(others, scores[:_SIDE], side="right")
    return float((left + right).mean() / (2 * len(others)))


def _require(holds: bool, promise: str) -> None:
    if not holds:
        raise AssertionError(f"broken promise: {promise}")
