"""Evidence: what metrics share, computed once and only when asked for.

Columns are coded on bins and categories of train only. The holdout is cut to the size of the
release where sizes matter (`holdout` of counts), and whole where they do not (models, records).

Counts, sorted values and units are those of all rows, also of a table larger than memory
(`twinset.table.column_store`); codes, values, features and records are those of the rows at hand,
which then are a sample.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cached_property
from typing import Literal, TypeVar, cast

import numpy as np
import numpy.typing as npt

from twinset.evidence import counting, row_matches
from twinset.evidence.coded import Cells, Coded, Counts, Floats, Side, Split, Standing
from twinset.evidence.codes import Codebook
from twinset.evidence.counting import InFiles, InMemory, Rows
from twinset.evidence.effects import Effects, UnitSample
from twinset.evidence.model_matrix import Views
from twinset.protocols import Records
from twinset.stats import marginals
from twinset.stats.design_effect import Partners
from twinset.stats.row_hash import fingerprints
from twinset.stats.row_hash import near_unique as nearly_unique
from twinset.stats.seeds import stream
from twinset.stats.sorted_values import distinct
from twinset.stats.units import Units, compact, draw
from twinset.table.column_store import Spill
from twinset.table.schema import Column
from twinset.table.table import Table, column_numbers

__all__ = ["Evidence"]

NEAR_UNIQUE = 0.5  # a column with more distinct values than this share of the rows
_SOME_ROWS = 50_000
_PAIRED_ROWS = 30_000  # of which design effects are told
_SORTED = 20_000_000  # sorted values held at most: sorting again is cheap
T = TypeVar("T")
Places = npt.NDArray[np.int64]
_DISTANCE = {"tvd": marginals.tvd, "js": marginals.js_divergence}


class Evidence:
    """Train, synthetic and (or not) holdout: coded columns, counts, features, records.

    A metric whose class says ``needs = "counts"`` uses counts, sorted values, units and `some` rows
    alone, and is computed on all rows of a table of any size; others get a sample of a large table.

    Parameters
    ----------
    train, synthetic, holdout
        Tables; only columns that all have, in comparable kinds, are used (`left_out` says which
        are not, and why).
    target, sensitive
        Column to predict; columns whose groups are watched.
    seed
        Seed of every random step.
    spills
        All rows of those tables that are larger than memory; the tables then hold a sample.
    """

    def __init__(
        self,
        train: Table,
        synthetic: Table,
        holdout: Table | None = None,
        *,
        target: str | None = None,
        sensitive: Sequence[str] = (),
        seed: int = 0,
        spills: Mapping[Side, Spill] | None = None,
    ) -> None:
        self.seed = seed
        self._spills = dict(spills or {})
        self.left_out: dict[str, str] = {}
        tables = [t for t in (synthetic, holdout) if t is not None]
        names = [c.name for c in train.schema.columns if self._usable(c, tables)]
        self.schema = train.schema.select(names)
        self.train = train.select(names)
        self.synthetic = synthetic.select(names)
        self.holdout = None if holdout is None or not holdout.num_rows else holdout.select(names)
        self.target = target if target in names else None
        self.sensitive = tuple(s for s in sensitive if s in names)
        self._sorted: dict[tuple[tuple[Side, ...], str], Floats] = {}
        self._number_of_units: dict[Side, int] = {}
        self._once: dict[Hashable, object] = {}

    def _usable(self, column: Column, others: Sequence[Table]) -> bool:
        reason = ""
        if not column.is_learnable:
            reason = "its values are made new or constant: nothing to compare"
        for table in others:
            if column.name not in table.schema:
                reason = "it is not in every table"
            elif table.schema[column.name].kind.is_number_like != column.kind.is_number_like:
                reason = "it is a number in one table and not in another"
        if reason:
            self.left_out[column.name] = reason
        return not reason

    # -- tables ----------------------------------------------------------------------------------

    def rng(self, *task: str | int) -> np.random.Generator:
        """Random stream of a task."""
        return stream(self.seed, "evaluate", *task)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what `make` gives, made once for all metrics that ask by this key."""
        if key not in self._once:
            self._once[key] = make()
        return cast(T, self._once[key])

    @cached_property
    def holdout_rows(self) -> npt.NDArray[np.int64]:
        """Places in the whole holdout (of models) of the holdout's rows elsewhere."""
        held, most = self.holdout, self._released
        if held is None or held.num_rows <= most:
            return np.arange(0 if held is None else held.num_rows)
        return draw(held.units, held.num_rows, most, self.rng("holdout"))

    @cached_property
    def _equal(self) -> dict[Side, Table]:
        tables: dict[Side, Table] = {"train": self.train, "synthetic": self.synthetic}
        if self.holdout is not None:
            held = self.holdout
            whole = len(self.holdout_rows) == held.num_rows
            tables["holdout"] = held if whole else held.take(self.holdout_rows)
        return tables

    @property
    def _released(self) -> int:
        spill = self._spills.get("synthetic")
        return spill.rows if spill else self.synthetic.num_rows

    @cached_property
    def _rows(self) -> dict[Side, Rows]:
        found: dict[Side, Rows] = {}
        for side, table in self._equal.items():
            spill = self._spills.get(side)
            if spill is not None and side == "holdout" and spill.rows > self._released:
                units = None if spill.units is None else spill.units[: spill.rows]
                chosen = np.zeros(spill.rows, dtype=bool)
                chosen[draw(units, spill.rows, self._released, self.rng("holdout"))] = True
                spill = spill.kept(chosen)
            found[side] = InMemory(table) if spill is None else InFiles(spill)
        return found

    def at_hand(self, most: int) -> Evidence:
        """Return evidence on the rows at hand alone, about `most` of each table, by unit."""
        tables: dict[Side, Table] = {}
        for side, table in self._whole.items():
            if table.num_rows > most:
                rng = self.rng("at hand", side)
                table = table.take(draw(table.units, table.num_rows, most, rng))
            tables[side] = table
        if not self._spills and all(t is self._whole[s] for s, t in tables.items()):
            return self
        made = Evidence(
            tables["train"],
            tables["synthetic"],
            tables.get("holdout"),
            target=self.target,
            sensitive=self.sensitive,
            seed=self.seed,
        )
        made.left_out = self.left_out
        return made

    @property
    def sides(self) -> tuple[Side, ...]:
        """Tables that are there."""
        return tuple(self._equal)

    def rows(self, side: Side) -> int:
        """Rows of a table."""
        return self._rows[side].rows

    def units(self, side: Side) -> Units:
        """Units of a table's rows at hand."""
        return self._equal[side].units

    def number_of_units(self, side: Side) -> int:
        """Units of a table."""
        if side not in self._number_of_units:
            self._number_of_units[side] = self._rows[side].num_units
        return self._number_of_units[side]

    @property
    def split(self) -> tuple[int, int]:
        """Rows of the two parts that real rows are dealt to by chance."""
        n = self.rows("train")
        return (n, self.rows("holdout")) if "holdout" in self.sides else (n - n // 2, n // 2)

    @cached_property
    def _null(self) -> marginals.SplitNull:
        return marginals.SplitNull(self.split, (self.rows("train"), self.rows("synthetic")))

    @cached_property
    def _null_at_split(self) -> marginals.SplitNull:
        return marginals.SplitNull(self.split, self.split)

    # -- codes and counts ------------------------------------------------------------------------

    @cached_property
    def _codebook(self) -> Codebook:
        return Codebook(
            self.schema, self._rows, self._equal, lambda name: self.sorted("train", name)
        )

    @property
    def columns(self) -> dict[str, Coded]:
        """Coded columns by name."""
        return self._codebook.columns

    def levels(self, name: str) -> tuple[str, ...]:
        """Return the categories that train has in a discrete column, by code."""
        self.columns[name]  # coded by now
        return self._codebook.known[name]

    def cells(self, columns: Sequence[str], levels: int | None = None) -> Cells:
        """Joint counts, each column coarsened to `levels` codes (plus null and unseen)."""
        return self._codebook.cells(columns, levels)

    def missing_patterns(self, columns: Sequence[str]) -> Cells:
        """Counts of which of some columns are null together; the last cell is unseen in train."""
        return self._codebook.missing_patterns(columns)

    def effect(self, side: Side, column: str) -> float:
        """Design effect of units on a column's shares."""
        return self._codebook.effect(side, column)

    def held(self, column: str) -> Counts:
        """Units of train that hold each code of a column at least once; shape (codes,)."""
        return self._codebook.held(column)

    def pooled_effect(self, columns: Sequence[str]) -> float:
        """Design effect of real rows, the largest of these columns."""
        known = [c for c in columns if c in self.columns]
        sides = [s for s in self.sides if s != "synthetic"]
        return max((self.effect(s, c) for s in sides for c in known), default=1.0)

    @cached_property
    def _effects(self) -> Effects:
        sizes = self.rows("train"), self.rows("synthetic")
        rng = self.rng("resplits")
        return Effects(self.sides, sizes, self._sample, rng, self.values, self.real_sorted)

    def _sample(self, sides: Sequence[Side]) -> UnitSample:
        """Draw a bounded sample of whole units from these tables."""
        places: dict[Side, Places] = {}
        units, start, thinned = [], 0, 1.0
        for side in sides:
            places[side], own = self.some(side, _PAIRED_ROWS // len(sides))
            units.append(own + start)
            start += int(own.max(initial=-1)) + 1
            known = self.units(side)
            thinned = max(thinned, self.rows(side) / len(own if known is None else known))
        ids = np.concatenate(units)
        paired = start < len(ids)
        rng = self.rng("partners", *sides)
        return UnitSample(places, ids, Partners.of(ids, rng, thinned) if paired else None)

    def effects(self, cells: Cells) -> tuple[float, float]:
        """Design effects on a set's counts, of real rows and of the release's."""
        if len(cells.columns) > 1 and cells.codes:
            return self._effects.of(cells)
        known = [c for c in cells.columns if c in self.columns]
        release = max((self.effect("synthetic", c) for c in known), default=1.0)
        return self.pooled_effect(known), release

    def dependence_effect(self, cells: Cells) -> float:
        """Design effect of real rows on a pair's joint counts once its margins are fixed."""
        return self._effects.of_dependence(cells)

    def effects_along(self, column: str) -> Floats:
        """Design effects of real rows on the shares below a number's 1%, 2% ... 99% quantile."""
        return self._effects.along(column)

    # -- chance ----------------------------------------------------------------------------------

    def null(
        self, cells: Cells, measure: Literal["tvd", "js"], *, raked: bool = False
    ) -> tuple[float, float]:
        """Mean and variance of a distance if the release were a fresh real sample."""
        counts, fresh = self.pooled(cells)
        if measure == "js":
            return self._null.js(counts, fresh, self.effects(cells)[0])
        effect, damp, inflation = self.effects(cells)[0], np.ones(len(counts)), 1.0
        if raked:
            table = counts.reshape(cells.shape) / max(int(counts.sum()), 1)
            rows, cols = table.sum(axis=1), table.sum(axis=0)
            inflation = marginals.raked_inflation(rows, cols)
        known = raked and "holdout" in self.sides  # else: noise of thin margins, not to be told
        if known:  # equal margins leave each cell (1 - row share)(1 - column share) of its variance
            damp = np.sqrt(np.maximum(np.outer(1 - rows, 1 - cols), 0)).ravel()
            effect, fresh = self.dependence_effect(cells), 0.0
        mean, variance = self._null.tvd(counts, fresh, effect, damp)
        variance *= inflation
        if not self._effects.several:
            return mean, variance
        if known:
            dealt = self._effects.raked(cells)
            return max(mean, dealt[0]), max(variance, dealt[1])
        return mean, max(variance, self._effects.variance([cells]))

    def pooled(self, cells: Cells) -> tuple[Counts, float]:
        """Real rows in each cell that train can have, and the share of fresh rows in the others."""
        train = cells.counts["train"]
        if "holdout" in self.sides:
            held = cells.counts["holdout"]
            fresh = float(held[cells.unseen].sum()) / max(self.rows("holdout"), 1)
            return np.where(cells.unseen, 0, train + held), fresh
        single = np.count_nonzero(train == 1)  # Good (1953): unseen mass is about singletons / n
        return train, min(single / max(self.rows("train"), 1), 1.0) if single > 2 else 0.0

    def reference(self, cells: Cells, measure: Literal["tvd", "js"]) -> float:
        """The holdout's own distance from train, at the size of the release."""
        mean = self.null(cells, measure)[0]
        if "holdout" not in self.sides:
            return mean
        found = _DISTANCE[measure](cells.counts["train"], cells.counts["holdout"])
        if self.rows("holdout") >= self.rows("synthetic"):
            return found
        counts, fresh = self.pooled(cells)
        same = self._null_at_split.tvd if measure == "tvd" else self._null_at_split.js
        at_split = same(counts, fresh, self.effects(cells)[0])[0]
        return min(1.0, found * mean / at_split) if at_split > 0 else found

    def some(self, side: Side, most: int = _SOME_ROWS) -> tuple[Places, Places]:
        """Places of a bounded sample, by unit, of the rows at hand, and the unit of each."""
        units, rows = self.units(side), self._equal[side].num_rows
        if rows <= most:
            return np.arange(rows), compact(units, rows)
        chosen = draw(units, rows, most, self.rng("some", side))
        return chosen, compact(None if units is None else units[chosen], len(chosen))

    def mean_variance(self, sets: Sequence[Cells]) -> float:
        """Variance of the mean TVD of some sets if the release were a fresh real sample."""
        return self._effects.variance(sets)

    # -- numbers ---------------------------------------------------------------------------------

    def numeric(self) -> tuple[str, ...]:
        """Names of number-like columns."""
        return tuple(c.name for c in self.schema.columns if c.kind.is_number_like)

    def values(self, side: Side, column: str) -> Floats:
        """Return a number-like column of the rows at hand as float64, NaN where null."""
        return column_numbers(self._equal[side], column)

    def sorted(self, side: Side, column: str) -> Floats:
        """Sorted non-null values of a number-like column."""
        return self._in_order((side,), column)

    def real_sorted(self, column: str) -> Floats:
        """Sorted non-null values of a number-like column in train and holdout together."""
        return self._in_order(tuple(s for s in self.sides if s != "synthetic"), column)

    def _in_order(self, sides: tuple[Side, ...], column: str) -> Floats:
        key = (sides, column)
        if key not in self._sorted:
            found = counting.sort([self._rows[s].numbers(column) for s in sides])
            if sum(map(len, self._sorted.values())) + len(found) > _SORTED:
                self._sorted.clear()
            self._sorted[key] = found
        return self._sorted[key]

    # -- models ----------------------------------------------------------------------------------

    @cached_property
    def _whole(self) -> dict[Side, Table]:
        whole: dict[Side, Table] = {"train": self.train, "synthetic": self.synthetic}
        return whole if self.holdout is None else {**whole, "holdout": self.holdout}

    @cached_property
    def _views(self) -> Views:
        return Views(self.schema, self._whole)

    def model_view(self, side: Side, *, without: str | None = None) -> Split:
        """Features of all rows of a table for a model."""
        return self._views.model_view(side, without=without)

    def target_values(self) -> tuple[dict[Side, Floats], tuple[str, ...] | None]:
        """Target per side (class codes or numbers, NaN where null), and class names if discrete."""
        return ({}, None) if self.target is None else self._views.values(self.target)

    def records(self) -> dict[Side, Records]:
        """All tables on one scale for distances, the scale of train and holdout together."""
        return self._views.records

    def hashes(self, *, near_unique: bool) -> dict[Side, npt.NDArray[np.uint64]]:
        """One number a row, equal exactly if rows are equal (up to 64-bit collisions)."""
        left_out = None if near_unique else nearly_unique(self.records()["train"], NEAR_UNIQUE)
        return {s: fingerprints(r, left_out) for s, r in self.records().items()}

    def standing_in_train(self, *, near_unique: bool) -> dict[Side, Standing]:
        """How many rows of each whole table equal a train row (of train: another train row)."""
        left_out = () if near_unique else tuple(filter(self._is_near_unique, self.schema.names))
        schema = self.schema.select([n for n in self.schema.names if n not in left_out])
        tables: dict[Side, Rows] = {
            s: InFiles(self._spills[s]) if s in self._spills else InMemory(t)
            for s, t in self._whole.items()
        }
        return row_matches.standing(tables, schema)

    def _is_near_unique(self, name: str) -> bool:
        most = max(NEAR_UNIQUE * self.rows("train"), 10)
        if not self.schema[name].kind.is_number_like:
            return bool(np.count_nonzero(self.cells([name]).counts["train"]) > most)
        return distinct(self.sorted("train", name)) > most
