"""Which pairs of columns are looked at: all, or those that matter and a random part of the rest."""

from __future__ import annotations

import itertools

import numpy as np

from twinset.evidence.evidence import Evidence

__all__ = ["chosen_pairs"]

_SCREEN_ROWS = 4_000


def chosen_pairs(evidence: Evidence, most: int) -> list[tuple[str, ...]]:
    """Return at most `most` pairs of columns.

    Of more, three quarters are those with the strongest association in train or in the release (on
    a sample of rows, 8 codes a column); the others are random. The same each time it is asked.
    """
    return evidence.once(("pairs", most), lambda: _chosen(evidence, most))


def _chosen(evidence: Evidence, most: int) -> list[tuple[str, ...]]:
    names = list(evidence.columns)
    everything: list[tuple[str, ...]] = list(itertools.combinations(names, 2))
    if len(everything) <= most:
        return everything
    strength = np.zeros((len(names), len(names)))
    rng = evidence.rng("pairs")
    for side in ("train", "synthetic"):
        at, _ = evidence.some(side)
        at = rng.choice(at, min(len(at), _SCREEN_ROWS), replace=False)
        blocks, ends = [], [0]
        for name in names:
            code = evidence.cells([name]).codes[side][0][at].astype(np.int64)
            size = evidence.columns[name].size
            top = np.argsort(-np.bincount(code, minlength=size), kind="stable")
            place = np.empty(size, dtype=np.int64)
            place[top] = np.minimum(np.arange(size), 8)
            blocks.append(np.eye(9, dtype=np.float32)[place[code]])
            ends.append(ends[-1] + 9)
        hot = np.concatenate(blocks, axis=1)
        both = (hot.T @ hot) / np.float32(len(at))
        alone = np.diagonal(both)
        excess = (both - np.outer(alone, alone)) ** 2 / np.maximum(np.outer(alone, alone), 1e-9)
        phi = np.add.reduceat(np.add.reduceat(excess, ends[:-1], axis=0), ends[:-1], axis=1)
        strength = np.maximum(strength, phi)
    first, second = np.triu_indices(len(names), 1)
    ranked = np.argsort(-strength[first, second], kind="stable")
    strong = most * 3 // 4
    rest = rng.choice(ranked[strong:], most - strong, replace=False)
    picked = np.sort(np.concatenate([ranked[:strong], rest]))
    return [(names[first[i]], names[second[i]]) for i in picked]
