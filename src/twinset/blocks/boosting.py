"""Boosted conditionals: class probabilities by gradient boosting (LightGBM), as data.

The model is kept as LightGBM's own text, and checked line by line before LightGBM reads a text that
came from a file: its numbers must be those of trees over the known features.
"""

from __future__ import annotations

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
        """JSON values."""
        return {"text": self.text, "classes": self.classes, "features": self.features}

    @classmethod
    def from_state(cls, state: dict[str, Any], features: int) -> Boosted:
        """Inverse of `to_state`; ValueError if the text is not a sound model."""
        model = cls(str(state["text"]), int(state["classes"]), int(state["features"]))
        if model.features != features:
            raise ValueError("a model of other features")
        _check_text(model)
        return model


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


def _check_text(model: Boosted) -> None:
    """Refuse a text whose trees point outside themselves or to unknown features."""
    head, _, rest = model.text.partition("\nTree=")
    facts = dict(line.partition("=")[::2] for line in head.splitlines())
    outputs = 1 if model.classes == 2 else model.classes
    sound = (
        len(model.text) < _MOST_TEXT
        and facts.get("num_class") == str(outputs)
        and facts.get("num_tree_per_iteration") == str(outputs)
        and facts.get("max_feature_idx") == str(model.features - 1)
    )
    trees = rest.split("\nend of trees")[0].split("\nTree=") if rest else []
    sizes = facts.get("tree_sizes", "").split()
    if not sound or len(trees) % outputs or len(sizes) != len(trees):
        raise ValueError("not a model of these classes and features")
    for tree in trees:
        _check_tree(tree, model.features)


def _check_tree(text: str, features: int) -> None:
    facts = dict(line.partition("=")[::2] for line in text.splitlines())
    leaves = int(facts["num_leaves"])
    if facts.get("num_cat") != "0" or facts.get("is_linear", "0") != "0" or leaves < 1:
        raise ValueError("a tree of unknown kind")
    if len(_numbers(facts, "leaf_value")) != leaves:
        raise ValueError("a tree without its leaf values")
    if leaves == 1:
        return
    feature, left, right = (
        _numbers(facts, k) for k in ("split_feature", "left_child", "right_child")
    )
    inner = np.arange(leaves - 1)
    sizes = {len(_numbers(facts, k)) for k in ("threshold", "decision_type", "split_gain")}
    children = np.concatenate([left, right])
    sound = (
        sizes == {leaves - 1}
        and len(feature) == len(left) == len(right) == leaves - 1
        and bool(((feature >= 0) & (feature < features)).all())
        and bool((children >= -leaves).all())
        and bool(((left < 0) | (left > inner)).all())
        and bool(((right < 0) | (right > inner)).all())
        and bool((children < leaves - 1).all())
    )
    if not sound:
        raise ValueError("a tree that points outside itself")


def _numbers(facts: dict[str, str], key: str) -> Floats:
    return np.array([float(v) for v in facts.get(key, "").split()])
