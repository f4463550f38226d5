"""Sequential conditional trees: the default generator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from twinset.blocks.boosting import Boosting
from twinset.blocks.conditional import CodeConditional, fit_conditional
from twinset.blocks.feature_screening import by_dependence, informative
from twinset.blocks.offsets import Offset, find_anchors, fit_offset, scale
from twinset.blocks.relations import Relation, find_relations
from twinset.blocks.sequential import Sequential
from twinset.blocks.sequential_given import draw_given
from twinset.blocks.sequential_where import draw_where
from twinset.encoding.bins import Discretizer, fit_discretizer
from twinset.errors import InputError
from twinset.progress import phase
from twinset.protocols import (
    Conditional,
    Density,
    FitContext,
    Generator,
    PartialRows,
    RowTest,
    Sample,
    Screened,
    State,
)
from twinset.scale.local import map_ordered
from twinset.stats.seeds import spawn
from twinset.table.schema import Role
from twinset.table.table import Table, numbers

__all__ = ["Cart", "CartModel"]

Method = Literal["boosted", "tree", "marginal"]
Codes = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

_LIMITS = {
    "leaf": (1, 10**9),
    "trees": (1, 10_000),
    "leaves": (2, 1_000),
    "classes": (2, 2_000),
    "bins": (1, 10_000),
    "atom": (1, 10**9),
    "most_predictors": (1, 10**6),
    "structure_rows": (100, 10**9),
}
_MOST_CELLS = 600_000
_MANY = 16
_NEAR = 200
_TREE = Boosting(trees=1, rate=1.0, leaves=256, smoothing=5.0, leaf=20, patience=1)


@dataclass(frozen=True, eq=False)
class CartModel(Conditional, Screened, Density):
    """The sequential model; `empty` is the train table without rows."""

    empty: Table
    sequential: Sequential

    def sample(self, n: int, *, rng: np.random.Generator) -> Table:
        """Draw `n` rows."""
        return self.sequential.draw(n, rng)

    def complete(self, rows: PartialRows, *, rng: np.random.Generator) -> Sample:
        """Draw the unknown cells of rows; see `twinset.blocks.sequential_given`."""
        return draw_given(self.sequential, rows, rng)

    def screened(self, n: int, tests: Sequence[RowTest], *, rng: np.random.Generator) -> Sample:
        """Draw rows that pass tests, column by column; see `twinset.blocks.sequential_where`."""
        return draw_where(self.sequential, n, tests, rng)

    def log_prob(self, table: Table) -> npt.NDArray[np.float64]:
        """Shape (rows,): log probability of the codes of complete rows."""
        return self.sequential.log_prob(table)

    def to_state(self) -> State:
        """Arrays and JSON values."""
        return self.sequential.to_state()


@dataclass(frozen=True)
class Cart(Generator):
    """Each column by boosted trees on those before it; values drawn, not donated.

    Sequential synthesis as in synthpop (Nowok, Raab, Dibben 2016, J. Stat. Software 74(11)), with
    coded columns (`twinset.encoding.bins`), nested dichotomies of boosted trees
    (`twinset.blocks.dichotomies`), exact relations (`twinset.blocks.relations`) and differences to
    a column that is followed closely (`twinset.blocks.offsets`) in place of donors.

    Parameters
    ----------
    leaf
        Least units of a leaf, and of each answer to a question that trees are to learn; larger
        leaks less.
    trees, rate, leaves
        Most trees a question (fewer if held-out rows stop gaining), learning rate, leaves a tree.
    smoothing
        Strength of the shrinkage of leaves to their question's mean.
    classes
        Most classes of codes of a column that trees tell apart; inside one, codes go by share.
    bins, atom
        Intervals of equal mass for a number; units that must share a number to release it as it is.
    order
        Columns that come first. Then come categories of many levels, then always the column that
        depends most on one before it; the target (else the last column) is last.
    methods
        ``{column: "boosted" | "tree" | "marginal"}`` where it is not ``method``.
    method
        Of all other columns; "tree" is one larger tree a question.
    predictors
        ``{column: [columns]}`` it may depend on, of those before it; default all.
    most_predictors
        Most predictors a column; beyond, those with the most mutual information are taken.
    structure_rows
        Rows that trees are learned on, at most; shares are those of all rows.
    """

    name: ClassVar[str] = "cart"
    model: ClassVar[type[Any]] = CartModel

    leaf: int = 20
    trees: int = 60
    rate: float = 0.2
    leaves: int = 8
    smoothing: float = 5.0
    classes: int = 500
    bins: int = 400
    atom: int = 10
    order: Sequence[str] = ()
    method: Method = "boosted"
    methods: Mapping[str, Method] = field(default_factory=dict)
    predictors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    most_predictors: int = 24
    structure_rows: int = 50_000

    def __post_init__(self) -> None:
        for name, (least, most) in _LIMITS.items():
            value = getattr(self, name)
            if not isinstance(value, int) or not least <= value <= most:
                raise InputError(
                    f"option {name} of cart", got=repr(value), allowed=f"{least} to {most:,}"
                )
        if not 0 < self.rate <= 1:
            raise InputError("option rate of cart", got=repr(self.rate), allowed="above 0, up to 1")
        if not 0 <= self.smoothing <= 1e9:
            raise InputError(
                "option smoothing of cart", got=repr(self.smoothing), allowed="0 to 1e9"
            )
        for method in (self.method, *self.methods.values()):
            if method not in ("boosted", "tree", "marginal"):
                raise InputError(
                    "method of cart", got=repr(method), allowed="boosted, tree, marginal"
                )

    def fit(self, table: Table, *, context: FitContext) -> CartModel:
        """Fit the steps, one a column."""
        names = table.names
        self._check_names(names)
        coders = tuple(
            fit_discretizer(c, table[c.name], table.units, bins=self.bins, atom=self.atom)
            for c in table.schema.columns
        )
        codes = {i: c.encode(table[n]) for i, (c, n) in enumerate(zip(coders, names, strict=True))}
        sizes = [c.size for c in coders]
        categorical = {i for i, c in enumerate(coders) if not c.ordered}
        order = self._order(table, codes, sizes, categorical)
        values = self._values(table, coders)
        relations = self._relations(table, values, order)
        offsets = self._offsets(table, values, order, relations)
        streams = spawn(context.rng, len(order))

        def learn(place: int) -> CodeConditional:
            target = order[place]
            size, y = sizes[target], codes[target]
            if target in relations:
                found, met = relations[target]
                size, y = size + len(found), np.where(met >= 0, size + met, y)
            if target in offsets:
                offset, at = offsets[target]
                size, y = size + offset.size, np.where(at >= 0, size + at, y)
            return fit_conditional(
                codes,
                self._predictors(names, order[:place], target, codes, sizes),
                categorical,
                sizes,
                y,
                size,
                table.units,
                ordered=coders[target].ordered,
                rng=streams[target],
                boosting=self._boosting(names[target], last=place == len(order) - 1),
                classes=self.classes,
                most_rows=max(5_000, min(self.structure_rows, _MOST_CELLS // len(names))),
            )

        steps: dict[int, CodeConditional] = {}
        modelled = range(len(self._context(table)), len(order))
        with phase("learn columns", len(modelled)) as running:
            for place, step in zip(modelled, map_ordered(learn, modelled), strict=True):
                target = order[place]
                steps[target] = step
                running.advance(detail=names[target])
        kept = {i: found for i, (found, _) in relations.items()}
        near = {i: offset for i, (offset, _) in offsets.items()}
        return CartModel(table.take(np.arange(0)), Sequential(coders, order, steps, kept, near))

    def from_state(self, state: State, table: Table) -> CartModel:
        """Rebuild from `CartModel.to_state`."""
        return CartModel(table, Sequential.from_state(state, table.schema.columns))

    def _check_names(self, names: tuple[str, ...]) -> None:
        asked = [*self.order, *self.methods, *self.predictors]
        asked += [n for used in self.predictors.values() for n in used]
        for name in asked:
            if name not in names:
                raise InputError(
                    f"column {name!r} in the options of cart",
                    got="no such column among those that are learned",
                    allowed=", ".join(names[:12]),
                )

    def _order(
        self,
        table: Table,
        codes: Mapping[int, Codes],
        sizes: list[int],
        categorical: set[int],
    ) -> tuple[int, ...]:
        """Kept columns and those asked for; categories of many levels; then by dependence."""
        place = {n: i for i, n in enumerate(table.names)}
        first = self._context(table)
        first += [place[c.name] for c in table.schema.columns if c.keep]
        first += [place[n] for n in self.order if place[n] not in first]
        last = self._last(table, first)
        many = [i for i in categorical if sizes[i] > _MANY and i not in [*first, *last]]
        first += sorted(many, key=lambda i: (-sizes[i], i))
        inner = {i: c for i, c in codes.items() if i not in last}
        order = list(first)
        rest = sorted(i for i in inner if i not in first)
        for start in range(0, len(rest), _NEAR):  # all pairs of very many columns would take hours
            known = order[-_NEAR:]
            block = {i: inner[i] for i in [*known, *rest[start : start + _NEAR]]}
            order += by_dependence(block, sizes, known)[len(known) :]
        return (*order, *last)

    @staticmethod
    def _context(table: Table) -> list[int]:
        """Return the columns that are conditioned on and never modelled."""
        return [i for i, c in enumerate(table.schema.columns) if c.role is Role.CONTEXT]

    @staticmethod
    def _last(table: Table, first: list[int]) -> list[int]:
        """Return the target, or the last column: what users model."""
        roles = [c.role for c in table.schema.columns]
        last = roles.index(Role.TARGET) if Role.TARGET in roles else len(roles) - 1
        return [] if last in first else [last]

    def _values(self, table: Table, coders: Sequence[Discretizer]) -> dict[int, Floats]:
        """Numbers of the columns that relations and offsets are looked for among."""
        used = [i for i, c in enumerate(coders) if c.intervals is not None]
        return {i: numbers(table[table.names[i]]) for i in used}

    def _is_plain(self, table: Table, i: int) -> bool:
        """Whether nothing is looked for: what a column depends on is stated, or it is given."""
        name = table.names[i]
        if table.schema[name].role is Role.CONTEXT:
            return True
        return name in self.predictors or self.methods.get(name, self.method) == "marginal"

    def _relations(
        self, table: Table, values: Mapping[int, Floats], order: Sequence[int]
    ) -> dict[int, tuple[tuple[Relation, ...], Codes]]:
        """Exact relations of number columns."""
        if self.method == "marginal":
            return {}
        relations = find_relations(values, order, least=2 * self.atom, units=table.units)
        return {i: r for i, r in relations.items() if not self._is_plain(table, i)}

    def _offsets(
        self,
        table: Table,
        values: Mapping[int, Floats],
        order: Sequence[int],
        relations: Mapping[int, tuple[tuple[Relation, ...], Codes]],
    ) -> dict[int, tuple[Offset, Codes]]:
        """Differences to the column that each follows closely, where no relation gives all."""
        found = {}
        met = {i: at >= 0 for i, (_, at) in relations.items()}
        scales = {i: scale(values[i], table.schema.columns[i].format) for i in values}
        for i, anchor in find_anchors(values, order, scales, met).items():
            if self._is_plain(table, i):
                continue
            offset = fit_offset(
                values[i],
                anchor,
                values[anchor[0]],
                ~met[i] if i in met else np.ones(table.num_rows, dtype=bool),
                table.units,
                step=table.schema.columns[i].format.step,
                bins=self.bins,
                atom=self.atom,
            )
            if offset is not None:
                found[i] = offset
        return found

    def _predictors(
        self,
        names: tuple[str, ...],
        before: tuple[int, ...],
        target: int,
        codes: Mapping[int, Codes],
        sizes: list[int],
    ) -> tuple[int, ...]:
        if self.methods.get(names[target], self.method) == "marginal":
            return ()
        wanted = self.predictors.get(names[target])
        if wanted is not None:
            return tuple(i for i in before if names[i] in wanted)
        if len(before) <= self.most_predictors:
            return before
        return informative(codes, before[-_NEAR:], target, sizes, self.most_predictors)

    def _boosting(self, name: str, *, last: bool) -> Boosting:
        """Last is what users model (the target, or the last column): it gets more care."""
        if self.methods.get(name, self.method) == "tree":
            return replace(_TREE, leaf=self.leaf, smoothing=self.smoothing)
        if last:
            return Boosting(
                trees=max(300, self.trees),
                rate=min(0.05, self.rate),
                leaves=max(15, self.leaves),
                smoothing=min(1.0, self.smoothing),
                leaf=self.leaf,
                patience=20,
                columns=0.5,
            )
        return Boosting(
            trees=self.trees,
            rate=self.rate,
            leaves=self.leaves,
            smoothing=self.smoothing,
            leaf=self.leaf,
            patience=12,
        )
