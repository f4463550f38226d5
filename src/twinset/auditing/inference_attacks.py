"""Attributes, links, descriptions of single people: tried on train people and on others.

What is known of people, guesses of a column that is not (one by one, or of everybody), which rows
of two sources are one person, and which descriptions fit just one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from twinset.arrays import Floats, Ints
from twinset.auditing.game import LEAST, Game
from twinset.auditing.inference import Successes
from twinset.protocols import AttributeAttack, LinkageAttack, Records, SinglingOutAttack
from twinset.stats.queries import count_rows
from twinset.stats.records import at_most, concatenate, pick
from twinset.stats.row_hash import fingerprints
from twinset.stats.seeds import stream

__all__ = [
    "People",
    "compare_people",
    "compare_planted",
    "linked",
    "reconstruct",
    "secret_levels",
    "singled_out",
]


_PEOPLE, _RELEASE = 2_000, 5_000
_RECONSTRUCTED_PEOPLE = 1_000
_WHOLE = 200_000  # rows that a reconstruction counts at most
_PARTS, _LEAST_PART = (64, 16, 4), 100
_SECRETS, _RECONSTRUCTED, _LEVELS, _BINS = 8, 3, 12, 8
_CERTAIN = 0.98  # a column whose commonest level is more common is no secret
_LINKED, _PLANTED = 600, 300
_BLOCK = 100  # people among whom a partner is looked for
_SPLITS, _SETS, _PREDICATES, _WIDTH = 10, 16, 120, 4


@dataclass(frozen=True, eq=False)
class People:
    """One row of each unit: of train and of as many others, in random order; S and R.

    `release` are some rows of the `whole` release, for attacks that search it.
    """

    train: Records
    holdout: Records
    release: Records
    whole: Records
    auxiliary: Records | None
    names: tuple[str, ...]
    first: tuple[str, ...]
    secrets_at_most: int = 100
    asked: dict[int, tuple[Records, Records]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, game: Game, seed: int) -> People:
        """Take the people of a game, as many of train as of others."""
        rng = stream(seed, "audit", "people")
        shuffled = rng.permutation(len(game.targets))
        row = shuffled[np.unique(game.units[shuffled], return_index=True)[1]]
        sides = row[: game.members], row[game.members :]
        size = min(map(len, sides))
        train, holdout = (game.targets.take(rng.permutation(s)[:size]) for s in sides)
        records = game.release
        first = [c.name for c in game.train.schema.columns if c.role in ("sensitive", "target")]
        return cls(
            train,
            holdout,
            at_most(_RELEASE, records, rng),
            at_most(_WHOLE, records, rng),
            game.auxiliary,
            (*records.numeric_names, *records.code_names),
            tuple(first),
        )

    def secrets(self) -> list[int]:
        """Columns that are worth guessing: sensitive ones and targets first."""
        order = sorted(range(len(self.names)), key=lambda j: self.names[j] not in self.first)
        known = self.release if self.auxiliary is None else self.auxiliary
        kept = []
        for j in order:
            levels = secret_levels([known], j)[0]
            if len(levels) and np.bincount(levels).max() <= _CERTAIN * len(levels):
                kept.append(j)
        return kept[: self.secrets_at_most]


def compare_people(game: Game, attacks: Sequence[Any], seed: int) -> list[Successes]:
    """Run all attacks whose goal is not membership; one that raises is a failed comparison."""
    return _compare(People.of(game, seed), attacks, seed)


def compare_planted(game: Game, attacks: Sequence[Any], seed: int) -> tuple[list[Successes], int]:
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


def _compare(people: People, attacks: Sequence[Any], seed: int) -> list[Successes]:
    found: list[Successes] = []
    for attack in attacks:
        began = time.process_time()
        rng = stream(seed, "audit", "inference", attack.name)
        try:
            made = _RUNS[attack.threat_model.goal](attack, people, rng)
        except (ValueError, ArithmeticError, IndexError, TypeError) as error:
            reason = f"the attack raised {type(error).__name__}"
            about = attack.name, attack.threat_model, (), np.empty(0), np.empty(0), None
            made = [Successes(*about, reason=reason, diagnostic=_is_diagnostic(attack))]
        seconds = (time.process_time() - began) / max(len(made), 1)
        found += [replace(c, seconds=seconds) for c in made]
    return found


def linked(scores: Floats) -> Floats:
    """Chance that each row's own partner (the diagonal) is ranked first, ties dealt at random."""
    own = np.diagonal(scores)
    top = scores.max(axis=1)
    ties = (scores >= top[:, None]).sum(axis=1)
    return np.where(own >= top, 1 / ties, 0.0)


