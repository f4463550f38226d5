"""The run folder: what it holds, that it repeats, and that a kill changes nothing."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import signal
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import twinset as ts
from twinset.errors import InputError, StoppedError
from twinset.jobs.job import Job

SHARED = {"report.html", "report.json", "release.json"}


def people(rows: int = 300, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    sex = rng.choice(["Female", "Male"], rows)
    age = rng.integers(18, 80, rows)
    income = np.round(rng.lognormal(8, 0.5, rows) + 20 * age, 2)
    rich = np.where(income > np.median(income), "yes", "no")
    return pd.DataFrame({"sex": sex, "age": age, "income": income, "rich": rich})


@pytest.fixture
def table(tmp_path) -> Path:
    people().to_csv(tmp_path / "people.csv", index=False)
    return tmp_path / "people.csv"


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Path:
    """Make a finished run with cart and a target."""
    folder = tmp_path_factory.mktemp("run")
    people().to_csv(folder / "people.csv", index=False)
    ts.run(folder / "people.csv", out=folder / "out", target="rich", sensitive=["sex"])
    return folder / "out"


def quick(data, out, **options):
    return ts.run(data, out=out, generator="independent", **options)


def shared(folder: Path) -> dict[str, str]:
    """Hash of each file in share/."""
    return {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (folder / "share").iterdir()
    }


def events(folder: Path) -> list[dict]:
    lines = (folder / "private/events.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


# --- the folder --------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".tsv", ".parquet", ".jsonl", ".xlsx"])
def test_the_release_is_written_as_the_input(tmp_path, suffix):
    data, path = people(), tmp_path / f"people{suffix}"
    if suffix == ".parquet":
        data.to_parquet(path)
    elif suffix == ".jsonl":
        data.to_json(path, orient="records", lines=True)
    elif suffix == ".xlsx":
        data.to_excel(path, index=False)
    else:
        data.to_csv(path, index=False, sep="\t" if suffix == ".tsv" else ",")
    quick(path, tmp_path / "out")
    assert set(shared(tmp_path / "out")) == SHARED | {f"synthetic{suffix}"}
    release = tmp_path / f"out/share/synthetic{suffix}"
    if suffix == ".csv.gz":
        assert gzip.decompress(release.read_bytes()).startswith(b"sex,age,income,rich\n")
    back = ts.schema(release)
    assert back.names == tuple(data)
    assert [c.kind for c in back.columns] == [c.kind for c in ts.schema(path).columns]


@pytest.mark.slow
def test_share_and_private(done):
    assert set(shared(done)) == SHARED | {"synthetic.csv"}
    assert {p.name for p in done.iterdir()} == {"share", "private"}
    assert stat.S_IMODE((done / "private").stat().st_mode) == 0o700
    held = {p.name for p in (done / "private").iterdir()}
    assert held >= {"model.twin", "train.arrow", "holdout.arrow", "state.json", "events.jsonl"}
    assert ts.load(done / "private/model.twin").schema.target.name == "rich"
    phases = [e["phase"] for e in events(done) if e["finished"]]
    assert [p for p in phases if p != "learn columns"] == [
        "read", "fit", "sample", "evaluate", "audit", "report",
    ]  # fmt: skip
    assert set(events(done)[0]) == {"time", "phase", "done", "total", "seconds", "finished"}


def test_the_default_folder_and_rows(tmp_path, table, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = ts.run("people.csv", generator="independent", n=77)
    assert made.folder == Path("people-twin")
    assert len(pd.read_csv("people-twin/share/synthetic.csv")) == 77


@pytest.mark.slow
def test_report_json_holds_the_keys_of_the_contract(done):
    report = json.loads((done / "share/report.json").read_text())
    assert list(report) == [
        "twinset", "seed", "schema", "results", "problems", "gates", "not_computed",
        "audit", "provenance",
    ]  # fmt: skip
    for result in report["results"]:
        assert set(result) == {
            "family", "name", "columns", "group", "params", "value", "low", "high", "confidence",
            "n", "reference", "noise", "direction", "status", "reason", "verdict", "seconds",
        }  # fmt: skip
        assert result["status"] in ("ok", "not_applicable", "failed")
        assert result["status"] != "failed", result
        assert result["family"] in (
            "fidelity", "diversity", "utility", "integrity", "fairness", "privacy",
        )  # fmt: skip
    assert all(set(p) == {"rank", "text", "columns", "excess", "noise"} for p in report["problems"])
    assert all(set(n) == {"name", "reason"} for n in report["not_computed"])
    assert {r["name"] for r in report["results"]} >= {"c2st", "auc", "tpr_at_fpr", "tstr_gap"}
    assert report["schema"]["columns"][3]["role"] == "target"


def test_the_release_card_is_valid_croissant(done):
    croissant = pytest.importorskip("mlcroissant")
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        card = croissant.Dataset(done / "share/release.json")
        rows = list(card.records(card.metadata.record_sets[0].name))
    assert not card.metadata.ctx.issues.errors
    assert len(rows) == 150


def test_no_time_no_path_and_no_value_of_one_person_in_what_is_shared(done):
    for name in SHARED:
        text = (done / "share" / name).read_text()
        assert str(done.parent) not in text
    train = pd.read_csv(done.parent / "people.csv")
    top = str(train["income"].max())
    assert not any(top in (done / "share" / name).read_text() for name in SHARED)


# --- the same again ----------------------------------------------------------------------------


@pytest.mark.slow
def test_same_seed_same_bytes_whatever_the_workers(done, tmp_path):
    data = done.parent / "people.csv"
    again = tmp_path / "again"
    ts.run(data, out=again, target="rich", sensitive=["sex"], workers=1)
    assert shared(again) == shared(done)
    model = "private/model.twin"
    assert (again / model).read_bytes() == (done / model).read_bytes()


@pytest.mark.slow
def test_another_seed_other_rows(table, tmp_path):
    first, second = (tmp_path / f"seed{i}" for i in (0, 1))
    quick(table, first)
    quick(table, second, seed=1)
    assert shared(first)["synthetic.csv"] != shared(second)["synthetic.csv"]


@pytest.mark.slow
def test_a_finished_run_is_read_back_and_mended(table, tmp_path):
    out = tmp_path / "out"
    first = quick(table, out)
    before, told = shared(out), len(events(out))
    again = quick(table, out)
    assert again.report.to_json() == first.report.to_json()
    assert len(events(out)) == told
    (out / "share/report.html").unlink()
    quick(table, out)
    assert shared(out) == before


def test_another_command_is_refused(table, tmp_path):
    out = tmp_path / "out"
    quick(table, out)
    before = shared(out)
    for options in ({"seed": 1}, {"n": 5}, {"target": "rich"}, {"holdout": 0.3}, {"protect": 6}):
        with pytest.raises(InputError, match="another command"):
            quick(table, out, **options)
    people(seed=1).to_csv(table, index=False)
    with pytest.raises(InputError, match="another command"):
        quick(table, out)
    assert shared(out) == before


def test_a_folder_of_others_is_left_alone(table, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="other things"):
        quick(table, out)
    assert [p.name for p in out.iterdir()] == ["thesis.txt"]
    (out / "thesis.txt").rename(tmp_path / "thesis.txt")
    (out / "share").mkdir()
    (out / "share/own.txt").write_text("mine")
    with pytest.raises(InputError, match="other things"):
        quick(table, out)
    assert (out / "share/own.txt").read_text() == "mine"


@pytest.mark.slow
def test_a_wrong_call_leaves_the_folder_as_it_was(table, tmp_path):
    (tmp_path / "empty").mkdir()
    for out in (tmp_path / "new", tmp_path / "empty"):
        with pytest.raises(InputError, match="protect"):
            quick(table, out, protect=1_000)
    assert not (tmp_path / "new").exists()
    assert not list((tmp_path / "empty").iterdir())
    quick(table, tmp_path / "empty")
    with pytest.raises(InputError):
        quick(table, tmp_path / "empty", protect=1_000)
    assert set(shared(tmp_path / "empty")) == SHARED | {"synthetic.csv"}


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["state", "model", "table", "release", "finding"])
def test_a_damaged_folder_is_one_clear_line(table, tmp_path, damage):
    out = tmp_path / "out"
    quick(table, out)
    name = {"state": "state.json", "model": "model.twin", "table": "train.arrow",
            "release": "synthetic.arrow", "finding": "audit.json"}[damage]  # fmt: skip
    path = out / "private" / name
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="damaged") as caught:
        quick(table, out)
    assert "\n" not in str(caught.value)


def test_two_runs_in_one_folder_wait_for_each_other(table, tmp_path):
    pytest.importorskip("fcntl")
    with Job.open(tmp_path / "out", "key"), pytest.raises(InputError, match="at work"):
        quick(table, tmp_path / "out")
    with Job.open(tmp_path / "out", "key") as job:
        assert not job.done("split")


@pytest.mark.slow
def test_out_of_time_then_on(table, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(StoppedError):
        quick(table, out, time_limit=0)
    assert not shared(out)
    quick(table, out)
    quick(table, tmp_path / "whole")
    assert shared(out) == shared(tmp_path / "whole")


# --- kills -------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from twinset.cli.main import main
from twinset.progress import listen
left = int(sys.argv[1])
def count(event):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
with listen(count):
    main(sys.argv[2:])
"""


