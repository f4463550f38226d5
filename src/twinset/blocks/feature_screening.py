"""Which columns tell most about others, from codes and in bounded time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["by_dependence", "informative"]

_ROWS = 5_000
_CLASSES = 16


def informative(
    codes: Mapping[int, npt.NDArray[np.int32]],
    candidates: tuple[int, ...],
    target: int,
    sizes: list[int],
    most: int,
) -> tuple[int, ...]:
    """Return the `most` candidates with the largest mutual information with `target`, in order.

    Counted on at most 5,000 evenly spaced rows; codes of a large column are folded into 16 classes
    of neighbouring codes.
    """
    rows = _some(len(codes[target]))
    y = _folded(codes[target][rows], sizes[target])
    scores = [_information(_folded(codes[i][rows], sizes[i]), y) for i in candidates]
    best = np.argsort(-np.array(scores), kind="stable")[:most]
    return tuple(candidates[i] for i in np.sort(best))


def by_dependence(
    codes: Mapping[int, npt.NDArray[np.int32]], sizes: list[int], first: Sequence[int]
) -> tuple[int, ...]:
    """Order all columns: `first`, then always the one that depends most on any before it.

    Columns that go together follow each other, as in the maximum spanning tree of mutual
    information (Chow and Liu 1968, IEEE Trans. Inf. Theory 14; Prim's algorithm).
    """
    rows = _some(len(next(iter(codes.values()))))
    folded = {i: _folded(c[rows], sizes[i]) for i, c in codes.items()}
    order = list(first) or [min(codes)]
    nearest = {i: -np.inf for i in codes if i not in order}
    latest = order
    while nearest:
        for i in nearest:
            nearest[i] = max(nearest[i], *(_information(folded[i], folded[j]) for j in latest))
        latest = [max(nearest, key=lambda i: (nearest[i], -i))]
        order += latest
        del nearest[latest[0]]
    return tuple(order)


def _some(n: int) -> npt.NDArray[np.int64]:
    return np.linspace(0, n - 1, min(_ROWS, n)).astype(np.int64)


def _folded(codes: npt.NDArray[np.int32], size: int) -> npt.NDArray[np.int64]:
    if size <= _CLASSES:
        return codes.astype(np.int64)
    share = np.cumsum(np.bincount(codes, minlength=size)) / len(codes)
    classes = np.minimum((share * _CLASSES).astype(np.int64), _CLASSES - 1)
    return classes[codes]


def _information(x: npt.NDArray[np.int64], y: npt.NDArray[np.int64]) -> float:
    """Mutual information in nats, less its expectation under independence."""
    joint = np.bincount(x * _CLASSES + y, minlength=_CLASSES**2).reshape(_CLASSES, -1) / len(x)
    product = joint.sum(axis=1)[:, None] * joint.sum(axis=0)[None, :]
    some = joint > 0
    found = float((joint[some] * np.log(joint[some] / product[some])).sum())
    cells = ((joint.sum(axis=1) > 0).sum() - 1) * ((joint.sum(axis=0) > 0).sum() - 1)
    return found - float(cells) / (2 * len(x))
