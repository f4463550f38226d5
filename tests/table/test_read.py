"""Reading: delimiters, encodings, compressions, types, samples, and bounded memory."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import io
import lzma
import os
import subprocess
import sys
import textwrap

import numpy as np
import openpyxl
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twinset.errors import InputError
from twinset.table.frames import to_frame
from twinset.table.sources import open_source
from twinset.table.write import write_table

ROWS = [("1", "x, y"), ("02", None), ("3,5", ""), ("-9", 'says "no"\nand é')]


def csv_text(delimiter: str, newline: str = "\n") -> str:
    lines = [delimiter.join(["id", "free text"])]
    for a, b in ROWS:
        cell = "" if b is None else '"' + b.replace('"', '""') + '"'
        a = f'"{a}"' if delimiter in a else a
        lines.append(f"{a}{delimiter}{cell}")
    return newline.join(lines) + newline


def rows_of(path):
    table = open_source(path).raw()
    assert table.column_names == ["id", "free text"]
    return list(zip(table["id"].to_pylist(), table["free text"].to_pylist(), strict=True))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "~"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_delimiter_and_line_end(tmp_path, delimiter, newline):
    path = tmp_path / "t.csv"
    path.write_bytes(csv_text(delimiter, newline).encode())
    assert rows_of(path) == ROWS
    dialect = open_source(path).dialect
    assert (dialect.delimiter, dialect.newline) == (delimiter, newline)


@pytest.mark.parametrize(
    ("encoding", "bom"),
    [
        ("utf-8", b""),
        ("utf-8", b"\xef\xbb\xbf"),
        ("utf-16-le", b"\xff\xfe"),
        ("utf-16-be", b"\xfe\xff"),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
        ("utf-32-le", b"\xff\xfe\x00\x00"),
        ("latin-1", b""),
        ("cp1252", b""),
    ],
)
@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz", "zst"])
def test_every_encoding_and_compression(tmp_path, encoding, bom, compression):
    data = bom + csv_text(";").encode(encoding)
    if compression == "zst":
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, "zstd") as packed:
            packed.write(data)
        data = bytes(sink.getvalue())
    else:
        data = {"": bytes, "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}[
            compression
        ](data)
    path = tmp_path / ("t.csv" + (f".{compression}" if compression else ""))
    path.write_bytes(data)
    assert rows_of(path) == ROWS
    source = open_source(path)
    assert source.stem == "t"
    assert source.suffix == path.name[1:]
    assert source.dialect.bom == bom
    assert source.dialect.compression == compression


def test_a_late_character_decides_the_encoding(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 400_000 + "3,Zürich\n".encode("latin-1"))
    assert open_source(path).raw()["b"][-1].as_py() == "Zürich"


def test_decimal_commas_do_not_make_commas_the_delimiter(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a;b;c\n1,5;2,25;x\n3,5;4,75;y\n")
    assert open_source(path).raw().to_pylist()[1] == {"a": "3,5", "b": "4,75", "c": "y"}


def test_single_columns_stay_whole(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('full name\n"Ada King, London"\n\nGrace M. Hopper\n')
    names = open_source(path).raw()["full name"].to_pylist()
    assert names == ["Ada King, London", None, "Grace M. Hopper"]


def test_numbers_between_blanks_are_columns(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("a b c\n1 2 3\n4 5 6\n")
    assert open_source(path).names == ("a", "b", "c")


@pytest.mark.parametrize("rows", ["12 May 1990", "12:30", "a b c"])
def test_words_between_blanks_are_one_column(tmp_path, rows):
    path = tmp_path / "t.csv"
    path.write_text("date of birth\n" + f"{rows}\n" * 3)
    assert open_source(path).names == ("date of birth",)


def test_excel_separator_line_single_quotes_and_escapes(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("sep=;\na;b\n1;2\n")
    assert open_source(path).raw().to_pylist() == [{"a": "1", "b": "2"}]
    path.write_text("'a','b'\n'1','x,y'\n")
    assert open_source(path).raw().to_pylist() == [{"a": "1", "b": "x,y"}]
    path.write_text('a,b\n1,"he said \\"no, no\\" twice"\n')
    assert open_source(path).raw()["b"].to_pylist() == ['he said "no, no" twice']


def test_names_that_are_missing_get_a_place(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('"",a\n1,2\n')
    assert open_source(path).names == ("column_1", "a")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(
        st.lists(
            st.one_of(st.none(), st.text(st.characters(codec="utf-8", exclude_characters="\x00"))),
            min_size=3,
            max_size=3,
        ),
        min_size=1,
        max_size=8,
    ),
    suffix=st.sampled_from([".csv", ".tsv", ".jsonl", ".parquet"]),
)
def test_what_is_written_is_read_again(tmp_path, rows, suffix):
    path = tmp_path / f"t{suffix}"
    names = ["a", "b", "c"]
    table = pa.table({n: pa.array([r[i] for r in rows], pa.string()) for i, n in enumerate(names)})
    write_table(table, path)
    assert open_source(path).raw().equals(table)


def test_json_lines_keep_their_types(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1, "d": "2020-01-01"}\n\n{"a": 2.5, "b": true, "d": "x", "e": null}\n')
    source = open_source(path)
    assert source.raw().to_pylist() == [
        {"a": 1.0, "d": "2020-01-01", "b": None, "e": None},
        {"a": 2.5, "d": "x", "b": True, "e": None},
    ]
    assert [str(t) for t in source.schema.types] == ["double", "string", "bool", "string"]


def test_json_lines_with_mixed_columns_become_text(tmp_path):
    path = tmp_path / "t.ndjson"
    path.write_text('{"a": 1, "b": 1}\n{"a": "x", "b": 2}\n')
    assert open_source(path).raw().to_pylist() == [{"a": "1", "b": 1}, {"a": "x", "b": 2}]


def test_json_lines_whose_types_change_late(tmp_path):
    path = tmp_path / "t.jsonl"
    line = '{"a": 1, "b": 1, "c": null}\n'
    path.write_text(
        line * 200_000 + '{"a": "x", "b": 0.5, "c": true, "d": 100000000000000000000}\n'
    )
    raw = open_source(path).raw()
    assert [str(t) for t in raw.schema.types] == ["string", "double", "bool", "double"]
    assert raw.slice(199_999).to_pylist() == [
        {"a": "1", "b": 1.0, "c": None, "d": None},
        {"a": "x", "b": 0.5, "c": True, "d": 1e20},
    ]


def test_excel_sheets_dates_and_errors(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["n", "day", "mixed"])
    book.active.append([1, pd.Timestamp("2020-01-02").to_pydatetime(), "x"])
    book.active.append([2.5, None, 7])
    book.active.append(["#N/A", None, None])
    book.create_sheet("second").append(["z"])
    path = tmp_path / "t.xlsx"
    book.save(path)
    raw = open_source(path).raw()
    assert [str(t) for t in raw.schema.types] == ["double", "date32[day]", "string"]
    assert raw["mixed"].to_pylist() == ["x", "7", None]
    assert open_source(path, table="second").names == ("z",)
    with pytest.raises(InputError, match="--table; got 'third'; allowed: Sheet, second"):
        open_source(path, table="third")


@pytest.fixture
def pandas_frame():
    return pd.DataFrame(
        {
            "cat": pd.Categorical(["x", "y", None], categories=["y", "x", "z"], ordered=True),
            "i8": np.array([1, 2, 3], dtype="int8"),
            "Int": pd.array([1, None, 3], dtype="Int64"),
            "f": [1.5, None, 2.0],
            "when": pd.to_datetime(["2020-01-01", None, "2021-01-01"]).astype("datetime64[ns]"),
            "str": ["a", None, "b"],
            "month": pd.PeriodIndex(["2020-01", None, "2020-03"], freq="M"),
            "empty": pd.Series([None, None, None], dtype=object).to_numpy(),
            "zone": pd.to_datetime(["2020-01-01", None, "2021-01-01"]).tz_localize("Europe/Berlin"),
            "span": pd.to_timedelta([1, None, 2], unit="D"),
            "bool": pd.array([True, None, False], dtype="boolean"),
            5: [True, False, True],
        },
        index=[7, 8, 9],
    )


def test_pandas_comes_back_as_it_was(pandas_frame):
    source = open_source(pandas_frame)
    back = to_frame(source.raw(), pandas_frame)
    pd.testing.assert_frame_equal(back, pandas_frame.reset_index(drop=True))
    assert (source.stem, source.suffix, source.format) == ("table", ".parquet", "pandas")


def test_pandas_with_new_categories_and_new_nulls():
    like = pd.DataFrame({"c": pd.Categorical(["x"]), "i": [1]})
    raw = pa.table({"c": ["x", "new"], "i": pa.array([1, None], pa.int64())})
    back = to_frame(raw, like)
    assert list(back["c"].cat.categories) == ["x", "new"]
    assert str(back["i"].dtype) == "Int64"


def test_polars_comes_back_as_it_was():
    frame = pl.DataFrame(
        {
            "c": pl.Series(["x", "y", None], dtype=pl.Categorical),
            "e": pl.Series(["x", "y", None], dtype=pl.Enum(["y", "x"])),
            "i": pl.Series([1, None, 3], dtype=pl.Int16),
            "s": ["a", None, "b"],
            "n": [None, None, None],
            "u": pl.Series([1, 2, 2**64 - 1], dtype=pl.UInt64),
            "t": [dt.time(1), None, dt.time(2)],
        }
    )
    back = to_frame(open_source(frame).raw(), frame)
    assert back.schema == frame.schema
    assert back.equals(frame)


def test_arrow_comes_back_as_it_was():
    table = pa.table({"a": [1, 2], "b": ["x", None]})
    assert to_frame(open_source(table).raw(), table).equals(table)
    assert open_source(table.to_batches()[0]).raw().equals(table)


def test_fingerprints_see_values_not_chunks():
    table = pa.table({"a": [1, None, 3] * 30_000, "b": ["x", None, ""] * 30_000})
    same = pa.concat_tables([table.slice(0, 7), table.slice(7, 50_000), table.slice(50_007)])
    assert open_source(table).fingerprint() == open_source(same).fingerprint()
    for other in (
        table.set_column(1, "b", [["x", "", None] * 30_000]),
        table.set_column(0, "a", [[1, 0, 3] * 30_000]),
        table.rename_columns(["a", "c"]),
        table.slice(1),
    ):
        assert open_source(other).fingerprint() != open_source(table).fingerprint()


def test_samples_are_uniform_in_order_and_repeatable():
    table = pa.table({"a": pa.array(np.arange(400_000))})
    source = open_source(table)
    sample = source.raw(max_rows=20_000, rng=np.random.default_rng(1))["a"].to_numpy()
    assert len(np.unique(sample)) == 20_000
    assert (np.diff(sample) > 0).all()
    counts = np.histogram(sample, bins=10, range=(0, 400_000))[0]
    assert (abs(counts - 2_000) < 5 * np.sqrt(2_000 * 0.9)).all()
    again = source.raw(max_rows=20_000, rng=np.random.default_rng(1))["a"].to_numpy()
    assert (sample == again).all()
    assert source.raw(max_rows=400_000).num_rows == 400_000
    assert source.raw(max_rows=0).num_rows == 0


def test_batches_are_no_larger_than_asked(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "1,2\n" * 1_000)
    sizes = [b.num_rows for b in open_source(path).batches(rows=300)]
    assert max(sizes) <= 300
    assert sum(sizes) == 1_000


def test_stdin_is_read_more_than_once(monkeypatch):
    class Stdin:
        buffer = io.BytesIO(b"a;b\n1;2\n")

    monkeypatch.setattr(sys, "stdin", Stdin)
    source = open_source("-")
    assert source.raw() == source.raw()
    assert (source.name, source.stem, source.suffix) == ("stdin", "stdin", ".csv")
    path = source.path
    assert path.stat().st_mode & 0o077 == 0
    del source
    import gc

    gc.collect()


BOUNDED = """
    import resource, sys
    from twinset.table.sources import open_source
    import pyarrow as pa, pyarrow.csv, pyarrow.parquet, numpy as np
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    source = open_source(sys.argv[1])
    used = int(open("/proc/self/statm").read().split()[0]) * 4096
    limit = used + int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    rows = sum(b.num_rows for b in source.batches())
    sample = source.raw(max_rows=1000, rng=np.random.default_rng(0))
    print(rows, sample.num_rows)
    if len(sys.argv) > 3:
        source.raw()
