"""Candidates for rules: what was counted for each, and how many were looked at."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from twinset.rules.check import at_most
from twinset.rules.constraints import Claim

__all__ = ["ALPHA", "Candidate", "Harvest", "survives"]

ALPHA = 0.05
_MOST_BROKEN = 0.005  # of the rows to which a rule applies
_FAR_BELOW = 0.2  # of what independence expects must lie above the bound
_MOST_OF_EXPECTED = 0.005


@dataclass(frozen=True)
class Candidate:
    """A claim with its counts in train.

    Attributes
    ----------
    checks, broken
        Comparisons that could have broken the claim, and those that did.
    expected
        Share that would break it if its columns were independent.
    choices
        Logarithm of the number of claims among which this one was picked by looking.
    weight
        Share of all rows that would break it by chance: how telling the rule is.
    """

    claim: Claim
    checks: int
    broken: int
    expected: float
    weight: float
    choices: float = 0.0


@dataclass
class Harvest:
    """Candidates of one kind, and the number of hypotheses among which they were found."""

    found: list[Candidate] = field(default_factory=list)
    tested: int = 0


def survives(candidate: Candidate, tested: int, thinned: float) -> float | None:
    """Return the bound of a candidate's share of exceptions if it lies far below chance.

    The bound is exact for binomial counts and holds for all `tested` candidates together at 95%
    (Bonferroni): for none broken, ``ln(tested / alpha) / checks``. `thinned` is units a row.
    """
    n = int(candidate.checks * thinned)
    broken = int(np.ceil(candidate.broken * thinned))
    if n < 1 or candidate.broken > _MOST_BROKEN * candidate.checks:
        return None
    if candidate.broken > _MOST_OF_EXPECTED * candidate.expected * candidate.checks:
        return None
    alpha = ALPHA / max(tested, 1) * float(np.exp(-min(candidate.choices, 600.0)))
    bound = at_most(broken, n, alpha) if alpha > 1e-280 else 1.0
    return bound if bound <= _FAR_BELOW * candidate.expected else None
