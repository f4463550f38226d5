"""The command line: a mistake is one clear line, an exit code, and nothing half-written."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from twinset.cli.main import main

SECRET = "secretvalue"
QUICK = ("--generator", "independent", "--quiet")


def people(rows: int = 300, seed: int = 0, **extra: object) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    sex = rng.choice(["Female", "Male"], rows)
    age = rng.integers(18, 80, rows)
    income = np.round(rng.lognormal(8, 0.5, rows) + 20 * age, 2)
    rich = np.where(income > np.median(income), "yes", "no")
    return pd.DataFrame({"sex": sex, "age": age, "income": income, "rich": rich, **extra})


class Done:
    """What a call left: exit code, both streams."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def __repr__(self) -> str:
        return f"exit {self.code}\nstdout: {self.out[:2000]}\nstderr: {self.err}"

    def refused(self, match: str = "", code: int = 2) -> str:
        """The call failed as it should; return its line."""
        assert self.code == code, self
        assert self.out == "", self
        assert self.err.startswith("twinset: "), self
        assert self.err.count("\n") == 1, self
        assert match in self.err, self
        assert SECRET not in self.err, self
        assert len(self.err) < 500, self
        return self.err


@pytest.fixture
def cli(capfd, monkeypatch, tmp_path):
    """Call the command line in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    handlers = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}

    def call(*arguments: object, stdin: bytes = b"") -> Done:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            main([str(a) for a in arguments])
        captured = capfd.readouterr()
        return Done(ended.value.code, captured.out, captured.err)

    yield call
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def table(tmp_path) -> Path:
    people().to_csv(tmp_path / "people.csv", index=False)
    return tmp_path / "people.csv"


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    import twinset as ts

    path = tmp_path_factory.mktemp("model") / "people.twin"
    ts.fit(people(), generator="independent").save(path)
    return path


def files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*")}


def rows(text: str, n: int = 60) -> str:
    return text * n


# --- what is read ------------------------------------------------------------------------------

rng = random.Random(3)
REFUSED_FILES = {
    "empty": ("", "is empty"),
    "header only": ("a,b\n", "no rows"),
    "one row": ("a,b\n1,2\n", "got 1 "),
    "duplicate names": ("a,a\n1,2\n", "'a' twice"),
    "only nulls": ("a,b\n" + rows(",\n"), "no column to learn"),
    "only identifiers": ("id\n" + "".join(f"{i}\n" for i in range(60)), "no column to learn"),
    "NUL": (b"a,b\n1,\x00\n", "NUL"),
    "ragged": (f"a,b\n1,2\n1,{SECRET},3\n", "row 2"),
    "open quote": (f'a,b\n1,"{SECRET}\n3,4\n', "quote"),
    "truncated gzip": (gzip.compress(people(2000).to_csv(index=False).encode())[:-900], ""),
    "binary": (bytes(range(256)) * 20, ""),
    "zip": (b"PK\x03\x04" + bytes(200), "zip"),
    "sqlite": (b"SQLite format 3\x00" + bytes(200), "sqlite:///"),
}


@pytest.mark.parametrize("name", REFUSED_FILES)
@pytest.mark.parametrize("command", ["run", "fit"])
def test_files_that_are_refused(cli, tmp_path, name, command):
    content, match = REFUSED_FILES[name]
    data = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "t.csv").write_bytes(data)
    out = ["--out", "out"] if command == "run" else ["--out", "m.twin"]
    cli(command, "t.csv", *out, *QUICK).refused(match)
    assert files(tmp_path) == {"t.csv"}


READ_FILES = {
    "one column": "a\n" + "".join(f"{i % 7}\n" for i in range(60)),
    "an all-null column": "a,b\n" + "".join(f",{i % 7}\n" for i in range(60)),
    "names beyond ASCII": "größe,名前\n" + "".join(f"{i % 7},{i % 3}\n" for i in range(60)),
    "mixed types": "a\n" + rows("1\nx\n2020-01-01\n3.5\ntrue\n", 20),
    "infinite": "a,b\n" + "".join(f"{rng.gauss(0, 1)},{i % 3}\ninf,1\n-inf,0\n" for i in range(40)),
    "huge": "a,b\n" + "".join(f"{rng.gauss(0, 1)},{i % 3}\n1.7e308,1\n" for i in range(40)),
    "too long for 64 bits": "a,b\n"
    + "".join(f"{rng.randrange(10**30)},{i % 3}\n" for i in range(60)),
    "dates before 1677 and after 2262": "d,b\n"
    + "".join(
        f"{rng.choice([1, 1200, 1676, 2263, 9999]):04}-03-{i % 28 + 1:02},{i % 3}\n"
        for i in range(80)
    ),
    "moments before 1677 and after 2262": "d,b\n"
    + "".join(
        f"{rng.choice([1200, 1676, 2263, 9999])}-03-{i % 28 + 1:02} 12:30:00,{i % 3}\n"
        for i in range(80)
    ),
    "quotes and line ends in cells": "a,b\n" + rows('"x, ""y""",1\n"z\nw",2\n'),
    "blank names": ",x\n" + rows("1,2\n3,4\n"),
    "a name like an option": "--out,x\n" + rows("1,2\n3,4\n"),
}


