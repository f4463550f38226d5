"""SQLite and PostgreSQL, really: types, order, streaming, rights, and no secrets in words."""

from __future__ import annotations

import datetime as dt
import sqlite3

import pytest

from twinset.errors import InputError
from twinset.table.sources import open_source


@pytest.fixture
def sqlite(tmp_path):
    path = tmp_path / "my data.db"
    with sqlite3.connect(path) as base:
        base.execute(
            'CREATE TABLE "odd ""name"" %s" (id INTEGER PRIMARY KEY, "a b" REAL, t TEXT, '
            "flag BOOLEAN, mixed, none REAL)"
        )
        rows = [
            (3, 1, "x", 1, 1, None),
            (1, 2.5, None, 0, "y", None),
            (2, None, "é", None, 2.5, None),
        ]
        base.executemany('INSERT INTO "odd ""name"" %s" VALUES (?, ?, ?, ?, ?, ?)', rows)
    base.close()
    return path


def test_sqlite_rows_and_types(sqlite):
    source = open_source(f"sqlite:///{sqlite}")
    assert source.raw().to_pylist() == [
        {"id": 1, "a b": 2.5, "t": None, "flag": False, "mixed": "y", "none": None},
        {"id": 2, "a b": None, "t": "é", "flag": None, "mixed": "2.5", "none": None},
        {"id": 3, "a b": 1.0, "t": "x", "flag": True, "mixed": "1", "none": None},
    ]
    assert source.suffix == ".parquet"
    assert source.stem == "odd_name_s", "it names a folder"
    assert source.fingerprint() == open_source(f"sqlite:///{sqlite}").fingerprint()
    assert [b.num_rows for b in source.batches(rows=2)] == [2, 1]


def test_sqlite_is_not_changed(sqlite):
    before = sqlite.read_bytes()
    open_source(f"sqlite:///{sqlite}").raw()
    assert sqlite.read_bytes() == before
    with pytest.raises(InputError):
        open_source(f"sqlite:///{sqlite.with_name('new.db')}")
    assert not sqlite.with_name("new.db").exists()


def test_sqlite_tables_are_chosen(sqlite):
    with sqlite3.connect(sqlite) as base:
        base.execute("CREATE VIEW people AS SELECT 1 AS one")
    base.close()
    assert open_source(f"sqlite:///{sqlite}", table="people").raw().to_pylist() == [{"one": 1}]
    with pytest.raises(InputError, match="--table is missing; got 2 tables"):
        open_source(f"sqlite:///{sqlite}")
    with pytest.raises(InputError, match="got 'peple'; hint: did you mean people"):
        open_source(f"sqlite:///{sqlite}", table="peple")
    with pytest.raises(InputError):
        open_source(f"sqlite:///{sqlite}", table='people"; DROP VIEW people; --')


def test_a_file_that_is_no_database(tmp_path):
    path = tmp_path / "x.db"
    path.write_text("hello, world" * 100)
    with pytest.raises(InputError, match="not a SQLite file"):
        open_source(f"sqlite:///{path}")


@pytest.fixture(scope="module")
def people(postgresql):
    import psycopg

    with psycopg.connect(postgresql, autocommit=True) as base:
        base.execute('CREATE SCHEMA "odd schema"')
        base.execute(
            'CREATE TABLE "odd schema"."My ""people"" 100%" (id int PRIMARY KEY, big bigint, '
            "small smallint, x double precision, money numeric(10,2), free numeric, ok boolean, "
            "day date, at timestamp, atz timestamptz, clock time, took interval, key uuid, "
            "doc jsonb, tags text[], c char(3), word text)"
        )
        base.execute(
            """INSERT INTO "odd schema"."My ""people"" 100%" VALUES
            (2, 9007199254740993, 1, 0.1, 12.30, 1.5, true, '1600-02-03', '2300-01-01 10:00',
             '2020-01-01 12:00+02', '10:11:12', '1 day 2 hours',
             '00000000-0000-0000-0000-000000000001',
             '{"a": 1}', '{x,y}', 'ab', 'zürich'),
            (1, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
             null, null)"""
        )
        base.execute(
            "CREATE TABLE wide AS SELECT i, md5(i::text) AS h FROM generate_series(1, 150000) i"
        )
        base.execute("CREATE TABLE sick (day date)")
        base.execute("INSERT INTO sick VALUES ('infinity')")
        base.execute("CREATE ROLE weak LOGIN PASSWORD 'weak-w0rd'")
    return postgresql


@pytest.mark.postgresql
def test_postgresql_rows_and_types(people):
    source = open_source(people, table='odd schema.My "people" 100%')
    first, second = source.raw().to_pylist()
    assert first == dict.fromkeys(source.names) | {"id": 1}
    assert second["big"] == 9007199254740993
    assert str(second["money"]) == "12.30"
    assert second["day"] == dt.date(1600, 2, 3)
    assert second["at"] == dt.datetime(2300, 1, 1, 10)
    assert second["atz"].isoformat() == "2020-01-01T10:00:00+00:00"
    assert second["clock"] == dt.time(10, 11, 12)
    assert second["took"] == dt.timedelta(days=1, hours=2)
    assert second["doc"] == '{"a": 1}'
    assert second["tags"] == '["x", "y"]'
    assert second["word"] == "zürich"
    types = dict(zip(source.names, map(str, source.schema.types), strict=True))
    assert (types["id"], types["money"], types["ok"], types["key"]) == (
        "int64", "decimal128(10, 2)", "bool", "string"
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.postgresql
def test_postgresql_streams_and_samples(people):
    source = open_source(people, table="wide")
    sizes = [b.num_rows for b in source.batches(rows=40_000)]
    assert sizes == [40_000, 40_000, 40_000, 30_000]
    assert source.raw(max_rows=500).num_rows == 500
    assert source.fingerprint() == open_source(people, table="wide").fingerprint()


@pytest.mark.postgresql
def test_postgresql_is_opened_read_only(people):
    source = open_source(people, table="wide")
    with source.reader.engine.connect() as connection:
        state = connection.exec_driver_sql("SHOW transaction_read_only").scalar()
    assert state == "on"


@pytest.mark.postgresql
def test_no_secret_is_ever_said(people):
    host = people.rpartition("@")[2]
    source = open_source(people, table="wide")
    assert "s3cret" not in f"{source!r} {source.name} {source.reader!r} {source}"
    assert "owner" not in f"{source!r} {source.reader!r}"
    wrong = [
        (f"postgresql://owner:wr0ng-w0rd@{host}", "wide", "password was refused"),
        (f"postgresql://owner:s3cret-w0rd@{host}x", "wide", "no such database"),
        (people, "wid", "did you mean wide"),
        (f"postgresql://weak:weak-w0rd@{host}", "wide", "may not read"),
        (people, "sick", "cannot be read"),
        ("postgresql://owner:s3cret-w0rd@127.0.0.1:1/x", "wide", "no answer"),
        ("postgresql://owner:s3cret-w0rd@127.0.0.1:port/x", "wide", "cannot be read"),
    ]
    for url, table, reason in wrong:
        with pytest.raises(InputError, match=reason) as caught:
            open_source(url, table=table).raw()
        text = str(caught.value)
        assert "w0rd" not in text
        assert "owner" not in text
        assert "infinity" not in text
        assert "\n" not in text


def test_other_schemes_are_refused_without_their_secrets():
    for scheme in ("https", "s3", "ftp", "mysql"):
        with pytest.raises(InputError, match=f"{scheme}:// addresses are not read") as caught:
            open_source(f"{scheme}://user:s3cret@host/x.csv")
        assert "s3cret" not in str(caught.value)
