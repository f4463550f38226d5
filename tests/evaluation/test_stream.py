"""Tables larger than memory: read once into files, counted as in memory to the last digit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import twinset as ts
from twinset import inputs
from twinset.errors import InputError
from twinset.evidence import counting, row_matches
from twinset.inputs import Options, read_whole
from twinset.stats import external_sort
from twinset.stats.units import design_effect, unit_counts
from twinset.table.column_store import Filed
from twinset.table.schema import Kind
from twinset.table.table import column_numbers

COUNTED = [
    *("associations", "columns", "copies", "coverage", "divergences", "kway"),
    *("missingness", "numbers", "pairs", "tails", "triples"),
]
FIGURES = ("value", "low", "high", "n", "reference", "noise", "verdict", "status", "params")
OF_SOME_ROWS = {"pearson_difference", "spearman_difference"}
COUNTED_ALONE = ("value", "n", "status")
MEANS = ("value", "n", "reference", "status")  # their intervals are of a sample of rows


def parts(frame: pd.DataFrame, rows: int, folder: Path, suffix: str = ".csv") -> list[Path]:
    """Write train, synthetic and holdout; the synthetic one is a little wrong."""
    frame = frame.sample(frac=1, random_state=0)
    made = []
    for i, name in enumerate(("train", "synthetic", "holdout")):
        piece = frame[i * rows : (i + 1) * rows].copy()
        if name == "synthetic":
            number = piece.select_dtypes("number").columns[-1]
            piece[number] += 1
            piece = pd.concat([piece[10:], frame[:10]])  # copies of train rows
        path = folder / f"{name}{suffix}"
        if suffix == ".parquet":
            piece.to_parquet(path, index=False)
        else:
            piece.to_csv(path, index=False)
        made.append(path)
    return made


def figures(found) -> dict:
    results = {}
    for r in found.results:
        told = [r.params.get(k) for k in ("tail", "direction", "k", "columns")]
        results[(r.name, r.columns, str(told))] = r.to_dict()
    assert len(results) == len(found.results)
    return results


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("name", ["adult.csv.gz", "nhanes.parquet", "airbnb_nyc.csv.gz"])
def test_counts_of_files_equal_those_in_memory(shared, name, tmp_path, monkeypatch):
    path = shared / "data" / "tabular" / name
    parquet = path.suffix == ".parquet"
    frame = pd.read_parquet(path) if parquet else pd.read_csv(path)
    frame = frame.iloc[:, :25]  # of nhanes: all pairs are taken
    files = parts(frame, min(len(frame) // 3, 1_500), tmp_path, ".parquet" if parquet else ".csv")
    schema = ts.schema(files[0])
    monkeypatch.setattr(Options, "infer", lambda self, raw: schema)
    monkeypatch.setattr(
        "twinset.evaluation.release.registry.names",
        lambda room: COUNTED if room == "metrics" else (),
    )
    held = figures(ts.evaluate(*files))
    # a quarter of the rows fit: all others are seen in files alone, in many parts
    monkeypatch.setattr(counting, "PIECE", 700)
    monkeypatch.setattr("twinset.table.column_store.PIECE", 700)
    monkeypatch.setattr(counting, "_BUCKET", 600)
    monkeypatch.setattr(external_sort, "_IN_MEMORY", 800)
    monkeypatch.setattr(external_sort, "_BUCKET", 300)
    streamed_evaluation = ts.evaluate(*files, max_rows=400)
    streamed = figures(streamed_evaluation)
    # with several rows a person, what chance gives is told by a sample of persons
    several = schema.unit is not None
    assert several == (name == "nhanes.parquet")
    left_out = {*OF_SOME_ROWS, "extreme_quantile_error"} if several else OF_SOME_ROWS
    assert {k for k in held if k[0] not in left_out} <= streamed.keys()
    for key, result in held.items():
        if several and key not in streamed:
            continue
        if key[0] in OF_SOME_ROWS:
            assert key not in streamed or streamed[key]["params"]["rows"] <= 400
            continue
        of_means = key[0].startswith("mean_") or key[0] == "k_marginal_score"
        counted = MEANS if of_means else FIGURES
        for figure in COUNTED_ALONE if several else counted:
            assert streamed[key][figure] == result[figure], (key, figure)
    assert any("sample by unit" in n.reason for n in streamed_evaluation.not_computed)


@pytest.mark.slow
def test_a_table_in_files_whose_sample_is_everything_has_every_figure(
    people, tmp_path, monkeypatch
):
    """All measures, those of rows too: the sample of few rows is all of them."""
    files = parts(people(900, 3), 300, tmp_path)
    held = [r.to_dict() for r in ts.evaluate(*files).results]
    monkeypatch.setattr(inputs, "MAX_BYTES", 0)
    streamed = [r.to_dict() for r in ts.evaluate(*files).results]
    for a, b in zip(held, streamed, strict=True):
        assert {**a, "seconds": 0} == {**b, "seconds": 0}


def test_what_needs_rows_says_that_it_took_a_sample(people, tmp_path):
    files = parts(people(3_000, 3), 1_000, tmp_path)
    found = ts.evaluate(*files, max_rows=200)
    by_name = {r.name: r for r in found.results}
    assert by_name["c2st"].params["rows_taken"] == dict.fromkeys(
        ("train", "synthetic", "holdout"), 200
    )
    assert (
        by_name["pearson_difference"].params["rows_taken"] == by_name["c2st"].params["rows_taken"]
    )
    assert "rows_taken" not in by_name["column_tvd"].params
    assert by_name["column_tvd"].estimate.n == 1_000
    assert by_name["exact_copies"].params["copies"] >= 10


@pytest.mark.slow
def test_rules_are_counted_on_all_rows(people, tmp_path):
    """Every kind of rule is in tests/rules/test_streamed.py."""
    files = parts(people(3_000, 3), 1_000, tmp_path)
    number = next(r.columns[0] for r in ts.evaluate(*files).results if r.name == "ks")
    found = ts.evaluate(*files, rules=[f"{number} is null"], max_rows=200)
    counted = [r for r in found.results if r.name == "rule_violations"]
    assert [r.params["broken"] for r in counted] == [1_000]
    assert "rows_taken" not in counted[0].params


# --- units ---------------------------------------------------------------------------------------


@pytest.fixture
def visits(tmp_path) -> list[Path]:
    """Visits of patients; 20 patients of the holdout are in train too."""
    rng = np.random.default_rng(0)
    made = []
    for name, first in (("train", 0), ("synthetic", 1_000), ("holdout", 380)):
        patient = np.repeat(np.arange(first, first + 400), rng.integers(1, 6, 400))
        level = rng.integers(0, 4, 2_000)[patient % 2_000]
        frame = pd.DataFrame(
            {
                "patient": [f"p{p:05d}" for p in patient],
                "ward": np.array(list("abcd"))[level],
                "days": level + rng.poisson(1.5, len(patient)),
            }
        )
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
        made.append(tmp_path / f"{name}.csv")
    return made


def test_units_stay_together_in_the_sample(visits, tmp_path):
    given = read_whole(visits[0], Options(unit="patient", max_rows=300), tmp_path / "spill")
    whole = pd.read_csv(visits[0])
    taken = given.table.data.to_pandas()
    assert 200 < len(taken) <= 300
    sizes = whole.groupby("patient").size()
    assert (taken.groupby("patient").size() == sizes[taken["patient"].unique()]).all()
    assert given.spill.rows == len(whole)


def test_units_of_train_leave_a_holdout_in_files(visits, tmp_path):
    options = Options(unit="patient", max_rows=300)
    train = read_whole(visits[0], options, tmp_path / "train")
    held = read_whole(visits[2], options, tmp_path / "held", train=train, unseen=True)
    small = read_whole(visits[2], Options(unit="patient"), tmp_path / "x", train=train, unseen=True)
    whole, known = pd.read_csv(visits[2]), set(pd.read_csv(visits[0])["patient"])
    expected = int((~whole["patient"].isin(known)).sum())
    assert expected < len(whole)
    assert held.spill.rows == small.table.num_rows == expected
    with pytest.raises(InputError, match="units that are in train"):
        read_whole(visits[0], options, tmp_path / "y", train=train, unseen=True)


def test_sums_over_units_are_those_of_the_definition(monkeypatch):
    rng = np.random.default_rng(1)
    units = rng.integers(0, 90, 1_000)
    codes = (units % 3 + rng.integers(0, 2, 1_000)).astype(np.uint8)
    monkeypatch.setattr(counting, "_BUCKET", 100)
    sums = counting.unit_sums(codes, units, 5)
    counts = counting.count([codes], [5])
    assert sums.held.tolist() == unit_counts(codes, units, 5).tolist()
    assert sums.effect(counts) == design_effect(codes, units, 5)
    table = np.zeros((90, 5))
    np.add.at(table, (units, codes), 1)
    share, size = counts / 1_000, table.sum(axis=1)
    brute = ((table - size[:, None] * share) ** 2).sum() / (1_000 * (share * (1 - share)).sum())
    assert sums.effect(counts) == pytest.approx(brute)


# --- formats -------------------------------------------------------------------------------------


def columns_of(given) -> dict:
    """All rows of each column of a spilled table."""
    found = {}
    for column in given.spill.schema.columns:
        if column.is_learnable and not column.kind.is_number_like:
            names, at = given.spill.labels(column.name)
            found[column.name] = [None if i < 0 else names[i] for i in at[: len(at)]]
        elif column.is_learnable:
            numbers = given.spill.numbers(column.name)
            found[column.name] = numbers[: len(numbers)]
    return found


def test_odd_dialects_sentinels_and_dates_read_as_in_memory(tmp_path, monkeypatch):
    path = tmp_path / "odd.txt"
    rows = "".join(
        f"{'k.A.' if i % 7 == 0 else f'{i % 90},5'};{1 + i % 28:02d}.{1 + i % 12:02d}.2020;"
        f'{"ja" if i % 3 else "nein"};"a;{i % 4}"\n'
        for i in range(900)
    )
    path.write_bytes(("größe;tag;wahr;art\n" + rows).encode("cp1252"))
    held = read_whole(path, Options(), tmp_path / "a").table
    monkeypatch.setattr(inputs, "MAX_BYTES", 0)
    monkeypatch.setattr("twinset.table.sources.Source.batches.__defaults__", (70,))
    spilled = columns_of(read_whole(path, Options(), tmp_path / "b"))
    assert len(spilled) == 4
    for name, values in spilled.items():
        if isinstance(values, list):
            assert values == [
                None if v is None else str(v).lower() if isinstance(v, bool) else v
                for v in held[name].to_pylist()
            ], name
        else:
            assert np.array_equal(values, column_numbers(held, name), equal_nan=True), name


def test_categories_that_are_floats_are_spelled_as_in_memory(tmp_path, monkeypatch):
    """The last batch has whole numbers alone: they are still written as elsewhere."""
    values = [1e10, 1.5, 2.0, None] * 30 + [1e10, 2.0] * 5
    pq.write_table(pa.table({"x": values, "y": list(range(130))}), tmp_path / "t.parquet")
    schema = ts.schema(pd.DataFrame({"x": ["1", "2"] * 65, "y": range(130)}))
    column = schema["x"].model_copy(update={"kind": Kind.CATEGORY, "categories": None})
    schema = schema.model_copy(update={"columns": (column, schema["y"])})
    monkeypatch.setattr(Options, "infer", lambda self, raw: schema)
    held = read_whole(tmp_path / "t.parquet", Options(), tmp_path / "a").table
    monkeypatch.setattr(inputs, "MAX_BYTES", 0)
    monkeypatch.setattr("twinset.table.sources.Source.batches.__defaults__", (20,))
    spilled = columns_of(read_whole(tmp_path / "t.parquet", Options(), tmp_path / "b"))
    assert spilled["x"] == held["x"].to_pylist()
    assert set(spilled["x"]) == {"1e+10", "1.5", "2", None}


def test_a_value_that_does_not_fit_is_told_with_its_row(tmp_path):
    path = tmp_path / "t.csv"
    rows = "".join(f"{i % 3},{i / 7:.3f}\n" for i in range(100_000))
    path.write_text(f"id,x\n{rows}1,odd\n")
    (tmp_path / "s.csv").write_text("id,x\n" + rows)
    with pytest.raises(InputError, match="data row 100001"):
        ts.evaluate(tmp_path / "s.csv", path, max_rows=500)


# --- sorting and equal rows ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["spread", "ties", "few"])
def test_sorting_in_files(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(external_sort, "_IN_MEMORY", 100)
    monkeypatch.setattr(external_sort, "_BUCKET", 64)
    monkeypatch.setattr("twinset.table.column_store.PIECE", 90)
    rng = np.random.default_rng(2)
    values = {
        "spread": rng.normal(size=3_000),
        "ties": np.where(rng.random(3_000) < 0.7, 0.0, rng.normal(size=3_000)),
        "few": rng.integers(0, 3, 3_000).astype(float),
    }[kind]
    values[::17] = np.nan
    files = [Filed(tmp_path / n, np.dtype(np.float64)) for n in "ab"]
    files[0].append(values[:1_000])
    files[1].append(values[1_000:])
    found = external_sort.sort_files(files, tmp_path / "sorted")
    assert np.array_equal(found, np.sort(values[~np.isnan(values)]))


def test_equal_rows_are_found_across_parts(monkeypatch):
    monkeypatch.setattr("twinset.stats.sorted_values.BLOCK", 4)
    rng = np.random.default_rng(3)
    for size in (1, 4, 5, 30):
        train = np.sort(rng.integers(0, 20, size).astype(np.uint64))
        other = np.sort(rng.integers(0, 20, 25).astype(np.uint64))
        _, counts = np.unique(train, return_counts=True)
        assert row_matches.repeated(train) == counts[counts > 1].sum()
        assert row_matches.standing_in(train, other) == np.isin(other, train).sum()


# --- memory --------------------------------------------------------------------------------------

LIMITED = """
import resource, sys
import twinset as ts
train, synthetic, room = sys.argv[1:]
small = [open(p).readlines(300_000) for p in (train, synthetic)]
import pathlib, tempfile
with tempfile.TemporaryDirectory() as folder:
    paths = []
    for i, lines in enumerate(small):
        paths.append(pathlib.Path(folder) / f"{i}.csv")
        paths[-1].write_text("".join(lines))
    ts.evaluate(*paths, workers=1)  # what libraries take is not counted
