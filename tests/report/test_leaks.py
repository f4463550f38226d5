"""An adversary reads the report of real tables and looks for values of few people.

The release is the harshest one, train rows drawn as they are: whatever the report says of it must
still name no value that fewer than ten train units hold.
"""

from __future__ import annotations

import html
import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from twinset.auditing.core import audit_release
from twinset.evaluation.core import evaluate
from twinset.report.html import render
from twinset.report.json import to_json
from twinset.report.summary import summarise
from twinset.stats.seeds import stream
from twinset.table.canonical import to_canonical
from twinset.table.infer import infer
from twinset.table.schema import Kind
from twinset.table.sources import open_source
from twinset.table.split import split
from twinset.table.table import Table

ROWS = 1_500
METRICS = ("columns", "coverage", "missingness", "numbers", "pairs")
TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-]*[A-Za-z0-9]|[A-Za-z0-9]")


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


@pytest.fixture(scope="module", params=["adult", "king_county_houses"])
def published(request, shared: Path) -> tuple[Table, str, set[str]]:
    source = open_source(shared / "data" / "tabular" / f"{request.param}.csv.gz")
    raw = source.raw(100_000, stream(0, "read"))
    table = to_canonical(raw, infer(raw))
    rng = np.random.default_rng(0)
    some = table.take(rng.permutation(table.num_rows)[: 2 * ROWS])
    train, holdout = split(some, rng=rng)
    made = train.take(rng.integers(0, train.num_rows, ROWS))
    synthetic = Table(made.schema, made.data)
    evaluation = evaluate(train, synthetic, holdout, metrics=METRICS)
    audit = audit_release(train, synthetic, holdout)
    about = {"rows": {"train": train.num_rows, "holdout": holdout.num_rows, "synthetic": ROWS}}
    text = to_json(evaluation, audit, (), about)
    page = render(summarise(evaluation, audit, (), about))
    counts = {str(r.estimate.n) for r in (*evaluation.results, *audit.results) if r.estimate}
    return train, text + html.unescape(re.sub(r"<style>.*?</style>|<[^>]*>", " ", page)), counts


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
    train, text, counts = published
    # A column's name, a count of units and a word of JSON are no leak.
    words = {t for name in train.names for t in TOKEN.findall(name)} | {"true", "false", "null"}
    leaked = named(rare_values(train), text)
    assert {v: c for v, c in leaked.items() if v not in words | counts} == {}


@pytest.mark.shared
@pytest.mark.slow
def test_the_search_would_find_a_leak(published):
    train, text, _ = published
    rare = rare_values(train)
    assert len(rare) > 50
    said = "; ".join(f"{column} is {value}, and so on" for value, column in rare.items())
    assert named(rare, f"{text} {said}") == rare
