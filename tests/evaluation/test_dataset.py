"""Several tables: each is measured, and what is said names its table."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import twinset as ts
from twinset.auditing.release import audit_dataset, audit_release
from twinset.evaluation.release import evaluate, evaluate_dataset
from twinset.jobs.job import Job
from twinset.report.wording import describe
from twinset.table.canonical import to_canonical
from twinset.table.dataset import Dataset, Link
from twinset.table.frames import from_frame
from twinset.table.table import Table


def people(n: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    sex = rng.choice(["f", "m"], n)
    return pd.DataFrame({"sex": sex, "age": (rng.normal(40, 9, n) + shift).round(1)})


def table(frame: pd.DataFrame, like: Table | None = None) -> Table:
    schema = ts.schema(frame) if like is None else like.schema
    return to_canonical(from_frame(frame), schema, fractions=True)


@pytest.fixture(scope="module")
def clinic() -> tuple[Dataset, Dataset]:
    """Two tables, real and released; the ages of the second are 20 years off."""
    real = {"doctors": table(people(400, 0)), "patients": table(people(400, 1))}
    released = {
        "doctors": table(people(400, 2), real["doctors"]),
        "patients": table(people(400, 3, 20.0), real["patients"]),
    }
    return Dataset(real), Dataset(released)


def test_each_table_is_measured_by_its_name(clinic: tuple[Dataset, Dataset]) -> None:
    real, released = clinic
    found = evaluate_dataset(real, released)
    alone = evaluate(real.tables["patients"], released.tables["patients"])
    mine = [r for r in found.results if r.table == "patients"]
    assert {r.table for r in found.results} == {"doctors", "patients"}
    assert [(r.name, r.value) for r in mine] == [(r.name, r.value) for r in alone.results]
    assert {p.table for p in found.problems} == {"patients"}
    assert [p.text for p in found.problems] == [p.text for p in alone.problems]
    said = json.loads(found.to_json())
    assert said["results"][0]["table"] == "doctors"
    assert set(said["schemas"]) == {"doctors", "patients"}


def test_of_one_table_nothing_names_it(clinic: tuple[Dataset, Dataset]) -> None:
    real, released = (Dataset.of(d.tables["doctors"], "doctors") for d in clinic)
    said = json.loads(evaluate_dataset(real, released).to_json())
    assert "table" not in said["results"][0]
    assert "schemas" not in said


def test_a_job_keeps_several_tables(clinic: tuple[Dataset, Dataset], tmp_path) -> None:
    real, released = clinic
    link = Link("patients", ("sex",), "doctors", ("sex",), "lookup")
    real = Dataset(real.tables, {"doctors": ("sex",)}, (link,), "patients")
    with Job.open(tmp_path / "out", "key") as job:
        job.save_shape(real)
        job.save_tables("synthetic", released)
        shape = job.shape()
        back = job.load_tables("synthetic", shape)
    assert shape.to_dict() == real.to_dict()
    assert all(back.tables[n].data.equals(released.tables[n].data) for n in released.tables)


def test_each_table_is_attacked_and_the_worst_decides(clinic: tuple[Dataset, Dataset]) -> None:
    real, released = clinic
    copied = Dataset({**released.tables, "patients": real.tables["patients"]})
    unseen = {n: table(people(400, 7), t) for n, t in real.tables.items()}
    found = audit_dataset(real, copied, Dataset(unseen))
    alone = audit_release(real.tables["patients"], copied.tables["patients"], unseen["patients"])
    assert found.verdict == alone.verdict
    assert found.verdict.startswith("No, because")
    assert found.extra["table"] == "patients"
    assert {r.table for r in found.results} == {"doctors", "patients"}
    assert describe(found.results[0]).title.startswith("doctors: ")
    one = audit_dataset(*(Dataset.of(d.tables["doctors"]) for d in (real, copied, Dataset(unseen))))
    assert {r.table for r in one.results} == {None}
