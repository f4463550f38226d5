"""Rules on tables larger than memory: counted on all rows, equal to those in memory."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import twinset as ts
from twinset.inputs import Options
from twinset.rules import streaming
from twinset.stats.units import count_units

ROWS = 2_000
RULES = [
    "age >= 18",
    "job = 'none' implies pay = 0",
    "total = pay + bonus",
    {"fixed": ["job", "grade"]},
    {"fixed": ["job", "region"], "combinations": [["none", "r1"], ["clerk", "r2"]]},
    {"determines": "region", "by": ["town"]},
    {"unique": ["number"]},
    {"monotone": "paid", "along": "day", "within": ["person"]},
    "start <= stop",
]


def staff(seed, *, wrong):
    """Half the people have several rows; of a wrong table, some rows break each rule."""
    rng = np.random.default_rng(seed)
    job = rng.choice(["none", "clerk", "cook"], ROWS, p=[0.2, 0.5, 0.3])
    pay = np.where(job == "none", 0, rng.integers(1_000, 4_000, ROWS))
    bonus = rng.integers(0, 100, ROWS)
    town = rng.integers(0, 40, ROWS)
    day = rng.integers(0, 400, ROWS)
    start = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, ROWS), "D")
    frame = pd.DataFrame(
        {
            "person": [f"p{p:06d}" for p in seed * 10_000 + rng.integers(0, ROWS, ROWS)],
            "age": rng.integers(18, 70, ROWS),
            "job": job,
            "grade": np.where(job == "none", "z", rng.choice(["a", "b"], ROWS)),
            "pay": pay,
            "bonus": bonus,
            "total": pay + bonus,
            "town": [f"t{t}" for t in town],
            "region": [f"r{t % 7}" for t in town],
            "number": rng.permutation(10**6)[:ROWS],
            "day": day,
            "paid": 3 * day,
            "start": start.strftime("%Y-%m-%d"),
            "stop": (start + pd.Timedelta(days=3)).strftime("%Y-%m-%d"),
        }
    )
    if wrong:
        for i, (name, value) in enumerate(
            (("age", 3), ("pay", 17), ("grade", "q"), ("region", "r9"), ("number", 5), ("paid", 2))
        ):
            frame.loc[i * 150 : i * 150 + 60 + i, name] = value
        frame.loc[1_000:1_050, "stop"] = "2001-01-01"
        frame.loc[1_500, "job"] = None
    return frame


@pytest.fixture
def files(tmp_path):
    made = []
    for seed, name in enumerate(("train", "synthetic", "holdout")):
        made.append(tmp_path / f"{name}.csv")
        staff(seed, wrong=name == "synthetic").to_csv(made[-1], index=False)
    return made


def measured(files, unit, rules=None, **more):
    found = ts.evaluate(*files, rules=rules or RULES, unit=unit, **more)
    return found, [r.to_dict() for r in found.results if "rule" in r.name]


@pytest.fixture
def small(monkeypatch, files):
    """One measure besides the rules, one schema however many rows it is inferred from."""
    schemas = {u: ts.schema(files[0], **({"unit": u} if u else {})) for u in (None, "person")}
    monkeypatch.setattr(Options, "infer", lambda self, raw: schemas[self.unit])
    monkeypatch.setattr(
        "twinset.evaluation.release.registry.names",
        lambda room: ["columns"] if room == "metrics" else (),
    )
    monkeypatch.setattr("twinset.table.sources.Source.batches.__defaults__", (130,))
    for module in ("twinset.table.column_store", "twinset.rules.streaming"):
        monkeypatch.setattr(f"{module}.PIECE", 170)
    monkeypatch.setattr(streaming, "_BUCKET", 300)


@pytest.mark.slow
@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("unit", [None, "person"])
def test_rules_are_counted_on_all_rows_as_in_memory(files, unit) -> None:
    _, held = measured(files, unit)
    assert sum(r["name"] == "rule_violations" for r in held) == len(RULES)
    assert all(r["value"] > 0 for r in held if r["name"] == "rule_violations")
    evaluation, streamed = measured(files, unit, max_rows=300)
    assert any("sample by unit" in n.reason for n in evaluation.not_computed) or unit is None
    assert streamed == held  # every figure, to the last digit
    problems = [p.text for p in evaluation.problems if "break a rule" in p.text]
    assert any(p.startswith("61 of 2,000 rows break a rule: age >= 18") for p in problems)


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_one_table_in_files_and_the_others_in_memory(files) -> None:
    short = pd.read_csv(files[0]).head(250)
    short.to_csv(files[0], index=False)
    assert measured(files, "person", max_rows=300)[1] == measured(files, "person")[1]


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_what_needs_too_much_at_once_is_not_computed(files, monkeypatch) -> None:
    monkeypatch.setattr(streaming, "ROOM", 5_000)
    _, held = measured(files, None)
    evaluation, streamed = measured(files, None, max_rows=300)
    violations = [r for r in streamed if r["name"] == "rule_violations"]
    computed = [r for r in violations if r["status"] == "ok"]
    left = {r["params"]["rule"] for r in violations if r["status"] != "ok"}
    assert len(computed) == 5
    assert len(left) == 4
    assert any("no two rows share" in rule for rule in left)
    names = {n.name for n in evaluation.not_computed}
    assert {f"rule: {rule}" for rule in left} <= names
    counts = {r["params"]["rule"]: r["params"]["broken"] for r in held if "rule" in r["params"]
              and "broken" in r["params"]}  # fmt: skip
    assert all(r["params"]["broken"] == counts[r["params"]["rule"]] for r in computed)


def test_units_are_counted_a_part_at_a_time(tmp_path, monkeypatch) -> None:
    from twinset.table.column_store import Filed, Spill

    monkeypatch.setattr(streaming, "_BUCKET", 50)
    monkeypatch.setattr(streaming, "PIECE", 64)
    rng = np.random.default_rng(0)
    units = rng.integers(0, 90, 700).astype(np.uint64) * np.uint64(2**57 + 11)
    flags = rng.integers(0, 4, 700).astype(np.uint8)
    files = Filed(tmp_path / "units", units.dtype), Filed(tmp_path / "flags", flags.dtype)
    for file, values in zip(files, (units, flags), strict=True):
        file.append(values)
    spill = Spill(tmp_path, None, None, 700, files[0])  # type: ignore[arg-type]
    for bit in (1, 2):
        mine = (flags & bit) > 0
        expected = count_units(units[mine].view(np.int64), int(mine.sum()))
        assert streaming._units(spill, files[1], bit, int(mine.sum())) == expected
