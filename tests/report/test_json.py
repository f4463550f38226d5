"""report.json keeps its contract and its bytes."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from twinset.protocols import Estimate, Result
from twinset.report.json import to_json

KEYS = {"twinset", "seed", "schema", "results", "problems", "gates", "not_computed"}
RESULT = {
    *("family", "name", "columns", "group", "params", "value", "low", "high", "confidence", "n"),
    *("reference", "noise", "direction", "status", "reason", "verdict", "seconds"),
}
AUDIT = ("verdict", "controls_passed", "exposed", "tested", "not_tested", "threat_models")
POWER = {"members", "non_members", "smallest_auc_seen", "margin"}


def test_the_contract(evaluation, audit, gates, provenance):
    found = json.loads(to_json(evaluation, audit, gates, provenance, evaluation.schema, 7))
    assert set(found) == KEYS | {"audit", "provenance"}
    assert found["seed"] == 7
    assert len(found["results"]) == len(evaluation.results) + len(audit.results)
    assert all(set(r) == RESULT for r in found["results"])
    assert set(found["problems"][0]) == {"rank", "text", "columns", "excess", "noise"}
    assert set(found["gates"][0]) == {"name", "bound", "value", "met"}
    assert set(found["not_computed"][0]) == {"name", "reason"}
    assert [c["name"] for c in found["schema"]["columns"]] == list(evaluation.schema.names)
    assert found["audit"]["verdict"] == audit.verdict
    assert set(found["audit"]) == {*AUDIT, "power"}
    assert set(found["audit"]["power"]) == POWER


def test_the_power_of_the_audit_is_said(audit):
    power = {"members": 500, "non_members": 400, "smallest_auc_seen": 0.56, "margin": 0.03}
    known = replace(audit, extra={**audit.extra, **power, "best": {"attack": "distance"}})
    assert json.loads(to_json(None, known))["audit"]["power"] == power
    assert json.loads(to_json(None, None))["audit"]["power"] is None


def test_times_do_not_change_a_byte(evaluation, audit, gates, provenance):
    first = to_json(evaluation, audit, gates, provenance)
    slower = replace(evaluation, results=tuple(r.replace(seconds=9.0) for r in evaluation.results))
    assert to_json(slower, audit, gates, {**provenance, "seconds": {"fit": 1.0}}) == first
    assert all(r["seconds"] is None for r in json.loads(first)["results"])


def test_the_order_of_additions_does_not_show(evaluation):
    def nudged(r: Result) -> Result:
        e = r.estimate
        return r if e is None else r.replace(estimate=replace(e, value=e.value * (1 + 1e-15)))

    moved = replace(evaluation, results=tuple(map(nudged, evaluation.results)))
    assert to_json(moved, None) == to_json(evaluation, None)


def test_odd_params_become_json(evaluation):
    params = {
        "ceiling": np.float64("inf"),
        "k": np.int64(3),
        "of": np.array([1, 2]),
        "set": {"b", "a"},
    }
    odd = Result("privacy", "x", params=params, estimate=Estimate(1.0, 0.0, 2.0, 50))
    text = to_json(replace(evaluation, results=(odd,)), None)
    assert json.loads(text)["results"][0]["params"] == {
        "ceiling": None,
        "k": 3,
        "of": [1, 2],
        "set": ["a", "b"],
    }


def test_nothing_at_all():
    found = json.loads(to_json(None, None))
    assert found["schema"] is None
    assert found["audit"]["verdict"] == "Not assessed"


def test_a_failed_control_is_no_verdict(audit):
    found = json.loads(to_json(None, replace(audit, controls_passed=False)))
    assert found["audit"]["verdict"] == "Not assessed"
    assert found["audit"]["controls_passed"] is False