del small, lines
with open("/proc/self/statm") as file:
    now = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + int(room), now + int(room)))
rules = ["age >= 18", {"determines": "job", "by": ["hours"]}]
found = ts.evaluate(train, synthetic, rules=rules, max_rows=int(5_000), workers=1)
failed = [r.name for r in found.results if r.status == "failed"]
counted = [r.params["applies"] for r in found.results if r.name == "rule_violations"]
print(next(r.estimate.n for r in found.results if r.name == "column_tvd"), failed, *counted)
if "whole" in sys.argv:
    open(train).read()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs RLIMIT_AS")
def test_files_larger_than_memory_are_evaluated(people, tmp_path):
    """The limit on the address space leaves room for half of one file above the start."""
    paths = []
    for seed, name in enumerate(("train.csv", "synthetic.csv")):
        text = people(50_000, seed).to_csv(index=False)
        header, _, rows = text.partition("\n")
        rows = "".join(f"{r},{'lorem ipsum ' * 20}\n" for r in rows.splitlines())
        paths.append(tmp_path / name)
        with paths[-1].open("w") as file:
            file.write(f"{header},note\n")
            for _ in range(20):
                file.write(rows)
    size = paths[0].stat().st_size
    assert size > 250 << 20
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *map(str, paths), str(size // 2)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"},
    )
    for path in paths:
        path.unlink()
    assert done.returncode == 0, done.stderr[-2_000:]
    assert done.stdout.split() == ["1000000", "[]", "1000000", "1000000"]
