"""Authenticity: rows that are not nearer to a train row than its own nearest neighbour is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import Draft, above, half_width, judge, refuse
from twinset.protocols import Family, Measure, Records, Result
from twinset.stats import neighbours, units
from twinset.stats.intervals import normal_interval

__all__ = ["Authenticity", "authentic"]

Floats = npt.NDArray[np.float64]

MEASURE = Measure(
    name="authenticity",
    title="Rows that are their own",
    meaning="Share of synthetic rows that lie farther from their nearest train row than that row's "
    "nearest neighbour does. A warning light, not a guarantee.",
    unit="share",
    direction="higher",
    formula="share of synthetic rows whose nearest train row is farther away than that row's own "
    "nearest other train row; ties one half",
    source="Alaa et al. 2022; reference: the holdout's own share",
    diagnostic=True,
    anchors=(),
    least=0.1,
)
_LEAST = 30


@dataclass(frozen=True)
class Authenticity:
    """Share of synthetic rows that are no near copy of a train row. A diagnostic only.

    Parameters
    ----------
    rows
        Rows of synthetic and of holdout at most.
    base
        Rows of train at most.
    """

    name: ClassVar[str] = "authenticity"
    family: ClassVar[Family] = "privacy"
    measures: ClassVar[tuple[Measure, ...]] = (MEASURE,)
    rows: int = 3_000
    base: int = 50_000

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return one result."""
        if evidence.holdout is None:
            return [refuse(self.family, MEASURE, "there is no holdout to compare with")]
        records = evidence.records()
        if min(map(len, records.values())) < _LEAST or not evidence.columns:
            reason = f"fewer than {_LEAST} rows of a table, or no column"
            return [refuse(self.family, MEASURE, reason)]
        rng = evidence.rng("authenticity")
        chosen = {
            s: units.draw(t.units, t.num_rows, most, rng)
            for s, t, most in (
                ("train", evidence.train, self.base),
                ("synthetic", evidence.synthetic, self.rows),
                ("holdout", evidence.holdout, self.rows),
            )
        }
        base = records["train"].take(chosen["train"])
        value, variance = authentic(records["synthetic"].take(chosen["synthetic"]), base)
        own, its = authentic(records["holdout"].take(chosen["holdout"]), base)
        effect = max(t.num_rows / max(t.num_units, 1) for t in (evidence.train, evidence.holdout))
        null = effect * its * (1 + len(chosen["holdout"]) / len(chosen["synthetic"]))
        z = (own - value) / max(max(null, variance + its), 1e-12) ** 0.5
        draft = Draft(
            MEASURE,
            value,
            variance,
            evidence.number_of_units("synthetic"),
            reference=own,
            noise=half_width(null),
            p_worse=above(z),
            params={"rows": len(chosen["synthetic"]), "interval": "analytic, by nearest train row"},
            interval=normal_interval(value, variance * effect, 0.0, 1.0),
        )
        return judge(self.family, [draft])


def authentic(queries: Records, base: Records) -> tuple[float, float]:
    """Share of authentic queries, and its variance with queries of one nearest row together."""
    near, at = neighbours.nearest(queries, base)
    rows, place = np.unique(at[:, 0], return_inverse=True)
    place = place.reshape(-1)
    apart, who = neighbours.nearest(base.take(rows), base, k=2)
    # the row itself is one of the two nearest, unless equal rows come before it
    other = np.where(who[:, 0] == rows, apart[:, 1], apart[:, 0])
    gap = near[:, 0].astype(np.float64) - other[place]
    own = np.where(np.abs(gap) <= 1e-6, 0.5, (gap > 0).astype(np.float64))
    value = float(own.mean())
    sums = np.bincount(place, weights=own - value)
    least = 1 / (4 * len(own) ** 2)
    return value, max(float(sums @ sums) / len(own) ** 2, least)
