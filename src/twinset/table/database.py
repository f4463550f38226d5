"""One table of a SQLite or PostgreSQL database, read only, as a stream of Arrow batches.

Neither a label nor an error holds a password, a user name or a message of the server, which could
quote data.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from twinset.errors import InputError, MissingExtraError, near

__all__ = ["DatabaseReader", "is_database_url", "open_database"]

_SCHEMES = ("sqlite", "postgresql", "postgresql+psycopg", "postgres")
_ALLOWED = "sqlite:///FILE or postgresql://HOST/DATABASE"
_CONNECTING = {
    "password authentication failed": "the user or password was refused",
    "no password supplied": "the user or password was refused",
    "does not exist": "there is no such database or user",
}
"""Words of the server while connecting, when there is no code yet; only ours are shown."""
_REFUSALS = {
    "28": "the user or password was refused",
    "3D": "there is no such database",
    "42501": "the user may not read the table",
    "57014": "the server cancelled the query",
}


def is_database_url(text: str) -> bool:
    """Whether this names a kind of database that can be read."""
    return text.partition("://")[0].lower() in _SCHEMES and "://" in text


def open_database(url: str, table: str | None) -> DatabaseReader:
    """Connect, find the table and its columns.

    Parameters
    ----------
    table
        Name, or ``schema.name``; may be left out if the database has only one.

    Raises
    ------
    MissingExtraError
        If sqlalchemy (or psycopg, for PostgreSQL) is not installed.
    InputError
        If the database cannot be reached, or there is no such table.
    """
    engine, label = _engine(url)
    with _explained(label):
        schema, name = _find_table(engine, label, table)
        where = f"{label} table {name if schema is None else f'{schema}.{name}'}"
        return DatabaseReader(engine, where, schema, name)


def _engine(url: str) -> tuple[Any, str]:
    try:
        import sqlalchemy as sa
    except ImportError:
        raise MissingExtraError("sqlalchemy", "db") from None
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise InputError("the database URL cannot be read", allowed=_ALLOWED) from None
    if parsed.get_backend_name() == "sqlite":
        return _sqlite_engine(sa, parsed)
    host = "" if parsed.host is None else parsed.host
    port = "" if parsed.port is None else f":{parsed.port}"
    label = f"postgresql://{host}{port}/{parsed.database or ''}"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        raise MissingExtraError("psycopg", "db") from None
    engine = sa.create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        poolclass=sa.pool.NullPool,
        hide_parameters=True,
        execution_options={"postgresql_readonly": True},
        connect_args={"connect_timeout": 20},
    )
    return engine, label


def _sqlite_engine(sa: Any, parsed: Any) -> tuple[Any, str]:
    import sqlite3

    path = Path(parsed.database or "")
    label = f"sqlite:///{path.name}"
    if not path.is_file():
        raise InputError(f"{label} is not there", allowed="sqlite:///FILE with an existing file")

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)

    engine = sa.create_engine(
        "sqlite://", creator=connect, poolclass=sa.pool.NullPool, hide_parameters=True
    )
    return engine, label


@contextlib.contextmanager
def _explained(label: str) -> Iterator[None]:
    """Turn errors of the database into one line without its own words."""
    import sqlite3

    import sqlalchemy as sa

    try:
        yield
    except sa.exc.DBAPIError as error:
        code = str(getattr(error.orig, "sqlstate", "") or "")
        got = next((text for k, text in _REFUSALS.items() if code.startswith(k)), "")
        if isinstance(error.orig, sqlite3.DatabaseError):
            got = "not a SQLite file, or a locked or damaged one"
        elif not code:
            said = (ours for theirs, ours in _CONNECTING.items() if theirs in str(error.orig))
            got = next(said, "no answer, or a refusal to connect")
        got = got or f"SQLSTATE {code}"
    except sqlite3.Error:
        got = "a damaged SQLite file"
    except sa.exc.SQLAlchemyError as error:
        got = type(error).__name__
    else:
        return
    raise InputError(f"{label} cannot be read", got=got, hint="check address, user and rights")


def _find_table(engine: Any, label: str, wanted: str | None) -> tuple[str | None, str]:
    import sqlalchemy as sa

    inspector = sa.inspect(engine)
    here = [*inspector.get_table_names(), *inspector.get_view_names()]
    if wanted is None:
        if len(here) == 1:
            return None, here[0]
        raise InputError(
            f"{label}: --table is missing",
            got=f"{len(here)} tables",
            allowed=", ".join(sorted(here)[:8]) + (" ..." if len(here) > 8 else ""),
        )
    if wanted in here:
        return None, wanted
    schema, dot, name = wanted.partition(".")
    if dot and engine.dialect.name != "sqlite" and schema in inspector.get_schema_names():
        there = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
        if name in there:
            return schema, name
    said = near(wanted, sorted(here), most=5) or {"allowed": "no table"}
    raise InputError(f"{label}: --table", got=repr(wanted), **said)


@dataclass(frozen=True)
class DatabaseReader:
    """Rows of one table, in the order of its primary key where it has one."""

    engine: Any = field(repr=False)
    name: str
    table_schema: str | None
    table: str

    @cached_property
    def schema(self) -> pa.Schema:
        """Columns in the Arrow types nearest to those of the database."""
        with _explained(self.name):
            if self.engine.dialect.name == "sqlite":
                return self._sqlite_schema()
            return pa.schema([(c["name"], _arrow_type(c["type"])) for c in self._columns()])

    def _columns(self) -> list[Any]:
        import sqlalchemy as sa

        columns: list[Any] = sa.inspect(self.engine).get_columns(self.table, self.table_schema)
        if not columns:
            raise InputError(f"{self.name} has no columns")
        return columns

    def _sqlite_schema(self) -> pa.Schema:
        """SQLite types each value, so the values are asked; one pass over the table."""
        columns = self._columns()
        names = [self._quoted(c["name"]) for c in columns]
        kinds = ("integer", "real", "text", "blob")
        asked = ", ".join(f"max(typeof({n}) = '{k}')" for n in names for k in kinds)
        with self.engine.connect() as connection:
            row = connection.exec_driver_sql(f"SELECT {asked} FROM {self._source()}").one()
        fields = []
        for i, column in enumerate(columns):
            whole, real, text, blob = (bool(v) for v in row[4 * i : 4 * i + 4])
            if blob:
                raise InputError(f"{self.name}: column {column['name']!r}", got="binary values")
            kind = pa.string()
            if (whole or real) and not text:
                kind = pa.float64() if real else pa.int64()
            elif not text:
                kind = _arrow_type(column["type"])
                kind = kind if kind in (pa.int64(), pa.float64()) else pa.string()
            if whole and not real and not text and "BOOL" in str(column["type"]).upper():
                kind = pa.bool_()
            fields.append(pa.field(column["name"], kind))
        return pa.schema(fields)

    def _quoted(self, name: str) -> str:
        return str(self.engine.dialect.identifier_preparer.quote_identifier(name))

    def _source(self) -> str:
        table = self._quoted(self.table)
        return table if self.table_schema is None else f"{self._quoted(self.table_schema)}.{table}"

    def _order(self) -> str:
        import sqlalchemy as sa

        key = sa.inspect(self.engine).get_pk_constraint(self.table, self.table_schema)
        names = key.get("constrained_columns") or []
        return f" ORDER BY {', '.join(map(self._quoted, names))}" if names else ""

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Yield batches of at most `rows` rows through a cursor on the server."""
        schema = self.schema
        columns = ", ".join(self._quoted(n) for n in schema.names)
        with _explained(self.name):
            query = f"SELECT {columns} FROM {self._source()}{self._order()}"
            with self.engine.connect() as connection:
                streaming = connection.execution_options(stream_results=True, max_row_buffer=rows)
                result = streaming.exec_driver_sql(query)
                while chunk := result.fetchmany(rows):
                    yield self._batch(chunk, schema)

    def _batch(self, rows: Any, schema: pa.Schema) -> pa.RecordBatch:
        arrays = []
        for column, values in zip(schema, zip(*rows, strict=True), strict=True):
            try:
                arrays.append(_array(values, column.type))
            except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, ValueError):
                raise InputError(
                    f"{self.name}: column {column.name!r}",
                    got=f"a value that is not {column.type}",
                    hint="select it as text in a view",
                ) from None
        return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    readers: dict[pa.DataType, Callable[[Any], Any]] = {
        pa.string(): _text, pa.bool_(): bool, pa.float64(): float
    }  # fmt: skip
    made = readers.get(kind)
    return pa.array([v if v is None or made is None else made(v) for v in values], kind)


def _text(value: Any) -> str:
    if isinstance(value, dict | list):
        import json

        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _arrow_type(kind: Any) -> pa.DataType:
    """Arrow type for a column type of SQLAlchemy; what has no plain type is read as text."""
    import sqlalchemy as sa

    plain = {
        sa.Boolean: pa.bool_(), sa.Integer: pa.int64(), sa.Float: pa.float64(),
        sa.Date: pa.date32(), sa.Time: pa.time64("us"),
    }  # fmt: skip
    for base, dtype in plain.items():
        if isinstance(kind, base):
            return dtype
    if isinstance(kind, sa.Numeric):
        known = kind.precision is not None and kind.precision <= 38
        return pa.decimal128(kind.precision, kind.scale or 0) if known else pa.float64()
    if isinstance(kind, sa.DateTime):
        return pa.timestamp("us", tz="UTC" if kind.timezone else None)
    if kind.__visit_name__ in ("interval", "INTERVAL"):
        return pa.duration("us")
    return pa.string()
