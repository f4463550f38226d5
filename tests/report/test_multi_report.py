"""Several releases ranked, JUnit XML, drift against an earlier report, pictures."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree as Xml

import numpy as np
import pytest

from twinset.errors import InputError
from twinset.picture import draw
from twinset.protocols import Estimate, Result
from twinset.report.bundle import Report, save_reports
from twinset.report.drift import drift, read_report
from twinset.report.junit import save_junit, to_junit
from twinset.report.ranking import rank
from twinset.trust.gates import Gate


def figure(name, value, half=0.01, **more):
    estimate = Estimate(value, value - half, value + half, 500)
    return Result("fidelity", name, estimate=estimate, reference=0.05, noise=0.01, **more)


def with_figures(evaluation, c2st, pairs, *, copies=False):
    results = (
        figure("c2st", c2st, params={"against": "holdout"}),
        figure("mean_pair_tvd", pairs),
        figure("exact_copies", 0.3 if copies else 0.0, verdict="worse" if copies else None),
    )
    return replace(evaluation, results=results)


@pytest.fixture
def three(evaluation):
    return {
        "good": with_figures(evaluation, 0.52, 0.06),
        "copied": with_figures(evaluation, 0.50, 0.01, copies=True),
        "bad": with_figures(evaluation, 0.90, 0.30),
    }


def test_a_copying_release_is_last_however_faithful(three) -> None:
    ranking = rank(three)
    assert [r["release"] for r in ranking.rows] == ["good", "bad", "copied"]
    assert [r["rank"] for r in ranking.rows] == [1, 2, 3]
    assert ranking.rows[2]["copies"] == ["Copies of real rows"]
    assert ranking.rows[0]["tstr"] is None
    assert json.loads(ranking.to_json())["releases"][0]["release"] == "good"
    assert list(ranking.to_frame()["rank"]) == [1, 2, 3]


def test_places_are_shared_where_intervals_overlap(evaluation) -> None:
    close = {n: with_figures(evaluation, v, 0.05) for n, v in (("b", 0.52), ("a", 0.515))}
    assert [r["mean_place"] for r in rank(close).rows] == [1.5, 1.5]
    apart = {n: with_figures(evaluation, v, 0.05) for n, v in (("b", 0.60), ("a", 0.51))}
    assert [r["release"] for r in rank(apart).rows] == ["a", "b"]


def test_the_reports_of_several_releases(three, tmp_path) -> None:
    reports = {
        n: Report.of(e, None, [Gate(measure="c2st", bound="<= 0.6")]) for n, e in three.items()
    }
    save_reports(reports, rank(three), tmp_path)
    page = (tmp_path / "ranking.html").read_text(encoding="utf-8")
    for name in three:
        assert f'href="{name}/report.html"' in page
        assert (tmp_path / name / "report.html").exists()
    assert "<script" not in page
    assert "default-src 'none'" in page
    save_junit(reports, tmp_path / "j.xml")
    root = Xml.parse(tmp_path / "j.xml").getroot()
    suites = {s.get("name"): s for s in root}
    assert {n: s.get("failures") for n, s in suites.items()} == {
        "good": "0", "copied": "0", "bad": "1",
    }  # fmt: skip
    [failure] = suites["bad"].iter("failure")
    assert failure.get("message") == "bound <= 0.6, got 0.9"


def test_failed_and_skipped_measures_in_junit(evaluation) -> None:
    failed = Result("fidelity", "ks", status="failed", reason="it <broke>")
    missing = Result("privacy", "dcr_share", status="not_applicable", reason="no holdout")
    text = to_junit({"a & b": Report.of(replace(evaluation, results=(failed, missing)), None)})
    [suite] = Xml.fromstring(text)
    assert (suite.get("name"), suite.get("errors"), suite.get("skipped")) == ("a & b", "1", "1")
    assert suite.find("testcase/error").get("message") == "it <broke>"


def test_drift_tells_what_changed(three, tmp_path) -> None:
    Report.of(three["good"], None).save(tmp_path)
    before = read_report(tmp_path / "report.json")
    assert [c.verdict for c in drift(before, three["good"]).changes] == ["same"] * 3
    moved = drift(before, three["bad"])
    assert {c.name: c.verdict for c in moved.changes} == {
        "c2st": "worse", "mean_pair_tvd": "worse", "exact_copies": "same",
    }  # fmt: skip
    assert "then, 0.9 now, worse" in moved.to_lines()[0]
    back = drift([r.to_dict() for r in three["bad"].results], three["good"])
    assert {c.verdict for c in back.changes} == {"better", "same"}
    gone = drift(before, replace(three["good"], results=three["good"].results[:1]))
    assert (gone.gone, gone.new) == (2, 0)
    again = Report.of(three["bad"], None, against=tmp_path / "report.json")
    assert [c["name"] for c in json.loads(again.to_json())["drift"]["changed"]]
    assert "drift" not in json.loads(Report.of(three["bad"], None).to_json())


def test_drift_holds_its_level_over_many_figures(evaluation) -> None:
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(40):
        runs = []
        for _ in range(2):
            values = rng.normal(0.3, 0.01, 80)
            runs.append([
                figure("pair_tvd", float(v), 0.0196, columns=(f"c{i}", "d"))
                for i, v in enumerate(values)
            ])  # fmt: skip
        before = [r.to_dict() for r in runs[0]]
        found = drift(before, replace(evaluation, results=tuple(runs[1])))
        alarms += any(c.verdict != "same" for c in found.changes)
    assert alarms <= 6  # 5% of 40 expected


@pytest.mark.parametrize(
    ("content", "said"),
    [("{", "no JSON"), ("[]", "no results"), ('{"results": [1]}', "no results"), (None, "No such")],
)
def test_what_is_no_report_is_one_line(tmp_path, content, said) -> None:
    path = tmp_path / "report.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=said):
        read_report(path)


def test_a_column_is_plotted(evaluation, tmp_path) -> None:
    for name in ("age", "sex"):
        picture = evaluation.plot(name)
        root = Xml.fromstring(picture.svg)
        assert root.find("{http://www.w3.org/2000/svg}title").text == name
        assert picture._repr_svg_() == picture.svg
        assert len(picture.svg) < 8_000
        picture.save(tmp_path / "p.svg")
        assert (tmp_path / "p.svg").read_text(encoding="utf-8") == picture.svg
    with pytest.raises(InputError, match="allowed: age, "):
        evaluation.plot("agee")


def test_a_picture_escapes_its_names() -> None:
    svg = draw("<a>", ["&", "x" * 40], {"train": (0.2, 0.8), "<s>": (0.5, 0.5)}, ordered=False).svg
    Xml.fromstring(svg)
    assert "<a>" not in svg.replace("&lt;a&gt;", "")
    assert draw("none", [], {"train": ()}, ordered=True).svg.endswith("</svg>")
