"""One step of a sequential model: the codes of a column given the codes of columns before it.

Codes fall into classes: each a code of its own, or several neighbours (ordered columns) or rare
levels (others) where there are more codes than `classes`. Which class is learned by nested
dichotomies (`twinset.blocks.dichotomies`); a code inside a class is drawn by its share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinset.blocks.boosting import Boosting
from twinset.blocks.dichotomies import Dichotomies, fit_dichotomies
from twinset.protocols import State
from twinset.stats.units import Units, count_units, even_counts

__all__ = ["CodeConditional", "fit_conditional"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Codes = Mapping[int, npt.NDArray[np.int32]]


@dataclass(frozen=True, eq=False)
class CodeConditional:
    """A fitted step.

    Attributes
    ----------
    order
        Shape (codes,): codes of the target, class after class.
    starts
        Shape (classes + 1,): where each class starts in `order`.
    share
        Shape (codes,): share of each code in the train table.
    chosen
        Which class, given other columns; None if that does not depend on them.
    """

    order: npt.NDArray[np.int32]
    starts: Ints
    share: Floats
    chosen: Dichotomies | None

    def draw(self, codes: Codes, n: int, rng: np.random.Generator) -> npt.NDArray[np.int32]:
        """Draw a code for each of `n` rows whose predictors have `codes`."""
        drawn = None if self.chosen is None else self.chosen.draw(codes, n, rng)
        return self._inside(drawn, self.share, n, rng)

    def draw_within(
        self,
        codes: Codes,
        allowed: npt.NDArray[np.bool_],
        group: Ints,
        rng: np.random.Generator,
    ) -> tuple[npt.NDArray[np.int32], Floats]:
        """Draw allowed codes, and say how probable these are together in each row.

        Parameters
        ----------
        allowed
            Shape (groups, codes).
        group
            Shape (rows,): which row of `allowed` holds for a row. Where nothing is allowed, the
            probability is 0 and the code means nothing.
        """
        n, share = len(group), self.share * allowed
        found = np.zeros(n, np.int32)
        if self.chosen is None:
            drawn, mass = None, share.sum(axis=1)[group]
        else:
            whole = np.add.reduceat(self.share[self.order], self.starts[:-1])
            held = np.add.reduceat(allowed[:, self.order].astype(np.int64), self.starts[:-1], 1)
            part = np.add.reduceat(share[:, self.order], self.starts[:-1], axis=1) / whole
            part = np.where(held == np.diff(self.starts), 1.0, part)
            drawn, mass = self.chosen.draw_within(codes, n, part, group, rng)
        for g in range(len(allowed)):
            at = np.flatnonzero((group == g) & (mass > 0))
            own = None if drawn is None else drawn[at]
            found[at] = self._inside(own, share[g], len(at), rng)
        return found, mass

    def _inside(
        self, drawn: Ints | None, share: Floats, n: int, rng: np.random.Generator
    ) -> npt.NDArray[np.int32]:
        """Draw a code for each of `n` rows, inside its class, by `share` of the codes."""
        cumulative = np.r_[0.0, np.cumsum(share[self.order])]
        low = np.zeros(n, np.int64) if drawn is None else self.starts[drawn]
        high = np.full(n, len(self.order)) if drawn is None else self.starts[drawn + 1]
        below, above = cumulative[low], cumulative[high]
        wanted = below + (above - below) * rng.random(n)
        found = np.searchsorted(cumulative, wanted, side="right") - 1
        return np.asarray(self.order[np.clip(found, low, high - 1)], np.int32)

    def log_probability(self, codes: Codes, wanted: npt.NDArray[np.int32]) -> Floats:
        """Log probability of the codes `wanted`, one a row."""
        inside = np.log(self.share[wanted])
        if self.chosen is None:
            return np.asarray(inside)
        place = np.argsort(self.order)[wanted]
        drawn = np.searchsorted(self.starts, place, side="right") - 1
        whole = np.log(np.add.reduceat(self.share[self.order], self.starts[:-1]))
        return np.asarray(self.chosen.log_probability(codes, drawn) + inside - whole[drawn])

    def to_state(self) -> State:
        """Arrays and JSON values."""
        return {
            "order": self.order,
            "starts": self.starts,
            "share": self.share,
            "chosen": None if self.chosen is None else self.chosen.to_state(),
        }

    @classmethod
    def from_state(cls, state: Any, sizes: list[int], size: int) -> CodeConditional:
        """Inverse of `to_state` for a target of `size` codes; ValueError if parts do not fit."""
        starts = state["starts"]
        chosen = state["chosen"] and Dichotomies.from_state(state["chosen"], sizes, len(starts) - 1)
        step = cls(state["order"], starts, state["share"], chosen)
        sound = (
            step.order.dtype.kind == starts.dtype.kind == "i"
            and step.share.dtype.kind == "f"
            and step.order.shape == step.share.shape == (size,)
            and np.array_equal(np.sort(step.order), np.arange(size))
            and starts[0] == 0
            and starts[-1] == size
            and bool(((starts >= 0) & (starts <= size)).all())
            and bool((np.diff(starts) > 0).all())
            and bool((step.share > 0).all())
            and abs(step.share.sum() - 1) < 1e-6
        )
        if not sound:
            raise ValueError("a step whose parts do not fit together")
        return step


def fit_conditional(
    codes: Codes,
    predictors: tuple[int, ...],
    categorical: set[int],
    sizes: list[int],
    y: npt.NDArray[np.int32],
    size: int,
    units: Units = None,
    *,
    ordered: bool,
    rng: np.random.Generator,
    boosting: Boosting,
    classes: int,
    most_rows: int,
) -> CodeConditional:
    """Fit one step.

    Parameters
    ----------
    codes, y
        Shape (rows,) for each column number, and (rows,): codes of the target.
    predictors
        Column numbers; none: the step draws by shares alone.
    categorical, sizes
        Columns whose codes have no order; number of codes of each column.
    size, ordered
        Number of codes of the target, and whether they are ordered.
    units
        Shape (rows,), None if each row is its own unit. The models learn from no more rows of one
        than units have on average.
    classes, most_rows
        Most classes, and most rows that the models learn from; shares are those of all rows.
    """
    count = np.bincount(y, minlength=size)
    share = even_counts(y, units, size, ordered=ordered) + 1e-9
    share /= share.sum()
    of_code = _classes(count, ordered=ordered, most=classes)
    number = int(of_code.max()) + 1
    order = np.argsort(of_code, kind="stable").astype(np.int32)
    starts = np.searchsorted(of_code[order], np.arange(number + 1)).astype(np.int64)
    if not predictors or (count > 0).sum() < 2 or number < 2:
        return CodeConditional(order, starts, share, None)
    rows = _learned(units, len(y), most_rows, rng)
    chosen = fit_dichotomies(
        {i: codes[i][rows] for i in predictors},
        predictors,
        categorical,
        sizes,
        of_code[y[rows]],
        np.add.reduceat(share[order], starts[:-1]),
        None if units is None else units[rows],
        rng=rng,
        boosting=boosting,
    )
    return CodeConditional(order, starts, share, chosen)


def _learned(units: Units, rows: int, most: int, rng: np.random.Generator) -> Ints:
    """At most `most` rows, and of each unit at most the mean number of rows of a unit."""
    chosen = np.arange(rows)
    if units is not None:
        mixed = rng.permutation(rows)
        mixed = mixed[np.argsort(units[mixed], kind="stable")]
        first = np.flatnonzero(np.r_[True, np.diff(units[mixed]) != 0])
        rank = chosen - np.repeat(first, np.diff(np.r_[first, rows]))
        chosen = np.sort(mixed[rank < max(1, round(rows / count_units(units, rows)))])
    if len(chosen) > most:
        chosen = np.sort(rng.choice(chosen, size=most, replace=False))
    return chosen


def _classes(count: Ints, *, ordered: bool, most: int) -> Ints:
    """Class of each code: frequent ones alone; neighbours together if ordered, else the rest."""
    size = len(count)
    if size <= most:
        return np.arange(size)
    of_code = np.empty(size, dtype=np.int64)
    if not ordered:
        of_code[np.argsort(-count, kind="stable")] = np.minimum(np.arange(size), most - 1)
        return of_code
    mass, current, total = 0.0, 0, count.sum() / most
    for i in range(size):
        if i and (mass + count[i] / 2 > total or count[i] >= total):
            current, mass = current + 1, 0.0
        of_code[i] = current
        mass += count[i]
    return of_code
