"""What attacks on attributes, links and single persons must keep, as `check_attack` holds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from twinset.auditing.inference_attacks import linked, singled_out
from twinset.checks.tables import learnable_table
from twinset.protocols import Records
from twinset.stats.records import encode, pick
from twinset.stats.seeds import stream

__all__ = ["CHECKS"]

Floats = npt.NDArray[np.float64]

_SIDE = 600
_BLOCK = 100
_CAUGHT, _ERRORS = 0.1, 5.0


def _check_guesses(attack: Any) -> None:
    """Hold an attack on a secret that was dealt at random, so that nothing can be inferred."""
    train, others, fresh, copies = _world()
    rng = stream(0, "check", "secret")
    secret, unseen, random = (rng.integers(0, 3, _SIDE) for _ in range(3))

    def right(release: Records, told: npt.NDArray[np.int64]) -> list[Floats]:
        found = []
        for known, truth in ((train, secret), (others, unseen)):
            shape = (len(known), 3)
            guess = _sound(partial(attack.guess, known, release, told, 3), shape)
            found.append((guess.argmax(axis=1) == truth).astype(np.float64))
        return found

    _compare(right(train.take(copies), secret[copies]), right(fresh, random))
    few = np.arange(5)
    for known, release in ((train.take(few), fresh.take(few[:1])), (pick(train, [0]), fresh)):
        told = np.zeros(len(release), dtype=np.int64)
        release = pick(release, [0]) if known.codes.shape[1] == 0 else release
        guess = attack.guess(known, release, told, 3, rng=_rng())
        _require(bool(np.isfinite(guess).all()), "scores are finite for odd inputs")


def _check_links(attack: Any) -> None:
    """Hold an attack that joins the numbers of people to their categories."""
    train, others, fresh, copies = _world()
    p = train.numeric.shape[1]
    left, right = [p, 0], [*range(1, p), p + 1]

    def joined(release: Records) -> list[Floats]:
        sides = pick(release, left), pick(release, right)
        found = []
        for people in (train, others):
            parts = []
            for start in range(0, _SIDE, _BLOCK):
                here = people.take(np.arange(start, start + _BLOCK))
                order = stream(0, "check", start).permutation(_BLOCK)
                two = pick(here, left), pick(here, right).take(order)
                shape = (_BLOCK, _BLOCK)
                scores = _sound(partial(attack.link, *two, *sides), shape)
                parts.append(linked(scores[:, np.argsort(order)]))
            found.append(np.concatenate(parts))
        return found

    _compare(joined(train.take(copies)), joined(fresh))
    few = train.take(np.arange(3))
    one = [pick(few.take(np.arange(1)), side) for side in (left, right)]
    scores = attack.link(pick(few, left), pick(few, right), *one, rng=_rng())
    _require(bool(np.isfinite(scores).all()), "scores are finite for odd inputs")


def _check_predicates(attack: Any) -> None:
    """Hold an attack that describes single persons."""
    train, others, fresh, copies = _world()
    columns = [0, 1, train.numeric.shape[1]]

    def alone(release: Records) -> list[Floats]:
        made = attack.predicates(release, columns, 300, rng=_rng())
        _require(len(made) <= 300, "there are no more predicates than were asked for")
        used = set(np.unique(made.columns).tolist())
        _require(used <= {-1, *columns}, "predicates speak of the columns they were asked for")
        again = attack.predicates(release, columns, 300, rng=_rng())
        _require(bool(np.array_equal(made.low, again.low)), "the same stream gives the same")
        return singled_out(attack, release, (train, others), columns, 300, _rng())

    _compare(alone(train.take(np.unique(copies))), alone(fresh))
    for odd in (fresh.take(np.arange(1)), fresh.take(np.zeros(30, dtype=np.int64))):
        attack.predicates(odd, columns, 10, rng=_rng())


def _compare(leaking: Sequence[Floats], clean: Sequence[Floats]) -> None:
    """Train people are hit more often than others by copies, and no more by fresh rows."""
    gap = float(leaking[0].mean() - leaking[1].mean())
    _require(gap > _CAUGHT, f"a release that copies train rows is caught (gap {gap:.3f})")
    p = float((clean[0].mean() + clean[1].mean()) / 2)
    error = np.sqrt(max(p * (1 - p), 0.01) * (1 / len(clean[0]) + 1 / len(clean[1])))
    gap = float(clean[0].mean() - clean[1].mean())
    _require(
        abs(gap) < _ERRORS * error,
        f"train people are not told apart by a release that has not seen them (gap {gap:.3f})",
    )


def _world() -> tuple[Records, Records, Records, npt.NDArray[np.int64]]:
    """Train people, others, a release that has seen neither, and rows to copy."""
    table = learnable_table(3 * _SIDE, seed=11)
    parts = [table.take(np.arange(i * _SIDE, (i + 1) * _SIDE)) for i in range(3)]
    train, others, fresh = encode(parts, reference=[0, 1, 2])
    return train, others, fresh, stream(0, "check", "copies").integers(0, _SIDE, _SIDE)


def _sound(call: Callable[..., Floats], shape: tuple[int, int]) -> Floats:
    first, second = call(rng=_rng()), call(rng=_rng())
    _require(np.shape(first) == shape, "there is one score for each target and level, or each pair")
    _require(bool(np.isfinite(first).all()), "scores are finite")
    _require(bool(np.array_equal(first, second)), "the same stream gives the same scores")
    return first


def _rng() -> np.random.Generator:
    return stream(0, "check", "scores")


def _require(holds: bool, promise: str) -> None:
    if not holds:
        raise AssertionError(f"broken promise: {promise}")


CHECKS: dict[str, Callable[[Any], None]] = {
    "attribute": _check_guesses,
    "reconstruction": _check_guesses,
    "linkage": _check_links,
    "singling_out": _check_predicates,
}
