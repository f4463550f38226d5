"""Which of many classes, by nested dichotomies: halves, then halves of halves, each boosted.

A class is reached by answers of yes or no (Frank and Kramer 2004, ICML, "Ensembles of nested
dichotomies"): a node splits its classes in two of about equal mass, neighbours together, and a
boosted model of the rows that reach it says which. A draw asks as many models as the logarithm of
the classes, where a model of all classes at once asks for each.

At each node the levels of a category are numbered anew by what they say there: for an answer of yes
or no that order loses nothing (Breiman et al. 1984, *CART*, theorem 4.5), so a column that is a
function of another is learned as one. Where a level of the halving has many nodes, they share one
model, which sees the node's place as one more column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from twinset.blocks.boosting import Boosted, Boosting, fit_boosted
from twinset.blocks.zero_count import Unseen
from twinset.protocols import State
from twinset.stats.units import Units, folds, rows_of_unit

__all__ = ["Dichotomies", "fit_dichotomies"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Codes = Mapping[int, npt.NDArray[np.int32]]

_PARTS = 12
_PRIOR = 5.0
_FEW = 5
_ALONE = 32
_MOST_LEVELS = 1_000
_REPEATED = 4
_MOST_NODES = 10_000


@dataclass(frozen=True, eq=False)
class Dichotomies:
    """Probabilities of classes ``0 .. classes - 1`` given the codes of other columns.

    Attributes
    ----------
    predictors
        Numbers of the columns that it looks at.
    bounds
        Shape (nodes, 3): a node tells classes ``low <= c < middle`` from ``middle <= c < high``.
        The first node holds all classes; parts of two or more classes are nodes themselves.
    share, model, place
        Shape (nodes,): share of the lower part, from which a model starts; the number of the model,
        -1 where there is none; and the node's place among those that share the model.
    recodes
        For a predictor that is a category: shape (models, codes) or (1, codes), its new codes.
    unseen
        Bounds where an answer was never given; None in old files.
    """

    predictors: tuple[int, ...]
    bounds: Ints
    share: Floats
    model: Ints
    place: Ints
    recodes: Mapping[int, npt.NDArray[np.int32]]
    boosted: Boosted | None
    unseen: Unseen | None = None

    def draw(self, codes: Codes, n: int, rng: np.random.Generator) -> Ints:
        """Draw a class for each of `n` rows whose predictors have `codes`."""
        return self._drawn(self._asker(codes, n), n, rng)

    def draw_within(
        self, codes: Codes, n: int, part: Floats, group: Ints, rng: np.random.Generator
    ) -> tuple[Ints, Floats]:
        """Draw classes that are allowed, and say how probable these are together in each row.

        Parameters
        ----------
        part
            Shape (groups, classes): the allowed part of each class, 0 to 1.
        group
            Shape (rows,): which row of `part` holds for a row.
        """
        lower_of = self._asker(codes, n)
        mass, down = _halved(self.bounds, part, group, lower_of)

        def allowed(node: int, rows: Ints) -> Floats:
            return down[node][rows] if node in down else lower_of(node, rows)

        return self._drawn(allowed, n, rng), mass

    def _drawn(
        self, lower_of: Callable[[int, Ints], Floats], n: int, rng: np.random.Generator
    ) -> Ints:
        """Go down from the first node: `lower_of` gives the chance of a node's lower part."""
        u = rng.random(n)
        found = np.zeros(n, dtype=np.int64)
        rows_of = {0: np.arange(n)}
        for node, low_child, high_child in self._walk():
            rows = rows_of.pop(node)
            if not len(rows):
                rows_of |= {child: rows for child in (low_child, high_child) if child > 0}
                continue
            p, v = lower_of(node, rows), u[rows]
            lower = v < p
            u[rows] = np.where(lower, v / np.maximum(p, 1e-12), (v - p) / np.maximum(1 - p, 1e-12))
            for child, part in ((low_child, rows[lower]), (high_child, rows[~lower])):
                if child > 0:
                    rows_of[child] = part
                else:
                    found[part] = -child
        return found

    def log_probability(self, codes: Codes, wanted: Ints) -> Floats:
        """Log probability of the classes `wanted`, one a row."""
        lower_of, total = self._asker(codes, len(wanted)), np.zeros(len(wanted))
        for node, (low, middle, high) in enumerate(self.bounds):
            rows = np.flatnonzero((wanted >= low) & (wanted < high))
            if len(rows):
                p = lower_of(node, rows)
                p = np.where(wanted[rows] < middle, p, 1 - p)
                total[rows] += np.log(np.maximum(p, 1e-300))
        return total

    def _asker(self, codes: Codes, n: int) -> Callable[[int, Ints], Floats]:
        """Return what gives the probability of a node's lower part for some of `n` rows.

        Where the predictors have few combinations, each is asked once.
        """
        key, combinations = np.zeros(n, dtype=np.int64), 1
        for i in self.predictors:
            size = int(codes[i].max()) + 2 if n else 1
            combinations *= size
            if combinations * _REPEATED > n:
                X = self._features(codes, n)
                return lambda node, rows: self._lower(node, X, codes, rows)
            key = key * size + codes[i] + 1  # -1 is null where none was learned
        _, first, back = np.unique(key, return_index=True, return_inverse=True)
        few = {i: codes[i][first] for i in self.predictors}
        X, every = self._features(few, len(first)), np.arange(len(first))
        return lambda node, rows: self._lower(node, X, few, every)[back[rows]]

    def _walk(self) -> Iterator[tuple[int, int, int]]:
        """Nodes with their two children: a node above 0, or minus the class."""
        place = {(int(low), int(high)): i for i, (low, _, high) in enumerate(self.bounds)}
        for i, (low, middle, high) in enumerate(self.bounds):
            yield i, place.get((low, middle), -int(low)), place.get((middle, high), -int(middle))

    def _features(self, codes: Codes, n: int) -> npt.NDArray[np.float32]:
        X = np.zeros((n, len(self.predictors) + 1), dtype=np.float32)
        for place, i in enumerate(self.predictors):
            if i not in self.recodes:
                X[:, place] = codes[i]
        return X

    def _lower(self, node: int, X: npt.NDArray[np.float32], codes: Codes, rows: Ints) -> Floats:
        """Probability of the lower part, for some rows."""
        p = self._learned(node, X, codes, rows)
        return p if self.unseen is None else self.unseen.bounded(node, p, codes, rows)

    def _learned(self, node: int, X: npt.NDArray[np.float32], codes: Codes, rows: Ints) -> Floats:
        model = int(self.model[node])
        if self.boosted is None or model < 0:
            return np.full(len(rows), self.share[node])
        X = X[rows]
        X[:, -1] = self.place[node]
        for i, recode in self.recodes.items():
            of = recode[min(model, len(recode) - 1)]
            X[:, self.predictors.index(i)] = of[codes[i][rows]]
        return self.boosted.probability(model, X, float(_log_odds(self.share[node])))

    def to_state(self) -> State:
        """Arrays and JSON values."""
        return {
            "predictors": list(self.predictors),
            "bounds": self.bounds,
            "share": self.share,
            "model": self.model,
            "place": self.place,
            "recodes": {str(i): r for i, r in self.recodes.items()},
            "boosted": None if self.boosted is None else self.boosted.to_state(),
            "unseen": None if self.unseen is None else self.unseen.to_state(),
        }

    @classmethod
    def from_state(cls, state: Any, sizes: list[int], classes: int) -> Dichotomies:
        """Inverse of `to_state`; ValueError if the parts do not fit together."""
        predictors = tuple(int(i) for i in state["predictors"])
        recodes = {int(i): r for i, r in state["recodes"].items()}
        boosted = state["boosted"] and Boosted.from_state(state["boosted"], len(predictors) + 1)
        bounds, share, model, place = (
            state[name] for name in ("bounds", "share", "model", "place")
        )
        bounded = state.get("unseen")
        unseen = bounded and Unseen(bounded["where"], bounded["most"])
        made = cls(predictors, bounds, share, model, place, recodes, boosted, unseen)
        models = 0 if boosted is None else len(boosted.texts)
        whole = (made.bounds, made.model, made.place, *recodes.values())
        sound = (
            all(part.dtype.kind == "i" for part in whole)
            and made.share.dtype.kind == "f"
            and _is_halving(made.bounds, classes)
            and made.share.shape == made.model.shape == made.place.shape == made.bounds.shape[:1]
            and bool(((made.share > 0) & (made.share < 1)).all())
            and bool(((made.model >= -1) & (made.model < models)).all())
            and len(set(predictors)) == len(predictors)
            and all(0 <= i < len(sizes) for i in predictors)
            and all(i in predictors and r.ndim == 2 for i, r in recodes.items())
            and all(r.shape[1] == sizes[i] for i, r in recodes.items())
            and all(len(r) in (1, models) for r in recodes.values())
            and (unseen is None or unseen.is_sound(len(bounds), predictors, sizes))
        )
        if not sound:
            raise ValueError("dichotomies whose parts do not fit together")
        return made


