"""Space-filling designs: rows that cover what a schema allows, not what is likely."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from twinset.errors import ConditionError, InputError
from twinset.rules.derive import derivations, target_of
from twinset.rules.row_tests import Condition
from twinset.sampling.column_values import Choice, bounds_of, categories_of, legal, table_of
from twinset.sampling.fitted import Fitted
from twinset.sampling.sample import whole
from twinset.stats.seeds import stream
from twinset.table.table import Table

__all__ = ["DESIGNS", "Design", "DesignCoverage", "design"]

Floats = npt.NDArray[np.float64]
DesignKind = Literal["sobol", "latin"]
DESIGNS = ("sobol", "latin")
_MOST_ROWS = 1_000_000
_MOST_TRIES = 12
_COMPARED = 2_000  # rows of the discrepancy, whose time grows with their square
_PROBES = 4_096


@dataclass(frozen=True)
class DesignCoverage:
    """How well a design covers the space; columns are scaled to 0 .. 1.

    Attributes
    ----------
    rows, columns
        Rows, and columns that were designed (not those that rules compute).
    kept
        Share of the points of the design that keep the rules.
    discrepancy, hole
        Centred L2 discrepancy (Hickernell 1998, Math. Comput. 67) of up to 2,000 rows, and the
        largest distance of 4,096 random legal points from their nearest row. Lower is better.
    random_discrepancy, random_hole
        The same of as many random legal points.
    """

    rows: int
    columns: int
    kept: float
    discrepancy: float
    random_discrepancy: float
    hole: float
    random_hole: float


@dataclass(frozen=True)
class Design:
    """Rows of a design, and their coverage."""

    table: Table
    coverage: DesignCoverage


def design(
    twin: Fitted, kind: str, rows: int, *, condition: Condition | None = None, seed: int
) -> Design:
    """Return rows that fill the space of the learned columns under the twin's rules.

    Numbers run between their protected bounds, categories over their known levels, all alike.
    Sobol points are scrambled (Owen 1998, J. Complexity 14); of them, and of a Latin hypercube
    (McKay, Beckman and Conover 1979, Technometrics 21), those that break a rule are left out: with
    rules, a Latin hypercube is a random part of a larger one.

    Raises
    ------
    InputError
        If the kind is unknown, or a number has no bounds.
    ConditionError
        If hardly any point keeps the rules.
    """
    if kind not in DESIGNS:
        raise InputError("--design", got=repr(kind), allowed=" or ".join(DESIGNS))
    if not 1 <= rows <= _MOST_ROWS:
        raise InputError("number of rows", got=str(rows), allowed=f"1 to {_MOST_ROWS:,}")
    computed = derivations(twin.rules, ())
    given = {target_of(c) for c in computed}
    names = [n for n in twin.encoding.encoded.names if n not in given]
    space = _Space(twin, names, condition)
    points, kept = _points(space, kind, rows, stream(seed, "design"))
    table, _ = space.legal(points)
    free = _legal_points(space, rows + _PROBES, stream(seed, "probes"))
    probes, other = free[:_PROBES], free[_PROBES:]
    coverage = DesignCoverage(
        rows,
        len(names),
        round(kept, 6),
        *(round(_discrepancy(p), 6) for p in (points, other)),
        *(round(_hole(p, probes), 6) for p in (points, other)),
    )
    return Design(whole(twin, table, seed), coverage)


@dataclass(frozen=True)
class _Space:
    """The unit cube of some columns, and what is legal in it."""

    twin: Fitted
    names: list[str]
    condition: Condition | None

    def legal(self, points: Floats) -> tuple[Table, npt.NDArray[np.bool_]]:
        """Return rows at some points with all learned columns, and which are legal."""
        encoding, rules = self.twin.encoding, self.twin.rules
        values = {n: self._at(n, points[:, i]) for i, n in enumerate(self.names)}
        table = table_of(encoding, values)
        return legal(table, rules, derivations(rules, ()), self.condition)

    def _at(self, name: str, u: Floats) -> list[Choice]:
        column = self.twin.schema[name]
        if not column.kind.is_number_like:
            levels = categories_of(column)
            return [levels[i] for i in np.minimum((u * len(levels)).astype(int), len(levels) - 1)]
        low, high, step = bounds_of(column)
        if step:
            count = np.floor((high - low) / step + 1e-9) + 1
            return list(low + step * np.minimum(np.floor(u * count), count - 1))
        return list(low + u * (high - low))


def _points(space: _Space, kind: str, rows: int, rng: np.random.Generator) -> tuple[Floats, float]:
    """Legal points of a design, and the share that is legal."""
    from scipy.stats import qmc

    d = len(space.names)
    sobol = qmc.Sobol(d, scramble=True, seed=rng) if kind == "sobol" else None
    found: list[Floats] = []
    tried, have, ask = 0, 0, rows
    for _ in range(_MOST_TRIES):
        if sobol is not None:  # in powers of two, as its balance needs
            points = sobol.random_base2(math.ceil(math.log2(tried or rows)))
        else:
            points, found, tried, have = qmc.LatinHypercube(d, seed=rng).random(ask), [], 0, 0
        _, good = space.legal(points)
        found.append(points[good])
        tried, have = tried + len(points), have + int(good.sum())
        if have >= rows:
            every = np.vstack(found)
            pick = slice(rows) if sobol is not None else np.sort(rng.permutation(have)[:rows])
            return every[pick], have / tried
        ask = min(int(rows * tried / max(have, 1) * 1.2) + 10, 4 * _MOST_ROWS)
        if tried >= 4 * _MOST_ROWS or (tried > 100 * rows + 100_000 and not have):
            break
    raise ConditionError(
        "--design",
        got=f"{have} of {tried:,} points that keep the rules",
        hint="ask for fewer rows, or draw from the model instead",
    )


def _legal_points(space: _Space, rows: int, rng: np.random.Generator) -> Floats:
    found: list[Floats] = []
    while sum(map(len, found)) < rows:
        points = rng.random((rows, len(space.names)))
        found.append(points[space.legal(points)[1]])
    return np.vstack(found)[:rows]


def _discrepancy(points: Floats) -> float:
    from scipy.stats import qmc

    return float(qmc.discrepancy(points[:_COMPARED], method="CD"))


def _hole(points: Floats, probes: Floats) -> float:
    from scipy.spatial import cKDTree

    return float(cKDTree(points).query(probes)[0].max())
