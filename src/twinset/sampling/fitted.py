"""Fitted: what a fitted data set is, as a record that samplers read.

`twinset.twin.Twin` adds how it is fitted, saved, loaded and sampled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from twinset.encoding.protection import Protected
from twinset.encoding.table_encoding import TableEncoding
from twinset.protocols import Model
from twinset.rules.rule import Rules
from twinset.table.dataset import Dataset
from twinset.table.schema import Role, Schema

__all__ = ["Fitted"]


@dataclass(frozen=True, eq=False, repr=False)
class Fitted:
    """A fitted model with all that surrounds it.

    Attributes
    ----------
    encoding
        Form in which the generator sees the columns, and protection.
    model
        The fitted generator.
    generator, options
        Its registered name and the options that were set.
    seed
        Default seed of `sample`.
    protected
        What protection changed in the train table, by column.
    kept
        Columns released as they are (partial synthesis), raw; None if there are none.
    frame
        Kind of frame that `sample` returns: ``"pandas"``, ``"polars"`` or ``"pyarrow"``;
        ``"text"`` for pandas whose numbers and dates were read from text.
    provenance
        Where the twin comes from: rows, units, versions.
    dtypes
        Dtypes of the frame that came in, where Arrow does not carry them.
    rules
        What every row keeps; they know the combinations of the train table.
    dataset
        Names, keys, links and protected schemas of the tables, without rows; None for one table
        without a name.
    """

    encoding: TableEncoding
    model: Model
    generator: str
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    protected: tuple[Protected, ...] = ()
    kept: pa.Table | None = None
    frame: str = "pandas"
    provenance: Mapping[str, Any] = field(default_factory=dict)
    dtypes: Mapping[str, str] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)
    dataset: Dataset | None = None

    @property
    def schema(self) -> Schema:
        """Protected schema: holds no rare category and no extreme value of the train table."""
        return self.encoding.schema

    @property
    def released_schema(self) -> Schema:
        """Schema of released tables: made-new units are rows of their own."""
        plain = (
            c.model_copy(update={"role": Role.KEY}) if c.role is Role.UNIT else c
            for c in self.schema.columns
        )
        return Schema(columns=tuple(plain))
