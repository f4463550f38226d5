"""Designs fill the space, edge cases cover all pairs, the best of K raises its measure."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pandas as pd
import pytest

import twinset as ts
from twinset.api import curate
from twinset.cli.main import main
from twinset.errors import ConditionError, InputError
from twinset.sampling.space_filling import _discrepancy

RULES = ["sex = 'M' implies pregnant = 'no'", {"equation": "total = net + tax"}]


def visits(n: int = 2_000) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    sex = rng.choice(["F", "M"], n)
    net, tax = rng.integers(1, 900, n), rng.integers(0, 100, n)
    return pd.DataFrame(
        {
            "id": np.arange(n) + 5_000,
            "sex": sex,
            "pregnant": np.where((sex == "F") & (rng.random(n) < 0.1), "yes", "no"),
            "ward": rng.choice(["a", "b", "c", None], n, p=[0.6, 0.3, 0.05, 0.05]),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 366, n), unit="D"),
            "net": net,
            "tax": tax,
            "total": net + tax,
            "height": rng.normal(170, 9, n).round(1),
        }
    )


@pytest.fixture(scope="module")
def twin() -> ts.Twin:
    return ts.fit(visits(), generator="independent", rules=RULES)


@pytest.mark.parametrize("kind", ["sobol", "latin"])
def test_a_design_covers_better_than_chance_and_keeps_the_rules(twin, kind) -> None:
    made = twin.design(500, kind=kind)
    rows, coverage = made.table.data.to_pandas(), made.coverage
    assert len(rows) == coverage.rows == 500
    assert coverage.columns == 7  # without the total, which is computed, and the id
    assert coverage.discrepancy < coverage.random_discrepancy
    assert 0 < coverage.hole < 1.2 * coverage.random_hole
    assert 0.6 < coverage.kept < 0.9
    assert not ((rows["sex"] == "M") & rows["pregnant"].astype(bool)).any()
    assert (rows["total"] == rows["net"] + rows["tax"]).all()
    assert made.coverage == twin.design(500, kind=kind).coverage
    assert rows["ward"].value_counts(normalize=True).min() > 0.25  # not as in the data
    assert rows["id"].is_unique
    low, high = rows["net"].min(), rows["net"].max()
    assert 1 <= low < 20
    assert 880 < high < 900


def test_a_latin_hypercube_without_rules_has_a_row_in_each_stratum() -> None:
    twin = ts.fit(pd.DataFrame({"x": np.linspace(0, 1, 500), "y": np.linspace(5, 9, 500)}))
    x = np.sort(twin.design(50, kind="latin").table["x"].to_numpy())
    low, high = twin.schema["x"].low, twin.schema["x"].high
    made = [twin.design(200, kind=kind).coverage for kind in ("sobol", "latin")]
    assert all(c.discrepancy < 0.7 * c.random_discrepancy for c in made)
    assert made[0].hole < made[0].random_hole
    assert set(np.floor((x - low) / (high - low) * 50 - 1e-9).clip(0).astype(int)) == set(range(50))


def test_clumps_have_a_larger_discrepancy() -> None:
    rng = np.random.default_rng(0)
    assert _discrepancy(rng.random((300, 2)) / 2) > 3 * _discrepancy(rng.random((300, 2)))


def test_all_pairs_of_edge_cases_are_covered_but_the_forbidden_ones(twin) -> None:
    made = twin.edge_cases()
    rows, covered = made.table.data.to_pandas(), made.covered
    assert covered.pairs == covered.covered + covered.excluded
    assert covered.excluded == 1  # a pregnant man
    assert len(rows) == covered.rows < 120
    assert not ((rows["sex"] == "M") & rows["pregnant"].astype(bool)).any()
    assert (rows["total"] == rows["net"] + rows["tax"]).all()
    values = {
        "sex": ["F", "M"],
        "pregnant": [False, True],
        "ward": ["a", "b", "c", None],
        "net": [twin.schema["net"].low, twin.schema["net"].high],
        "tax": [twin.schema["tax"].low, twin.schema["tax"].high],
    }
    held = rows.astype(object).where(rows.notna(), None)
    for a, b in itertools.combinations(values, 2):
        seen = set(zip(held[a], held[b], strict=True))
        wanted = set(itertools.product(values[a], values[b])) - {("M", True)}
        assert wanted <= seen, (a, b)
    assert len(rows) < len(list(itertools.product(*values.values())))


def test_edge_cases_show_no_single_persons_value() -> None:
    frame = visits()
    frame.loc[0, "height"] = 251.3
    frame.loc[1, "ward"] = "secret"
    rows = ts.fit(frame, generator="independent").edge_cases().table.data.to_pandas()
    assert rows["height"].max() < 251
    assert "secret" not in set(rows["ward"])


@pytest.mark.slow
def test_what_cannot_be_designed_is_refused(twin) -> None:
    with pytest.raises(InputError, match="sobol or latin"):
        twin.design(10, kind="grid")
    with pytest.raises(ConditionError, match="points that keep"):
        twin.design(10, where="net > 5000")
    with pytest.raises(ConditionError, match="no row"):
        twin.edge_cases(where="net > 5000")
    with pytest.raises(InputError, match="made new"):
        twin.edge_cases(where="id > 3")
    with pytest.raises(InputError, match="across rows"):
        ts.fit(visits(), generator="independent", rules=[{"unique": ["id"]}]).design(5)


def test_the_best_of_k_raises_its_measure() -> None:
    frame = visits(600)
    twin = ts.fit(frame, generator="independent")
    one, many = (curate(twin, frame, by="mean_column_tvd", best_of=k, n=400) for k in (1, 8))
    assert one.plain == one.chosen
    assert many.plain == one.plain
    assert many.chosen["mean_column_tvd"] < 0.9 * many.plain["mean_column_tvd"]
    assert many.chosen["mean_pair_tvd"] > 0
    assert many.table.num_rows == 400


@pytest.mark.parametrize(
    ("by", "k", "word"),
    [("beauty", 2, "--by"), ("dcr_share", 2, "not computed"), ("ks", 0, "1 to 1,000")],
)
def test_what_cannot_choose_is_refused(twin, by, k, word) -> None:
    with pytest.raises(InputError, match=word):
        curate(twin, visits(), by=by, best_of=k, n=200)


def called(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code)


@pytest.mark.slow
def test_the_command(twin, tmp_path, capsys) -> None:
    model, out, real = tmp_path / "m.twin", tmp_path / "o.csv", tmp_path / "real.csv"
    twin.save(model)
    visits().to_csv(real, index=False)
    base = ["sample", str(model), "--out", str(out), "--json", "--quiet"]

    def run(*more: str) -> dict:
        assert called([*base, *more]) == 0
        return json.loads(capsys.readouterr().out)

    assert run("--design", "sobol", "-n", "64")["rows"] == 64
    assert len(pd.read_csv(out)) == 64
    assert run("--edge-cases")["excluded"] == 1
    chosen = ("--best-of", "2", "--by", "ks", "--against", str(real), "-n", "200")
    assert called([*base[:-1], *chosen]) == 0
    assert [line.split(":")[0] for line in capsys.readouterr().err.splitlines()] == ["choose"]
    said = run(*chosen)
    assert said["chosen"]["ks"] <= said["plain"]["ks"] * 1.2
    assert run("--share", "sex = 'F': 0.9", "-n", "100")["files"][0]["method"] == "shares"
    assert (pd.read_csv(out)["sex"] == "F").mean() == 0.9
    assert run("--like", str(real), "-n", "20")["files"][0]["method"] == "exemplars"


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (["--design", "sobol", "--edge-cases"], "more than one way"),
        (["--edge-cases", "-n", "5"], "follows from the pairs"),
        (["--best-of", "0", "--by", "ks", "--against", "x.csv"], "1 to 1,000"),
        (["--best-of", "3"], "--against FILE"),
        (["--by", "ks"], "--best-of K"),
        (["--design", "sobol", "--given", "sex=F"], "--where"),
        (["--share", "sex = 'F'"], "EXPRESSION: SHARE"),
        (["--share", "sex = 'F': much"], "EXPRESSION: SHARE"),
        (["--like", "absent.csv"], "absent.csv"),
        (["--where", "age >"], "expression"),
    ],
)
def test_calls_that_mean_nothing_end_with_one_line(twin, tmp_path, capsys, more, word) -> None:
    model = tmp_path / "m.twin"
    twin.save(model)
    assert called(["sample", str(model), "--out", str(tmp_path / "o.csv"), *more]) == 2
    said = capsys.readouterr().err.strip()
    assert word in said
    assert len(said.splitlines()) == 1
