"""Evidence: what metrics share, computed once and only when asked for.

Columns are coded on bins and categories of train only. The holdout is cut to the size of the
release where sizes matter (`holdout` of counts), and whole where they do not (models, records).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import cached_property
from typing import Literal, TypeVar, cast

import numpy as np
import numpy.typing as npt

from twinset.evaluation.coding import column_numbers, labels, shared_codes, small, unseen_cells
from twinset.evaluation.texts import bin_texts
from twinset.metrics._evidence import Cells, Coded, Codes, Counts, Floats, Side, Split
from twinset.protocols import Records
from twinset.stats import marginals
from twinset.stats.codes import coarsen, fit_bins
from twinset.stats.fingerprints import fingerprints
from twinset.stats.fingerprints import near_unique as nearly_unique
from twinset.stats.records import encode
from twinset.stats.seeds import stream
from twinset.stats.units import Units, compact, count_units, design_effect, draw
from twinset.table.schema import Column, Kind
from twinset.table.table import Table

__all__ = ["BINS", "LEVELS", "Evidence"]

T = TypeVar("T")
BINS = 20
NEAR_UNIQUE = 0.5  # a column with more distinct values than this share of the rows
LEVELS = {1: None, 2: 32, 3: 8, 4: 4}  # codes a column, by the number of columns (4: or more)
_RESPLIT_ROWS = 30_000
_DISTANCE = {"tvd": marginals.tvd, "js": marginals.js_divergence}


class Evidence:
    """Train, synthetic and (or not) holdout: coded columns, counts, features, records.

    Parameters
    ----------
    train, synthetic, holdout
        Tables; only columns that all have, in comparable kinds, are used (`left_out` says which
        are not, and why).
    target, sensitive
        Column to predict; columns whose groups are watched.
    seed
        Seed of every random step.
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
    ) -> None:
        self.seed = seed
        self.left_out: dict[str, str] = {}
        tables = [t for t in (synthetic, holdout) if t is not None]
        names = [c.name for c in train.schema.columns if self._usable(c, tables)]
        self.schema = train.schema.select(names)
        self.train = train.select(names)
        self.synthetic = synthetic.select(names)
        self.holdout = None if holdout is None or not holdout.num_rows else holdout.select(names)
        self.target = target if target in names else None
        self.sensitive = tuple(s for s in sensitive if s in names)
        self._cells: dict[tuple[tuple[str, ...], int | None], Cells] = {}
        self._sorted: dict[tuple[Side, str], Floats] = {}
        self._known: dict[str, tuple[str, ...]] = {}
        self._effects: dict[tuple[Side, str], float] = {}
        self._once: dict[Hashable, object] = {}
        self._coarse: dict[tuple[str, int], tuple[dict[Side, Codes], int]] = {}

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
        held, most = self.holdout, self.synthetic.num_rows
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
    def sides(self) -> tuple[Side, ...]:
        """Tables that are there."""
        return tuple(self._equal)

    def rows(self, side: Side) -> int:
        """Rows of a table."""
        return self._equal[side].num_rows

    def units(self, side: Side) -> Units:
        """Units of a table's rows."""
        return self._equal[side].units

    def number_of_units(self, side: Side) -> int:
        """Units of a table."""
        return count_units(self.units(side), self.rows(side))

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
    def columns(self) -> dict[str, Coded]:
        """Coded columns by name."""
        return {c.name: self._code(c) for c in self.schema.columns}

    def levels(self, name: str) -> tuple[str, ...]:
        """Return the categories that train has in a discrete column, by code."""
        self.columns[name]  # coded by now
        return self._known[name]

    def _code(self, column: Column) -> Coded:
        codes: dict[Side, Codes] = {}
        order: npt.NDArray[np.int64] | None = None
        if column.kind.is_number_like:
            bins = fit_bins(self.values("train", column.name), BINS)
            order, size = bins.order, bins.size
            for side in self.sides:
                codes[side] = small(bins.code(self.values(side, column.name)), size)
            return Coded(column.name, column.kind, codes, size, order, bin_texts(bins, column.kind))
        known, place = labels(self.train[column.name])
        present = np.bincount(place[place >= 0], minlength=len(known)) > 0
        levels = [v for v, p in zip(known, present, strict=True) if p]
        if column.categories is not None:  # declared or inferred order
            rank = {v: i for i, v in enumerate(column.categories)}
            levels.sort(key=lambda v: rank.get(v, len(rank)))
        to_code = {v: i for i, v in enumerate(levels)}
        self._known[column.name] = tuple(levels)
        size = len(levels) + 2
        for side in self.sides:
            names, at = labels(self._equal[side][column.name])
            table = np.array([to_code.get(v, size - 1) for v in names] + [size - 2])
            codes[side] = small(table[at], size)  # -1 (null) takes the last
        if column.kind is Kind.ORDINAL:
            order = np.arange(size)
        text = (*(f"category {v!r}" for v in levels), "missing", "unseen categories")
        return Coded(column.name, column.kind, codes, size, order, text)

    def effect(self, side: Side, column: str) -> float:
        """Design effect of units on a column's shares."""
        key = (side, column)
        if key not in self._effects:
            coded = self.columns[column]
            self._effects[key] = design_effect(coded.codes[side], self.units(side), coded.size)
        return self._effects[key]

    def pooled_effect(self, columns: Sequence[str]) -> float:
        """Design effect to use for chance: the largest of these columns, real rows."""
        known = [c for c in columns if c in self.columns]
        sides = [s for s in self.sides if s != "synthetic"]
        return max((self.effect(s, c) for s in sides for c in known), default=1.0)

    def _levels(self, name: str, levels: int | None) -> tuple[dict[Side, Codes], int]:
        coded = self.columns[name]
        if levels is None or coded.size <= levels + 2:
            return coded.codes, coded.size
        key = (name, levels)
        if key not in self._coarse:
            counts = np.bincount(coded.codes["train"], minlength=coded.size)[:-2]
            order = None if coded.order is None else coded.order[coded.order < coded.size - 2]
            table = np.append(coarsen(counts, order, levels), [levels, levels + 1])
            table = small(table, levels + 2)
            self._coarse[key] = {s: table[c] for s, c in coded.codes.items()}, levels + 2
        return self._coarse[key]

    def cells(self, columns: Sequence[str], levels: int | None = None) -> Cells:
        """Joint counts, each column coarsened to `levels` codes (plus null and unseen)."""
        names = tuple(columns)
        levels = LEVELS[min(len(names), 4)] if levels is None else levels
        if (names, levels) in self._cells:
            return self._cells[names, levels]
        coded = [self._levels(n, levels) for n in names]
        shape = tuple(size for _, size in coded)
        codes: dict[Side, tuple[Codes, ...]] = {
            s: tuple(c[s] for c, _ in coded) for s in self.sides
        }
        found = Cells(names, shape, {}, unseen_cells(shape), codes)
        for side in self.sides:
            found.counts[side] = np.bincount(found.index(side), minlength=int(np.prod(shape)))
        self._cells[names, levels] = found
        return found

    def pseudo(self, columns: Sequence[str], codes: dict[Side, Codes], size: int) -> Cells:
        """Counts of codes made from some columns; the last code is unseen in train."""
        counts = {s: np.bincount(c, minlength=size) for s, c in codes.items()}
        wrapped: dict[Side, tuple[Codes, ...]] = {s: (c,) for s, c in codes.items()}
        return Cells(tuple(columns), (size,), counts, unseen_cells((size,)), wrapped)

    # -- chance ----------------------------------------------------------------------------------

    def null(
        self, cells: Cells, measure: Literal["tvd", "js"], *, raked: bool = False
    ) -> tuple[float, float]:
        """Mean and variance of a distance if the release were a fresh real sample."""
        counts, fresh = self.pooled(cells)
        effect = self.pooled_effect(cells.columns)
        if measure == "js":
            return self._null.js(counts, fresh, effect)
        damp = np.ones(len(counts))
        if raked:  # equal margins leave each cell (1 - row share)(1 - column share) of its variance
            table = counts.reshape(cells.shape) / max(int(counts.sum()), 1)
            rows, cols = table.sum(axis=1), table.sum(axis=0)
            damp = np.sqrt(np.maximum(np.outer(1 - rows, 1 - cols), 0)).ravel()
            fresh = 0.0
        return self._null.tvd(counts, fresh, effect, damp)

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
        at_split = same(counts, fresh, self.pooled_effect(cells.columns))[0]
        return min(1.0, found * mean / at_split) if at_split > 0 else found

    @cached_property
    def _real_rows(self) -> tuple[dict[Side, npt.NDArray[np.int64]], npt.NDArray[np.int64]]:
        chosen: dict[Side, npt.NDArray[np.int64]] = {}
        ids, start = [], 0
        sides = [s for s in self.sides if s != "synthetic"]
        for side in sides:
            most = _RESPLIT_ROWS // len(sides)
            chosen[side] = draw(self.units(side), self.rows(side), most, self.rng("real", side))
            own = compact(self.units(side), self.rows(side))[chosen[side]] + start
            start += self.rows(side)
            ids.append(own)
        return chosen, compact(np.concatenate(ids), sum(map(len, ids)))

    def real(self, cells: Cells) -> npt.NDArray[np.int64]:
        """Cell of each of a bounded sample of real rows (train and holdout pooled)."""
        rows, _ = self._real_rows
        return np.concatenate([cells.index(side, at) for side, at in rows.items()])

    def resplits(self, times: int) -> Iterator[npt.NDArray[np.bool_]]:
        """Random halves by unit of the rows of `real`."""
        _, ids = self._real_rows
        rng = self.rng("resplits")
        number = int(ids.max()) + 1
        for _ in range(times):
            yield (rng.permutation(number) < number // 2)[ids]

    # -- numbers ---------------------------------------------------------------------------------

    def numeric(self) -> tuple[str, ...]:
        """Names of number-like columns."""
        return tuple(c.name for c in self.schema.columns if c.kind.is_number_like)

    def values(self, side: Side, column: str) -> Floats:
        """Return a number-like column as float64, NaN where null."""
        table = self._equal[side]
        return column_numbers(table, column)

    def sorted(self, side: Side, column: str) -> Floats:
        """Sorted non-null values of a number-like column."""
        key = (side, column)
        if key not in self._sorted:
            values = self.values(side, column)
            self._sorted[key] = np.sort(values[~np.isnan(values)])
        return self._sorted[key]

    # -- models ----------------------------------------------------------------------------------

    @cached_property
    def _whole(self) -> dict[Side, Table]:
        whole: dict[Side, Table] = {"train": self.train, "synthetic": self.synthetic}
        return whole if self.holdout is None else {**whole, "holdout": self.holdout}

    @cached_property
    def _features(self) -> dict[Side, Floats]:
        columns: dict[Side, list[Floats]] = {s: [] for s in self._whole}
        for column in self.schema.columns:
            if column.kind.is_number_like:
                for side, table in self._whole.items():
                    columns[side].append(column_numbers(table, column.name))
                continue
            for side, codes in shared_codes(self._whole, column.name)[0].items():
                columns[side].append(codes)
        return {
            s: np.column_stack(c) if c else np.empty((t.num_rows, 0))
            for (s, c), t in zip(columns.items(), self._whole.values(), strict=True)
        }

    def model_view(self, side: Side, *, without: str | None = None) -> Split:
        """Features of all rows of a table for a model."""
        keep = [i for i, c in enumerate(self.schema.columns) if c.name != without]
        chosen = [self.schema.columns[i] for i in keep]
        categorical = tuple(i for i, c in enumerate(chosen) if not c.kind.is_number_like)
        names = tuple(c.name for c in chosen)
        return Split(self._features[side][:, keep], names, categorical, self._whole[side].units)

    def target_values(self) -> tuple[dict[Side, Floats], tuple[str, ...] | None]:
        """Target per side (class codes or numbers, NaN where null), and class names if discrete."""
        if self.target is None:
            return {}, None
        if self.schema[self.target].kind.is_number_like:
            return {s: column_numbers(t, self.target) for s, t in self._whole.items()}, None
        return shared_codes(self._whole, self.target)

    # -- records ---------------------------------------------------------------------------------

    def records(self) -> dict[Side, Records]:
        """All tables on one scale for distances, the scale of train and holdout together."""
        return self._records

    @cached_property
    def _records(self) -> dict[Side, Records]:
        sides = list(self._whole)
        real = [i for i, s in enumerate(sides) if s != "synthetic"]
        encoded = encode(list(self._whole.values()), reference=real, columns=self.schema.names)
        return dict(zip(sides, encoded, strict=True))

    def hashes(self, *, near_unique: bool) -> dict[Side, npt.NDArray[np.uint64]]:
        """One number a row, equal exactly if rows are equal (up to 64-bit collisions)."""
        records = self.records()
        left_out = None if near_unique else nearly_unique(records["train"], NEAR_UNIQUE)
        return {s: fingerprints(r, left_out) for s, r in records.items()}
