"""The referee: measures a release from its file alone, with no code of any tool compared.

Conventions. A cell is a number, a word or empty; an empty cell is a value of its own. Everything
that is fitted (bins, scales, codes) is fitted on train, or on both sides of a comparison together,
as said at each function. Ties count one half. Sizes are made equal before shares are compared.
Random choices are seeded by the split's seed only, so all tools meet the same draws.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
from scipy.stats import beta
from sklearn.metrics import r2_score, roc_auc_score

warnings.filterwarnings("ignore", category=UserWarning, module="lightgbm|sklearn")

BINS = 20
TRIPLES = 200
DISTANCE_ROWS = 10_000
DRAWS = 10
NEIGHBOURS = 5
NEAR_UNIQUE = 0.3
LOW_FPR = 0.001
TREES = {"n_estimators": 100, "n_jobs": 1, "verbose": -1, "random_state": 0, "deterministic": True}

Column = tuple[np.ndarray, np.ndarray]
"""Numbers (nan where the cell is none) and word codes (0 number, 1 empty, 2.. a word)."""


@dataclass(frozen=True)
class Side:
    """A table in the referee's form."""

    columns: list[Column]
    groups: np.ndarray

    def __len__(self) -> int:
        return self.groups.size

    def take(self, rows: np.ndarray) -> Side:
        """Some rows."""
        return Side([(v[rows], w[rows]) for v, w in self.columns], self.groups[rows])


