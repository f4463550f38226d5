"""Design effects of units: how much less the rows at hand tell than as many independent rows."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from twinset.evidence.coded import Cells, Codes, Floats, Side
from twinset.stats import marginals
from twinset.stats.design_effect import Partners
from twinset.stats.sorted_values import quantiles
from twinset.stats.unit_permutation import Deals, influence

__all__ = ["Effects", "UnitSample"]

_DEALS = 64
_CUTS = np.arange(0.01, 0.995, 0.01)
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class UnitSample:
    """A bounded sample of whole units out of the rows at hand of some tables.

    Attributes
    ----------
    places
        Places of the rows in each table.
    units
        Shape (rows,): unit of each row, 0, 1, 2 ...
    partners
        Which rows are of one unit; None if no two are.
    """

    places: dict[Side, Places]
    units: Places
    partners: Partners | None

    def index(self, cells: Cells) -> Places:
        """Return shape (rows,): the cell of each row."""
        return np.concatenate([cells.index(side, at) for side, at in self.places.items()])

    def codes(self, cells: Cells, column: int) -> Codes:
        """Return shape (rows,): the code of each row in a column of a set."""
        return np.concatenate([cells.codes[s][column][at] for s, at in self.places.items()])

    def effect(self, cells: Cells) -> float:
        """Design effect on a set's shares."""
        return self.partners.effect(self.index(cells), len(cells.unseen)) if self.partners else 1.0


class Effects:
    """Design effects on counts of sets of columns, and along the values of numbers.

    Of the real rows (train and holdout together) and of the release's; all 1 where each row is its
    own unit.

    Parameters
    ----------
    sides, sizes
        The tables, and the rows of train and of the release.
    sample
        Returns a sample of the rows of some tables.
    rng
        Deals the real units.
    values, in_order
        Return the values of a number in the rows at hand, and sorted in all real rows.
    """

    def __init__(
        self,
        sides: Sequence[Side],
        sizes: tuple[int, int],
        sample: Callable[[Sequence[Side]], UnitSample],
        rng: np.random.Generator,
        values: Callable[[Side, str], Floats],
        in_order: Callable[[str], Floats],
    ) -> None:
        self._sides, self._sizes, self._sample, self._rng = sides, sizes, sample, rng
        self._values, self._in_order = values, in_order
        self._found: dict[Hashable, tuple[float, float]] = {}

    @cached_property
    def real(self) -> UnitSample:
        """Rows of train and holdout."""
        return self._sample([s for s in self._sides if s != "synthetic"])

    @cached_property
    def _release(self) -> UnitSample:
        return self._sample(["synthetic"])

    def of(self, cells: Cells) -> tuple[float, float]:
        """Effects on a set's shares, in real rows and in the release."""
        key = cells.columns, cells.shape
        if key not in self._found:
            self._found[key] = self.real.effect(cells), self._release.effect(cells)
        return self._found[key]

    @cached_property
    def deals(self) -> Deals:
        """Random halves of the real units."""
        return Deals.of(self.real.units, _DEALS, self._rng)

    @property
    def several(self) -> bool:
        """Whether a real unit has more than one row."""
        return self.real.partners is not None

    def variance(self, sets: Sequence[Cells]) -> float:
        """Variance of the mean TVD of some sets, train against a fresh release.

        That of random halves of the real units, and that of what they are halves of: the influence
        of each unit on the mean.
        """
        units = self.real.units
        values, drift = np.zeros(_DEALS), np.zeros(int(units.max()) + 1)
        for cells in sets:
            index = self.real.index(cells)
            used = np.flatnonzero(np.bincount(index, minlength=len(cells.unseen)))
            place = np.zeros(len(cells.unseen), dtype=np.int64)
            place[used] = np.arange(len(used))
            index, there = place[index], ~cells.unseen[used]
            values += self._dealt(index, there) / len(sets)
            drift += influence(index, units, there) / len(sets)
        own = float(np.var(drift)) * len(drift) * self.deals.scale(self._sizes)
        return self.deals.variance(values, self._sizes) + own

    def raked(self, cells: Cells) -> tuple[float, float]:
        """Mean and variance of a pair's raked TVD, train against a fresh release."""
        halves = self.deals.counts(self.real.index(cells), len(cells.unseen))
        found = marginals.raked_tvd(*(h.reshape(-1, *cells.shape) for h in halves))
        mean = float(found.mean()) * self.deals.scale(self._sizes) ** 0.5
        return mean, self.deals.variance(found, self._sizes)

    def _dealt(self, index: Places, there: npt.NDArray[np.bool_]) -> Floats:
        """TVD of random halves of the real units on the cells that count: shape (deals,)."""
        one, other = self.deals.counts(index, len(there))
        gaps = one / np.maximum(one.sum(axis=1, keepdims=True), 1)
        gaps -= other / np.maximum(other.sum(axis=1, keepdims=True), 1)
        return np.asarray(np.abs(gaps[:, there]).sum(axis=1) / 2)

    def of_dependence(self, cells: Cells) -> float:
        """Effect on a pair's joint shares in real rows, its margins fixed."""
        if self.real.partners is None:
            return 1.0
        a, b = (self.real.codes(cells, i) for i in (0, 1))
        return self.real.partners.dependence_effect(a, b, (cells.shape[0], cells.shape[1]))

    def along(self, column: str) -> Floats:
        """Effects on the shares below the 1%, 2% ... 99% quantile of a number: shape (99,)."""
        if self.real.partners is None:
            return np.ones(len(_CUTS))
        x = np.concatenate([self._values(s, column)[at] for s, at in self.real.places.items()])
        cuts = quantiles(self._in_order(column), _CUTS)
        codes = np.where(np.isnan(x), -1, np.searchsorted(cuts, x))
        return self.real.partners.cumulative_effects(codes, len(_CUTS) + 1)
