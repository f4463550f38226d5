"""The first screen fits 80 columns and needs no colour."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from twinset.protocols import Estimate, Result
from twinset.report.summary import summarise
from twinset.report.terminal import show
from twinset.report.wording import mark
from twinset.table.schema import Column, Role, Schema


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


def test_the_column_of_units_is_named(evaluation):
    schema = Schema(columns=(Column(name="who", role=Role.UNIT), *evaluation.schema.columns))
    text = shown(replace(evaluation, schema=schema), None)
    assert "Those to protect (units) are named by the column “who”." in " ".join(text.split())
    assert "(units)" not in shown(evaluation, None)


def test_words_follow_the_verdict():
    """0.580 against 0.612 within noise is not "as good as learning from real rows"."""
    estimate = Estimate(0.580, 0.54, 0.62, 300)
    found = Result(
        "utility", "tstr", ("y",), estimate=estimate, reference=0.612, noise=0.05,
        direction="higher", verdict="within_noise",
    )  # fmt: skip
    assert mark(found).text == "within chance of learning from real rows"
