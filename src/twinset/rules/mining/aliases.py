"""Columns and events that only rename another: rules about them are said once."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable

import numpy as np

from twinset.rules.combinations import Determines
from twinset.rules.constraints import Equation, Holds
from twinset.rules.mining.candidates import Candidate
from twinset.rules.mining.column_views import Facet
from twinset.table.expressions.expression import Expression
from twinset.table.expressions.syntax import IsNull, Logic, Name, Node

__all__ = [
    "closure",
    "column_aliases",
    "event_aliases",
    "missing_together",
    "null_cells",
    "single_pairs",
]

_LEAST = 20


def single_pairs(found: Iterable[Candidate]) -> set[tuple[str, str]]:
    """(left, right) of the dependencies on one column."""
    return {
        (c.claim.names[0], c.claim.gives)
        for c in found
        if isinstance(c.claim, Determines) and len(c.claim.names) == 1
    }


def closure(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """All pairs that follow by chains."""
    closed = set(pairs)
    while True:
        more = {(a, d) for a, b in closed for c, d in closed if b == c and a != d} - closed
        if not more:
            return closed
        closed |= more


def column_aliases(facets: list[Facet], found: Iterable[Candidate]) -> dict[str, str]:
    """Columns that are one to one with another: the name of the one that stays, by name.

    Words stay before numbers, and what comes first in the table before what comes later.
    """
    found = list(found)
    pairs = single_pairs(found)
    for candidate in found:
        if isinstance(candidate.claim, Equation) and len(candidate.claim.columns) == 2:
            a, b = candidate.claim.columns
            pairs |= {(a, b), (b, a)}
    closed = closure(pairs)
    order = sorted(facets, key=lambda f: f.values is not None)
    aliases: dict[str, str] = {}
    for facet in order:
        if facet.name in aliases:
            continue
        for other in order:
            both = {(facet.name, other.name), (other.name, facet.name)}
            if other is not facet and other.name not in aliases and both <= closed:
                aliases[other.name] = facet.name
    return aliases


def event_aliases(facets: list[Facet]) -> dict[tuple[str, str], str]:
    """Events that happen in the same rows as one of an earlier column: that column's name."""
    first: dict[bytes, str] = {}
    aliases: dict[tuple[str, str], str] = {}
    for facet in facets:
        for event in facet.events():
            key = hashlib.blake2b(np.packbits(event.rows).tobytes(), digest_size=16).digest()
            if first.setdefault(key, facet.name) != facet.name:
                aliases[facet.name, event.label] = first[key]
    return aliases


def missing_together(facets: list[Facet]) -> list[tuple[Candidate, str, tuple[Facet, ...]]]:
    """Groups of columns that are null in the same rows, with words and the columns."""
    groups: dict[bytes, list[Facet]] = {}
    for facet in facets:
        null = facet.codes < 0
        if _LEAST <= int(null.sum()) <= len(null) - _LEAST:
            key = hashlib.blake2b(np.packbits(null).tobytes(), digest_size=16).digest()
            groups.setdefault(key, []).append(facet)
    found = []
    for group in groups.values():
        if len(group) < 2:
            continue
        names = tuple(f.name for f in group)
        share = float((group[0].codes < 0).mean())
        chance = 1 - share ** len(names) - (1 - share) ** len(names)
        tree = Logic(0, "or", (_all(names, False), _all(names, True)))
        claim = Holds(Expression(tree, str(tree)))
        words = f"{', '.join(names[:-1])} and {names[-1]} are missing together"
        rows = len(group[0].codes)
        found.append((Candidate(claim, rows, 0, chance, chance), words, tuple(group)))
    return found


def null_cells(group: tuple[Facet, ...]) -> set[tuple[str, str, str, str]]:
    """Pairs of single values that columns which are null together forbid."""
    found = set()
    for a, b in itertools.permutations(group, 2):
        for atom in a.atoms("known"):
            found.add((a.name, atom, b.name, "null"))
            found.add((b.name, "null", a.name, atom))
    return found


def _all(names: tuple[str, ...], known: bool) -> Node:
    return Logic(0, "and", tuple(IsNull(0, Name(0, n), known) for n in names))