@pytest.mark.parametrize("name", READ_FILES)
@pytest.mark.parametrize("generator", ["independent", "cart", "bootstrap"])
def test_odd_files_that_work(cli, tmp_path, name, generator):
    (tmp_path / "t.csv").write_text(READ_FILES[name], encoding="utf-8")
    fitted = cli("fit", "t.csv", "--out", "m.twin", "--generator", generator)
    assert fitted.code == 0, fitted
    assert "Warning" not in fitted.err, fitted
    assert cli("sample", "m.twin", "--out", "o.csv", "-n", 30, "--quiet").code == 0
    before, after = (pd.read_csv(f, nrows=30) for f in ("t.csv", "o.csv"))
    assert len(after) == 30
    if "blank" not in name:
        assert list(after) == list(before)


@pytest.mark.slow
def test_a_run_over_odd_columns(cli, tmp_path):
    """The measures and the report take what the reader takes."""
    odd = people(
        200,
        **{
            "größe 名前": [None] * 200,
            "huge": [1.7e308, np.inf, 1.0, 2.5] * 50,
            "old": ["1200-03-04", "1676-12-31", "2263-01-01", "9999-12-31"] * 50,
            "mixed": ["1", "x", "2020-01-01", "3.5"] * 50,
            "<script>": ["<b>", "&amp;", '"', "'"] * 50,
        },
    )
    odd.to_csv("odd.csv", index=False)
    done = cli("run", "odd.csv", "--out", "out", *QUICK)
    assert done.code == 0, done
    assert done.err == "", done
    assert list(pd.read_csv("out/share/synthetic.csv")) == list(odd)


@pytest.mark.slow
def test_five_thousand_columns(cli, tmp_path):
    names = ",".join(f"c{i}" for i in range(5_000))
    lines = [",".join(str((i * j) % 5) for i in range(5_000)) for j in range(40)]
    (tmp_path / "wide.csv").write_text("\n".join([names, *lines, ""]))
    began = time.process_time()
    assert cli("fit", "wide.csv", "--out", "m.twin", *QUICK).code == 0
    assert cli("sample", "m.twin", "--out", "o.csv", "--quiet").code == 0
    assert time.process_time() - began < 60
    assert (tmp_path / "o.csv").read_text().startswith("c0,c1,")


def test_a_cell_of_ten_megabytes(cli, tmp_path):
    cells = ["x" * (10 << 20), *["some words of a text here"] * 59]
    (tmp_path / "t.csv").write_text(
        "a,b\n" + "".join(f"{c},{i % 3}\n" for i, c in enumerate(cells))
    )
    assert cli("fit", "t.csv", "--out", "m.twin", *QUICK).code == 0
    assert (tmp_path / "m.twin").stat().st_size < 100_000


def test_missing_files_and_folders(cli, table, tmp_path):
    cli("run", "peoples.csv").refused("did you mean people.csv?")
    cli("fit", tmp_path, "--out", "m.twin").refused("folder")
    for command in (["fit", table], ["schema", table], ["compare", table, "--generators", "cart"]):
        cli(*command, "--out", tmp_path).refused("folder")
        cli(*command, "--out", "no/such/place").refused("got no folder no;")
    cli("run", table, "--out", table).refused("allowed: a folder")
    cli("evaluate", table, table, "--out", table, "--quiet").refused("allowed: a folder")
    cli("run", "https://example.org/a.csv").refused("https://")
    cli("sample", "m.twin", "--out", "o.csv").refused("no such file")
    cli("evaluate", table, "none.csv").refused("none.csv")
    assert files(tmp_path) == {"people.csv"}


