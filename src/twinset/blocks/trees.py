"""Conditional trees: structure from half of the rows, leaf contents from all, shrunk to parents.

A leaf's distribution over the codes of the target column is
``p(leaf) = (counts + a p(parent)) / (n + a)``, from the root down; `a` is chosen by the
leave-one-out likelihood, so a column that depends on nothing ends near its marginal. Shrinkage on
paths: Agarwal, Tan, Ronen, Singh, Yu (2022), "Hierarchical Shrinkage", ICML, eq. 2, here for
distributions. Splits are found on random projections of the coded target: Joly, Geurts, Wehenkel
(2014), ECML. A tree works inside groups of codes that are drawn before it (see
`twinset.blocks.conditional`): it sees the group as one more predictor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinset.protocols import State

__all__ = ["Tree", "fit_tree"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_STRENGTHS = (5.0, 20.0, 50.0, 100.0, 200.0, 500.0, 2000.0, 1e6)
_PROJECTIONS = 2
_RANK = 3.4
_ALSO = 0.3
_MOST_CELLS = 4_000_000
_LIKELIHOOD_ROWS = 30_000


@dataclass(frozen=True, eq=False)
class Tree:
    """A fitted tree.

    Attributes
    ----------
    feature, threshold, left, right
        Shape (nodes,): rows with ``x[feature] <= threshold`` go left; `left` is -1 in a leaf.
        Children stand after their parent.
    row
        Shape (nodes,): row of a leaf in `cumulative`, -1 inside.
    cumulative
        Shape (leaves, codes + 1): cumulated probabilities from 0 to 1.
    """

    feature: npt.NDArray[np.int32]
    threshold: npt.NDArray[np.float32]
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    row: npt.NDArray[np.int32]
    cumulative: npt.NDArray[np.float32]

    def leaves(self, X: npt.NDArray[np.float32]) -> Ints:
        """Shape (rows,): the leaf of each row, as a row of `cumulative`."""
        node = np.zeros(len(X), dtype=np.int64)
        moving = np.flatnonzero(self.left[node] >= 0)
        while len(moving):
            at = node[moving]
            goes_left = X[moving, self.feature[at]] <= self.threshold[at]
            node[moving] = np.where(goes_left, self.left[at], self.right[at])
            moving = moving[self.left[node[moving]] >= 0]
        return np.asarray(self.row[node], dtype=np.int64)

    def draw(self, leaves: Ints, low: Ints, high: Ints, u: Floats) -> Ints:
        """Draw a code in ``[low, high)`` for each row by inverse transform of `u`."""
        below, above = self.cumulative[leaves, low], self.cumulative[leaves, high]
        wanted = below + (above - below) * u
        width = self.cumulative.shape[1]
        keys = self.cumulative.astype(np.float64) + 2.0 * np.arange(len(self.cumulative))[:, None]
        found = np.searchsorted(keys.ravel(), wanted + 2.0 * leaves, side="right") - 1
        codes: Ints = np.clip(found - leaves * width, low, high - 1)
        return codes

    def probability(self, leaves: Ints, low: Ints, high: Ints, code: Ints) -> Floats:
        """Probability of `code` among the codes in ``[low, high)``."""
        part = self.cumulative[leaves, code + 1] - self.cumulative[leaves, code]
        whole = self.cumulative[leaves, high] - self.cumulative[leaves, low]
        share: Floats = np.maximum(part, 1e-12).astype(np.float64) / np.maximum(whole, 1e-12)
        return share

    def to_state(self) -> State:
        """Arrays."""
        return dict(self.__dict__)

    @classmethod
    def from_state(cls, state: State, features: int) -> Tree:
        """Inverse of `to_state`; ValueError if the arrays are not those of a tree."""
        tree = cls(**state)  # type: ignore[arg-type]
        n = len(tree.left)
        inner = np.flatnonzero(tree.left >= 0)
        children = np.concatenate([tree.left[inner], tree.right[inner]])
        after = (tree.left[inner] > inner) & (tree.right[inner] > inner)
        rows = tree.row[tree.left < 0]
        sound = (
            n > 0
            and len(tree.feature) == len(tree.threshold) == len(tree.right) == len(tree.row) == n
            and bool(after.all())
            and bool((children < n).all())
            and bool(((tree.feature[inner] >= 0) & (tree.feature[inner] < features)).all())
            and bool(((rows >= 0) & (rows < len(tree.cumulative))).all())
        )
        if not sound:
            raise ValueError("not a tree")
        return tree


def fit_tree(
    X: npt.NDArray[np.float32],
    y: Ints,
    starts: Ints,
    *,
    ordered: bool,
    rng: np.random.Generator,
    leaf: int = 10,
    smoothing: float | None = None,
    most_rows: int = 50_000,
) -> Tree:
    """Fit one tree for the codes `y`.

    Parameters
    ----------
    X, y
        Shape (rows, features) and (rows,): predictors, the group among them, and target codes.
    starts
        Shape (groups + 1,): where each group of codes starts.
    ordered
        Whether neighbouring codes are similar.
    leaf
        Least rows of a leaf, among those that make the structure.
    smoothing
        Strength of the shrinkage to the parent; None lets the likelihood choose.
    most_rows
        Rows that make the structure at most; all rows fill the leaves.
    """
    from sklearn.tree import DecisionTreeRegressor

    size = int(starts[-1])
    order = rng.permutation(len(y))
    half = min(max(len(y) // 2, 1), most_rows)
    grow, fill = order[:half], order
    grower = DecisionTreeRegressor(
        min_samples_leaf=leaf,
        max_leaf_nodes=max(2, _MOST_CELLS // (size + 1)) if size > 400 else None,
        random_state=int(rng.integers(2**31 - 1)),
    )
    grower.fit(X[grow], _inside(y[grow], starts, size, ordered, rng))
    grown = grower.tree_
    order_nodes, left, right = _top_down(grown.children_left, grown.children_right)
    feature, threshold = grown.feature[order_nodes], grown.threshold[order_nodes]
    place = np.empty(len(order_nodes), dtype=np.int64)
    place[order_nodes] = np.arange(len(order_nodes))
    nodes = place[grower.apply(X[fill])]
    shares = _shrunk(left, right, nodes, y[fill], size, smoothing)
    is_leaf = left < 0
    row = np.where(is_leaf, np.cumsum(is_leaf) - 1, -1)
    cumulative = np.zeros((int(is_leaf.sum()), size + 1), dtype=np.float64)
    np.cumsum(shares[is_leaf], axis=1, out=cumulative[:, 1:])
    cumulative /= cumulative[:, -1:]
    return Tree(
        np.maximum(feature, 0).astype(np.int32),
        threshold.astype(np.float32),
        left.astype(np.int32),
        right.astype(np.int32),
        row.astype(np.int32),
        cumulative.astype(np.float32),
    )


def _inside(y: Ints, starts: Ints, size: int, ordered: bool, rng: np.random.Generator) -> Floats:
    """Few columns that stand for the place of the codes `y` inside their groups.

    Random projections of the codes, less their mean in the group, and the rank in the group if
    codes are ordered: what the group tells already is no longer in them.
    """
    count = np.bincount(y, minlength=size).astype(float)
    group = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    mass = np.maximum(np.bincount(group, count), 1.0)
    projections = rng.standard_normal((size, _PROJECTIONS))
    means = np.stack(
        [np.bincount(group, projections[:, p] * count) / mass for p in range(_PROJECTIONS)], axis=1
    )
    projections = projections - means[group]
    if not ordered:
        return np.asarray(projections[y])
    before = np.r_[0.0, np.cumsum(count)]
    rank = ((before[:-1] + before[1:]) / 2 - before[starts[:-1]][group]) / mass[group] - 0.5
    return np.column_stack([_RANK * rank, _ALSO * projections])[y]


def _top_down(children_left: Ints, children_right: Ints) -> tuple[npt.NDArray[np.intp], Ints, Ints]:
    """Renumber nodes so that each level follows the one above."""
    order: list[npt.NDArray[np.intp]] = []
    level = np.zeros(1, dtype=np.intp)
    while len(level):
        order.append(level)
        inner = level[children_left[level] >= 0]
        level = np.column_stack([children_left[inner], children_right[inner]]).ravel()
    nodes = np.concatenate(order)
    place = np.empty(len(nodes), dtype=np.int64)
    place[nodes] = np.arange(len(nodes))
    is_inner = children_left[nodes] >= 0
    left = np.where(is_inner, place[np.maximum(children_left[nodes], 0)], -1)
    right = np.where(is_inner, place[np.maximum(children_right[nodes], 0)], -1)
    return nodes, left, right


def _shrunk(
    left: Ints, right: Ints, nodes: Ints, y: Ints, size: int, smoothing: float | None
) -> Floats:
    """Shape (nodes, codes): distributions shrunk along the path from the root."""
    n = len(left)
    inner = np.flatnonzero(left >= 0)
    parent = np.full(n, -1)
    parent[left[inner]] = parent[right[inner]] = inner
    depth = np.zeros(n, dtype=np.int64)
    for i in inner:
        depth[left[i]] = depth[right[i]] = depth[i] + 1
    levels = [np.flatnonzero(depth == d) for d in range(int(depth.max()) + 1)]
    counts = np.bincount(nodes * size + y, minlength=n * size).reshape(n, size).astype(float)
    for level in levels[:0:-1]:
        np.add.at(counts, parent[level], counts[level])
    total = counts.sum(axis=1)
    strength = smoothing
    if strength is None:
        strength = _strength(counts, total, parent, depth, nodes, y)
    shares = counts
    shares[0] = (counts[0] + 0.5) / (total[0] + 0.5 * size)
    for level in levels[1:]:
        above = shares[parent[level]]
        shares[level] = (counts[level] + strength * above) / (total[level] + strength)[:, None]
    return shares


def _strength(
    counts: Floats, total: Floats, parent: Ints, depth: Ints, nodes: Ints, y: Ints
) -> float:
    """Shrinkage with the best leave-one-out likelihood of the rows that fill the leaves."""
    nodes, y = nodes[:_LIKELIHOOD_ROWS], y[:_LIKELIHOOD_ROWS]
    deepest = int(depth.max())
    path = np.empty((len(counts), deepest + 1), dtype=np.int64)
    for d in range(deepest + 1):
        at = np.flatnonzero(depth == d)
        if d:
            path[at, :d] = path[parent[at], :d]
        path[at, d:] = at[:, None]
    path = path[nodes]
    mine, n = counts[path, y[:, None]], total[path]
    live = depth[nodes][:, None] >= np.arange(deepest + 1)
    best, chosen = -np.inf, _STRENGTHS[0]
    for strength in _STRENGTHS:
        q = np.maximum(mine[:, 0] - 0.5, 0.5) / (total[0] + 0.5 * counts.shape[1])
        for d in range(1, deepest + 1):
            below = (mine[:, d] - 1 + strength * q) / (n[:, d] - 1 + strength)
            q = np.where(live[:, d], below, q)
        fit = float(np.log(q).mean())
        if fit > best:
            best, chosen = fit, strength
    return chosen
