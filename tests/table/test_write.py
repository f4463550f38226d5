"""Writing: as the source was written, atomically, as a stream, the same bytes each time."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import textwrap

import numpy as np
import openpyxl
import pyarrow as pa
import pytest

from twinset.table.atomic import atomic_write
from twinset.table.sources import open_source
from twinset.table.write import RowWriter, write_table

TABLE = pa.table(
    {
        "i": pa.array([1, None, -3], pa.int64()),
        "x": pa.array([0.1, float("nan"), 1e300], pa.float64()),
        "s": ['a"b', "=1+1", None],
        "d": pa.array([0, None, -200_000], pa.date32()),
        "t": pa.array([0, None, 10**15], pa.timestamp("us")),
        "b": [True, None, False],
        "c": pa.array(["u", "v", None]).dictionary_encode(),
    }
)

WRITTEN = [
    b"a,b\n1,2\n,\n",
    b'a;b\r\n1;"x;y"\r\n',
    b'"a"\t"b"\n"1"\t2\n"2"\t"x\ty"\n',
    b'"a","b"\n"1",""\n,"2"\n',
    "\ufeffa|b\nä|2\n".encode(),
    "\ufeffa,b\nä,2\n".encode("utf-16-le"),
    "\ufeffa,b\nä,2\n".encode("utf-16-be"),
    "a,b\nä,2\n".encode("latin-1"),
    b"'a','b'\n'it''s','2'\n",
    b'a,b\n1,"he said \\"no\\" twice"\n',
    b"a\n1\n\n3\n",
    b"a,b\n 1 ,2\n",
    b"a\r1\r2\r",
]


@pytest.mark.parametrize("content", WRITTEN)
@pytest.mark.parametrize("packed", [False, True])
def test_a_copy_has_the_same_bytes(tmp_path, content, packed):
    suffix = ".csv.gz" if packed else ".csv"
    path, copy = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    path.write_bytes(gzip.compress(content) if packed else content)
    source = open_source(path)
    write_table(source.raw(), copy, source)
    written = copy.read_bytes()
    assert (gzip.decompress(written) if packed else written) == content


@pytest.mark.shared
@pytest.mark.parametrize("name", ["adult", "airbnb_nyc", "loans_full_schema"])
def test_real_tables_have_the_same_bytes(tmp_path, shared, name):
    source = open_source(shared / f"data/tabular/{name}.csv.gz")
    write_table(source.raw(), tmp_path / "copy.csv.gz", source)
    with gzip.open(tmp_path / "copy.csv.gz") as copy, gzip.open(source.path) as original:
        assert copy.read() == original.read()


def test_types_in_csv(tmp_path):
    write_table(TABLE, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == (
        "i,x,s,d,t,b,c\n"
        '1,0.1,"a""b",1970-01-01,1970-01-01 00:00:00.000000,true,u\n'
        ",nan,=1+1,,,,v\n"
        "-3,1e+300,,1422-06-03,2001-09-09 01:46:40.000000,false,\n"
    )


def test_types_in_json_lines(tmp_path):
    import json

    write_table(TABLE, tmp_path / "t.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert rows[0] == {
        "i": 1, "x": 0.1, "s": 'a"b', "d": "1970-01-01", "t": "1970-01-01 00:00:00.000000",
        "b": True, "c": "u",
    }  # fmt: skip
    assert rows[1]["x"] is None
    odd = pa.table({'k"ey': ["\x01\n\\", "é\u2028"]})
    write_table(odd, tmp_path / "o.jsonl")
    lines = (tmp_path / "o.jsonl").read_bytes().split(b"\n")
    assert [json.loads(x)['k"ey'] for x in lines[:2]] == ["\x01\n\\", "é\u2028"]


def test_types_in_excel(tmp_path):
    write_table(TABLE, tmp_path / "t.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "t.xlsx").active
    rows = list(sheet.iter_rows())
    assert [c.value for c in rows[1]][:3] == [1, 0.1, 'a"b']
    assert rows[2][2].data_type == "s", "text that looks like a formula is text"
    assert rows[2][2].value == "=1+1"
    assert rows[2][1].value is None
    assert rows[3][3].value == TABLE["d"][2].as_py().isoformat(), "before 1900: no Excel date"


def test_parquet_keeps_everything(tmp_path):
    write_table(TABLE, tmp_path / "t.parquet")
    raw = open_source(tmp_path / "t.parquet").raw()
    assert raw.schema == TABLE.schema
    assert repr(raw.to_pylist()) == repr(TABLE.to_pylist())  # NaN is not equal to itself


@pytest.mark.parametrize("name", ["t.csv.gz", "t.parquet", "t.xlsx", "t.jsonl.gz", "t.tsv.xz"])
def test_bytes_repeat_and_do_not_hang_on_the_clock(tmp_path, name, monkeypatch):
    import time

    plain = TABLE.set_column(1, "x", [[0.1, 2.0, None]])
    write_table(plain, tmp_path / name)
    first = (tmp_path / name).read_bytes()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 86_400)
    write_table(plain, tmp_path / name)
    assert (tmp_path / name).read_bytes() == first


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.jsonl"])
def test_how_pieces_are_cut_does_not_matter(tmp_path, name):
    table = pa.table({"a": np.arange(300_000), "b": ["x", "y", None] * 100_000})
    for cuts in ([100_000] * 3, [1, 99_999, 131_072, 68_928]):
        with RowWriter(tmp_path / name) as writer:
            start = 0
            for rows in cuts:
                writer.write(table.slice(start, rows))
                start += rows
        assert writer.rows == 300_000
        if cuts[0] == 100_000:
            first = (tmp_path / name).read_bytes()
    assert (tmp_path / name).read_bytes() == first
    assert open_source(tmp_path / name).raw().num_rows == 300_000


def test_batches_and_casts(tmp_path):
    with RowWriter(tmp_path / "t.parquet") as writer:
        writer.write(pa.table({"a": pa.array([1], pa.int32()), "b": ["x"]}).to_batches()[0])
        writer.write(pa.table({"b": ["y"], "a": pa.array([2], pa.int64())}))
    raw = open_source(tmp_path / "t.parquet").raw()
    assert raw.to_pylist() == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


def test_nothing_written_still_has_a_header(tmp_path):
    source = open_source(pa.table({"a": ["x"], "b": [1]}))
    with RowWriter(tmp_path / "t.csv", source):
        pass
    assert (tmp_path / "t.csv").read_text() == "a,b\n"


@pytest.mark.parametrize(("folder", "file"), [(0o777, 0o666), (0o700, 0o600)])
def test_the_name_appears_only_at_the_end(tmp_path, folder, file):
    """A file in a folder that is closed to others is closed to them, too."""
    tmp_path.chmod(folder)
    path = tmp_path / "t.csv"
    with RowWriter(path) as writer:
        writer.write(TABLE)
        assert not path.exists()
        assert len(list(tmp_path.iterdir())) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == file & ~mask


def test_a_killed_writer_leaves_no_final_name(tmp_path):
    code = """
        import os, signal, sys
        import pyarrow as pa
        from twinset.table.write import RowWriter
        with RowWriter(sys.argv[1]) as writer:
            writer.write(pa.table({"a": [1, 2]}))
            os.kill(os.getpid(), signal.SIGKILL)
    """
    path = tmp_path / "t.csv"
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(path)])
    assert done.returncode == -9
    assert not path.exists()


def test_atomic_write(tmp_path):
    path = tmp_path / "t.json"
    atomic_write(path, "{}")
    atomic_write(path, b"{1}")
    assert path.read_bytes() == b"{1}"
    assert len(list(tmp_path.iterdir())) == 1


def test_endings_and_likes(tmp_path):
    semicolons = tmp_path / "in.csv"
    semicolons.write_text("a;b\n1;2\n")
    source = open_source(semicolons)
    write_table(source.raw(), tmp_path / "out.tsv", source)
    assert (tmp_path / "out.tsv").read_text() == "a\tb\n1\t2\n"
    write_table(source.raw(), tmp_path / "out", source)
    assert (tmp_path / "out").read_text() == "a;b\n1;2\n"


def test_what_an_old_encoding_lacks_becomes_a_question_mark(tmp_path):
    (tmp_path / "in.csv").write_bytes("a\nä\n".encode("latin-1"))
    source = open_source(tmp_path / "in.csv")
    write_table(pa.table({"a": ["ä", "名"]}), tmp_path / "out.csv", source)
    assert (tmp_path / "out.csv").read_bytes() == b"a\n\xe4\n?\n"


def test_stdout(monkeypatch):
    class Stdout:
        buffer = io.BytesIO()

    monkeypatch.setattr(sys, "stdout", Stdout)
    write_table(pa.table({"a": [1, None], "b": ["x", ""]}), "-")
    assert Stdout.buffer.getvalue() == b'a,b\n1,x\n,""\n'


@pytest.mark.slow
@pytest.mark.parametrize("name", ["t.csv.gz", "t.parquet", "t.jsonl"])
def test_writing_needs_the_memory_of_a_piece(tmp_path, name):
    """150 MB of rows pass through; the process grows by a fraction of that."""
    code = """
        import resource, sys
        import numpy as np, pyarrow as pa
        from twinset.table.write import RowWriter
        rng = np.random.default_rng(0)
        text = pa.array(["a rather long text " * 5] * 65_536)
        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        with RowWriter(sys.argv[1]) as writer:
            for piece in range(24):
                writer.write(pa.table({"x": rng.integers(0, 9, 65_536), "t": text}))
                if piece == 5:
                    before = peak()
        print(peak() - before)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / name)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert float(done.stdout) < 50, done.stderr


@pytest.mark.skipif(os.name == "nt", reason="modes of files are those of POSIX")
def test_a_file_is_no_more_open_than_its_folder(tmp_path):
    modes = []
    for mode in (0o700, 0o755):
        folder = tmp_path / f"{mode:o}"
        folder.mkdir()
        folder.chmod(mode)
        atomic_write(folder / "x", "x")
        modes.append((folder / "x").stat().st_mode & 0o777)
    assert modes[0] == 0o600
    assert modes[1] & ~0o600 == 0o044 & ~_umask()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
