"""What a report says follows from the results, and nothing nicer than they allow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from twinset.protocols import Estimate, Result
from twinset.report.summary import summarise
from twinset.report.verdict import one
from twinset.report.wording import figure, span, tick
from twinset.results import Audit, Problem

CLEAN = "Not shown to leak under these attacks, at this power"


def test_without_anything_nothing_is_claimed():
    s = summarise(None, None)
    assert s.verdict.text == "Not assessed"
    assert s.uses == ()
    assert s.figures == ()
    assert "no audit" in s.not_tested[0]


def test_the_verdict_is_the_audits_own(evaluation, audit, provenance):
    assert summarise(evaluation, audit, (), provenance).verdict.text == CLEAN
    leaking = replace(audit, verdict="No, because domias recognises records")
    s = summarise(evaluation, leaking, (), provenance)
    assert s.verdict.text == "No, because domias recognises records"
    assert s.verdict.tone == "bad"


def test_the_first_screen_says_what_could_have_been_noticed(audit):
    text = " ".join(
        summarise(None, replace(audit, extra={"smallest_auc_seen": 0.548})).verdict_text
    )
    assert "less than 54.8% of pairs is hardly noticed" in text


def test_what_could_have_been_noticed_is_said_of_the_group_that_the_best_attack_hit(audit):
    best = replace(
        one(audit.results, "auc"),
        estimate=Estimate(0.55, 0.45, 0.65, 90),
        params={"attack": "x", "target_group": "outliers"},
    )
    extra = {"smallest_auc_seen": 0.52, "smallest_auc_seen_of": {"random": 0.52, "outliers": 0.56}}
    text = " ".join(summarise(None, replace(audit, results=(best,), extra=extra)).verdict_text)
    assert "hardly noticed (among outlying records, which are fewer: 56.0%)." in text


def test_the_heading_beside_an_attack_that_works_is_the_audits_own(audit):
    told = f"{CLEAN}, beyond the margin of 3%"
    verdict = summarise(None, replace(audit, verdict=told)).verdict
    assert (verdict.text, verdict.tone) == (told, "unknown")


def test_an_attack_above_the_margin_is_not_said_to_be_under_it(audit):
    """The margin is held against the corrected lower end, not against the figure."""
    above = replace(
        one(audit.results, "auc"),
        verdict="worse",
        estimate=Estimate(0.56, 0.54, 0.58, 900),
        params={"attack": "x", "corrected_low": 0.525, "corrected_high": 0.595},
    )
    s = summarise(None, replace(audit, results=(above,), extra={"margin": 0.03}))
    text = " ".join(s.verdict_text)
    assert "56.0% of such pairs (52.5 to 59.5%, wide enough for the choice of the best)" in text
    assert "The answer becomes No once the whole interval lies above 53.0%" in text
    assert s.figures[0].interval == s.audit.attacks[0].figures[0].interval == "0.525 to 0.595"


def broken_control(audit: Audit) -> Audit:
    return replace(audit, controls_passed=False)


def failed_check(audit: Audit) -> Audit:
    failed = Result("privacy", "auc", params={"attack": "x"}, status="failed", reason="it broke")
    return replace(audit, results=(*audit.results, failed))


def unknown_words(audit: Audit) -> Audit:
    return replace(audit, verdict="safe")


@pytest.mark.parametrize("spoil", [broken_control, failed_check, unknown_words])
def test_a_spoiled_audit_claims_nothing(audit, spoil):
    s = summarise(None, spoil(audit))
    assert s.verdict.text == "Not assessed"
    assert s.verdict.tone == "unknown"


def test_a_generator_that_copies_on_purpose_is_a_no(audit, provenance):
    s = summarise(None, audit, (), {**provenance, "leaks_on_purpose": True})
    assert s.verdict.text.startswith("No, because")


def test_columns_kept_as_they_are_are_said_first(audit, provenance):
    s = summarise(None, audit, (), {**provenance, "kept": ["race", "sex"]})
    assert "race, sex are not synthetic" in s.warnings[0]


def test_the_best_attack_is_the_one_shown(audit):
    worst = Result(
        "privacy",
        "auc",
        params={"attack": "new_attack", "target_group": "all"},
        estimate=Estimate(0.8, 0.79, 0.81, 5000),
        reference=0.5,
        noise=0.01,
        verdict="worse",
    )
    s = summarise(None, replace(audit, results=(*audit.results, worst)))
    assert s.figures[0].value == "0.800"
    assert s.figures[0].mark.tone == "bad"
    assert s.audit.attacks[0].title == "New attack"


def test_figures_name_value_interval_reference_and_direction(evaluation, audit, provenance):
    shown = {f.title: f for f in summarise(evaluation, audit, (), provenance).figures}
    tstr = shown["Predicting income"]
    assert (tstr.value, tstr.interval, tstr.reference) == ("0.919", "0.916 to 0.923", "0.926")
    assert tstr.direction == "higher is better"
    copies = shown["Copies of real rows"]
    assert copies.direction == "lower is better"
    assert copies.strip is not None
    assert copies.strip.low <= copies.strip.point <= copies.strip.high
    assert len(shown) == 9


def test_a_broken_release_reads_as_broken(evaluation):
    def spoil(r: Result) -> Result:
        if r.name not in ("pair_tvd", "tstr", "c2st") or r.estimate is None:
            return r
        bad = {"pair_tvd": 0.6, "tstr": 0.55, "c2st": 0.99}[r.name]
        return r.replace(verdict="worse", estimate=Estimate(bad, bad - 0.01, bad + 0.01, 500))

    worse = replace(evaluation, results=tuple(map(spoil, evaluation.results)))
    uses = {u.title: u.mark for u in summarise(worse, None).uses}
    assert uses["How two columns go together"].text == "do not hold"
    assert uses["Predicting income"].tone == "bad"
    assert uses["Whole rows"].text == "can be told apart"
    heat = summarise(worse, None).pairs
    assert heat is not None
    assert "105 do not go together" in heat.text


def test_a_figure_without_interval_is_not_shown_as_held(evaluation):
    lost = [r.name == "pair_tvd" for r in evaluation.results]
    results = tuple(
        r.replace(estimate=None, verdict=None, status="failed", reason="out of memory") if x else r
        for r, x in zip(evaluation.results, lost, strict=True)
    )
    s = summarise(replace(evaluation, results=results), None)
    use = next(u for u in s.uses if u.title == "How two columns go together")
    assert use.mark.tone != "good"
    assert "None of 105 pairs could be compared" in use.text
    assert any("out of memory" in t.meaning for t in s.not_computed)


def test_problems_are_at_most_ten_in_order(evaluation):
    s = summarise(evaluation, None)
    assert [p.rank for p in s.problems] == list(range(1, 11))
    assert "10 largest of 14" in s.problems_text
    odd = Problem("no noise is known", (), 1.0, 0.0)
    assert summarise(replace(evaluation, problems=(odd,)), None).problems[0].width == 100.0


def test_unknown_names_reach_the_details(evaluation):
    new = Result("diversity", "plug_in_measure", ("age",), estimate=Estimate(3.5, 3, 4, 100))
    s = summarise(replace(evaluation, results=(*evaluation.results, new)), None)
    titles = [d.title for section in s.details for d in section.details]
    assert "Plug in measure" in titles


def test_a_target_with_a_centre_is_judged_by_its_distance_to_the_centre():
    from twinset.report.charts import excess

    near = Result(
        "fidelity",
        "missing_share",
        params={"target": 0.0},
        estimate=Estimate(-0.01, -0.02, 0.0, 100),
        reference=0.01,
        noise=0.01,
        direction="target",
    )
    assert excess(near) == pytest.approx(0.0)
    assert excess(near.replace(estimate=Estimate(-0.05, -0.06, -0.04, 100))) == pytest.approx(4.0)


def test_gates(evaluation):
    gates = [
        {"name": "a", "bound": "<= 1", "value": 0.5, "met": True},
        {"name": "b", "bound": "<= 1", "value": None, "met": False},
    ]
    s = summarise(evaluation, None, gates)
    assert [g.mark.text for g in s.gates] == ["met", "could not be checked"]
    assert s.gates_text == "1 of 2 missed."


def test_wide_tables_are_cut_and_it_is_said(evaluation):
    names = [f"c{i}" for i in range(80)]
    pairs = tuple(
        Result(
            "fidelity",
            "pair_tvd",
            (a, b),
            estimate=Estimate(0.1, 0.09, 0.11, 999),
            reference=0.05,
            noise=0.01,
            verdict="worse",
        )
        for i, a in enumerate(names)
        for b in names[i + 1 :]
    )
    schema = evaluation.schema.model_validate(
        {"columns": [{"name": n, "kind": "real"} for n in names]}
    )
    s = summarise(replace(evaluation, results=pairs, schema=schema), None)
    assert s.pairs is not None
    assert len(s.pairs.names) == 60
    assert "of 80" in s.pairs.left_out
    assert "report.json" in s.details[0].details[0].left_out


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.9195, "number", "0.919"),
        (-0.0001, "number", "-0.00010"),
        (-0.00000001, "share", "-1.0e-06%"),
        (0.0, "share", "0.00%"),
        (0.0012, "share", "0.12%"),
        (0.523, "share", "52.3%"),
        (24421.0, "number", "24,421"),
        (float("nan"), "number", "–"),
        (None, "number", "–"),
    ],
)
def test_figures_as_text(value, unit, text):
    assert figure(value, unit) == text


def test_spans_and_ticks():
    assert span(0.01, 0.02, "share") == "1.0 to 2.0%"
    assert tick(0.0, "share") == "0%"
    assert tick(0.45) == "0.45"
