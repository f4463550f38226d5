"""The first screen fits 80 columns and needs no colour."""

from __future__ import annotations

import io

from rich.console import Console

from twinset.report.summary import summarise
from twinset.report.terminal import show


def shown(*parts) -> str:
    out = io.StringIO()
    show(summarise(*parts), Console(file=out, width=80, no_color=True, force_terminal=False))
    return out.getvalue()


def test_it_says_all_of_the_first_screen(evaluation, audit, gates, provenance):
    text = shown(evaluation, audit, gates, provenance)
    assert max(map(len, text.splitlines())) <= 80
    assert "Not shown to leak under these attacks, at this power" in text
    for word in ("Predicting income", "! missed", "10.", "0.916 to 0.923", "Not tested", "fit 5.9"):
        assert word in text
    assert "\x1b" not in text


def test_markup_in_names_is_text(evaluation, audit):
    assert "[red]x[/red].csv" in shown(evaluation, audit, (), {"source": "[red]x[/red].csv"})


def test_nothing_assessed():
    assert "Not assessed" in shown(None, None)
