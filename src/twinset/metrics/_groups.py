"""Groups of rows by one column or two: sensitive columns first, then those of few categories."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinset.evidence.coded import Side
from twinset.evidence.evidence import Evidence
from twinset.stats.association import mid_ranks
from twinset.stats.codes import round_between
from twinset.stats.sorted_values import distinct
from twinset.stats.suppression import Tabulation, conceal
from twinset.stats.units import unit_counts

__all__ = ["LEAST", "Grouping", "column_groups", "groupings", "outcomes"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Line = tuple[Ints, dict[Side, Ints]]

LEAST = 30  # train units that a group must have
_MINIMUM = 10  # units in what is left
_LEVELS = 12
_SINGLE = 8
_CROSSED = 10
_PARTS = 4
_CLASSES = 3


@dataclass(frozen=True, eq=False)
class Grouping:
    """Rows by their values in `columns`.

    Attributes
    ----------
    names
        Each group in words.
    codes
        Shape (rows,) for each side: the group, or -1 for rows in none (null, unseen, too rare).
    lines
        Ways to add groups up to what is known besides (the whole, a margin): the line of each group
        and, for each side, of each row.
    """

    columns: tuple[str, ...]
    names: tuple[str, ...]
    codes: dict[Side, Ints]
    lines: tuple[Line, ...]

    def units(self, evidence: Evidence, side: Side) -> Ints:
        """Return shape (groups,): units of each group."""
        size = len(self.names)
        code = np.where(self.codes[side] < 0, size, self.codes[side])
        return unit_counts(code, evidence.units(side), size + 1)[:-1]

    def conceal(
        self, evidence: Evidence, shown: Flags, parts: Sequence[tuple[Side, Flags]]
    ) -> Flags:
        """Hide groups until no sum over the rows of a part, less the shown groups, is small."""
        tables = [
            Tabulation(
                np.where(rows, self.codes[side], -1),
                [np.where(rows, of_row[side], -1) for _, of_row in self.lines],
                evidence.units(side),
            )
            for side, rows in parts
        ]
        sizes = self.units(evidence, "train")
        return conceal(shown, sizes, [g for g, _ in self.lines], tables, _MINIMUM)

    def joint(self, side: Side, codes: npt.NDArray[np.integer], size: int) -> Ints:
        """Return shape (groups, size): rows of each group with each of these codes."""
        own = self.codes[side]
        there = own >= 0
        index = own[there] * size + codes[there].astype(np.int64)
        return np.bincount(index, minlength=len(self.names) * size).reshape(-1, size)

    def rows(self, side: Side) -> Ints:
        """Return shape (groups,): rows of each group."""
        own = self.codes[side]
        return np.bincount(own[own >= 0], minlength=len(self.names))


def groupings(evidence: Evidence, *, sensitive: bool) -> list[Grouping]:
    """Return groupings by sensitive columns and their pairs.

    Without `sensitive`, the other columns of 2 to 12 categories follow, and pairs of the first
    columns where fewer than two are sensitive.
    """
    names = [*evidence.sensitive]
    if not sensitive:
        numbers = set(evidence.numeric())
        names += [n for n in evidence.columns if n not in names and n not in numbers]
    single: list[Grouping] = []
    for name in names:
        if len(single) == max(_SINGLE, len(evidence.sensitive)):
            break
        found = _by(evidence, name)
        if found is not None and (name in evidence.sensitive or len(found.names) <= _LEVELS):
            single.append(found)
    marked = [g for g in single if g.columns[0] in evidence.sensitive]
    base = marked if sensitive or len(marked) > 1 else single[:4]
    crossed = [_cross(evidence, a, b) for a, b in itertools.combinations(base, 2)][:_CROSSED]
    return [*single, *(c for c in crossed if c is not None)]


def column_groups(evidence: Evidence) -> dict[str, Grouping]:
    """Return the groups of every column that has two: its few values, or about four ranges."""

    def make() -> dict[str, Grouping]:
        found = {name: _by(evidence, name) for name in evidence.columns}
        return {name: grouping for name, grouping in found.items() if grouping is not None}

    return evidence.once("column groups", make)


def _by(evidence: Evidence, name: str) -> Grouping | None:
    coded = evidence.columns[name]
    if name in evidence.numeric() and distinct(evidence.sorted("train", name)) > _LEVELS:
        return _ranges(evidence, name)
    known = coded.size - 2
    codes: dict[Side, Ints] = {}
    for side, code in coded.codes.items():
        codes[side] = np.where(code < known, code.astype(np.int64), -1)
    texts = [
        t.removeprefix("category ").removeprefix("at exactly ").strip("'")
        for t in coded.text[:known]
    ]
    return _kept(evidence, (name,), [f"{name} = {t}" for t in texts], codes)


def _ranges(evidence: Evidence, name: str) -> Grouping | None:
    """Group a column of numbers by about four ranges of equal mass, with round edges."""
    train = evidence.sorted("train", name)
    if not len(train):
        return None
    at = [np.quantile(train, [k / _PARTS - 0.06, k / _PARTS + 0.06]) for k in range(1, _PARTS)]
    edges = np.unique([round_between(float(a), float(b)) for a, b in at])
    codes: dict[Side, Ints] = {}
    for side in evidence.sides:
        values = evidence.values(side, name)
        code = np.searchsorted(edges, values, side="right").astype(np.int64)
        codes[side] = np.where(np.isnan(values), -1, code)
    shown = [f"{e:g}" for e in edges]
    names = [f"{name} below {shown[0]}"]
    names += [f"{name} from {a} to {b}" for a, b in itertools.pairwise(shown)]
    names.append(f"{name} {shown[-1]} or more")
    return _kept(evidence, (name,), names, codes)


def _cross(evidence: Evidence, a: Grouping, b: Grouping) -> Grouping | None:
    size = len(b.names)
    codes: dict[Side, Ints] = {}
    for side in evidence.sides:
        x, y = a.codes[side], b.codes[side]
        codes[side] = np.where((x < 0) | (y < 0), -1, x * size + y)
    names = [f"{x}, {y}" for x in a.names for y in b.names]
    cells = np.arange(len(names))
    margins = ((cells // size, a.codes), (cells % size, b.codes))
    return _kept(evidence, (*a.columns, *b.columns), names, codes, margins)


def _kept(
    evidence: Evidence,
    columns: tuple[str, ...],
    names: list[str],
    codes: dict[Side, Ints],
    margins: Sequence[Line] = (),
) -> Grouping | None:
    """Leave out groups of too few train units; None if fewer than two are left.

    Where the rows in no group are few, of all or of one of the `margins` (which are shown too), the
    smallest group joins them: their number could be had by subtraction.
    """
    size = len(names)
    if size < 2:
        return None
    everybody = {s: np.zeros(len(c), dtype=np.int64) for s, c in codes.items()}
    lines = ((np.zeros(size, dtype=np.int64), everybody), *margins)
    whole = Grouping(columns, tuple(names), codes, lines)
    real = [s for s in evidence.sides if s != "synthetic"]
    parts = [(s, np.ones(len(codes[s]), dtype=bool)) for s in real]
    shown = whole.conceal(evidence, whole.units(evidence, "train") >= LEAST, parts)
    large = np.flatnonzero(shown)
    if len(large) < 2:
        return None
    place = np.full(size + 1, -1)
    place[large] = np.arange(len(large))
    return Grouping(
        columns,
        tuple(names[i] for i in large),
        {s: place[c] for s, c in codes.items()},
        tuple((of_group[large], of_row) for of_group, of_row in lines),
    )


def outcomes(evidence: Evidence) -> dict[str, dict[Side, Floats]]:
    """Outcomes in [0, 1] by label, shape (rows,) a side, NaN where the target is unknown."""
    target = evidence.target or ""
    if target in evidence.numeric():
        train = evidence.sorted("train", target)
        if len(np.unique(train)) < 2:
            return {}
        ranks = mid_ranks(train)
        placed: dict[Side, Floats] = {}
        for side in evidence.sides:
            placed[side] = np.interp(evidence.values(side, target), train, ranks)
        return {"": placed}
    coded = evidence.columns[target]
    counts = unit_counts(coded.codes["train"], evidence.units("train"), coded.size)[:-2]
    common = np.argsort(-counts, kind="stable")
    common = common[counts[common] >= LEAST]
    chosen = common[1:2] if len(common) == 2 else common[:_CLASSES]
    found: dict[str, dict[Side, Floats]] = {}
    for code in chosen.tolist() if len(common) > 1 else []:
        label = coded.text[code].removeprefix("category ").strip("'")
        found[label] = {
            s: np.where(c == coded.null, np.nan, (c == code).astype(np.float64))
            for s, c in coded.codes.items()
        }
    return found