def fit_dichotomies(
    codes: Codes,
    predictors: tuple[int, ...],
    categorical: set[int],
    sizes: list[int],
    y: Ints,
    share: Floats,
    units: Units = None,
    *,
    rng: np.random.Generator,
    boosting: Boosting,
) -> Dichotomies:
    """Fit the models of all nodes.

    Parameters
    ----------
    codes, y
        Shape (rows,) for each column number, and (rows,): the classes.
    categorical, sizes
        Columns whose codes have no order; number of codes of each column.
    share
        Shape (classes,), two or more: share of each class, of more rows than these if there are
        more; models start from it.
    units
        Shape (rows,), None if each row is its own: where one has up to n rows, n rows count as one.
    """
    n = int(rows_of_unit(units, len(y)).max())
    boosting = replace(boosting, leaf=n * boosting.leaf, smoothing=n * boosting.smoothing)
    again = [i for i in predictors if i in categorical and sizes[i] > 2]
    checked = folds(units, len(y), _PARTS, rng) == 0
    learner = _Learner(codes, predictors, again, sizes, checked, n)
    nodes: list[_Node] = []
    level = [_Node.of(0, len(share), np.arange(len(y)), y, share)]
    while level:
        nodes += level
        worth = [n for n in level if learner.is_worth(n, boosting.leaf)]
        if len(level) <= _ALONE:
            for node in worth:
                learner.learn([node], rng, boosting)
        elif worth:
            learner.learn(worth, rng, replace(boosting, leaves=2 * boosting.leaves))
        level = [
            _Node.of(low, high, node.rows[at], y, share)
            for node in level
            for low, high, at in (
                (node.low, node.middle, node.lower),
                (node.middle, node.high, ~node.lower),
            )
            if high - low > 1
        ]
    texts = learner.texts
    return Dichotomies(
        predictors,
        np.array([(n.low, n.middle, n.high) for n in nodes], dtype=np.int64),
        np.array([n.share for n in nodes]),
        np.array([n.model for n in nodes], dtype=np.int64),
        np.array([n.place for n in nodes], dtype=np.int64),
        {i: np.stack(made) for i, made in learner.recodes.items() if made},
        Boosted.of(texts, len(predictors) + 1) if texts else None,
        Unseen.count(codes, predictors, sizes, nodes, n),
    )