def start(after: int, table: Path, out: Path) -> tuple[int, str]:
    """Run the command, killed at its `after`-th event (0: never); return exit code and stderr."""
    command = ["run", str(table), "--target", "rich", "--sensitive", "sex", "--out", str(out)]
    process = subprocess.run(
        [sys.executable, "-c", KILLED, str(after), *command, "--quiet"],
        capture_output=True,
        check=False,
        text=True,
        env={**os.environ, "TWINSET_TRACEBACK": "1"},
    )
    return process.returncode, process.stderr


@pytest.mark.slow
def test_kills_change_no_byte_and_finished_steps_are_not_repeated(done, tmp_path):
    table, out = done.parent / "people.csv", tmp_path / "out"
    random.seed(11)
    finished: list[str] = []
    for _ in range(3):
        assert start(random.randint(2, 14), table, out) == (-signal.SIGKILL, "")
        state = json.loads((out / "private/state.json").read_text())["done"]
        assert state[: len(finished)] == finished
        finished = state
    assert "fit" in finished
    told = len(events(out))
    (out / "share/.synthetic.csv.0123456789ab.tmp").write_text("half a fi")
    assert start(0, table, out) == (0, "")
    again = {e["phase"] for e in events(out)[told:]}
    assert not again & set(finished)
    assert "report" in again
    assert shared(out) == shared(done)


@pytest.mark.slow
def test_a_kill_before_the_first_state_is_no_hindrance(table, tmp_path):
    out = tmp_path / "out"
    (out / "private").mkdir(parents=True)
    (out / "share").mkdir()
    (out / "private/.state.json.0123456789ab.tmp").write_text("{")
    quick(table, out)
    assert set(shared(out)) == SHARED | {"synthetic.csv"}
    assert not list(out.rglob(".*"))
