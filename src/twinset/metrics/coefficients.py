"""Regression coefficients: would an analyst find the same effects, overall and in each group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy import stats

from twinset.evidence.coded import Side, Split
from twinset.evidence.evidence import Evidence
from twinset.metrics._groups import groupings
from twinset.metrics._judge import Draft, half_width, judge, refuse
from twinset.metrics._linear import RARE, DesignMatrix, Glm, sandwich
from twinset.metrics._targets import Known, known_target
from twinset.protocols import Family, Measure, Result
from twinset.stats import units as by_unit
from twinset.stats.intervals import Z95
from twinset.stats.units import Units

__all__ = ["Coefficients"]

Floats = npt.NDArray[np.float64]

OVERLAP = Measure(
    name="coefficient_overlap",
    title="The same effects in a regression",
    meaning="How far the 95% intervals of the coefficients of a regression on synthetic and on "
    "real rows overlap, on average (confidence interval overlap, CIO). 1 is the same.",
    unit="share",
    direction="higher",
    formula="mean over coefficients of the overlap of their 95% intervals (normal, sandwich "
    "errors by unit), ((min upper - max lower) / length by train + the same by synthetic) / 2, at "
    "least 0, of a logistic (params.class against the rest) or linear model of the target with "
    "main effects",
    source="Karr et al. 2006, eq. 1; verdict: Wald's test that all coefficients are equal",
    anchors=(0.0, 1.0),
)
_CLASSES = 3
_LEAST = 100  # rows of a group
_PER_EFFECT = 10  # rows that tell of effects
_LEAST_EVENTS = 10  # of a level, with and without what a logistic model is about
_DRAWS = 400


@dataclass(frozen=True)
class Coefficients:
    """Overlap of the confidence intervals of regression coefficients.

    Numbers are standardised by train; of a category the eight most frequent levels but the first
    have an effect. Effects that a table cannot tell from others, or has fewer than 30 rows of (of
    an event: 10 with and 10 without), are left out; ten rows an effect are needed, of an event ten
    of the rarer outcome (Peduzzi et al. 1996, J. Clin. Epidemiol. 49).

    Parameters
    ----------
    most
        Rows taken of each table at most.
    """

    name: ClassVar[str] = "coefficients"
    family: ClassVar[Family] = "utility"
    measures: ClassVar[tuple[Measure, ...]] = (OVERLAP,)
    most: int = 10_000

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return one result for the whole table and one a group of the sensitive columns."""
        p = known_target(evidence)
        columns = () if evidence.target is None else (evidence.target,)
        if isinstance(p, str):
            return [refuse(self.family, OVERLAP, p, columns=columns)]
        rng = evidence.rng("coefficients")
        parts = {
            s: by_unit.draw(evidence.units(s), evidence.rows(s), self.most, rng)
            for s in evidence.sides
        }
        drafts = [d for o in _outcomes(evidence, p) for d in self._drafts(evidence, p, parts, o)]
        if not drafts:
            reason = "too few rows for the effects of the columns"
            return [refuse(self.family, OVERLAP, reason, columns=columns)]
        return judge(self.family, drafts)

    def _drafts(
        self,
        evidence: Evidence,
        p: Known,
        rows: dict[Side, npt.NDArray[np.int64]],
        outcome: _Outcome,
    ) -> Iterator[Draft]:
        samples = {s: _sample(evidence, p, s, at, outcome) for s, at in rows.items()}
        found: list[tuple[tuple[str, ...], str, dict[Side, _Sample]]] = [((), "", samples)]
        for grouping in groupings(evidence, sensitive=True):
            if len(grouping.columns) > 1 or p.column in grouping.columns:
                continue
            for g, name in enumerate(grouping.names):
                inside = {s: samples[s].take(grouping.codes[s][at] == g) for s, at in rows.items()}
                found.append((grouping.columns, name, inside))
        for columns, name, inside in found:
            compared = _compared(inside, outcome.logistic)
            if compared is None:
                continue
            yield _draft(evidence, compared, (*columns, p.column), name, outcome)


@dataclass(frozen=True)
class _Outcome:
    label: str
    code: int
    logistic: bool
    centre: float = 0.0
    scale: float = 1.0


def _outcomes(evidence: Evidence, p: Known) -> list[_Outcome]:
    known = p.target["train"][~np.isnan(p.target["train"])]
    if p.task.classes is None:
        spread = float(known.std())
        return [_Outcome("", 0, False, float(known.mean()), spread)] if spread > 0 else []
    names = evidence.target_values()[1] or ()
    held = np.bincount(known.astype(np.int64), minlength=p.task.classes)
    first = [1] if p.task.classes == 2 else range(min(_CLASSES, p.task.classes))
    return [_Outcome(names[c], c, True) for c in first if held[c] >= RARE]


@dataclass(frozen=True, eq=False)
class _Sample:
    """Rows of one table with a known target."""

    view: Split
    y: Floats

    def take(self, mask: npt.NDArray[np.bool_]) -> _Sample:
        """Rows where the mask, which goes over the rows drawn, is true."""
        return _Sample(self.view.take(mask), self.y[mask])

    def known(self) -> tuple[Floats, Floats, Units]:
        """Features, target and units of rows whose target is known."""
        there = ~np.isnan(self.y)
        units = None if self.view.units is None else self.view.units[there]
        return self.view.features[there], self.y[there], units