@pytest.mark.slow
def test_no_permission(tmp_path, table):
    """Root may read all, unless it gives up that right first."""
    powers = "-dac_override,-dac_read_search"
    plain = ["setpriv", "--bounding-set", powers] if os.geteuid() == 0 else []
    if plain and shutil.which("setpriv") is None:
        pytest.skip("root cannot give up its rights without setpriv")
    (tmp_path / "shut").mkdir()
    (tmp_path / "shut").chmod(0o000)
    people().to_csv(tmp_path / "shut.csv", index=False)
    (tmp_path / "shut.csv").chmod(0o000)
    for arguments, match in (
        (["shut.csv"], "no permission"),
        (["shut/people.csv"], "permission denied"),
        (["people.csv", "--out", "shut/out"], "permission denied"),
        (["people.csv", "--schema", "shut.csv"], "not readable"),
        (["people.csv", "--gate", "shut/g.yaml"], "ermission"),
    ):
        done = subprocess.run(
            [*plain, sys.executable, "-m", "twinset", "run", *arguments, "--quiet"],
            capture_output=True, text=True, check=False, cwd=tmp_path,
        )  # fmt: skip
        Done(done.returncode, done.stdout, done.stderr).refused(match)


# --- how it is called --------------------------------------------------------------------------

CALLS = {
    "unknown command": (["fly"], "fly"),
    "unknown option": (["run", "people.csv", "--nope"], "--nope"),
    "no argument": (["run"], "DATA"),
    "target not there": (["run", "people.csv", "--target", "incme"], "income"),
    "sensitive not there": (["run", "people.csv", "--sensitive", "gender"], "gender"),
    "unit not there": (["run", "people.csv", "--unit", "person"], "person"),
    "unknown generator": (["run", "people.csv", "--generator", "gan"], "cart"),
    "generator by path": (["run", "people.csv", "--generator", "../cart"], "cart"),
    "unknown setting": (["run", "people.csv", "--set", "leafs=3"], "leaf"),
    "setting without value": (["run", "people.csv", "--set", "leaf"], "NAME=VALUE"),
    "setting too small": (["run", "people.csv", "--set", "leaf=0"], "leaf"),
    "setting of another type": (["run", "people.csv", "--set", "leaf=many"], "leaf"),
    "setting that is no YAML": (["run", "people.csv", "--set", "leaf=[1"], "leaf"),
    "smoothing that is no number": (["run", "people.csv", "--set", "smoothing=abc"], "smoothing"),
    "rate below zero": (["run", "people.csv", "--set", "rate=fast"], "rate"),
    "order that is no list": (["run", "people.csv", "--set", "order=3"], "order"),
    "methods that are no mapping": (["run", "people.csv", "--set", "methods=[tree]"], "methods"),
    "order of unknown columns": (["run", "people.csv", "--set", "order=[nope]"], "nope"),
    "no rows": (["run", "people.csv", "-n", "0"], "twinset: -n; allowed: at least 1; hint: "),
    "rows that are no number": (["run", "people.csv", "-n", "many"], "-n"),
    "no workers": (["run", "people.csv", "--workers", "0"], "--workers"),
    "seed below zero": (["run", "people.csv", "--seed", "-1"], "--seed"),
    "protect below one": (["run", "people.csv", "--protect", "0"], "--protect"),
    "protect above all rows": (["run", "people.csv", "--protect", "1000"], "--protect"),
    "holdout of all": (["run", "people.csv", "--holdout", "1.0"], "holdout"),
    "holdout below zero": (["run", "people.csv", "--holdout", "-0.5"], "holdout"),
    "holdout that is not a number": (["run", "people.csv", "--holdout", "nan"], "holdout"),
    "holdout that is not there": (["run", "people.csv", "--holdout", "other.csv"], "other.csv"),
    "schema that is not there": (["run", "people.csv", "--schema", "s.yaml"], "s.yaml"),
    "gates that are not there": (["run", "people.csv", "--gate", "g.yaml"], "g.yaml"),
    "table of a file": (["run", "people.csv", "--table", "people"], "--table"),
    "no generators": (["compare", "people.csv", "--generators", ","], "--generators"),
    "unknown among generators": (["compare", "people.csv", "--generators", "cart,gan"], "gan"),
    "list of nothing": (["list", "dragons"], "dragons"),
    "evaluate with a share": (["evaluate", "people.csv", "people.csv", "--holdout", "0.5"], "0.5"),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_wrong_calls(cli, table, tmp_path, name):
    arguments, match = CALLS[name]
    quiet = [] if arguments[0] in ("fly", "list") else ["--quiet"]
    cli(*arguments, *quiet).refused(match)
    assert files(tmp_path) == {"people.csv"}


BAD_SCHEMAS = {
    "no YAML": "columns: [",
    "a list": "- a\n- b\n",
    "unknown kind": "columns:\n- {name: age, kind: agee}\n",
    "unknown field": "columns:\n- {name: age, kindd: integer}\n",
    "unknown column": "columns:\n- {name: aeg, kind: integer}\n",
    "another kind": "columns:\n- {name: sex, kind: integer}\n",
    "an alias": "columns: &a\n- {name: age}\nmore: *a\n",
    "code": "columns: !!python/object/apply:os.system [ls]\n",
    "too few categories": "columns:\n- {name: sex, kind: category, categories: [Male]}\n",
    "low above high": "columns:\n- {name: age, kind: integer, low: 90, high: 18}\n",
    "two targets": "columns:\n- {name: age, role: target}\n- {name: sex, role: target}\n",
    "a long file": "# " + "x" * (1 << 20) + "\n",
}


@pytest.mark.parametrize("name", BAD_SCHEMAS)
def test_bad_schema_files(cli, table, tmp_path, name):
    (tmp_path / "s.yaml").write_text(BAD_SCHEMAS[name])
    cli("run", table, "--schema", "s.yaml", *QUICK).refused()
    assert files(tmp_path) == {"people.csv", "s.yaml"}


BAD_GATES = {
    "no YAML": "[",
    "nothing": "",
    "a mapping": "measure: c2st\n",
    "no bound": "- measure: c2st\n",
    "a bound that is none": "- {measure: c2st, bound: small}\n",
    "unknown field": '- {measure: c2st, bound: "<= 1", colums: [a]}\n',
    "unknown measure": '- {measure: c2ts, bound: "<= 1"}\n',
}


@pytest.mark.parametrize("name", BAD_GATES)
def test_bad_gate_files(cli, table, tmp_path, name):
    (tmp_path / "g.yaml").write_text(BAD_GATES[name])
    cli("run", table, "--gate", "g.yaml", *QUICK).refused("g.yaml")
    assert files(tmp_path) == {"people.csv", "g.yaml"}


SAMPLES = {
    "given without value": (["--given", "sex"], "NAME=VALUE"),
    "given unknown column": (["--given", "sx=Male"], "sex"),
    "given unknown category": (["--given", f"sex={SECRET}"], "category"),
    "given number out of bounds": (["--given", "age=300"], "age"),
    "given no number": (["--given", f"age={SECRET}"], "integer"),
    "where unknown column": (["--where", "agee > 3"], "age"),
    "where that is none": (["--where", "age >>> 3"], ""),
    "where of another type": (["--where", "age = 'x'"], ""),
    "where impossible": (["--where", "age > 500"], "impossible"),
    "where code": (["--where", "__import__('os').system('ls')"], ""),
    "ending unknown": (["--out", "o.docx"], "o.docx"),
    "no rows": (["-n", "0"], "-n"),
    "copies to stdout": (["--out", "-", "--copies", "2"], "--copies"),
    "no copies": (["--copies", "0"], "--copies"),
}  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES)
def test_wrong_samples(cli, model, tmp_path, name):
    arguments, match = SAMPLES[name]
    out = [] if "--out" in arguments else ["--out", "o.csv"]
    cli("sample", model, *out, *arguments, "--quiet").refused(match)
    assert files(tmp_path) == set()