@dataclass
class _Node:
    """A node while it is learned: its rows, and which of them are in the lower part."""

    low: int
    middle: int
    high: int
    rows: Ints
    lower: npt.NDArray[np.bool_]
    share: float
    model: int = -1
    place: int = 0

    @classmethod
    def of(cls, low: int, high: int, rows: Ints, y: Ints, share: Floats) -> _Node:
        """Split the classes where their mass is nearest to a half."""
        mass = np.cumsum(share[low:high])
        middle = low + 1 + int(np.argmin(np.abs(mass[:-1] - mass[-1] / 2)))
        lower = float(np.clip(mass[middle - low - 1] / mass[-1], 1e-9, 1 - 1e-9))
        return cls(low, middle, high, rows, y[rows] < middle, lower)


@dataclass
class _Learner:
    """Fits one model after the other, and keeps the new codes that each was shown."""

    codes: Codes
    predictors: tuple[int, ...]
    again: list[int]
    sizes: list[int]
    checked: npt.NDArray[np.bool_]
    as_one: int
    texts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        columns = [self.codes[i] for i in self.predictors]
        self.X = np.column_stack([*columns, np.zeros(len(self.checked))]).astype(np.float32)
        self.recodes: dict[int, list[npt.NDArray[np.int32]]] = {i: [] for i in self.again}

    def is_worth(self, node: _Node, least: int) -> bool:
        """Whether both answers are given by enough rows, some rows left to check."""
        some = self.checked[node.rows]
        seen = node.lower[~some]
        return bool(some.any()) and min(seen.sum(), (~seen).sum()) >= least

    def learn(self, nodes: list[_Node], rng: np.random.Generator, boosting: Boosting) -> None:
        """Fit one model of what `nodes` tell apart beyond their shares."""
        rows = np.concatenate([n.rows for n in nodes])
        lower = np.concatenate([n.lower for n in nodes])
        some, own = self.checked[rows], self.X[rows]
        seen = [n.lower[~self.checked[n.rows]].mean() for n in nodes]
        sizes = [len(n.rows) for n in nodes]
        own[:, -1] = np.repeat(np.arange(len(nodes)), sizes)
        share = np.repeat(seen, sizes)
        recodes = {}
        for i, made in self.recodes.items():
            x, kept = self.codes[i][rows], self.sizes[i] > _MOST_LEVELS and made
            excess = (lower - share)[~some]
            new = made[0] if kept else _by_excess(x[~some], excess, self.sizes[i], self.as_one)
            recodes[i] = new
            own[:, self.predictors.index(i)] = recodes[i][x]
        text = fit_boosted(own, lower, _log_odds(share), some, rng=rng, boosting=boosting)
        if text is None:
            return
        for place, node in enumerate(nodes):
            node.model, node.place = len(self.texts), place
        self.texts.append(text)
        for i, made in self.recodes.items():
            if not made or self.sizes[i] <= _MOST_LEVELS:
                made.append(recodes[i])


def _log_odds(share: Floats | float) -> Floats:
    return np.asarray(np.log(share) - np.log1p(-np.asarray(share)))


def _by_excess(
    x: npt.NDArray[np.int32], excess: Floats, size: int, as_one: int
) -> npt.NDArray[np.int32]:
    """New codes of a category, ordered by its mean excess of the lower part, shrunk to none.

    What fewer than five units hold (`as_one` rows each) says nothing.
    """
    count = np.bincount(x, minlength=size) / as_one
    mean = np.bincount(x, excess, size) / (as_one * (count + _PRIOR)) * (count >= _FEW)
    rank = np.argsort(np.argsort(np.round(mean, 9), kind="stable"), kind="stable")
    return rank.astype(np.int32)


def _halved(
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


def _is_halving(bounds: Ints, classes: int) -> bool:
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
