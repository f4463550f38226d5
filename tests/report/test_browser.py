"""The page in a real browser: phone and desktop, dark and light, print, keyboard."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from twinset.report.html import render
from twinset.report.multi_report import Audits
from twinset.report.summary import summarise

CHROMIUM = Path("/usr/bin/chromium")
SIZES = [(1280, 900), (390, 844)]
WIDE = """() => [...document.querySelectorAll('main *')].filter(e => {
    if (e.closest('.scroll') && !e.matches('.scroll')) return false;
    const box = e.getBoundingClientRect();
    return box.width && box.right > document.documentElement.clientWidth + 1;
    }).map(e => e.outerHTML.slice(0, 80))"""
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM.exists():
        if os.environ.get("TWINSET_NO_SKIP"):
            pytest.fail("chromium is not installed")
        pytest.skip("chromium is not installed")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield running
        running.close()


@pytest.fixture(scope="module")
def page_file(tmp_path_factory, evaluation, audit, gates, provenance) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(summarise(evaluation, audit, gates, provenance)), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser, page_file):
    pages = []

    def start(width: int, height: int, scheme: str = "light", file: Path = page_file):
        page = browser.new_page(
            viewport={"width": width, "height": height}, color_scheme=scheme, offline=True
        )
        page.messages = []
        page.on("console", lambda m: page.messages.append(m.text))
        page.on("pageerror", lambda e: page.messages.append(str(e)))
        page.on("request", lambda r: r.url.startswith("file:") or page.messages.append(r.url))
        page.goto(file.as_uri())
        pages.append(page)
        return page

    yield start
    for page in pages:
        page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_first_screen(opened, width, height, scheme):
    page = opened(width, height, scheme)
    assert page.messages == []
    verdict = page.locator("#verdict")
    assert verdict.inner_text() == "Not shown to leak under these attacks, at this power"
    box = verdict.bounding_box()
    assert box["y"] + box["height"] < height
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.messages == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(opened, scheme):
    page = opened(1280, 900, scheme)
    low = page.evaluate(
        """() => {
        const lum = c => { const v = c.match(/[\\d.]+/g).slice(0, 3).map(x => x / 255)
            .map(x => x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
            return .2126 * v[0] + .7152 * v[1] + .0722 * v[2]; };
        const back = e => { for (; e; e = e.parentElement) {
            const c = getComputedStyle(e).backgroundColor;
            if (!c.endsWith(', 0)')) return c; } return 'rgb(255, 255, 255)'; };
        const bad = [];
        for (const e of document.querySelectorAll('p, h1, h2, h3, td, th, span, dd, dt, a, li')) {
            if (!e.textContent.trim() || e.className === 'skip') continue;
            const [a, b] = [lum(getComputedStyle(e).color), lum(back(e))].sort((x, y) => y - x);
            if ((a + .05) / (b + .05) < 4.5) bad.push(e.outerHTML.slice(0, 80));
        }
        return bad; }"""
    )
    assert low == []


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_nothing_is_wider_than_the_screen(opened, width, height):
    """What is wider than the page scrolls inside itself, with everything opened."""
    page = opened(width, height)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate(WIDE) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.messages == []


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_generators_stand_side_by_side(opened, audit, tmp_path, width, height):
    """Verdicts on the first screen, one mark a generator, everything of each when it is opened."""
    names = ("cart", "independent", "bootstrap")
    Audits.of(dict.fromkeys(names, audit)).save(tmp_path / "report.html")
    page = opened(width, height, file=tmp_path / "report.html")
    last = page.locator("#verdicts dd").nth(2).bounding_box()
    assert last["y"] + last["height"] < height
    assert page.locator("#compared .m", has_text="strongest").count() == len(names)
    assert (
        page.locator("#compared .pair figcaption", has_text="independent: ").count() == 1
    )  # over rows
    head = page.locator("#compared table.att th", has_text="independent")
    assert head.is_visible() == (width > 860)  # on a phone each figure names its generator
    label = "getComputedStyle(document.querySelector('#compared td[data-h]'), '::before').content"
    assert page.evaluate(label) == ("none" if width > 860 else '"cart"')
    assert page.locator("#each h2", has_text="What the attacks found").first.is_hidden()
    page.locator("#each > details > summary").nth(1).click()
    assert page.locator("#each h2", has_text="What the attacks found").nth(1).is_visible()
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate(WIDE) == []
    assert page.messages == []


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_strips_of_many_generators_do_not_overlap(opened, audit, tmp_path, width, height):
    Audits.of({f"generator_{i}": audit for i in range(8)}).save(tmp_path / "report.html")
    page = opened(width, height, file=tmp_path / "report.html")
    over = page.evaluate(
        """() => [...document.querySelectorAll('#compared td')].filter(d => {
        const s = d.querySelector('svg');
        return s && s.getBoundingClientRect().right > d.getBoundingClientRect().right + 1;
        }).length"""
    )
    assert over == 0
    assert page.evaluate(WIDE) == []


def test_the_keyboard_reaches_the_table_of_every_chart(opened):
    """Tab goes through the page; Enter opens what it meets; each picture has text beside it."""
    page = opened(1280, 900)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    summaries = page.locator("summary").count()
    reached = set()
    for _ in range(40 + 4 * summaries):
        page.keyboard.press("Tab")
        at = page.evaluate(
            """() => { const e = document.activeElement;
            const all = [...document.querySelectorAll('summary')];
            return all.indexOf(e); }"""
        )
        if at >= 0 and at not in reached:
            page.keyboard.press("Enter")
            reached.add(at)
        if len(reached) == summaries:
            break
    assert len(reached) == summaries
    assert page.evaluate("[...document.querySelectorAll('details')].every(d => d.open)")
    without = page.evaluate(
        """() => [...document.querySelectorAll('svg[role=img]')].filter(s =>
        !s.closest('table, article, figure, .fig, .two')?.querySelector('table, td, .v'))
        .map(s => s.outerHTML.slice(0, 80))"""
    )
    assert without == []


@pytest.mark.slow
def test_what_scrolls_inside_itself_is_reached_by_the_keyboard_and_has_a_name(opened):
    page = opened(390, 844)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    lost = page.evaluate(
        """() => [...document.querySelectorAll('.scroll')]
        .filter(e => e.tabIndex !== 0 || !e.getAttribute('aria-label'))
        .map(e => e.outerHTML.slice(0, 80))"""
    )
    assert lost == []


@pytest.mark.slow
def test_it_prints(opened, page_file):
    """On A4: everything inside the margins, the tables of charts left out, colours of paper."""
    page = opened(1280, 900, "dark")
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    pages = sum(pdf.count(b"/Type /Page" + end) for end in (b"\n", b" ")) + pdf.count(
        b"/Type/Page/"
    )
    assert 2 <= pages < 20
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 690, "height": 990})
    assert page.evaluate("document.documentElement.scrollWidth") <= 690
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert page.messages == []
