"""Bad input: one clear line without a data value, or it works."""

from __future__ import annotations

import contextlib
import gzip
import os
import subprocess
import sys
import tempfile
import textwrap
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from twinset.errors import ExpressionError, InputError
from twinset.table.atomic import atomic_write
from twinset.table.sources import open_source
from twinset.table.write import RowWriter, write_table

SECRET = "secretvalue"


def refused(data, match, **options):
    """Reading fails with one line that says what is wrong and shows no cell."""
    with pytest.raises(InputError, match=match) as caught:
        open_source(data, **options).raw()
    text = str(caught.value)
    assert "\n" not in text
    assert SECRET not in text
    assert len(text) < 400
    assert not isinstance(caught.value, ExpressionError)
    return text


@pytest.fixture
def file(tmp_path):
    def write(content, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b"  \n", gzip.compress(b"")])
def test_empty(file, content):
    refused(file(content), "t.csv is empty; allowed: a header line and rows")


@pytest.mark.parametrize("name", ["t.jsonl", "t.parquet", "t.xlsx", "noname"])
def test_empty_of_other_kinds(file, name):
    refused(file(b"", name), "is empty")


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_header_only(file, end):
    raw = open_source(file("a,b" + end)).raw()
    assert raw.column_names == ["a", "b"]
    assert raw.num_rows == 0


def test_one_row_one_column(file):
    assert open_source(file("a\n1")).raw().to_pylist() == [{"a": "1"}]
    assert open_source(file("a,b\n1,2")).raw().to_pylist() == [{"a": "1", "b": "2"}]


def test_names_twice(file, tmp_path):
    refused(file("a,b,a\n1,2,3\n"), "column names; got 'a' twice; allowed: unique names")
    refused(file('{"a": 1, "a": 2}\n', "t.jsonl"), "line 1 is not a JSON object")
    table = pa.table([[1], [2]], names=["a", "a"])
    refused(table, "'a' twice")
    import pyarrow.parquet as pq

    pq.write_table(table, tmp_path / "t.parquet")
    refused(tmp_path / "t.parquet", "'a' twice")
    refused(pd.DataFrame([[1, 2]], columns=["a", "a"]), "'a' twice")


def test_names_beyond_ascii(file):
    names = ("größe", "名前", "a b", " ", "x\ny")
    text = ",".join(f'"{n}"' for n in names) + "\n1,2,3,4,5\n"
    assert open_source(file(text)).names == names
    assert open_source(file(text.encode("utf-16"))).names == names


def test_five_thousand_columns(file):
    names = [f"c{i}" for i in range(5_000)]
    row = ",".join("1" * 5_000)
    raw = open_source(file(",".join(names) + f"\n{row}\n{row}\n")).raw()
    assert (raw.num_columns, raw.num_rows) == (5_000, 2)


@pytest.mark.parametrize("rows", [0, 5, 200_000])
def test_ragged_rows_are_numbered(file, rows):
    text = refused(file("a,b\n" + "1,2\n" * rows + f"1,{SECRET},3\n4,5\n"), "after the header")
    assert f"row {rows + 1} after the header; got 3 cells; allowed: 2" in text
    refused(file("a,b\n" + "1,2\n" * rows + "1\n"), f"row {rows + 1} .*got 1 cells")


def test_a_cell_of_ten_megabytes(file):
    cell = "x" * (10 << 20)
    raw = open_source(file("a,b\n" + "1,2\n" * 300_000 + f"1,{cell}\n3,4\n")).raw()
    assert raw.num_rows == 300_002
    assert raw["b"][-2].as_py() == cell
    assert raw["b"].slice(0, 300_000).unique().to_pylist() == ["2"]
    assert open_source(file(f'a,b\n"{cell}",2\n')).raw()["a"][0].as_py() == cell


def test_nul_characters(file):
    refused(file(b"a,b\n1,2\n3,\x00\n"), "line 3 holds a NUL character")
    refused(file(b"a,b\n" + b"1,2\n" * 200_000 + b"\x00,1\n"), "line 200002 holds a NUL")


def test_a_quote_that_is_never_closed(file):
    refused(file(f'a,b\n1,2\n3,"{SECRET}\n5,6\n7,8\n'), "quote")


