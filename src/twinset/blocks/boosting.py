"""Boosted conditionals: class probabilities by gradient boosting (LightGBM), as data.

The model is kept as LightGBM's own text. A text that came from a file is never handed to LightGBM:
its numbers are read, must be those of trees over the known features, and are written anew.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import lightgbm

__all__ = ["Boosted", "fit_boosted"]

Floats = npt.NDArray[np.float64]
_CHECKED = 0.08
_MOST_TEXT = 100_000_000
_DECISIONS = (0, 2, 4, 6, 8, 10)  # not categorical; default left or right; kind of missing value


@dataclass(frozen=True, eq=False)
class Boosted:
    """Probabilities of `classes` classes from `features` features."""

    text: str = field(repr=False)
    classes: int
    features: int

    @cached_property
    def _booster(self) -> lightgbm.Booster:
        import lightgbm

        return lightgbm.Booster(model_str=self.text)

    def probabilities(self, X: Floats) -> Floats:
        """Shape (rows, classes)."""
        raw = np.asarray(self._booster.predict(X, num_threads=1))
        return np.column_stack([1 - raw, raw]) if self.classes == 2 else raw

    def to_state(self) -> dict[str, Any]:
        """The text as bytes, and JSON values."""
        text = _rewritten(self.text, self.classes, self.features)
        return {
            "text": np.frombuffer(text.encode(), dtype=np.uint8),
            "classes": self.classes,
            "features": self.features,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], features: int) -> Boosted:
        """Inverse of `to_state`; ValueError or KeyError if the text is not a sound model."""
        classes, text = int(state["classes"]), bytes(state["text"]).decode()
        if int(state["features"]) != features:
            raise ValueError("a model of other features")
        return cls(_rewritten(text, classes, features), classes, features)


def fit_boosted(
    X: Floats,
    y: npt.NDArray[np.int64],
    classes: int,
    *,
    rng: np.random.Generator,
    rounds: int,
    rate: float,
    leaves: int,
    patience: int,
    l2: float,
    hessian: float,
    least: int = 20,
) -> Boosted:
    """Fit class probabilities; boosting stops when held-out rows stop gaining.

    Parameters
    ----------
    X, y
        Shape (rows, features) and (rows,): predictors and class numbers below `classes`.
    rounds, rate, leaves
        Most rounds, learning rate, leaves a tree.
    patience
        Rounds without gain on 8% of the rows after which it stops.
    l2, hessian, least
        Regularisation of leaf values, least sum of second derivatives and least rows in a leaf.
    """
    import lightgbm

    params = {
        "objective": "binary" if classes == 2 else "multiclass",
        **({} if classes == 2 else {"num_class": classes}),
        "num_leaves": leaves,
        "learning_rate": rate,
        "lambda_l2": l2,
        "min_sum_hessian_in_leaf": hessian,
        "min_data_in_leaf": least,
        "seed": int(rng.integers(2**31 - 1)),
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }
    checked = rng.random(len(y)) < _CHECKED
    checked[:2] = False, True
    data = lightgbm.Dataset(X[~checked], y[~checked], params=params)
    valid = lightgbm.Dataset(X[checked], y[checked], reference=data, params=params)
    stop = lightgbm.early_stopping(patience, verbose=False)
    booster = lightgbm.train(params, data, rounds, valid_sets=[valid], callbacks=[stop])
    text = booster.model_to_string(num_iteration=booster.best_iteration)
    return Boosted(text.partition("\nparameters:")[0] + "\n", classes, X.shape[1])


def _rewritten(text: str, classes: int, features: int) -> str:
    """Return the model of `text` written anew, from its checked numbers alone.

    LightGBM's reader trusts sizes, counts and the objective of a text and can be led out of its
    memory by them, and it splits lines otherwise than Python does. So no line of a text from a file
    reaches it: the trees are read here, held against `classes` and `features`, and written again.
    """
    outputs = 1 if classes == 2 else classes
    parts = text.partition("\nend of trees")[0].split("\nTree=")[1:]
    if classes < 2 or len(text) > _MOST_TEXT or not parts or len(parts) % outputs:
        raise ValueError("not a model of these classes")
    trees = [f"Tree={i}\n{_rewritten_tree(part, features)}\n\n" for i, part in enumerate(parts)]
    head = {
        "version": "v4",
        "num_class": outputs,
        "num_tree_per_iteration": outputs,
        "label_index": 0,
        "max_feature_idx": features - 1,
        "objective": "binary sigmoid:1" if classes == 2 else f"multiclass num_class:{classes}",
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
    if len(values) != leaves:
        raise ValueError("a tree without its leaf values")
    return "".join(f"{key}={value}\n" for key, value in lines.items())


def _floats(text: str) -> list[float]:
    numbers = [float(word) for word in text.split()]
    if not all(map(math.isfinite, numbers)):
        raise ValueError("a number that is not finite")
    return numbers


def _spaced(items: Iterable[object]) -> str:
    return " ".join(map(str, items))
