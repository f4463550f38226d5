"""Principal components of whole rows: their shares of the variance, and where they point."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import Draft, half_width, judge, refuse
from twinset.metrics._samples import LEAST, embedded, frequent, three
from twinset.protocols import Family, Measure, Result
from twinset.stats.intervals import chi_tails, two_sided
from twinset.stats.records import concatenate

__all__ = ["Pca"]

Floats = npt.NDArray[np.float64]

EIGENVALUE = Measure(
    name="pca_eigenvalue_difference",
    title="Variance along a principal component",
    meaning="Synthetic minus train: share of the variance of whole rows along one of their first "
    "principal components (PCA). 0 is equal.",
    unit="share",
    direction="target",
    low=-1,
    formula="synthetic minus train: share of the variance along the first, second and third "
    "principal component (params.component); numbers as ranks, levels as indicators / sqrt(2)",
    source="Jolliffe 2002, section 2.3",
)
ANGLE = Measure(
    name="pca_angle",
    title="Direction of a principal component",
    meaning="Degrees between a principal component of the synthetic rows and that of train (PCA). "
    "Components of nearly equal weight turn freely; fresh real rows show how far.",
    high=90,
    formula="degrees between the components of train and of the release; components with nearly "
    "equal shares turn freely, which noise shows",
    source="Krzanowski 1979",
)
_BLOCKS = 16
_HALVES = 60


@dataclass(frozen=True)
class Pca:
    """Difference of eigenvalues and angle, component by component.

    What chance gives is found on random halves of the rows of train and release together (halves
    of real rows give too little: how freely a component turns hangs on the sample); the interval by
    leaving out a sixteenth of the rows at a time. Both need moments of blocks of rows only.

    Parameters
    ----------
    components
        How many components are looked at.
    most
        Rows taken of each table at most, one a unit.
    """

    name: ClassVar[str] = "pca"
    family: ClassVar[Family] = "fidelity"
    measures: ClassVar[tuple[Measure, ...]] = (EIGENVALUE, ANGLE)
    components: int = 3
    most: int = 4_000

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return two results a component."""
        rng = evidence.rng("pca")
        parts = three(evidence, self.most, rng) if evidence.columns else None
        if parts is None:
            reason = f"fewer than {LEAST} units of a table, or no column"
            return [refuse(self.family, m, reason) for m in self.measures]
        whole = concatenate(parts)
        levels = [frequent(whole.codes[:, j]) for j in range(whole.codes.shape[1])]
        train, release, fresh = (_moments(embedded(p, levels)) for p in parts)
        if train.first.shape[1] < 2 or train.axes()[0].sum() <= 0:
            reason = "the rows have no variance"
            return [refuse(self.family, m, reason) for m in self.measures]
        k = min(self.components, train.first.shape[1])
        value, own = _compare(train, release, k), _compare(train, fresh, k)
        pool = _both(train, release)
        halves = [rng.permutation(2 * _BLOCKS) < _BLOCKS for _ in range(_HALVES)]
        chance = np.array([_compare(pool.take(h), pool.take(~h), k) for h in halves])
        left = [np.arange(_BLOCKS) != b for b in range(_BLOCKS)]
        around = np.array([_compare(train.take(b), release.take(b), k) for b in left])
        variance = around.var(axis=0) * (_BLOCKS - 1)
        size, drafts = len(parts[1]), []
        for i in range(k):
            drafts.append(_eigenvalue(i, value, own, chance, variance, size))
            drafts.append(_angle(i, value, own, chance, variance, size))
        return judge(self.family, drafts)


@dataclass(frozen=True, eq=False)
class _Moments:
    """Moments of blocks of rows: shapes (blocks,), (blocks, d) and (blocks, d, d)."""

    count: Floats
    first: Floats
    second: Floats

    def take(self, blocks: npt.NDArray[np.bool_]) -> _Moments:
        return _Moments(self.count[blocks], self.first[blocks], self.second[blocks])

    def axes(self) -> tuple[Floats, Floats]:
        """Shares of the variance, largest first, and the components as columns."""
        n = self.count.sum()
        mean = self.first.sum(axis=0) / n
        values, vectors = np.linalg.eigh(self.second.sum(axis=0) / n - np.outer(mean, mean))
        values = np.maximum(values[::-1], 0)
        total = float(values.sum())
        return values / total if total > 1e-12 else values * 0, vectors[:, ::-1]


def _moments(rows: Floats) -> _Moments:
    blocks = [rows[b::_BLOCKS] for b in range(_BLOCKS)]
    return _Moments(
        np.array([float(len(b)) for b in blocks]),
        np.stack([b.sum(axis=0) for b in blocks]),
        np.stack([b.T @ b for b in blocks]),
    )


def _both(a: _Moments, b: _Moments) -> _Moments:
    pairs = (a.count, b.count), (a.first, b.first), (a.second, b.second)
    return _Moments(*(np.concatenate(p) for p in pairs))


def _compare(a: _Moments, b: _Moments, k: int) -> Floats:
    """Shape (2, k): differences of shares, angles in degrees."""
    (p, v), (q, w) = a.axes(), b.axes()
    cosine = np.abs((v[:, :k] * w[:, :k]).sum(axis=0))
    return np.stack([(q - p)[:k], np.degrees(np.arccos(np.minimum(cosine, 1.0)))])


def _eigenvalue(
    i: int, value: Floats, own: Floats, chance: Floats, variance: Floats, n: int
) -> Draft:
    gap, spread = float(value[0, i]), float((chance[:, 0, i] ** 2).mean())
    return Draft(
        EIGENVALUE,
        gap,
        max(float(variance[0, i]), 1e-12),
        n,
        reference=float(own[0, i]),
        noise=half_width(spread),
        p_worse=two_sided(gap / math.sqrt(max(spread, 1e-18))),
        params={"component": i + 1, "rows": n, "target": 0.0, "interval": "jackknife"},
    )


def _angle(i: int, value: Floats, own: Floats, chance: Floats, variance: Floats, n: int) -> Draft:
    angle, seen = float(value[1, i]), chance[:, 1, i]
    mean, spread = float(seen.mean()), float(seen.var())
    worse = chi_tails(angle, mean, spread)[0]
    return Draft(
        ANGLE,
        angle,
        max(float(variance[1, i]), spread),
        n,
        reference=float(own[1, i]),
        noise=half_width(spread),
        # components that trade places scatter as no chi does: what chance did reach is no evidence
        p_worse=max(worse, float(np.mean(seen >= angle))),
        params={
            "component": i + 1,
            "rows": n,
            "expected": round(mean, 4),
            "interval": "jackknife",
        },
    )
