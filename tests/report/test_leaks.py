"""An adversary reads the report of real tables and looks for values of few people.

The release is the harshest one, train rows drawn as they are: whatever the report says of it must
still name no value that fewer than ten train units hold.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from twinset.auditing.release import audit_release
from twinset.evaluation.release import evaluate
from twinset.protocols import Result
from twinset.report.html import render
from twinset.report.json import to_json
from twinset.report.summary import summarise
from twinset.report.wording import figure
from twinset.results import Audit, Evaluation
from twinset.stats.seeds import stream
from twinset.table.canonical import to_canonical
from twinset.table.inference.table_schema import infer
from twinset.table.schema import Kind
from twinset.table.sources import open_source
from twinset.table.split import split
from twinset.table.table import Table

ROWS = 1_500
TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-]*[A-Za-z0-9]|[A-Za-z0-9]")
PLANTED = {
    "native-country": "Zanzibar-4711",
    "occupation": "Lighthouse-keeper",
    "fnlwgt": 77_123_457,
}
# Table, columns that are watched, target, columns that are taken.
TABLES: dict[str, tuple[tuple[str, ...], str | None, tuple[str, ...]]] = {
    "adult": (("sex", "race"), "income", ()),
    "nhanes": (
        ("Gender", "Race1"),
        "Diabetes",
        (
            *("ID", "Gender", "Age", "AgeMonths", "Race1", "Race3", "Education", "HHIncome"),
            *("Poverty", "Weight", "Height", "BMI", "Pulse", "Testosterone", "UrineFlow1"),
            *("Diabetes", "DiabetesAge", "nBabies", "AlcoholYear", "PregnantNow"),
        ),
    ),
    "king_county_houses": (("waterfront",), None, ()),
    "texas_inpatient_2013": (("SEX_CODE", "RACE"), None, ()),
}


def is_round(text: str) -> bool:
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return (date.fromisoformat(text) - date(1970, 1, 1)).days % 10 == 0
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
        return False
    if re.fullmatch(r"-?\d+\.\d", text):
        return True
    near = {text} | ({str(int(text) + 1)} if text.isdigit() else set())
    digits = [re.sub(r"[^0-9]", "", n).strip("0") for n in near]
    return any(len(d) <= 3 or (len(d) == 4 and d.endswith("5")) for d in digits)


def rare_values(train: Table) -> dict[str, str]:
    """Values held by fewer than ten units and telling by themselves, with their column.

    Left out are numbers of up to three significant digits (four if the last is 5) or of one
    decimal: they stand in any report, and round bounds are made of them. So are the whole numbers
    just below them ("50000 to 99999") and every tenth day.
    """
    found: dict[str, str] = {}
    for column in train.schema.columns:
        values = train[column.name].cast("string").to_pylist()
        units = np.arange(len(values)) if train.units is None else train.units
        holders: dict[str, set[int]] = {}
        for value, unit in zip(values, units.tolist(), strict=True):
            if value is not None:
                holders.setdefault(value, set()).add(unit)
        for value, who in holders.items():
            plain = value.removesuffix(".0") if column.kind is Kind.REAL else value
            if len(who) < 10 and not is_round(plain):
                found[plain] = column.name
    return found


@dataclass(frozen=True)
class Published:
    """A train table and all that is published of it, as JSON and as the words of the page."""

    train: Table
    holdout: Table
    content: dict[str, Any]
    evaluation: Evaluation
    audit: Audit
    text: str

    def harmless(self) -> set[str]:
        """What may stand in a report though few units of some column hold it.

        Words that ten units of another column hold, names of columns, counts of units, and the
        figures of the results themselves: one in thousands equals a value of four digits.
        """
        results = [*self.evaluation.results, *self.audit.results]
        found = {t for name in self.train.names for t in TOKEN.findall(name)}
        found |= {"true", "false", "null"}
        for r in results:
            if r.estimate is not None:
                found.add(str(r.estimate.n))
                sides = (r.estimate.value, r.estimate.low, r.estimate.high, *corrected(r))
                around = [r.reference + side * r.noise for side in (-1, 1)] if r.noise else []
                for x in (*sides, r.reference, r.noise, *around):
                    found |= {figure(x, u).strip("-%") for u in ("number", "share")}
        for column in self.train.schema.columns:
            values, held = np.unique(
                [str(v) for v in self.train[column.name].cast("string").to_pylist()],
                return_counts=True,
            )
            if not column.kind.is_number_like and self.train.units is None:
                found |= set(values[held >= 10].tolist())
        for c in self.content["schema"]["columns"]:
            found |= {str(v) for v in (c.get("format") or {}).values()}
        return found


def corrected(r: Result) -> tuple[float, ...]:
    return tuple(r.params[k] for k in ("corrected_low", "corrected_high") if k in r.params)


def plant(frame: pd.DataFrame) -> pd.DataFrame:
    """Give four rows values that nobody else has."""
    frame = frame.copy()
    for column, value in PLANTED.items():
        frame.loc[frame.index[:4], column] = value
    return frame


@pytest.fixture(scope="module", params=sorted(TABLES))
def published(request, shared: Path) -> Published:
    sensitive, target, names = TABLES[request.param]
    [path] = (shared / "data" / "tabular").glob(f"{request.param}.*")
    read = pd.read_parquet if path.suffix == ".parquet" else pd.read_csv
    frame = read(path).sample(frac=1, random_state=0)[: 2 * ROWS]
    frame = frame[list(names)] if names else frame
    raw = open_source(plant(frame) if request.param == "adult" else frame).raw(
        100_000, stream(0, "read")
    )
    rng = np.random.default_rng(0)
    table = to_canonical(raw, infer(raw))
    train, holdout = split(table, rng=rng)
    made = train.take(rng.integers(0, train.num_rows, ROWS))
    synthetic = Table(made.schema, made.data)
    evaluation = evaluate(train, synthetic, holdout, sensitive=sensitive, target=target)
    audit = audit_release(train, synthetic, holdout)
    about = {"rows": {"train": train.num_rows, "holdout": holdout.num_rows, "synthetic": ROWS}}
    text = to_json(evaluation, audit, (), about)
    page = render(summarise(evaluation, audit, (), about))
    words = html.unescape(re.sub(r"<style>.*?</style>|<[^>]*>", " ", page))
    return Published(train, holdout, json.loads(text), evaluation, audit, text + words)


def named(values: dict[str, str], text: str) -> dict[str, str]:
    tokens = set(TOKEN.findall(text))
    bare = {v: v.removeprefix("-") for v in values}
    return {
        v: c
        for v, c in values.items()
        if (bare[v] in tokens if TOKEN.fullmatch(bare[v]) else v in text)
    }


@pytest.mark.shared
@pytest.mark.slow
def test_no_rare_value_is_named(published):
    leaked = named(rare_values(published.train), published.text)
    harmless = published.harmless()
    assert {v: c for v, c in leaked.items() if v not in harmless} == {}
    for value in PLANTED.values():
        assert str(value) not in published.text.replace(",", "")


@pytest.mark.shared
@pytest.mark.slow
def test_the_search_would_find_a_leak(published):
    rare = rare_values(published.train)
    assert len(rare) > 50
    said = "; ".join(f"{column} is {value}, and so on" for value, column in rare.items())
    assert named(rare, f"{published.text} {said}") == rare


@pytest.mark.shared
@pytest.mark.slow
def test_no_small_group_can_be_had_by_subtraction(published):
    """Shares of groups are published to five digits: their counts, sums and rests are known."""
    rows = {"train": published.train.num_rows, "holdout": published.holdout.num_rows}
    single: dict[str, dict[str, float]] = {}
    crossed: dict[tuple[str, ...], dict[str, dict[str, float]]] = {}
    for r in published.content["results"]:
        if r["name"] != "subgroup_share" or r["value"] is None:
            continue
        share = r["params"]["train"]
        held = {
            "train": share * rows["train"],
            "holdout": (r["reference"] + share) * rows["holdout"],
        }
        of = single if len(r["columns"]) == 1 else crossed.setdefault(tuple(r["columns"]), {})
        of[r["group"]] = held
    assert single
    assert crossed
    for columns, cells in crossed.items():
        for margin, whole in single.items():
            mine = [h for g, h in cells.items() if margin in g.split(", ")]
            if not mine or margin.partition(" = ")[0] not in columns:
                continue
            rest = whole["train"] - sum(h["train"] for h in mine)
            assert rest < 0.5 or rest > 9.5, (columns, margin)


@pytest.mark.shared
@pytest.mark.slow
def test_every_step_and_kind_holds_ten_units(published):
    members = published.audit.extra["members"]
    others = published.audit.extra["non_members"]
    assert all(e.count >= 10 for e in published.audit.exposed)
    drawn = 0
    for r in published.audit.results:
        for points in [r.params.get("roc") or []]:
            steps = np.diff(np.array([[0.0, 0.0], *points]), axis=0)
            if len(points) and r.params["target_group"] == "random":
                assert (steps * [others, members] > 9.5).all()
                drawn += 1
        assert r.estimate is None or r.estimate.n >= 10
    assert drawn > 3
    assert all(r.estimate is None or r.estimate.n >= 10 for r in published.evaluation.results)
