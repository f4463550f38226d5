"""Controls in every run: attacks whose right answer is known.

- *planted leak*: non-members copied into the release must be recognised among other non-members;
- *planted people*: if half of the non-members are copied into the release, more must be guessed,
  linked or singled out of them than of the other half;
- *exchangeable*: two random halves of the non-members must not be told apart;
- *without the release*: members and non-members must not be told apart by the auxiliary data alone,
  nor by a classifier that learned from others of them, or the holdout is another population than
  the train table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from twinset.auditing import measures
from twinset.auditing.attribute_linkage import compare_planted
from twinset.auditing.auditor import Scored, by_unit
from twinset.auditing.game import LEAST, Game
from twinset.auditing.holdout_shift import Likeness
from twinset.auditing.inference import leaks
from twinset.protocols import Attack, Estimate, Result
from twinset.stats.neighbours import nearest, sharing
from twinset.stats.records import at_most, concatenate
from twinset.stats.row_hash import fingerprints
from twinset.stats.seeds import stream

__all__ = ["Controls", "run_controls", "without_release"]

_RELEASE, _AUXILIARY, _PLANTED, _SHARE = 5_000, 3_000, 300, 0.1
_NEGATIVE = 0.999
_SURE = 50  # fewer planted people may be missed by chance


@dataclass(frozen=True)
class Controls:
    """Results named ``control``, and the names of those that came out wrong."""

    results: tuple[Result, ...]
    failed: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every control that could be run came out right."""
        return not self.failed


def run_controls(
    game: Game,
    attacks: Sequence[Attack],
    scored: Sequence[Scored],
    seed: int,
    others: Sequence[Any] = (),
) -> Controls:
    """Run the four controls; the negative ones fail by chance once in a thousand audits each."""
    made = [
        _planted(game, attacks, seed),
        _planted_people(game, others, seed),
        _exchangeable(game, scored, seed),
        without_release(game, seed),
    ]
    failed = tuple(_named(r) for r, passed in made if not passed)
    return Controls(tuple(r for r, _ in made), failed)


