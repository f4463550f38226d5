"""Attributes, links, descriptions of single people: tried on train people and on others."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from twinset.auditing.attributes import People, attributes, is_diagnostic
from twinset.auditing.game import LEAST, Game
from twinset.auditing.inference import Compared
from twinset.protocols import LinkageAttack, Records, SinglingOutAttack
from twinset.stats.predicates import count_rows
from twinset.stats.records import concatenate, pick
from twinset.stats.row_hash import fingerprints
from twinset.stats.seeds import stream

__all__ = [
    "compare_people",
    "compare_planted",
    "linked",
    "singled_out",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_LINKED, _PLANTED = 600, 300
_BLOCK = 100  # people among whom a partner is looked for
_SPLITS, _SETS, _PREDICATES, _WIDTH = 10, 16, 120, 4


def compare_people(game: Game, attacks: Sequence[Any], seed: int) -> list[Compared]:
    """Run all attacks whose goal is not membership; one that raises is a failed comparison."""
    return _compare(People.of(game, seed), attacks, seed)


def compare_planted(game: Game, attacks: Sequence[Any], seed: int) -> tuple[list[Compared], int]:
    """Run the attacks where half of the non-members were copied into the release, and how many.

    The answer is known: they must be told more of than the other half.
    """
    people = People.of(game, seed)
    kept = people.release.take(np.arange(len(people.release))[: 4 * _PLANTED])
    rows, there = fingerprints(people.holdout), fingerprints(kept)
    once = np.unique(rows, return_index=True)[1]
    fresh = np.sort(once[~np.isin(rows[once], there)])  # else nothing is planted
    number = min(len(fresh) // 2, _PLANTED)
    if number < LEAST:
        return [], number
    train, holdout = (people.holdout.take(fresh[k * number : (k + 1) * number]) for k in (0, 1))
    release = concatenate([kept, train])
    planted = replace(
        people,
        train=train,
        holdout=holdout,
        release=release,
        whole=release,
        secrets_at_most=1,
        asked={},
    )
    return _compare(planted, attacks, seed), number


def _compare(people: People, attacks: Sequence[Any], seed: int) -> list[Compared]:
    found: list[Compared] = []
    for attack in attacks:
        began = time.process_time()
        rng = stream(seed, "audit", "inference", attack.name)
        try:
            made = _RUNS[attack.threat_model.goal](attack, people, rng)
        except (ValueError, ArithmeticError, IndexError, TypeError) as error:
            reason = f"the attack raised {type(error).__name__}"
            about = attack.name, attack.threat_model, (), np.empty(0), np.empty(0), None
            made = [Compared(*about, reason=reason, diagnostic=is_diagnostic(attack))]
        seconds = (time.process_time() - began) / max(len(made), 1)
        found += [_timed(c, seconds) for c in made]
    return found


def _timed(compared: Compared, seconds: float) -> Compared:
    return replace(compared, seconds=seconds)


def linked(scores: Floats) -> Floats:
    """Chance that each row's own partner (the diagonal) is ranked first, ties dealt at random."""
    own = np.diagonal(scores)
    top = scores.max(axis=1)
    ties = (scores >= top[:, None]).sum(axis=1)
    return np.where(own >= top, 1 / ties, 0.0)


