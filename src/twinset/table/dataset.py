"""Dataset: named tables with their keys, the links between them, and the unit to protect.

One table is the simplest data set. A job carries a data set from input to report; what looks at one
table only takes `Dataset.only`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from twinset.errors import InputError
from twinset.table.schema import Schema
from twinset.table.table import Table, empty_table

__all__ = ["ONE", "Dataset", "Link", "LinkKind"]

ONE = "table"
"""Name of the only table, where nobody gave it one."""
LinkKind = Literal["owner", "lookup", "match", "self"]


@dataclass(frozen=True)
class Link:
    """A foreign key: `columns` of table `child` name a row of table `parent` by its key.

    Attributes
    ----------
    kind
        ``"owner"``: child rows belong to their parent, as visits to a patient; ``"lookup"``: the
        parent is a list of values that all share; ``"match"``: a second parent, to be matched;
        ``"self"``: parent and child are one table.
    """

    child: str
    columns: tuple[str, ...]
    parent: str
    key: tuple[str, ...]
    kind: LinkKind = "owner"


@dataclass(frozen=True)
class Dataset:
    """Tables by name, with what ties them.

    Parameters
    ----------
    tables
        In order.
    keys
        Primary key of each table that has one.
    links
        Foreign keys.
    unit
        Table whose rows (or whose unit column) are the persons or things to protect; None for the
        only table.
    """

    tables: Mapping[str, Table]
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    unit: str | None = None

    def __post_init__(self) -> None:
        if not self.tables:
            raise InputError("the data set", got="no tables", allowed="at least one")
        for table, columns in self.keys.items():
            self._check(table, columns, f"key of {table}")
        for link in self.links:
            name = f"link from {link.child} to {link.parent}"
            self._check(link.child, link.columns, name)
            self._check(link.parent, link.key, name)
            if len(link.columns) != len(link.key) or not link.key:
                raise InputError(name, got="sides of different length", allowed="as many columns")
        if self.unit is not None and self.unit not in self.tables:
            raise InputError("unit", got=repr(self.unit), allowed=", ".join(self.tables))

    def _check(self, table: str, columns: tuple[str, ...], what: str) -> None:
        if table not in self.tables:
            raise InputError(what, got=f"no table {table!r}", allowed=", ".join(self.tables))
        for column in columns:
            self.tables[table].schema[column]

    @classmethod
    def of(cls, table: Table, name: str = ONE) -> Self:
        """Return the data set of one table."""
        return cls({name: table})

    @property
    def is_one(self) -> bool:
        """Whether there is one table."""
        return len(self.tables) == 1

    @property
    def name(self) -> str:
        """Name of the only table."""
        return next(iter(self.tables))

    @property
    def only(self) -> Table:
        """The only table.

        Raises
        ------
        InputError
            If there are several.
        """
        if not self.is_one:
            raise InputError(
                "the data set",
                got=f"{len(self.tables)} tables ({', '.join(self.tables)})",
                allowed="one table here",
            )
        return self.tables[self.name]

    def map(self, change: Callable[[str, Table], Table]) -> Self:
        """Return the data set with other tables under the same names."""
        tables = {name: change(name, table) for name, table in self.tables.items()}
        return type(self)(tables, self.keys, self.links, self.unit)

    def empty(self) -> Self:
        """Return the data set without rows: its schema."""
        return self.map(lambda _, table: empty_table(table.schema))

    def to_dict(self) -> dict[str, Any]:
        """Names, keys, links and unit as JSON values; not the schemas of the tables, nor rows."""
        return {
            "tables": list(self.tables),
            "keys": {name: list(columns) for name, columns in self.keys.items()},
            "links": [
                asdict(link) | {"columns": list(link.columns), "key": list(link.key)}
                for link in self.links
            ],
            "unit": self.unit,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], schemas: Mapping[str, Schema]) -> Self:
        """Rebuild a data set without rows; KeyError, TypeError or InputError if it is damaged."""
        links = (
            Link(
                str(link["child"]),
                tuple(map(str, link["columns"])),
                str(link["parent"]),
                tuple(map(str, link["key"])),
                link["kind"],
            )
            for link in data["links"]
        )
        return cls(
            {str(name): empty_table(schemas[name]) for name in data["tables"]},
            {str(name): tuple(map(str, columns)) for name, columns in data["keys"].items()},
            tuple(links),
            data["unit"],
        )
