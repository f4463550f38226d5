"""Rules that follow from others: each fact is said once, by the rule that says most."""

from __future__ import annotations

from twinset.rules.combinations import Determines
from twinset.rules.constraints import Claim, Equation, Holds
from twinset.rules.mining.aliases import closure, single_pairs
from twinset.rules.mining.candidates import Candidate
from twinset.table.expressions.syntax import Compare, Name

__all__ = ["order_of", "without_implied"]

Kept = tuple[Candidate, float]  # with the bound of its exceptions


def order_of(claim: Claim) -> tuple[str, str] | None:
    """(low, high) of an inequality between two columns; None for any other claim."""
    tree = claim.expression.tree if isinstance(claim, Holds) else None
    if isinstance(tree, Compare) and isinstance(tree.left, Name) and isinstance(tree.right, Name):
        return tree.left.name, tree.right.name
    return None


def without_implied(kept: list[Kept]) -> list[Kept]:
    """Drop what follows from equations, from shorter dependencies and from chains of orders."""
    equations = [set(c.claim.columns) for c, _ in kept if isinstance(c.claim, Equation)]
    single = closure(single_pairs(c for c, _ in kept))
    below = {pair for c, _ in kept if (pair := order_of(c.claim))}
    out = []
    for candidate, bound in kept:
        claim = candidate.claim
        if not isinstance(claim, Equation) and any(set(claim.columns) <= e for e in equations):
            continue
        if isinstance(claim, Determines) and len(claim.names) == 2 and _shorter(claim, single):
            continue
        pair = order_of(claim)
        if pair and any((pair[0], m) in below and (m, pair[1]) in below for _, m in below):
            continue
        out.append((candidate, bound))
    return _fewest_sums(_fewest_dependencies(out))


def _shorter(claim: Determines, single: set[tuple[str, str]]) -> bool:
    a, b = claim.names
    return bool({(a, b), (b, a), (a, claim.gives), (b, claim.gives)} & single)


def _fewest_dependencies(kept: list[Kept]) -> list[Kept]:
    """Drop single dependencies that follow from two others, the least telling first."""
    held = single_pairs(c for c, _ in kept)
    dropped: set[int] = set()
    for candidate, _ in sorted(kept, key=lambda k: k[0].weight):
        claim = candidate.claim
        if not isinstance(claim, Determines) or len(claim.names) > 1:
            continue
        pair = (claim.names[0], claim.gives)
        if pair in closure(held - {pair}):
            held.discard(pair)
            dropped.add(id(candidate))
    return [k for k in kept if id(k[0]) not in dropped]


def _fewest_sums(kept: list[Kept]) -> list[Kept]:
    """Of equations on the same columns keep the most telling."""
    best: dict[frozenset[str], Candidate] = {}
    for candidate, _ in kept:
        if isinstance(candidate.claim, Equation):
            key = frozenset(candidate.claim.columns)
            if key not in best or candidate.weight > best[key].weight:
                best[key] = candidate
    chosen = {id(c) for c in best.values()}
    return [k for k in kept if not isinstance(k[0].claim, Equation) or id(k[0]) in chosen]
