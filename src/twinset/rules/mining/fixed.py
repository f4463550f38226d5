"""Pairs of columns that form only few of their possible combinations."""

from __future__ import annotations

import itertools

import numpy as np

from twinset.rules.combinations import Fixed
from twinset.rules.mining.candidates import Candidate
from twinset.rules.mining.column_views import Facet

__all__ = ["fixed_pairs"]

_LEAST_LEVELS = 4
_LEAST_EMPTY = 0.6
_MOST_CELLS = 4_000_000
_MOST_SINGLES = 0.001


def fixed_pairs(facets: list[Facet], implied: set[frozenset[str]]) -> list[Candidate]:
    """Pairs of which most combinations, weighed by chance, never occur, and new ones hardly come.

    The share of rows that stand alone in their combination estimates how many new ones bring
    (Good 1953); the holdout must agree.
    """
    found = []
    for a, b in itertools.combinations(facets, 2):
        if frozenset((a.name, b.name)) in implied:
            continue
        if min(len(a.levels), len(b.levels)) < _LEAST_LEVELS:
            continue
        rows, width = len(a.codes), len(b.levels) + 1
        if (len(a.levels) + 1) * width > _MOST_CELLS:
            continue
        counts = np.bincount(
            (a.codes + 1) * width + b.codes + 1, minlength=(len(a.levels) + 1) * width
        ).reshape(-1, width)
        chance = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / rows**2
        empty = float(chance[counts == 0].sum())
        single = np.count_nonzero(counts == 1)
        if empty < _LEAST_EMPTY or single > _MOST_SINGLES * rows:
            continue
        found.append(Candidate(Fixed((a.name, b.name)), rows, 0, empty, empty))
    return found
