"""Twin: a fitted model with all that surrounds it.

The Twin does once, for every generator: protection of rare and extreme values, identifiers and
personal data made new, constants, columns kept as they are, conditions, formats, frame types, and
the .twin file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from twinset import registry
from twinset.blocks.codec import Codec
from twinset.blocks.protection import Protected, null_share
from twinset.blocks.surrogates import make
from twinset.errors import ConditionError, InputError, ModelFileError
from twinset.progress import phase
from twinset.protocols import Generator, Model
from twinset.scale.local import map_ordered
from twinset.stats.repeats import repeated_rows
from twinset.stats.seeds import stream
from twinset.table.canonical import to_natural, to_raw
from twinset.table.expressions import Expression, parse
from twinset.table.frames import to_frame
from twinset.table.schema import Column, Role, Schema
from twinset.table.table import Table
from twinset.table.write import atomic_write
from twinset.twinfile import Contents, read_twin, twin_bytes

__all__ = ["Draw", "Twin", "pack", "unpack"]

_PIECE = 65_536
_MAX_TRIES = 200
_QUICK_TRIES = 4
_TRIED = 16
_BEYOND = (OverflowError, RecursionError, pa.ArrowException)


@dataclass(frozen=True)
class Draw:
    """Rows and how they were drawn.

    `method` is ``"direct"``, ``"given"`` or ``"rejection"``; `acceptance` the share of drawn rows
    that met the condition.
    """

    table: Table
    method: str
    acceptance: float


@dataclass(frozen=True, eq=False)
class Twin:
    """What `twinset.fit` returns.

    Attributes
    ----------
    codec
        Learnable form and protection.
    model
        The fitted generator.
    generator, options
        Its registered name and the options that were set.
    seed
        Default seed of `sample`.
    protected
        What protection changed in the train table, by column.
    null_shares
        Share of nulls in each column that is made new.
    kept
        Columns released as they are (partial synthesis), raw; None if there are none.
    frame
        Kind of frame that `sample` returns: ``"pandas"``, ``"polars"`` or ``"pyarrow"``;
        ``"text"`` for pandas whose numbers and dates were read from text.
    provenance
        Where the twin comes from: rows, units, versions.
    dtypes
        Dtypes of the frame that came in, where Arrow does not carry them.
    """

    codec: Codec
    model: Model
    generator: str
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    protected: tuple[Protected, ...] = ()
    null_shares: Mapping[str, float] = field(default_factory=dict)
    kept: pa.Table | None = None
    frame: str = "pandas"
    provenance: Mapping[str, Any] = field(default_factory=dict)
    dtypes: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def fit(
        cls,
        table: Table,
        generator: str,
        options: Mapping[str, Any] | None = None,
        *,
        seed: int = 0,
        protect: int = 5,
        frame: str = "pandas",
        dtypes: Mapping[str, str] | None = None,
    ) -> Twin:
        """Fit `generator` with `options` on the canonical `table`.

        Raises
        ------
        InputError
            If the table has no rows or no column to learn, or an option is refused.

        Notes
        -----
        Where no unit is known, rows that are repeated beyond chance count as one unit
        (`twinset.stats.repeats`): here only, not in splits, intervals or attacks.
        """
        configured: Generator = registry.configure("generators", generator, options)
        if table.num_rows == 0:
            raise InputError("the table", got="0 rows", allowed="at least 1 row")
        counted = _of_people(table)
        if counted.num_units < protect:
            raise InputError(
                "the train table",
                got=f"{counted.num_units} rows or units to protect",
                allowed=f"at least {protect}, the minimum behind every value (--protect)",
            )
        if not any(c.is_learnable for c in table.schema.columns):
            raise InputError(
                "the table",
                got="no column to learn: all are identifiers, text, personal data or constant",
                hint="state kinds in a schema file (--schema)",
            )
        with phase("fit", 1):
            codec, learn, changes = Codec.fit(counted, protect=protect, rng=stream(seed, "protect"))
            model = configured.fit(learn, rng=stream(seed, "fit"))
        made = [c.name for c in table.schema.columns if not c.is_learnable]
        keep = [c.name for c in table.schema.columns if c.keep]
        provenance = {"rows": table.num_rows, "units": table.num_units}
        if table.units is None and counted.units is not None:
            provenance["repeated"] = table.num_rows - counted.num_units
        return cls(
            codec,
            model,
            generator,
            dict(options or {}),
            seed,
            changes,
            {name: null_share(table[name], counted.units, protect) for name in made},
            table.data.select(keep) if keep else None,
            frame,
            provenance,
            dict(dtypes or {}),
        )

    @property
    def schema(self) -> Schema:
        """Protected schema: holds no rare category and no extreme value of the train table."""
        return self.codec.schema

    def sample(
        self,
        n: int | None = None,
        *,
        given: Mapping[str, object] | None = None,
        where: str | None = None,
        seed: int | None = None,
    ) -> Any:
        """Return `n` synthetic rows (default: as many as were learned) as the frame that came in.

        Parameters
        ----------
        n
            Number of rows.
        given
            Columns with the value they shall have, such as ``{"sex": "Female"}``.
        where
            Condition in the expression language, such as ``"age >= 60"``.
        seed
            Default from the twin: the same call gives the same rows.

        Raises
        ------
        ConditionError
            If no row can meet the condition.
        """
        shown = to_natural if self.frame == "text" else to_raw
        pieces = [shown(d.table) for d in self.draws(n, given=given, where=where, seed=seed)]
        return to_frame(pa.concat_tables(pieces), self.frame, self.dtypes)

    def draws(
        self,
        n: int | None = None,
        *,
        given: Mapping[str, object] | None = None,
        where: str | None = None,
        seed: int | None = None,
        piece: int = _PIECE,
    ) -> Iterator[Draw]:
        """Yield the rows of `sample` piece by piece, in bounded memory, as canonical tables."""
        rows = self.provenance["rows"] if n is None else n
        if rows < 1:
            raise InputError("number of rows", got=str(rows), allowed="1 or more")
        condition = self._condition(where)
        self._check_given(given or {}, rows)

        def draw(i: int) -> Draw:
            size = min(piece, rows - i * piece)
            return self._draw(i, i * piece, size, given or {}, condition, seed)

        with phase("sample", rows) as running:
            for drawn in map_ordered(draw, range(math.ceil(rows / piece))):
                yield drawn
                running.advance(drawn.table.num_rows)

    def _condition(self, where: str | None) -> Expression | None:
        if where is None:
            return None
        condition = parse(where)
        for name in condition.columns:
            column = self.schema[name]
            if _made_unique(column):
                raise InputError(
                    f"condition on {name!r}",
                    got="a column that is made new and unique",
                    allowed=", ".join(self.codec.learnable.names[:12]),
                )
        if self.kept is not None:
            raise InputError(
                "--where",
                got="a model that keeps columns as they are, row by row",
                hint="sample all rows and filter the file",
            )
        return condition

    def _check_given(self, given: Mapping[str, object], rows: int) -> None:
        if self.kept is None:
            return
        clash = sorted(set(given) & set(self.kept.column_names))
        if clash:
            raise InputError(f"condition on {clash[0]!r}", got="a column that is kept as it is")
        if rows > self.kept.num_rows:
            raise InputError(
                "number of rows",
                got=str(rows),
                allowed=f"at most {self.kept.num_rows}, since columns are kept as they are",
            )

    def _draw(
        self,
        index: int,
        start: int,
        size: int,
        given: Mapping[str, object],
        condition: Expression | None,
        seed: int | None,
    ) -> Draw:
        seed = self.seed if seed is None else seed
        if condition is None:
            rng = stream(seed, "sample", index)
            table = self._complete(self._learned(size, start, given, rng), size, start, seed, index)
            return Draw(table, "given" if given else "direct", 1.0)
        parts: list[pa.Table] = []
        accepted = drawn = 0
        ask = size
        for attempt in range(_MAX_TRIES):
            rng = stream(seed, "sample", index, attempt)
            table = self._complete(self._learned(ask, start, given, rng), ask, start, seed, index)
            part = table.take(condition.mask(table))
            parts.append(part.data)
            accepted += part.num_rows
            drawn += ask
            if accepted >= size:
                break
            if accepted == 0 and attempt >= _QUICK_TRIES - 1:
                break
            share = max(accepted, 0.5) / drawn
            most = 4 * _PIECE if accepted else _PIECE // 4
            ask = int(min(max((size - accepted) / share * 1.1, 1_000), most))
        if accepted < size:
            raise ConditionError(
                "--where",
                got=f"{accepted} of {drawn:,} rows drawn",
                hint="the condition is impossible or too rare in this model; ask for fewer rows",
            )
        data = self._renumbered(pa.concat_tables(parts).slice(0, size), start, seed, index)
        return Draw(Table(self.released_schema, data), "rejection", accepted / drawn)

    def _renumbered(self, data: pa.Table, start: int, seed: int, index: int) -> pa.Table:
        """Make unique columns once more: each attempt has begun with the same values."""
        for place, column in enumerate(self.released_schema.columns):
            if _made_unique(self.schema.columns[place]):
                values = self._made(self.schema.columns[place], data.num_rows, start, seed, index)
                data = data.set_column(place, column.name, pa.chunked_array([values]))
        return data

    def _learned(
        self, size: int, start: int, given: Mapping[str, object], rng: np.random.Generator
    ) -> Table:
        known = self.codec.encode_given(given, size) if given else None
        kept = self._kept_learnable(start, size)
        if kept is not None:
            known = kept if known is None else _beside(known, kept)
        return self.model.sample(size if known is None else known, rng=rng)

    def _kept_learnable(self, start: int, size: int) -> Table | None:
        if self.kept is None:
            return None
        names = [n for n in self.kept.column_names if self.schema[n].is_learnable]
        if not names:
            return None
        part = Table(self.schema.select(names), self.kept.select(names).slice(start, size))
        return self.codec.encode_rows(part)

    @property
    def released_schema(self) -> Schema:
        """Schema of released tables: made-new units are rows of their own."""
        plain = (
            c.model_copy(update={"role": Role.KEY}) if c.role is Role.UNIT else c
            for c in self.schema.columns
        )
        return Schema(columns=tuple(plain))

    def _complete(self, learned: Table, size: int, start: int, seed: int, index: int) -> Table:
        """Add what no generator sees, in the order of the schema."""
        columns = self.codec.decode(learned)
        for column in self.schema.columns:
            if self.kept is not None and column.name in self.kept.column_names:
                columns[column.name] = self.kept[column.name].slice(start, size)
            elif column.name not in columns:
                columns[column.name] = self._made(column, size, start, seed, index)
        data = pa.table([columns[n] for n in self.schema.names], names=list(self.schema.names))
        return Table(self.released_schema, data)

    def _made(self, column: Column, n: int, start: int, seed: int, index: int) -> pa.Array:
        """New values; one seed gives other unique ones than another, so copies share none."""
        rng = stream(seed, "make", column.name, index)
        key = int(stream(seed, "key", column.name).integers(2**32))
        if column.role is Role.UNIT:
            column = column.model_copy(update={"unique": True})
        values = make(column, n, rng=rng, start=start, key=key)
        share = self.null_shares.get(column.name, 0.0)
        if share == 0:
            return values
        return pa.compute.if_else(pa.array(rng.random(n) < share), None, values)

    def protection_text(self) -> str:
        """What protection changed, in words for a report."""
        said = [f"at least {self.codec.protect} units behind each value"]
        repeated = self.provenance.get("repeated", 0)
        if repeated:
            said.append(f"identical rows counted as one unit: {_at_least_ten(repeated)}")
        if not self.protected:
            said.append("nothing rarer or more extreme was found")
        said += [f"{p.column}: {p.what} in {_at_least_ten(p.rows)}" for p in self.protected]
        return "; ".join(said)

    def save(self, path: str | Path) -> None:
        """Write the .twin file; it appears whole or not at all."""
        arrays: dict[str, Any] = {}
        values = {
            "generator": self.generator,
            "options": dict(self.options),
            "seed": self.seed,
            "protect": self.codec.protect,
            "protected": [p.__dict__ for p in self.protected],
            "null_shares": dict(self.null_shares),
            "frame": self.frame,
            "dtypes": dict(self.dtypes),
            "provenance": dict(self.provenance),
            "schema": self.schema.to_dict(),
            "model": pack(self.model.to_state(), "model", arrays),
        }
        tables = {} if self.kept is None else {"kept": self.kept}
        atomic_write(Path(path), twin_bytes(Contents(values, arrays, tables)))

    @classmethod
    def load(cls, path: str | Path, *, plugins: bool = False) -> Twin:
        """Read a .twin file; nothing in it is run. A few rows are drawn, to see that it fits.

        Parameters
        ----------
        plugins
            Whether a generator from another package may be loaded because the file names it.
        """
        contents = read_twin(Path(path))
        values = contents.values
        try:
            name = values["generator"]
            if not plugins and name not in registry.built_in("generators"):
                raise ModelFileError(
                    str(path),
                    got="a model of a generator that is not part of twinset",
                    hint="if you trust its package: --plugins, or load(..., plugins=True)",
                )
            codec = Codec(Schema.from_dict(values["schema"]), int(values["protect"]))
            configured = registry.configure("generators", name, values["options"])
            empty = codec.learnable_empty()
            twin = cls(
                codec,
                configured.from_state(unpack(values["model"], contents.arrays), empty),
                name,
                values["options"],
                int(values["seed"]),
                tuple(Protected(**p) for p in values["protected"]),
                {str(k): float(v) for k, v in values["null_shares"].items()},
                contents.tables.get("kept"),
                str(values["frame"]),
                {**values["provenance"], "rows": int(values["provenance"]["rows"])},
                {str(k): str(v) for k, v in values["dtypes"].items()},
            )
            twin._draw(0, 0, min(twin.provenance["rows"], _TRIED), {}, None, None)
        except (KeyError, TypeError, IndexError, AttributeError, ValueError, *_BEYOND) as error:
            if isinstance(error, InputError):
                raise
            raise ModelFileError(
                str(path), got="a damaged file (its values do not fit together)"
            ) from None
        return twin


def _of_people(table: Table) -> Table:
    """Return the table with a unit a row, equal rows counting as one where they are not chance."""
    if table.units is not None:
        return table
    return Table(table.schema, table.data, repeated_rows(table))


def _at_least_ten(rows: int) -> str:
    """Count of rows for a report, where no count below ten stands."""
    return f"{rows:,} rows" if rows >= 10 else "fewer than 10 rows"


def _made_unique(column: Column) -> bool:
    """Whether each row gets a new value of its own in this column."""
    unique = column.unique or column.role is Role.UNIT
    return unique and not column.is_learnable and not column.keep


def _beside(a: Table, b: Table) -> Table:
    data = a.data
    for name in b.names:
        data = data.append_column(name, b.data[name])
    return Table(Schema(columns=a.schema.columns + b.schema.columns), data)


def pack(value: Any, at: str, arrays: dict[str, Any]) -> Any:
    """JSON skeleton of a state; arrays go to `arrays` and leave a reference."""
    if isinstance(value, np.ndarray):
        arrays[at] = value
        return {"$array": at}
    if isinstance(value, Mapping):
        return {k: pack(v, f"{at}.{k}", arrays) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [pack(v, f"{at}.{i}", arrays) for i, v in enumerate(value)]
    return value.item() if isinstance(value, np.generic) else value


def unpack(value: Any, arrays: Mapping[str, Any]) -> Any:
    """Inverse of `pack`."""
    if isinstance(value, dict):
        if set(value) == {"$array"}:
            return arrays[value["$array"]]
        return {k: unpack(v, arrays) for k, v in value.items()}
    if isinstance(value, list):
        return [unpack(v, arrays) for v in value]
    return value
