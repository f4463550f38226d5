"""The page in a real browser: phone and desktop, dark and light, print, keyboard."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from twinset.report.html import render
from twinset.report.summary import summarise

CHROMIUM = Path("/usr/bin/chromium")
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

    def start(width: int, height: int, scheme: str = "light"):
        page = browser.new_page(
            viewport={"width": width, "height": height}, color_scheme=scheme, offline=True
        )
        page.messages = []
        page.on("console", lambda m: page.messages.append(m.text))
        page.on("pageerror", lambda e: page.messages.append(str(e)))
        page.on("request", lambda r: r.url.startswith("file:") or page.messages.append(r.url))
        page.goto(page_file.as_uri())
        pages.append(page)
        return page

    yield start
    for page in pages:
        page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
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


def test_the_keyboard_reaches_the_skip_link_and_opens_details(opened):
    page = opened(1280, 900)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("#details summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("#details details").first.get_attribute("open") is not None


def test_it_prints(opened):
    page = opened(1280, 900)
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    assert (
        2
        <= pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") + pdf.count(b"/Type/Page/")
        < 20
    )
