"""Across data sets: what is learned from each table, tested on each, releases and real ones alike.

Each table is halved by unit; models learn from one half and are tested on the other, so that a
table's own score is one of unseen rows too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import special

from twinset.errors import InputError
from twinset.evidence.coded import Split
from twinset.evidence.codes import shared_codes
from twinset.metrics._judge import Draft, half_width, judge
from twinset.metrics._models import Predictor, Task, fit
from twinset.metrics._scores import Score, scores_of
from twinset.progress import phase
from twinset.protocols import Measure, Result
from twinset.results import Evaluation, NotComputed
from twinset.scale.local import map_ordered
from twinset.stats import units as by_unit
from twinset.stats.intervals import Z95
from twinset.stats.seeds import stream
from twinset.table.atomic import atomic_write
from twinset.table.table import Table, column_numbers

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MEASURES", "CrossValidation", "cross_validate", "with_across"]

Floats = npt.NDArray[np.float64]
Rng = np.random.Generator

SIMULATION = Measure(
    name="simulation_quality",
    title="Like real tables, both ways",
    meaning="Models of this table hold for real tables, and models of real tables hold for it. 1: "
    "as well as real tables for themselves.",
    direction="higher",
    low=-2,
    high=2,
    formula="mean over real tables r of (a + 1 - |1 - b|) / 2; a: skill of a model of the release "
    "on r, b: skill of a model of r on the release, both over that of a model of r on r; skill is "
    "AUC - 1/2 (macro) or R2 of boosting; models learn from one half of a table's units, the "
    "other tests",
    source="generalised cross-validation, Song et al. 2025 (arXiv 2509.11273), normalised by real "
    "tables",
    anchors=(0.0, 1.0),
)
TRANSFER = Measure(
    name="transfer_quality",
    title="What is learned carries over",
    meaning="Skill on real tables of a model of this table, divided by the skill of their own "
    "models. 1: as good.",
    direction="higher",
    low=-2,
    high=2,
    formula="mean over real tables of a",
    anchors=(0.0, 1.0),
)
MEASURES = (SIMULATION, TRANSFER)
_ROWS = 5_000  # of a half
_LEAST = 60
_CLASSES = 10
_PARTS = 4
_SKILLED = 0.02
_DRAWS = 2_000
_OWN = ("train", "holdout")


@dataclass(frozen=True)
class CrossValidation:
    """What is learned from each table, tested on each.

    Attributes
    ----------
    names
        Tables: train, holdout (if there is one), then the releases.
    score
        ``"auc"`` or ``"r2"``.
    matrix, low, high
        ``matrix[i][j]``: score of a model of table i on unseen rows of table j; 95% interval.
    results
        Simulation and transfer quality, by release.
    """

    names: tuple[str, ...]
    score: str
    matrix: tuple[tuple[float, ...], ...]
    low: tuple[tuple[float, ...], ...]
    high: tuple[tuple[float, ...], ...]
    results: Mapping[str, tuple[Result, ...]]

    def to_frame(self) -> pd.DataFrame:
        """The matrix: one row a table learned from, one column a table tested on."""
        import pandas as pd

        return pd.DataFrame(self.matrix, index=list(self.names), columns=list(self.names))

    def to_dict(self) -> dict[str, object]:
        """JSON-ready form."""
        results = {n: [r.to_dict() for r in found] for n, found in self.results.items()}
        whole = {k: getattr(self, k) for k in ("names", "score", "matrix", "low", "high")}
        return {**whole, "results": results}

    def to_json(self) -> str:
        """JSON text."""
        return json.dumps(self.to_dict(), allow_nan=False)

    def save(self, path: str | Path) -> None:
        """Write `to_json` to `path`; it appears whole or not at all."""
        atomic_write(Path(path), self.to_json())

    def _repr_html_(self) -> str:
        return str(self.to_frame().round(4).to_html())


def cross_validate(
    train: Table,
    releases: Mapping[str, Table],
    holdout: Table | None = None,
    *,
    target: str | None = None,
    seed: int = 0,
) -> CrossValidation:
    """Train on each table and test on each.

    Parameters
    ----------
    releases
        By name.
    target
        Column that models predict; the schema's target unless given.

    Raises
    ------
    InputError
        If there is no target, a table has too few rows, or a real table foretells nothing.
    """
    target = target or (train.schema.target.name if train.schema.target else None)
    if target is None:
        raise InputError("models across tables", got="no target column", hint="name one: --target")
    real = {"train": train} | ({"holdout": holdout} if holdout is not None else {})
    renamed = {f"{n} (release)" if n in _OWN else n: t for n, t in releases.items()}
    tables = real | renamed
    rng = stream(seed, "across")
    halves, task = _halves(tables, target, rng)
    name, score = next(iter(scores_of(task.classes).items()))
    made = int(rng.integers(2**31))
    learned = halves["train"][0]
    parts = by_unit.folds(learned.view.units, len(learned.y), _PARTS, rng)
    jobs = [h[0] for h in halves.values()] + [learned.take(parts == k) for k in range(_PARTS)]
    with phase("models across tables", total=len(jobs)) as step:
        models: list[Predictor] = []
        for model in map_ordered(lambda h: fit("boosting", h.view, h.y, task, made), jobs):
            models.append(model)
            step.advance()
    tests = [h[1] for h in halves.values()]
    scores = [
        [score(m.predict(t.view.features), t.y) for t in tests] for m in models[: len(tables)]
    ]
    quarters = [
        score(m.predict(tests[0].view.features), tests[0].y).value for m in models[len(tables) :]
    ]
    chance = 0.0 if task.classes is None else 0.5
    own = [scores[j][j].value - chance for j in range(len(real))]
    if min(own) < _SKILLED:
        got = "the other columns foretell it no better than chance in real rows"
        raise InputError(f"models of {target!r} across tables", got=got)
    training = 2 * float(np.var(quarters, ddof=1)) / _PARTS / own[0] ** 2
    grid = _Grid(scores, [t.view.units for t in tests], own, chance, training)
    n = [by_unit.count_units(t.view.units, len(t.y)) for t in tests]
    places = list(range(len(real), len(tables)))
    drafts = [d for s in places for d in grid.drafts(s, n[s], target, name, rng)]
    judged = judge("utility", drafts)
    return CrossValidation(
        tuple(tables),
        name,
        *_matrices(scores, grid.units),
        {given: tuple(judged[2 * i : 2 * i + 2]) for i, given in enumerate(releases)},
    )


_Matrix = tuple[tuple[float, ...], ...]


def _matrices(
    scores: list[list[Score]], units: list[by_unit.Units]
) -> tuple[_Matrix, _Matrix, _Matrix]:
    """Return the scores and both ends of their intervals."""
    values = np.array([[f.value for f in row] for row in scores])
    spread = [[f.variance(u) for f, u in zip(row, units, strict=True)] for row in scores]
    half = Z95 * np.sqrt(spread)
    first, low, high = (
        tuple(map(tuple, m.tolist())) for m in (values, values - half, values + half)
    )
    return first, low, high


def with_across(
    evaluations: Mapping[str, Evaluation], crossed: CrossValidation | str
) -> dict[str, Evaluation]:
    """Add to each release's evaluation its results, or why there are none."""
    if isinstance(crossed, str):
        missed = tuple(NotComputed(m.name, crossed) for m in MEASURES)
        return {
            n: replace(e, not_computed=(*e.not_computed, *missed)) for n, e in evaluations.items()
        }
    return {
        n: replace(e, results=(*e.results, *crossed.results[n])) for n, e in evaluations.items()
    }


