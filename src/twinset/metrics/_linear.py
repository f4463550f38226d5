"""Linear and logistic models with main effects: the design, the fit, and its covariance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg, special

from twinset.stats.units import Units, compact

__all__ = ["DesignMatrix", "Glm", "logistic", "sandwich"]

Floats = npt.NDArray[np.float64]
LEVELS = 8  # levels of a category with an effect of their own
WIDTH = 120  # effects, about: of more columns some are left out
RARE = 30  # rows that a level must have
_FAR = 5.0  # standard deviations at which numbers are cut
_UNEXPLAINED = 0.05  # of the variance of an effect, by the others
_STEPS = 25


@dataclass(frozen=True, eq=False)
class DesignMatrix:
    """Main effects of features: standardised numbers, indicators of levels and of null.

    Attributes
    ----------
    names
        The feature and the level (None for a number, -1 for null) of each effect.
    """

    names: tuple[tuple[str, int | None], ...]
    places: tuple[int, ...]
    centre: Floats
    scale: Floats

    @classmethod
    def of(cls, x: Floats, names: tuple[str, ...], categorical: tuple[int, ...]) -> DesignMatrix:
        """Fit to features of shape (rows, p); effects that others explain are left out.

        Of more than `WIDTH` columns as many are taken, evenly spread; with many columns, fewer
        levels of each have an effect.
        """
        effects: list[tuple[int, int | None]] = []
        width = x.shape[1]
        levels = int(np.clip(WIDTH // max(width, 1), 1, LEVELS))
        for j in np.unique(np.linspace(0, width - 1, min(width, WIDTH)).astype(int)).tolist():
            null = np.isnan(x[:, j])
            if RARE <= null.sum() < len(x):
                effects.append((j, -1))
            if j not in categorical:
                effects.append((j, None))
                continue
            held = np.bincount(x[~null, j].astype(np.int64))
            top = np.argsort(-held, kind="stable")[1 : levels + 1]  # the first is the base
            effects += [(j, int(c)) for c in top if held[c] >= RARE]
        known = ~np.isnan(x).all(axis=0)
        centre, scale = np.zeros(x.shape[1]), np.ones(x.shape[1])
        centre[known] = np.nanmean(x[:, known], axis=0)
        scale[known] = np.nanstd(x[:, known], axis=0)
        first = cls(
            tuple((names[j], level) for j, level in effects),
            tuple(j for j, _ in effects),
            centre,
            np.where(scale > 0, scale, 1.0),
        )
        return first.take(_independent(first(x)))

    def take(self, chosen: npt.NDArray[np.int64]) -> DesignMatrix:
        """Keep some effects."""
        names = tuple(self.names[i] for i in chosen)
        return DesignMatrix(names, tuple(self.places[i] for i in chosen), self.centre, self.scale)

    def __call__(self, x: Floats) -> Floats:
        """Return shape (rows, 1 + effects); the first column is one."""
        out = np.ones((len(x), 1 + len(self.names)))
        for k, (j, (_, level)) in enumerate(zip(self.places, self.names, strict=True), 1):
            if level is None:
                z = np.clip((x[:, j] - self.centre[j]) / self.scale[j], -_FAR, _FAR)
                out[:, k] = np.where(np.isnan(z), 0.0, z)
            else:
                out[:, k] = np.isnan(x[:, j]) if level < 0 else x[:, j] == level
        return out


def _independent(x: Floats) -> npt.NDArray[np.int64]:
    """Return the effects that intercept and earlier pivots do not explain (pivoted QR)."""
    inner = x[:, 1:] - x[:, 1:].mean(axis=0)
    spread = np.sqrt((inner**2).mean(axis=0))
    some = np.flatnonzero(spread > 1e-9)
    if not len(some):
        return some
    inner = inner[:, some] / spread[some]
    triangle, order = linalg.qr(inner.T @ inner / len(x), mode="r", pivoting=True)
    return np.sort(some[order[np.abs(np.diag(triangle)) > _UNEXPLAINED]])


@dataclass(frozen=True, eq=False)
class Glm:
    """A linear or logistic model; `beta` has shape (1 + effects,)."""

    beta: Floats
    logistic: bool

    @classmethod
    def fit(cls, x: Floats, y: Floats, *, logistic: bool) -> Glm:
        """Fit to a design of shape (rows, 1 + effects)."""
        if logistic:
            return cls(_newton(x, y), True)
        ridge = 1e-8 * len(x) * np.eye(x.shape[1])
        return cls(np.asarray(np.linalg.solve(x.T @ x + ridge, x.T @ y)), False)

    def predict(self, x: Floats) -> Floats:
        """Return shape (rows,): numbers or chances."""
        found = x @ self.beta
        return np.asarray(special.expit(found) if self.logistic else found)


def logistic(x: Floats, y: Floats) -> Floats:
    """Fitted chances of a logistic regression with intercept."""
    x = np.column_stack([np.ones(len(x)), x])
    return np.asarray(special.expit(x @ _newton(x, y)))


def _newton(x: Floats, y: Floats) -> Floats:
    beta = np.zeros(x.shape[1])
    for _ in range(_STEPS):
        p = special.expit(x @ beta)
        weight = np.maximum(p * (1 - p), 1e-9)
        hessian = (x * weight[:, None]).T @ x
        # a little ridge: where one column tells all, the chances go to 0 and 1, not the steps
        hessian[np.diag_indices_from(hessian)] += 1e-8 * len(x)
        step = np.linalg.solve(hessian, x.T @ (y - p))
        beta += step / max(1.0, float(np.abs(step).max()) / 5)
        if np.abs(step).max() < 1e-8:
            break
    return beta


def sandwich(model: Glm, x: Floats, y: Floats, units: Units) -> Floats:
    """Covariance of the coefficients that holds for any errors, dependent inside units.

    White 1980, eq. 6; by unit: Liang and Zeger 1986, with factor units / (units - 1).
    """
    found = model.predict(x)
    weight = found * (1 - found) if model.logistic else np.ones(len(x))
    bread = np.linalg.pinv((x * np.maximum(weight, 1e-9)[:, None]).T @ x, hermitian=True)
    score = x * (y - found)[:, None]
    if units is not None:
        ids = compact(units, len(x))
        summed = np.zeros((int(ids.max()) + 1, x.shape[1]))
        np.add.at(summed, ids, score)
        score = summed
    number = len(score)
    return np.asarray(bread @ (score.T @ score) @ bread * number / max(number - 1, 1))
