"""Halves of classes, and halves of halves: the nodes, and what is allowed below each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["halved", "is_halving"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_MOST_NODES = 10_000


def halved(
    bounds: Ints, part: Floats, group: Ints, lower_of: Callable[[int, Ints], Floats]
) -> tuple[Floats, dict[int, Floats]]:
    """Return how probable the allowed classes are, and the chance of each node's lower part then.

    Shapes (rows,): from the leaves up, a node's mass is the mean of its parts'. Nodes where all is
    allowed alike are not asked, and are not in the dictionary.

    Parameters
    ----------
    bounds
        Shape (nodes, 3): low, middle, high, parents first.
    part, group
        Shapes (groups, classes) and (rows,): the allowed part of each class, by group of rows.
    lower_of
        Gives the probability of a node's lower part for some rows.
    """
    every = np.arange(len(group))
    mass: dict[tuple[int, int], Floats] = {}  # for each row, or shape (1,) if all are alike
    down: dict[int, Floats] = {}

    def of(low: int, high: int) -> Floats:
        if (low, high) in mass:
            return mass[low, high]
        same = bool((part[:, low] == part[0, low]).all())
        return part[:1, low] if same else part[group, low]

    for node in range(len(bounds) - 1, -1, -1):
        low, middle, high = (int(b) for b in bounds[node])
        below, above = of(low, middle), of(middle, high)
        if len(below) == len(above) == 1 and below[0] == above[0]:
            mass[low, high] = below
            continue
        p = lower_of(node, every)
        mass[low, high] = p * below + (1 - p) * above
        down[node] = p * below / np.maximum(mass[low, high], 1e-300)
    return np.broadcast_to(of(0, part.shape[1]), group.shape), down


def is_halving(bounds: Ints, classes: int) -> bool:
    """Whether the nodes are all parts of two or more classes, parents first."""
    if bounds.ndim != 2 or bounds.shape[1:] != (3,) or len(bounds) > _MOST_NODES:
        return False
    open_parts = {(0, classes)}
    for low, middle, high in bounds.tolist():
        if (low, high) not in open_parts or not low < middle < high:
            return False
        open_parts.remove((low, high))
        open_parts |= {part for part in ((low, middle), (middle, high)) if part[1] - part[0] > 1}
    return not open_parts