@dataclass(frozen=True, eq=False)
class _Half:
    """Rows of a table with a known target."""

    view: Split
    y: Floats

    def take(self, rows: npt.NDArray[np.generic]) -> _Half:
        """Rows at these places, or where a mask is true."""
        return _Half(self.view.take(rows), self.y[rows])


def _halves(
    tables: Mapping[str, Table], target: str, rng: Rng
) -> tuple[dict[str, tuple[_Half, _Half]], Task]:
    """Halve each table by unit: rows to learn from, rows to test on."""
    kinds = {n: t.schema for n, t in tables.items()}
    first = kinds["train"]
    columns = [
        c
        for c in first.columns
        if c.is_learnable
        and c.name != target
        and all(
            c.name in k and k[c.name].kind.is_number_like == c.kind.is_number_like
            for k in kinds.values()
        )
    ]
    if not columns:
        raise InputError("models across tables", got="no column in common beside the target")
    y, task = _targets(tables, target)
    categorical = tuple(i for i, c in enumerate(columns) if not c.kind.is_number_like)
    names = tuple(c.name for c in columns)
    coded = [
        {n: column_numbers(t, c.name) for n, t in tables.items()}
        if c.kind.is_number_like
        else shared_codes(tables, c.name)[0]
        for c in columns
    ]
    halves = {}
    for name, table in tables.items():
        features = np.column_stack([c[name] for c in coded])
        whole = _Half(Split(features, names, categorical, table.units), y[name])
        whole = whole.take(by_unit.draw(table.units, len(features), 2 * _ROWS, rng))
        whole = whole.take(~np.isnan(whole.y))
        side = by_unit.folds(whole.view.units, len(whole.y), 2, rng)
        pair = whole.take(side == 0), whole.take(side == 1)
        if min(len(h.y) for h in pair) < _LEAST or any(len(np.unique(h.y)) < 2 for h in pair):
            allowed = f"{2 * _LEAST} rows with a known target, of two values or more"
            raise InputError(f"table {name!r} across tables", got="too few", allowed=allowed)
        halves[name] = pair
    return halves, task


