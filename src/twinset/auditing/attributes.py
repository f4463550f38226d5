"""What is known of people, and guesses of a column that is not: one by one, or of everybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from twinset.auditing.game import Game
from twinset.auditing.inference import Compared
from twinset.protocols import AttributeAttack, Records
from twinset.stats.records import at_most, concatenate, pick
from twinset.stats.seeds import stream

__all__ = ["People", "attributes", "is_diagnostic", "reconstruct", "secret_levels"]

Ints = npt.NDArray[np.int64]

_PEOPLE, _RELEASE = 2_000, 5_000
_RECONSTRUCTED_PEOPLE = 1_000
_WHOLE = 200_000  # rows that a reconstruction counts at most
_PARTS, _LEAST_PART = (64, 16, 4), 100
_SECRETS, _RECONSTRUCTED, _LEVELS, _BINS = 8, 3, 12, 8
_CERTAIN = 0.98  # a column whose commonest level is more common is no secret


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


def attributes(attack: AttributeAttack, people: People, rng: np.random.Generator) -> list[Compared]:
    """Guess each secret in turn, all other columns known.

    A reconstruction counts the whole release: of the first secret also parts of it.
    """
    if is_diagnostic(attack):
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
) -> list[Compared]:
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
) -> list[Compared]:
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
) -> Compared:
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
    return Compared(
        attack.name, attack.threat_model, (people.names[place],), right[0], right[1], guess
    )


def _levels(
    people: People, release: Records, sides: Sequence[Records], place: int
) -> tuple[int, Ints, Ints, Ints, Ints]:
    """Return the number of levels of a secret; its levels as known before, released, and true."""
    known = people.release if people.auxiliary is None else people.auxiliary
    seen, secret, *truth = secret_levels([known, release, *sides], place)
    number = max(int(max(v.max(initial=0) for v in (seen, secret, *truth))) + 1, 2)
    return number, seen, secret, truth[0], truth[1]


def _attributed(attack: Any, people: People, place: int) -> list[Compared]:
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
        Compared(
            attack.name,
            attack.threat_model,
            (people.names[place],),
            values[:cut][kept[:cut]],
            values[cut:][kept[cut:]],
            usual,
            {"variant": variant},
            diagnostic=True,
        )
        for variant, values, kept in (
            ("CAP", share, matched),
            ("0CAP", share * matched, np.ones_like(matched)),
            ("GCAP", share, np.ones_like(matched)),
        )
    ]


def is_diagnostic(attack: Any) -> bool:
    """Whether what an attack tells is shown, and judged by nobody."""
    return bool(getattr(attack, "diagnostic", False))