def _sample(
    evidence: Evidence, p: Known, side: Side, at: npt.NDArray[np.int64], outcome: _Outcome
) -> _Sample:
    whole = evidence.holdout_rows[at] if side == "holdout" else at
    target = p.target[side][whole]
    y = (target - outcome.centre) / outcome.scale
    if outcome.logistic:
        y = np.where(np.isnan(target), np.nan, target == outcome.code)
    return _Sample(p.views[side].take(whole), y)


@dataclass(frozen=True, eq=False)
class _Fit:
    beta: Floats
    covariance: Floats
    units: int


def _compared(
    samples: dict[Side, _Sample], logistic: bool
) -> tuple[DesignMatrix, dict[Side, _Fit]] | None:
    """Fit one design to each table; None if it has too few rows."""
    known = {s: v.known() for s, v in samples.items()}
    view = samples["train"].view
    pair: tuple[Side, Side] = ("train", "synthetic")
    if any(len(known[s][1]) < _LEAST or not _varies(known[s][1], logistic) for s in pair):
        return None
    design = DesignMatrix.of(known["train"][0], view.names, view.categorical)
    for side in pair:
        design = design.take(_supported(design, *known[side][:2], logistic))
    number = len(design.names)
    if not number or min(_told(known[s][1], logistic) for s in pair) < _PER_EFFECT * number:
        return None
    fits: dict[Side, _Fit] = {}
    for side, (x, y, units) in known.items():
        if side == "holdout" and _told(y, logistic) < _PER_EFFECT * number:
            continue
        inner = design(x)
        model = Glm.fit(inner, y, logistic=logistic)
        covariance = sandwich(model, inner, y, units)[1:, 1:]
        fits[side] = _Fit(model.beta[1:], covariance, by_unit.count_units(units, len(y)))
    return design, fits


def _told(y: Floats, logistic: bool) -> int:
    """Rows that tell of effects: of an event the rarer outcome (Peduzzi et al. 1996)."""
    return min(int((y == 0).sum()), int((y == 1).sum())) if logistic else len(y)


def _varies(y: Floats, logistic: bool) -> bool:
    if logistic:
        return bool(min(np.count_nonzero(y == 0), np.count_nonzero(y == 1)) >= RARE)
    return float(y.std()) > 0


def _supported(design: DesignMatrix, x: Floats, y: Floats, logistic: bool) -> npt.NDArray[np.int64]:
    """Effects that a table can tell: some spread of a number, enough rows of a level.

    Of an event enough rows of a level with and without it: where a level has no event, its effect
    is without bound and the sandwich takes it for known.
    """
    inner = design(x)[:, 1:]
    has = inner != 0
    held = np.minimum(has.sum(axis=0), (~has).sum(axis=0)) >= RARE
    if logistic:
        for event in (y == 0, y == 1):
            held &= has[event].sum(axis=0) >= _LEAST_EVENTS
    level = np.array([name is not None for _, name in design.names], dtype=bool)
    return np.flatnonzero((held | ~level) & (inner.std(axis=0) > 1e-9))


def _overlap(difference: Floats, a: Floats, b: Floats) -> Floats:
    """Overlap of intervals whose centres differ, of standard errors `a` and `b`: (..., effects)."""
    upper = np.minimum(Z95 * a, difference + Z95 * b)
    lower = np.maximum(-Z95 * a, difference - Z95 * b)
    common = np.maximum(upper - lower, 0.0)
    return np.asarray((common / (2 * Z95 * a) + common / (2 * Z95 * b)) / 2)


def _draft(
    evidence: Evidence,
    compared: tuple[DesignMatrix, dict[Side, _Fit]],
    columns: tuple[str, ...],
    group: str,
    outcome: _Outcome,
) -> Draft:
    design, fits = compared
    train, synthetic = fits["train"], fits["synthetic"]
    difference = synthetic.beta - train.beta
    errors = [np.sqrt(np.maximum(np.diag(f.covariance), 1e-18)) for f in (train, synthetic)]
    each = _overlap(difference, *errors)
    value = float(each.mean())
    both = train.covariance + synthetic.covariance
    rng = evidence.rng("coefficients", *columns, group, outcome.label)
    drawn = rng.multivariate_normal(
        np.zeros(len(difference)),
        both,
        size=_DRAWS,
        method="svd",
        check_valid="ignore",  # a sum of covariances; numpy's tolerance is absolute, scales are not
    )
    chance = _overlap(drawn, *errors).mean(axis=-1)
    around = _overlap(difference + drawn, *errors).mean(axis=-1)
    own = float(chance.mean())
    if "holdout" in fits:
        held = fits["holdout"]
        spread = np.sqrt(np.maximum(np.diag(held.covariance), 1e-18))
        own = float(_overlap(held.beta - train.beta, errors[0], spread).mean())
    size, n = len(difference), min(train.units, synthetic.units)
    wald = float(difference @ np.linalg.pinv(both, hermitian=True) @ difference)
    freedom = max(n - size, 1)  # Hotelling's: the covariance is an estimate too
    worst = list(dict.fromkeys(design.names[i][0] for i in np.argsort(each, kind="stable")))[:3]
    return Draft(
        OVERLAP,
        value,
        float(around.var()),
        n,
        reference=own,
        noise=half_width(float(chance.var())),
        p_worse=float(stats.f.sf(wald / size * freedom / max(n - 1, 1), size, freedom)),
        p_better=float(np.mean(chance >= value)),
        columns=columns,
        group=group or None,
        params={
            **({"class": outcome.label} if outcome.label else {}),
            "effects": size,
            "worst": worst,
            "expected": round(float(chance.mean()), 6),
            "interval": "drawn coefficients",
        },
    )
