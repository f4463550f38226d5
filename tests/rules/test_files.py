"""Rules files: what is read, what is refused in one line, and the way there and back."""

from __future__ import annotations

import pytest

from twinset.errors import InputError
from twinset.rules.check import at_most, check_train
from twinset.rules.consistency import contradiction
from twinset.rules.files import as_rules, load_rules, rules_from_data

MORE = [
    {"unique": ["start", "end"], "name": "one a period"},
    {"monotone": "gross", "along": "net", "within": ["level"], "direction": "down"},
    {"holds": "age >= 0", "exceptions": 0.01},
    {"fixed": ["level", "code"], "combinations": [["low", 1], [None, None]]},
    "gross = 2 * net - tax / 4",
    "`level` = 'it''s: #odd' implies age > -1",
]


def test_there_and_back(tmp_path, known) -> None:
    rules = rules_from_data([*known, *MORE])
    path = tmp_path / "rules.yaml"
    rules.save(path)
    assert load_rules(path) == rules
    path = tmp_path / "rules.json"
    rules.save(path)
    assert load_rules(path) == rules
    assert as_rules(rules) is rules
    assert len(rules.to_frame()) == len(rules)
    text = rules.to_yaml()
    assert "- start <= end\n" in text
    assert "# level determines code\n" in text


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ("age >=", "rule 2: expression, character"),
        ("eval('1')", "no function"),
        (7, "not a rule"),
        ({"holds": "age > 0", "unique": ["age"]}, "kind of rule"),
        ({"holds": "age > 0", "excptions": 0.1}, "did you mean exceptions"),
        ({"holds": "age > 0", "exceptions": 2}, "share from 0 to 1"),
        ({"equation": "age > net"}, "COLUMN = arithmetic"),
        ({"sum": "gross"}, "of"),
        ({"unique": ["age", "age"]}, "distinct"),
        ({"determines": "age", "by": ["age"]}, "other columns"),
        ({"monotone": "age", "along": "net", "direction": "left"}, "up, down"),
        ({"pattern": "level", "matches": "("}, "regular expression"),
        ({"fixed": ["age", "net"], "combinations": [[1]]}, "2 values"),
        ({"holds": "age > 0", "found": {"rows": "many"}}, "evidence"),
    ],
)
def test_what_is_no_rule_is_one_line(entry, word) -> None:
    with pytest.raises(InputError, match=word) as caught:
        rules_from_data(["age >= 0", entry], "rules.yaml")
    assert "\n" not in str(caught.value)
    assert "rules.yaml, rule 2" in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ("agee > 3", "agee"),
        ({"unique": ["nobody"]}, "nobody"),
        ("sex > 3", "no order"),
        ("sex - 1 > 0", "text - number"),
        ({"monotone": "sex", "along": "age"}, "number"),
        ({"equation": "sex = net + tax"}, "amount"),
    ],
)
def test_what_does_not_fit_the_table_is_one_line(people, entry, word, table_of) -> None:
    with pytest.raises(InputError, match=word) as caught:
        check_train(rules_from_data([entry], "rules.yaml"), table_of(people))
    assert "rules.yaml, rule 1" in str(caught.value)


@pytest.mark.parametrize(
    "pair",
    [
        ["age > 50", "age < 40"],
        ["age > 50 and sex = 'M'", "sex = 'F'"],
        ["start < end", "end < start"],
        ["start <= end", "start > 2010", "end < 2005"],
        ["pension is null", "pension is not null"],
        ["sex = 'M' implies age > 50", "sex = 'M'", "age < 20"],
        ["sex in ('M')", "sex not in ('M', 'F') or sex = 'F'"],
        ["start between 2002 and 2003", "start not in (2002, 2003)"],
        ["not (sex = 'M' or age < 3)", "age <= 2 implies age > 2", "sex = 'M'"],
        ["age > 30 and age < 30"],
    ],
)
def test_contradictions_are_named(people, pair, table_of) -> None:
    rules = rules_from_data([*pair, "net > 0", "tax >= 0"])
    clash = contradiction(rules, table_of(people).schema)
    assert clash
    assert {r.claim.expression.text for r in clash} <= set(pair)
    for left_out in clash:  # it is a smallest set
        fewer = [r.claim.expression.text for r in clash if r is not left_out]
        assert not fewer or not contradiction(rules_from_data(fewer), table_of(people).schema)


