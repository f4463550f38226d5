"""Groups of rows and their intersections: how many there are, and how well each is served."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.coded import Codes, Side
from twinset.evidence.evidence import Evidence
from twinset.metrics._column_sets import would_change
from twinset.metrics._groups import LEAST, Grouping, groupings
from twinset.metrics._judge import Draft, half_width, judge, refuse
from twinset.protocols import Family, Measure, Result
from twinset.stats import marginals
from twinset.stats.intervals import cauchy, chi_tails, proportions_differ

__all__ = ["Subgroups"]

Floats = npt.NDArray[np.float64]

SHARE = Measure(
    name="subgroup_share",
    title="Size of groups",
    meaning="Synthetic minus train: the share of the rows that are of a group. 0 is equal.",
    unit="share",
    direction="target",
    low=-1,
    formula="share of a group's rows in synthetic minus that in train",
    problem="{group}: {value} points too {kind} rows ({after}% instead of {before}%; noise "
    "{noise})",
)
TVD = Measure(
    name="subgroup_tvd",
    title="Columns inside a group",
    meaning=would_change("a column, on average, inside a group"),
    unit="share",
    formula="mean over the other columns of the total variation distance inside a group (up to 8 "
    "codes a column, null and unseen besides)",
    source="p over columns: Cauchy combination, Liu and Xie 2020",
    problem="{group}: served worst of all groups: {excess}% of its rows beyond chance, most in "
    "{params[worst]} (noise {noise})",
    anchors=(0.0, 0.05),
)
_LEVELS = 8
_ODD = 1.0  # rows of a value that no real row of a group happened to have are no surprise


class Subgroups:
    """Share of each group, and TVD of the other columns inside it: who is served worst.

    Groups are the values of sensitive columns and of columns with 2 to 12 categories, and their
    intersections, with at least 30 units of train. Verdicts are corrected over all groups.
    """

    name: ClassVar[str] = "subgroups"
    family: ClassVar[Family] = "fidelity"
    measures: ClassVar[tuple[Measure, ...]] = (SHARE, TVD)

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return two results a group."""
        found = groupings(evidence, sensitive=False)
        if not found:
            reason = f"no column has two groups of {LEAST} units of train"
            return [refuse(self.family, m, reason) for m in self.measures]
        drafts: list[Draft] = []
        refused: list[Result] = []
        for grouping in found:
            drafts += _share_drafts(evidence, SHARE, grouping)
            inside = _inside(evidence, grouping)
            drafts += inside
            have = {d.group for d in inside}
            reason = f"fewer than {LEAST} rows in the release, or no other column"
            refused += [
                refuse(self.family, TVD, reason, columns=grouping.columns, params={"group": g})
                for g in grouping.names
                if g not in have
            ]
        return [*judge(self.family, drafts), *refused]


def _share_drafts(evidence: Evidence, measure: Measure, grouping: Grouping) -> list[Draft]:
    """Compare the share of each group in synthetic and in train."""
    held = {s: grouping.rows(s) for s in evidence.sides}
    rows = {s: evidence.rows(s) for s in evidence.sides}
    effect = evidence.pooled_effect(grouping.columns)
    real: tuple[Side, ...] = ("train", "holdout") if "holdout" in held else ("train",)
    drafts = []
    for i, name in enumerate(grouping.names):
        share = {s: held[s][i] / rows[s] for s in held}
        pooled = sum(held[s][i] for s in real) / sum(rows[s] for s in real)
        null = effect * pooled * (1 - pooled) * (1 / rows["train"] + 1 / rows["synthetic"])
        variance = effect * sum(share[s] * (1 - share[s]) / rows[s] for s in ("train", "synthetic"))
        sides = proportions_differ(
            held["synthetic"][i], rows["synthetic"], held["train"][i], rows["train"], effect
        )
        # counts of few holdout rows are not published
        known = "holdout" in share and held["holdout"][i] >= LEAST
        own = float(share["holdout"] - share["train"]) if known else 0.0
        drafts.append(
            Draft(
                measure,
                float(share["synthetic"] - share["train"]),
                float(variance),
                evidence.number_of_units("synthetic"),
                reference=own,
                noise=half_width(float(null)),
                p_worse=min(1.0, 2 * min(sides)),
                columns=grouping.columns,
                group=name,
                params={"train": round(float(share["train"]), 5), "target": 0.0},
            )
        )
    return drafts


