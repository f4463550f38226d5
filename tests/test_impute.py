"""Impute: known cells stay, gaps are filled from what is known, copies differ, rules hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import twinset as ts
from twinset import registry
from twinset.cli.main import main
from twinset.errors import InputError
from twinset.jobs.impute import impute_to


def people(n: int = 3_000, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    kind = rng.choice(["a", "b", "c"], n)
    y = 2 * x + np.select([kind == "a", kind == "b"], [0.0, 5.0], 10.0) + rng.normal(size=n) * 0.5
    return pd.DataFrame({"kind": kind, "x": np.round(x, 3), "y": np.round(y, 3)})


def holes(frame: pd.DataFrame, share: float = 0.3, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    out = frame.copy()
    for name in ("kind", "y"):
        out.loc[rng.random(len(out)) < share, name] = None
    return out


def filled(twin, frame, path, **more) -> pd.DataFrame:
    impute_to(twin, frame, path, **more)
    return pd.read_csv(path)


@pytest.fixture(scope="module")
def twin():
    return ts.fit(holes(people()), generator="cart")


def test_gaps_are_filled_from_what_is_known_in_the_row(twin, tmp_path) -> None:
    true, gaps = people(1_500, 5), holes(people(1_500, 5), seed=6)
    done = filled(twin, gaps, tmp_path / "f.csv")
    assert not done.isna().any().any()
    for name in gaps.columns:
        known = gaps[name].notna()
        assert (done[name][known] == gaps[name][known]).all()
    only_y = gaps["y"].isna() & gaps["kind"].notna()
    off = (done["y"] - true["y"])[only_y]
    assert off.std() < 2.5  # 0.7 at best; drawn without the row it is 6.4
    assert off.abs().median() < 0.8
    only_kind = gaps["kind"].isna() & gaps["y"].notna()
    assert (done["kind"] == true["kind"])[only_kind].mean() > 0.75  # 1/3 by chance


def test_imputations_differ_and_keep_the_spread(twin, tmp_path) -> None:
    gaps = holes(people(1_500, 5), seed=6)
    copies = [filled(twin, gaps, tmp_path / f"{i}.csv", copy=i) for i in (1, 2)]
    where = gaps["y"].isna()
    assert (copies[0]["y"] != copies[1]["y"])[where].mean() > 0.9
    true = people(1_500, 5)["y"][where].std()
    assert copies[0]["y"][where].std() == pytest.approx(true, rel=0.1)  # a mean would shrink it
    again = filled(twin, gaps, tmp_path / "again.csv", copy=1)
    pd.testing.assert_frame_equal(again, copies[0])


@pytest.mark.parametrize("name", registry.built_in("generators"))
def test_every_generator_fills(name, tmp_path) -> None:
    gaps = holes(people(600))
    twin = ts.fit(gaps, generator=name)
    done = filled(twin, gaps, tmp_path / "f.csv")
    assert not done.isna().any().any()


def test_a_row_that_knows_nothing(twin, tmp_path) -> None:
    nothing = people(50).astype(object)
    nothing.loc[:, :] = None
    assert not filled(twin, nothing, tmp_path / "f.csv").isna().any().any()


def test_rules_hold_in_filled_rows(tmp_path) -> None:
    rng = np.random.default_rng(0)
    age = rng.integers(0, 90, 1_500)
    job = np.where(age < 16, None, rng.choice(["cook", "clerk"], 1_500))
    frame = pd.DataFrame({"age": age, "job": job, "double": 2 * age})
    rules = ["age < 16 implies job is null", {"equation": "double = 2 * age"}]
    twin = ts.fit(frame, generator="cart", rules=rules)
    gaps = frame.copy()
    gaps.loc[rng.random(1_500) < 0.4, "double"] = None
    gaps.loc[(rng.random(1_500) < 0.3) & (age >= 16), "job"] = None
    done = filled(twin, gaps, tmp_path / "f.csv")
    assert (done["double"] == 2 * done["age"]).all()
    assert done["job"][age < 16].isna().all()
    assert done["job"][age >= 16].notna().all()


def test_cells_of_a_file_stay_as_they_are_written(twin, tmp_path) -> None:
    (tmp_path / "odd.csv").write_text("kind;x;y\nnew;1.50;NA\nb;;+7.0\n")
    impute_to(twin, tmp_path / "odd.csv", tmp_path / "out.csv")
    first, second = (tmp_path / "out.csv").read_text().splitlines()[1:]
    assert first.startswith("new;1.50;")
    assert second.startswith("b;")
    assert second.endswith(";+7.0")
    assert "NA" not in first


def test_the_command(tmp_path, capfd, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    gaps = holes(people(300))
    gaps.to_csv("gaps.csv", index=False)
    ts.fit(gaps, generator="independent").save("m.twin")

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        streams = capfd.readouterr()
        return int(ended.value.code or 0), streams.out, streams.err

    code, out, err = call("impute", "m.twin", "gaps.csv", "--out", "f.csv", "--copies", "2")
    assert (code, out) == (0, "")
    assert "cells filled" in err
    assert not pd.read_csv("f-2.csv").isna().any().any()
    gaps.drop(columns="x").to_csv("less.csv", index=False)
    code, out, err = call("impute", "m.twin", "less.csv", "--out", "g.csv")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert not (tmp_path / "g.csv").exists()
    with pytest.raises(InputError, match="no rows"):
        impute_to(ts.load("m.twin"), gaps.head(0), "h.csv")
