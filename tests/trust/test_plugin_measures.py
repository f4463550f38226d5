"""What a plug-in declares of its measures and attacks reaches report, gates and problems."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from twinset import registry
from twinset.checks.twins import broken, world
from twinset.errors import InputError
from twinset.evaluation.release import evaluate
from twinset.protocols import Measure
from twinset.report.html import render
from twinset.report.summary import summarise
from twinset.stats.seeds import stream
from twinset.trust.gates import Gate, judge, load_gates
from twinset.trust.measures import measure_of, measures

EXAMPLE = Path(__file__).parents[2] / "examples/plugin/src"
TITLE = "Rows that say the same again"


def known_again():
    registry.measures.cache_clear()
    registry.attack_words.cache_clear()


@pytest.fixture
def plugin(monkeypatch):
    """The package of examples/plugin, as if it were installed."""
    made = {
        "twinset.metrics": EntryPoint("row_repeats", "twinset_example.metric:Repeats", "g"),
        "twinset.attacks": EntryPoint("neighbour_vote", "twinset_example.attack:NeighbourVote", ""),
    }
    monkeypatch.syspath_prepend(str(EXAMPLE))
    monkeypatch.setattr(registry, "entry_points", lambda group: [made[group]])
    known_again()
    yield
    known_again()


@pytest.fixture
def evaluation(plugin):
    case = broken("repeated rows", world(400, 0), stream(0, "plug-in"))
    return evaluate(case.train, case.synthetic, case.holdout, metrics=["row_repeats"])


def test_its_metric_stands_in_the_report_under_its_title_and_becomes_a_problem(evaluation):
    assert evaluation.results[0].verdict == "worse"
    [problem] = evaluation.problems
    assert problem.text.startswith("100.0% of the rows repeat; fresh real rows: ")
    page = render(summarise(evaluation, None))
    assert TITLE in page
    assert problem.text in page


def test_its_metric_can_be_a_gate(evaluation, tmp_path):
    path = tmp_path / "gates.yaml"
    path.write_text('- {measure: row_repeats, bound: "<= 0.1"}')
    [gate] = judge(load_gates(path), evaluation.results)
    assert (gate.name, gate.met) == ("row_repeats", False)


def test_its_attack_has_its_own_words(plugin):
    assert registry.attack_words("neighbour_vote")[0] == "Vote of the neighbours"
    assert registry.attack_words("of_another_machine") == ("Of another machine", "")


def test_a_metric_that_declares_nothing_is_known_by_its_name(plugin, monkeypatch):
    from twinset_example.metric import Repeats

    monkeypatch.delattr(Repeats, "measures")
    assert registry.measures_of("row_repeats") == (Measure(name="row_repeats"),)
    assert load_gates([Gate(measure="row_repeats", bound="<= 1")])


def test_what_may_not_be_a_gate_is_refused(monkeypatch, plugin):
    from twinset_example.metric import Repeats

    shown = Measure(name="row_repeats", gate=False)
    monkeypatch.setattr(Repeats, "measures", (shown,))
    with pytest.raises(InputError, match="row_repeats"):
        load_gates([Gate(measure="row_repeats", bound="<= 1")])


def test_a_plug_in_that_cannot_be_imported_hides_no_other_measure(monkeypatch):
    gone = EntryPoint("gone", "no_such_package:Gone", "twinset.metrics")
    monkeypatch.setattr(registry, "entry_points", lambda group: [gone])
    known_again()
    assert measure_of("ks").title
    known_again()


def test_each_measure_says_what_it_asks():
    assert all(m.title for m in measures().values())
    assert all(m.meaning for m in measures().values() if not m.name.startswith("sdmetrics_"))
    assert {m.name for m in measures().values() if m.leak} == {
        f"{what}_leak" for what in ("attribute", "reconstruction", "linkability", "singling_out")
    }


def test_a_sentence_names_known_fields_only():
    with pytest.raises(ValueError, match="fields"):
        Measure(name="m", problem="{colour} is off")