def test_delimiter_that_nobody_knows(file):
    raw = open_source(file("a§b\n1§2\n")).raw()
    assert raw.num_columns == 1


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv", "t.jsonl.gz"])
def test_cut_off_gzip(file, name):
    text = (
        '{"a": 1}\n'
        if "json" in name
        else "a,b\n" + "".join(f"{i},{i * i}\n" for i in range(50_000))
    )
    text = text * (50_000 if "json" in name else 1)
    packed = gzip.compress(text.encode())
    refused(file(packed[: len(packed) // 2], name), "cannot be expanded; got a damaged or cut-off")
    refused(file(packed[:5], name), "cannot be expanded")


def test_damaged_compression(file):
    refused(file(b"\x1f\x8b" + b"nonsense" * 100), "cannot be expanded")
    refused(file(b"BZh9" + b"nonsense" * 100), "cannot be expanded")
    refused(file(b"\xfd7zXZ\x00" + b"nonsense" * 100), "cannot be expanded")
    refused(file(b"\x28\xb5\x2f\xfd" + b"nonsense" * 100), "cannot be expanded")


def test_places_that_are_no_files(tmp_path, file):
    refused(tmp_path, "is a folder; allowed: a file")
    file("a\n1\n", "people.csv")
    refused(tmp_path / "peopel.csv", "peopel.csv is not there; hint: did you mean people.csv?")
    refused(tmp_path / "no" / "x.csv", "x.csv is not there")
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "is a pipe or a device; allowed: a file; hint: give -")


def test_no_permission():
    """Root may read anything, so the child process becomes another user first."""
    code = """
        import os, sys
        from twinset.errors import InputError
        from twinset.table.sources import open_source
        if os.getuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        try:
            open_source(sys.argv[1])
        except InputError as error:
            print(error)
    """
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = Path(folder) / "t.csv"
        path.write_text("a\n1\n")
        path.chmod(0)
        path.parent.chmod(0o755)
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code), path], capture_output=True, text=True
        )
    expected = "t.csv cannot be read; got no permission; hint: chmod u+r t.csv\n"
    assert done.stdout == expected, done.stderr


def test_content_that_belies_the_name(file, tmp_path):
    refused(
        file(f"a,b\n1,{SECRET}\n", "t.parquet"), "is not Parquet, as its name says; got delimited"
    )
    refused(file(b"PAR1" + b"x" * 100, "t.parquet"), "is not a whole Parquet file")
    refused(file(b"PAR1" + b"x" * 100, "t.csv"), "t.csv is not delimited text")
    refused(file("a,b\n1,2\n", "t.xlsx"), "is not an Excel workbook")
    refused(file("a,b\n1,2\n", "t.jsonl"), "is not JSON lines")
    refused(file(b"\xd0\xcf\x11\xe0" + b"\x00" * 100, "t.xls"), "old or encrypted Office file")
    refused(file(b"SQLite format 3\x00" + b"\x00" * 100, "t.db"), "hint: give it as sqlite:///FILE")
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as packed:
        packed.writestr("t.csv", "a,b\n1,2\n")
    refused(tmp_path / "t.zip", "is a zip archive; allowed: delimited text; Parquet")


def test_a_cut_off_parquet_file_and_workbook(tmp_path):
    table = pa.table({"a": np.arange(100_000)})
    for name in ("t.parquet", "t.xlsx"):
        path = tmp_path / name
        write_table(table.slice(0, 5_000), path)
        path.write_bytes(path.read_bytes()[:-50])
        refused(path, "is not a whole")
    path = tmp_path / "middle.parquet"
    write_table(table, path)
    damaged = bytearray(path.read_bytes())
    damaged[100:3_000] = b"\xff" * 2_900
    path.write_bytes(damaged)
    refused(path, "is not a whole Parquet file")


def test_unknown_endings_are_judged_by_content(file, tmp_path):
    assert open_source(file("a;b\n1;2\n", "t.dat")).names == ("a", "b")
    assert open_source(file("a;b\n1;2\n", "t")).suffix == ".csv"
    assert open_source(file('{"a": 1}\n', "t.log")).suffix == ".jsonl"
    write_table(pa.table({"a": [1]}), tmp_path / "x.parquet")
    (tmp_path / "x.parquet").rename(tmp_path / "x.data")
    assert open_source(tmp_path / "x.data").suffix == ".parquet"


