"""`twinset audit` on the command line: generators, resuming, controls, real records."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import twinset
from twinset.auditing.shadows import Pool, deal
from twinset.checks.tables import learnable_table
from twinset.table.canonical import to_raw
from twinset.table.write import write_table

TWINSET = [sys.executable, "-m", "twinset", "audit"]
SHADOWS = ["--shadows", "40", "--shadow-rows", "60", "--quiet"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    table = learnable_table(1_200, seed=8)
    parts = {"train": (0, 400), "fresh": (400, 800), "holdout": (800, 1_200)}
    for name, (a, b) in parts.items():
        write_table(to_raw(table.take(np.arange(a, b))), folder / f"{name}.csv")
    write_table(to_raw(table.take(np.arange(400)[::-1])), folder / "copies.csv")
    high = table.take(np.arange(800, 1_200))
    size = high["size"].to_numpy()
    write_table(to_raw(high.take(size > np.median(size))), folder / "others.csv")
    write_table(to_raw(table.take(np.array([3, 30]))), folder / "two.csv")
    return folder


def call(folder, *arguments, code=0):
    done = subprocess.run(
        [*TWINSET, *map(str, arguments)],
        cwd=folder, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done


@pytest.mark.slow
def test_a_generator_is_audited_in_a_folder_and_goes_on_after_kill_9(files, tmp_path):
    train = files / "train.csv"
    options = [train, "--generator", "bootstrap", *SHADOWS, "--attack-targets", files / "two.csv"]
    whole = call(tmp_path, *options, "--json")
    found = json.loads(whole.stdout)
    assert found["audit"]["verdict"].startswith("No, because")
    names = {r["name"] for r in found["results"]}
    assert {"auc", "advantage", "epsilon_lower_bound", "shadow_fits", "control"} <= names
    groups = {r["params"].get("target_group") for r in found["results"]}
    assert {"random", "declared"} <= groups
    share = tmp_path / "train-audit" / "share"
    assert {p.name for p in share.iterdir()} == {"report.json", "report.html"}
    assert (tmp_path / "train-audit" / "private").stat().st_mode & 0o777 == 0o700
    call(tmp_path, *options, "--seed", "1", code=2)

    killed = subprocess.Popen(
        [*TWINSET, *map(str, options), "--workers", "1", "--out", "other"],
        cwd=tmp_path, start_new_session=True,
    )  # fmt: skip
    fits = tmp_path / "other" / "private" / "shadows" / "fits"
    until = time.monotonic() + 60
    while time.monotonic() < until and len(list(fits.glob("*.npz"))) < 5:
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert 5 <= len(list(fits.glob("*.npz"))) < 100
    call(tmp_path, *options, "--out", "other")
    here, there = (
        (tmp_path / f / "share" / "report.json").read_bytes() for f in ("train-audit", "other")
    )
    assert here == there


@pytest.mark.slow
def test_several_generators_meet_the_same_targets_in_one_report(files, tmp_path):
    train = files / "train.csv"
    options = [
        train,
        "--generator",
        "bootstrap,independent",
        *SHADOWS,
        "--attack-targets",
        "random",
    ]
    whole = call(tmp_path, *options)
    found = json.loads((tmp_path / "train-audit" / "share" / "report.json").read_text())
    assert found["audits"]["bootstrap"]["verdict"].startswith("No, because")
    assert not found["audits"]["independent"]["verdict"].startswith("No, because")
    assert {r["params"]["generator"] for r in found["results"]} == {"bootstrap", "independent"}
    assert "! " in whole.stdout
    assert "bootstrap: No, because" in whole.stdout
    shadows = tmp_path / "train-audit" / "private" / "shadows"
    pools = [Pool.open(shadows / name) for name in ("bootstrap", "independent")]
    assert pools[0].plan.targets == pools[1].plan.targets
    for fit in (0, 7):
        dealt = [deal(p.plan, p.units, fit) for p in pools]
        assert all((a == b).all() for a, b in zip(*dealt, strict=True))

    alone = call(tmp_path, *options, "--generator", "bootstrap", "--out", "alone", "--json")
    one = json.loads(alone.stdout)["results"]
    mine = [r for r in found["results"] if r["params"].pop("generator") == "bootstrap"]
    assert mine == one

    before = (tmp_path / "train-audit" / "share" / "report.json").read_bytes()
    for path in sorted((shadows / "independent" / "fits").iterdir())[::2]:
        path.unlink()  # as if killed while at work on the second
    again = call(tmp_path, *options, "--json")
    assert again.stdout.encode() == before + b"\n"


@pytest.mark.slow
def test_python_gives_each_generator_by_its_name(files, tmp_path):
    how = {"shadows": 40, "shadow_rows": 60, "attack_targets": "random,outliers", "number": 3}
    how["attacks"] = ["lira", "shadow_values"]
    tool = tmp_path / "copy.py"
    tool.write_text("import shutil, sys; shutil.copy(sys.argv[1], sys.argv[2])")
    found = twinset.audit(
        files / "train.csv",
        generator=["bootstrap"],
        generator_command=f"{sys.executable} {tool} {{train}} {{out}} {{n}}",
        **how,
    )
    assert repr(found) == "<Audits of bootstrap, command: seed 0>"
    frame = found.to_frame().set_index(["targets", "attack"])
    for name in found.audits:
        r = found[name].find("auc", attack="lira", target_group="outliers")
        assert frame.loc[("outliers", "lira"), name] == r.value
        assert frame.loc[("outliers", "lira"), f"{name}_low"] == r.params["corrected_low"]
    # who copies everything is recognised more surely than who draws 63%
    assert frame.loc[("random", "lira"), "command"] > frame.loc[("random", "lira"), "bootstrap"]
    found.save(tmp_path / "a.html")
    assert "Attacks by generators" in (tmp_path / "a.html").read_text()
    alone = twinset.audit(files / "train.csv", generator="bootstrap", **how)
    assert [r.value for r in alone.results] == [r.value for r in found["bootstrap"].results]


@pytest.mark.slow
def test_real_records_are_shown_only_if_asked_for(files):
    options = ["train.csv", "copies.csv", "--holdout", "holdout.csv", "--quiet"]
    asked = call(files, *options, "--show-records", "--out", "asked")
    assert "in no file" in asked.stdout
    assert asked.stdout.count("- attack ") == 10
    assert "records" not in json.loads((files / "asked" / "report.json").read_text())
    clean = call(files, "train.csv", "fresh.csv", "--holdout", "holdout.csv", "--show-records")
    assert "- attack " not in clean.stdout
    assert " safe" not in clean.stdout


@pytest.mark.slow
def test_a_failed_control_ends_with_4(files):
    done = call(files, "train.csv", "fresh.csv", "--holdout", "others.csv", "--quiet", code=4)
    assert "the holdout is not like train, most of all in size" in done.stderr
    assert "its figures must not be used" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["train.csv"], "neither a synthetic table nor a generator"),
        (["train.csv", "fresh.csv", "--generator", "cart"], "synthetic as well"),
        (["train.csv", "--generator", "cart", "--holdout", "holdout.csv"], "holdout as well"),
        (["train.csv", "fresh.csv", "--secret", "size"], "option --secret"),
        (["train.csv", "fresh.csv", "--shadows", "50"], "with --generator"),
        (["train.csv", "--generator", "cart", "--generator-command", "x"], "no {train}"),
        (["train.csv", "--generator", "cart,no-such"], "is not known"),
        (["train.csv", "--generator", "cart,cart"], "a name twice"),
        (["train.csv", "--generator", "cart,bootstrap", "--set", "leaf=5"], "with one registered"),
        (["train.csv", "--generator-command", "tool {train}"], "no {n}"),
        (["train.csv", "--generator", "no-such"], "is not known"),
        (["train.csv", "--generator", "cart", "--shadows", "3"], "40 or more"),
        (["train.csv", "--generator", "cart", "--attack-targets", "kings"], "random, outliers"),
        (["two.csv", "--generator", "cart"], "at least 100"),
        (["train.csv", "--generator", "cart", "--attack-targets", "fresh.csv"], "do not stand"),
    ],
)
def test_a_call_that_cannot_work_is_one_clear_line(files, arguments, match):
    done = call(files, *arguments, code=2)
    assert match in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (files / "train-audit").exists()
    assert os.listdir(files)
