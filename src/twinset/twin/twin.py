"""Twin: a fitted model with all that surrounds it.

The Twin does once, for every generator: protection of rare and extreme values, identifiers and
personal data made new, constants, columns kept as they are, conditions, formats, frame types, and
the .twin file.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from twinset import registry
from twinset.encoding.protection import Protected
from twinset.encoding.table_encoding import TableEncoding, fit_encoding
from twinset.errors import InputError, ModelFileError
from twinset.progress import phase
from twinset.protocols import FitContext, Generator, Ledger, Sample
from twinset.rules.check import check_train
from twinset.rules.files import rules_from_data
from twinset.rules.rule import Rules
from twinset.sampling.edge_cases import Edges, edge_cases
from twinset.sampling.fitted import Fitted
from twinset.sampling.request import Request, check_designed, draws
from twinset.sampling.sample import PIECE, KnownCells, draw
from twinset.sampling.space_filling import Design, design
from twinset.scale.local import workers
from twinset.stats.duplicate_units import repeated_rows
from twinset.stats.seeds import stream
from twinset.table.atomic import atomic_write
from twinset.table.canonical import to_natural, to_raw
from twinset.table.dataset import Dataset
from twinset.table.frames import to_frame
from twinset.table.schema import Role, Schema
from twinset.table.table import Table, empty_table
from twinset.twin.state import pack, unpack
from twinset.twinfile import Contents, read_twin, twin_bytes

__all__ = ["Twin"]

_TRIED = 16
_BEYOND = (ArithmeticError, MemoryError, RecursionError, pa.ArrowException)


@dataclass(frozen=True, eq=False, repr=False)
class Twin(Fitted):
    """What `twinset.fit` returns."""

    def __repr__(self) -> str:
        """Say in a line what it is."""
        return f"<Twin by {self.generator}: {len(self.schema.columns)} columns, seed {self.seed}>"

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>{self.schema._repr_html_()}"

    @classmethod
    def fit(
        cls,
        data: Dataset | Table,
        generator: str,
        options: Mapping[str, Any] | None = None,
        *,
        seed: int = 0,
        protect: int = 5,
        frame: str = "pandas",
        dtypes: Mapping[str, str] | None = None,
        rules: Rules | None = None,
        ledger: Ledger | None = None,
    ) -> Twin:
        """Fit `generator` with `options` on canonical tables (for now, one).

        Raises
        ------
        InputError
            If the table has no rows or no column to learn, or an option is refused; if `rules`
            do not fit the table, contradict one another, or are broken by it.

        Notes
        -----
        Where no unit is known, rows that are repeated beyond chance count as one unit
        (`twinset.stats.duplicate_units`): here only, not in splits, intervals or attacks.
        """
        data = data if isinstance(data, Dataset) else Dataset.of(data)
        table = data.only
        configured: Generator = registry.configure("generators", generator, options)
        if not isinstance(protect, int) or protect < 1:
            raise InputError("protect", got=repr(protect), allowed="a whole number, 1 or more")
        rules = rules or Rules()
        private = FitContext(table, stream(seed, "fit"), ledger=ledger, workers=workers())
        if private.read(None, "whether there are rows").num_rows == 0:
            raise InputError("the table", got="0 rows", allowed="at least 1 row")
        people = private.over(_of_people(private.read(None, "repeated rows")))
        counts = _counts(private, people, protect)
        _check_learnable(table.schema)
        check_train(rules, private.read(None, "rules: whether the table keeps them"))
        with phase("fit", 1):
            protecting = people.over(rng=stream(seed, "protect"))
            encoding, learn, changes = fit_encoding(protecting, protect)
            rules.check_schema(encoding.schema, empty_table(encoding.schema))
            encoded = people.over(learn)
            model = configured.fit(encoded.read(None, f"generator {generator}"), context=encoded)
        keep = [c.name for c in table.schema.columns if c.keep]
        return cls(
            encoding,
            model,
            generator,
            dict(options or {}),
            seed,
            changes,
            private.read(keep, "columns that are kept as they are").data if keep else None,
            frame,
            counts,
            dict(dtypes or {}),
            rules.learned(people.read(None, "rules: what they must know"), protect),
            data.map(lambda _, table: empty_table(encoding.schema)),
        )

    def sample(
        self,
        n: int | None = None,
        *,
        given: object = None,
        where: str | None = None,
        shares: Mapping[str, float] | None = None,
        like: object = None,
        seed: int | None = None,
    ) -> Any:
        """Return `n` synthetic rows (default: as many as were learned) as the frame that came in.

        Parameters
        ----------
        n
            Number of rows; of a table that is `given`, its own.
        given
            Columns with the value they shall have, such as ``{"sex": "Female"}`` (None: a null);
            or a table of partly known rows, each of which gets one row. A column that the table
            lacks is unknown, a null cell is null.
        where
            Condition in the expression language, such as ``"age >= 60"``.
        shares
            Conditions with the share of rows that shall meet each, such as
            ``{"sex = 'Female'": 0.5, "age < 30": 0.4}``; all else follows.
        like
            Example rows (table, path or URL): rows like them are drawn more often, never they.
        seed
            Default from the twin: the same call gives the same rows.

        Raises
        ------
        ConditionError
            If no row can meet the condition.
        """
        shown = to_natural if self.frame == "text" else to_raw
        made = self.draws(n, given=given, where=where, shares=shares, like=like, seed=seed)
        pieces = [shown(d.table) for d in made]
        return to_frame(pa.concat_tables(pieces), self.frame, self.dtypes)

    def draws(
        self,
        n: int | None = None,
        *,
        given: object = None,
        where: str | None = None,
        shares: Mapping[str, float] | None = None,
        like: object = None,
        seed: int | None = None,
        piece: int = PIECE,
    ) -> Iterator[Sample]:
        """Yield the rows of `sample` piece by piece, in bounded memory, as canonical tables."""
        asked = Request(n, given, where, shares or {}, like)
        return draws(self, asked, seed=self._seed(seed), piece=piece)

    def design(
        self,
        n: int | None = None,
        *,
        kind: str = "sobol",
        where: str | None = None,
        seed: int | None = None,
    ) -> Design:
        """Return `n` rows that fill the space; see `twinset.sampling.space_filling.design`."""
        rows = self.provenance["rows"] if n is None else n
        condition = check_designed(self, where)
        return design(self, kind, rows, condition=condition, seed=self._seed(seed))

    def edge_cases(self, *, where: str | None = None, seed: int | None = None) -> Edges:
        """Return edge cases for tests; see `twinset.sampling.edge_cases.edge_cases`."""
        return edge_cases(self, condition=check_designed(self, where), seed=self._seed(seed))

    def _seed(self, seed: int | None) -> int:
        return self.seed if seed is None else seed

    def facts(self) -> dict[str, Any]:
        """Say what was learned, as JSON values for who holds the train table."""
        columns = self.schema.columns
        return {
            "generator": self.generator,
            "options": dict(self.options),
            "seed": self.seed,
            **self.provenance,
            "learned": [c.name for c in columns if c.is_learnable],
            "made_new": [c.name for c in columns if not c.is_learnable],
            "kept": list(self.kept.column_names) if self.kept is not None else [],
            "protection": self.protection_text(),
            **({"rules": [str(r) for r in self.rules]} if self.rules else {}),
        }

    def protection_text(self) -> str:
        """What protection changed, in words for a report."""
        said = [f"at least {self.encoding.protect} units behind each value"]
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
            "protect": self.encoding.protect,
            "protected": [p.__dict__ for p in self.protected],
            "null_shares": self.encoding.null_shares,
            "frame": self.frame,
            "dtypes": dict(self.dtypes),
            "provenance": dict(self.provenance),
            "schema": self.schema.to_dict(),
            "model": pack(self.model.to_state(), "model", arrays),
        }
        if self.rules:
            values["rules"] = self.rules.to_data()
        if self.dataset is not None:
            values["dataset"] = self.dataset.to_dict()
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
            shares = {str(k): float(v) for k, v in values["null_shares"].items()}
            schema = Schema.from_dict(values["schema"])
            encoding = TableEncoding.of(schema, int(values["protect"]), shares)
            configured = registry.configure("generators", name, values["options"])
            twin = cls(
                encoding,
                configured.from_state(unpack(values["model"], contents.arrays), encoding.empty()),
                name,
                values["options"],
                int(values["seed"]),
                tuple(Protected(**p) for p in values["protected"]),
                contents.tables.get("kept"),
                str(values["frame"]),
                {**values["provenance"], "rows": int(values["provenance"]["rows"])},
                {str(k): str(v) for k, v in values["dtypes"].items()},
            )
            if "dataset" in values:
                schemas = dict.fromkeys(map(str, values["dataset"]["tables"]), schema)
                twin = replace(twin, dataset=Dataset.from_dict(values["dataset"], schemas))
            if twin.provenance["rows"] < 1 or twin.seed < 0:
                raise ValueError("a twin of no rows, or a seed that is none")
            _try_out(twin)
            if "rules" in values:
                rules = rules_from_data(values["rules"], "rules of the model")
                rules.check_schema(twin.schema, empty_table(twin.schema))
                twin = replace(twin, rules=rules)
        except (KeyError, TypeError, IndexError, AttributeError, ValueError, *_BEYOND) as error:
            if isinstance(error, InputError):
                raise
            raise ModelFileError(
                str(path), got="a damaged file (its values do not fit together)"
            ) from None
        return twin


def _check_learnable(schema: Schema) -> None:
    if not any(c.is_learnable and c.role is not Role.CONTEXT for c in schema.columns):
        raise InputError(
            "the table",
            got="no column to learn: all are identifiers, text, personal data or constant",
            hint="state kinds in a schema file (--schema)",
        )


def _counts(private: FitContext, people: FitContext, protect: int) -> dict[str, int]:
    """Count rows and units for the twin's provenance; InputError if there are too few."""
    table, counted = (c.read(None, "counts of rows and units") for c in (private, people))
    if counted.num_units < protect:
        raise InputError(
            "the train table",
            got=f"{counted.num_units} rows or units to protect",
            allowed=f"at least {protect}, the minimum behind every value (--protect)",
        )
    counts = {"rows": table.num_rows, "units": table.num_units}
    if table.units is None and counted.units is not None:
        counts["repeated"] = table.num_rows - counted.num_units
    return counts


def _try_out(twin: Twin) -> None:
    """Draw a few rows, to see that the parts of a model file fit together."""
    if twin.schema.with_role(Role.CONTEXT):
        return  # nothing is drawn without values for them
    draw(twin, min(twin.provenance["rows"], _TRIED), KnownCells(), None, twin.seed)


def _of_people(table: Table) -> Table:
    """Return the table with a unit a row, equal rows counting as one where they are not chance."""
    if table.units is not None:
        return table
    return Table(table.schema, table.data, repeated_rows(table))


def _at_least_ten(rows: int) -> str:
    """Count of rows for a report, where no count below ten stands."""
    return f"{rows:,} rows" if rows >= 10 else "fewer than 10 rows"
