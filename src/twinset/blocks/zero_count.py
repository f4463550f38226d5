"""Answers that were never given: bounds of a question's probability where the rows all agree.

Boosting stops before the log odds of an answer that no row gives have gone to infinity, so a
column that another one decides would leak a little of what cannot be. Where a code of a predictor
would have given an answer `_EXPECTED` times by chance and never did, its probability is at most
that of the rule of succession with Jeffreys' prior, 1/2 / (n + 1) for n rows (Krichevsky and
Trofimov 1981, IEEE Trans. Inf. Theory 27, equation 2): rare, and not impossible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Unseen"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Codes = Mapping[int, npt.NDArray[np.int32]]
_EXPECTED = 20.0


@dataclass(frozen=True, eq=False)
class Unseen:
    """Bounds, one a row of `where`.

    Attributes
    ----------
    where
        Shape (bounds, 4): node, number of the predictor, its code, and 1 if the lower part was
        never seen there, 0 if the upper one; nodes ascend.
    most
        Shape (bounds,): largest probability of that part.
    """

    where: Ints
    most: Floats
    _of_node: dict[int, list[tuple[int, Floats, Floats]]] = field(default_factory=dict, repr=False)

    def bounded(self, node: int, p: Floats, codes: Codes, rows: Ints) -> Floats:
        """Return the probabilities `p` of the lower part within the bounds, for some rows."""
        if node not in self._of_node:
            self._of_node[node] = self._bounds(node)
        lower, upper = np.ones(len(rows)), np.ones(len(rows))
        for predictor, low, high in self._of_node[node]:
            code = np.minimum(codes[predictor][rows], len(low) - 1)
            lower, upper = np.minimum(lower, low[code]), np.minimum(upper, high[code])
        agree = lower + upper >= 1
        return np.where(agree, np.clip(p, 1 - upper, lower), p)

    def _bounds(self, node: int) -> list[tuple[int, Floats, Floats]]:
        """Of each predictor: the largest probability of the lower and upper part, by code."""
        start, end = np.searchsorted(self.where[:, 0], (node, node + 1))
        where, most, found = self.where[start:end], self.most[start:end], []
        for predictor in np.unique(where[:, 1]):
            mine = where[:, 1] == predictor
            both = np.ones((2, int(where[mine, 2].max()) + 2))
            both[1 - where[mine, 3], where[mine, 2]] = most[mine]
            found.append((int(predictor), both[0], both[1]))
        return found

    @classmethod
    def count(
        cls,
        codes: Codes,
        predictors: Sequence[int],
        sizes: Sequence[int],
        nodes: Sequence[Any],
        as_one: int = 1,
    ) -> Unseen:
        """Count what the rows of `nodes` never answered; a node has `rows` and `lower`.

        So many rows count `as_one`: a unit has no more.
        """
        where, most = [np.zeros((0, 4), np.int64)], [np.zeros(0)]
        for place, node in enumerate(nodes):
            total, low = len(node.rows), int(node.lower.sum())
            if min(low, total - low) < _EXPECTED * as_one:
                continue
            for i in predictors:
                x = codes[i][node.rows]
                count = np.bincount(x, minlength=sizes[i])
                seen = np.bincount(x[node.lower], minlength=sizes[i])
                n, parts = count / as_one, ((1, seen, low), (0, count - seen, total - low))
                for part, hit, others in parts:
                    never = np.flatnonzero((hit == 0) & (n * others >= _EXPECTED * total))
                    fixed = np.tile([place, i, 0, part], (len(never), 1))
                    fixed[:, 2] = never
                    where.append(fixed)
                    most.append(0.5 / (n[never] + 1))
        return cls(np.concatenate(where).astype(np.int64), np.concatenate(most))

    def to_state(self) -> dict[str, Any]:
        """Return both arrays."""
        return {"where": self.where, "most": self.most}

    def is_sound(self, nodes: int, predictors: Sequence[int], sizes: Sequence[int]) -> bool:
        """Whether the parts fit together, which may come from a file."""
        k = len(self.most)
        if self.where.dtype.kind != "i" or self.most.dtype.kind != "f":
            return False
        if self.where.shape != (k, 4) or self.most.shape != (k,):
            return False
        node, predictor, code, part = self.where.T
        return (
            bool((np.diff(node) >= 0).all() and ((node >= 0) & (node < nodes)).all())
            and bool(np.isin(predictor, predictors).all())
            and bool(((code >= 0) & (code < np.asarray([*sizes, 0])[predictor])).all())
            and bool(np.isin(part, (0, 1)).all() and ((self.most > 0) & (self.most < 1)).all())
        )
