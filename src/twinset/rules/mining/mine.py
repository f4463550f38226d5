"""Mine rules from a table and confirm them on fresh rows of it."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable

from scipy import stats

from twinset.progress import phase
from twinset.rules.check import at_most
from twinset.rules.combinations import Fixed
from twinset.rules.constraints import Claim, Equation
from twinset.rules.mining.candidates import ALPHA, Candidate, survives
from twinset.rules.mining.column_views import ColumnView, views
from twinset.rules.mining.dependencies import fixed_pairs, pair_dependencies, single_dependencies
from twinset.rules.mining.domains import (
    Domain,
    domains,
    is_edge,
    missing_together,
    null_cells,
    tested_domains,
)
from twinset.rules.mining.number_relations import equations, orders
from twinset.rules.mining.redundancy import (
    Kept,
    closure,
    column_aliases,
    event_aliases,
    join_domains,
    order_of,
    single_pairs,
    without_chains,
    without_implied,
)
from twinset.rules.rule import Found, Rule, Rules
from twinset.stats.seeds import stream
from twinset.stats.units import draw
from twinset.table.table import Table

__all__ = ["mine"]

_MOST_ROWS = 100_000
_REFUTED = 0.001
_MOST_RULES = 300
_MOST_ALIKE = 8
_PROTECT = 5


def mine(train: Table, holdout: Table | None = None, *, seed: int = 0) -> Rules:
    """Return the rules that `train` keeps far beyond chance, the most telling first.

    Parameters
    ----------
    train
        Rows in which rules are looked for (a random 100,000 of more).
    holdout
        Other rows: a rule whose exceptions there do not fit its bound is dropped.

    Notes
    -----
    A candidate survives if the exact upper bound of its share of exceptions, corrected for the
    number of all candidates looked at, lies at a fifth or less of what independent columns would
    show (for a dependency on two columns: of the better of the two alone), and at most 0.5% of
    rows break it. Of rules that follow from others the more telling ones are kept.
    """
    with phase("mine rules", 4) as running:
        train = _part(train, seed)
        everything = views(train)
        rng = stream(seed, "rules")
        thinned = train.num_units / max(train.num_rows, 1)
        equal, single = equations(train, everything, rng), single_dependencies(everything, rng)
        tested = equal.tested + single.tested + tested_domains(everything)
        first = [c for c, _ in _kept([*equal.found, *single.found], tested, thinned)]
        running.advance(detail="equations")
        aliases = column_aliases(everything, first)
        columns = [f for f in everything if f.name not in aliases]
        single_names = closure(single_pairs(first))
        pairs = pair_dependencies(columns, single_names, rng)
        running.advance(detail="dependencies")
        ordered = orders(columns)
        tested += pairs.tested + ordered.tested
        straight = [
            *(c for c in first if not _about_alias(c.claim, aliases)),
            *pairs.found,
            *ordered.found,
        ]
        kept = without_implied(_kept(straight, tested, thinned))
        names: dict[Claim, str] = {}
        together = []
        for candidate, words, group in missing_together(columns):
            if _kept([candidate], tested, thinned):
                kept += _kept([candidate], tested, thinned)
                names[candidate.claim] = words
                together.append(group)
        linked = {frozenset(p) for p in single_names}
        several = [c for c, _ in _kept(fixed_pairs(columns, linked), tested, thinned)]
        kept += _kept(several, tested, thinned)
        linked |= {frozenset(c.claim.columns) for c in several}
        running.advance(detail="orders")
        in_order = {frozenset(o) for c, _ in kept if (o := order_of(c.claim))}
        in_order |= {
            frozenset(p)
            for c, _ in kept
            if isinstance(c.claim, Equation)
            for p in itertools.combinations(c.claim.columns, 2)
        }
        found = domains(columns, linked, in_order, thinned, event_aliases(columns))
        kept += _cover(found, together, tested, thinned)
        running.advance(detail="domains")
    confirmed = _confirm(kept, names, train, holdout)
    confirmed.sort(key=lambda pair: -pair[1])
    return Rules(tuple(r for r, _ in confirmed[:_MOST_RULES]), "mined rules")


def _about_alias(claim: Claim, aliases: dict[str, str]) -> bool:
    """Whether a claim speaks of a column that renames another, and not of that fact itself."""
    own = {frozenset(pair) for pair in aliases.items()}
    return bool(set(claim.columns) & set(aliases)) and frozenset(claim.columns) not in own


def _part(table: Table, seed: int) -> Table:
    if table.num_rows <= _MOST_ROWS:
        return table
    return table.take(draw(table.units, table.num_rows, _MOST_ROWS, stream(seed, "rules", "part")))


def _kept(found: Iterable[Candidate], tested: int, thinned: float) -> list[Kept]:
    bounds = [(c, survives(c, tested, thinned)) for c in found]
    return [(c, bound) for c, bound in bounds if bound is not None]


def _cover(
    found: list[Domain], together: list[tuple[ColumnView, ...]], tested: int, thinned: float
) -> list[Kept]:
    """Keep the domains that forbid something which no more telling one does, and join them.

    Columns in `together` are null in the same rows: what is said of one holds for all.
    """
    mates = {f.name: group for group in together for f in group}
    covered = {cell for group in together for cell in null_cells(group)}
    kept: list[tuple[Domain, float]] = []
    often: Counter[tuple[str, str, str]] = Counter()
    order = sorted(found, key=lambda d: (-d.candidate.weight, d.candidate.claim.words))
    for domain in order:
        bound = survives(domain.candidate, tested, thinned)
        mine = domain.forbidden(())
        kind = (domain.given.name, domain.about.name, domain.form)
        if bound is None or mine <= covered or often[kind] >= _MOST_ALIKE:
            continue
        kept.append((domain, bound))
        often[kind] += 1
        covered |= domain.forbidden(mates.get(domain.given.name, ()))
    return join_domains(without_chains(kept))


def _confirm(
    kept: list[Kept], names: dict[Claim, str], train: Table, holdout: Table | None
) -> list[tuple[Rule, float]]:
    """Turn candidates into rules, without those that fresh rows refute."""
    rules = []
    for candidate, bound in kept:
        claim = candidate.claim.learned(train, _PROTECT)
        rows = broken = 0
        if holdout is not None and holdout.num_rows:
            outcome = claim.outcome(holdout)
            rows, broken = outcome.counts
            most = max(bound, (candidate.broken + 1) / candidate.checks)
            if broken and stats.binom.sf(broken - 1, rows, min(most, 1.0)) < _REFUTED:
                continue
            if broken and is_edge(claim):
                continue
            if isinstance(claim, Fixed) and broken > ALPHA * candidate.expected * rows:
                continue
        counts, expected = claim.outcome(train).counts, round(candidate.expected, 4)
        found = Found(*counts, expected, float(f"{bound:.3g}"), rows, broken)
        counted = found.rows + rows, found.broken + broken
        exceptions = _rounded_up(at_most(counted[1], counted[0])) if counted[1] else 0.0
        rule = Rule(candidate.claim, names.get(candidate.claim, ""), exceptions, found)
        rules.append((rule, candidate.weight))
    return rules


def _rounded_up(share: float) -> float:
    shown = float(f"{share:.1g}")
    return shown if shown >= share else float(f"{share + 10 ** math.floor(math.log10(share)):.1g}")
