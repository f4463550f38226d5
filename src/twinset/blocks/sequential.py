"""A sequential model over coded columns: draw, draw under conditions, probability of rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.blocks.bins import Coder
from twinset.blocks.conditional import Conditional
from twinset.blocks.offsets import Offset
from twinset.blocks.relations import MOST_RELATIONS, Relation
from twinset.protocols import State
from twinset.stats.seeds import spawn
from twinset.table.schema import Column, Kind
from twinset.table.table import Table, numbers

__all__ = ["Sequential"]

Codes = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_CANDIDATES = 16
_BLOCK = 4_096
_POOL = 16_384


@dataclass
class _Rows:
    """Rows as they are drawn: codes of all columns so far, values of those in relations."""

    codes: dict[int, Codes] = field(default_factory=dict)
    values: dict[int, Floats] = field(default_factory=dict)

    def take(self, rows: npt.NDArray[np.int64]) -> _Rows:
        return _Rows(
            {i: c[rows] for i, c in self.codes.items()},
            {i: v[rows] for i, v in self.values.items()},
        )

    @staticmethod
    def joined(parts: Sequence[_Rows]) -> _Rows:
        return _Rows(
            {i: np.concatenate([p.codes[i] for p in parts]) for i in parts[0].codes},
            {i: np.concatenate([p.values[i] for p in parts]) for i in parts[0].values},
        )


@dataclass(frozen=True)
class _Known:
    """What is known of one column: codes, values (empty if not needed), and in which rows."""

    codes: Codes
    values: Floats
    mask: Bools

    def take(self, rows: npt.NDArray[np.int64]) -> _Known:
        values = self.values[rows] if len(self.values) else self.values
        return _Known(self.codes[rows], values, self.mask[rows])


@dataclass(frozen=True, eq=False)
class Sequential:
    """Coders of the columns, the steps in their order, exact relations, and offsets.

    A step draws a code of its column; codes beyond the coder's stand for the column's relations,
    and those beyond for the difference to the column that it follows.
    """

    coders: tuple[Coder, ...]
    order: tuple[int, ...]
    steps: Mapping[int, Conditional]
    relations: Mapping[int, tuple[Relation, ...]]
    offsets: Mapping[int, Offset] = field(default_factory=dict)

    def draw(self, n: int, rng: np.random.Generator) -> list[pa.Array]:
        """Draw `n` rows: learnable arrays, one a column."""
        rows, _ = self._draw({}, n, rng)
        return self._decode(rows, rng)

    def draw_given(
        self, given: Table, rng: np.random.Generator
    ) -> tuple[list[pa.Array], Literal["exact", "importance"], float]:
        """Draw rows with the known cells of `given`, null being unknown; how, and their worth.

        Known cells that come first in the order are conditioned on exactly. Others by importance
        resampling (Rubin 1987, "SIR"): of 16 candidates a row, weighted by the probability of the
        known cells, one is drawn; where all rows share one condition, all candidates (at least
        16,384, and as many as are worth the rows) stand for all rows. The worth is the effective
        sample size by these weights (Kish 1965); where each row has candidates of its own, it
        counts for the effective share of these.
        """
        known = {
            i: _Known(c.encode(data), self._numbers(i, data), np.asarray(data.is_valid()))
            for i, c in enumerate(self.coders)
            if c.column.name in given.schema
            for data in [given[c.column.name]]
        }
        n, method = given.num_rows, self._method(known, given.num_rows)
        if method == "exact":
            rows, _ = self._draw(known, n, rng)
            worth = float(n)
        elif all(k.mask.all() and (k.codes == k.codes[0]).all() for k in known.values()):
            rows, worth = self._draw_alike(known, n, rng)
        else:
            blocks = [np.arange(s, min(s + _BLOCK, n)) for s in range(0, n, _BLOCK)]
            drawn = [self._draw_each(known, block, rng) for block in blocks]
            rows, worth = _Rows.joined([d[0] for d in drawn]), sum(d[1] for d in drawn)
        arrays = self._decode(rows, rng)
        for i in known:
            cells = given[self.coders[i].column.name].combine_chunks()
            arrays[i] = pa.compute.coalesce(cells, arrays[i])
        return arrays, method, min(worth, n)

    def log_prob(self, table: Table) -> Floats:
        """Shape (rows,): log probability of the codes of complete rows."""
        rows, total = _Rows(), np.zeros(table.num_rows)
        data = {i: table[c.column.name] for i, c in enumerate(self.coders)}
        for i in self.order:
            codes, values = self.coders[i].encode(data[i]), self._numbers(i, data[i])
            total += self._log_step(i, rows, codes, values)
            rows.codes[i] = codes
            if len(values):
                rows.values[i] = values
        return total

    @property
    def _linked(self) -> set[int]:
        """Columns in relations or offsets: their values are drawn at once."""
        terms = (t for relations in self.relations.values() for r in relations for t in r.terms)
        anchors = (o.anchor for o in self.offsets.values())
        return {*self.relations, *self.offsets, *anchors, *(i for i, _ in terms)}

    def _numbers(self, i: int, data: pa.ChunkedArray) -> Floats:
        return numbers(data, Kind.REAL) if i in self._linked else np.zeros(0)

    def _draw_each(
        self, known: Mapping[int, _Known], block: npt.NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[_Rows, float]:
        """Choose one of the candidates of each row."""
        many = np.repeat(block, _CANDIDATES)
        rows, weight = self._draw({i: k.take(many) for i, k in known.items()}, len(many), rng)
        weight = weight.reshape(len(block), _CANDIDATES)
        gumbel = -np.log(-np.log(rng.random(weight.shape)))
        pick = np.arange(len(block)) * _CANDIDATES + np.argmax(weight + gumbel, axis=1)
        return rows.take(pick), float(_effective(weight).sum()) / _CANDIDATES

    def _draw_alike(
        self, known: Mapping[int, _Known], n: int, rng: np.random.Generator
    ) -> tuple[_Rows, float]:
        """Draw rows that share one condition: candidates until they are worth `n` rows."""
        parts: list[_Rows] = []
        weights: list[Floats] = []
        drawn, wanted = 0, _POOL
        while drawn < wanted:
            many = min(wanted - drawn, _BLOCK * _CANDIDATES)
            first = np.zeros(many, dtype=np.int64)
            rows, weight = self._draw({i: k.take(first) for i, k in known.items()}, many, rng)
            parts.append(rows)
            weights.append(weight)
            if drawn == 0:
                share = float(_effective(weight[None, :])[0]) / many
                wanted = max(_POOL, min(math.ceil(1.2 * n / share), _CANDIDATES * n))
            drawn += many
        weight = np.concatenate(weights)
        cumulative = np.cumsum(np.exp(weight - weight.max()))
        asked = (np.arange(n) + rng.random()) / n * cumulative[-1]
        pick = rng.permutation(np.minimum(np.searchsorted(cumulative, asked), drawn - 1))
        return _Rows.joined(parts).take(pick), float(_effective(weight[None, :])[0])

    def _method(self, known: Mapping[int, _Known], n: int) -> Literal["exact", "importance"]:
        """Exact if in each row all known columns come before all unknown ones."""
        unknown = np.zeros(n, dtype=bool)
        for i in self.order:
            mask = known[i].mask if i in known else np.zeros(n, dtype=bool)
            if bool((mask & unknown).any()):
                return "importance"
            unknown |= ~mask
        return "exact"

    def _draw(
        self, known: Mapping[int, _Known], n: int, rng: np.random.Generator
    ) -> tuple[_Rows, Floats]:
        """Rows, and the log probability of the known cells in each."""
        rows, weight = _Rows(), np.zeros(n)
        linked = self._linked
        for i, own in zip(self.order, spawn(rng, len(self.order)), strict=True):
            codes, values = self._settled(i, self.steps[i].draw(rows.codes, n, own), rows, own)
            if i in known:
                cells = known[i]
                codes = np.where(cells.mask, cells.codes, codes).astype(np.int32)
                if i in linked:
                    values = np.where(cells.mask, cells.values, values)
                at = np.flatnonzero(cells.mask)
                own_values = values[at] if i in linked else values
                weight[at] += self._log_step(i, rows.take(at), codes[at], own_values)
            rows.codes[i] = codes
            if i in linked:
                rows.values[i] = values
        return rows, weight

    def _settled(
        self, i: int, drawn: Codes, rows: _Rows, rng: np.random.Generator
    ) -> tuple[Codes, Floats]:
        """Turn a step's codes into codes and values of its column; no values if not linked."""
        coder = self.coders[i]
        if i not in self._linked:
            return drawn, np.zeros(0)
        derived = drawn - coder.size
        codes = np.where(derived < 0, drawn, 0).astype(np.int32)
        values = coder.draw_values(codes, rng)
        found = self.relations.get(i, ())
        for k, relation in enumerate(found):
            at = np.flatnonzero(derived == k)
            self._place(i, at, relation.value(rows.take(at).values), codes, values, rng)
        offset = self.offsets.get(i)
        if offset is not None:
            at = np.flatnonzero(derived >= len(found))
            wanted = offset.value(derived[at] - len(found), rows.values[offset.anchor][at], rng)
            self._place(i, at, wanted, codes, values, rng)
        return codes, values

    def _place(
        self,
        i: int,
        at: npt.NDArray[np.int64],
        wanted: Floats,
        codes: Codes,
        values: Floats,
        rng: np.random.Generator,
    ) -> None:
        """Set rows to derived values; where they would be null, draw one if the column has none."""
        coder = self.coders[i]
        wanted = coder.nearest(wanted)
        codes[at], values[at] = coder.encode_values(wanted), wanted
        lost = at[np.isnan(wanted)]
        if len(lost) and not coder.nullable:
            share = self.steps[i].share[: coder.size]
            codes[lost] = rng.choice(coder.size, size=len(lost), p=share / share.sum())
            values[lost] = coder.draw_values(codes[lost], rng)

    def _log_step(self, i: int, rows: _Rows, wanted: Codes, values: Floats) -> Floats:
        """Log probability of the codes `wanted` of one column, by its code or by a derived one."""
        step, coder = self.steps[i], self.coders[i]
        total = step.log_probability(rows.codes, wanted)
        found = self.relations.get(i, ())
        for k, relation in enumerate(found):
            derived = np.full(len(wanted), coder.size + k, dtype=np.int32)
            meant = coder.encode_values(coder.nearest(relation.value(rows.values)))
            by_relation = step.log_probability(rows.codes, derived)
            total = np.where(meant == wanted, np.logaddexp(total, by_relation), total)
        offset = self.offsets.get(i)
        if offset is not None:
            derived = offset.codes_of(values, rows.values[offset.anchor])
            at = np.flatnonzero(derived >= 0)
            first = coder.size + len(found)
            by_offset = step.log_probability(
                {j: c[at] for j, c in rows.codes.items()}, (first + derived[at]).astype(np.int32)
            )
            by_offset += offset.log_widths(derived[at], coder, wanted[at])
            total[at] = np.logaddexp(total[at], by_offset)
        return total

    def _decode(self, rows: _Rows, rng: np.random.Generator) -> list[pa.Array]:
        streams = spawn(rng, len(self.coders))
        return [
            coder.array(rows.values[i]) if i in rows.values else coder.decode(rows.codes[i], own)
            for i, (coder, own) in enumerate(zip(self.coders, streams, strict=True))
        ]

    def to_state(self) -> State:
        """Arrays and JSON values."""
        relations = {
            str(i): [[list(term) for term in r.terms] for r in found]
            for i, found in self.relations.items()
        }
        return {
            "coders": [c.to_state() for c in self.coders],
            "order": list(self.order),
            "steps": {str(i): s.to_state() for i, s in self.steps.items()},
            "relations": relations,
            "offsets": {str(i): o.to_state() for i, o in self.offsets.items()},
        }

    @classmethod
    def from_state(cls, state: Any, columns: Sequence[Column]) -> Sequential:
        """Inverse of `to_state`; ValueError or KeyError if the parts do not fit together."""
        coders = tuple(
            Coder.from_state(s, c) for s, c in zip(state["coders"], columns, strict=True)
        )
        sizes = [c.size for c in coders]
        order = tuple(int(i) for i in state["order"])
        if sorted(order) != list(range(len(coders))):
            raise ValueError("an order that is not one")
        relations = {
            int(i): tuple(Relation.from_state(terms) for terms in found)
            for i, found in state["relations"].items()
        }
        place = {i: p for p, i in enumerate(order)}

        def numeric(i: int) -> bool:
            inside = coders[i].intervals
            return inside is not None and len(inside.low) > 0

        for i, found in relations.items():
            terms = {j for r in found for j, _ in r.terms}
            if i not in place or any(place[j] >= place[i] for j in terms):
                raise ValueError("a relation to columns that are not drawn before")
            if not terms or len(found) > MOST_RELATIONS or not all(map(numeric, (i, *terms))):
                raise ValueError("a relation of columns that have none")
        offsets = {int(i): Offset.from_state(o) for i, o in state.get("offsets", {}).items()}
        for i, offset in offsets.items():
            if i not in place or place.get(offset.anchor, place[i]) >= place[i]:
                raise ValueError("an offset to a column that is not drawn before")
            if not all(map(numeric, (i, offset.anchor))):
                raise ValueError("an offset of columns that have none")

        def size(i: int) -> int:
            own = offsets[i].size if i in offsets else 0
            return sizes[i] + len(relations.get(i, ())) + own

        steps = {i: Conditional.from_state(state["steps"][str(i)], sizes, size(i)) for i in order}
        for i, step in steps.items():
            used = () if step.chosen is None else step.chosen.predictors
            if any(place[j] >= place[i] for j in used):
                raise ValueError("a step that looks at columns that are not drawn before")
        return cls(coders, order, steps, relations, offsets)


def _effective(weight: Floats) -> Floats:
    """Effective sample size (sum w)^2 / sum w^2 of each row of log weights (Kish 1965)."""
    w = np.exp(weight - weight.max(axis=1, keepdims=True))
    return np.asarray(w.sum(axis=1) ** 2 / (w**2).sum(axis=1))
