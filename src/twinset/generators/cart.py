"""Sequential conditional trees: the default generator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.blocks.bins import Coder, fit_coder
from twinset.blocks.conditional import Conditional, Settings, fit_conditional
from twinset.blocks.screening import by_dependence, informative
from twinset.errors import InputError
from twinset.progress import phase
from twinset.protocols import State
from twinset.scale.local import map_ordered
from twinset.stats.seeds import spawn
from twinset.table.schema import Role
from twinset.table.table import Table

__all__ = ["Cart", "CartModel"]

Method = Literal["boosted", "tree", "marginal"]
Codes = npt.NDArray[np.int32]

_LIMITS = {
    "leaf": (1, 10**9),
    "trees": (1, 100),
    "groups": (2, 250),
    "bins": (1, 10_000),
    "atom": (1, 10**9),
    "rounds": (1, 10_000),
    "leaves": (2, 1_000),
    "most_predictors": (1, 10**6),
    "structure_rows": (1, 10**9),
    "boosted_rows": (100, 10**9),
}
_CANDIDATES = 16
_BLOCK = 4_096
_POOL = 16_384


@dataclass(frozen=True)
class Cart:
    """Each column by boosted and shrunken trees on those before it; values drawn, not donated.

    Sequential synthesis as in synthpop (Nowok, Raab, Dibben 2016, J. Stat. Software 74(11)), with
    coded columns (`twinset.blocks.bins`), boosted group probabilities and leaves shrunk by their
    likelihood (`twinset.blocks.conditional`) in place of donors.

    Parameters
    ----------
    leaf
        Least rows of a leaf among those that make a tree's structure; larger leaks less.
    trees
        Trees a column; each drawn value uses one of them.
    smoothing
        Strength of the shrinkage of leaves to their parents in rows; None: chosen by likelihood.
    groups
        Most groups of codes whose probabilities are boosted.
    bins, atom
        Intervals of equal mass for a number; units that must share a number to release it as it is.
    rounds, rate, leaves
        Boosting: most rounds (fewer if held-out rows stop gaining), learning rate, leaves a tree.
    order
        Columns that come first. Then come categories of many levels, then always the column that
        depends most on one before it; the target (else the last column) is last.
    methods
        ``{column: "boosted" | "tree" | "marginal"}`` where it is not ``method``.
    method
        Of all other columns.
    predictors
        ``{column: [columns]}`` it may depend on, of those before it; default all.
    most_predictors
        Most predictors a column; beyond, those with the most mutual information are taken.
    structure_rows, boosted_rows
        Rows that make a tree's structure, and rows for boosting, at most. All rows fill the leaves.
    """

    name: ClassVar[str] = "cart"
    leaks_on_purpose: ClassVar[bool] = False

    leaf: int = 10
    trees: int = 1
    smoothing: float | None = None
    groups: int = 16
    bins: int = 400
    atom: int = 10
    rounds: int = 32
    rate: float = 0.3
    leaves: int = 8
    order: Sequence[str] = ()
    method: Method = "boosted"
    methods: Mapping[str, Method] = field(default_factory=dict)
    predictors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    most_predictors: int = 24
    structure_rows: int = 50_000
    boosted_rows: int = 100_000

    def __post_init__(self) -> None:
        for name, (least, most) in _LIMITS.items():
            value = getattr(self, name)
            if not isinstance(value, int) or not least <= value <= most:
                raise InputError(
                    f"option {name} of cart", got=repr(value), allowed=f"{least} to {most:,}"
                )
        if not 0 < self.rate <= 1:
            raise InputError("option rate of cart", got=repr(self.rate), allowed="above 0, up to 1")
        if self.smoothing is not None and not 0 <= self.smoothing <= 1e9:
            raise InputError(
                "option smoothing of cart", got=repr(self.smoothing), allowed="0 to 1e9, or null"
            )
        for method in (self.method, *self.methods.values()):
            if method not in ("boosted", "tree", "marginal"):
                raise InputError(
                    "method of cart", got=repr(method), allowed="boosted, tree, marginal"
                )

    def fit(
        self, table: Table, *, rng: np.random.Generator, ledger: object | None = None
    ) -> CartModel:
        """Fit the steps, one a column."""
        names = table.names
        self._check_names(names)
        coders = tuple(
            fit_coder(c, table[c.name], table.units, bins=self.bins, atom=self.atom)
            for c in table.schema.columns
        )
        codes = {i: c.encode(table[n]) for i, (c, n) in enumerate(zip(coders, names, strict=True))}
        sizes = [c.size for c in coders]
        categorical = {i for i, c in enumerate(coders) if not c.ordered}
        order = self._order(table, codes, sizes, categorical)
        streams = spawn(rng, len(order))

        def learn(place: int) -> Conditional:
            target = order[place]
            return fit_conditional(
                codes,
                self._predictors(names, order[:place], target, codes, sizes),
                categorical,
                target,
                sizes,
                ordered=coders[target].ordered,
                rng=streams[target],
                settings=self._settings(table, target, last=place == len(order) - 1),
            )

        steps: dict[int, Conditional] = {}
        with phase("learn columns", len(order)) as running:
            for target, step in zip(order, map_ordered(learn, range(len(order))), strict=True):
                steps[target] = step
                running.advance(detail=names[target])
        return CartModel(table.take(np.arange(0)), coders, order, steps)

    def from_state(self, state: State, table: Table) -> CartModel:
        """Rebuild from `CartModel.to_state`."""
        columns: Any = state["coders"]
        steps: Any = state["steps"]
        numbers: Any = state["order"]
        coders = tuple(
            Coder.from_state(s, c) for s, c in zip(columns, table.schema.columns, strict=True)
        )
        sizes = [c.size for c in coders]
        order = tuple(int(i) for i in numbers)
        if sorted(order) != list(range(len(coders))):
            raise ValueError("an order that is not one")
        made = {i: Conditional.from_state(steps[str(i)], sizes) for i in order}
        return CartModel(table, coders, order, made)

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
        first = [place[c.name] for c in table.schema.columns if c.keep]
        first += [place[n] for n in self.order if place[n] not in first]
        last = self._last(table, first)
        many = [i for i in categorical if sizes[i] > self.groups and i not in [*first, *last]]
        first += sorted(many, key=lambda i: (-sizes[i], i))
        inner = {i: c for i, c in codes.items() if i not in last}
        if not inner:
            return tuple(last)
        return (*by_dependence(inner, sizes, first), *last)

    @staticmethod
    def _last(table: Table, first: list[int]) -> list[int]:
        """Return the target, or the last column: what users model."""
        roles = [c.role for c in table.schema.columns]
        last = roles.index(Role.TARGET) if Role.TARGET in roles else len(roles) - 1
        return [] if last in first else [last]

    def _predictors(
        self,
        names: tuple[str, ...],
        before: tuple[int, ...],
        target: int,
        codes: Mapping[int, Codes],
        sizes: list[int],
    ) -> tuple[int, ...]:
        wanted = self.predictors.get(names[target])
        if wanted is not None:
            return tuple(i for i in before if names[i] in wanted)
        if len(before) <= self.most_predictors:
            return before
        return informative(codes, before, target, sizes, self.most_predictors)

    def _settings(self, table: Table, target: int, *, last: bool) -> Settings:
        """Last is what users model (the target, or the last column): it gets more care."""
        columns = len(table.names)
        return Settings(
            method=self.methods.get(table.names[target], self.method),
            trees=self.trees,
            leaf=self.leaf,
            smoothing=self.smoothing,
            groups=self.groups,
            rounds=150 if last else self.rounds,
            rate=0.1 if last else self.rate,
            leaves=15 if last else self.leaves,
            patience=10 if last else 3,
            l2=1.0 if last else 5.0,
            hessian=1.0 if last else 5.0,
            structure_rows=self.structure_rows,
            boosted_rows=max(10_000, min(self.boosted_rows, 1_500_000 // columns)),
        )


@dataclass(frozen=True, eq=False)
class CartModel:
    """Coders of the columns and the steps; `empty` is the train table without rows."""

    empty: Table
    coders: tuple[Coder, ...]
    order: tuple[int, ...]
    steps: Mapping[int, Conditional]

    def sample(self, given: int | Table, *, rng: np.random.Generator) -> Table:
        """Draw rows.

        Known cells that come first in the order are conditioned on exactly. Others by importance
        resampling (Rubin 1987, "SIR"): of 16 candidates a row, weighted by the probability of the
        known cells, one is drawn; where all rows share one condition, all candidates (at least
        16,384) stand for all rows.
        """
        if not isinstance(given, Table):
            codes, _ = self._draw({}, given, rng)
            return self._decode(codes, rng, None)
        known = {
            i: c.encode(given[c.column.name])
            for i, c in enumerate(self.coders)
            if c.column.name in given.schema
        }
        masks = {i: np.asarray(given[self.coders[i].column.name].is_valid()) for i in known}
        codes = self._draw_given(known, masks, given.num_rows, rng)
        return self._decode(codes, rng, given)

    def log_prob(self, table: Table) -> npt.NDArray[np.float64]:
        """Shape (rows,): log probability of the codes of complete rows."""
        codes = {i: c.encode(table[c.column.name]) for i, c in enumerate(self.coders)}
        total = np.zeros(table.num_rows)
        for i in self.order:
            total += self.steps[i].log_probability(codes, codes[i])
        return total

    def _draw_given(
        self,
        known: Mapping[int, Codes],
        masks: Mapping[int, npt.NDArray[np.bool_]],
        n: int,
        rng: np.random.Generator,
    ) -> dict[int, Codes]:
        fixed = {i: (codes, masks[i]) for i, codes in known.items()}
        if self._is_prefix(masks, n):
            return self._draw(fixed, n, rng)[0]
        parts: list[dict[int, Codes]] = []
        alike = all(m.all() and (c == c[0]).all() for c, m in fixed.values())
        for start in range(0, n, _BLOCK):
            rows = np.arange(start, min(start + _BLOCK, n))
            if alike:
                parts.append(self._draw_alike(fixed, len(rows), rng))
                continue
            many = np.repeat(rows, _CANDIDATES)
            block = {i: (c[many], m[many]) for i, (c, m) in fixed.items()}
            codes, weight = self._draw(block, len(many), rng)
            weight = weight.reshape(len(rows), _CANDIDATES)
            gumbel = -np.log(-np.log(rng.random(weight.shape)))
            pick = np.arange(len(rows)) * _CANDIDATES + np.argmax(weight + gumbel, axis=1)
            parts.append({i: c[pick] for i, c in codes.items()})
        return {i: np.concatenate([p[i] for p in parts]) for i in self.order}

    def _draw_alike(
        self,
        fixed: Mapping[int, tuple[Codes, npt.NDArray[np.bool_]]],
        n: int,
        rng: np.random.Generator,
    ) -> dict[int, Codes]:
        """Draw rows that share one condition: all candidates stand for all rows."""
        many = max(_CANDIDATES * n, _POOL)
        block = {i: (np.full(many, c[0]), np.ones(many, bool)) for i, (c, _) in fixed.items()}
        codes, weight = self._draw(block, many, rng)
        cumulative = np.cumsum(np.exp(weight - weight.max()))
        wanted = (np.arange(n) + rng.random()) / n * cumulative[-1]
        pick = rng.permutation(np.minimum(np.searchsorted(cumulative, wanted), many - 1))
        return {i: c[pick] for i, c in codes.items()}

    def _is_prefix(self, masks: Mapping[int, npt.NDArray[np.bool_]], n: int) -> bool:
        """Whether in each row all known columns come before all unknown ones."""
        unknown = np.zeros(n, dtype=bool)
        for i in self.order:
            mask = masks.get(i)
            if mask is not None and bool((mask & unknown).any()):
                return False
            unknown |= ~mask if mask is not None else True
        return True

    def _draw(
        self,
        fixed: Mapping[int, tuple[Codes, npt.NDArray[np.bool_]]],
        n: int,
        rng: np.random.Generator,
    ) -> tuple[dict[int, Codes], npt.NDArray[np.float64]]:
        """Codes of all columns, and the log probability of the fixed ones in each row."""
        codes: dict[int, Codes] = {}
        weight = np.zeros(n)
        for i, own in zip(self.order, spawn(rng, len(self.order)), strict=True):
            drawn = self.steps[i].draw(codes, n, own)
            if i in fixed:
                value, mask = fixed[i]
                drawn = np.where(mask, value, drawn).astype(np.int32)
                at = np.flatnonzero(mask)
                before = {j: c[at] for j, c in codes.items()}
                weight[at] += self.steps[i].log_probability(before, drawn[at])
            codes[i] = drawn
        return codes, weight

    def _decode(
        self, codes: Mapping[int, Codes], rng: np.random.Generator, given: Table | None
    ) -> Table:
        arrays = []
        for i, (coder, own) in enumerate(
            zip(self.coders, spawn(rng, len(self.coders)), strict=True)
        ):
            drawn = coder.decode(codes[i], own)
            if given is not None and coder.column.name in given.schema:
                known = given[coder.column.name].combine_chunks()
                drawn = pa.compute.coalesce(known, drawn)
            arrays.append(drawn)
        return Table(self.empty.schema, pa.table(arrays, names=list(self.empty.names)))

    def to_state(self) -> State:
        """Arrays and JSON values."""
        return {
            "coders": [c.to_state() for c in self.coders],
            "order": list(self.order),
            "steps": {str(i): s.to_state() for i, s in self.steps.items()},
        }