def _linkage(attack: LinkageAttack, people: People, rng: np.random.Generator) -> list[Compared]:
    """Try splits of the columns on half of the blocks, measure the worst one on the others."""
    p = len(people.names)
    size = min(len(people.train), _LINKED) // (2 * _BLOCK) * (2 * _BLOCK)
    block = _BLOCK
    if size == 0:
        size, block = len(people.train) // 2 * 2, len(people.train) // 2
    if p < 2 or block < 2:
        return []
    splits = []
    for _ in range(_SPLITS if p > 2 else 1):
        order = rng.permutation(p).tolist()
        splits.append((sorted(order[: p // 2]), sorted(order[p // 2 :])))
    half = size // 2
    parts = [slice(0, half), slice(half, size)]
    gains = []
    for split in splits:
        a, b = (
            _links(attack, s, people.release, split, parts[0], block, rng)
            for s in (people.train, people.holdout)
        )
        gains.append(float(a.mean() - b.mean()))
    worst = splits[int(np.argmax(gains))]
    train, holdout = (
        _links(attack, s, people.release, worst, parts[1], block, rng)
        for s in (people.train, people.holdout)
    )
    names = tuple(people.names[j] for j in worst[0])
    return [
        Compared(
            attack.name,
            attack.threat_model,
            names,
            train,
            holdout,
            1 / block,
            {"sets_searched": len(splits), "candidates": block},
        )
    ]


def _links(
    attack: LinkageAttack,
    people: Records,
    release: Records,
    split: tuple[list[int], list[int]],
    part: slice,
    block: int,
    rng: np.random.Generator,
) -> Floats:
    rows = np.arange(len(people))[part]
    sides = [pick(release, columns) for columns in split]
    found = []
    for start in range(0, len(rows) - block + 1, block):
        here = people.take(rows[start : start + block])
        order = rng.permutation(block)  # the second source is in another order
        left, right = pick(here, split[0]), pick(here, split[1]).take(order)
        scores = attack.link(left, right, *sides, rng=rng)
        found.append(linked(scores[:, np.argsort(order)]))
    return np.concatenate(found)


def singled_out(
    attack: SinglingOutAttack,
    source: Records,
    people: Sequence[Records],
    columns: Sequence[int],
    number: int,
    rng: np.random.Generator,
) -> list[Floats]:
    """Return for each group of people which descriptions made of `source` fit exactly one."""
    made = attack.predicates(source, columns, number, rng=rng)
    return [(count_rows(made, group) == 1).astype(np.float64) for group in people]


def _singling(
    attack: SinglingOutAttack, people: People, rng: np.random.Generator
) -> list[Compared]:
    """Search single columns, then sets of columns; what is measured describes other rows."""
    p = len(people.names)
    order = rng.permutation(len(people.release))
    tried, kept = (
        people.release.take(np.sort(half)) for half in np.split(order, [len(order) // 3])
    )
    sets = [[(j,) for j in range(p)]]
    wide = {tuple(sorted(rng.permutation(p)[:w].tolist())) for w in _widths(p, rng)}
    sets += [sorted(wide)] if wide else []
    groups = people.train, people.holdout
    found = []
    for candidates in sets:
        gains = []
        for columns in candidates:
            a, b = singled_out(attack, tried, groups, columns, _PREDICATES // 2, rng)
            gain = float(a.sum() - b.sum()) / np.sqrt(max(a.sum() + b.sum(), 1.0))
            gains.append(gain if len(a) >= LEAST else -np.inf)
        worst = candidates[int(np.argmax(gains))]
        train, holdout = singled_out(attack, kept, groups, worst, 4 * _PREDICATES, rng)
        if len(train) < 2 * LEAST:  # too few descriptions to say anything
            train, holdout = np.empty(0), np.empty(0)
        guess = None
        if people.auxiliary is not None:
            known = singled_out(attack, people.auxiliary, groups, worst, _PREDICATES, rng)[0]
            guess = float(known.mean()) if len(known) else None
        found.append(
            Compared(
                attack.name,
                attack.threat_model,
                tuple(people.names[j] for j in worst),
                train,
                holdout,
                guess,
                {"sets_searched": len(candidates), "width": len(worst)},
            )
        )
    return found


def _widths(p: int, rng: np.random.Generator) -> list[int]:
    return [int(w) for w in rng.integers(2, min(_WIDTH, p) + 1, _SETS)] if p > 1 else []


_RUNS: dict[str, Any] = {
    "attribute": attributes,
    "reconstruction": attributes,
    "linkage": _linkage,
    "singling_out": _singling,
}
