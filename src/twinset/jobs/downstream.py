"""A downstream model on real rows: learned as it is, reweighted, with SMOTE, with a twin's rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinset.rules.combinations import column_codes
from twinset.stats.seeds import stream
from twinset.stats.units import compact
from twinset.table.table import Table, numbers

__all__ = ["Arm", "ArmScore", "View", "judge", "smote"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
_ARMS = ("as it is", "reweighted", "SMOTE", "twin")
_TREES = {"n_estimators": 100, "num_leaves": 31, "verbose": -1, "deterministic": True, "n_jobs": 1}
_NEIGHBOURS = 5
_RESAMPLES = 200


@dataclass(frozen=True)
class ArmScore:
    """One score; `gain` is the difference from learning from the rows as they are.

    `low` to `high` is the 95% interval of the gain (paired bootstrap of units of the holdout).
    """

    name: str
    value: float
    gain: float
    low: float
    high: float


@dataclass(frozen=True)
class Arm:
    """One way to learn, with its figures."""

    name: str
    figures: tuple[ArmScore, ...]


@dataclass(frozen=True, eq=False)
class View:
    """Rows as a model sees them: features (NaN where null), which are categories, and classes."""

    x: Floats
    categorical: tuple[int, ...]
    y: Codes


def judge(
    train: Table,
    unseen: Table,
    target: str,
    new: Sequence[Table],
    goal: Mapping[str, int],
    seed: int,
) -> tuple[Arm, ...]:
    """Learn in each way (LightGBM, 100 trees) and score on `unseen`.

    Scores: the area under the ROC curve and the average precision of each class against the rest,
    without the largest class if there are two or averaged over all, and balanced accuracy.

    Parameters
    ----------
    new
        Synthetic rows to add in the arm ``twin``.
    goal
        Rows of each class in the end, for weights and for SMOTE.
    """
    views, names = _views([train, unseen, *new], target)
    known, test, made = views[0], views[1], views[2:]
    counts = np.bincount(known.y[known.y >= 0], minlength=len(names))
    wanted = {i: goal[n] for i, n in enumerate(names) if n in goal}
    weight = np.array([wanted.get(i, 0) / max(counts[i], 1) for i in range(len(names))])
    learned: dict[str, Floats] = {}
    for arm in _ARMS:
        fitted, weights = known, None
        if arm == "reweighted":
            weights = weight[known.y]
        elif arm == "SMOTE":
            fitted = smote(known, wanted, stream(seed, "smote"))
        elif arm == "twin":
            fitted = View(
                np.concatenate([known.x, *(v.x for v in made)]),
                known.categorical,
                np.concatenate([known.y, *(v.y for v in made)]),
            )
        learned[arm] = _fitted(fitted, weights, test.x, len(names), seed)
    ids = compact(unseen.units, unseen.num_rows)
    return _scored(learned, test.y, ids, stream(seed, "resample"))


def _views(tables: Sequence[Table], target: str) -> tuple[list[View], list[str]]:
    """Views of tables on the same codes, and the classes; rows without a class have -1."""
    schema = tables[0].schema
    features = [c for c in schema.columns if c.is_learnable and c.name != target]
    columns: list[list[Floats]] = [[] for _ in tables]
    categorical = []
    for place, column in enumerate(features):
        if column.kind.is_number_like:
            for out, table in zip(columns, tables, strict=True):
                out.append(numbers(table[column.name], column.kind))
            continue
        categorical.append(place)
        for out, (codes, _) in zip(columns, _shared(tables, column.name), strict=True):
            out.append(np.where(codes < 0, np.nan, codes.astype(np.float64)))
    labels = _shared(tables, target)
    names = labels[0][1]
    return [
        View(np.column_stack(x), tuple(categorical), y)
        for x, (y, _) in zip(columns, labels, strict=True)
    ], names


def _shared(tables: Sequence[Table], name: str) -> list[tuple[Codes, list[str]]]:
    """Codes of a discrete column over all tables; the first table's levels come first."""
    place: dict[str, int] = {}
    found = []
    for table in tables:
        codes, levels = column_codes(table, name)
        own = [place.setdefault(str(v), len(place)) for v in levels]
        found.append(np.array([*own, -1], dtype=np.int64)[codes])
    names = list(place)
    return [(codes, names) for codes in found]


def _fitted(view: View, weights: Floats | None, x: Floats, classes: int, seed: int) -> Floats:
    """Class probabilities for `x`, shape (rows, classes)."""
    import lightgbm

    labelled = view.y >= 0
    model = lightgbm.LGBMClassifier(random_state=seed, **_TREES)
    weights = None if weights is None else weights[labelled]
    model.fit(
        view.x[labelled],
        view.y[labelled],
        sample_weight=weights,
        categorical_feature=list(view.categorical),
    )
    guess = np.zeros((len(x), classes))
    guess[:, model.classes_.astype(int)] = model.predict_proba(x)
    return guess


