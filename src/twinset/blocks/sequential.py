"""A sequential model over coded columns: draw, draw under conditions, probability of rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.blocks.conditional import CodeConditional
from twinset.blocks.offsets import Offset, log_width
from twinset.blocks.relations import MOST_RELATIONS, Relation
from twinset.encoding.bins import Discretizer
from twinset.errors import InputError
from twinset.protocols import PartialRows, State
from twinset.stats.seeds import spawn
from twinset.table.schema import Column, Role, Schema
from twinset.table.table import Table, numbers

__all__ = ["CodedRows", "GivenCells", "Sequential", "effective_size"]

Codes = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass
class CodedRows:
    """Rows as they are drawn: codes of all columns so far, values of those in relations."""

    codes: dict[int, Codes] = field(default_factory=dict)
    values: dict[int, Floats] = field(default_factory=dict)

    def take(self, rows: npt.NDArray[np.int64]) -> CodedRows:
        """Return some of the rows."""
        return CodedRows(
            {i: c[rows] for i, c in self.codes.items()},
            {i: v[rows] for i, v in self.values.items()},
        )

    @staticmethod
    def joined(parts: Sequence[CodedRows]) -> CodedRows:
        """Return the rows of all parts."""
        return CodedRows(
            {i: np.concatenate([p.codes[i] for p in parts]) for i in parts[0].codes},
            {i: np.concatenate([p.values[i] for p in parts]) for i in parts[0].values},
        )


@dataclass(frozen=True)
class GivenCells:
    """What is known of one column: codes, values (empty if not needed), and in which rows."""

    codes: Codes
    values: Floats
    mask: Bools

    @property
    def is_alike(self) -> bool:
        """Whether all rows know the same."""
        parts = (self.codes, self.values)
        return bool(self.mask.all()) and all(
            np.array_equal(p, np.broadcast_to(p[:1], p.shape), equal_nan=True) for p in parts
        )

    def take(self, rows: npt.NDArray[np.int64]) -> GivenCells:
        """Return what is known of some rows."""
        values = self.values[rows] if len(self.values) else self.values
        return GivenCells(self.codes[rows], values, self.mask[rows])


@dataclass(frozen=True, eq=False)
class Sequential:
    """Coders of the columns, the steps in their order, exact relations, and offsets.

    A step draws a code of its column; codes beyond the coder's stand for the column's relations,
    and those beyond for the difference to the column that it follows.
    """

    coders: tuple[Discretizer, ...]
    order: tuple[int, ...]
    steps: Mapping[int, CodeConditional]
    relations: Mapping[int, tuple[Relation, ...]]
    offsets: Mapping[int, Offset] = field(default_factory=dict)

    def draw(self, n: int, rng: np.random.Generator) -> Table:
        """Draw `n` rows."""
        rows = CodedRows()
        self.advance(self.order, rows, {}, n, rng)
        return self.decode(rows, rng)

    def log_prob(self, table: Table) -> Floats:
        """Shape (rows,): log probability of the codes of complete rows."""
        rows, total = CodedRows(), np.zeros(table.num_rows)
        data = {i: table[c.column.name] for i, c in enumerate(self.coders)}
        for i in self.order:
            codes, values = self.coders[i].encode(data[i]), self._numbers(i, data[i])
            if i in self.steps:
                total += self._log_step(i, rows, codes, values)
            rows.codes[i] = codes
            if len(values):
                rows.values[i] = values
        return total

    @property
    def linked(self) -> set[int]:
        """Columns in relations or offsets: their values are drawn at once."""
        terms = (t for relations in self.relations.values() for r in relations for t in r.terms)
        anchors = (o.anchor for o in self.offsets.values())
        return {*self.relations, *self.offsets, *anchors, *(i for i, _ in terms)}

    def known(self, given: PartialRows) -> dict[int, GivenCells]:
        """Return the known cells of rows, by place of their column."""
        return {
            i: GivenCells(c.encode(data), self._numbers(i, data), given.known[c.column.name])
            for i, c in enumerate(self.coders)
            if c.column.name in given.known
            for data in [given.table[c.column.name]]
        }

    def _numbers(self, i: int, data: pa.ChunkedArray) -> Floats:
        return numbers(data) if i in self.linked else np.zeros(0)

    def advance(
        self,
        steps: Sequence[int],
        rows: CodedRows,
        known: Mapping[int, GivenCells],
        n: int,
        rng: np.random.Generator,
    ) -> Floats:
        """Draw the columns of `steps` for `n` rows into `rows`; known cells as they are.

        Returns the log probability of the known cells in each row, shape (rows,).
        """
        weight, linked = np.zeros(n), self.linked
        for i, own in zip(steps, spawn(rng, len(steps)), strict=True):
            if i not in self.steps:
                self._put_context(i, rows, known)
                continue
            codes, values = self._step(i, rows, n, linked, own)
            if i in known:
                cells = known[i]
                codes = np.where(cells.mask, cells.codes, codes).astype(np.int32)
                if i in linked:
                    values = np.where(cells.mask, cells.values, values)
                at = np.flatnonzero(cells.mask)
                own_values = values[at] if i in linked else values
                weight[at] += self._log_step(i, rows.take(at), codes[at], own_values)
            self.put(i, rows, codes, values, linked)
        return weight

    def _put_context(self, i: int, rows: CodedRows, known: Mapping[int, GivenCells]) -> None:
        """Add a column that is conditioned on and never modelled."""
        if i not in known or not known[i].mask.all():
            raise InputError(
                f"column {self.coders[i].column.name!r}",
                got="no value in some rows",
                allowed="a value for each row: the model is conditioned on it",
            )
        self.put(i, rows, known[i].codes, known[i].values, self.linked)

    def _step(
        self, i: int, rows: CodedRows, n: int, linked: set[int], rng: np.random.Generator
    ) -> tuple[Codes, Floats]:
        """Draw the codes of one column, and its values if it is linked."""
        return self.finished(i, self.steps[i].draw(rows.codes, n, rng), rows, linked, rng)

    def finished(
        self, i: int, drawn: Codes, rows: CodedRows, linked: set[int], rng: np.random.Generator
    ) -> tuple[Codes, Floats]:
        """Turn a step's codes into codes of its column, and values if it is linked."""
        return self._settled(i, drawn, rows, rng) if i in linked else (drawn, np.zeros(0))

    @staticmethod
    def put(i: int, rows: CodedRows, codes: Codes, values: Floats, linked: set[int]) -> None:
        """Add a column to rows."""
        rows.codes[i] = codes
        if i in linked:
            rows.values[i] = values

    def part(self, rows: CodedRows, names: Collection[str]) -> Table:
        """Return the learnable table of some columns that are drawn, all numbers linked."""
        used = [i for i in rows.codes if self.coders[i].column.name in names]
        nobody = np.random.default_rng(0)  # values are there, or codes of categories: no draws
        arrays = [
            c.array(rows.values[i]) if i in rows.values else c.decode(rows.codes[i], nobody)
            for i, c in ((i, self.coders[i]) for i in used)
        ]
        schema = Schema(columns=tuple(self.coders[i].column for i in used))
        return Table(schema, pa.table(arrays, names=list(schema.names)))

    def _settled(
        self, i: int, drawn: Codes, rows: CodedRows, rng: np.random.Generator
    ) -> tuple[Codes, Floats]:
        """Turn a step's codes into codes and values of its column."""
        coder = self.coders[i]
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

    def _log_step(self, i: int, rows: CodedRows, wanted: Codes, values: Floats) -> Floats:
        """Log probability of the codes `wanted` of one column, by its code or by a derived one."""
        step, coder = self.steps[i], self.coders[i]
        total = step.log_probability(rows.codes, wanted)
        found = self.relations.get(i, ())
        for k, relation in enumerate(found):
            derived = np.full(len(wanted), coder.size + k, dtype=np.int32)
            meant = coder.nearest(relation.value(rows.values))
            with np.errstate(invalid="ignore"):
                same = np.abs(meant - values) <= 1e-9 * np.maximum(1, np.abs(values))
            by_relation = step.log_probability(rows.codes, derived)
            by_relation += log_width(coder, wanted, point=True)
            total = np.where(same, np.logaddexp(total, by_relation), total)
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

    def decode(self, rows: CodedRows, rng: np.random.Generator) -> Table:
        """Learnable table of complete rows."""
        streams = spawn(rng, len(self.coders))
        schema = Schema(columns=tuple(c.column for c in self.coders))
        arrays = [
            coder.array(rows.values[i]) if i in rows.values else coder.decode(rows.codes[i], own)
            for i, (coder, own) in enumerate(zip(self.coders, streams, strict=True))
        ]
        return Table(schema, pa.table(arrays, names=list(schema.names)))

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
            Discretizer.from_state(s, c) for s, c in zip(state["coders"], columns, strict=True)
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

        steps = {
            i: CodeConditional.from_state(state["steps"][str(i)], sizes, size(i))
            for i in order
            if coders[i].column.role is not Role.CONTEXT
        }
        for i, step in steps.items():
            used = () if step.chosen is None else step.chosen.predictors
            if any(place[j] >= place[i] for j in used):
                raise ValueError("a step that looks at columns that are not drawn before")
        return cls(coders, order, steps, relations, offsets)


def effective_size(weight: Floats) -> Floats:
    """Effective sample size (sum w)^2 / sum w^2 of each row of log weights (Kish 1965)."""
    w = np.exp(weight - weight.max(axis=1, keepdims=True))
    return np.asarray(w.sum(axis=1) ** 2 / (w**2).sum(axis=1))