def read(path: Path, date_columns: set[str]) -> pd.DataFrame:
    """Read every cell as text; ISO dates become day numbers."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
    for name in date_columns & set(table.columns):
        days = pd.to_datetime(table[name].str[:10], format="%Y-%m-%d", errors="coerce")
        since = (days - pd.Timestamp("1970-01-01")).dt.days.astype("Float64")
        table[name] = since.astype(str).where(table[name].notna())
    return table


def sides(tables: list[pd.DataFrame], groups: list[np.ndarray]) -> tuple[list[Side], list[str]]:
    """Bring tables (the first is train) into one form.

    A column is numeric if at least half of train's non-empty cells are numbers, of more than two
    values; its other cells are words. All other columns are words only; words that are numbers
    are compared as numbers ("1" is "1.0").
    """
    names = list(tables[0].columns)
    columns: list[list[Column]] = [[] for _ in tables]
    for name in names:
        text = [t[name] for t in tables]
        numbers = [pd.to_numeric(t, errors="coerce").to_numpy(dtype=float) for t in text]
        numbers = [np.where(np.isfinite(n), n, np.nan) for n in numbers]
        known = numbers[0][~np.isnan(numbers[0])]
        numeric = np.unique(known).size > 2 and known.size * 2 >= text[0].notna().sum()
        words = [
            t.where(t.isna() | np.isnan(n), pd.Series(n, index=t.index).astype(str))
            for t, n in zip(text, numbers, strict=True)
        ]
        codes, _ = pd.factorize(pd.concat(words, ignore_index=True), use_na_sentinel=True)
        ends = np.cumsum([len(t) for t in tables])[:-1]
        for side, (number, code) in enumerate(zip(numbers, np.split(codes, ends), strict=True)):
            code = np.where(code < 0, 1, code + 2).astype(np.int32)
            if numeric:
                columns[side].append((number, np.where(np.isnan(number), code, 0)))
            else:
                columns[side].append((np.full(code.size, np.nan), code))
    return [Side(c, g) for c, g in zip(columns, groups, strict=True)], names


# ---- fidelity -----------------------------------------------------------------------------------


def bin_codes(parts: list[Side], at: int) -> tuple[list[np.ndarray], int]:
    """Code a column by bins fitted on train (the first part): atoms, quantile bins, words, unseen.

    A number is an atom if it holds at least 1/40 of train's numbers; the rest lie in up to 20
    quantile bins.
    """
    values, words = parts[0].columns[at]
    known = values[~np.isnan(values)]
    distinct, count = np.unique(known, return_counts=True)
    atoms = distinct[count >= max(known.size / (2 * BINS), 1)]
    rest = known[~np.isin(known, atoms)]
    edges = np.unique(np.quantile(rest, np.linspace(0, 1, BINS + 1)[1:-1])) if rest.size else rest
    seen = np.unique(words[words > 0])
    first_word = atoms.size + edges.size + 1
    size = first_word + seen.size + 1
    coded = []
    for part in parts:
        value, word = part.columns[at]
        code = atoms.size + np.searchsorted(edges, value, side="left")
        if atoms.size:
            near = np.minimum(np.searchsorted(atoms, value), atoms.size - 1)
            code = np.where(atoms[near] == value, near, code)
        place = np.minimum(np.searchsorted(seen, word), max(seen.size - 1, 0))
        found = (seen[place] == word) if seen.size else np.zeros(word.size, dtype=bool)
        code = np.where(word > 0, np.where(found, first_word + place, size - 1), code)
        coded.append(code.astype(np.int64))
    return coded, size


def tvd(a: np.ndarray, b: np.ndarray) -> float:
    """Total variation distance of two arrays of cell codes."""
    both, inverse = np.unique(np.concatenate([a, b]), return_inverse=True)
    p = np.bincount(inverse[: a.size], minlength=both.size) / a.size
    q = np.bincount(inverse[a.size :], minlength=both.size) / b.size
    return float(np.abs(p - q).sum() / 2)


def marginals(train: Side, others: list[Side], seed: int) -> list[tuple[float, float, float]]:
    """Mean 1-, 2- and 3-way TVD of each other table against train (all pairs, 200 triples)."""
    coded, sizes = zip(
        *(bin_codes([train, *others], c) for c in range(len(train.columns))), strict=True
    )
    width = len(sizes)
    rng = np.random.default_rng([seed, 11])
    triples = list(combinations(range(width), 3))
    if len(triples) > TRIPLES:
        triples = [triples[i] for i in rng.choice(len(triples), TRIPLES, replace=False)]
    groups: list[list[tuple[int, ...]]] = [
        [(c,) for c in range(width)],
        list(combinations(range(width), 2)),
        triples,
    ]

    def joint(columns: tuple[int, ...], side: int) -> np.ndarray:
        code = np.zeros_like(coded[0][side])
        for c in columns:
            code = code * sizes[c] + coded[c][side]
        return code

    out = []
    for side in range(1, len(others) + 1):
        means = [np.mean([tvd(joint(g, 0), joint(g, side)) for g in group]) for group in groups]
        out.append((float(means[0]), float(means[1]), float(means[2])))
    return out


def features(side: Side, keep: list[int]) -> tuple[np.ndarray, list[int]]:
    """A matrix for LightGBM: numbers as they are, words as a category column where there are any.

    Word codes are shared by all tables of one call of `sides`; an empty cell is a word.
    """
    matrix, categorical = [], []
    for c in keep:
        value, word = side.columns[c]
        matrix += [value, word.astype(float)]
        categorical.append(len(matrix) - 1)
    return np.column_stack(matrix), categorical


def folds(groups: np.ndarray, rng: np.random.Generator, count: int = 5) -> np.ndarray:
    """A random fold for each row, the same for all rows of a group."""
    _, inverse = np.unique(groups, return_inverse=True)
    return (rng.permutation(inverse.max() + 1) % count)[inverse]


def c2st(real: Side, synthetic: Side, seed: int) -> tuple[float, list[int]]:
    """Cross-fitted AUC of LightGBM telling real from synthetic (mean of 5 folds, equal sizes).

    Also gives the columns by their share of the splitting gain, largest first.
    """
    rng = np.random.default_rng([seed, 12])
    rows = min(len(real), len(synthetic))
    a = real.take(np.sort(rng.choice(len(real), rows, replace=False)))
    b = synthetic.take(np.sort(rng.choice(len(synthetic), rows, replace=False)))
    width = list(range(len(real.columns)))
    (x_a, categorical), (x_b, _) = features(a, width), features(b, width)
    x = np.vstack([x_a, x_b])
    y = np.repeat([0, 1], rows)
    fold = np.concatenate([folds(a.groups, rng), folds(b.groups, rng)])
    scores, gain = [], np.zeros(x.shape[1])
    for k in range(5):
        fit = lightgbm.LGBMClassifier(**TREES)
        fit.fit(x[fold != k], y[fold != k], categorical_feature=categorical)
        scores.append(roc_auc_score(y[fold == k], fit.predict_proba(x[fold == k])[:, 1]))
        gain += fit.booster_.feature_importance("gain")
    return float(np.mean(scores)), list(np.argsort(-gain.reshape(-1, 2).sum(axis=1)))


# ---- utility ------------------------------------------------------------------------------------


def utility(fitted: Side, holdout: Side, target: int, keep: list[int], task: str) -> float:
    """Train LightGBM on one table, score on the holdout: AUC, macro one-against-rest AUC or R2."""
    (x, categorical), (x_test, _) = features(fitted, keep), features(holdout, keep)
    if task == "class":
        label, truth = (s.columns[target] for s in (fitted, holdout))
        y, y_test = (np.where(w > 0, w, v + 1e6) for v, w in (label, truth))
        classes, counts = np.unique(y_test, return_counts=True)
        classes = classes[counts >= 20]
        if np.unique(y).size < 2:
            return 0.5
        fit = lightgbm.LGBMClassifier(**TREES).fit(x, y, categorical_feature=categorical)
        guess = fit.predict_proba(x_test)
        place = {c: i for i, c in enumerate(fit.classes_)}
        nothing = np.zeros(len(y_test))
        chosen = classes[-1:] if classes.size == 2 else classes
        return float(
            np.mean(
                [
                    roc_auc_score(y_test == c, guess[:, place[c]] if c in place else nothing)
                    for c in chosen
                ]
            )
        )
    scale: Callable[[np.ndarray], np.ndarray] = (
        (lambda v: np.log1p(np.maximum(v, 0))) if task == "log_number" else (lambda v: v)
    )
    y, y_test = scale(fitted.columns[target][0]), scale(holdout.columns[target][0])
    ok, ok_test = ~np.isnan(y), ~np.isnan(y_test)
    fit = lightgbm.LGBMRegressor(**TREES)
    fit.fit(x[ok], y[ok], categorical_feature=categorical)
    return float(r2_score(y_test[ok_test], fit.predict(x_test[ok_test])))


# ---- privacy ------------------------------------------------------------------------------------


def scaled(parts: list[Side], scale_on: list[Side]) -> list[list[Column]]:
    """Numbers divided by their range in ``scale_on`` together, cut to [0, 1]; float32."""
    out: list[list[Column]] = [[] for _ in parts]
    for c in range(len(parts[0].columns)):
        known = np.concatenate([s.columns[c][0] for s in scale_on])
        known = known[~np.isnan(known)]
        low, high = (known.min(), known.max()) if known.size else (0.0, 1.0)
        for side, part in enumerate(parts):
            value, word = part.columns[c]
            unit = np.clip((value - low) / max(high - low, 1e-12), 0, 1)
            out[side].append((np.nan_to_num(unit, nan=0.0).astype(np.float32), word))
    return out


def nearest(queries: list[Column], base: list[Column], k: int) -> np.ndarray:
    """Gower distances to the k nearest of ``base``, ascending: (queries, k).

    Per column |a - b| of scaled numbers, 0 for the same word, 1 for different words or a word
    against a number; summed. Computed in tiles that stay in the cache.
    """
    n, m = queries[0][0].size, base[0][0].size
    plain = [not (q[1].any() or b[1].any()) for q, b in zip(queries, base, strict=True)]
    only = [bool(q[1].all() and b[1].all()) for q, b in zip(queries, base, strict=True)]
    out = np.empty((n, k), dtype=np.float32)
    tile = 2048
    for start in range(0, n, 128):
        rows = slice(start, min(start + 128, n))
        size = rows.stop - rows.start
        total = np.zeros((size, m), dtype=np.float32)
        work = np.empty((size, tile), dtype=np.float32)
        differ = np.empty((size, tile), dtype=bool)
        for left in range(0, m, tile):
            cols = slice(left, min(left + tile, m))
            w, d = work[:, : cols.stop - left], differ[:, : cols.stop - left]
            acc = total[:, cols]
            for (qv, qw), (bv, bw), numbers, words in zip(queries, base, plain, only, strict=True):
                if not numbers:
                    np.not_equal(qw[rows, None], bw[None, cols], out=d)
                    np.add(acc, d, out=acc)
                if not words:
                    np.subtract(qv[rows, None], bv[None, cols], out=w)
                    np.abs(w, out=w)
                    if not numbers:
                        w[d] = 0
                    np.add(acc, w, out=acc)
        part = np.partition(total, k - 1, axis=1)[:, :k] if k < m else total
        out[rows] = np.sort(part, axis=1)
    return out


def dcr_share(train: Side, holdout: Side, synthetic: Side, seed: int) -> float:
    """Share of synthetic rows nearer to train than to holdout, ties half, sizes equal.

    On at most 10,000 synthetic rows; where train and holdout differ in size, the larger is cut to
    the smaller's, averaged over 10 draws.
    """
    rng = np.random.default_rng([seed, 13])
    pick = rng.choice(len(synthetic), min(DISTANCE_ROWS, len(synthetic)), replace=False)
    q, t, h = scaled([synthetic.take(pick), train, holdout], [train, holdout])
    size = min(len(train), len(holdout))
    draws = 1 if len(train) == len(holdout) else DRAWS
    shares = []
    for _ in range(draws):
        near = []
        for base, n in ((t, len(train)), (h, len(holdout))):
            rows = np.arange(n) if n == size else rng.choice(n, size, replace=False)
            near.append(nearest(q, [(v[rows], w[rows]) for v, w in base], 1)[:, 0])
        shares.append(np.mean((near[0] < near[1]) + 0.5 * (near[0] == near[1])))
    return float(np.mean(shares))


def near_unique(train: Side) -> list[int]:
    """Numeric columns in which train has many values for its size (see ``NEAR_UNIQUE``)."""
    out = []
    for c, (value, _) in enumerate(train.columns):
        known = value[~np.isnan(value)]
        if known.size and np.unique(known).size > NEAR_UNIQUE * known.size:
            out.append(c)
    return out


def row_keys(side: Side, keep: list[int]) -> pd.Series:
    """One hash a row over some columns."""
    frame = pd.DataFrame({f"{c}{part}": side.columns[c][part] for c in keep for part in (0, 1)})
    return pd.util.hash_pandas_object(frame, index=False)


def copies(train: Side, holdout: Side, synthetic: Side, keep: list[int]) -> tuple[float, float]:
    """Share of synthetic rows that are exact train rows, and the same of the holdout's rows."""
    if not keep:
        return float("nan"), float("nan")
    known = set(row_keys(train, keep))
    rates = [float(np.mean([k in known for k in row_keys(s, keep)])) for s in (synthetic, holdout)]
    return rates[0], rates[1]


