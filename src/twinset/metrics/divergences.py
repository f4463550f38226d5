"""Divergences of each column on counts: Kullback-Leibler, Hellinger, chi-square."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy import special

from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import Draft, half_width, judge, refuse
from twinset.protocols import Family, Measure, Result
from twinset.stats.intervals import chi_tails, gamma_tails

__all__ = ["Divergences"]

Floats = npt.NDArray[np.float64]
Distance = Callable[[Floats, Floats], Floats]

KL = Measure(
    name="kl_divergence",
    title="Surprise at single values, one way",
    meaning="Bits lost per row if one table's distribution is taken for the other's "
    "(Kullback-Leibler divergence). 0 is equal.",
    high=math.inf,
    formula="sum of p log2(p / q) over up to 32 levels, null and unseen; 1/2 is added to each "
    "count; params.direction: p || q",
    source="Kullback and Leibler 1951; added 1/2: Krichevsky and Trofimov 1981",
)
HELLINGER = Measure(
    name="hellinger",
    title="Distance of single columns (Hellinger)",
    meaning="Distance of the two distributions with more weight on rare values. 0 is equal.",
    formula="sqrt(1 - sum of sqrt(p q)) over the same cells",
    source="Hellinger 1909",
)
CHI_SQUARE = Measure(
    name="chi_square",
    title="Counts of single columns (chi-square)",
    meaning="Pearson's statistic of the two rows of counts; without a difference it is about its "
    "degrees of freedom.",
    high=math.inf,
    formula="Pearson's statistic of the two rows of counts (not of shares); params: df, p (its "
    "p-value)",
    source="Pearson 1900; equals scipy.stats.chi2_contingency; units: Rao and Scott 1981",
)
_LEVELS = 32
_DRAWS = 200


class Divergences:
    """Kullback-Leibler both ways, Hellinger and chi-square of each column.

    On the same cells as the pairs: bins and frequent values of train, null and unseen. What a fresh
    real sample scores is simulated (200 multinomial draws from the pooled real rows, thinned by the
    design effect of units).
    """

    name: ClassVar[str] = "divergences"
    family: ClassVar[Family] = "fidelity"
    needs: ClassVar[str] = "counts"
    measures: ClassVar[tuple[Measure, ...]] = (KL, HELLINGER, CHI_SQUARE)

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return four results a column."""
        if not evidence.columns:
            return [refuse(self.family, m, "no column can be compared") for m in self.measures]
        return judge(self.family, [d for n in evidence.columns for d in _drafts(evidence, n)])


def _drafts(evidence: Evidence, name: str) -> list[Draft]:
    cells = evidence.cells([name], _LEVELS)
    a, b = (cells.counts[s].astype(np.float64) for s in ("train", "synthetic"))
    effect = evidence.pooled_effect([name])
    rng = evidence.rng("divergences", name)
    sizes = a.sum() / effect, b.sum() / effect
    pooled, fresh = evidence.pooled(cells)
    known = pooled / max(float(pooled.sum()), 1.0)
    new = np.where(cells.unseen, fresh / max(int(cells.unseen.sum()), 1), known * (1 - fresh))
    chance = _drawn(sizes[0], known, rng), _drawn(sizes[1], new, rng)
    around = _drawn(sizes[0], a / a.sum(), rng), _drawn(sizes[1], b / b.sum(), rng)
    held = cells.counts["holdout"].astype(np.float64) if "holdout" in evidence.sides else None
    ratio = 1.0 if held is None else (1 / a.sum() + 1 / b.sum()) / (1 / a.sum() + 1 / held.sum())
    drafts = []
    for measure, way, distance in _ALL:
        value = float(distance(a, b))
        null = distance(*chance)
        if measure is CHI_SQUARE:
            null = null * effect
        mean, spread = float(null.mean()), float(null.var())
        own = mean
        if held is not None:
            power = {KL.name: 1.0, HELLINGER.name: 0.5, CHI_SQUARE.name: 0.0}[measure.name]
            own = float(distance(a, held)) * ratio**power
        tails = chi_tails if measure is HELLINGER else gamma_tails
        worse, better = tails(value, mean, spread)
        scatter = float(distance(*around).var()) * (effect**2 if measure is CHI_SQUARE else 1)
        params: dict[str, Any] = {"direction": way} if way else {}
        if measure is CHI_SQUARE:
            df = max(int(np.count_nonzero(a + b)) - 1, 1)
            p = float(special.gammaincc(df / 2, value / effect / 2))
            params |= {"df": df, "p": float(f"{p:.4g}")}
        drafts.append(
            Draft(
                measure,
                value,
                max(scatter, spread),
                evidence.number_of_units("synthetic"),
                reference=own,
                noise=half_width(spread),
                p_worse=worse,
                p_better=better,
                columns=(name,),
                params={**params, "expected": round(mean, 6), "interval": "bootstrap of counts"},
            )
        )
    return drafts


def _drawn(size: float, shares: Floats, rng: np.random.Generator) -> Floats:
    """Return shape (draws, cells): multinomial counts."""
    total = float(shares.sum())
    if total <= 0:
        return np.zeros((_DRAWS, len(shares)))
    drawn = rng.multinomial(max(round(size), 1), shares / total, size=_DRAWS)
    return np.asarray(drawn, dtype=np.float64)


def _smooth(counts: Floats) -> Floats:
    more = counts + 0.5
    return np.asarray(more / more.sum(axis=-1, keepdims=True))


def _kl(a: Floats, b: Floats) -> Floats:
    return np.asarray(special.rel_entr(_smooth(a), _smooth(b)).sum(axis=-1) / math.log(2))


def _kl_back(a: Floats, b: Floats) -> Floats:
    return _kl(b, a)


def _hellinger(a: Floats, b: Floats) -> Floats:
    roots = np.sqrt(a * b).sum(axis=-1) / np.sqrt(a.sum(axis=-1) * b.sum(axis=-1))
    return np.asarray(np.sqrt(np.maximum(1 - roots, 0.0)))


def _chi_square(a: Floats, b: Floats) -> Floats:
    n, m = a.sum(axis=-1, keepdims=True), b.sum(axis=-1, keepdims=True)
    total = np.maximum(a + b, 1e-300)
    return np.asarray(((a * m - b * n) ** 2 / total / (n * m)).sum(axis=-1))


_ALL: tuple[tuple[Measure, str, Distance], ...] = (
    (KL, "train || synthetic", _kl),
    (KL, "synthetic || train", _kl_back),
    (HELLINGER, "", _hellinger),
    (CHI_SQUARE, "", _chi_square),
)
