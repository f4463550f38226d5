"""Gradient boosting as the metrics use it: 100 trees, LightGBM's defaults, fixed by a seed.

Each fit uses one thread, several run side by side: shared loops burn cores that others use.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinset.metrics._evidence import Split
from twinset.progress import check_time
from twinset.scale.local import map_ordered

__all__ = ["Crossfit", "Task", "crossfit", "fit_predict", "fitting"]

Floats = npt.NDArray[np.float64]
TREES = 100
_LEVELS = 1_000  # levels of a category beyond this are one level to the model


@dataclass(frozen=True)
class Task:
    """What to predict: a number, or one of `classes` classes."""

    classes: int | None

    def params(self, seed: int) -> dict[str, Any]:
        """Return LightGBM parameters."""
        objective: dict[str, Any] = {"objective": "regression"}
        if self.classes == 2:
            objective = {"objective": "binary"}
        elif self.classes is not None:
            objective = {"objective": "multiclass", "num_class": self.classes}
        return {
            **objective,
            "verbosity": -1,
            "num_threads": 1,
            "deterministic": True,
            "force_row_wise": True,
            "seed": seed,
        }


@dataclass(frozen=True)
class Crossfit:
    """Scores of rows by models that did not see their units, and gain share by column."""

    scores: Floats
    gains: dict[str, float]


def _capped(features: Floats, categorical: tuple[int, ...]) -> Floats:
    if not categorical:
        return features
    capped = features.copy()
    for j in categorical:
        # NaN (null) stays NaN in the comparison and in the minimum
        capped[:, j] = np.minimum(capped[:, j], _LEVELS)
    return capped


@contextlib.contextmanager
def fitting() -> Iterator[None]:
    """Turn LightGBM's own error, which descends from `Exception` alone, into ArithmeticError."""
    import lightgbm as lgb

    try:
        yield
    except lgb.basic.LightGBMError:
        raise ArithmeticError("a model could not be fitted") from None


def crossfit(
    features: Floats,
    labels: Floats,
    folds: npt.NDArray[np.int64],
    view: Split,
    seed: int,
) -> Crossfit:
    """Cross-fit a binary classifier.

    Parameters
    ----------
    features, labels, folds
        Shape (rows, p), (rows,), (rows,): a row is scored by the model of the other folds.
    view
        Names and categories of the features.
    """
    import lightgbm as lgb

    params = Task(2).params(seed)
    capped = _capped(features, view.categorical)
    with fitting():
        data = lgb.Dataset(
            capped,
            labels,
            categorical_feature=list(view.categorical),
            params=params,
            free_raw_data=False,
        ).construct()
    check_time()

    def one(out: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
        with fitting():
            part = data.subset(np.flatnonzero(~out))
            booster = lgb.train(params, part, num_boost_round=TREES)
            return booster.predict(capped[out], num_threads=1), booster.feature_importance("gain")

    scores = np.zeros(len(labels))
    gains = np.zeros(features.shape[1])
    outs = [folds == fold for fold in np.unique(folds)]
    for out, (score, gain) in zip(outs, map_ordered(one, outs), strict=True):
        scores[out] = score
        gains += gain
    check_time()
    total = float(gains.sum())
    share = gains / total if total > 0 else gains
    return Crossfit(scores, dict(zip(view.names, share.tolist(), strict=True)))


def fit_predict(train: Split, target: Floats, test: Floats, task: Task, seed: int) -> Floats:
    """Fit on `train`, return predictions for `test`: shape (rows,) or (rows, classes).

    A target with one value predicts that value.
    """
    import lightgbm as lgb

    check_time()
    known = ~np.isnan(target)
    x, y = _capped(train.features[known], train.categorical), target[known]
    first = np.unique(y)
    if len(first) < 2:
        if task.classes is None:
            return np.full(len(test), first[0] if len(first) else 0.0)
        constant = np.zeros((len(test), task.classes))
        if len(first):
            constant[:, int(first[0])] = 1.0
        return constant
    params = task.params(seed)
    with fitting():
        data = lgb.Dataset(x, y, categorical_feature=list(train.categorical), params=params)
        booster = lgb.train(params, data, num_boost_round=TREES)
        found = np.asarray(
            booster.predict(_capped(test, train.categorical), num_threads=1), dtype=np.float64
        )
    return np.column_stack([1 - found, found]) if task.classes == 2 else found
