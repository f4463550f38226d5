"""Models as the metrics use them: boosting (100 trees, LightGBM's defaults), forest, linear.

Each fit is fixed by a seed and uses one thread, several run side by side: shared loops burn cores
that others use.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from twinset.evidence.coded import Split
from twinset.metrics._linear import DesignMatrix, Glm
from twinset.progress import check_time
from twinset.scale.local import map_ordered
from twinset.stats.association import mid_ranks

__all__ = [
    "Crossfit",
    "Learner",
    "Predictor",
    "Task",
    "column_target",
    "crossfit",
    "fit",
    "fitting",
]

Floats = npt.NDArray[np.float64]
Learner = Literal["boosting", "forest", "linear"]
TREES = 100
_FOREST = 50  # trees
MOST: dict[Learner, int] = {"boosting": 200_000, "forest": 5_000, "linear": 10_000}
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


@dataclass(frozen=True, eq=False)
class Predictor:
    """A fitted model.

    Attributes
    ----------
    predict
        Features of shape (rows, p) -> (rows,) numbers, or (rows, classes) chances.
    gains
        Shape (p,): share of each feature in what boosting gained; zeros for other models.
    """

    predict: Callable[[Floats], Floats]
    gains: Floats


def fit(
    learner: Learner, train: Split, target: Floats, task: Task, seed: int, trees: int = TREES
) -> Predictor:
    """Fit a model of `target` on the rows of `train` that have one.

    Up to `MOST` rows are drawn at random. A target with one value predicts that value.
    """
    check_time()
    known = np.flatnonzero(~np.isnan(target))
    most = MOST[learner]
    if len(known) > most:
        known = np.sort(np.random.default_rng(seed).choice(known, most, replace=False))
    x, y = _capped(train.features[known], train.categorical), target[known]
    first = np.unique(y)
    if len(first) < 2:
        return Predictor(_constant(first, task), np.zeros(x.shape[1]))
    if learner == "boosting":
        return _boosting(x, y, train.categorical, task, seed, trees)
    made = _forest(x, y, task, seed) if learner == "forest" else _linear(x, y, train, task)
    return Predictor(lambda new: made(_capped(new, train.categorical)), np.zeros(x.shape[1]))


def _constant(first: Floats, task: Task) -> Callable[[Floats], Floats]:
    value = float(first[0]) if len(first) else 0.0
    if task.classes is None:
        return lambda new: np.full(len(new), value)
    chances = np.zeros(task.classes)
    if len(first):
        chances[int(value)] = 1.0
    return lambda new: np.tile(chances, (len(new), 1))


def _boosting(
    x: Floats, y: Floats, categorical: tuple[int, ...], task: Task, seed: int, trees: int
) -> Predictor:
    import lightgbm as lgb

    params = task.params(seed)
    with fitting():
        data = lgb.Dataset(x, y, categorical_feature=list(categorical), params=params)
        booster = lgb.train(params, data, num_boost_round=trees)
    gains = np.asarray(booster.feature_importance("gain"), dtype=np.float64)

    def predict(new: Floats) -> Floats:
        with fitting():
            found = booster.predict(_capped(new, categorical), num_threads=1)
        found = np.asarray(found, dtype=np.float64)
        return np.column_stack([1 - found, found]) if task.classes == 2 else found

    return Predictor(predict, gains / max(float(gains.sum()), 1e-300))


def _forest(x: Floats, y: Floats, task: Task, seed: int) -> Callable[[Floats], Floats]:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    common = {"n_estimators": _FOREST, "min_samples_leaf": 5, "random_state": seed, "n_jobs": 1}
    if task.classes is None:
        number = RandomForestRegressor(max_features=1 / 3, **common).fit(x, y)
        return lambda new: np.asarray(number.predict(new))
    model = RandomForestClassifier(**common).fit(x, y)
    return _spread(model.predict_proba, model.classes_.astype(int), task.classes)


def _linear(x: Floats, y: Floats, train: Split, task: Task) -> Callable[[Floats], Floats]:
    design = DesignMatrix.of(x, train.names, train.categorical)
    if task.classes is None:
        number = Glm.fit(design(x), y, logistic=False)
        return lambda new: number.predict(design(new))
    held = np.unique(y).astype(int)
    rest = held[1:] if len(held) == 2 else held
    models = [Glm.fit(design(x), (y == c).astype(np.float64), logistic=True) for c in rest]

    def chances(new: Floats) -> Floats:
        found = np.column_stack([m.predict(design(new)) for m in models])
        if len(held) == 2:
            return np.column_stack([1 - found, found])
        return np.asarray(found / np.maximum(found.sum(axis=1, keepdims=True), 1e-12))

    return _spread(chances, held, task.classes)


def _spread(
    chances: Callable[[Floats], Floats], held: npt.NDArray[np.int64], classes: int
) -> Callable[[Floats], Floats]:
    """Give classes that the model has not met the chance 0."""

    def predict(new: Floats) -> Floats:
        whole = np.zeros((len(new), classes))
        whole[:, held] = chances(new)
        return whole

    return predict


def column_target(
    views: Sequence[Split], learned: int, j: int, classes: int
) -> tuple[list[Floats], Task]:
    """Return column `j` of each view as a target: ranks, or classes; NaN where unknown.

    Parameters
    ----------
    learned
        Place of the view whose ranks and classes they are.
    classes
        Classes at most; rarer ones are one, and what that view does not have.
    """
    raw = [v.features[:, j] for v in views]
    known = np.sort(raw[learned][~np.isnan(raw[learned])])
    if j not in views[learned].categorical:
        if not len(known):
            return raw, Task(None)
        ranks = mid_ranks(known)
        return [np.interp(r, known, ranks) for r in raw], Task(None)
    # codes are by frequency in train, what train does not have comes last
    number = max(min(len(np.unique(known)), classes), 2)
    return [np.minimum(r, number - 1) for r in raw], Task(number)