@pytest.mark.parametrize("damage", ["cut", "flip", "text", "empty", "folder"])
def test_damaged_models(cli, model, tmp_path, damage):
    data = model.read_bytes()
    path = tmp_path / "m.twin"
    if damage == "folder":
        path.mkdir()
    else:
        middle = len(data) // 2
        flipped = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        path.write_bytes(
            {"cut": data[:-50], "flip": flipped, "text": b"a,b\n1,2\n", "empty": b""}[damage]
        )
    cli("sample", path, "--out", "o.csv", "--quiet").refused("m.twin")
    assert not Path("o.csv").exists()


# --- holdouts ----------------------------------------------------------------------------------


def test_holdouts(cli, table):
    people(100, seed=1).drop(columns="sex").to_csv("less.csv", index=False)
    cli("run", table, "--holdout", "less.csv", *QUICK).refused("sex")
    assert not Path("people-twin").exists()
    people(100, seed=1, more=range(100)).to_csv("more.csv", index=False)
    cli("run", table, "--holdout", "more.csv", *QUICK).refused("more")
    cli("evaluate", table, table, "--holdout", "less.csv", "--quiet").refused("sex")
    cli("audit", table, "less.csv", "--quiet").refused("sex")


@pytest.mark.slow
def test_units_shared_with_train_are_left_out_or_refused(cli, tmp_path):
    persons = np.repeat(np.arange(100, 200), 3)
    people(300, person_id=persons).to_csv("train.csv", index=False)
    people(300, 1, person_id=persons + 50).to_csv("half.csv", index=False)
    cli("run", "train.csv", "--holdout", "train.csv", "--unit", "person_id", *QUICK).refused(
        "only units that are in train too (100)"
    )
    assert not Path("train-twin").exists()
    done = cli("run", "train.csv", "--holdout", "half.csv", "--unit", "person_id", *QUICK)
    assert done.code == 0, done
    report = json.loads(Path("train-twin/share/report.json").read_text())
    assert report["provenance"]["units"] == {"train": 100, "holdout": 50}


