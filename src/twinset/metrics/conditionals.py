"""Each column against the others, in every group, as judged by a model of real rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy import special

from twinset.evidence.coded import Side, Split
from twinset.evidence.evidence import Evidence
from twinset.metrics._groups import LEAST, Grouping, column_groups
from twinset.metrics._judge import FALSE_DISCOVERIES, Draft, half_width, judge, refuse
from twinset.metrics._models import Task, column_target, fit
from twinset.protocols import Family, Measure, Result
from twinset.scale.local import map_ordered
from twinset.stats import units as by_unit
from twinset.stats.intervals import normal_interval

__all__ = ["Conditionals"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DIFFERENCE = Measure(
    name="conditional_difference",
    title="A column, given the others",
    meaning="How much further its values lie from what the other columns foretell (by a model of "
    "real rows) than in fresh real rows, in the group where that stands out most. Below 0, they "
    "follow the other columns too closely.",
    direction="target",
    low=-1,
    formula="mean distance of a column's values from what a small boosting of train foretells "
    "from the other columns, in the release minus in fresh real rows, in the group of rows where "
    "it stands out most (all rows, or a value or range of another column); params.score: chance "
    "(distance: 1 minus the chance given to the value) or rank (|rank - foretold rank| in train)",
    source="Student's t in each group, Bonferroni over the groups looked at",
)
_LEAST = 60
_LEVELS = 8


@dataclass(frozen=True, eq=False)
class _Part:
    """Rows that are looked at: their places among the side's rows, and their features."""

    side: Side
    places: Ints
    view: Split


@dataclass(frozen=True)
class _Gap:
    """How two means differ in one group."""

    p: float
    place: int
    release: float
    real: float
    variance: float
    null: float
    rows: int


@dataclass(frozen=True)
class Conditionals:
    """Hold each column against the others: do they foretell its values as in fresh real rows.

    A pair of columns can look right although it is wrong in one group, as where two labels are
    exchanged. A model of train knows what to expect of a value; release and holdout are two samples
    that it has not seen, so that their mean misses can be held against each other in any group.
    Without a holdout the model learns from one half of train, and the other is the holdout.

    Parameters
    ----------
    learned, tested
        Rows that a model learns from, and rows of release and holdout, at most.
    most
        Columns that are targets at most, and that a model learns from; drawn if there are more.
    trees, classes
        Trees of a model, classes of a target (rarer ones are one).
    """

    name: ClassVar[str] = "conditionals"
    family: ClassVar[Family] = "fidelity"
    measures: ClassVar[tuple[Measure, ...]] = (DIFFERENCE,)
    learned: int = 4_000
    tested: int = 10_000
    most: int = 80
    trees: int = 20
    classes: int = 6

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return one result a column."""
        if len(evidence.columns) < 2:
            return [refuse(self.family, DIFFERENCE, "there are no two columns")]
        rng = evidence.rng("conditionals")
        parts = self._parts(evidence, rng)
        if min(by_unit.count_units(p.view.units, len(p.places)) for p in parts) < _LEAST:
            reason = f"fewer than {_LEAST} units to learn from or to compare"
            return [refuse(self.family, DIFFERENCE, reason)]
        number = len(parts[0].view.names)
        chosen = np.arange(number)
        if number > self.most:
            chosen = np.sort(rng.choice(number, self.most, replace=False))
        small = [replace(p, view=p.view.only(chosen)) for p in parts]
        groups = column_groups(evidence)
        one = partial(self._one, evidence, small, groups, int(rng.integers(2**31)))
        made = map_ordered(one, list(range(len(chosen))))
        drafts = [d for d in made if isinstance(d, Draft)]
        if number > self.most:
            of = {"sets": self.most, "of": number}
            drafts = [replace(d, params={**d.params, **of}) for d in drafts]
        reason = "fewer than two values, or too few known ones"
        refused = [
            refuse(self.family, DIFFERENCE, reason, columns=(small[0].view.names[j],))
            for j, d in enumerate(made)
            if d is None
        ]
        return [*judge(self.family, drafts), *refused]

    def _parts(self, evidence: Evidence, rng: np.random.Generator) -> list[_Part]:
        """Rows to learn from, of the release, and fresh real ones."""
        every = {s: np.arange(len(evidence.model_view(s).features)) for s in evidence.sides}
        sides: list[Side] = ["train", "synthetic", "holdout"]
        if "holdout" in every:
            every["holdout"] = evidence.holdout_rows
            chosen = [every[s] for s in sides]
        else:
            sides[2] = "train"
            half = by_unit.folds(evidence.units("train"), len(every["train"]), 2, rng) == 0
            chosen = [every["train"][half], every["synthetic"], every["train"][~half]]
        parts = []
        for side, rows, most in zip(
            sides, chosen, (self.learned, self.tested, self.tested), strict=True
        ):
            view = evidence.model_view(side)
            own = None if view.units is None else view.units[rows]
            at = np.arange(len(rows))
            if len(rows) > most:
                at = by_unit.draw(own, len(rows), most, rng)
            places = at if side == "holdout" else rows[at]
            parts.append(_Part(side, places, view.take(rows[at])))
        return parts

    def _one(
        self,
        evidence: Evidence,
        parts: list[_Part],
        groups: dict[str, Grouping],
        seed: int,
        j: int,
    ) -> Draft | None:
        """Measure one column."""
        learned, _, real = parts
        targets, task = column_target([p.view for p in parts], 0, j, self.classes)
        known = [~np.isnan(t) for t in targets]
        if min(map(np.count_nonzero, known)) < _LEAST or len(np.unique(targets[0][known[0]])) < 2:
            return None
        name = learned.view.names[j]
        others = np.setdiff1d(np.arange(len(learned.view.names)), [j])
        model = fit("boosting", learned.view.only(others), targets[0], task, seed, self.trees)
        misses, rests = [], []
        for part, target, there in zip(parts[1:], targets[1:], known[1:], strict=True):
            foretold = model.predict(part.view.features[there][:, others])
            miss, rest = _missed(foretold, target[there], task)
            misses.append(_spread(miss, there))
            rests.append(_spread(rest, there))
        effect = _effect(misses[1], real.view.units)
        found: list[tuple[_Gap, str]] = []
        for by, codes, size in _grouped(name, parts[1:], groups):
            found += [(g, by) for g in _gaps(misses, codes, size, effect)]
        if not found:
            return None
        gap, by = min(found, key=lambda f: f[0].p)
        p = min(1.0, gap.p * len(found))
        inside = groups[by] if by else None
        partner = ""
        if p <= FALSE_DISCOVERIES:
            rows = [
                np.ones(len(q.places), dtype=bool)
                if inside is None
                else inside.codes[q.side][q.places] == gap.place
                for q in parts[1:]
            ]
            partner = _partner(evidence, parts[1:], rests, rows, {name, by})
        params: dict[str, Any] = {
            "score": "rank" if task.classes is None else "chance",
            "synthetic": round(gap.release, 6),
            "real": round(gap.real, 6),
            "groups": len(found),
            "partner": partner,
            "target": 0.0,
            "interval": "analytic, of the group that stands out most",
        }
        value = gap.release - gap.real
        return Draft(
            DIFFERENCE,
            value,
            gap.variance,
            gap.rows,
            reference=0.0,
            noise=half_width(gap.null),
            p_worse=p,
            columns=(name, by) if by else (name,),
            group=None if inside is None else inside.names[gap.place],
            params=params,
            interval=normal_interval(value, gap.variance, -1.0, 1.0),
        )


def _grouped(
    name: str, parts: list[_Part], groups: dict[str, Grouping]
) -> Iterator[tuple[str, list[Ints], int]]:
    """Yield all rows as one group, then the groups of each other column."""
    yield "", [np.zeros(len(p.places), dtype=np.int64) for p in parts], 1
    for by, grouping in groups.items():
        if by != name:
            yield by, [grouping.codes[p.side][p.places] for p in parts], len(grouping.names)


def _missed(foretold: Floats, truth: Floats, task: Task) -> tuple[Floats, Floats]:
    """How far each value is from what is foretold, in [0, 1], and on which side of it."""
    if task.classes is None:
        return np.abs(truth - foretold), truth - foretold
    code = truth.astype(int)
    common = int(np.bincount(code).argmax())
    given = foretold[np.arange(len(code)), code]
    return 1 - given, (code == common) - foretold[:, common]


def _spread(values: Floats, there: npt.NDArray[np.bool_]) -> Floats:
    whole = np.full(len(there), np.nan)
    whole[there] = values
    return whole


def _effect(miss: Floats, units: by_unit.Units) -> float:
    """Design effect of units on the mean of real rows' misses, at least 1."""
    there = ~np.isnan(miss)
    if units is None:
        return 1.0
    rest = miss[there] - miss[there].mean()
    sums = np.bincount(by_unit.compact(units[there], len(rest)), weights=rest)
    return max(1.0, float(sums @ sums) / max(float(rest @ rest), 1e-300))


