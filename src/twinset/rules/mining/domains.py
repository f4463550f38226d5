"""Conditional domains and impossible combinations: what an event of one column leaves to another.

An event is a value, a frequent number, or whether there is a value at all. For each event and each
other column three things are asked: is the other column always null, or never? does it take only
some of its values? does its range end at a hard edge?
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinset.rules.combinations import Cell
from twinset.rules.constraints import Claim, Holds
from twinset.rules.mining.candidates import ALPHA, Candidate, survives
from twinset.rules.mining.column_views import ColumnEvent, ColumnView, literal, one_of
from twinset.stats.codes import round_between
from twinset.table.expressions.syntax import Compare, IsNull, Logic, Name, Node
from twinset.table.schema import Kind

__all__ = [
    "Domain",
    "consequence",
    "domains",
    "implication",
    "is_edge",
    "missing_together",
    "null_cells",
    "tested_domains",
]

_EDGE_WINDOWS = (1, 2, 4, 8, 16, 32)
_BINS = 512
_LEAST_OUTSIDE = 20
_FEW_ALLOWED = 4
_LEAST_NULL = 20
_STEADY = 0.7  # of the rate further in: less is a tail that fades


@dataclass(frozen=True, eq=False)
class Domain:
    """A candidate: what an event of the column `given` leaves to the column `about`.

    Attributes
    ----------
    form
        ``"in"``, ``"not in"``, ``"null"``, ``"known"``, ``"<="`` or ``">="``.
    values
        Values that it allows or forbids; the edge.
    cells
        Pairs of (label of the event, label of a value of `about`) that it forbids.
    """

    candidate: Candidate
    event: ColumnEvent
    given: ColumnView
    about: ColumnView
    form: str
    values: tuple[Cell, ...]
    cells: frozenset[tuple[str, str]]

    def forbidden(self, mates: Sequence[ColumnView]) -> set[tuple[str, str, str, str]]:
        """Pairs of single values that it forbids, in both directions.

        An event of being null or known is also one of the `mates`, which are null in the same rows.
        """
        found = set()
        for left, right in self.cells:
            givens = [self.given]
            if left in ("null", "known"):
                givens += [m for m in mates if m is not self.given]
            for given in givens:
                for g in given.atoms(left):
                    for w in self.about.atoms(right):
                        found.add((given.name, g, self.about.name, w))
                        found.add((self.about.name, w, given.name, g))
        return found


def domains(
    views: list[ColumnView],
    implied: set[frozenset[str]],
    ordered: set[frozenset[str]],
    thinned: float,
    same: Mapping[tuple[str, str], str],
) -> list[Domain]:
    """Rules ``event implies ...`` that survive the correction for all that was looked at.

    Pairs of columns in `implied` are left out, and those in `ordered` between numbers; so are
    events and nulls that only repeat those of another column, by `same`.
    """
    pairs = [
        (a, b)
        for a in views
        for b in views
        if a is not b and frozenset((a.name, b.name)) not in implied
    ]
    events = {f.name: f.events() for f in views}
    tested = tested_domains(views)
    scales = {f.name: _Binned.of(f) for f in views if f.is_scale}
    found: list[Domain] = []
    for a, b in pairs:
        numbers_in_order = frozenset((a.name, b.name)) in ordered
        for event in events[a.name]:
            if same.get((a.name, event.label), b.name) != b.name:
                continue
            if same.get((b.name, "null"), a.name) == a.name and not _together(a, event, b):
                found += _nulls(a, event, b)
            if numbers_in_order and event.kind in ("value", "other") and a.values is not None:
                continue
            found += _values(a, event, b)
            if b.name in scales:
                found += scales[b.name].edges(a, event, tested)
    return [d for d in found if survives(d.candidate, tested, thinned) is not None]


def _together(a: ColumnView, event: ColumnEvent, b: ColumnView) -> bool:
    """Whether both columns are null in the same rows: that is a rule of its own."""
    return event.kind in ("null", "known") and bool(((a.codes < 0) == (b.codes < 0)).all())


def missing_together(
    views: list[ColumnView],
) -> list[tuple[Candidate, str, tuple[ColumnView, ...]]]:
    """Groups of columns that are null in the same rows, with words and the columns."""
    groups: dict[bytes, list[ColumnView]] = {}
    for view in views:
        null = view.codes < 0
        if _LEAST_NULL <= int(null.sum()) <= len(null) - _LEAST_NULL:
            key = hashlib.blake2b(np.packbits(null).tobytes(), digest_size=16).digest()
            groups.setdefault(key, []).append(view)
    found = []
    for group in groups.values():
        if len(group) < 2:
            continue
        names = tuple(f.name for f in group)
        share = float((group[0].codes < 0).mean())
        chance = 1 - share ** len(names) - (1 - share) ** len(names)
        claim = Holds.of(Logic(0, "or", (_all(names, False), _all(names, True))))
        words = f"{', '.join(names[:-1])} and {names[-1]} are missing together"
        rows = len(group[0].codes)
        found.append((Candidate(claim, rows, 0, chance, chance), words, tuple(group)))
    return found


def _all(names: tuple[str, ...], known: bool) -> Node:
    return Logic(0, "and", tuple(IsNull(0, Name(0, n), known) for n in names))


def null_cells(group: tuple[ColumnView, ...]) -> set[tuple[str, str, str, str]]:
    """Pairs of single values that columns which are null together forbid."""
    found = set()
    for a, b in itertools.permutations(group, 2):
        for atom in a.atoms("known"):
            found.add((a.name, atom, b.name, "null"))
            found.add((b.name, "null", a.name, atom))
    return found


def tested_domains(views: list[ColumnView]) -> int:
    """Number of hypotheses that `domains` looks at."""
    events = {f.name: len(f.events()) for f in views}
    return sum(events[a.name] * (len(b.shown) + 3) for a in views for b in views if a is not b)


def _domain(
    a: ColumnView,
    event: ColumnEvent,
    b: ColumnView,
    what: tuple[str, tuple[Cell, ...]],
    counts: tuple[int, int, float],
    cells: Sequence[str],
    choices: float = 0.0,
) -> Domain:
    form, values = what
    claim = implication(event.condition, consequence(b, form, values))
    checks, broken, expected = counts
    weight = expected * checks / len(a.codes)
    candidate = Candidate(claim, checks, broken, expected, weight, choices)
    forbidden = frozenset((event.label, c) for c in cells)
    return Domain(candidate, event, a, b, form, values, forbidden)


def implication(condition: Node, then: Node) -> Holds:
    """``condition implies then``."""
    return Holds.of(Logic(0, "implies", (condition, then)))


def is_edge(claim: Claim) -> bool:
    """Whether a claim ends the range of a number column: one exception refutes it."""
    tree = claim.expression.tree if isinstance(claim, Holds) else None
    return (
        isinstance(tree, Logic)
        and isinstance(tree.items[-1], Compare)
        and tree.items[-1].sign in ("<=", ">=")
    )


def consequence(about: ColumnView, form: str, values: tuple[Cell, ...]) -> Node:
    """Return what a domain says of its column."""
    name = Name(0, about.name)
    if form in ("null", "known"):
        return IsNull(0, name, form == "known")
    if form in ("in", "not in"):
        return one_of(about.column, values, negated=form == "not in")
    return Compare(0, form, name, literal(about.column, values[0]))


def _nulls(a: ColumnView, event: ColumnEvent, b: ColumnView) -> Iterator[Domain]:
    null = b.codes < 0
    share = float(null.mean())
    if not 0 < share < 1:
        return
    n, empty = event.count, int((null & event.rows).sum())
    if empty <= n / 2:
        yield _domain(a, event, b, ("known", ()), (n, empty, share), ["null"])
    else:
        yield _domain(a, event, b, ("null", ()), (n, n - empty, 1 - share), ["known"])


def _values(a: ColumnView, event: ColumnEvent, b: ColumnView) -> Iterator[Domain]:
    """Values that the other column takes, or never takes, where it has one."""
    known = b.discrete >= 0
    size = len(b.shown) + 1
    every = np.bincount(b.discrete[known], minlength=size)
    mine = np.bincount(b.discrete[known & event.rows], minlength=size)
    n, total = int(mine.sum()), int(every.sum())
    if n == 0 or total == 0 or np.count_nonzero(every) < 2:
        return
    share = every / total
    taken = mine > np.maximum(0.002 * n, 0.005 * share * n)
    left_out = float(share[~taken].sum())
    labels = [*(f"value {v}" for v in b.shown), "other"]
    allowed = np.flatnonzero(taken[:-1])
    few = len(allowed) <= max(_FEW_ALLOWED, len(b.shown) // 4)
    if len(allowed) and few and left_out > 0 and not taken[-1]:
        what = ("in", tuple(b.shown[i] for i in allowed))
        cells = [labels[i] for i in np.flatnonzero(~taken & (every > 0))]
        counts = (n, int(mine[~taken].sum()), left_out)
        # the set was picked by looking: any subset of the levels could have been
        choices = 0.0 if len(allowed) == 1 else size * math.log(2)
        yield _domain(a, event, b, what, counts, cells, choices)
        return
    if not len(allowed) and taken[-1] and 0 < len(b.shown) <= _FEW_ALLOWED:
        counts = (n, int(mine[:-1].sum()), float(share[:-1].sum()))
        yield _domain(a, event, b, ("not in", b.shown), counts, labels[:-1])
        return
    for i in np.flatnonzero(~taken[:-1]):
        counts = (n, int(mine[i]), float(share[i]))
        yield _domain(a, event, b, ("not in", (b.shown[i],)), counts, [labels[i]])


@dataclass(frozen=True, eq=False)
class _Binned:
    """A number column in bins of about equal mass, for hard edges."""

    view: ColumnView
    bins: npt.NDArray[np.int64]  # shape (rows,), -1 where null
    every: npt.NDArray[np.int64]  # rows in each bin

    @classmethod
    def of(cls, view: ColumnView) -> _Binned:
        """Code the column."""
        values = _plain(view)
        known = ~np.isnan(values)
        quantiles = np.quantile(values[known], np.linspace(0, 1, _BINS + 1)[1:-1])
        bins = np.where(known, np.searchsorted(np.unique(quantiles), values, side="left"), -1)
        return cls(view, bins, np.bincount(bins[known], minlength=int(bins.max()) + 1))

    def edges(self, a: ColumnView, event: ColumnEvent, tested: int) -> Iterator[Domain]:
        """``event implies column <= t`` or ``>= t`` where the event ends at a hard edge."""
        known = self.bins >= 0
        inside = np.bincount(self.bins[known & event.rows], minlength=len(self.every))
        if np.count_nonzero(inside) < 2:
            return
        for top in (True, False):
            mine, every = (inside, self.every) if top else (inside[::-1], self.every[::-1])
            last = int(np.flatnonzero(mine)[-1])
            if int(every[last + 1 :].sum()) < _LEAST_OUTSIDE:
                continue
            if self._is_sharp(mine, every, last, tested):
                yield self._edge(a, event, top)

    @staticmethod
    def _is_sharp(
        mine: npt.NDArray[np.int64], every: npt.NDArray[np.int64], last: int, tested: int
    ) -> bool:
        """Whether the event is too frequent just inside to be absent just outside by chance.

        If its rate went on at half of what it is in the last bins, none in the next bins would
        have probability ``exp(-rate * rows / 2)``. A rate that fades before the end is a tail.
        """
        limit = math.log(tested * len(_EDGE_WINDOWS) / ALPHA)
        for width in _EDGE_WINDOWS:
            near = slice(max(last + 1 - width, 0), last + 1)
            half = (width + 1) // 2
            outer = slice(max(last + 1 - half, 0), last + 1)
            inner = slice(max(last + 1 - 2 * half, 0), outer.start)
            rate, at_end, before = (
                mine[w].sum() / max(every[w].sum(), 1) for w in (near, outer, inner)
            )
            expected = rate * every[last + 1 : last + 1 + width].sum() / 2
            if expected >= limit and at_end >= _STEADY * before:
                return True
        return False

    def _edge(self, a: ColumnView, event: ColumnEvent, top: bool) -> Domain:
        values = _plain(self.view)
        mine = values[event.rows & ~np.isnan(values)]
        known = values[~np.isnan(values)]
        end = float(mine.max() if top else mine.min())
        beyond = known[known > end] if top else known[known < end]
        next_ = float(beyond.min() if top else beyond.max())
        if self.view.column.kind is Kind.REAL:
            end = _between(end, next_)
        sign = "<=" if top else ">="
        cells = [f"{sign} {end}"]
        listed = [v for v in self.view.shown if isinstance(v, float)]
        cells += [f"value {v}" for v in listed if (v > end if top else v < end)]
        counts = (len(mine), 0, len(beyond) / len(known))
        return _domain(a, event, self.view, (sign, (end,)), counts, cells)


def _plain(view: ColumnView) -> npt.NDArray[np.float64]:
    """Return the numbers without the frequent ones, which are events by themselves."""
    return np.where(view.discrete == len(view.shown), view.amounts, np.nan)


def _between(end: float, beyond: float) -> float:
    """Return the roundest number from `end` on that is short of `beyond`."""
    low, high = min(end, beyond), max(end, beyond)
    if end > beyond:
        return round_between(low + 0.001 * (high - low), high)
    return round_between(low, low + 0.999 * (high - low))
