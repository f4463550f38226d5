"""Augment: classes have the rows that were asked for, and the gain is measured on real rows."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, balanced_accuracy_score, roc_auc_score

from twinset.cli.main import main
from twinset.errors import InputError
from twinset.jobs.augment import augment_to
from twinset.jobs.downstream import View, _areas, _scores, smote


def rare(n: int = 4_000, seed: int = 0, *, signal: bool = True) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=n), rng.normal(size=n)
    group = rng.choice(list("pqr"), n)
    lift = 1.6 * x + (group == "p") if signal else np.zeros(n)
    y = rng.random(n) < 1 / (1 + np.exp(3.6 - lift))
    return pd.DataFrame(
        {
            "x": np.round(x, 2),
            "z": np.round(z, 2),
            "group": group,
            "ill": np.where(y, "ill", "well"),
        }
    )


def test_classes_are_balanced_and_real_rows_stay(tmp_path) -> None:
    frame = rare()
    done = augment_to(frame, tmp_path / "a.csv", target="ill")
    out = pd.read_csv(tmp_path / "a.csv")
    assert out["ill"].value_counts().nunique() == 1
    pd.testing.assert_frame_equal(out[: len(frame)], frame, check_dtype=False)
    assert dict(done.real) == frame["ill"].value_counts().to_dict()
    assert done.added["ill"] == done.real["well"] - done.real["ill"]
    new = out[len(frame) :]
    assert set(new["ill"]) == {"ill"}
    # new rows of the class are like its real ones
    real = frame[frame["ill"] == "ill"]
    assert new["x"].mean() == pytest.approx(real["x"].mean(), abs=0.25)
    assert frame["x"].mean() < real["x"].mean() - 0.5
    arms = {a.name: {f.name: f for f in a.figures} for a in done.arms}
    assert set(arms) == {"as it is", "reweighted", "SMOTE", "twin"}
    for arm in ("reweighted", "SMOTE", "twin"):
        assert arms[arm]["balanced accuracy"].low > 0  # any rebalancing raises it here
    assert "raise" in done.verdict
    assert "balanced accuracy" in done.verdict


def test_no_gain_is_said(tmp_path) -> None:
    done = augment_to(rare(signal=False), tmp_path / "a.csv", target="ill", generator="independent")
    twin = next(a for a in done.arms if a.name == "twin")
    assert all(f.low <= 0 for f in twin.figures)
    assert "raise" not in done.verdict


def test_stated_counts(tmp_path) -> None:
    frame = rare(1_000)
    size = frame["ill"].value_counts()
    to = {"ill": int(size["ill"]) + 7}
    quick = {"target": "ill", "generator": "independent", "holdout": 0}
    done = augment_to(frame, tmp_path / "a.csv", to=to, **quick)
    assert pd.read_csv(tmp_path / "a.csv")["ill"].value_counts()["ill"] == to["ill"]
    assert done.verdict == "Not measured: no rows were set aside."
    again = augment_to(frame, tmp_path / "b.csv", to=to, **quick)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert again == done


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"target": "x"}, "--target"),
        ({"target": "nobody"}, "nobody"),
        ({"to": {"healthy": 9_000}}, "its classes"),
        ({"to": {"well": 3}}, "at least its"),
        ({"to": {}}, "nothing to add"),
        ({"to": "equal"}, "balanced"),
        ({"holdout": 1.5}, "--holdout"),
        ({"holdout": 0.01}, "too few rows"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, more, word) -> None:
    with pytest.raises(InputError, match=word):
        augment_to(
            rare(1_000),
            tmp_path / "a.csv",
            **{"target": "ill", "generator": "independent", **more},
        )
    assert not (tmp_path / "a.csv").exists()


def test_scores_are_those_of_sklearn() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 300)
    score = np.round(0.3 * y + rng.random(300), 1)  # with ties
    area, average = _areas(score, y == 1)
    assert area == pytest.approx(roc_auc_score(y, score))
    assert average == pytest.approx(average_precision_score(y, score))
    guess = np.column_stack([1.3 - score, score])
    counts = np.bincount(y)
    found = _scores(guess, y)
    rare_one = int(np.argmin(counts))
    assert found[0] == pytest.approx(roc_auc_score(y == rare_one, guess[:, rare_one]))
    assert found[2] == pytest.approx(balanced_accuracy_score(y, np.argmax(guess, axis=1)))


def test_smote_lies_between_neighbours() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [200, 20])
    x = np.column_stack([rng.normal(size=220) + 5 * y, rng.normal(size=220), y * 1.0])
    x[3, 1] = np.nan
    out = smote(View(x, (2,), y), {0: 200, 1: 120}, rng)
    assert np.bincount(out.y).tolist() == [200, 120]
    new = out.x[220:]
    mine = x[y == 1]
    assert (new[:, :2] >= mine[:, :2].min(axis=0)).all()
    assert (new[:, :2] <= mine[:, :2].max(axis=0)).all()
    assert set(new[:, 2]) == {1.0}
    assert len(np.unique(new[:, 0])) == 100


def test_the_command(tmp_path, capfd, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    rare(2_000).to_csv("people.csv", index=False)

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "--quiet", "--generator", "independent"])
        streams = capfd.readouterr()
        return int(ended.value.code or 0), streams.out, streams.err

    start = ("augment", "people.csv", "--out", "more.csv", "--target", "ill")
    code, out, err = call(*start, "--json")
    assert (code, err) == (0, "")
    assert {a["name"] for a in json.loads(out)["arms"]} >= {"SMOTE", "twin"}
    code, out, err = call(*start, "--to", "ill=1500", "--holdout", "0")
    assert (code, out) == (0, "")
    assert "new" in err
    assert pd.read_csv("more.csv")["ill"].value_counts()["ill"] == 1_500
    code, _, err = call(*start, "--to", "ill=many")
    assert (code, err.count("\n")) == (2, 1)
