"""Schema: what each column is, how it is written, and who its unit is.

A schema is data: frozen, comparable, written as YAML for people and as JSON in files.
"""

from __future__ import annotations

import functools
import html
from collections import Counter
from enum import StrEnum
from typing import Literal, Self

import pydantic
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from twinset.errors import SchemaError, near
from twinset.table.kinds import Kind

__all__ = ["Column", "Format", "Kind", "Personal", "Role", "Schema"]


class Role(StrEnum):
    """What a column is used for."""

    FEATURE = "feature"
    TARGET = "target"
    SENSITIVE = "sensitive"
    KEY = "key"
    UNIT = "unit"
    ENTITY = "entity"
    TIME = "time"
    EVENT = "event"
    CONTEXT = "context"


class Personal(StrEnum):
    """The kind of direct identifier that a column holds."""

    NAME = "name"
    EMAIL = "email"
    PHONE = "phone"
    IBAN = "iban"
    NATIONAL_ID = "national_id"
    CARD = "card"
    IP = "ip"
    ADDRESS = "address"
    URL = "url"
    OTHER = "other"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Format(_Frozen):
    """How the values of a column are written where they are text.

    Attributes
    ----------
    decimals
        Digits after the decimal point of a real column; None if they vary.
    min_decimals
        Fewest digits after the point where `decimals` vary: 1 if whole numbers end in ``.0``.
    step
        Grid on which a number lies (1 for whole numbers, 0.25, 1000 ...), in seconds for datetimes
        and times; None if there is none.
    width
        Width to which whole numbers are padded with leading zeros.
    comma
        Whether the decimal point is written as a comma.
    thousands
        Separator of groups of three digits, if any.
    prefix, suffix
        Text around every number, such as a currency sign or ``%``.
    date_format
        strftime pattern of a date, datetime or time; ``%-d`` is a day without leading zero, and
        ``%3f`` are milliseconds.
    true, false
        How a boolean is spelled.
    nulls
        Spellings that are read as null; the first one is written.
    pattern
        Regular expression (RE2) from which identifiers are made.
    provider, locale
        Faker provider and locale from which personal data is made.
    words
        Quantiles (5, 25, 50, 75, 95%) of the number of words of a text.
    """

    decimals: int | None = Field(default=None, ge=0, le=20)
    min_decimals: int = Field(default=0, ge=0, le=20)
    step: FiniteFloat | None = Field(default=None, gt=0)
    width: int | None = Field(default=None, ge=1, le=64)
    comma: bool = False
    thousands: str | None = None
    prefix: str = ""
    suffix: str = ""
    date_format: str | None = None
    true: str | None = None
    false: str | None = None
    nulls: tuple[str, ...] = ("",)
    pattern: str | None = None
    provider: str | None = None
    locale: str | None = None
    words: tuple[int, ...] | None = None


class Column(_Frozen):
    """One column of a schema.

    Attributes
    ----------
    name
        As in the source.
    kind, role
        See `Kind` and `Role`. A declared column may leave the kind out: it is then inferred.
    dtype
        Arrow type of the source column, as text (``"string"`` for delimited files).
    nullable
        Whether null occurs or is allowed.
    unique
        Whether each value stands once.
    sentinels
        Numbers in a number column that are codes, not quantities, such as -9 or 999.
    low, high
        Bounds of a number-like column, in the numbers of `twinset.table.numbers` (days since
        1970-01-01 for dates, seconds for times and durations, seconds since 1970 for datetimes).
    categories
        The known values of a category, ordinal or boolean column, in order for an ordinal.
    declared
        Names of the fields above that a person has stated; all others are inferred from the data.
        Claims of differential privacy depend on the difference.
    personal
        The kind of direct identifier in the column, if any: such a column is never learned.
    keep
        Whether the column is released as it is (partial synthesis).
    reason
        Why the column was taken for what it is.
    """

    name: str
    kind: Kind = Kind.TEXT
    role: Role = Role.FEATURE
    dtype: str = "string"
    nullable: bool = False
    unique: bool = False
    format: Format = Format()
    sentinels: tuple[FiniteFloat, ...] = ()
    low: FiniteFloat | None = None
    high: FiniteFloat | None = None
    categories: tuple[str, ...] | None = None
    declared: frozenset[str] = frozenset()
    personal: Personal | None = None
    keep: bool = False
    reason: str = ""

    @property
    def step(self) -> float | None:
        """Grid on which numbers of the column lie: stated, that of the kind or of the decimals."""
        if self.format.step is not None or self.kind is not Kind.REAL:
            return self.format.step or self.kind.facts.step
        return None if self.format.decimals is None else 10.0**-self.format.decimals

    @property
    def is_learnable(self) -> bool:
        """Whether a generator may see the column."""
        return (
            self.kind.is_learnable
            and self.personal is None
            and self.role not in (Role.KEY, Role.UNIT, Role.ENTITY)
        )


