"""Survival: does a model of times and events hold for real rows, and is the curve the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.coded import Side
from twinset.evidence.evidence import Evidence
from twinset.metrics._cox import concordance, cox, kaplan_meier
from twinset.metrics._judge import Draft, half_width, judge, refuse
from twinset.metrics._linear import DesignMatrix
from twinset.metrics._samples import draw_counts
from twinset.metrics._scores import Score
from twinset.metrics._targets import INTERVAL, LEARNED, PARTS, contrast
from twinset.protocols import Family, Measure, Result
from twinset.stats import units as by_unit
from twinset.stats.intervals import chi_tails
from twinset.table.schema import Role

__all__ = ["Survival"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

CONCORDANCE = Measure(
    name="survival_concordance",
    title="Who comes to the event first",
    meaning="How often a survival model that learned from synthetic rows ranks two real rows by "
    "their time to the event as they came (concordance). 0.5 is guessing.",
    direction="higher",
    formula="Harrell's C on the real holdout of proportional hazards (main effects) trained on "
    "synthetic; the reference is trained on train; time and event: the columns of these roles",
    source="Cox 1972; Harrell et al. 1982",
    reference="learned from real rows",
    standing=LEARNED,
    anchors=(0.5, 1.0),
)
CURVE = Measure(
    name="survival_curve_distance",
    title="Survival curves",
    meaning="Mean gap between the shares that are left over time (Kaplan-Meier). 0% is equal.",
    unit="share",
    formula="mean over 50 steps of time (each with as many of train's rows) of |share left by "
    "synthetic - share left by train|",
    source="Kaplan and Meier 1958",
    anchors=(0.0, 0.05),
)
_LEAST = 60
_EVENTS = 20
_STEPS = 50
_DRAWS = 400


@dataclass(frozen=True)
class Survival:
    """Times to an event: concordance of a Cox model (TSTR), distance of Kaplan-Meier curves.

    A schema gives one number or duration the role ``time`` and one column the role ``event``: true,
    above 0, or the second of two categories means that the event happened. A target of two classes
    is the event if no column has that role.

    Parameters
    ----------
    most
        Rows that a model learns from, and rows that it is tested on, at most.
    """

    name: ClassVar[str] = "survival"
    family: ClassVar[Family] = "utility"
    measures: ClassVar[tuple[Measure, ...]] = (CONCORDANCE, CURVE)
    most: int = 5_000

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return the concordance and the distance of curves."""
        columns = _roles(evidence)
        if isinstance(columns, str):
            return [refuse(self.family, m, columns) for m in self.measures]
        times = {s: _Times.of(evidence, s, *columns) for s in evidence.sides}
        if any(np.count_nonzero(t.event) < _EVENTS or t.n < _LEAST for t in times.values()):
            reason = f"fewer than {_LEAST} units or {_EVENTS} events in a table"
            return [refuse(self.family, m, reason, columns=columns) for m in self.measures]
        found = [*judge(self.family, [_curves(evidence, times, columns)])]
        draft = self._concordance(evidence, times, columns)
        if isinstance(draft, str):
            return [refuse(self.family, CONCORDANCE, draft, columns=columns), *found]
        return [*judge(self.family, [draft]), *found]

    def _concordance(
        self, evidence: Evidence, times: dict[Side, _Times], columns: tuple[str, str]
    ) -> Draft | str:
        if "holdout" not in times:
            return "there is no holdout to test on"
        names = evidence.model_view("train").names
        others = np.flatnonzero([n not in columns for n in names])
        if not len(others):
            return "there is no column to predict from"
        rng = evidence.rng("survival")
        drawn = {s: t.draw(self.most, rng) for s, t in times.items()}
        train, test = drawn["train"], drawn["holdout"]
        categorical = set(evidence.model_view("train").categorical)
        places = tuple(k for k, j in enumerate(others) if j in categorical)
        design = DesignMatrix.of(train.x[:, others], tuple(names[j] for j in others), places)
        asked = design(test.x[:, others])[:, 1:]

        def score(t: _Times) -> Score:
            beta = cox(design(t.x[:, others])[:, 1:], t.time, t.event)
            return concordance(asked @ beta, test.time, test.event)

        part = by_unit.folds(train.units, len(train.time), PARTS, rng)
        synthetic, real = score(drawn["synthetic"]), score(train)
        quarters = [score(train.take(part == k)).value for k in range(PARTS)]
        c = contrast(real - synthetic, quarters, 1 / PARTS, test.units)
        draft = Draft(
            CONCORDANCE,
            synthetic.value,
            synthetic.variance(test.units),
            test.n,
            reference=real.value,
            columns=columns,
            params={"interval": INTERVAL},
        )
        return c.held(draft)