def value_ratio(targets: Side, synthetic: Side, auxiliary: Side) -> np.ndarray:
    """Sum over numeric columns of log(share of the exact value in S / in R), add one half."""
    score = np.zeros(len(targets))
    for c, (value, _) in enumerate(targets.columns):
        if np.isnan(value).all():
            continue
        logs = []
        for side in (synthetic, auxiliary):
            known = side.columns[c][0]
            distinct, count = np.unique(known[~np.isnan(known)], return_counts=True)
            if not distinct.size:
                distinct, count = np.zeros(1), np.zeros(1)
            place = np.minimum(np.searchsorted(distinct, value), distinct.size - 1)
            hits = np.where(distinct[place] == value, count[place], 0)
            logs.append(np.log((hits + 0.5) / (len(side) + 1)))
        score += np.where(np.isnan(value), 0, logs[0] - logs[1])
    return score


def classifier_scores(targets: Side, synthetic: Side, auxiliary: Side, seed: int) -> np.ndarray:
    """P(synthetic) by LightGBM fitted on S against R, equal sizes."""
    rng = np.random.default_rng([seed, 15])
    rows = min(len(synthetic), len(auxiliary))
    parts = [
        s.take(np.sort(rng.choice(len(s), rows, replace=False))) for s in (synthetic, auxiliary)
    ]
    keep = list(range(len(targets.columns)))
    (x_s, categorical), (x_r, _) = (features(p, keep) for p in parts)
    fit = lightgbm.LGBMClassifier(**TREES)
    fit.fit(np.vstack([x_s, x_r]), np.repeat([1, 0], rows), categorical_feature=categorical)
    return fit.predict_proba(features(targets, keep)[0])[:, 1]


