"""Two groups at a time: the intersections that are too small or too large."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.coded import Side
from twinset.evidence.evidence import Evidence
from twinset.metrics._groups import column_groups
from twinset.metrics._judge import FALSE_DISCOVERIES, Draft, half_width, judge, refuse
from twinset.protocols import Family, Measure, Result
from twinset.stats.intervals import proportions_differ
from twinset.stats.marginals import rake
from twinset.stats.units import holders

__all__ = ["Intersections"]

Floats = npt.NDArray[np.float64]

DIFFERENCE = Measure(
    name="intersection_difference",
    title="Two groups at once",
    meaning="Synthetic minus real rows: the share of the rows that are of both groups, where it "
    "stands out most of all that were looked at. 0 is equal.",
    unit="share",
    direction="target",
    low=-1,
    formula="share of rows that are of two groups at once (a value or a range of each of two "
    "columns) in synthetic minus that in real rows; of all that were scanned the one that stands "
    "out most, and others beyond chance",
    source="conditional binomial test by units (Przyborowski and Wilenski 1940), Bonferroni over "
    "the intersections scanned",
    problem="{group}: {value} points too {kind} rows are both ({after}% instead of {before}%; "
    "noise {noise})",
)
_EXPECTED = 5.0  # rows that the release has, or should have
_MINIMUM = 10  # train units in what is named
_SHOWN = 5
_TRIED = 40


@dataclass(frozen=True)
class _Cell:
    """An intersection: its rows in the release and in real tables, and how far they are apart.

    `z` is 0 where the margins explain most of the distance.
    """

    columns: tuple[str, str]
    groups: tuple[int, int]
    release: float
    real: float
    z: float


@dataclass(frozen=True)
class Intersections:
    """Scan the intersections of groups of two columns for one that is too small or too large.

    Half a percent of the rows is too little for any distance of two whole columns, but not for a
    test of its own: rows of the release against those of train and holdout. At least half of the
    distance must be left once the margins are equal: a group that is too small is no matter of
    pairs.

    Parameters
    ----------
    most
        Rows of a table looked at, at most.
    columns
        Columns at most; drawn if there are more.
    """

    name: ClassVar[str] = "intersections"
    family: ClassVar[Family] = "fidelity"
    measures: ClassVar[tuple[Measure, ...]] = (DIFFERENCE,)
    most: int = 20_000
    columns: int = 100

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return the intersection that stands out most, and others beyond chance."""
        chosen = list(column_groups(evidence))
        if len(chosen) > self.columns:
            rng = evidence.rng("intersections")
            chosen = [chosen[i] for i in np.sort(rng.permutation(len(chosen))[: self.columns])]
        places = {s: evidence.some(s, self.most)[0] for s in evidence.sides}
        cells = list(_cells(evidence, chosen, places))
        tried = sorted((c for c in cells if c.z > 0), key=lambda c: -c.z)[:_TRIED]
        tested = [_draft(evidence, c, places, len(cells)) for c in tried]
        drafts = [d for d in tested if d is not None]
        drafts.sort(key=lambda d: d.p_worse)
        shown: dict[tuple[str, ...], Draft] = {}
        for draft in drafts:
            if not shown or draft.p_worse <= FALSE_DISCOVERIES:
                shown.setdefault(draft.columns, draft)
        if not shown:
            return [
                refuse(self.family, DIFFERENCE, "no intersection of two groups is large enough")
            ]
        return judge(self.family, list(shown.values())[:_SHOWN])


def _cells(
    evidence: Evidence, names: list[str], places: dict[Side, npt.NDArray[np.int64]]
) -> Iterator[_Cell]:
    """Yield every intersection that 10 train rows have and 5 of the release, or should."""
    groups = column_groups(evidence)
    ends = np.cumsum([0, *(len(groups[n].names) for n in names)])
    both: dict[Side, Floats] = {}
    for side, at in places.items():
        flags = [
            groups[n].codes[side][at][:, None] == np.arange(len(groups[n].names)) for n in names
        ]
        hot = np.concatenate([np.empty((len(at), 0), dtype=bool), *flags], axis=1)
        both[side] = (hot.T.astype(np.float32) @ hot.astype(np.float32)).astype(np.float64)
    pooled = sum((both[s] for s in places if s != "synthetic"), np.zeros_like(both["train"]))
    fresh = sum(len(at) for s, at in places.items() if s != "synthetic")
    for i, j in itertools.combinations(range(len(names)), 2):
        block = slice(ends[i], ends[i + 1]), slice(ends[j], ends[j + 1])
        real, own, train = pooled[block], both["synthetic"][block], both["train"][block]
        due = real * (len(places["synthetic"]) / fresh)
        raked = rake(real, own.sum(axis=1), own.sum(axis=0))
        there = (train >= _MINIMUM) & (np.maximum(due, own) >= _EXPECTED)
        whole, alone = (np.abs(_apart(own, d, real)) for d in (due, raked))
        z = np.where(alone >= whole / 2, whole, 0.0)
        for a, b in zip(*np.nonzero(there), strict=True):
            counts = float(own[a, b]), float(real[a, b]), float(z[a, b])
            yield _Cell((names[i], names[j]), (int(a), int(b)), *counts)


def _apart(own: Floats, due: Floats, real: Floats) -> Floats:
    """Distances of counts from what is due; their roots have about one scatter (Anscombe 1948)."""
    rate = due / np.maximum(real, 1.0)
    gap = np.sqrt(own + 0.375) - np.sqrt(due + 0.375 * rate)
    return np.asarray(2 * gap / np.sqrt(1 + rate))


def _draft(
    evidence: Evidence, cell: _Cell, places: dict[Side, npt.NDArray[np.int64]], scanned: int
) -> Draft | None:
    """Test one intersection by the units that have it; None if it may not be told."""
    one, two = (column_groups(evidence)[c] for c in cell.columns)
    held: dict[Side, int] = {}
    for side, at in places.items():
        units = evidence.units(side)
        own = None if units is None else units[at]
        first = one.codes[side][at] == cell.groups[0]
        second = two.codes[side][at] == cell.groups[1]
        held[side] = holders(first & second, own)
        if side == "train":  # nor may what is left of a group be told by subtraction
            left = [holders(first & ~second, own), holders(second & ~first, own)]
            if any(0 < n < _MINIMUM for n in left) or held[side] < _MINIMUM:
                return None
    rows = len(places["synthetic"])
    fresh = sum(len(at) for s, at in places.items() if s != "synthetic")
    real = sum(h for s, h in held.items() if s != "synthetic")
    tails = proportions_differ(held["synthetic"], rows, real, fresh)
    effect = evidence.pooled_effect(cell.columns)
    p, due = cell.release / rows, cell.real / fresh
    return Draft(
        DIFFERENCE,
        p - due,
        effect * (p * (1 - p) / rows + due * (1 - due) / fresh),
        evidence.number_of_units("synthetic"),
        reference=0.0,
        noise=half_width(effect * due * (1 - due) * (1 / rows + 1 / fresh)),
        p_worse=min(1.0, 2 * min(tails) * scanned),
        columns=cell.columns,
        group=f"{one.names[cell.groups[0]]}, {two.names[cell.groups[1]]}",
        params={
            "due": due,
            "scanned": scanned,
            "target": 0.0,
            "interval": "analytic, of the intersection that stands out most",
        },
    )