def _roles(evidence: Evidence) -> tuple[str, str] | str:
    """Return the columns of time and event, or why there are none."""
    having = {
        role: [c.name for c in evidence.schema.with_role(role)] for role in (Role.TIME, Role.EVENT)
    }
    times = [n for n in having[Role.TIME] if evidence.schema[n].kind.is_amount]
    events = having[Role.EVENT] or ([evidence.target] if evidence.target else [])
    if len(times) != 1 or len(events) != 1 or times == events:
        return "the schema names no number with the role time and one column with the role event"
    event = events[0]
    known = evidence.columns[event].size - 2
    if event not in evidence.numeric() and known != 2:
        return "the column of the event has other than two categories in train"
    return times[0], event


@dataclass(frozen=True, eq=False)
class _Times:
    """Rows with a known time of 0 or more and a known event; `x` are all features."""

    x: Floats
    time: Floats
    event: Bools
    units: by_unit.Units

    @property
    def n(self) -> int:
        """Number of units."""
        return by_unit.count_units(self.units, len(self.time))

    @classmethod
    def of(cls, evidence: Evidence, side: Side, time: str, event: str) -> _Times:
        """Rows of a table."""
        values = evidence.values(side, time)
        if event in evidence.numeric():
            held = evidence.values(side, event)
            happened, known = held > 0, ~np.isnan(held)
        else:
            coded = evidence.columns[event]
            codes = coded.codes[side]
            happened, known = codes == _happened(coded.text), codes < 2
        view = evidence.model_view(side)
        x = view.features[evidence.holdout_rows] if side == "holdout" else view.features
        rows = np.flatnonzero(known & (values >= 0))
        units = evidence.units(side)
        return cls(x, values, happened, units).take(rows)

    def take(self, rows: npt.NDArray[np.generic]) -> _Times:
        """Rows at these places, or where a mask is true."""
        units = None if self.units is None else self.units[rows]
        return _Times(self.x[rows], self.time[rows], self.event[rows], units)

    def draw(self, most: int, rng: np.random.Generator) -> _Times:
        """Whole units with about `most` rows."""
        return self.take(by_unit.draw(self.units, len(self.time), most, rng))


def _happened(text: tuple[str, ...]) -> int:
    """Code of the category that means that the event happened: true, or the second one."""
    return next((i for i, t in enumerate(text[:2]) if t.lower() == "category 'true'"), 1)


def _curves(evidence: Evidence, times: dict[Side, _Times], columns: tuple[str, str]) -> Draft:
    """Compare the curves; counts by step and event are drawn anew for chance and interval."""
    train = times["train"].time
    edges = np.unique(np.quantile(train, np.arange(1, _STEPS) / _STEPS))
    size = len(edges) + 1
    counts = {}
    for side, t in times.items():
        step = np.searchsorted(edges, t.time, side="left")
        counts[side] = np.bincount(2 * step + t.event, minlength=2 * size).astype(np.float64)

    def distance(a: Floats, b: Floats) -> Floats:
        curves = []
        for c in (a, b):
            cells = c.reshape(*c.shape[:-1], size, 2)
            curves.append(kaplan_meier(cells[..., 1], cells.sum(axis=-1)))
        return np.asarray(np.abs(curves[0] - curves[1])[..., :-1].mean(axis=-1))

    rng = evidence.rng("survival", "curves")
    effect = evidence.pooled_effect(columns)
    chance, around = draw_counts(counts, distance, effect, _DRAWS, rng)
    value = float(distance(counts["train"], counts["synthetic"]))
    mean, spread = float(chance.mean()), float(chance.var())
    worse, better = chi_tails(value, mean, spread)
    own = mean
    if "holdout" in counts:
        # brought to the size of the release
        a, b, c = (counts[s].sum() for s in ("train", "synthetic", "holdout"))
        own = float(distance(counts["train"], counts["holdout"]))
        own *= ((1 / a + 1 / b) / (1 / a + 1 / c)) ** 0.5
    return Draft(
        CURVE,
        value,
        float(around.var()),
        times["synthetic"].n,
        reference=own,
        noise=half_width(spread),
        p_worse=worse,
        p_better=better,
        columns=columns,
        params={"steps": size, "expected": round(mean, 6), "interval": "drawn counts"},
    )