# --- what is written ---------------------------------------------------------------------------


@pytest.mark.slow
def test_results_go_to_stdout_and_progress_to_stderr(cli, table):
    done = cli("run", table, "--json", "--generator", "independent")
    assert done.code == 0, done
    assert json.loads(done.out)["provenance"]["generator"] == "independent"
    assert "evaluate" in done.err
    for command in (
        ["evaluate", table, "people-twin/share/synthetic.csv", "--json", "--quiet"],
        ["audit", table, "people-twin/share/synthetic.csv", "--json", "--quiet"],
        ["schema", table, "--json", "--quiet"],
        ["list", "generators", "--json"],
        ["list", "metrics", "--json"],
        ["list", "attacks", "--json"],
    ):
        done = cli(*command)
        assert (done.code, done.err) == (0, ""), done
        assert json.loads(done.out)


def test_workers_change_no_measure(cli, table, model):
    assert cli("sample", model, "--out", "s.csv", "--quiet").code == 0
    call = ("evaluate", table, "s.csv", "--target", "rich", "--json", "--quiet", "--workers")
    one, three = (cli(*call, n) for n in (1, 3))
    assert one.code == 0, one
    assert one.out == three.out
    cli(*call, 0).refused("--workers")


@pytest.mark.slow
def test_several_releases_are_ranked_and_changes_are_told(cli, table, tmp_path):
    rng = np.random.default_rng(4)
    real = pd.read_csv(table)
    real.sample(frac=1, replace=True, random_state=1).to_csv("copied.csv", index=False)
    mixed = real.apply(lambda c: c.to_numpy()[rng.permutation(len(c))])
    mixed.to_csv("mixed.csv", index=False)
    Path("again").mkdir()
    mixed.to_csv("again/mixed.csv", index=False)
    call = ("evaluate", table, "mixed.csv", "copied.csv", "again/mixed.csv", "--quiet")
    done = cli(*call, "--json", "--out", "o", "--junit", "j.xml")
    assert (done.code, done.err) == (0, ""), done
    found = {r["release"]: r for r in json.loads(done.out)["releases"]}
    assert set(found) == {"mixed", "copied", "mixed-2"}
    assert json.loads(Path("o/ranking.json").read_text()) == json.loads(done.out)
    assert "mixed-2/report.html" in Path("o/ranking.html").read_text()
    suites = [s.get("name") for s in ElementTree.parse("j.xml").getroot()]
    assert suites == ["mixed", "copied", "mixed-2"]
    shown = cli("evaluate", table, "mixed.csv", "--quiet", "--against", "o/mixed/report.json")
    assert "nothing beyond chance" in shown.out
    changed = cli(*call[:2], "copied.csv", "--quiet", "--against", "o/mixed/report.json")
    assert "Changed since the earlier report" in changed.out
    assert " then, " in changed.out
    cli(*call[:3], "--quiet", "--against", table).refused("no JSON")
    cli(*call[:3], "--quiet", "--junit", "no/such/j.xml").refused("j.xml")


