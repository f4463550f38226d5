"""Rules on the command line: what is refused is one line and exit 2; what is found is shown."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from twinset.cli.main import main


@pytest.fixture
def call(capfd, monkeypatch, tmp_path):
    """Call the command line in this process, in an empty folder: code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(a) for a in arguments])
        captured = capfd.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    sex = rng.choice(["Female", "Male"], n)
    sick = np.where((sex == "Female") & (rng.random(n) < 0.4), "yes", "no")
    return pd.DataFrame({"sex": sex, "sick": sick, "age": rng.integers(18, 80, n)})


def test_evaluate_shows_broken_rules(call, tmp_path) -> None:
    people(300, 0).to_csv("train.csv", index=False)
    people(300, 1).to_csv("holdout.csv", index=False)
    people(300, 2).assign(sick="yes").to_csv("made.csv", index=False)
    (tmp_path / "rules.yaml").write_text("- sex = 'Male' implies sick = 'no'\n- age >= 18\n")
    command = ("evaluate", "train.csv", "made.csv", "--holdout", "holdout.csv", "--quiet")
    code, out, _ = call(*command, "--rules", "rules.yaml", "--json")
    assert code == 0
    found = json.loads(out)
    mine = [r for r in found["results"] if r["family"] == "integrity"]
    by = {r["params"].get("rule"): r for r in mine if r["name"] == "rule_violations"}
    broken = by["if sex = 'Male', then sick = 'no'"]
    assert broken["value"] == 1.0
    assert broken["verdict"] == "worse"
    assert by["age >= 18"]["value"] == 0.0
    assert found["problems"][0]["text"].endswith("if sex = 'Male', then sick = 'no'")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("- agee > 3", "agee"),
        ("- age >", "expression"),
        ("- age > 3\n- : [", "YAML"),
        ("rules: 3", "no list of rules"),
        ("- unique: [no, such]", "'no'"),
        ("- sex > 5", "order"),
    ],
)
def test_bad_rules_are_one_line_and_exit_2(call, tmp_path, text, word) -> None:
    people(60, 0).to_csv("train.csv", index=False)
    (tmp_path / "rules.yaml").write_text(text)
    code, out, err = call("evaluate", "train.csv", "train.csv", "--rules", "rules.yaml")
    assert (code, out) == (2, "")
    assert err.startswith("twinset: ")
    assert err.count("\n") == 1
    assert word in err


def test_a_rules_file_that_is_not_there(call) -> None:
    people(60, 0).to_csv("train.csv", index=False)
    code, _, err = call("evaluate", "train.csv", "train.csv", "--rules", "none.yaml")
    assert code == 2
    assert "none.yaml" in err


def test_rules_are_shown_written_edited_and_checked(call, tmp_path) -> None:
    frame = people(3_000, 4)
    frame.to_csv("people.csv", index=False)
    code, out, err = call("rules", "people.csv")
    assert code == 0
    assert "sick" in out
    assert "sex" in out
    assert "mine rules" in err
    code, out, err = call("rules", "people.csv", "--out", "rules.yaml")
    assert (code, out, err.splitlines()[-1]) == (0, "", "rules.yaml: 1 rule")
    assert call("rules", "people.csv", "--out", "rules.yaml", "--quiet") == (0, "", "")
    code, out, _ = call("rules", "people.csv", "--json", "--quiet")
    assert len(json.loads(out)["rules"]) == 1
    code, out, _ = call("rules", "people.csv", "--check", "rules.yaml", "--quiet")
    assert code == 0
    assert "0 of " in out
    frame.loc[:4, ["sex", "sick"]] = ["Male", "yes"]
    frame.to_csv("worse.csv", index=False)
    code, out, _ = call("rules", "worse.csv", "--check", "rules.yaml", "--quiet")
    assert code == 1
    assert "5 of " in out
    (tmp_path / "edited.yaml").write_text((tmp_path / "rules.yaml").read_text() + "- age < 50\n")
    code, out, _ = call("rules", "people.csv", "--check", "edited.yaml", "--json", "--quiet")
    assert code == 1
    assert json.loads(out)[-1]["broken"] == int((people(3_000, 4)["age"] >= 50).sum())


