"""Propensity score mean squared error of a logistic model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.coded import Side
from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import Draft, half_width, judge, refuse
from twinset.metrics._linear import logistic
from twinset.protocols import Family, Measure, Result
from twinset.stats import units
from twinset.stats.intervals import gamma_tails

__all__ = ["Pmse"]

Floats = npt.NDArray[np.float64]

MEASURE = Measure(
    name="pmse",
    title="Telling rows apart by a simple model",
    meaning="Mean squared distance of a logistic model's chances from guessing (propensity score "
    "mean squared error, pMSE). 0: it cannot tell, 0.25: it always can.",
    high=0.25,
    formula="mean of (p - c)^2, p the chance by logistic regression on all columns (main effects "
    "of up to 8 levels) that a row is synthetic, c the share of synthetic rows; params.ratio: "
    "divided by the mean of a fresh real sample, (k - 1) c (1 - c) / N; params.ratio_fitted: by "
    "that of rows drawn from a right model fitted to train, (k - 1) (1 - c)^2 c / N",
    source="Woo et al. 2009; Snoke et al. 2018",
)
_LEAST = 30
_RARE = 30  # rows that a level must have
_WIDTH = 240  # indicators at most


@dataclass(frozen=True)
class Pmse:
    """Propensity score mean squared error: how well a simple model tells the rows, by any column.

    Parameters
    ----------
    most
        Rows taken of each table at most.
    """

    name: ClassVar[str] = "pmse"
    family: ClassVar[Family] = "fidelity"
    measures: ClassVar[tuple[Measure, ...]] = (MEASURE,)
    most: int = 10_000

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return one result."""
        if not evidence.columns:
            return [refuse(self.family, MEASURE, "no column can be compared")]
        rng = evidence.rng("pmse")
        sides: tuple[Side, Side] = ("train", "synthetic")
        sizes = [evidence.number_of_units(s) for s in sides]
        if min(sizes) < _LEAST:
            reason = f"fewer than {_LEAST} units in train or synthetic"
            return [refuse(self.family, MEASURE, reason)]
        rows = min(self.most, evidence.rows("train"), evidence.rows("synthetic"))
        value, df, total = _fitted(evidence, sides, rows, rng)
        if df == 0:
            return [refuse(self.family, MEASURE, "every column has one value")]
        unit = 0.25 / total  # c (1 - c) / N of a chi-square
        effect = float(np.mean([evidence.pooled_effect([n]) for n in evidence.columns]))
        mean = df * unit * effect
        spread = 2 * df * (unit * effect) ** 2
        own = mean
        if evidence.holdout is not None and evidence.holdout.num_rows >= rows:
            own = _fitted(evidence, ("train", "holdout"), rows, rng)[0]
        worse, better = gamma_tails(value, mean, spread)
        # a chi-square with df degrees of freedom, not central: Var = 2 (df + 2 lambda)
        beyond = max(value / unit - df, 0.0)
        draft = Draft(
            MEASURE,
            value,
            2 * (df + 2 * beyond) * (unit * effect) ** 2,
            min(sizes),
            reference=own,
            noise=half_width(spread),
            p_worse=worse,
            p_better=better,
            params={
                "parameters": df + 1,
                "rows": total,
                "expected": round(mean, 8),
                "ratio": round(value / mean, 4),
                "ratio_fitted": round(value / (mean / 2), 4),
            },
        )
        return judge(self.family, [draft])


def _fitted(
    evidence: Evidence, sides: tuple[Side, Side], rows: int, rng: np.random.Generator
) -> tuple[float, int, int]:
    """Return the pMSE of two tables, the model's degrees of freedom, and rows of both."""
    views = {s: evidence.model_view(s) for s in sides}
    chosen = {s: units.draw(v.units, len(v.features), rows, rng) for s, v in views.items()}
    features = np.concatenate([views[s].features[chosen[s]] for s in sides])
    places = np.arange(features.shape[1])
    if len(places) > _WIDTH // 3:
        places = np.sort(rng.choice(places, _WIDTH // 3, replace=False))
    levels = int(np.clip(_WIDTH // len(places), 2, 8))
    # levels of both tables together: those of train alone would tell the tables apart
    design = np.concatenate(
        [
            _indicators(features[:, j], levels, ordered=j not in views["train"].categorical)
            for j in places
        ],
        axis=1,
    )
    labels = np.repeat([0.0, 1.0], [len(chosen[s]) for s in sides])
    share = float(labels.mean())
    design -= design.mean(axis=0)
    power, axes = np.linalg.eigh(design.T @ design / len(design))
    kept = power > 1e-9 * max(float(power.max(initial=0.0)), 1e-12)
    if not kept.any():
        return 0.0, 0, len(labels)
    score = logistic(design @ (axes[:, kept] / np.sqrt(power[kept])), labels)
    return float(np.mean((score - share) ** 2)), int(kept.sum()), len(labels)


def _indicators(values: Floats, levels: int, *, ordered: bool) -> Floats:
    """Return shape (rows, at most `levels`): a column's levels but the most frequent, and null.

    Rare levels have no indicator: one that is fitted to the last row says nothing.
    """
    null = np.isnan(values)
    code = np.full(len(values), -1)
    if ordered:
        known = values[~null] if not null.all() else np.zeros(1)
        edges = np.unique(np.quantile(known, np.arange(1, levels) / levels))
        code[~null] = np.searchsorted(edges, values[~null], side="right")
    else:
        code[~null] = values[~null].astype(np.int64)
    held = np.bincount(code + 1)
    top = np.argsort(-held, kind="stable")[1 : levels + 1]
    return np.asarray(code[:, None] + 1 == top[held[top] >= _RARE], dtype=np.float64)