"""


def bounded(path, extra_bytes, *more):
    environment = {
        **os.environ,
        # address space that is reserved but not used would count: keep the allocators modest
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "MALLOC_ARENA_MAX": "1",
        "MALLOC_MMAP_THRESHOLD_": "131072",
    }
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(BOUNDED), str(path), str(extra_bytes), *more],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
    )


@pytest.fixture(scope="module")
def large_csv(tmp_path_factory):
    """A file of 250 MB, larger than what the readers may use."""
    path = tmp_path_factory.mktemp("large") / "large.csv"
    block = b"".join(b"%d,%s,1.25\n" % (i, b"x" * 180) for i in range(10_000))
    with path.open("wb") as file:
        file.write(b"id,text,real\n")
        for _ in range(130):
            file.write(block)
    yield path
    path.unlink()


LIMIT = 170 << 20


@pytest.mark.slow
def test_a_csv_larger_than_memory_streams(large_csv):
    assert large_csv.stat().st_size > 1.3 * LIMIT
    done = bounded(large_csv, LIMIT)
    assert done.stdout.split() == ["1300000", "1000"], done.stderr[-500:]


@pytest.mark.slow
def test_the_limit_is_real(large_csv):
    done = bounded(large_csv, LIMIT, "slurp")
    assert done.returncode != 0
    assert "1300000 1000" in done.stdout


@pytest.mark.slow
def test_a_parquet_file_larger_than_memory_streams(tmp_path):
    path = tmp_path / "large.parquet"
    rng = np.random.default_rng(0)
    columns = {f"c{i}": rng.random(1_000_000) for i in range(6)}
    table = pa.table(columns)
    with pq.ParquetWriter(path, table.schema, compression="none", use_dictionary=False) as writer:
        for _ in range(5):
            writer.write_table(table, row_group_size=1_000_000)
    assert path.stat().st_size > 1.3 * LIMIT
    done = bounded(path, LIMIT)
    assert done.stdout.split() == ["5000000", "1000"], done.stderr[-500:]
