"""Nearest neighbours of train against those of the holdout: NNAA, identifiability, NNDR."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import Draft, above, half_width, judge, refuse
from twinset.metrics._samples import LEAST, three
from twinset.protocols import Family, Measure, Records, Result
from twinset.protocols.measures import LEAN
from twinset.stats.neighbours import nearest
from twinset.stats.records import concatenate

__all__ = ["Nnaa"]

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

LOSS = Measure(
    name="nnaa_privacy_loss",
    title="Closeness to train beyond the holdout's (NNAA)",
    meaning="How much more the nearest neighbours mix synthetic rows with train rows than with "
    "rows set aside. 0 is even.",
    low=-1,
    formula="adversarial accuracy of the release against the holdout minus that against train; "
    "adversarial accuracy = 1/2 (share of real rows nearer to another real row than to a "
    "synthetic one + share of synthetic rows nearer to another synthetic one), ties one half",
    source="Yale et al. 2020, eq. 1 and 5",
    standing=LEAN,
    diagnostic=True,
    anchors=(0.0, 0.1),
)
IDENTIFIABILITY = Measure(
    name="identifiability",
    title="Train rows nearer to a synthetic row than to each other",
    meaning="Share of train rows whose nearest neighbour is synthetic (identifiability). Rows set "
    "aside show what is due to the population.",
    unit="share",
    formula="share of train rows that are nearer to a synthetic row than to any other train row, "
    "ties one half; all columns weigh the same",
    source="Yoon et al. 2020, def. 1; reference: the holdout's own share",
    standing=LEAN,
    diagnostic=True,
)
NNDR = Measure(
    name="nndr",
    title="Nearest against second nearest train row",
    meaning="Mean distance ratio of a synthetic row (NNDR). Near 0, it belongs to one train row.",
    direction="higher",
    formula="mean over synthetic rows of the distance to the nearest train row divided by that to "
    "the second nearest (0/0 is 1)",
    source="Lowe 2004; reference: the same with holdout rows",
    standing=LEAN,
    diagnostic=True,
)
_DEALS = 60
_SPARE = 20  # neighbours looked up: one of them at least has either label, but for 2^-20


@dataclass(frozen=True)
class Nnaa:
    """Whether train rows stand out among real rows by their distances. Diagnostics only.

    Train and holdout are equally large; what chance gives is found by dealing their rows to two
    tables at random. A copy whose train row is not among the rows taken is not seen (`copies` and
    `dcr` look at more).

    Parameters
    ----------
    most
        Rows taken of each table at most, one a unit.
    """

    name: ClassVar[str] = "nnaa"
    family: ClassVar[Family] = "privacy"
    measures: ClassVar[tuple[Measure, ...]] = (LOSS, IDENTIFIABILITY, NNDR)
    most: int = 1_500

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return one result a measure."""
        if evidence.holdout is None:
            reason = "there is no holdout to compare with"
            return [refuse(self.family, m, reason) for m in self.measures]
        rng = evidence.rng("nnaa")
        parts = three(evidence, self.most, rng) if evidence.columns else None
        if parts is None:
            reason = f"fewer than {LEAST} units of a table, or no column"
            return [refuse(self.family, m, reason) for m in self.measures]
        train, release, holdout = parts
        size = len(train)
        found = _Distances(concatenate([train, holdout]), release)
        first = np.arange(2 * size) < size
        value, fresh = found.figures(first), found.figures(~first)
        deals = (rng.permutation(first) for _ in range(_DEALS))
        chance = np.std([found.figures(d) - found.figures(~d) for d in deals], axis=0)
        chance = np.maximum(chance, 1 / size)
        loss, mine, ratio = value
        own = [chance[0] ** 2, mine * (1 - mine) / size, found.ratio_variance(first)]
        drafts = []
        figures = (loss - fresh[0], mine, ratio), (0.0, fresh[1], fresh[2])
        for i, measure in enumerate(self.measures):
            v, reference = float(figures[0][i]), float(figures[1][i])
            z = (v - reference if measure.direction == "lower" else reference - v) / chance[i]
            params = {"rows": size, "interval": "analytic and by labels dealt at random"}
            drafts.append(
                Draft(
                    measure,
                    v,
                    max(float(own[i]), float(chance[i]) ** 2 / 2),
                    size,
                    reference=reference,
                    noise=half_width(float(chance[i]) ** 2),
                    p_worse=above(z),
                    params=params,
                )
            )
        return judge(self.family, drafts)


class _Distances:
    """Nearest neighbours of real rows (pooled) and of the release, looked up once."""

    def __init__(self, real: Records, release: Records) -> None:
        k = min(_SPARE, len(real) - 1)
        self._real = _others(*nearest(real, real, k + 1))
        self._to_release = nearest(real, release)[0][:, 0]
        self._from_release = nearest(release, real, k)
        self._release = _others(*nearest(release, release, 2))[0][:, 0]

    def figures(self, part: Flags) -> Values:
        """1 - adversarial accuracy, identifiability and NNDR of the real rows in `part`."""
        own = _first(*self._real, part)[:, 0]
        near = _less(self._to_release, own)[part].mean()
        two = _first(*self._from_release, part, 2)
        resembling = (near + _less(two[:, 0], self._release).mean()) / 2
        return np.array([resembling, near, _ratio(two).mean()])

    def ratio_variance(self, part: Flags) -> float:
        """Variance of the mean NNDR over synthetic rows."""
        found = _ratio(_first(*self._from_release, part, 2))
        return float(found.var()) / max(len(found), 1)


def _others(apart: npt.NDArray[np.float32], rows: Ints) -> tuple[npt.NDArray[np.float32], Ints]:
    """Take each row itself out of its neighbours, or the last one if equal rows hid it."""
    n, k = rows.shape
    itself = rows == np.arange(n)[:, None]
    itself[~itself.any(axis=1), -1] = True
    return apart[~itself].reshape(n, k - 1), rows[~itself].reshape(n, k - 1)


def _first(apart: npt.NDArray[np.float32], rows: Ints, part: Flags, number: int = 1) -> Values:
    """Distances of the first neighbours in `part`, shape (rows, number); the last if too few."""
    nth = np.cumsum(part[rows], axis=1)
    at = [np.minimum((nth < i + 1).sum(axis=1), rows.shape[1] - 1) for i in range(number)]
    return np.take_along_axis(apart, np.stack(at, axis=1), axis=1).astype(np.float64)


def _less(a: npt.NDArray[np.floating], b: npt.NDArray[np.floating]) -> Values:
    tie = np.isclose(a, b, rtol=1e-6, atol=1e-7)
    return np.where(tie, 0.5, (a < b).astype(np.float64))


def _ratio(two: Values) -> Values:
    return np.where(two[:, 1] > 0, two[:, 0] / np.maximum(two[:, 1], 1e-12), 1.0)
