"""One step of a sequential model: the codes of a column given the codes of columns before it.

``p(code | x) = p(group | x) p(code | leaf(x), group)``: codes fall into at most `groups` groups of
about equal mass (single categories where there are few), whose probabilities are boosted; inside a
group a tree, shrunk by its own likelihood, tells codes apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinset.blocks.boosting import Boosted, fit_boosted
from twinset.blocks.trees import Tree, fit_tree
from twinset.protocols import State

__all__ = ["Conditional", "Settings", "fit_conditional"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Codes = Mapping[int, npt.NDArray[np.int32]]


@dataclass(frozen=True)
class Settings:
    """How a step is fitted; see `twinset.generators.cart.Cart`."""

    method: str
    trees: int
    leaf: int
    smoothing: float | None
    groups: int
    rounds: int
    rate: float
    leaves: int
    patience: int
    l2: float
    hessian: float
    structure_rows: int
    boosted_rows: int


@dataclass(frozen=True, eq=False)
class Conditional:
    """A fitted step.

    Attributes
    ----------
    predictors
        Numbers of the columns that it looks at.
    recodes
        For a predictor that is a category: new codes, ordered by what they say of the target.
    order
        Shape (codes,): codes of the target, group after group.
    starts
        Shape (groups + 1,): where each group starts in `order`.
    boosted, trees
        Group probabilities; None with one group. Trees may be absent if groups are single codes.
    """

    predictors: tuple[int, ...]
    recodes: Mapping[int, npt.NDArray[np.int32]]
    order: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]
    boosted: Boosted | None
    trees: tuple[Tree, ...]
    share: Floats

    def draw(self, codes: Codes, n: int, rng: np.random.Generator) -> npt.NDArray[np.int32]:
        """Draw a code for each of `n` rows whose predictors have `codes`."""
        X = self._features(codes, n)
        group = self._draw_groups(X, n, rng)
        low, high = self.starts[group], self.starts[group + 1]
        if self.trees:
            found = np.empty(n, dtype=np.int64)
            which, u = rng.integers(len(self.trees), size=n), rng.random(n)
            X32 = _with_group(X, group)
            for t, tree in enumerate(self.trees):
                at = np.flatnonzero(which == t)
                found[at] = tree.draw(tree.leaves(X32[at]), low[at], high[at], u[at])
        else:
            found = self._draw_inside(group, low, rng)
        return self.order[found]

    def log_probability(
        self, codes: Codes, wanted: npt.NDArray[np.int32]
    ) -> npt.NDArray[np.float64]:
        """Log probability of the codes `wanted`, one a row."""
        n = len(wanted)
        X = self._features(codes, n)
        place = np.argsort(self.order)[wanted]
        group = np.searchsorted(self.starts, place, side="right") - 1
        low, high = self.starts[group], self.starts[group + 1]
        p = self._probabilities(X, n)[np.arange(n), group]
        if self.trees:
            X32 = _with_group(X, group)
            inside = np.mean(
                [t.probability(t.leaves(X32), low, high, place) for t in self.trees], axis=0
            )
        else:
            share = self.share[self.order]
            whole = np.add.reduceat(share, self.starts[:-1])
            inside = share[place] / whole[group]
        return np.asarray(np.log(np.maximum(p * inside, 1e-300)))

    def _features(self, codes: Codes, n: int) -> Floats:
        if not self.predictors:
            return np.zeros((n, 1))
        return _matrix(self.predictors, self.recodes, codes)

    def _probabilities(self, X: Floats, n: int) -> Floats:
        if self.boosted is not None:
            return self.boosted.probabilities(X)
        share = np.add.reduceat(self.share[self.order], self.starts[:-1])
        return np.broadcast_to(share, (n, len(share)))

    def _draw_groups(self, X: Floats, n: int, rng: np.random.Generator) -> Ints:
        last = len(self.starts) - 2
        if last == 0:
            return np.zeros(n, dtype=np.int64)
        u = rng.random(n)
        cumulative = np.cumsum(self._probabilities(X, n), axis=1)
        drawn: Ints = (cumulative < (u * cumulative[:, -1])[:, None]).sum(axis=1)
        return np.minimum(drawn, last)

    def _draw_inside(self, group: Ints, low: Ints, rng: np.random.Generator) -> Ints:
        """Without trees: by the marginal shares inside the group."""
        if len(self.starts) - 1 == len(self.order):
            return low
        cumulative = np.r_[0.0, np.cumsum(self.share[self.order])]
        below, above = cumulative[low], cumulative[self.starts[group + 1]]
        wanted = below + (above - below) * rng.random(len(group))
        found = np.searchsorted(cumulative, wanted, side="right") - 1
        inside: Ints = np.clip(found, low, self.starts[group + 1] - 1)
        return inside

    def to_state(self) -> State:
        """Arrays and JSON values."""
        return {
            "predictors": list(self.predictors),
            "recodes": {str(i): r for i, r in self.recodes.items()},
            "order": self.order,
            "starts": self.starts,
            "boosted": None if self.boosted is None else self.boosted.to_state(),
            "trees": [t.to_state() for t in self.trees],
            "share": self.share,
        }

    @classmethod
    def from_state(cls, state: Any, sizes: list[int]) -> Conditional:
        """Inverse of `to_state`; ValueError if the parts do not fit together."""
        predictors = tuple(int(i) for i in state["predictors"])
        recodes = {int(i): r for i, r in state["recodes"].items()}
        features = max(len(predictors), 1)
        boosted = state["boosted"] and Boosted.from_state(state["boosted"], features)
        trees = tuple(Tree.from_state(t, features + 1) for t in state["trees"])
        step = cls(
            predictors, recodes, state["order"], state["starts"], boosted, trees, state["share"]
        )
        size = len(step.order)
        sound = (
            np.array_equal(np.sort(step.order), np.arange(size))
            and all(len(recodes[i]) == sizes[i] for i in recodes)
            and step.starts[0] == 0
            and step.starts[-1] == size
            and bool((np.diff(step.starts) > 0).all())
            and (boosted is None or boosted.classes == len(step.starts) - 1)
            and all(t.cumulative.shape[1] == size + 1 for t in trees)
            and len(step.share) == size
        )
        if not sound:
            raise ValueError("a step whose parts do not fit together")
        return step


def fit_conditional(
    codes: Codes,
    predictors: tuple[int, ...],
    categorical: set[int],
    target: int,
    sizes: list[int],
    *,
    ordered: bool,
    rng: np.random.Generator,
    settings: Settings,
) -> Conditional:
    """Fit one step.

    Parameters
    ----------
    codes
        Shape (rows,) for each column number.
    predictors, target
        Column numbers.
    categorical
        Columns whose codes have no order.
    sizes
        Number of codes of each column.
    ordered
        Whether the target's codes are ordered.
    """
    y, size = codes[target].astype(np.int64), sizes[target]
    count = np.bincount(y, minlength=size)
    share = (count + 1e-9) / (count + 1e-9).sum()
    if not predictors or settings.method == "marginal" or (count > 0).sum() < 2:
        return _marginal(share, size)
    of_code = _groups(count, ordered=ordered, most=settings.groups)
    if settings.method == "tree":
        of_code = np.zeros(size, dtype=np.int64)
    number = int(of_code.max()) + 1
    order = np.argsort(of_code, kind="stable").astype(np.int32)
    starts = np.searchsorted(of_code[order], np.arange(number + 1)).astype(np.int64)
    group = of_code[y]
    base = np.bincount(group, minlength=number) / len(y)
    known = {i: codes[i] for i in predictors}
    recodes = {
        i: _by_meaning(known[i], sizes[i], group, base)
        for i in predictors
        if i in categorical and sizes[i] > 2
    }
    X = _matrix(predictors, recodes, known)
    boosted = _boost(X, group, number, rng, settings) if number > 1 else None
    trees: tuple[Tree, ...] = ()
    if (np.diff(starts) > 1).any():
        place = np.argsort(order)[y]
        X32 = _with_group(X, group)
        trees = tuple(
            fit_tree(
                X32,
                place,
                starts,
                ordered=ordered,
                rng=rng,
                leaf=settings.leaf,
                smoothing=settings.smoothing,
                most_rows=settings.structure_rows,
            )
            for _ in range(settings.trees)
        )
    return Conditional(predictors, recodes, order, starts, boosted, trees, share)


def _marginal(share: Floats, size: int) -> Conditional:
    order = np.arange(size, dtype=np.int32)
    starts = np.arange(size + 1, dtype=np.int64)
    return Conditional((), {}, order, starts, None, (), share)


def _boost(
    X: Floats, group: Ints, number: int, rng: np.random.Generator, settings: Settings
) -> Boosted:
    rows = np.arange(len(group))
    if len(rows) > settings.boosted_rows:
        rows = np.sort(rng.choice(len(rows), size=settings.boosted_rows, replace=False))
    return fit_boosted(
        X[rows],
        group[rows],
        number,
        rng=rng,
        rounds=settings.rounds,
        rate=settings.rate,
        leaves=settings.leaves,
        patience=settings.patience,
        l2=settings.l2,
        hessian=settings.hessian,
    )


def _matrix(
    predictors: tuple[int, ...], recodes: Mapping[int, npt.NDArray[np.int32]], codes: Codes
) -> Floats:
    columns = [recodes[i][codes[i]] if i in recodes else codes[i] for i in predictors]
    return np.column_stack(columns).astype(np.float64)


def _with_group(X: Floats, group: Ints) -> npt.NDArray[np.float32]:
    return np.column_stack([X, group]).astype(np.float32)


def _groups(count: Ints, *, ordered: bool, most: int) -> Ints:
    """Group of each code: frequent ones alone; neighbours together if ordered, else the rest."""
    size = len(count)
    if not ordered:
        if size <= most:
            return np.arange(size)
        by_count = np.argsort(-count, kind="stable")
        of_code = np.empty(size, dtype=np.int64)
        of_code[by_count] = np.minimum(np.arange(size), most - 1)
        return of_code
    of_code = np.zeros(size, dtype=np.int64)
    mass, current, total = 0.0, 0, count.sum() / most
    for i in range(size):
        if i and (mass + count[i] / 2 > total or count[i] >= total):
            current, mass = current + 1, 0.0
        of_code[i] = current
        mass += count[i]
    return of_code


def _by_meaning(
    x: npt.NDArray[np.int32], size: int, group: Ints, base: Floats
) -> npt.NDArray[np.int32]:
    """New codes of a category, ordered by the first principal axis of its profiles over groups."""
    number = len(base)
    profile = np.bincount(x * number + group, minlength=size * number).reshape(size, number)
    n = profile.sum(axis=1)
    scaled = ((profile + 5 * base) / (n + 5)[:, None] - base) / np.sqrt(base + 1e-9)
    if number == 2:
        score = scaled[:, 1]
    else:
        weighted = scaled * np.sqrt(n)[:, None]
        _, axes = np.linalg.eigh(weighted.T @ weighted)
        axis = axes[:, -1]
        score = scaled @ (axis * np.sign(axis[np.argmax(np.abs(axis))]))
    rank = np.argsort(np.argsort(np.round(score, 9), kind="stable"), kind="stable")
    return rank.astype(np.int32)