def _planted(game: Game, attacks: Sequence[Attack], seed: int) -> tuple[Result, bool]:
    """Copy some non-members into the release and look for them."""
    if not attacks:
        return _skipped("planted_leak", "no attack on membership was run"), True
    rng = stream(seed, "audit", "planted")
    release = at_most(_RELEASE, game.release, rng)
    here = set(np.flatnonzero(~np.isin(fingerprints(game.targets), fingerprints(release))).tolist())
    first = np.unique(game.units, return_index=True)[1]  # one row of each unit
    rows = rng.permutation([r for r in first[game.members :].tolist() if r in here]).astype(
        np.int64
    )
    number = min(len(rows) // 2, max(LEAST, int(_SHARE * len(release))), _PLANTED)
    if number < LEAST:
        return _skipped(
            "planted_leak", f"{len(rows)} non-members differ from every synthetic row: too few"
        ), True
    targets = game.targets.take(rows[: 2 * number])
    leaking = concatenate([release, targets.take(np.arange(number))])
    auxiliary = game.auxiliary
    if auxiliary is not None:
        auxiliary = at_most(_AUXILIARY, auxiliary, rng)
    member = np.arange(2 * number) < number
    found = []
    with sharing():
        for attack in attacks:
            scores = attack.score(
                targets,
                leaking,
                auxiliary=auxiliary,
                rng=stream(seed, "audit", "planted", attack.name),
            )
            found.append((measures.auc(scores, member), attack.name))
    z = measures.critical_value([a for a, _ in found], 0.95, stream(seed, "audit", "planted z"))
    area, name = max(found, key=lambda pair: pair[0].value)
    result = _result("planted_leak", area, z, attack=name, planted=number)
    caught = (area.value - 0.5) / measures.null_error(number, number) > z
    return replace(result, direction="higher"), caught


def _planted_people(game: Game, attacks: Sequence[Any], seed: int) -> tuple[Result, bool]:
    """Copy half of the non-members into the release; the best attack must be beyond chance."""
    control = "planted_people"
    if not attacks:
        return _skipped(control, "no such attack was run"), True
    made, number = compare_planted(game, attacks, seed)
    found = [leak.result for leak in leaks(made, 0.0) if leak.result.estimate]
    if not found:
        return _skipped(control, f"{number} non-members differ from all other rows: too few"), True
    best = max(found, key=lambda r: r.estimate.low if r.estimate else 0.0)
    result = Result(
        family="privacy",
        name="control",
        params={"control": control, "attack": best.params["attack"], "planted": number},
        estimate=best.estimate,
        reference=1.0,
        direction="higher",
    )
    caught = any(r.verdict == "worse" for r in found)
    return result, caught or number < _SURE


def _exchangeable(game: Game, scored: Sequence[Scored], seed: int) -> tuple[Result, bool]:
    """Tell one random half of the non-members from the other."""
    rng = stream(seed, "audit", "exchangeable")
    others = rng.permutation(game.non_members)
    half = others < game.non_members // 2
    scores = [(s.scores[game.members :], s.attack) for s in scored if s.scores is not None]
    return _must_cover("exchangeable", scores, half, seed)


def without_release(game: Game, seed: int) -> tuple[Result, bool]:
    """Tell members from non-members by the auxiliary data, and by what others of them are like."""
    likeness = Likeness(game, seed)
    scores = [(s, "classifier") for s in likeness.scores()]
    if game.auxiliary is not None:
        near = nearest(game.targets, game.auxiliary, 5)[0].astype(np.float64)
        near = near[:, np.isfinite(near).all(axis=0)]
        number = game.members + game.non_members
        scores += [
            (by_unit(near[:, 0], game.units, number), "distance to auxiliary rows"),
            (by_unit(near.mean(axis=1), game.units, number), "mean distance to auxiliary rows"),
        ]
    result, passed = _must_cover("without_release", scores, game.is_member, seed)
    if passed:
        return result, True
    return replace(result, columns=likeness.columns(_NEGATIVE)), False


def _named(r: Result) -> str:
    """Return the name of a control that failed, and what to do about it if that is known."""
    name = str(r.params["control"]).replace("_", " ")
    if name != "without release":
        return name
    where = f", most of all in {', '.join(r.columns)}" if r.columns else ""
    return f"{name}: the holdout is not like train{where}; split one table at random, by unit"


def _must_cover(
    control: str,
    scores: Sequence[tuple[npt.NDArray[np.float64], str]],
    member: npt.NDArray[np.bool_],
    seed: int,
) -> tuple[Result, bool]:
    """The AUC farthest from a half, and whether all intervals cover a half at once."""
    found = [(measures.auc(s, member, ~np.isnan(s)), name) for s, name in scores]
    if not found:
        return _skipped(control, "no attack gave scores"), True
    z = measures.critical_value([a for a, _ in found], _NEGATIVE, stream(seed, "audit", control))
    area, name = max(found, key=lambda pair: abs(pair[0].value - 0.5))
    covers = all(
        low <= 0.5 <= high for low, high in (measures.auc_interval(a, z) for a, _ in found)
    )
    return replace(_result(control, area, z, _NEGATIVE, attack=name), direction="target"), covers


def _result(
    control: str, area: measures.Auc, z: float, confidence: float = 0.95, **params: object
) -> Result:
    low, high = measures.auc_interval(area, z)
    n = area.members + area.non_members
    return Result(
        family="privacy",
        name="control",
        params={"control": control, **params},
        estimate=Estimate(area.value, low, high, n, confidence),
        reference=1.0 if control == "planted_leak" else 0.5,
    )


def _skipped(control: str, reason: str) -> Result:
    return Result(
        family="privacy",
        name="control",
        params={"control": control},
        status="not_applicable",
        reason=reason,
        direction="target",
    )
