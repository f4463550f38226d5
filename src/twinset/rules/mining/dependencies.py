"""Which values go together: columns that determine another, pairs of few combinations."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from twinset.rules.combinations import Determines, Fixed, row_codes
from twinset.rules.mining.candidates import Candidate, Harvest
from twinset.rules.mining.column_views import ColumnView

__all__ = ["broken_groups", "fixed_pairs", "pair_dependencies", "single_dependencies"]

Codes = npt.NDArray[np.int64]
_LOOSE = 0.02
_SCREEN = 0.05  # of what two rows drawn apart would differ
_SCREEN_ROWS = 8_000
_LEAST_CHECKS = 60
_TABLE_CELLS = 4_000_000
_LEAST_LEVELS = 4
_LEAST_EMPTY = 0.6
_MOST_SINGLES = 0.001


def broken_groups(left: Codes, right: Codes) -> tuple[int, int]:
    """Rows beyond the first in groups of equal `left`, and rows that are not their group's mode.

    Both arrays have shape (rows,) and codes from 0.
    """
    if not len(left):
        return 0, 0
    groups, width = int(left.max()) + 1, int(right.max()) + 1
    cells = left * width + right
    if groups * width <= _TABLE_CELLS:
        counts = np.bincount(cells, minlength=groups * width).reshape(groups, width)
        sizes, most = counts.sum(axis=1), counts.max(axis=1)
    else:
        distinct, count = np.unique(cells, return_counts=True)
        most = np.zeros(groups, dtype=np.int64)
        np.maximum.at(most, distinct // width, count)
        sizes = np.bincount(left, minlength=groups)
    return int(np.maximum(sizes - 1, 0).sum()), int((sizes - most).sum())


def single_dependencies(views: list[ColumnView], rng: np.random.Generator) -> Harvest:
    """Pairs of columns of which one determines the other."""
    harvest = Harvest()
    for a, b in itertools.permutations(views, 2):
        harvest.tested += 1
        if len(a.levels) < 2 or len(b.levels) + bool((b.codes < 0).any()) < 2:
            continue
        known = a.codes >= 0
        left, right = a.codes[known], b.codes[known] + 1
        checks, broken = broken_groups(left, right)
        if checks < _LEAST_CHECKS or broken > _LOOSE * checks:
            continue
        chance = broken_groups(left, rng.permutation(right))[1] / checks
        claim = Determines((a.name,), b.name)
        weight = chance * checks / len(known)
        harvest.found.append(Candidate(claim, checks, broken, chance, weight))
    return harvest


def pair_dependencies(
    views: list[ColumnView], single: set[tuple[str, str]], rng: np.random.Generator
) -> Harvest:
    """Pairs of columns that together determine a third, which neither does alone.

    `single` holds the (left, right) names that are known already. Chance is the better of the two
    alone.
    """
    harvest = Harvest()
    usable = [f for f in views if len(f.levels) > 1]
    rows = len(usable[0].codes) if usable else 0
    some = np.sort(rng.permutation(rows)[:_SCREEN_ROWS])
    spread = {f.name: _spread(f.codes[some]) for f in usable}
    for a, b in itertools.combinations(usable, 2):
        if (a.name, b.name) in single or (b.name, a.name) in single:
            continue
        targets = [
            c
            for c in usable
            if c not in (a, b) and not {(a.name, c.name), (b.name, c.name)} & single
        ]
        harvest.tested += len(targets)
        known = (a.codes >= 0) & (b.codes >= 0)
        key = row_codes([a.codes[some], b.codes[some]])
        order = np.argsort(key, kind="stable")
        order = order[known[some][order]]
        same = key[order][1:] == key[order][:-1]
        if int(same.sum()) < _LEAST_CHECKS:
            continue
        for c in targets:
            right = c.codes[some][order]
            differ = np.count_nonzero((right[1:] != right[:-1]) & same)
            if differ > _SCREEN * spread[c.name] * same.sum():
                continue
            found = _pair(a, b, c, known)
            if found is not None:
                harvest.found.append(found)
    return harvest


def _spread(codes: Codes) -> float:
    """Return the probability that two rows differ."""
    share = np.bincount(codes + 1) / max(len(codes), 1)
    return float(1 - np.sum(share**2))


def _pair(
    a: ColumnView, b: ColumnView, c: ColumnView, known: npt.NDArray[np.bool_]
) -> Candidate | None:
    """Count on all rows; the two alone are judged on the rows that share their pair with others."""
    key = np.unique(row_codes([a.codes[known], b.codes[known]]), return_inverse=True)[1].reshape(-1)
    shared = np.bincount(key)[key] > 1
    key, right = key[shared].astype(np.int64), c.codes[known][shared] + 1
    checks, broken = broken_groups(key, right)
    if checks < _LEAST_CHECKS or broken > _LOOSE * checks:
        return None
    alone = [broken_groups(f.codes[known][shared], right)[1] / checks for f in (a, b)]
    claim = Determines((a.name, b.name), c.name)
    weight = min(alone) * checks / len(known)
    return Candidate(claim, checks, broken, min(min(alone), 1.0), weight)


def fixed_pairs(views: list[ColumnView], implied: set[frozenset[str]]) -> list[Candidate]:
    """Pairs of which most combinations, weighed by chance, never occur, and new ones hardly come.

    The share of rows that stand alone in their combination estimates how many new ones bring
    (Good 1953); the holdout must agree.
    """
    found = []
    for a, b in itertools.combinations(views, 2):
        if frozenset((a.name, b.name)) in implied:
            continue
        if min(len(a.levels), len(b.levels)) < _LEAST_LEVELS:
            continue
        rows, width = len(a.codes), len(b.levels) + 1
        if (len(a.levels) + 1) * width > _TABLE_CELLS:
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