def membership(train: Side, holdout: Side, synthetic: Side, seed: int) -> dict[str, Any]:
    """Attacks from files alone: AUC each, the best AUC, and TPR at 0.1% FPR with its upper end.

    The holdout is split by unit into R (the adversary's) and N (non-members); up to 10,000
    members and 10,000 of N are the targets.
    """
    rng = np.random.default_rng([seed, 14])
    half = folds(holdout.groups, rng, 2)
    auxiliary, outside = holdout.take(half == 0), holdout.take(half == 1)
    members = rng.choice(len(train), min(DISTANCE_ROWS, len(train), len(outside)), replace=False)
    others = rng.choice(len(outside), min(DISTANCE_ROWS, len(outside)), replace=False)
    inside, outside = train.take(members), outside.take(others)
    targets = Side(
        [
            (np.concatenate([a[0], b[0]]), np.concatenate([a[1], b[1]]))
            for a, b in zip(inside.columns, outside.columns, strict=True)
        ],
        np.concatenate([inside.groups, outside.groups]),
    )
    member = np.arange(len(targets)) < len(inside)
    q, s, r = scaled([targets, synthetic, auxiliary], [auxiliary, synthetic])
    to_s, to_r = nearest(q, s, NEIGHBOURS), nearest(q, r, NEIGHBOURS)
    tiny = 1e-3
    scores = {
        "distance": -to_s[:, 0],
        "dcr_difference": to_r[:, 0] - to_s[:, 0],
        "density_ratio": np.log(to_r.mean(axis=1) + tiny) - np.log(to_s.mean(axis=1) + tiny),
        "classifier": classifier_scores(targets, synthetic, auxiliary, seed),
        "value_ratio": value_ratio(targets, synthetic, auxiliary),
    }
    auc = {name: float(roc_auc_score(member, score)) for name, score in scores.items()}
    allowed = int(LOW_FPR * (~member).sum())
    hits = {
        name: int((score[member] > np.sort(score[~member])[::-1][allowed]).sum())
        for name, score in scores.items()
    }
    best = max(hits, key=lambda name: hits[name])
    n = int(member.sum())
    upper = 1.0 if hits[best] == n else float(beta.ppf(0.975, hits[best] + 1, n - hits[best]))
    return {
        "membership_auc": max(auc.values()),
        "membership_attack": max(auc, key=lambda name: auc[name]),
        "membership_aucs": auc,
        "tpr_at_low_fpr": hits[best] / n,
        "tpr_at_low_fpr_upper": upper,
        "tpr_attack": best,
    }


