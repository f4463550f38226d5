"""Whole tables as models and distances see them."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from twinset.evidence.coded import Floats, Side, Split
from twinset.evidence.codes import shared_codes
from twinset.protocols import Records
from twinset.stats.records import encode
from twinset.table.schema import Schema
from twinset.table.table import Table, column_numbers

__all__ = ["Views"]


class Views:
    """Features and records of tables of one schema, made when asked for and kept."""

    def __init__(self, schema: Schema, whole: dict[Side, Table]) -> None:
        self._schema, self._whole = schema, whole

    @cached_property
    def _features(self) -> dict[Side, Floats]:
        columns: dict[Side, list[Floats]] = {s: [] for s in self._whole}
        for column in self._schema.columns:
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
        keep = [i for i, c in enumerate(self._schema.columns) if c.name != without]
        chosen = [self._schema.columns[i] for i in keep]
        categorical = tuple(i for i, c in enumerate(chosen) if not c.kind.is_number_like)
        names = tuple(c.name for c in chosen)
        return Split(self._features[side][:, keep], names, categorical, self._whole[side].units)

    def values(self, target: str) -> tuple[dict[Side, Floats], tuple[str, ...] | None]:
        """Column per side (class codes or numbers, NaN where null), and class names if discrete."""
        if self._schema[target].kind.is_number_like:
            return {s: column_numbers(t, target) for s, t in self._whole.items()}, None
        return shared_codes(self._whole, target)

    @cached_property
    def records(self) -> dict[Side, Records]:
        """All tables on one scale for distances, the scale of train and holdout together."""
        sides = list(self._whole)
        real = [i for i, s in enumerate(sides) if s != "synthetic"]
        encoded = encode(list(self._whole.values()), reference=real, columns=self._schema.names)
        return dict(zip(sides, encoded, strict=True))
