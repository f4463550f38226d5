"""Fairness of the data: how the target is spread over groups, in the release and in train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.coded import Side
from twinset.evidence.evidence import Evidence
from twinset.metrics._groups import LEAST, Grouping, groupings, outcomes
from twinset.metrics._judge import Draft, half_width, judge, refuse
from twinset.protocols import Family, Measure, Result
from twinset.stats.intervals import two_sided
from twinset.stats.units import unit_counts

__all__ = ["BaseRates"]

Floats = npt.NDArray[np.float64]

RATE = Measure(
    name="base_rate_difference",
    title="The target in each group",
    meaning="Synthetic minus train: the share of a group's rows with this outcome. 0 is equal.",
    unit="share",
    direction="target",
    low=-1,
    formula="P(target is params.class | group) in synthetic minus that in train; of a number: "
    "mean of its ranks in train",
    problem="{group}: {value} points too {kind} with {outcome} ({after}% instead of {before}%; "
    "noise {noise})",
)
GAP = Measure(
    name="parity_gap_difference",
    title="Disparity between groups",
    meaning="Synthetic minus train: the largest gap between groups in the share with this outcome. "
    "0 is equal.",
    unit="share",
    direction="target",
    low=-1,
    formula="largest minus smallest rate over the groups of params.by, in synthetic minus in "
    "train: more than 0, the release has more disparity than the data",
    source="demographic parity difference of the data themselves",
)
_MINIMUM = 10  # units in a published cell


@dataclass(frozen=True)
class BaseRates:
    """Base rates of the target in each group of the sensitive columns and their intersections."""

    name: ClassVar[str] = "base_rates"
    family: ClassVar[Family] = "fairness"
    measures: ClassVar[tuple[Measure, ...]] = (RATE, GAP)

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return one result a group and class, and one gap a grouping and class."""
        reason = ""
        if not evidence.sensitive:
            reason = "no sensitive column was named"
        elif evidence.target is None:
            reason = "there is no target column"
        if reason:
            return [refuse(self.family, m, reason) for m in self.measures]
        found = [g for g in groupings(evidence, sensitive=True) if evidence.target not in g.columns]
        classes = outcomes(evidence)
        drafts: list[Draft] = []
        for grouping in found:
            for label, values in classes.items():
                drafts += _grouped(evidence, grouping, label, values)
        if not drafts:
            reason = f"the sensitive columns have no two groups of {LEAST} units, or the target one"
            return [refuse(self.family, m, reason) for m in self.measures]
        have = {d.measure.name for d in drafts}
        missing = [m for m in self.measures if m.name not in have]
        refused = [refuse(self.family, m, "fewer than two groups can be compared") for m in missing]
        return [*judge(self.family, drafts), *refused]