def test_a_small_table_without_rules(call) -> None:
    people(60, 0).assign(sick="no", more="x")[["age"]].to_csv("small.csv", index=False)
    code, out, _ = call("rules", "small.csv", "--quiet")
    assert (code, out) == (0, "no rule was found\n")


@pytest.mark.slow
def test_run_and_fit_keep_rules(call, tmp_path) -> None:
    people(500, 0).to_csv("people.csv", index=False)
    (tmp_path / "rules.yaml").write_text("- sex = 'Male' implies sick = 'no'\n")
    quick = ("--generator", "independent", "--quiet", "--rules", "rules.yaml")
    code, _, err = call("run", "people.csv", "--out", "twin", *quick)
    assert code == 0, err
    report = json.loads((tmp_path / "twin" / "share" / "report.json").read_text())
    cost = report["provenance"]["rules"]
    assert cost["kept"] == 1
    assert 0.8 < cost["acceptance"] < 0.98
    assert cost["rows repaired"] == 0
    found = next(r for r in report["results"] if r["name"] == "rule_violations")
    assert found["value"] == 0
    made = pd.read_csv(tmp_path / "twin" / "share" / "synthetic.csv")
    assert not ((made["sex"] == "Male") & (made["sick"] == "yes")).any()
    again = call("run", "people.csv", "--out", "twin", *quick)
    assert again[0] == 0
    assert json.loads((tmp_path / "twin" / "share" / "report.json").read_text()) == report
    assert call("fit", "people.csv", "--out", "m.twin", *quick)[0] == 0
    code, _, err = call("sample", "m.twin", "--out", "made.csv", "-n", "900")
    assert code == 0
    assert "made.csv: 1 rules kept by " in err
    assert "0.0% repaired" in err
    made = pd.read_csv("made.csv")
    assert not ((made["sex"] == "Male") & (made["sick"] == "yes")).any()


def test_rules_that_the_table_breaks_are_asked_for(call, tmp_path) -> None:
    people(500, 0).to_csv("people.csv", index=False)
    (tmp_path / "rules.yaml").write_text("- age > 30\n")
    code, out, err = call("fit", "people.csv", "--out", "m.twin", "--rules", "rules.yaml")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "rows of the table break it" in err
    assert not (tmp_path / "m.twin").exists()
    (tmp_path / "rules.yaml").write_text("- age > 30\n- age < 20\n")
    code, _, err = call("fit", "people.csv", "--out", "m.twin", "--rules", "rules.yaml")
    assert code == 2
    assert "contradiction" in err


def test_the_same_from_python(tmp_path) -> None:
    import twinset as ts

    frame = people(2_000, 3)
    found = ts.mine_rules(frame)
    found.save(tmp_path / "rules.yaml")
    assert [str(r) for r in found]
    twin = ts.fit(frame, generator="independent", rules=tmp_path / "rules.yaml")
    made = twin.sample(500)
    assert not ((made["sex"] == "Male") & (made["sick"] == "yes")).any()


@pytest.mark.parametrize(
    ("where", "named"),
    [
        ("age > 1000 and sex = 'Male' and not sick", "--where"),
        ("sex = 'Male' and sick", "rules of the model: rule 1"),
    ],
)
def test_a_condition_that_no_row_can_meet_is_one_line(call, tmp_path, where, named) -> None:
    frame = people(400, 0)
    age = np.where(frame["sex"] == "Male", frame["age"], frame["age"] // 2)
    frame.assign(age=age)[["age", "sex", "sick"]].to_csv("people.csv", index=False)
    (tmp_path / "rules.yaml").write_text("- sex = 'Male' implies sick = 'no'\n")
    ruled = ("--rules", "rules.yaml", "--quiet")
    assert call("fit", "people.csv", "--out", "m.twin", *ruled)[0] == 0
    code, out, err = call("sample", "m.twin", "--out", "made.csv", "--where", where, "--quiet")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"twinset: {named}")
