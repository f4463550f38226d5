"""Gates: which results a bound is held against, and what a bad file is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from twinset.errors import InputError
from twinset.protocols import Estimate, Result
from twinset.table.yaml import load_yaml
from twinset.trust.gates import Gate, judge, load_gates
from twinset.trust.measures import measures

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "gates.yaml"


def result(value, *, name="ks", half=0.1, columns=(), **params):
    return Result(
        "fidelity",
        name,
        columns=columns,
        params=params,
        estimate=Estimate(value, value - half, value + half, 50),
    )


def missing(name="ks"):
    return Result("fidelity", name, status="failed", reason="it failed")


def one(gate: Gate, *results: Result):
    [found] = judge([gate], results)
    return found


@pytest.mark.parametrize(
    ("bound", "met"),
    [("<= 0.5", True), ("< 0.5", False), (">= 0.5", True), ("> 0.5", False), ("<5e-1", False)],
)
def test_the_bound_itself(bound: str, met: bool) -> None:
    found = one(Gate(measure="ks", bound=bound), result(0.5))
    assert (found.met, found.value, found.bound) == (met, 0.5, bound)


@pytest.mark.parametrize(
    ("on", "bound", "met"),
    [
        ("value", "<= 0.55", True),
        ("high", "<= 0.55", False),
        ("low", "<= 0.45", True),
        ("low", ">= 0.45", False),
        ("high", ">= 0.55", True),
        ("value", ">= -1", True),
    ],
)
def test_an_end_of_the_interval_can_be_what_counts(on: str, bound: str, met: bool) -> None:
    found = one(Gate(measure="ks", bound=bound, on=on), result(0.5))
    assert found.met is met
    assert found.value == pytest.approx({"value": 0.5, "low": 0.4, "high": 0.6}[on])


def test_of_several_the_worst_counts() -> None:
    several = [result(v, columns=(c,)) for c, v in zip("abc", (0.1, 0.9, 0.4), strict=True)]
    most = one(Gate(measure="ks", bound="<= 0.5"), *several)
    assert (most.value, most.met) == (0.9, False)
    least = one(Gate(measure="ks", bound=">= 0.2"), *several)
    assert (least.value, least.met) == (0.1, False)
    picked = one(Gate(measure="ks", bound="<= 0.5", columns=("c",)), *several)
    assert (picked.value, picked.met) == (0.4, True)


def test_params_choose_and_a_number_may_be_written_as_text() -> None:
    several = [
        result(0.2, name="tpr_at_fpr", attack="domias", fpr=0.01),
        result(0.9, name="tpr_at_fpr", attack="distance", fpr=0.01),
        result(0.9, name="tpr_at_fpr", attack="domias", fpr=0.1),
    ]
    for fpr in (0.01, "0.01"):
        params = {"attack": "domias", "fpr": fpr}
        found = one(Gate(measure="tpr_at_fpr", bound="<= 0.5", params=params), *several)
        assert (found.value, found.met) == (0.2, True)


@pytest.mark.parametrize("results", [[], [missing()], [result(0.1), missing()]])
def test_what_was_not_computed_is_missed(results: list[Result]) -> None:
    """Also if only one of several matching figures is absent."""
    found = one(Gate(measure="ks", bound="<= 0.5"), *results)
    assert (found.value, found.met) == (None, False)


def test_a_gate_of_a_name_that_does_not_exist_is_missed() -> None:
    assert not one(Gate(measure="kss", bound="<= 0.5"), result(0.1)).met


def test_names_tell_gates_apart() -> None:
    gate = Gate(measure="auc", bound="<= 0.5", on="high", params={"attack": "domias"})
    assert gate.name == "auc[attack=domias] (high end)"
    assert Gate(measure="ks", bound="< 1", columns=("a",)).name == "ks[a]"


def test_the_example_of_the_docs_loads() -> None:
    gates = load_gates(EXAMPLE)
    assert {g.on for g in gates} == {"value", "low", "high"}
    assert len({g.name for g in gates}) == len(gates)
    known = {"against", "score", "columns"}
    assert {k for g in gates for k in g.params} <= known


@pytest.mark.parametrize(
    ("text", "say"),
    [
        ("", "no list of gates"),
        ("measure: ks", "no list of gates"),
        ("- measure: ks", "gate 1; got bound"),
        ("- measure: ks\n  bound: '<= 0.5'\n- bound: '<= 1'", "gate 2; got measure"),
        ("- measure: ks\n  bound: 0.5 or so", 'a bound is written like "<= 0.6"'),
        ("- measure: ks\n  bound: '= 0.5'", 'a bound is written like "<= 0.6"'),
        ("- measure: ks\n  bound: '<= 1'\n  column: age", "column"),
        ("- measure: ks\n  bound: '<= 1'\n  on: middle", "'value', 'low' or 'high'"),
        ("- just words", "gate 1"),
        ("- &a {measure: ks}\n- *a", "without aliases"),
        ("- [", "line"),
    ],
)
def test_a_bad_file_gets_one_clear_line(tmp_path: Path, text: str, say: str) -> None:
    path = tmp_path / "gates.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_gates(path)
    assert say in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_gates(tmp_path / "none.yaml")


def test_words_that_yaml_1_1_takes_for_booleans_are_words(tmp_path: Path) -> None:
    path = tmp_path / "words.yaml"
    path.write_text("on: [yes, No, off, n, true, null, ~]")
    assert load_yaml(path) == {"on": ["yes", "No", "off", "n", True, None, None]}


def test_a_measure_that_does_not_exist_is_refused_with_the_nearest(tmp_path) -> None:
    good, wrong = (Gate(measure=name, bound="<= 1") for name in ("auc", "ack"))
    path = tmp_path / "g.yaml"
    path.write_text('- {measure: c2st, bound: "<= 1"}\n- {measure: ack, bound: "< 1"}')
    for given in (path, [good, wrong]):
        with pytest.raises(
            InputError, match=r"gate 2, measure; got 'ack'; hint: did you mean .*auc"
        ):
            load_gates(given)


def test_every_measure_that_a_report_knows_can_be_a_gate() -> None:
    names = list(measures())
    assert len(load_gates([Gate(measure=name, bound="<= 1") for name in names])) == len(names)
