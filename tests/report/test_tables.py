"""Models beside those of real rows, groups worst first, columns that problems name first."""

from __future__ import annotations

from dataclasses import replace

from twinset.protocols import Estimate, Result, Verdict
from twinset.report.details import group_rows, groups_text, model_rows
from twinset.report.html import render
from twinset.report.summary import summarise


def score(name: str, value: float, reference: float | None = None, **params: str) -> Result:
    return Result(
        "utility",
        name,
        ("income",),
        params=params,
        estimate=Estimate(value, value - 0.01, value + 0.01, 500),
        reference=reference,
        noise=None if reference is None else 0.01,
        direction="higher",
        verdict=None if reference is None else "worse" if value < reference - 0.01 else "better",
    )


def group(name: str, value: float, verdict: Verdict, measure: str = "subgroup_tvd") -> Result:
    return Result(
        "fidelity",
        measure,
        ("race",),
        group=name,
        params={"worst": ["pay", "age"]},
        estimate=Estimate(value, value - 0.01, value + 0.01, 200),
        reference=0.02,
        noise=0.01,
        verdict=verdict,
    )


def test_a_model_stands_beside_the_same_model_of_real_rows():
    results = [
        score("tstr", 0.90, 0.92, score="auc"),
        score("trtr", 0.92, score="auc"),
        score("tstr", 0.70, 0.85, score="accuracy"),
        score("trtr", 0.85, score="accuracy"),
        score("tstr_forest", 0.88, 0.90, score="auc"),
        score("trtr_forest", 0.90, score="auc"),
        score("tstr_gap", 0.02, 0.0, score="auc"),
    ]
    rows = model_rows(results)
    assert [(r.score, r.synthetic, r.real) for r in rows] == [
        ("accuracy", "0.700", "0.850"),
        ("AUC", "0.900", "0.920"),
        ("AUC", "0.880", "0.900"),
    ]
    for row in rows:
        assert row.strip is not None
        assert row.strip.second is not None
        assert row.strip.second[1] > row.strip.point  # one axis: real rows taught more
    assert rows[0].strip.point < rows[2].strip.point < rows[1].strip.point


def test_the_group_that_is_served_worst_is_named():
    results = [
        group("race = a", 0.021, "within_noise"),
        group("race = b", 0.09, "worse"),
        group("race = c", 0.30, "worse"),
        group("race = d", 0.05, "worse", "plug_in_of_groups"),
    ]
    assert [r.group for r in group_rows(results)] == ["race = c", "race = b", "race = d"]
    assert group_rows(results)[2].what == "Plug in of groups"
    text = groups_text(results)
    assert "2 groups of 3 are served worse" in text
    assert "Served worst: race = c, most in pay, age." in text


def test_if_no_group_is_served_worse_it_says_so():
    results = [group("race = a", 0.021, "within_noise"), group("race = b", 0.02, "within_noise")]
    assert groups_text(results) == "None of 2 groups is served worse than chance explains."
    assert len(group_rows(results)) == 2
    assert groups_text([]) == ""


def test_columns_of_problems_come_first_with_all_three_tables(evaluation):
    named = replace(evaluation.problems[0], columns=("sex", "age"))
    s = summarise(replace(evaluation, problems=(named,)), None)
    bad = {c.name for c in s.columns}
    assert {"sex", "age"} <= bad
    assert {c.name for c in s.columns[:2]} == {"sex", "age"}
    assert s.columns[0].problems == (1,)
    assert not bad & {c.name for c in s.other_columns}
    assert len(s.columns) + len(s.other_columns) == len(evaluation.charts)
    assert s.columns[0].chart.header[1:] == ("train", "synthetic", "fresh real rows")
    page = render(s)
    assert page.count('class="fr"') > len(evaluation.charts)