def test_text_that_is_not_utf8(file):
    assert open_source(file(b"a\nZ\xfcrich\n")).raw()["a"][0].as_py() == "Zürich"
    damaged = "a\n" + "é\nß\nö\n" * 50
    refused(file(damaged.encode() + b"\xff\n"), "line 152 is not utf-8 text; hint: save the file")


def test_json_that_is_none(file):
    refused(file(f'{{"a": 1}}\n{{"a": "{SECRET}\n', "t.jsonl"), "line 2 is not a JSON object")
    refused(file(f'{{"a": 1}}\n["{SECRET}"]\n', "t.jsonl"), "is not a JSON object")
    refused(file('[{"a": 1}, {"a": 2}]\n', "t.json"), "JSON object")
    refused(file('{"a": [1, 2]}\n', "t.jsonl"), "column 'a'; got Arrow type list")
    refused(file('{"a": {"b": 1}}\n', "t.jsonl"), "column 'a'; got Arrow type struct")
    refused(file("{}\n", "t.jsonl"), "no columns")


def test_objects_that_are_no_tables():
    allowed = "a path, a database URL, or a pandas, polars or pyarrow table"
    for thing in ([1], {"a": [1]}, None, 5, np.zeros((2, 2))):
        assert allowed in refused(thing, "data; got an object of type")
    refused(pl.LazyFrame({"a": [1]}), "call .collect")
    refused(pd.DataFrame(), "no columns")
    refused(pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])), "2 levels")
    refused(pa.table({"a": [[1]]}), "column 'a'; got Arrow type list")
    mixed = pd.DataFrame({"a": [1, "x", None, 2.5]})
    assert open_source(mixed).raw()["a"].to_pylist() == ["1", "x", None, "2.5"]


def test_a_table_name_for_a_file(file):
    refused(file("a\n1\n"), "--table", table="x")


def test_a_full_disk_leaves_nothing(tmp_path):
    """A limit on file size stands in for the full disk: the same call fails at the same place."""
    code = """
        import resource, sys
        import numpy as np, pyarrow as pa
        from twinset.errors import StorageError
        from twinset.table.write import write_table
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        rng = np.random.default_rng(0)
        table = pa.table({"a": rng.random(200_000)})
        for name in sys.argv[2:]:
            try:
                write_table(table.slice(0, 20_000) if "xlsx" in name else table, sys.argv[1] + name)
            except StorageError as error:
                print(error)
    """
    names = ["a.csv", "a.csv.gz", "a.csv.zst", "a.parquet", "a.jsonl"]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code), f"{tmp_path}/", *names],
        capture_output=True, text=True,
    )  # fmt: skip
    expected = [f"{n} is not written: the disk or the quota is full" for n in names]
    assert done.stdout.splitlines() == expected
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_written(tmp_path):
    table = pa.table({"a": [1]})
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    for path, reason in [
        (tmp_path / "no" / "deep" / "x.csv", "got no folder"),
        (folder, "got a folder"),
        (tmp_path / "x.unknown", "unknown ending; allowed: .csv"),
        (tmp_path / "x.parquet.gz", "parquet in .gz"),
    ]:
        with pytest.raises(InputError, match=reason):
            write_table(table, path)
    with pytest.raises(InputError, match="got no folder"):
        atomic_write(tmp_path / "no" / "x.json", "{}")
    assert list(tmp_path.iterdir()) == [folder]


def test_an_error_while_writing_leaves_the_old_file(tmp_path):
    for name in ("x.csv.gz", "x.parquet", "x.jsonl", "x.xlsx", "x.csv.xz"):
        path = tmp_path / name
        path.write_bytes(b"old")
        with contextlib.suppress(KeyError), RowWriter(path) as writer:
            writer.write(pa.table({"a": [1, 2]}))
            raise KeyError("x")
        assert path.read_bytes() == b"old"
        path.unlink()
    assert list(tmp_path.iterdir()) == []


def test_too_many_rows_for_a_sheet(tmp_path, monkeypatch):
    monkeypatch.setattr("twinset.table.write._EXCEL_ROWS", 10)
    with pytest.raises(InputError, match="too many rows for Excel; allowed: 10 rows"):
        write_table(pa.table({"a": list(range(11))}), tmp_path / "x.xlsx")
    assert list(tmp_path.iterdir()) == []