class Schema(_Frozen):
    """The columns of a table, in order.

    Raises
    ------
    SchemaError
        If two columns share a name or more than one column is the unit or the target.
    """

    version: Literal[1] = 1
    columns: tuple[Column, ...]

    @pydantic.model_validator(mode="after")
    def _check(self) -> Self:
        names = self.names
        if len(set(names)) != len(names):
            twice = sorted(n for n, k in Counter(names).items() if k > 1)
            raise SchemaError("column names", got=f"{twice[0]!r} twice", allowed="unique names")
        for role in (Role.UNIT, Role.TARGET):
            having = [c.name for c in self.columns if c.role is role]
            if len(having) > 1:
                raise SchemaError(f"role {role.value}", got=", ".join(having), allowed="one column")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(c.name for c in self.columns)

    def __getitem__(self, name: str) -> Column:
        """Return the column called `name`; SchemaError names the nearest ones if there is none."""
        if name in self._places:
            return self.columns[self._places[name]]
        raise SchemaError(f"column {name!r} is not in the table", **near(name, self.names))

    def __contains__(self, name: object) -> bool:
        """Whether a column has this name."""
        return name in self._places

    @functools.cached_property
    def _places(self) -> dict[str, int]:
        """Where each column stands, so that 5,000 columns are found at once."""
        return {c.name: place for place, c in enumerate(self.columns)}

    def with_role(self, role: Role) -> tuple[Column, ...]:
        """Columns that have `role`."""
        return tuple(c for c in self.columns if c.role is role)

    @property
    def unit(self) -> Column | None:
        """The column whose values name the unit to protect; None means each row is a unit."""
        return next(iter(self.with_role(Role.UNIT)), None)

    @property
    def target(self) -> Column | None:
        """The column that a model should predict."""
        return next(iter(self.with_role(Role.TARGET)), None)

    def select(self, names: tuple[str, ...] | list[str]) -> Schema:
        """Return the schema of the named columns, in that order."""
        return Schema(columns=tuple(self[n] for n in names))

    def _repr_html_(self) -> str:
        rows = "".join(
            "<tr>"
            + "".join(f"<td>{html.escape(t)}</td>" for t in (c.name, c.kind, c.role, c.reason))
            + "</tr>"
            for c in self.columns
        )
        head = "<tr><th>column</th><th>kind</th><th>role</th><th>why</th></tr>"
        return f"<table>{head}{rows}</table>"

    def to_dict(self) -> dict[str, object]:
        """JSON-ready form; fields at their defaults are left out."""
        dumped = self.model_dump(mode="json", exclude_defaults=True)
        for column in dumped["columns"]:
            if "declared" in column:
                column["declared"] = sorted(column["declared"])
            column.setdefault("kind", Kind.TEXT.value)
        return {"version": self.version, **dumped}

    @classmethod
    def from_dict(cls, data: object) -> Schema:
        """Build from the form of `to_dict`; SchemaError says which field is wrong."""
        try:
            return cls.model_validate(data)
        except pydantic.ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(p) for p in first["loc"]) or "schema"
            raise SchemaError(where, got=first["msg"]) from None
