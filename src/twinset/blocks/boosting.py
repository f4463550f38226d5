"""Boosted probabilities of yes or no (LightGBM), as data.

The model is kept as LightGBM's own text. A text that came from a file is never handed to LightGBM:
its numbers are read, must be those of trees over the known features, and are written anew.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import lightgbm

__all__ = ["Boosted", "Boosting", "fit_boosted"]

Floats = npt.NDArray[np.float64]
_MOST_TEXT = 100_000_000
_MOST_VALUE = 1e100
_LEAST_COLUMNS = 6
_DECISIONS = (0, 2, 4, 6, 8, 10)  # not categorical; default left or right; kind of missing value


@dataclass(frozen=True)
class Boosting:
    """How a model is boosted.

    Attributes
    ----------
    trees, rate, leaves
        Most trees, learning rate, leaves a tree.
    smoothing, leaf
        Regularisation (L2) of leaf values, least rows in a leaf.
    patience
        Trees without gain on the checked rows after which it stops; half as many before a first.
    columns
        Share of the columns that each tree may look at, drawn at random; six at least, for a tree
        that sees one of two columns learns nothing that only both tell.
    """

    trees: int
    rate: float
    leaves: int
    smoothing: float
    leaf: int
    patience: int
    columns: float = 1.0


@dataclass(frozen=True, eq=False)
class Boosted:
    """Models of yes or no over the same `features`, a text each.

    Each has a booster of its own: one booster that is asked for some of its trees keeps in itself
    which, so two threads would disturb each other.
    """

    texts: tuple[str, ...] = field(repr=False)
    features: int
    _boosters: dict[int, lightgbm.Booster] = field(default_factory=dict, repr=False)

    def probability(self, model: int, X: npt.NDArray[np.float32], start: float) -> Floats:
        """Shape (rows,): probability of yes, from the log odds `start` on."""
        import lightgbm

        if model not in self._boosters:
            self._boosters[model] = lightgbm.Booster(model_str=self.texts[model])
        score = self._boosters[model].predict(X, raw_score=True, num_threads=1)
        return np.asarray(1 / (1 + np.exp(-np.asarray(score) - start)))

    @classmethod
    def of(cls, texts: Iterable[str], features: int) -> Boosted:
        """Return the models of `texts`, each written anew."""
        return cls(tuple(_rewritten(text, features) for text in texts), features)

    def to_state(self) -> dict[str, Any]:
        """The texts as bytes, one after the other, and where each ends."""
        parts = [text.encode() for text in self.texts]
        return {
            "text": np.frombuffer(b"".join(parts), dtype=np.uint8),
            "ends": np.cumsum([len(part) for part in parts]).astype(np.int64),
            "features": self.features,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], features: int) -> Boosted:
        """Inverse of `to_state`; ValueError or KeyError if a text is not a sound model."""
        ends, text = np.asarray(state["ends"], np.int64), state["text"].tobytes()
        if int(state["features"]) != features:
            raise ValueError("models of other features")
        if not len(ends) or ends[0] <= 0 or ends[-1] != len(text) or (np.diff(ends) <= 0).any():
            raise ValueError("models without their texts")
        starts = [0, *ends[:-1].tolist()]
        parts = (text[a:b].decode() for a, b in zip(starts, ends.tolist(), strict=True))
        return cls.of(parts, features)


def fit_boosted(
    X: npt.NDArray[np.float32],
    y: npt.NDArray[np.bool_],
    start: Floats,
    checked: npt.NDArray[np.bool_],
    *,
    rng: np.random.Generator,
    boosting: Boosting,
) -> str | None:
    """Fit the probability of yes; boosting stops when the `checked` rows stop gaining.

    None if no tree gains.

    Parameters
    ----------
    X, y, start, checked
        Shape (rows, features), and (rows,) for the others: predictors with the node's place last,
        answers, log odds that the trees add to, and which rows only check.
    """
    import lightgbm

    columns = max(X.shape[1] - 1, 1)  # the place of a node is none of them
    params = {
        "objective": "binary",
        "num_leaves": boosting.leaves,
        "learning_rate": boosting.rate,
        "lambda_l2": boosting.smoothing,
        "min_sum_hessian_in_leaf": 1.0,
        "min_data_in_leaf": boosting.leaf,
        "feature_fraction": min(1.0, max(boosting.columns, _LEAST_COLUMNS / columns)),
        "seed": int(rng.integers(2**31 - 1)),
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "feature_pre_filter": False,
        "enable_bundle": False,
        "metric": "binary_logloss",
        "verbose": -1,
    }
    label, learn = y.astype(np.float32), ~checked
    data = lightgbm.Dataset(X[learn], label[learn], init_score=start[learn], params=params)
    valid = lightgbm.Dataset(
        X[checked], label[checked], data, init_score=start[checked], params=params
    )
    booster = lightgbm.Booster(params, data)
    booster.add_valid(valid, "checked")
    odds = np.where(y[checked], -start[checked], start[checked])
    best, at, without = float(np.logaddexp(0, odds).mean()), 0, 0
    for _ in range(boosting.trees):
        ended = booster.update()
        loss, without = booster.eval_valid()[0][2], without + 1
        if loss < best:
            best, at, without = loss, booster.num_trees(), 0
        waits = boosting.patience if at else boosting.patience // 2
        if without >= waits or (ended and params["feature_fraction"] == 1):
            break  # of some columns none may split, and the next ones do
    return str(booster.model_to_string(num_iteration=at)) if at else None


def _rewritten(text: str, features: int) -> str:
    """Return the trees of `text` as a model written anew, from its checked numbers alone.

    LightGBM's reader trusts sizes, counts and the objective of a text and can be led out of its
    memory by them, and it splits lines otherwise than Python does. So no line of a text from a file
    reaches it: the trees are read here, held against `features`, and written again.
    """
    parts = text.partition("\nend of trees")[0].split("\nTree=")[1:]
    if len(text) > _MOST_TEXT or not parts:
        raise ValueError("not a model")
    trees = [f"Tree={i}\n{_rewritten_tree(part, features)}\n\n" for i, part in enumerate(parts)]
    head = {
        "version": "v4",
        "num_class": 1,
        "num_tree_per_iteration": 1,
        "label_index": 0,
        "max_feature_idx": features - 1,
        "objective": "binary sigmoid:1",
        "feature_names": _spaced(f"Column_{i}" for i in range(features)),
        "feature_infos": _spaced(["none"] * features),
        "tree_sizes": _spaced(map(len, trees)),
    }
    lines = [f"{key}={value}" for key, value in head.items()]
    return "\n".join(["tree", *lines, "", "".join(trees) + "end of trees", ""])


def _rewritten_tree(text: str, features: int) -> str:
    """Lines of one tree; ValueError if it points outside itself or to unknown features."""
    facts = dict(line.partition("=")[::2] for line in text.split("\n"))
    leaves = int(facts["num_leaves"])
    if facts["num_cat"] != "0" or facts.get("is_linear", "0") != "0":
        raise ValueError("a tree of unknown kind")
    values = _floats(facts["leaf_value"])
    if any(abs(value) > _MOST_VALUE for value in values):
        raise ValueError("a leaf whose sums overflow")
    lines = {"num_leaves": leaves, "num_cat": 0, "leaf_value": _spaced(map(repr, values))}
    if leaves > 1:
        threshold = _floats(facts["threshold"])
        feature, decision, left, right = (
            [int(word) for word in facts[key].split()]
            for key in ("split_feature", "decision_type", "left_child", "right_child")
        )
        inner = len(threshold)
        pointed = sorted([*left, *right])  # each leaf and each inner node but the root, once
        sound = (
            leaves == inner + 1
            and len(feature) == len(decision) == len(left) == len(right) == inner
            and all(0 <= f < features for f in feature)
            and all(d in _DECISIONS for d in decision)
            and pointed == [*range(-leaves, 0), *range(1, inner)]
        )
        if not sound:
            raise ValueError("a tree that points outside itself")
        lines |= {
            "split_feature": _spaced(feature),
            "threshold": _spaced(map(repr, threshold)),
            "decision_type": _spaced(decision),
            "left_child": _spaced(left),
            "right_child": _spaced(right),
        }
    if leaves < 1 or len(values) != leaves:
        raise ValueError("a tree without its leaf values")
    return "".join(f"{key}={value}\n" for key, value in lines.items())


def _floats(text: str) -> list[float]:
    numbers = [float(word) for word in text.split()]
    if not all(map(math.isfinite, numbers)):
        raise ValueError("a number that is not finite")
    return numbers


def _spaced(items: Iterable[object]) -> str:
    return " ".join(map(str, items))
