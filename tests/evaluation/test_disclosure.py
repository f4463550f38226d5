"""Nothing that fewer than ten units hold can be read from an evaluation or be derived from it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from twinset.evaluation import evaluate
from twinset.evaluation.charts import MINIMUM, charts
from twinset.evidence.evidence import Evidence
from twinset.table.schema import Kind, Schema
from twinset.table.table import Table


def frame(rows, seed, secret):
    rng = np.random.default_rng(seed)
    town = rng.choice(["north", "south"], rows).astype(object)
    town[:4] = secret
    income = rng.lognormal(10, 1, rows).round(2)
    income[:2] = 98765432.25
    visits = rng.poisson(2, rows)
    score = np.where(np.arange(rows) < 5, np.nan, rng.normal(size=rows))
    return pd.DataFrame({"town": town, "income": income, "visits": visits, "score": score})


@pytest.fixture(scope="module")
def evaluation(build):
    train = build(frame(1000, 1, "Smallville"))
    # categories as inferred and bounds as inferred
    columns = []
    for column in train.schema.columns:
        if column.name == "income":
            column = column.model_copy(update={"low": 123.0, "high": 98765432.25})
        columns.append(column)
    train = Table(Schema(columns=tuple(columns)), train.data)
    release = frame(1000, 2, "north").assign(income=lambda f: f["income"].clip(upper=9e4))
    return evaluate(train, build(release), build(frame(1000, 3, "Tinytown")))


@pytest.mark.slow
def test_rare_values_are_not_in_the_report(evaluation) -> None:
    published = evaluation.to_json() + str(evaluation.charts) + str(evaluation.problems)
    for secret in ("Smallville", "Tinytown", "98765432"):
        assert secret not in published
    assert evaluation.schema["income"].high is None
    assert evaluation.schema["town"].categories == ("north", "south")


def test_declared_bounds_stay(build) -> None:
    table = build({"x": np.arange(100.0)})
    column = table.schema["x"].model_copy(
        update={"low": 0.0, "high": 99.0, "declared": frozenset({"high"})}
    )
    found = evaluate(Table(Schema(columns=(column,)), table.data), table, metrics=["columns"])
    assert (found.schema["x"].low, found.schema["x"].high) == (None, 99.0)


@pytest.mark.slow
def test_every_bin_holds_none_or_ten_units(evaluation) -> None:
    assert {c.column for c in evaluation.charts} >= {"income", "visits", "score"}
    for chart in evaluation.charts:
        for series in (chart.train, chart.synthetic, chart.holdout):
            assert sum(series) == pytest.approx(1)  # so nothing is left to be subtracted
            # 1,000 rows, fewer only where nulls are left out
            assert all(s == 0 or s * 1000 >= MINIMUM for s in series), chart
        assert len(chart.labels) == len(chart.train) <= 14


def test_a_few_nulls_are_not_shown(evaluation) -> None:
    score = next(c for c in evaluation.charts if c.column == "score")
    assert "missing" not in score.labels
    shares = [r for r in evaluation.results if r.name == "missing_share"]
    assert all(r.params["train"] == 0 for r in shares)


def test_charts_count_units_not_rows(build) -> None:
    rng = np.random.default_rng(0)
    ids = np.repeat(np.arange(200), 5)
    kind = rng.choice(["a", "b"], 200).repeat(5).astype(object)
    kind[:25] = "five people"  # 25 rows, 5 units
    tables = [
        build({"id": ids + k, "kind": kind}, unit="id") for k in (0, 1000, 2000)
    ]  # fmt: skip
    [chart] = charts(Evidence(*tables))
    assert "five people" not in chart.labels


@pytest.mark.parametrize("seed", range(6))
def test_charts_of_random_columns_keep_the_rule(build, seed) -> None:
    rng = np.random.default_rng(seed)
    levels = [f"v{i}" for i in range(40)]
    p = rng.dirichlet(np.full(40, 0.2))

    def draw(rows):
        number = np.where(rng.random(rows) < 0.3, 0, rng.pareto(1.2, rows)).round(rng.integers(4))
        number = np.where(rng.random(rows) < rng.choice([0, 0.02, 0.3]), np.nan, number)
        text = rng.choice(levels, rows, p=p).astype(object)
        text[: rng.integers(15)] = None
        return build({"n": number, "c": text, "i": rng.geometric(0.2, rows)})

    evidence = Evidence(draw(300), draw(250), draw(280))
    for chart in charts(evidence):
        raw = {
            side: evidence.values(side, chart.column)
            if chart.column != "c"
            else evidence.columns["c"].codes[side].astype(float)
            for side in evidence.sides
        }
        for side, series in (
            ("train", chart.train), ("synthetic", chart.synthetic), ("holdout", chart.holdout)
        ):  # fmt: skip
            known = len(raw[side])
            if "missing" not in chart.labels:
                null = evidence.columns[chart.column].null
                code = evidence.columns[chart.column].codes[side]
                known = int((code != null).sum())
            counts = np.asarray(series) * known
            assert np.allclose(counts, counts.round(), atol=1e-6)
            assert ((counts < 0.5) | (counts >= MINIMUM - 0.5)).all(), (chart.column, counts)


def test_dates_are_written_as_dates(build) -> None:
    days = pd.date_range("2019-01-01", periods=800).date
    table = build({"d": list(days)}, kinds={"d": Kind.DATE})
    [chart] = charts(Evidence(table, table))
    assert all("20" in label for label in chart.labels)
    assert any(label.startswith("under 2019-") for label in chart.labels)


@pytest.mark.parametrize("seed", range(8))
def test_no_small_group_is_left_by_subtraction(build, seed) -> None:
    """Sums over a margin or the whole, less the groups that are shown, are 0 or at least 10."""
    rng = np.random.default_rng(seed)

    def draw(rows: int) -> pd.DataFrame:
        town = rng.choice(list("abcd"), rows, p=(0.5, 0.3, 0.15, 0.05))
        sort = rng.choice(list("xyz"), rows, p=(0.6, 0.34, 0.06))
        ill = rng.random(rows) < np.where(town == "c", 0.04, 0.3)
        return pd.DataFrame({"town": town, "sort": sort, "ill": np.where(ill, "yes", "no")})

    train, release, holdout = draw(700), draw(700), draw(500)
    found = evaluate(
        build(train),
        build(release),
        build(holdout),
        target="ill",
        sensitive=("town", "sort"),
        metrics=["subgroups", "base_rates"],
    )
    real = {"train": train, "holdout": holdout}
    shown: dict[str, set[str]] = {"subgroup_share": set(), "base_rate_difference": set()}
    for r in found.results:
        if r.name in shown and r.estimate is not None and r.group and "ill" not in r.group:
            shown[r.name].add(r.group)
    assert len(shown["subgroup_share"]) > 8
    for name, groups in shown.items():
        for side, frame in real.items():
            if name == "base_rate_difference" and side == "holdout":
                continue  # there only the references of single groups are left out
            parts = [frame] if name == "subgroup_share" else [g for _, g in frame.groupby("ill")]
            for part in parts:
                crossed = "town = " + part["town"] + ", sort = " + part["sort"]
                rest = part[~crossed.isin(groups)]
                for column in ("town", "sort"):
                    for value, count in rest[column].value_counts().items():
                        line = [g for g in groups if f"{column} = {value}" in g.split(", ")]
                        whole = f"{column} = {value}" in groups
                        if whole and len(line) > 1:
                            assert count >= MINIMUM, (name, side, column, value, count)