def _inside(evidence: Evidence, grouping: Grouping) -> list[Draft]:
    others = [n for n in evidence.columns if n not in grouping.columns]
    if not others:
        return []
    sides = evidence.sides
    tables = []
    for name in others:
        cells = evidence.cells([name], _LEVELS)
        codes: dict[Side, Codes] = {s: cells.codes[s][0] for s in sides}
        tables.append({s: grouping.joint(s, codes[s], cells.shape[0]) for s in sides})
    effects = [evidence.pooled_effect([n]) for n in others]
    rows = {s: grouping.rows(s) for s in sides}
    drafts = []
    for i, name in enumerate(grouping.names):
        if rows["synthetic"][i] < LEAST:
            continue
        size = {s: int(rows[s][i]) for s in sides}
        counts = [{s: t[s][i] for s in sides} for t in tables]
        chance = _Chance.of(size)
        found = np.array([chance.judge(c, e) for c, e in zip(counts, effects, strict=True)])
        value, mean, own = (float(v) for v in found[:, :3].mean(axis=0))
        null, spread = (float(np.sqrt(v).mean() ** 2) for v in (found[:, 3], found[:, 4]))
        drafts.append(
            Draft(
                TVD,
                value,
                spread,
                size["synthetic"],
                reference=own,
                noise=half_width(null),
                p_worse=cauchy(found[:, 5]),
                columns=grouping.columns,
                group=name,
                params={
                    "expected": round(mean, 6),
                    "worst": [others[j] for j in np.argsort(found[:, 5], kind="stable")[:3]],
                    "interval": "analytic, columns taken as going together",
                },
            )
        )
    return drafts


@dataclass(frozen=True)
class _Chance:
    """What chance gives inside one group: for a release, for the holdout, for rows dealt anew."""

    size: dict[Side, int]
    release: marginals.SplitNull
    holdout: marginals.SplitNull | None
    dealt: marginals.SplitNull

    @classmethod
    def of(cls, size: dict[Side, int]) -> _Chance:
        """Set up for a group of these sizes."""
        train, sizes = size["train"], (size["train"], size["synthetic"])
        dealt = marginals.SplitNull(sizes, sizes)
        if size.get("holdout", 0) < LEAST:
            half = (train - train // 2, train // 2)
            return cls(size, marginals.SplitNull(half, sizes), None, dealt)
        split = train, size["holdout"]
        at_split = marginals.SplitNull(split, split)
        return cls(size, marginals.SplitNull(split, sizes), at_split, dealt)

    def judge(
        self, counts: dict[Side, npt.NDArray[np.int64]], effect: float
    ) -> tuple[float, float, float, float, float, float]:
        """Value, its mean by chance, the holdout's, variance by chance and of sampling, and p."""
        a, b = counts["train"], counts["synthetic"]
        value = marginals.tvd(a, b)
        if self.holdout is None:
            mean, null = self.release.tvd(a, _ODD / self.size["train"], effect)
            own = mean
        else:
            held = counts["holdout"]
            rows = self.size["holdout"]
            fresh = max(float(held[-1]) / rows, _ODD / (self.size["train"] + rows))
            pooled = a + held
            pooled[-1] = 0
            mean, null = self.release.tvd(pooled, fresh, effect)
            at_split = self.holdout.tvd(pooled, fresh, effect)[0]
            own = marginals.tvd(a, held) * (mean / at_split if at_split > 0 else 1.0)
        spread = marginals.tvd_variance(a, b, (effect, effect))[0]
        # rows of train and release dealt anew: right also where real rows are too few to know
        deal = self.dealt.tvd(a + b, 0.0, effect)
        p = max(chi_tails(value, mean, null)[0], chi_tails(value, *deal)[0])
        return value, mean, min(own, 1.0), null, spread, p
