"""Distance to the closest real record: does the release lean towards train? A diagnostic only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import Draft, above, half_width, judge, refuse
from twinset.protocols import Family, Measure, Records, Result
from twinset.protocols.measures import LEAN
from twinset.stats import neighbours, units
from twinset.stats.intervals import proportions_differ, wilson

__all__ = ["Dcr"]

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

SHARE = Measure(
    name="dcr_share",
    title="Rows that lean towards the train data",
    meaning="Share of synthetic rows whose nearest real row is a train row, not one set aside "
    "(distance to closest record, DCR). 50% is even. A warning light, not a guarantee.",
    unit="share",
    formula="share of synthetic rows nearer to a train row than to a holdout row, ties one half; "
    "equally many train and holdout rows, mean of 10 draws",
    source="one encoding and scale for train and holdout together",
    goal="closer to 50% is better",
    standing=LEAN,
    problem="{value}% of the rows are nearer to a train row than to a holdout row (DCR share); "
    "fresh real rows: {reference}% (noise {noise})",
    diagnostic=True,
    anchors=(0.45, 0.65),
)
NEAR = Measure(
    name="near_copies",
    title="Near copies of real rows",
    meaning="Share of synthetic rows that lie as close to a train row as the closest 1% of fresh "
    "real rows do.",
    unit="share",
    formula="share of synthetic rows whose nearest train row is nearer than, or as near as, that "
    "of the nearest 1% of holdout rows",
    source="reference: the holdout's own share",
    problem="{value}% of the rows come as close to a train row as the nearest 1% of real rows; "
    "fresh real rows: {reference}% (noise {noise})",
    anchors=(0.0, 0.01),
)
_LEAST = 30
_NEAREST = 0.01


@dataclass(frozen=True)
class Dcr:
    """DCR share and near copies. Never a guarantee: a leak can hide from distances.

    Parameters
    ----------
    draws
        Draws of equal size.
    rows
        Synthetic rows taken at most, over all draws.
    base
        Rows of train and of holdout in a draw at most. Fewer rows than there are hide copies, so
        rather the synthetic rows are thinned: `distances` bounds the distances computed.
    distances
        Synthetic rows times train and holdout rows at most.
    """

    name: ClassVar[str] = "dcr"
    family: ClassVar[Family] = "privacy"
    measures: ClassVar[tuple[Measure, ...]] = (SHARE, NEAR)
    draws: int = 10
    rows: int = 10_000
    base: int = 50_000
    distances: int = 400_000_000

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return the DCR share and the near copies."""
        if evidence.holdout is None:
            reason = "there is no holdout to compare distances with"
            return [refuse(self.family, m, reason) for m in self.measures]
        records = evidence.records()
        smallest = min(len(records["train"]), len(records["holdout"]))
        if smallest < _LEAST or not evidence.columns:
            reason = f"fewer than {_LEAST} rows of train or holdout, or no column"
            return [refuse(self.family, m, reason) for m in self.measures]
        found = self._draw(evidence, records["train"], records["holdout"], records["synthetic"])
        return judge(self.family, [self._share(evidence, found), self._near(evidence, found)])

    def _draw(
        self, evidence: Evidence, train: Records, holdout: Records, release: Records
    ) -> _Found:
        rng = evidence.rng("dcr")
        size = min(len(train), len(holdout), self.base)
        most = min(self.rows, max(self.distances // (2 * size), 100))
        queries = rng.permutation(len(release))[:most]
        blocks = np.array_split(queries, min(self.draws, len(queries)))
        tables = evidence.train, evidence.holdout
        real = train, holdout
        owned = [np.zeros(len(r)) for r in real]
        won, near, fresh, held = [], [], [], []
        for block in blocks:
            chosen = [
                units.draw(None if t is None else t.units, len(r), size, rng)
                for t, r in zip(tables, real, strict=True)
            ]
            found = [
                neighbours.nearest(release.take(block), r.take(at))
                for r, at in zip(real, chosen, strict=True)
            ]
            (d_train, _), (d_holdout, _) = found
            wins = _wins(d_train[:, 0], d_holdout[:, 0])
            for i, (_, rows) in enumerate(found):
                part = wins if i == 0 else 1 - wins
                np.add.at(owned[i], chosen[i][rows[:, 0]], part / len(queries))
            won.append(wins)
            near.append(d_train[:, 0])
            apart = rng.choice(len(holdout), min(len(block) // 2 + 1, len(holdout)), replace=False)
            held.append(apart)
            fresh.append(neighbours.nearest(holdout.take(apart), train.take(chosen[0]))[0][:, 0])
        apart = np.concatenate(held)  # a row drawn twice is one witness
        owner = None if evidence.holdout is None else evidence.holdout.units
        # whole units keep together if labels train/holdout are dealt anew
        weights = [
            np.bincount(units.compact(None if t is None else t.units, len(o)), weights=o)
            for t, o in zip(tables, owned, strict=True)
        ]
        return _Found(
            np.concatenate(won),
            np.concatenate(near),
            np.concatenate(fresh),
            float(sum((w**2).sum() for w in weights)),
            units.compact(
                None if evidence.synthetic.units is None else evidence.synthetic.units[queries],
                len(queries),
            ),
            units.compact(apart if owner is None else owner[apart], len(apart)),
            len(blocks),
        )

    def _share(self, evidence: Evidence, found: _Found) -> Draft:
        value = float(found.won.mean())
        own = np.bincount(found.units, weights=found.won - value)
        sampling = float(own @ own) / len(found.won) ** 2
        # labels dealt at random over real rows: each row's weight enters squared
        null = found.concentration / 4
        variance = max(sampling, 4 * value * (1 - value) * null)
        return Draft(
            SHARE,
            value,
            variance,
            evidence.number_of_units("synthetic"),
            reference=0.5,
            noise=half_width(null),
            p_worse=above((value - 0.5) / max(null, 1e-12) ** 0.5),
            params={
                "draws": found.draws,
                "rows": len(found.won),
                "interval": "analytic: labels dealt at random over real rows",
            },
        )

    def _near(self, evidence: Evidence, found: _Found) -> Draft:
        mark = float(np.quantile(found.fresh, _NEAREST))
        count = int(np.count_nonzero(found.near <= mark))
        other = int(np.count_nonzero(found.fresh <= mark))
        size, fresh = len(found.near), len(found.fresh)
        share = (other + 0.5) / (fresh + 1)
        effect = max(
            units.design_effect((d <= mark).astype(np.int64), ids, 2)
            for d, ids in ((found.near, found.units), (found.fresh, found.fresh_units))
        )
        params: dict[str, Any] = {"rows": size, "interval": "Wilson"}
        return Draft(
            NEAR,
            count / size,
            0.0,
            evidence.number_of_units("synthetic"),
            reference=other / fresh,
            noise=half_width(effect * share * (1 - share) * (1 / size + 1 / fresh)),
            p_worse=proportions_differ(count, size, other, fresh, effect)[0],
            params=params,
            interval=wilson(count / effect, size / effect),
        )


@dataclass(frozen=True)
class _Found:
    """What the draws gave.

    `won` is 1 where train is nearer, 1/2 for a tie; `near` and `fresh` are distances to train of
    release and holdout; `concentration` is the sum of squared weights of real units; `units` and
    `fresh_units` say whose the rows of release and holdout are.
    """

    won: npt.NDArray[np.float64]
    near: Floats
    fresh: Floats
    concentration: float
    units: Rows
    fresh_units: Rows
    draws: int


def _wins(train: Floats, holdout: Floats) -> npt.NDArray[np.float64]:
    tie = np.isclose(train, holdout, rtol=1e-6, atol=1e-7)
    return np.where(tie, 0.5, (train < holdout).astype(np.float64))