def _gaps(misses: list[Floats], codes: list[Ints], size: int, effect: float) -> Iterator[_Gap]:
    """Compare the mean miss in each group that both tables have rows enough of."""
    rows, mean, square = np.zeros((3, 2, size))
    for i, (miss, code) in enumerate(zip(misses, codes, strict=True)):
        there = ~np.isnan(miss) & (code >= 0)
        rows[i] = np.bincount(code[there], minlength=size)
        mean[i] = np.bincount(code[there], miss[there], size) / np.maximum(rows[i], 1)
        rest = (miss[there] - mean[i][code[there]]) ** 2
        square[i] = np.bincount(code[there], rest, size)
    for g in np.flatnonzero((rows >= LEAST * effect).all(axis=0)):
        n, m = rows[:, g]
        pooled = effect * square[:, g].sum() / (n + m - 2)
        own = effect * (square[0, g] / (n * (n - 1)) + square[1, g] / (m * (m - 1)))
        null = pooled * (1 / n + 1 / m)
        t = (mean[0, g] - mean[1, g]) / max(null, 1e-18) ** 0.5
        p = 2 * float(special.stdtr(max((n + m) / effect - 2, 1.0), -abs(t)))
        means = float(mean[0, g]), float(mean[1, g])
        yield _Gap(p, int(g), *means, float(own), float(null), int(n))


def _partner(
    evidence: Evidence,
    parts: list[_Part],
    rests: list[Floats],
    rows: list[npt.NDArray[np.bool_]],
    without: set[str],
) -> str:
    """Return the column along which what is not foretold differs most between the tables."""
    best, found = 0.0, ""
    for name in evidence.columns:
        if name in without:
            continue
        cells = evidence.cells([name], _LEVELS)
        mean, weight = np.zeros((2, 2, cells.shape[0]))
        for i, (part, rest, mine) in enumerate(zip(parts, rests, rows, strict=True)):
            there = mine & ~np.isnan(rest)
            code = cells.codes[part.side][0][part.places][there].astype(np.int64)
            weight[i] = np.bincount(code, minlength=cells.shape[0])
            mean[i] = np.bincount(code, rest[there], cells.shape[0]) / np.maximum(weight[i], 1)
        shared = 1 / (1 / np.maximum(weight, 1e-9)).sum(axis=0)
        gap = mean[0] - mean[1]
        gap -= float(shared @ gap) / max(float(shared.sum()), 1e-9)
        size = float(shared @ gap**2)
        if size > best:
            best, found = size, name
    return found
