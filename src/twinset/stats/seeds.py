"""Random streams: one seed for a run, a child for each task by name.

The stream of a task depends on the seed and on the task's name alone, never on the worker or on
what ran before, so the same seed gives the same bytes with any number of workers.
"""

from __future__ import annotations

import hashlib

import numpy as np

from twinset.errors import InputError

__all__ = ["derived", "spawn", "stream"]


def stream(seed: int, *task: str | int) -> np.random.Generator:
    """Generator for the task named by `task` under `seed`; InputError if that is no int >= 0."""
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError("seed", got=repr(seed), allowed="a whole number, 0 or more")
    name = "\x1f".join(str(part) for part in task).encode()
    words = np.frombuffer(hashlib.sha256(name).digest()[:16], dtype=np.uint32)
    return np.random.default_rng(np.random.SeedSequence([seed, *map(int, words)]))


def derived(seed: int, *task: str | int) -> int:
    """Seed of a task that has streams of its own, such as one of several copies: 63 bits."""
    return int(stream(seed, "seed", *task).integers(2**63))


def spawn(rng: np.random.Generator, n: int) -> list[np.random.Generator]:
    """`n` streams that depend on the state of `rng` and on their place; draws one block from it."""
    words = rng.integers(0, 2**32, size=4, dtype=np.uint64)
    return [np.random.default_rng(s) for s in np.random.SeedSequence(words.tolist()).spawn(n)]
