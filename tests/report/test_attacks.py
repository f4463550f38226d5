"""What the report says of attacks follows from their results: groups, chances, leaks, epsilon."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from twinset.auditing.measures import curves
from twinset.protocols import Estimate, Result
from twinset.report.attacks import attack_rows, audit_view
from twinset.report.compared import compared
from twinset.report.curves import BOX, growth_curves, roc_curve
from twinset.report.html import render
from twinset.report.multi_report import Audits
from twinset.report.summary import summarise
from twinset.report.verdict import leaks_text, strongest
from twinset.report.wording import describe, mark
from twinset.results import Exposed
from twinset.trust.gates import Gate


def area(attack: str, group: str, value: float, half: float, **more: object) -> Result:
    ends = {"corrected_low": value - 1.5 * half, "corrected_high": value + 1.5 * half}
    return Result(
        "privacy",
        "auc",
        params={"attack": attack, "target_group": group, **ends, **more},
        estimate=Estimate(value, value - half, value + half, 1_000),
        reference=0.5,
        noise=half,
        verdict="worse" if value - 1.5 * half > 0.5 else "within_noise",
    )


def rate(attack: str, fpr: float, value: float | None) -> Result:
    return Result(
        "privacy",
        "tpr_at_fpr",
        params={"attack": attack, "target_group": "random", "fpr": fpr},
        estimate=None if value is None else Estimate(value, value / 2, 2 * value, 1_000),
        reference=fpr,
        status="not_applicable" if value is None else "ok",
        reason="too few" if value is None else None,
    )


def bound(value: float, sure: float) -> Result:
    return Result(
        "privacy",
        "epsilon_lower_bound",
        params={
            "attack": "distance",
            "target_group": "random",
            "ceiling": 5.0,
            "corrected_low": sure,
            "corrected_high": 5.0,
        },
        estimate=Estimate(value, value, 5.0, 1_000),
        reference=0.0,
    )


def drawn(shift: float) -> dict[str, object]:
    rng = np.random.default_rng(0)
    member = np.arange(4_000) < 2_000
    return dict(curves(rng.normal(size=4_000) + shift * member, member))


def test_the_table_is_attacks_by_groups_and_leaves_out_what_nobody_has():
    results = [
        area("distance", "random", 0.51, 0.02),
        area("distance", "outliers", 0.55, 0.08),
        area("new_one", "random", 0.62, 0.02),
        rate("distance", 0.01, 0.02),
        rate("distance", 0.001, None),
        rate("new_one", 0.01, None),
    ]
    headers, rows = attack_rows(results)
    assert [h.split(",")[1].split("(")[0].strip() for h in headers[:2]] == [
        "random records",
        "outlying records",
    ]
    assert len(headers) == 3
    assert "1.0% false alarms" in headers[2]
    assert [r.title for r in rows] == ["New one", "Nearest row"]
    assert [f and f.value for f in rows[1].figures] == ["0.510", "0.550", "2.0%"]
    assert rows[0].figures[1] is None
    strips = [f.strip for r in rows for f in r.figures[:2] if f is not None]
    assert {s.left for s in strips if s} == {strips[0].left}  # one axis for all groups


def test_the_strongest_attack_is_the_surest_and_else_the_largest():
    sure, vague = area("a", "random", 0.56, 0.01), area("b", "random", 0.60, 0.06)
    weak = area("c", "random", 0.501, 0.001)
    assert strongest([sure, vague, weak]) is sure
    assert strongest([weak.replace(verdict="within_noise"), vague]) is vague
    assert strongest([]) is None


def test_the_curve_is_logarithmic_and_guessing_is_its_diagonal():
    result = area("distance", "random", 0.8, 0.01, **drawn(1.5))
    curve = roc_curve([result])
    assert curve is not None
    assert curve.guess == f"M0 {BOX[1]}L{BOX[0]} 0"
    assert [t.text for t in curve.across] == ["0.1%", "1%", "10%", "100%"]
    assert np.ptp(np.diff([t.at for t in curve.across])) < 0.2
    places = np.array(re.findall(r"[ML]([\d.]+) ([\d.]+)", curve.lines[0].path), dtype=float)
    for (x, y), (fpr, tpr) in zip(places, result.params["roc"], strict=True):
        assert x == pytest.approx(BOX[0] * (1 + np.log10(fpr) / 3), abs=0.1)
        assert y == pytest.approx(-BOX[1] * np.log10(tpr) / 3, abs=0.1)
    assert curve.rows
    assert roc_curve([area("distance", "random", 0.8, 0.01)]) is None


def test_chances_are_told_from_the_most_suspect_on(audit):
    view = audit_view(
        replace(audit, results=(area("distance", "random", 0.8, 0.01, **drawn(1.5)),)), {}
    )
    assert view.chances[0].share.startswith("the most suspect")
    assert view.chances[-1].share.startswith("the other")
    chances = [float(c.chance.removesuffix("%")) for c in view.chances]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] > 85


@pytest.mark.parametrize(("low", "alarms", "doubt"), [(0.018, 0.021, True), (0.008, 0.021, False)])
def test_a_rate_within_noise_whose_interval_is_above_guessing_says_why(audit, low, alarms, doubt):
    """A TPR is held against the false alarms that were counted, of which there may be more."""
    ends = {"corrected_low": low, "corrected_high": 0.045, "corrected_fpr_high": alarms}
    found = rate("distance", 0.01, 0.029)
    found = found.replace(params={**found.params, **ends}, verdict="within_noise")
    about = replace(audit, results=(area("distance", "random", 0.51, 0.02), found))
    [title] = [f.title for f in summarise(None, about).figures if "false alarms" in f.title]
    assert title.startswith("Records recognised at 1.0% false alarms")
    assert title.endswith("(may be up to 2.1%: within noise)") == doubt
    said = "within noise: false alarms may be up to 2.1%" if doubt else "no better than guessing"
    assert mark(found).text == said
    assert mark(found.replace(verdict="worse")).text == "above guessing"


def test_outlying_records_at_greater_risk_are_said_to_be(audit):
    gap = Result(
        "privacy",
        "auc_gap",
        params={"attack": "distance", "target_group": "outliers", "against": "random"},
        estimate=Estimate(0.2, 0.1, 0.3, 500),
        reference=0.0,
    )
    results = (
        area("distance", "random", 0.6, 0.01),
        area("distance", "outliers", 0.8, 0.05),
        gap,
    )
    text = " ".join(audit_view(replace(audit, results=results), {}).text)
    assert "at greater risk than random records: +20.0 points (+10.0 to +30.0)" in text
    none = gap.replace(estimate=Estimate(0.2, -0.1, 0.5, 500))
    text = " ".join(audit_view(replace(audit, results=(*results[:2], none)), {}).text)
    assert "not shown to be at greater risk" in text


def test_an_epsilon_is_proven_only_if_all_attacks_are_counted(audit):
    lucky = audit_view(replace(audit, results=(bound(0.8, 0.0),)), {})
    assert "prove no privacy loss" in lucky.bounds_text
    assert "5.000 (the ceiling)" in lucky.bounds_text
    shown = audit_view(replace(audit, results=(bound(0.8, 0.0), bound(1.9, 1.2))), {"epsilon": 1})
    assert "at least 1.200" in shown.bounds_text
    assert "The claim is 1." in shown.bounds_text
    assert shown.bounds[0].value == "1.200"
    assert shown.bounds[0].reference == "1.000"


def test_risk_over_released_rows_is_a_curve_if_there_is_more_than_one():
    def leak(rows: int, train: float) -> Result:
        return Result(
            "privacy",
            "reconstruction_leak",
            ("sex",),
            params={"attack": "x", "released": rows, "of_train": train, "of_holdout": 0.5},
            estimate=Estimate(2 * train - 1, 0, 1, 900),
        )

    [curve] = growth_curves([leak(10_000, 0.9), leak(1_000, 0.7), leak(100, 0.5)])
    assert [line.label for line in curve.lines] == ["people in the train data", "other people"]
    assert [t.text for t in curve.across] == ["100", "1,000", "10,000"]
    heights = [float(y) for _, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", curve.lines[0].path)]
    assert heights == sorted(heights, reverse=True)
    assert growth_curves([leak(100, 0.5)]) == ()
    [curve] = growth_curves([leak(n, 0.5) for n in (100, 900, 1_000, 10_000)])
    assert [t.text for t in curve.across] == ["100", "1,000", "10,000"]  # 900 is too close to 1,000
    known = [leak(n, 0.6).replace(params={**leak(n, 0.6).params, "of_guess": 0.4}) for n in (9, 99)]
    [curve] = growth_curves(known)
    assert curve.lines[2].label == "a guess without the release"
    assert curve.rows[-1][2] == "40.0%"


def test_audits_stand_side_by_side(audit):
    worse = replace(
        audit,
        verdict="No, because it copies",
        results=(area("distance", "all", 0.9, 0.01, **drawn(2.0)), *audit.results[1:]),
    )
    found = compared({"cart": audit, "bootstrap": worse})
    assert found is not None
    assert found.names == ("cart", "bootstrap")
    assert [v.meaning for v in found.verdicts][1] == "No, because it copies"
    assert found.rows[0].title == "Nearest row"
    shown = [f.strip for f in found.rows[0].figures if f is not None and f.strip is not None]
    assert shown[0].point < shown[1].point  # one axis
    assert found.roc is not None
    assert [line.label.partition(":")[0] for line in found.roc.lines] == ["cart", "bootstrap"]
    assert compared({}) is None


def test_outliers_stand_against_random_records_and_the_strongest_is_marked(audit):
    def one(value, gap):
        results = (
            area("lira", "random", value, 0.01),
            area("lira", "outliers", value + gap, 0.01),
            area("distance", "outliers", 0.51, 0.04),
            *(
                Result(
                    "privacy",
                    "auc_gap",
                    params={"attack": name, "target_group": "outliers"},
                    estimate=Estimate(g, g - 0.02, g + 0.02, 100),
                    reference=0.0,
                )
                for name, g in (("lira", gap), ("distance", 0.4))
            ),
        )
        return replace(audit, results=results)

    audits = {"cart": one(0.6, 0.2), "bootstrap": one(0.9, 0.0)}
    found = compared(audits)
    assert found is not None
    marked = [(found.rows[i].title, found.rows[i].group) for i in found.strongest]
    assert marked[0] == ("Likelihood ratio (LiRA)", "Outlying records")
    assert [r.title for r in found.against] == list(audits)
    assert [[f.value for f in r.figures] for r in found.against] == [
        ["0.600", "0.800", "0.200"],
        ["0.900", "0.900", "0.000"],
    ]
    page = Audits.of(audits).to_html()
    assert page.count(">strongest<") == 2
    assert not found.growth
    assert page.index("Random records against others") < page.index("Generator by generator")


def test_several_audits_hide_what_one_hides(audit):
    few = replace(audit, exposed=(Exposed("those of Smallville", 3, 0.9, 0.8, 1.0),))
    bounds = [Gate(measure="auc", bound="<= 0.5")]
    found = Audits.of({"cart": audit, "bootstrap": few}, bounds)
    assert "Smallville" not in found.to_json() + found.to_html()
    content = json.loads(found.to_json())
    assert {g["name"].partition(":")[0] for g in content["gates"]} == {"cart", "bootstrap"}
    assert content["audits"]["cart"]["exposed"]
    assert all(r["seconds"] is None for r in content["results"])


def test_an_unknown_attack_speaks_in_its_authors_words(audit):
    s = summarise(None, replace(audit, results=(area("no_such_attack", "random", 0.5, 0.1),)))
    assert s.audit is not None
    assert s.audit.attacks[0].title == "No such attack"
    assert "No such attack" in render(s)


def test_a_secret_is_not_called_membership():
    told = describe(area("lira", "random", 0.8, 0.05, secret="sex"))
    assert told.title == "Telling the sex of people in the train data"
    assert "train data" in describe(area("lira", "random", 0.8, 0.05)).title
    assert told.standing == describe(area("lira", "random", 0.8, 0.05)).standing


def test_points_of_a_curve_are_no_attempts():
    def leak(verdict):
        return Result(
            "privacy",
            "reconstruction_leak",
            params={"attack": "x"},
            estimate=Estimate(0.1, 0.0, 0.2, 100),
            reference=0.0,
            verdict=verdict,
        )

    text = leaks_text([leak("worse"), leak(None), leak(None), leak("within_noise")])
    assert text.startswith("Of 2 attempts")
    assert ", 1 got more" in text
