"""Rules as measures: nothing for a fresh real sample, everything for a broken release."""

from __future__ import annotations

import numpy as np

from twinset.rules.files import rules_from_data
from twinset.rules.measures import rule_results


def test_a_broken_release_is_worse_and_a_fresh_one_is_not(people, table_of, like, known) -> None:
    table = table_of(people)
    train, holdout = table.take(np.arange(1_000)), table.take(np.arange(1_000, 2_000))
    rules = rules_from_data([*known, "net > 400"])  # the last is broken by real rows alike
    fresh = rule_results(rules, train, holdout.take(np.arange(500)), holdout.take(np.arange(500)))
    assert all(r.verdict in (None, "within_noise") for r in fresh)
    assert fresh[0].name == "rows_breaking_rules"
    assert [r for r in fresh if r.name == "rule_violations"][-1].value > 0.1
    mixed = people[:1_000].copy()
    for name in mixed.columns:
        mixed[name] = mixed[name].sample(frac=1, random_state=len(name)).to_numpy()
    release = like(mixed, table)
    found = rule_results(rules, train, release, holdout)
    assert [r.verdict for r in found[1:8]] == ["worse"] * 7
    broken = [r for r in found if r.name == "rule_violations"]
    assert [r.verdict for r in broken[7:]] == ["within_noise"] * 3
    assert found[0].value > 0.9


def test_suppression_shows_in_what_a_rule_applies_to(people, table_of, like) -> None:
    table = table_of(people)
    rule = rules_from_data(["pregnant = 'yes' implies sex = 'F'"])
    never = like(people.assign(pregnant="no"), table)
    result = rule_results(rule, table, never)[1]
    assert result.status == "not_applicable"
    assert result.params["applies_share"] == 0
    assert result.params["applies_share_train"] > 0.1
    [_, _, suppressed] = rule_results(rule, table, never, table)
    assert suppressed.name == "rule_applies_difference"
    assert (suppressed.verdict, suppressed.reference) == ("worse", 0.0)
    assert suppressed.value == -result.params["applies_share_train"]
    halves = [table.take(np.arange(i * 1_000, (i + 1) * 1_000)) for i in range(2)]
    assert rule_results(rule, *halves)[-1].verdict == "within_noise"