@pytest.mark.parametrize(
    "rules",
    [
        ["age >= 17", "age between 5 and 60"],
        ["age < 65 implies pension is null", "pension > 10", "age < 20"],
        ["sex = 'M' implies age > 50", "age < 20"],
        ["start <= end", "end <= start"],
        ["net + tax > 5", "net + tax < 3"],  # it is one, and arithmetic is taken to be free
        ["length(level) = 3", "level != 'x'"],
        ["code != 1", "code != 2"],
    ],
)
def test_what_can_hold_is_no_contradiction(people, rules, table_of) -> None:
    assert not contradiction(rules_from_data(rules), table_of(people).schema)


def test_many_linked_rules_are_checked_quickly(people, table_of) -> None:
    many = [f"code = {i % 3 + 1} implies age between {i} and {200 - i}" for i in range(45)]
    schema = table_of(people).schema
    assert not contradiction(rules_from_data(many), schema)
    assert contradiction(rules_from_data([*many, "code = 2", "age > 170"]), schema)


def test_rules_that_train_breaks_are_counted_and_asked_for(people, table_of, known) -> None:
    table = table_of(people)
    assert not check_train(rules_from_data(known), table)[0].broken
    with pytest.raises(InputError, match="rows of the table break it") as caught:
        check_train(rules_from_data(["age >= 0", "age >= 18"], "r.yaml"), table)
    message = str(caught.value)
    assert f"{int((people['age'] < 18).sum()):,} of 2,000 rows" in message
    assert "rule 2" in message
    granted = message.rpartition("exceptions: ")[2].strip("`")
    rules = rules_from_data([{"holds": "age >= 18", "exceptions": float(granted)}])
    assert check_train(rules, table)[0].broken > 0


def test_the_bound_is_exact() -> None:
    from scipy.stats import binom

    for broken, n in ((0, 50), (3, 500), (49, 50)):
        p = at_most(broken, n, 0.05)
        assert binom.cdf(broken, n, p) == pytest.approx(0.05)
    assert at_most(5, 5) == at_most(0, 0) == 1.0


SDV = [
    ("Inequality", {"low_column_name": "start", "high_column_name": "end"}, ["start <= end"]),
    (
        "Inequality",
        {"low_column_name": "start", "high_column_name": "end", "strict_boundaries": True},
        ["start < end"],
    ),
    (
        "ScalarInequality",
        {"column_name": "age", "relation": ">=", "value": -1.5},
        ["age >= -1.5"],
    ),
    (
        "Range",
        {"low_column_name": "a b", "middle_column_name": "start", "high_column_name": "end"},
        ["`a b` <= start", "start <= end"],
    ),
    (
        "ScalarRange",
        {"column_name": "age", "low_value": 0, "high_value": 99, "strict_boundaries": True},
        ["age > 0 and age < 99"],
    ),
    ("Positive", {"column_name": "net"}, ["net >= 0"]),
    ("Negative", {"column_name": "net", "strict_boundaries": True}, ["net < 0"]),
    ("FixedCombinations", {"column_names": ["level", "code"]}, [{"fixed": ["level", "code"]}]),
    ("Unique", {"column_names": ["net"]}, [{"unique": ["net"]}]),
    ("OneHotEncoding", {"column_names": ["p", "q"]}, ["p in (0, 1)", "q in (0, 1)", "p + q = 1"]),
]


@pytest.mark.parametrize(("name", "parameters", "same"), SDV, ids=[s[0] for s in SDV])
def test_constraints_of_sdv_are_read(name, parameters, same, tmp_path) -> None:
    import json

    path = tmp_path / "constraints.json"
    entry = {"constraint_class": name, "table_name": "t", "constraint_parameters": parameters}
    path.write_text(json.dumps([entry]))
    assert load_rules(path).rules == rules_from_data(same).rules


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ({"constraint_class": "FixedIncrements", "constraint_parameters": {}}, "FixedIncrements"),
        ({"constraint_class": "Inequality", "constraint_parameters": {}}, "low_column_name"),
        ({"constraint_class": "Unique", "constraint_parameters": 3}, "a mapping"),
        (
            {"constraint_class": "Positive", "constraint_parameters": {"column_name": 3}},
            "other parameters",
        ),
    ],
)
def test_what_is_no_constraint_is_one_line(entry, word) -> None:
    with pytest.raises(InputError, match=word) as caught:
        rules_from_data([entry], "c.json")
    assert "c.json, constraint 1" in str(caught.value)