@pytest.mark.slow
def test_compare(cli, table):
    done = cli(
        "compare",
        table,
        "--generators",
        "bootstrap,independent",
        "--json",
        "--out",
        "c.json",
        "--quiet",
    )
    assert (done.code, done.err) == (0, ""), done
    found = json.loads(done.out)
    assert [r["generator"] for r in found["rows"]] == ["independent", "bootstrap"]  # ranked
    assert found["conclusion"].startswith("First: independent, "), found["conclusion"]
    assert found["rows"][1]["leaks_on_purpose"]
    first, second = found["rows"]
    assert second["best_attack_auc"] > 0.6
    for row in (first, second):  # the figure that the verdict rests on
        shown = row["verdict"].startswith("No, because")
        assert shown == (row["best_attack_auc_low"] > 0.53), row
    assert json.loads(Path("c.json").read_text()) == found
    shown = ("compare", table, "--generators", "independent,bootstrap", "--out", "c.html")
    told = cli(*shown, "--quiet")
    assert told.code == 0
    assert found["conclusion"] in " ".join(told.out.split())
    page = Path("c.html").read_text()
    assert "Attacks by releases" in page
    assert second["verdict"] in page


def test_gates(cli, table):
    Path("g.yaml").write_text(
        '- {measure: c2st, bound: "<= 0.01"}\n- {measure: mmd, columns: [age], bound: "<= 1"}\n'
        '- {measure: c2st, bound: "<= 1"}\n'
    )
    done = cli("run", table, "--gate", "g.yaml", *QUICK)
    assert done.code == 1, done
    assert [line.split(",")[0] for line in done.err.splitlines()] == [
        "gate missed: c2st <= 0.01",
        "gate missed: mmd[age] <= 1",
    ]
    gates = json.loads(Path("people-twin/share/report.json").read_text())["gates"]
    assert [g["met"] for g in gates] == [False, False, True]


@pytest.mark.slow
def test_other_gates_do_not_begin_anew(cli, table):
    """They are no part of the key: what was done stands, only the report is written again."""
    assert cli("run", table, *QUICK).code == 0
    share, private = Path("people-twin/share"), Path("people-twin/private")
    done = {p: p.stat().st_mtime_ns for p in [*private.iterdir(), share / "synthetic.csv"]}
    for bound, code in (("<= 0.01", 1), ("<= 1", 0)):
        Path("g.yaml").write_text(f'- {{measure: c2st, bound: "{bound}"}}\n')
        assert cli("run", table, "--gate", "g.yaml", *QUICK).code == code
        gates = json.loads((share / "report.json").read_text())["gates"]
        assert [(g["bound"], g["met"]) for g in gates] == [(bound, not code)]
        assert bound.replace("<", "&lt;") in (share / "report.html").read_text()
        assert {p: p.stat().st_mtime_ns for p in done} == done
    assert cli("run", table, *QUICK).code == 0
    assert json.loads((share / "report.json").read_text())["gates"] == []


@pytest.mark.slow
def test_compare_with_a_holdout_and_gates(cli, table):
    people(200, seed=1).to_csv("other.csv", index=False)
    Path("g.yaml").write_text('- {measure: auc, params: {attack: exact_match}, bound: "<= 0.6"}\n')
    call = ("compare", table, "--generators", "independent,bootstrap", "--json", "--quiet")
    done = cli(*call, "--holdout", "other.csv", "--gate", "g.yaml")
    assert done.code == 1, done
    assert done.err.startswith("gate missed: bootstrap: auc[attack=exact_match] <= 0.6"), done
    found = json.loads(done.out)
    assert [g[0]["met"] for g in found["gates"].values()] == [True, False]
    assert [r["gates_met"] for r in found["rows"]] == ["1 of 1", "0 of 1"]
    cli(*call, "--holdout", "1.5").refused("holdout")
    people(200, seed=1).drop(columns="age").to_csv("less.csv", index=False)
    cli(*call, "--holdout", "less.csv").refused("age")


