"""Our reimplementation of sequential CART with donor values, at synthpop's published defaults.

Not a package of its own: a yardstick beside the Python ports. Columns in table order, the first by
bootstrap, every other by one tree on the columns before it (least leaf 5, no pruning), a value
drawn from a random donor of the leaf (Nowok, Raab and Dibben 2016, section 2). Missing values are
a level of a category and, for numbers, a column of their own in front of the values.
Categories enter a tree as integers ordered by level; the R package splits on subsets of levels.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common import run

LEAST_LEAF = 5
MOST_CLASSES = 50
EPOCH = pd.Timestamp("1970-01-01")


@dataclass(frozen=True)
class Step:
    """One column's tree (none for the first) and its donors sorted by leaf."""

    tree: DecisionTreeClassifier | DecisionTreeRegressor | None
    donors: np.ndarray
    start: np.ndarray
    size: np.ndarray


def encode(train: pd.DataFrame) -> tuple[np.ndarray, list[tuple[str, str, np.ndarray]]]:
    """Turn a table into numbers: (matrix, one (column, part, levels) a matrix column)."""
    parts: list[np.ndarray] = []
    plan: list[tuple[str, str, np.ndarray]] = []
    for name in train.columns:
        column = train[name]
        if pd.api.types.is_datetime64_any_dtype(column):
            column = (column - EPOCH).dt.days
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            values = column.to_numpy(dtype=float)
            missing = np.isnan(values)
            if missing.any():
                parts.append(missing.astype(float))
                plan.append((name, "missing", np.empty(0)))
            parts.append(np.where(missing, np.nanmedian(values), values))
            plan.append((name, "number", np.empty(0)))
        else:
            codes, levels = pd.factorize(column, sort=True, use_na_sentinel=True)
            parts.append(np.where(codes < 0, len(levels), codes).astype(float))
            plan.append((name, "level", np.append(np.asarray(levels, dtype=object), None)))
    return np.column_stack(parts), plan


def fit_step(matrix: np.ndarray, at: int, part: str, rng: np.random.Generator) -> Step:
    """Grow the tree of one matrix column on those before it."""
    target = matrix[:, at]
    if at == 0:
        return Step(None, target, np.zeros(1, dtype=int), np.array([target.size]))
    few = np.unique(target).size <= MOST_CLASSES
    kind = DecisionTreeClassifier if part != "number" and few else DecisionTreeRegressor
    tree = kind(min_samples_leaf=LEAST_LEAF, random_state=int(rng.integers(2**31)))
    leaf = tree.fit(matrix[:, :at], target).apply(matrix[:, :at])
    size = np.bincount(leaf, minlength=tree.tree_.node_count)
    start = np.concatenate([[0], np.cumsum(size)[:-1]])
    return Step(tree, target[np.argsort(leaf, kind="stable")], start, size)


def fit(train: pd.DataFrame, seed: int, variant: str) -> tuple:
    """Grow one tree a column."""
    matrix, plan = encode(train)
    rng = np.random.default_rng([seed, 1])
    steps = [fit_step(matrix, at, part, rng) for at, (_, part, _) in enumerate(plan)]
    return steps, plan, train.dtypes


def sample(model: tuple, rows: int, seed: int, variant: str) -> pd.DataFrame:
    """Walk the columns in order; each value is a random donor of its leaf."""
    steps, plan, dtypes = model
    rng = np.random.default_rng([seed, 2])
    matrix = np.empty((rows, len(steps)))
    for at, step in enumerate(steps):
        leaf = np.zeros(rows, dtype=int) if step.tree is None else step.tree.apply(matrix[:, :at])
        pick = (rng.random(rows) * step.size[leaf]).astype(int)
        matrix[:, at] = step.donors[step.start[leaf] + pick]
    out: dict[str, pd.Series] = {}
    missing: np.ndarray | None = None
    for at, (name, part, levels) in enumerate(plan):
        if part == "missing":
            missing = matrix[:, at] > 0.5
            continue
        if part == "level":
            out[name] = pd.Series(levels[matrix[:, at].astype(int)])
            continue
        values = pd.Series(matrix[:, at])
        if missing is not None:
            values, missing = values.mask(missing), None
        if dtypes[name].kind == "M":
            values = EPOCH + pd.to_timedelta(values, unit="D")
        elif dtypes[name].kind == "i":
            values = values.astype("int64")
        out[name] = values
    return pd.DataFrame(out)


if __name__ == "__main__":
    run(fit, sample)