# ---- all of it ----------------------------------------------------------------------------------


def measure(
    train: Side, holdout: Side, synthetic: Side, names: list[str], source: Any, seed: int
) -> dict[str, Any]:
    """Every figure of the benchmark table, with the holdout's own where it has one."""
    own, reference = marginals(train, [synthetic, holdout], seed)
    target = names.index(source.target)
    keep = [i for i, n in enumerate(names) if n != source.target and n not in source.giveaways]
    real = utility(train, holdout, target, keep, source.task)
    made = utility(synthetic, holdout, target, keep, source.task)
    against_holdout, telling = c2st(holdout, synthetic, seed)
    everything = list(range(len(names)))
    unique = near_unique(train)
    exact, exact_base = copies(train, holdout, synthetic, everything)
    rest, rest_base = copies(train, holdout, synthetic, [c for c in everything if c not in unique])
    return {
        "rows": len(synthetic),
        "tvd_1": own[0],
        "tvd_2": own[1],
        "tvd_3": own[2],
        "tvd_1_holdout": reference[0],
        "tvd_2_holdout": reference[1],
        "tvd_3_holdout": reference[2],
        "c2st_holdout": against_holdout,
        "c2st_train": c2st(train, synthetic, seed)[0],
        "c2st_columns": [names[i] for i in telling[:5]],
        "trtr": real,
        "tstr": made,
        "tstr_gap": real - made,
        "dcr_share": dcr_share(train, holdout, synthetic, seed),
        "copies": exact,
        "copies_holdout": exact_base,
        "copies_excess": exact - exact_base,
        "copies_without_near_unique": rest,
        "copies_without_near_unique_holdout": rest_base,
        "copies_without_near_unique_excess": rest - rest_base,
        "near_unique": [names[i] for i in unique],
        **membership(train, holdout, synthetic, seed),
    }


def read_files(folder: Path, release: Path, source: Any) -> tuple[list[Side], list[str]]:
    """Bring ``folder``'s train.csv and holdout.csv and a release into one form."""
    dates = {column for column, _ in source.dates}
    frames = [read(p, dates) for p in (folder / "train.csv", folder / "holdout.csv", release)]
    facts = json.loads((folder / "split.json").read_text(encoding="utf-8"))
    missing = [c for c in frames[0].columns if c not in frames[2].columns]
    if missing:
        raise ValueError(f"the release lacks {len(missing)} columns, first {missing[0]!r}")
    groups = [
        np.asarray(facts["train_units"]),
        np.asarray(facts["holdout_units"]),
        np.arange(len(frames[2])),
    ]
    return sides(frames, groups)


def measure_files(folder: Path, release: Path, source: Any, seed: int) -> dict[str, Any]:
    """Measure a release against ``folder``'s train.csv and holdout.csv."""
    (train, holdout, synthetic), names = read_files(folder, release, source)
    return measure(train, holdout, synthetic, names, source, seed)
