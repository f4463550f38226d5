"""Rules as measures of a release: one result a rule, and one for all of them together."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from twinset.protocols import Estimate, Measure, Result, Verdict
from twinset.results import Evaluation, NotComputed, Problem
from twinset.rules.check import Checked, at_most
from twinset.rules.rule import Rule, Rules
from twinset.rules.streaming import ROOM, Learned, RuleCounts, count
from twinset.stats.intervals import Z95, adjust, proportions_differ
from twinset.table.column_store import Spill
from twinset.table.table import Table, empty_table

__all__ = ["MEASURES", "rule_results", "with_rules"]

MEASURES = (
    Measure(
        name="rule_violations",
        title="Rows that break a rule",
        meaning="Share of the synthetic rows to which the rule applies that break it.",
        unit="share",
    ),
    Measure(
        name="rule_applies_difference",
        title="Rows to which a rule applies",
        meaning="Synthetic minus train: the share of the rows to which the rule applies. 0 is "
        "equal; below 0, legal but rare combinations are left out.",
        unit="share",
        direction="target",
        low=-1,
    ),
    Measure(
        name="rows_breaking_rules",
        title="Rows that break any rule",
        meaning="Share of the synthetic rows that break at least one rule.",
        unit="share",
        reference="none",
    ),
)

_MINIMUM = 10
_FALSE_DISCOVERIES = 0.05
_PROTECT = 5
_TOO_LARGE = (
    "it needs all rows at once, of a table larger than memory: its columns take more than "
    f"{ROOM >> 20} MB"
)


def with_rules(
    evaluation: Evaluation,
    rules: Rules,
    train: Table,
    synthetic: Table,
    holdout: Table | None,
    *,
    spills: Mapping[str, Spill] | None = None,
) -> Evaluation:
    """Return the evaluation with the results of the rules, and a problem for each that is worse.

    `spills` are all rows of those tables of which a sample is given, by ``"synthetic"`` and the
    like: the rules are counted on all of them.
    """
    found = rule_results(rules, train, synthetic, holdout, spills=spills)
    problems = [
        Problem(
            f"{int(r.params['broken']):,} of {int(r.params['applies']):,} rows break a rule: "
            f"{r.params['rule']}",
            r.columns,
            r.value - (r.reference or 0.0),
            r.noise or 0.0,
        )
        for r in found
        if r.verdict == "worse" and r.name == "rule_violations" and r.value is not None
    ]
    problems.sort(key=lambda p: -p.excess)
    return dataclasses.replace(
        evaluation,
        results=(*evaluation.results, *found),
        problems=(*problems, *evaluation.problems),
        not_computed=(
            *evaluation.not_computed,
            *(NotComputed(f"rule: {r.params['rule']}", _TOO_LARGE) for r in found if _left(r)),
        ),
    )


def rule_results(
    rules: Rules,
    train: Table,
    synthetic: Table,
    holdout: Table | None = None,
    *,
    spills: Mapping[str, Spill] | None = None,
) -> list[Result]:
    """Measure how often rows of a release break the rules.

    ``rule_violations``, one a rule: share of the rows to which the rule applies that break it. The
    reference is the holdout's own share (the train table's without one; counts of fewer than 10
    are taken as 0). ``params`` hold the rule, the counts, and the share of rows to which it applies
    in the release and in train: a legal but rare combination that is never made shows there.
    ``rule_applies_difference``, one a rule with a condition: share of the rows to which it applies
    in the release minus that in train (10 rows or more), so that suppression is judged as well.
    ``rows_breaking_rules``: share of all rows that break any rule.

    Raises
    ------
    InputError
        If a rule does not fit the table.
    """
    rules.check_schema(train.schema, empty_table(train.schema))
    spills = spills or {}
    known = Learned.of(rules, train, spills, _PROTECT)
    tables = {"train": train, "synthetic": synthetic, "holdout": holdout}
    counted = {s: count(known, s, t, spills.get(s)) for s, t in tables.items() if t is not None}
    release, learned = counted["synthetic"], counted["train"]
    real = counted.get("holdout", learned)
    tails = [
        proportions_differ(s.broken, s.rows, r.broken, r.rows)[0] if s.broken else 1.0
        for s, r in zip(release.checked, real.checked, strict=True)
    ]
    worse = adjust(np.array(tails))
    rows = (learned.rows, release.rows)
    results = [
        _result(s, r, t, float(w), rows)
        for s, r, t, w in zip(release.checked, real.checked, learned.checked, worse, strict=True)
    ]
    held = None if holdout is None else (real.checked, real.rows)
    results += _suppressed(release.checked, learned.checked, held, rows)
    left = [_without(r, {"rule": str(r)}, _TOO_LARGE) for r in known.left_out]
    return [_any(release), *results, *left]


def _without(rule: Rule, params: dict[str, Any], reason: str) -> Result:
    return Result(
        "integrity",
        "rule_violations",
        rule.columns,
        params=params,
        status="not_applicable",
        reason=reason,
    )


def _left(result: Result) -> bool:
    return result.status == "not_applicable" and result.reason == _TOO_LARGE


def _suppressed(
    released: Sequence[Checked],
    train: Sequence[Checked],
    holdout: tuple[Sequence[Checked], int] | None,
    rows: tuple[int, int],
) -> list[Result]:
    """Compare how often the conditions of rules hold in the release and in train."""
    some = [i for i, t in enumerate(train) if _MINIMUM <= t.rows <= rows[0] - _MINIMUM]
    tails = [proportions_differ(released[i].rows, rows[1], train[i].rows, rows[0]) for i in some]
    worse = adjust(np.array([min(1.0, 2 * min(t)) for t in tails]))
    results = []
    for i, q in zip(some, worse.tolist(), strict=True):
        a, b = train[i].rows / rows[0], released[i].rows / rows[1]
        reference = 0.0
        if holdout is not None:
            reference = _hidden(holdout[0][i].rows) / max(holdout[1], 1) - a
        gap, pooled = b - a, (train[i].rows + released[i].rows) / sum(rows)
        spread = Z95 * float(np.sqrt(a * (1 - a) / rows[0] + b * (1 - b) / rows[1]))
        bad: Verdict = "worse" if q <= _FALSE_DISCOVERIES else "within_noise"
        results.append(
            Result(
                "integrity",
                "rule_applies_difference",
                released[i].rule.columns,
                params={
                    "rule": str(released[i].rule),
                    "train": a,
                    "target": 0.0,
                    "interval": "analytic",
                    "q_worse": round(q, 6),
                },
                estimate=Estimate(gap, gap - spread, gap + spread, rows[1]),
                reference=reference,
                noise=Z95 * float(np.sqrt(pooled * (1 - pooled) * (1 / rows[0] + 1 / rows[1]))),
                direction="target",
                verdict=bad if abs(gap) > abs(reference) else "within_noise",
            )
        )
    return results


def _result(
    released: Checked, real: Checked, train: Checked, worse: float, rows: tuple[int, int]
) -> Result:
    params: dict[str, Any] = {
        "rule": str(released.rule),
        "broken": released.broken,
        "applies": released.rows,
        "applies_share": released.rows / rows[1],
        "applies_share_train": _hidden(train.rows) / rows[0],
        "interval": "Clopper-Pearson",
        "q_worse": round(worse, 6),
    }
    if released.rows == 0:
        return _without(released.rule, params, "the rule applies to no row of the release")
    reference = _hidden(real.broken) / max(real.rows, 1)
    spread = max(reference * (1 - reference), 0.0) / released.rows
    bad: Verdict = "worse" if worse <= _FALSE_DISCOVERIES else "within_noise"
    return Result(
        "integrity",
        "rule_violations",
        released.rule.columns,
        params=params,
        estimate=Estimate(released.share, 0.0, released.at_most, released.rows),
        reference=reference,
        noise=Z95 * float(np.sqrt(spread)),
        verdict=bad if released.share > reference else "within_noise",
    )


def _any(release: RuleCounts) -> Result:
    """Share of rows that break any rule, with the bound of its share."""
    share = release.broken / release.rows
    bound = max(at_most(release.broken, release.rows), share)
    return Result(
        "integrity",
        "rows_breaking_rules",
        params={
            "rules": len(release.checked),
            "broken": release.broken,
            "interval": "Clopper-Pearson",
        },
        estimate=Estimate(share, 0.0, bound, release.units),
        reference=0.0,
    )


def _hidden(count: int) -> int:
    """Return the count as a report may show it."""
    return 0 if count < _MINIMUM else count