def _grouped(
    evidence: Evidence, grouping: Grouping, label: str, values: dict[Side, Floats]
) -> list[Draft]:
    """Return drafts of one grouping; groups with too few known outcomes are left out."""
    size = len(grouping.names)
    n: dict[Side, npt.NDArray[np.int64]] = {}
    mean: dict[Side, Floats] = {}
    spread: dict[Side, Floats] = {}
    for side in evidence.sides:
        own, y = grouping.codes[side], values[side]
        there = (own >= 0) & ~np.isnan(y)
        count = np.bincount(own[there], minlength=size)
        safe = np.maximum(count, 1)
        first = np.bincount(own[there], weights=y[there], minlength=size) / safe
        second = np.bincount(own[there], weights=y[there] ** 2, minlength=size) / safe
        n[side], mean[side] = count, first
        spread[side] = np.maximum(second - first**2, 1 / (4 * safe))
    large = (n["train"] >= LEAST) & (n["synthetic"] >= LEAST)
    usable = np.flatnonzero(_told(evidence, grouping, large, "train", label, values))
    if not len(usable):
        return []
    effect = evidence.pooled_effect((*grouping.columns, evidence.target or ""))
    chance = effect * spread["train"] * (1 / np.maximum(n["train"], 1))
    null = chance + effect * spread["train"] / np.maximum(n["synthetic"], 1)
    variance = chance + effect * spread["synthetic"] / np.maximum(n["synthetic"], 1)
    gap = np.asarray(mean["synthetic"] - mean["train"])
    shown = np.zeros(size, dtype=bool)
    beside = np.zeros(size)
    if "holdout" in n:
        shown = _told(evidence, grouping, n["holdout"] >= LEAST, "holdout", label, values)
        beside = np.where(shown, mean["holdout"] - mean["train"], 0.0)
    known = {"class": label} if label else {}
    drafts = [
        Draft(
            RATE,
            float(gap[i]),
            float(variance[i]),
            int(n["synthetic"][i]),
            reference=float(beside[i]),
            noise=half_width(float(null[i])),
            p_worse=two_sided(float(gap[i] / np.sqrt(max(null[i], variance[i])))),
            columns=(*grouping.columns, evidence.target or ""),
            group=grouping.names[i],
            params={**known, "train": round(float(mean["train"][i]), 5), "target": 0.0},
        )
        for i in usable
    ]
    if len(usable) < 2:
        return drafts
    if not shown[usable].all():
        mean.pop("holdout", None)
    return [*drafts, _gap(evidence, grouping, known, usable, (n, mean, null, variance))]


def _told(
    evidence: Evidence,
    grouping: Grouping,
    large: npt.NDArray[np.bool_],
    side: Side,
    label: str,
    values: dict[Side, Floats],
) -> npt.NDArray[np.bool_]:
    """Of the `large` groups those that may be told: not 1 to 9 units are of a class, nor the rest.

    The rest is what the other groups and the whole leave of the class by subtraction.
    """
    if not label:
        return large
    own, y = grouping.codes[side], values[side]
    there = (own >= 0) & ~np.isnan(y)
    cell = np.where(there, 2 * own + (y == 1), 2 * len(grouping.names))
    held = unit_counts(cell, evidence.units(side), 2 * len(grouping.names) + 1)[:-1]
    told = large & ~((held > 0) & (held < _MINIMUM)).reshape(-1, 2).any(axis=1)
    return grouping.conceal(evidence, told, [(side, y == 0), (side, y == 1)])


def _gap(
    evidence: Evidence,
    grouping: Grouping,
    known: dict[str, str],
    usable: npt.NDArray[np.int64],
    found: tuple[dict[Side, npt.NDArray[np.int64]], dict[Side, Floats], Floats, Floats],
) -> Draft:
    """Largest minus smallest rate; by chance as simulated from train's own rates."""
    n, mean, null, variance = found
    rng = evidence.rng("base_rates", *grouping.columns, known.get("class", ""))
    train, release = mean["train"][usable], mean["synthetic"][usable]
    value = float(np.ptp(release) - np.ptp(train))
    scatter = rng.normal(size=(400, len(usable)))
    around = np.ptp(release + scatter * np.sqrt(variance[usable]), axis=1) - np.ptp(release)
    chance = np.ptp(train + scatter * np.sqrt(null[usable]), axis=1) - np.ptp(train)
    reference = float(chance.mean())
    if "holdout" in mean:
        reference = float(np.ptp(mean["holdout"][usable]) - np.ptp(train))
    sd = max(float(chance.std()), 1e-9)
    return Draft(
        GAP,
        value,
        float(around.var()),
        int(n["synthetic"][usable].sum()),
        reference=reference,
        noise=half_width(sd**2),
        p_worse=two_sided((value - float(chance.mean())) / sd),
        columns=(*grouping.columns, evidence.target or ""),
        params={
            **known,
            "by": list(grouping.columns),
            "train": round(float(np.ptp(train)), 5),
            "target": 0.0,
        },
    )
