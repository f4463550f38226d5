"""Batches of a source, each read as the whole source would be."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from twinset.table.arrow_types import is_text
from twinset.table.canonical import MOMENTS, TEXTS, all_whole
from twinset.table.inference.dates import date_pattern
from twinset.table.schema import Kind, Schema
from twinset.table.sources import Source

__all__ = ["Whole"]


@dataclass
class Whole:
    """What reading a batch must know of the whole source, so that it reads as the whole would.

    Attributes
    ----------
    schema
        With the pattern of dates that no declared or inferred format tells.
    fractions
        Columns of floats that are read as text, with a fraction or huge values somewhere: there
        large whole numbers have an exponent too.
    """

    schema: Schema
    fractions: tuple[str, ...]

    @classmethod
    def of(cls, source: Source, schema: Schema) -> Whole:
        """Look through the source for such columns, if there can be any."""
        texts = [
            f.name
            for f in source.schema
            if pa.types.is_floating(f.type)
            and f.name in schema
            and schema[f.name].kind in (*TEXTS, Kind.CATEGORY, Kind.ORDINAL)
        ]
        found = set()
        for batch in source.batches() if texts else ():
            found |= {n for n in texts if not all_whole(batch.column(n).cast(pa.float64()))}
        return cls(schema, tuple(found))

    def settled(self, raw: pa.Table) -> pa.Table:
        """Bring a batch to how the whole is read; the first dates settle the pattern."""
        for name in self.fractions:
            x = raw[name].cast(pa.float64())
            text = pc.if_else(pc.is_finite(x), x, None).cast(pa.string())
            raw = raw.set_column(raw.column_names.index(name), name, text)
        columns = list(self.schema.columns)
        for i, column in enumerate(columns):
            unknown = column.kind in MOMENTS and column.format.date_format is None
            if unknown and is_text(raw[column.name].type):
                text = raw[column.name].combine_chunks()
                pattern = {"date_format": date_pattern(column.name, text)}
                form = column.format.model_copy(update=pattern)
                columns[i] = column.model_copy(update={"format": form})
        self.schema = Schema(columns=tuple(columns))
        return raw
