"""Nothing held by fewer than ten units leaves, even if the rooms below let it through."""

from __future__ import annotations

from dataclasses import replace

import pytest

from twinset.protocols import Estimate, Result
from twinset.report.disclosure import MINIMUM, guard_provenance
from twinset.report.html import render
from twinset.report.json import to_json
from twinset.report.summary import summarise
from twinset.results import Chart, Exposed

SECRET = "Zanzibar-4711"


def both(evaluation, audit, provenance) -> str:
    page = render(summarise(evaluation, audit, (), provenance))
    return page + to_json(evaluation, audit, (), provenance)


@pytest.mark.parametrize("units", [3, 9])
def test_a_chart_with_a_small_bin_goes(evaluation, audit, provenance, units):
    share = units / 24_421
    chart = Chart("country", ("US", SECRET), (1 - share, share), (1.0, 0.0))
    text = both(replace(evaluation, charts=(chart,)), audit, provenance)
    assert SECRET not in text
    assert "a group in it holds fewer than 10 units" in text


def test_a_chart_with_large_bins_stays(evaluation, audit, provenance):
    share = MINIMUM / 24_421
    chart = Chart("country", ("US", SECRET), (1 - share, share), (1.0, 0.0))
    assert SECRET in both(replace(evaluation, charts=(chart,)), audit, provenance)


def test_what_bins_leave_out_can_be_subtracted(evaluation, audit, provenance):
    chart = Chart("country", ("US", SECRET), (0.5, 0.5 - 4 / 24_421), (0.5, 0.5))
    assert SECRET not in both(replace(evaluation, charts=(chart,)), audit, provenance)


def test_only_the_holdouts_bars_go_if_only_they_are_small(evaluation, provenance):
    share = 4 / 24_421
    chart = Chart("country", ("US", "CA"), (0.5, 0.5), (0.5, 0.5), (1 - share, share))
    card = summarise(replace(evaluation, charts=(chart,)), None, (), provenance).other_columns[0]
    assert card.chart.header == ("value", "train", "synthetic")


def test_small_groups_and_kinds_go(evaluation, audit, provenance):
    small = Result("fairness", "gap", group=SECRET, estimate=Estimate(0.1, 0.0, 0.2, 9))
    kind = Exposed(f"country is {SECRET}", 9, 0.9, 0.8, 1.0)
    text = both(
        replace(evaluation, results=(*evaluation.results, small)),
        replace(audit, exposed=(*audit.exposed, kind)),
        provenance,
    )
    assert SECRET not in text
    assert "rests on fewer than 10 units" in text


def test_small_counts_in_words_go():
    known = guard_provenance({"protection": "age: top coded in 3 rows; pay: in 1,003 rows"})
    assert known["protection"] == "age: top coded in fewer than 10 rows; pay: in 1,003 rows"