def _targets(tables: Mapping[str, Table], target: str) -> tuple[dict[str, Floats], Task]:
    if tables["train"].schema[target].kind.is_number_like:
        return {n: column_numbers(t, target) for n, t in tables.items()}, Task(None)
    codes, names = shared_codes(tables, target)  # the most frequent in train first
    classes = max(min(len(names), _CLASSES), 2)
    return {n: np.minimum(c, classes - 1) for n, c in codes.items()}, Task(classes)


@dataclass(frozen=True, eq=False)
class _Grid:
    """Scores of all models on all tables; `own` are the skills of real tables at home."""

    scores: list[list[Score]]
    units: list[by_unit.Units]
    own: list[float]
    chance: float
    training: float

    def ratio(self, model: int, test: int, real: int) -> tuple[float, float]:
        """Skill of a model on a table over a real one's at home, and its sampling variance."""
        other, home = self.scores[model][test], self.scores[real][real]
        value = (other.value - self.chance) / self.own[real]
        if test == real:  # the same rows: paired
            loss = Score(0.0, (other.influence - value * home.influence) / self.own[real])
            return value, loss.variance(self.units[real])
        spread = other.variance(self.units[test]) + value**2 * home.variance(self.units[real])
        return value, spread / self.own[real] ** 2

    def drafts(self, release: int, n: int, target: str, score: str, rng: Rng) -> list[Draft]:
        """Simulation and transfer quality of a release."""
        reals = range(len(self.own))
        ahead = [self.ratio(release, r, r) for r in reals]
        back = [self.ratio(r, release, r) for r in reals]
        values = _qualities(*(np.array([v for v, _ in found]) for found in (ahead, back)))
        chance, around = (
            _qualities(*(self._drawn(found, rng, around=w) for found in (ahead, back)))
            for w in (False, True)
        )
        made = []
        for k, measure in enumerate(MEASURES):
            value, centre, spread = float(values[k]), float(chance[k].mean()), chance[k].std()
            z = (value - centre) / max(float(spread), 1e-9)
            made.append(
                Draft(
                    measure,
                    value,
                    float(around[k].var()),
                    n,
                    reference=centre,
                    noise=half_width(float(spread) ** 2),
                    p_worse=float(special.ndtr(z)),
                    p_better=float(special.ndtr(-z)),
                    columns=(target,),
                    params={"score": score, "interval": "drawn from the influence of rows"},
                )
            )
        return made

    def _drawn(self, found: list[tuple[float, float]], rng: Rng, *, around: bool) -> Floats:
        """Draw ratios of shape (draws, real tables), about what they are or about 1."""
        centre = np.array([v if around else 1.0 for v, _ in found])
        sampling = np.sqrt([variance for _, variance in found])
        shared = 0.0 if around else self.training**0.5  # another model, the same for all tests
        model = rng.normal(size=(_DRAWS, 1)) * shared
        return np.asarray(centre + model + rng.normal(size=(_DRAWS, len(found))) * sampling)


def _qualities(ahead: Floats, back: Floats) -> tuple[Floats, Floats]:
    """Simulation and transfer quality of ratios of shape (..., real tables)."""
    both = (ahead + 1 - np.abs(1 - back)) / 2
    return both.mean(axis=-1), ahead.mean(axis=-1)