def _linkage(attack: LinkageAttack, people: People, rng: np.random.Generator) -> list[Successes]:
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
    about = {"sets_searched": len(splits), "candidates": block}
    return [_successes(attack, people, worst[0], (train, holdout), 1 / block, params=about)]


def _successes(
    attack: Any,
    people: People,
    places: Sequence[int],
    sides: tuple[Floats, Floats],
    guess: float | None,
    **more: Any,
) -> Successes:
    """Return what an attack got right of train people and of others about columns by `places`."""
    columns = tuple(people.names[j] for j in places)
    return Successes(attack.name, attack.threat_model, columns, *sides, guess, **more)


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
) -> list[Successes]:
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
        about = {"sets_searched": len(candidates), "width": len(worst)}
        found.append(_successes(attack, people, worst, (train, holdout), guess, params=about))
    return found


def _widths(p: int, rng: np.random.Generator) -> list[int]:
    return [int(w) for w in rng.integers(2, min(_WIDTH, p) + 1, _SETS)] if p > 1 else []


def secret_levels(sides: Sequence[Records], place: int) -> list[Ints]:
    """Return a column of each side as levels 0, 1 ..., chosen by the first side.

    A number is cut at quantiles; of a discrete column the rarest levels share one; null is a level.
    """
    p = sides[0].numeric.shape[1]
    if place < p:
        first = sides[0].numeric[:, place]
        first = first[~np.isnan(first)]
        probs = np.linspace(0, 1, _BINS + 1)[1:-1]
        edges = np.unique(np.quantile(first, probs)) if len(first) else np.empty(0)
        columns = (s.numeric[:, place] for s in sides)
        return [
            np.where(np.isnan(v), len(edges) + 1, np.digitize(v, edges, right=True)).astype(
                np.int64
            )
            for v in columns
        ]
    levels, counts = np.unique(sides[0].codes[:, place - p], return_counts=True)
    kept = np.sort(levels[np.argsort(-counts, kind="stable")[: _LEVELS - 1]])
    found = []
    for s in sides:
        codes = s.codes[:, place - p]
        at = np.minimum(np.searchsorted(kept, codes), len(kept) - 1)
        found.append(np.where(kept[at] == codes, at, len(kept)).astype(np.int64))
    return found


