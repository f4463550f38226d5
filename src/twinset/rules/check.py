"""Hold rules against a table: how many rows break each, with exact upper bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinset.errors import InputError
from twinset.rules.consistency import contradiction
from twinset.rules.rule import Rule, Rules
from twinset.stats.units import count_units
from twinset.table.table import Table, empty_table

__all__ = ["Checked", "at_most", "check", "check_rows", "check_train", "checked"]


@dataclass(frozen=True)
class Checked:
    """A rule and what a table says of it.

    Attributes
    ----------
    rows, broken
        Rows to which the rule applies, and how many break it.
    share
        ``broken / rows``; 0 if it applies to none.
    at_most
        Upper end of the exact 95% bound of that share in the population (Clopper and Pearson 1934,
        one-sided, by units).
    """

    rule: Rule
    rows: int
    broken: int
    share: float
    at_most: float

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "rule": str(self.rule),
            "columns": list(self.rule.columns),
            "rows": self.rows,
            "broken": self.broken,
            "share": self.share,
            "at_most": self.at_most,
        }


def at_most(broken: int, n: int, alpha: float = 0.05) -> float:
    """Exact upper bound at 1 - `alpha` of a share of which `broken` of `n` were seen.

    It solves P(X <= broken) = alpha for X binomial (Clopper and Pearson 1934); for none broken it
    is 1 - alpha^(1/n), about ln(1/alpha)/n.

    >>> round(at_most(0, 1000, 0.05), 6)
    0.002991
    """
    if n == 0 or broken >= n:
        return 1.0
    from scipy import special

    return float(special.betaincinv(broken + 1, n - broken, 1 - alpha))


def check(rules: Rules, table: Table) -> tuple[Checked, ...]:
    """Check each rule on a table."""
    return check_rows(rules, table)[0]


def check_rows(rules: Rules, table: Table) -> tuple[tuple[Checked, ...], npt.NDArray[np.bool_]]:
    """Check each rule on a table; say too which rows break one. Shape (rows,)."""
    found, any_broken, units = [], np.zeros(table.num_rows, dtype=bool), table.units
    for rule in rules:
        outcome = rule.claim.outcome(table)
        masks = zip((outcome.applies, outcome.broken), outcome.counts, strict=True)
        n, bad = (count_units(None if units is None else units[m], k) for m, k in masks)
        found.append(checked(rule, outcome.counts, (n, bad)))
        any_broken |= outcome.broken
    return tuple(found), any_broken


def checked(rule: Rule, rows: tuple[int, int], units: tuple[int, int]) -> Checked:
    """Return what counts say of a rule: to how many it applies and how many of them break it."""
    share = rows[1] / rows[0] if rows[0] else 0.0
    return Checked(rule, *rows, share, max(at_most(units[1], units[0]), share))


def check_train(rules: Rules, train: Table) -> tuple[Checked, ...]:
    """Check rules that shall be enforced on what a model learns from.

    Raises
    ------
    InputError
        If rules do not fit the table, contradict one another, or are broken by more rows of the
        table than their `exceptions` allow.
    """
    rules.check_schema(train.schema, empty_table(train.schema))
    found, broken = check_rows(rules, train)
    clash = contradiction(rules, train.schema) if broken.all() else ()
    if clash:
        raise InputError(
            f"{rules.source}: {rules.named(clash)}",
            got="rules that no row can keep" if len(clash) == 1 else "a contradiction",
            hint="correct or delete one of them",
        )
    for place, one in enumerate(found, 1):
        if one.broken > one.rule.exceptions * one.rows:
            raise InputError(
                f"{rules.source}, rule {place} ({one.rule})",
                got=f"{one.broken:,} of {one.rows:,} rows of the table break it",
                hint=f"correct the rule, or enforce it all the same by `exceptions: "
                f"{_rounded_up(one.share)}`",
            )
    return found


def _rounded_up(share: float) -> str:
    """Return the share with two digits, not below it."""
    shown = float(f"{share:.2g}")
    if shown < share:
        shown = float(f"{share * 1.05:.2g}")
    return f"{min(shown, 1.0):g}"