@pytest.mark.slow
def test_stdin_and_stdout(cli, model):
    csv = people().to_csv(index=False).encode()
    assert cli("fit", "-", "--out", "m.twin", *QUICK, stdin=csv).code == 0
    done = cli("sample", "m.twin", "--out", "-", "-n", 7, "--quiet")
    assert (done.code, done.err) == (0, "")
    assert pd.read_csv(io.StringIO(done.out)).shape == (7, 4)
    assert cli("run", "-", "--out", "out", *QUICK, stdin=csv).code == 0
    assert {p.name for p in Path("out/share").iterdir()} >= {"synthetic.csv"}
    cli("fit", "-", "--out", "n.twin", stdin=b"").refused("empty")
    cli("fit", "-", "--out", "n.twin", stdin=b"a,b\n1\n").refused("row 1")


def test_copies(cli, model):
    """Each copy has streams of its own by its number, and none are those of a plain call."""
    call = ("sample", model, "-n", 50, "--quiet", "--seed")
    assert cli(*call, 3, "--out", "o.csv.gz", "--copies", 3).code == 0
    assert files(Path()) == {"o-1.csv.gz", "o-2.csv.gz", "o-3.csv.gz"}
    assert cli(*call, 3, "--out", "p.csv.gz", "--copies", 2).code == 0
    for seed in (3, 4, 5):
        assert cli(*call, seed, "--out", f"{seed}.csv.gz").code == 0
    rows = {p.name: pd.read_csv(p) for p in Path().iterdir()}
    for i in (1, 2):
        pd.testing.assert_frame_equal(rows[f"o-{i}.csv.gz"], rows.pop(f"p-{i}.csv.gz"))
    assert len(rows) == 6
    assert len({frame.to_csv() for frame in rows.values()}) == 6


def test_fit_and_sample_tell_as_json(cli, table):
    told = json.loads(cli("fit", table, "--out", "m.twin", "--json", *QUICK).out)
    assert told["model"] == "m.twin"
    assert (told["rows"], told["generator"]) == (300, "independent")
    assert told["learned"] == ["sex", "age", "income", "rich"]
    call = ("sample", "m.twin", "--out", "o.csv", "-n", 40, "--json", "--quiet")
    found = json.loads(cli(*call).out)["files"]
    direct = {"method": "direct", "acceptance": 1.0, "effective": 40, "saved": 0.0}
    assert found == [{"file": "o.csv", "rows": 40, "seed": 0, **direct}]
    found = json.loads(cli(*call, "--given", "sex=Male", "--copies", 2).out)["files"]
    assert [f["method"] for f in found] == ["exact", "exact"]
    assert found[0]["seed"] != found[1]["seed"]
    found = json.loads(cli(*call, "--where", "age >= 60").out)["files"][0]
    assert found["method"] == "rejection"
    assert 0.1 < found["acceptance"] < 0.6
    done = cli(*call[:3], "-", "--json")
    done.refused("--json")


def test_a_database(cli, tmp_path):
    pytest.importorskip("sqlalchemy")
    with sqlite3.connect("p.db") as connection:
        people(120).to_sql("people", connection, index=False)
        people(120).to_sql("others", connection, index=False)
    connection.close()
    url = f"sqlite:///{tmp_path / 'p.db'}"
    cli("run", url, *QUICK).refused("people")
    cli("run", url, "--table", "nobody", *QUICK).refused("people")
    done = cli("run", url, "--table", "people", "--out", "out", *QUICK)
    assert done.code == 0, done
    assert pd.read_parquet("out/share/synthetic.parquet").shape == (60, 4)


@pytest.mark.parametrize("url", [
    "postgresql://ann:hunter2@localhost:1/shop",
    "postgresql://localhost:1/shop?user=ann&password=hunter2",
    "mysql://ann:hunter2@localhost/shop",
    "https://ann:hunter2@example.org/a.csv",
])  # fmt: skip
def test_credentials_are_never_said(cli, tmp_path, url):
    pytest.importorskip("sqlalchemy")
    for arguments in (["run", url, "--table", "t"], ["fit", url, "--out", "m.twin"],
                      ["evaluate", url, url], ["schema", url, "--quiet"]):  # fmt: skip
        done = cli(*arguments)
        assert done.code == 2, done
        assert "hunter2" not in done.err + done.out
    assert not any("hunter2" in p for p in files(tmp_path))


# --- when it stops -----------------------------------------------------------------------------