def _attributes(
    attack: AttributeAttack, people: People, rng: np.random.Generator
) -> list[Successes]:
    """Guess each secret in turn, all other columns known.

    A reconstruction counts the whole release: of the first secret also parts of it.
    """
    if _is_diagnostic(attack):
        return [c for j in people.secrets()[:_SECRETS] for c in _attributed(attack, people, j)]
    if attack.threat_model.goal == "attribute":
        return [_attribute(attack, people, j, True, rng) for j in people.secrets()[:_SECRETS]]
    places, rows = people.secrets()[:_RECONSTRUCTED], len(people.whole)
    found = []
    for j in places:
        parts = [rows // n for n in _PARTS if rows // n >= _LEAST_PART] if j == places[0] else []
        found += _in_parts(attack, people, j, (rows, *parts), rng)
    return found


def _in_parts(
    attack: AttributeAttack,
    people: People,
    place: int,
    sizes: Sequence[int],
    rng: np.random.Generator,
) -> list[Successes]:
    """Reconstruct a secret from random parts of the release; only the first one is judged."""
    found = []
    for size in sizes:
        rows = rng.permutation(len(people.whole))[:size]
        made = _attribute(
            attack, replace(people, release=people.whole.take(rows)), place, False, rng
        )
        found.append(replace(made, params={"released": size}, aside=size != sizes[0]))
    return found


def reconstruct(
    attack: AttributeAttack,
    sides: tuple[Records, Records],
    release: Records,
    sizes: Sequence[int],
    *,
    first: Sequence[str],
    rng: np.random.Generator,
) -> list[Successes]:
    """Reconstruct one column from parts of a release; only that of ``sizes[0]`` rows is judged.

    `sides` are people in train and others, of whom the adversary knows how common a value is.
    The column is the first of `first` that is worth guessing, else of all; [] if none is.
    """
    names = (*release.numeric_names, *release.code_names)
    people = People(*sides, release, release, sides[1], names, tuple(first))
    places = people.secrets()[:1]
    return [c for place in places for c in _in_parts(attack, people, place, sizes, rng)]


def _attribute(
    attack: AttributeAttack, people: People, place: int, together: bool, rng: np.random.Generator
) -> Successes:
    most = _PEOPLE if together else _RECONSTRUCTED_PEOPLE
    sides = [s.take(np.arange(len(s))[:most]) for s in (people.train, people.holdout)]
    others = [j for j in range(len(people.names)) if j != place]
    number, seen, secret, *truth = _levels(people, people.release, sides, place)
    if together:
        if place not in people.asked:  # the same objects for all attacks: they share neighbours
            people.asked[place] = pick(concatenate(sides), others), pick(people.release, others)
        asked, release = people.asked[place]
        guesses = [attack.guess(asked, release, secret, number, rng=rng)]
    else:
        release = pick(people.release, others)
        guesses = [attack.guess(pick(s, others), release, secret, number, rng=rng) for s in sides]
    best = np.concatenate(guesses).argmax(axis=1)
    right = [
        (b == t).astype(np.float64)
        for b, t in zip(np.split(best, [len(sides[0])]), truth, strict=True)
    ]
    usual = int(np.bincount(seen).argmax())
    guess = float((truth[0] == usual).mean())
    return _successes(attack, people, [place], (right[0], right[1]), guess)


def _levels(
    people: People, release: Records, sides: Sequence[Records], place: int
) -> tuple[int, Ints, Ints, Ints, Ints]:
    """Return the number of levels of a secret; its levels as known before, released, and true."""
    known = people.release if people.auxiliary is None else people.auxiliary
    seen, secret, *truth = secret_levels([known, release, *sides], place)
    number = max(int(max(v.max(initial=0) for v in (seen, secret, *truth))) + 1, 2)
    return number, seen, secret, truth[0], truth[1]


def _attributed(attack: Any, people: People, place: int) -> list[Successes]:
    """Return what a diagnostic gives the true level: CAP, 0CAP and GCAP of all people."""
    others = [j for j in range(len(people.names)) if j != place]
    sides = people.train, people.holdout
    number, seen, secret, *truth = _levels(people, people.whole, sides, place)
    asked, release = pick(concatenate(sides), others), pick(people.whole, others)
    shares, matched = attack.attributed(asked, release, secret, number)
    share = shares[np.arange(len(shares)), np.concatenate(truth)]
    usual = float((np.bincount(seen, minlength=number) / len(seen))[truth[0]].mean())
    cut = len(truth[0])
    return [
        _successes(
            attack,
            people,
            [place],
            (values[:cut][kept[:cut]], values[cut:][kept[cut:]]),
            usual,
            params={"variant": variant},
            diagnostic=True,
        )
        for variant, values, kept in (
            ("CAP", share, matched),
            ("0CAP", share * matched, np.ones_like(matched)),
            ("GCAP", share, np.ones_like(matched)),
        )
    ]


def _is_diagnostic(attack: Any) -> bool:
    """Whether what an attack tells is shown, and judged by nobody."""
    return bool(getattr(attack, "diagnostic", False))


_RUNS: dict[str, Any] = {
    "attribute": _attributes,
    "reconstruction": _attributes,
    "linkage": _linkage,
    "singling_out": _singling,
}