def _scored(
    learned: Mapping[str, Floats], y: Codes, ids: Codes, rng: np.random.Generator
) -> tuple[Arm, ...]:
    labelled = np.flatnonzero(y >= 0)
    chosen = [labelled]
    units = int(ids.max()) + 1
    order = np.argsort(ids[labelled], kind="stable")
    starts = np.searchsorted(ids[labelled][order], np.arange(units + 1))
    for _ in range(_RESAMPLES):
        picked = rng.integers(0, units, units)
        sizes = starts[picked + 1] - starts[picked]
        inside = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        chosen.append(labelled[order[np.repeat(starts[picked], sizes) + inside]])
    scores = {
        a: np.array([_scores(g[rows], y[rows]) for rows in chosen]) for a, g in learned.items()
    }
    plain = next(iter(scores.values()))
    arms = []
    for arm, values in scores.items():
        gains = values - plain
        low, high = np.nanquantile(gains[1:], (0.025, 0.975), axis=0)
        figures = (
            ArmScore(n, *(round(float(v), 6) for v in (values[0, i], gains[0, i], low[i], high[i])))
            for i, n in enumerate(("ROC AUC", "average precision", "balanced accuracy"))
        )
        arms.append(Arm(arm, tuple(figures)))
    return tuple(arms)


def _scores(guess: Floats, y: Codes) -> list[float]:
    """Return ROC AUC, average precision and balanced accuracy."""
    counts = np.bincount(y, minlength=guess.shape[1])
    there = np.flatnonzero(counts)
    positive = [int(there[np.argmin(counts[there])])] if len(there) == 2 else list(there)
    areas = [_areas(guess[:, c], y == c) for c in positive]
    best = np.argmax(guess, axis=1)
    recall = [float(np.mean(best[y == c] == c)) for c in there]
    return [*(float(np.mean(a)) for a in zip(*areas, strict=True)), float(np.mean(recall))]


def _areas(score: Floats, hit: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """ROC AUC with ties counted half, and average precision (step-wise, as sklearn)."""
    order = np.argsort(-score, kind="stable")
    ranked, good = score[order], hit[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    hits, all_ = np.cumsum(good)[last], last + 1.0
    total, misses = float(hits[-1]), all_ - hits
    recall, precision = hits / total, hits / all_
    average = float(np.sum(np.diff(recall, prepend=0.0) * precision))
    fall = misses / max(misses[-1], 1)
    before = np.concatenate([[0.0], recall[:-1]])
    area = float(np.sum(np.diff(fall, prepend=0.0) * (recall + before) / 2))
    return area, average


def smote(view: View, goal: Mapping[int, int], rng: np.random.Generator) -> View:
    """Synthetic Minority Oversampling for numbers and categories.

    New rows lie between a row and one of its 5 nearest of the same class; a category is the most
    frequent among the 5 (Chawla, Bowyer, Hall and Kegelmeyer 2002, J. Artif. Intell. Res. 16,
    sections 4.2 and 6.1: the median standard deviation is the distance between categories).
    """
    from sklearn.neighbors import NearestNeighbors

    plain = [i for i in range(view.x.shape[1]) if i not in view.categorical]
    xs, ys = [view.x], [view.y]
    for label, rows in goal.items():
        mine = view.x[view.y == label]
        missing = rows - len(mine)
        if missing <= 0 or len(mine) < 2:
            continue
        near = min(_NEIGHBOURS, len(mine) - 1)
        space = _space(mine, plain, view.categorical)
        found = (
            NearestNeighbors(n_neighbors=near + 1)
            .fit(space)
            .kneighbors(space, return_distance=False)[:, 1:]
        )
        base = rng.integers(0, len(mine), missing)
        other = found[base, rng.integers(0, near, missing)]
        new = mine[base].copy()
        step = rng.random((missing, 1))
        new[:, plain] += step * (mine[other][:, plain] - mine[base][:, plain])
        for c in view.categorical:
            votes = np.sort(mine[found[base], c], axis=1)
            new[:, c] = _mode(votes)
        xs.append(new)
        ys.append(np.full(missing, label))
    return View(np.concatenate(xs), view.categorical, np.concatenate(ys))


def _space(x: Floats, plain: Sequence[int], categorical: Sequence[int]) -> Floats:
    """Coordinates in which neighbours are looked for: scaled numbers, and dummies of categories."""
    parts = []
    spread = np.nanstd(x[:, plain], axis=0) if plain else np.array([1.0])
    for i in plain:
        column = x[:, i]
        parts.append(np.where(np.isnan(column), np.nanmean(column), column)[:, None])
    apart = float(np.median(spread)) / np.sqrt(2)
    for i in categorical:
        codes = np.unique(np.nan_to_num(x[:, i], nan=-1.0), return_inverse=True)[1].reshape(-1)
        dummies = np.zeros((len(x), int(codes.max()) + 1))
        dummies[np.arange(len(x)), codes] = apart
        parts.append(dummies)
    return np.hstack(parts)


def _mode(votes: Floats) -> Floats:
    """Most frequent value of each row of sorted `votes`."""
    best, held = votes[:, 0].copy(), np.ones(len(votes))
    run = np.ones(len(votes))
    for i in range(1, votes.shape[1]):
        run = np.where(votes[:, i] == votes[:, i - 1], run + 1, 1.0)
        better = run > held
        best, held = np.where(better, votes[:, i], best), np.maximum(run, held)
    return best