@pytest.mark.slow
def test_a_time_limit_that_passes(cli, table, tmp_path):
    cli("run", table, "--time-limit", "0.0001", "--quiet").refused("time limit", code=3)
    assert not [f for f in files(tmp_path) if "share/" in f]
    for command in (
        ["fit", table, "--out", "m.twin"],
        ["demo", "--out", "adult", "--workers", "1"],
        ["compare", table, "--generators", "cart"],
        ["evaluate", table, table],
        ["audit", table, table],
    ):
        cli(*command, "--time-limit", "0.0001", "--quiet").refused("time limit", code=3)
    assert not Path("m.twin").exists()
    assert cli("run", table, "--quiet").code == 0


def call(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "twinset", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


@pytest.mark.slow
def test_ctrl_c(table, tmp_path):
    people(20_000).to_csv(table, index=False)
    process = call("run", table, "--out", tmp_path / "out", cwd=tmp_path)
    while not (tmp_path / "out/private/train.arrow").exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert out == b""
    assert err.decode().splitlines()[-1].startswith("twinset: interrupted")
    assert b"Traceback" not in err
    assert not any((tmp_path / "out/share").iterdir())


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
from twinset.cli.main import main
main(sys.argv[2:])
"""


@pytest.mark.slow
@pytest.mark.parametrize("limit", [50, 20_000])
def test_a_full_disk(table, tmp_path, limit):
    """A limit on file sizes acts as a full disk does: the write itself fails."""
    people(5_000).to_csv(table, index=False)
    for arguments in (
        ["run", table, "--out", tmp_path / "out"],
        ["fit", table, "--out", tmp_path / "m.twin"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", LIMITED, str(limit), *map(str, arguments), *QUICK],
            capture_output=True, text=True, check=False, cwd=tmp_path,
        )  # fmt: skip
        if arguments[0] == "fit" and limit == 20_000:
            continue
        assert (done.returncode, done.stdout) == (4, ""), done.stderr
        assert done.stderr.count("\n") == 1
        assert "full" in done.stderr
    names = files(tmp_path)
    assert not [n for n in names if n.endswith(".tmp") or "share/" in n], names
    if limit == 50:
        assert "m.twin" not in names


@pytest.mark.slow
def test_stdout_that_closes_is_no_failure(model, table):
    for command in (["sample", model, "--out", "-", "-n", 200_000], ["audit", table, table]):
        with call(*command, "--quiet") as process:
            process.stdout.close()
            assert process.wait(60) == 0
            assert process.stderr.read() == b""


# --- the command itself ------------------------------------------------------------------------


@pytest.mark.parametrize("argument", ["--help", "--version", ["run", "--help"]])
def test_help_is_quick_and_imports_nothing_heavy(argument):
    code = """
import sys, resource
try:
    from twinset.cli.main import main
    main(sys.argv[1:])
finally:
    heavy = {"numpy", "pandas", "pyarrow", "scipy", "sklearn", "lightgbm", "duckdb", "yaml"}
    sys.stderr.write(" ".join(heavy & set(sys.modules)))
"""
    arguments = [argument] if isinstance(argument, str) else argument
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.6


@pytest.mark.parametrize(
    "command",
    [
        ["schema", "people.csv"],
        ["list", "generators"],
        ["fit", "people.csv", "--out", "m.twin", "--generator", "independent"],
        ["sample", "MODEL", "--out", "o.csv"],
    ],
)
def test_what_measures_is_not_loaded_to_make_rows(command, table, model, tmp_path):
    """The libraries of measures and attacks take a second that these commands do not wait for."""
    code = """
import sys
try:
    from twinset.cli.main import main
    main(sys.argv[1:])
finally:
    heavy = {"scipy", "sklearn", "lightgbm", "duckdb", "faker", "twinset.auditing.release"}
    sys.stderr.write(" ".join(heavy & set(sys.modules)))
"""
    arguments = [str(model) if a == "MODEL" else a for a in command]
    quiet = [] if command[0] == "list" else ["--quiet"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments, *quiet],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_generators_are_listed_with_what_they_answer_themselves(cli):
    assert "[given, where, log_prob]" in cli("list", "generators").out
    told = {r["name"]: r for r in json.loads(cli("list", "generators", "--json").out)}
    assert told["independent"]["capabilities"] == ["given"]
    assert set(json.loads(cli("list", "metrics", "--json").out)[0]) == {"name", "description"}


def test_completion_is_printed():
    for shell in ("bash", "zsh", "fish"):
        done = subprocess.run(
            [sys.executable, "-m", "twinset", "--show-completion", shell],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "twinset" in done.stdout
