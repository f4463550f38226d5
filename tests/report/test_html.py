"""The page stands alone, escapes what it shows, and is the same for the same results."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations, islice

import pytest

from twinset.report.charts import bars
from twinset.report.html import _environment, render
from twinset.report.summary import summarise
from twinset.results import Chart

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Outline(HTMLParser):
    """Checks that tags are balanced and collects ids, links and SVG titles."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [k for k, _ in attrs]
        found = dict(attrs)
        self.ids += [found["id"]] if found.get("id") else []
        self.links += [found["href"]] if found.get("href") else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page(evaluation, audit, gates, provenance) -> str:
    return render(summarise(evaluation, audit, gates, provenance))


def outline(page: str) -> Outline:
    parser = Outline()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


def test_it_is_small_and_whole(page):
    assert len(page.encode()) < 200_000
    found = outline(page)
    assert len(found.ids) == len(set(found.ids))
    assert {link[1:] for link in found.links} <= set(found.ids)


def test_it_loads_and_runs_nothing(page):
    found = outline(page)
    assert not {"script", "link", "img", "iframe", "object"} & set(found.tags)
    assert all(link.startswith("#") for link in found.links)
    assert not [a for a in found.attributes if a.startswith("on") or a in ("style", "src")]
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert "http://" not in page
    assert "https://" not in page


def test_every_chart_has_a_title(page):
    for chart in re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL):
        assert "<title>" in chart or 'aria-hidden="true"' in chart


def test_the_first_screen_comes_first(page):
    order = ["Not shown to leak under", "Predicting income", "1 of 2 missed", "largest problems"]
    places = [page.index(text, page.index("<main>")) for text in order]
    assert places[0] < places[2]
    assert max(places[:3]) < places[3]
    assert " safe" not in page.lower().replace("unsafe", "")


def test_hostile_names_are_text(evaluation, audit, provenance):
    evil = "<script>alert(1)</script>\"'&"
    chart = Chart(evil, (evil, "b"), (0.5, 0.5), (0.4, 0.6))
    odd = replace(
        evaluation, charts=(chart,), problems=(replace(evaluation.problems[0], text=evil),)
    )
    page = render(
        summarise(
            odd, audit, [{"name": evil, "bound": evil, "value": 1, "met": True}], {"source": evil}
        )
    )
    assert "<script" not in page
    outline(page)


def test_times_do_not_show(evaluation, audit, gates, provenance, page):
    slow = {**provenance, "seconds": {"fit": 9999.25}}
    slower = replace(evaluation, results=tuple(r.replace(seconds=77.0) for r in evaluation.results))
    assert render(summarise(slower, audit, gates, slow)) == page


@pytest.mark.parametrize("which", ["evaluation", "audit", "none"])
def test_either_half_may_be_absent(request, which):
    half = {which: request.getfixturevalue(which)} if which != "none" else {}
    page = render(summarise(half.get("evaluation"), half.get("audit")))
    outline(page)


def test_a_histogram_is_under_one_kilobyte(evaluation):
    macro = _environment().get_template("macros.html.j2").module
    for chart in evaluation.charts:
        if chart.ordered:
            assert len(str(macro.bars(bars(chart))).encode()) < 1024


def test_fifty_columns_stay_under_a_megabyte(evaluation, audit, provenance):
    """Every column charted and every pair and triple off, the longest page of such a table."""
    names = [f"a column with the number {i}" for i in range(50)]
    some = evaluation.charts
    charted = tuple(replace(some[i % len(some)], column=n) for i, n in enumerate(names))
    worst = next(r for r in evaluation.results if r.name == "column_tvd").replace(verdict="worse")
    kinds = (("column_tvd", 1, 50), ("pair_tvd", 2, 1_225), ("triple_tvd", 3, 2_000))
    results = [
        worst.replace(name=name, columns=columns)
        for name, k, most in kinds
        for columns in islice(combinations(names, k), most)
    ]
    wide = replace(evaluation, charts=charted, results=(*evaluation.results, *results))
    schema = wide.schema.model_validate({"columns": [{"name": n, "kind": "real"} for n in names]})
    page = render(summarise(replace(wide, schema=schema), audit, (), provenance))
    assert page.count('class="bars"') == 50
    assert len(page.encode()) < 500_000


def test_odd_charts_do_not_break():
    empty = Chart("a", (), (), (), ordered=True)
    zero = Chart("b", ("x", "y"), (0.0, 0.0), (0.0, 0.0))
    for chart in (empty, zero, replace(zero, ordered=True)):
        assert bars(chart).alt


def test_links_to_the_sections_come_before_the_figures(page):
    assert page.index('<a href="#problems">Largest') < page.index('class="card figs"')
    assert page.index("<main>") < page.index("<nav") < page.index('id="first"')
