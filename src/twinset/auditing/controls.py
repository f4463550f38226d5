"""Controls in every run: attacks whose right answer is known.

Of a release:


- *planted leak*: non-members copied into the release must be recognised among other non-members;
- *planted people*: if half of the non-members are copied into the release, more must be guessed,
  linked or singled out of them than of the other half;
- *exchangeable*: two random halves of the non-members must not be told apart;
- *without the release*: members and non-members must not be told apart by the auxiliary data alone,
  nor by a classifier that learned from others of them, or the holdout is another population than
  the train table.

Of a generator:

- *planted leak*: shadow releases that copy their train rows must be recognised;
- *exchangeable*: scores against the members of other fits must not be told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from twinset.arrays import Flags, Floats
from twinset.auditing import measures
from twinset.auditing.auditor import AttackScores, unknown
from twinset.auditing.game import LEAST, Game
from twinset.auditing.holdout_shift import Likeness
from twinset.auditing.inference import leaks
from twinset.auditing.inference_attacks import compare_planted
from twinset.auditing.shadow_judge import Trials, group_auc
from twinset.auditing.shadows import Pool
from twinset.protocols import Attack, Estimate, Result
from twinset.protocols.measures import Status
from twinset.stats.neighbours import sharing
from twinset.stats.records import at_most, concatenate, encode
from twinset.stats.row_hash import fingerprints
from twinset.stats.seeds import stream

__all__ = ["Controls", "controls_of_generator", "controls_of_release", "without_release"]

Controlled = tuple[Result, bool]  # and whether it came out right

_RELEASE, _AUXILIARY, _PLANTED, _SHARE = 5_000, 3_000, 300, 0.1
_NEGATIVE, _CAUGHT = 0.999, 0.95
_ALONE = 0.5  # of the targets must have a row of their own, or copies need not be recognised
_SURE = 50  # fewer planted people may be missed by chance


@dataclass(frozen=True)
class Controls:
    """Results named ``control``, and the names of those that came out wrong."""

    results: tuple[Result, ...]
    failed: tuple[str, ...] = ()

    @classmethod
    def of(cls, *made: Controlled) -> Controls:
        """Put controls together."""
        return cls(tuple(r for r, _ in made), tuple(_named(r) for r, passed in made if not passed))

    @property
    def passed(self) -> bool:
        """Whether every control that could be run came out right."""
        return not self.failed


def controls_of_release(
    game: Game,
    attacks: Sequence[Attack],
    scored: Sequence[AttackScores],
    seed: int,
    others: Sequence[Any] = (),
) -> Controls:
    """Run the four controls; the negative ones fail by chance once in a thousand audits each."""
    return Controls.of(
        _planted(game, attacks, seed),
        _planted_people(game, others, seed),
        _exchangeable(game, scored, seed),
        without_release(game, seed),
    )


def controls_of_generator(pool: Pool, trials: Trials, copies: Trials) -> Controls:
    """Run the two controls; `copies` are the trials of the releases that copy their train rows."""
    return Controls.of(_copied(pool, copies), _shuffled(pool.plan.seed, trials))


def _planted(game: Game, attacks: Sequence[Attack], seed: int) -> Controlled:
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
    result = _result("planted_leak", area, z, attack=name, planted=number, reference=1.0)
    caught = (area.value - 0.5) / measures.null_error(number, number) > z
    return replace(result, direction="higher"), caught


def _planted_people(game: Game, attacks: Sequence[Any], seed: int) -> Controlled:
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


def _exchangeable(game: Game, scored: Sequence[AttackScores], seed: int) -> Controlled:
    """Tell one random half of the non-members from the other."""
    rng = stream(seed, "audit", "exchangeable")
    others = rng.permutation(game.non_members)
    half = others < game.non_members // 2
    scores = [(s.scores[game.members :], s.attack) for s in scored if s.scores is not None]
    return _must_cover("exchangeable", scores, half, seed)


def without_release(game: Game, seed: int) -> Controlled:
    """Tell members from non-members by the auxiliary data, and by what others of them are like."""
    likeness = Likeness(game, seed)
    scores = [(s, "classifier") for s in likeness.scores()]
    near = game.to_auxiliary()
    if near is not None:
        scores += [
            (game.by_unit(near[:, 0]), "distance to auxiliary rows"),
            (game.by_unit(near.mean(axis=1)), "mean distance to auxiliary rows"),
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


def _copied(pool: Pool, copies: Trials) -> Controlled:
    """The best attack on releases that copy train rows must be beyond chance."""
    made = _areas(copies, copies.member)
    if not made and all(s.threat_model.generator == "white-box" for s in copies.attacks):
        return _skipped("planted_leak", "copies of train rows have no model to look into"), True
    if not made:
        return _skipped("planted_leak", "no control gave numbers", "failed"), False
    rng = stream(pool.plan.seed, "shadow", "planted")
    z = measures.critical_value([a for a, _ in made], _CAUGHT, rng)
    area, name = max(made, key=lambda pair: pair[0].value)
    caught = measures.auc_interval(area, z)[0] > 0.5
    if not caught and _alone(pool) < _ALONE:
        reason = "most targets equal other rows: nobody could be recognised by copies either"
        return _skipped("planted_leak", reason), True
    result = _result("planted_leak", area, z, _CAUGHT, attack=name, reference=1.0)
    return replace(result, direction="higher"), caught


def _alone(pool: Pool) -> float:
    """Return the share of targets whose row nobody else has."""
    rows = fingerprints(encode([pool.table])[0])
    distinct, counts = np.unique(rows, return_counts=True)
    times = counts[np.searchsorted(distinct, rows[list(pool.plan.targets)])]
    return float((times == 1).mean())


def _shuffled(seed: int, trials: Trials) -> Controlled:
    """Intervals must cover a guess where members are those of other fits."""
    rng = stream(seed, "shadow", "shuffled")
    other = trials.member.copy()
    for fold in np.unique(trials.folds):
        here = np.flatnonzero(trials.folds == fold)
        other[here] = trials.member[rng.permutation(here)]
    found = _areas(trials, other)
    if not found:
        return _skipped("exchangeable", "no attack gave scores", "failed"), True
    return _all_cover("exchangeable", found, stream(seed, "shadow", "negative"))


def _areas(trials: Trials, member: Flags) -> list[tuple[measures.Auc, str]]:
    everyone = np.arange(member.shape[1])
    return [(group_auc(x, member, trials.folds, everyone), s.attack) for s, x in trials.scored]


def _must_cover(
    control: str,
    scores: Sequence[tuple[Floats, str]],
    member: Flags,
    seed: int,
) -> Controlled:
    """Members must not be told apart by any of the scores; NaN is none."""
    found = [(measures.auc(s, member, ~np.isnan(s)), name) for s, name in scores]
    if not found:
        return _skipped(control, "no attack gave scores"), True
    return _all_cover(control, found, stream(seed, "audit", control))


def _all_cover(
    control: str, found: Sequence[tuple[measures.Auc, str]], rng: np.random.Generator
) -> Controlled:
    """The AUC farthest from a half, and whether all intervals cover a half at once."""
    z = measures.critical_value([a for a, _ in found], _NEGATIVE, rng)
    area, name = max(found, key=lambda pair: abs(pair[0].value - 0.5))
    intervals = [measures.auc_interval(a, z) for a, _ in found]
    result = _result(control, area, z, _NEGATIVE, attack=name)
    return replace(result, direction="target"), all(low <= 0.5 <= high for low, high in intervals)


def _result(
    control: str,
    area: measures.Auc,
    z: float,
    confidence: float = 0.95,
    reference: float = 0.5,
    **params: object,
) -> Result:
    low, high = measures.auc_interval(area, z)
    n = area.members + area.non_members
    return Result(
        family="privacy",
        name="control",
        params={"control": control, **params},
        estimate=Estimate(area.value, low, high, n, confidence),
        reference=reference,
    )


def _skipped(control: str, reason: str, status: Status = "not_applicable") -> Result:
    about = {"params": {"control": control}, "direction": "target"}
    return unknown("control", reason, status, **about)
