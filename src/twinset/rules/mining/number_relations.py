"""Relations between number columns: units, sums, products and ratios, and which is never above.

An equation is guessed on a few hundred rows and then held against all of them. Coefficients are
taken as the shortest number that fits.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinset.rules.constraints import Equation, Holds, step_of
from twinset.rules.mining.candidates import Candidate, Harvest
from twinset.rules.mining.column_views import ColumnView, literal, number
from twinset.table.expressions.expression import Expression
from twinset.table.expressions.syntax import (
    Compare,
    Logic,
    Name,
    Negative,
    Node,
    Number,
    Operation,
)
from twinset.table.schema import Kind
from twinset.table.table import Table

__all__ = ["equations", "orders"]

Floats = npt.NDArray[np.float64]
_SAMPLE = 400
_FITS = 0.99
_LEAST = 60
_LEVELS = 3
_FEW_ROWS = 20
_MOST_COLUMNS = 40
_ROUNDING = 1e-7
_LOOSE = 0.01
_INFORMATIVE = 0.02  # of the spread: what a tolerance may be
_POWERS = (-2, -1, 1, 2)
_LOOSE_ORDER = 0.02
_LEAST_ORDERED = 100
_SEEN = 12.0  # equal pairs expected by chance, from which none means that they are excluded


@dataclass(frozen=True, eq=False)
class _Work:
    """The table, some of its rows to guess from, and the random stream."""

    table: Table
    some: npt.NDArray[np.int64]
    rng: np.random.Generator

    def known(self, views: Sequence[ColumnView], *, zeros: bool = True) -> npt.NDArray[np.int64]:
        """Rows to guess from, where all columns have a number; or not all but the first are 0."""
        values = [f.amounts[self.some] for f in views]
        known = np.logical_and.reduce([~np.isnan(v) for v in values])
        if not zeros:
            known &= np.logical_or.reduce([v != 0 for v in values[1:]])
        return self.some[known][:_SAMPLE]


def equations(table: Table, views: list[ColumnView], rng: np.random.Generator) -> Harvest:
    """Equations whose left side is one column and whose right side is one, two or more others."""
    harvest = Harvest()
    scales = [f for f in views if _is_amount(f)][:_MOST_COLUMNS]
    work = _Work(table, rng.permutation(table.num_rows)[: 4 * _SAMPLE], rng)
    linked: set[frozenset[str]] = set()
    for a, b in itertools.combinations(scales, 2):
        harvest.tested += 1
        found = _unit(work, a, b) or _unit(work, b, a)
        if found is not None:
            linked.add(frozenset((a.name, b.name)))
            harvest.found.append(found)
    for a in scales:
        for b, c in itertools.combinations([f for f in scales if f is not a], 2):
            names = (a.name, b.name, c.name)
            if any(frozenset(p) in linked for p in itertools.combinations(names, 2)):
                continue
            harvest.tested += 3
            found = _sum(work, a, b, c) or _mean(work, a, b, c) or _product(work, a, b, c)
            if found is not None:
                harvest.found.append(found)
    done = {frozenset(c.claim.columns) for c in harvest.found}
    lefts = {c.claim.columns[0] for c in harvest.found}
    for a in scales:
        if a.name in lefts:
            continue
        harvest.tested += 1
        found = _long_sum(work, a, [f for f in scales if f is not a], lefts)
        if found is not None and frozenset(found.claim.columns) not in done:
            harvest.found.append(found)
            done.add(frozenset(found.claim.columns))
            lefts.add(a.name)
    return harvest


def _is_amount(view: ColumnView) -> bool:
    return (
        view.values is not None
        and view.column.kind is not Kind.TIME
        and len(view.levels) >= _LEVELS
    )


def _is_date(view: ColumnView) -> bool:
    return view.column.kind.is_calendar


def _slack(left: ColumnView, parts: Sequence[tuple[float, ColumnView]]) -> float:
    """Difference that rounding of the columns explains."""
    columns = [left.column, *(f.column for _, f in parts)]
    rounded = any(c.kind is Kind.REAL for c in columns)  # whole numbers are exact
    factors = [1.0, *(abs(k) for k, _ in parts)]
    steps = sum(k * step_of(c) for k, c in zip(factors, columns, strict=True)) if rounded else 0.0
    scale = float(np.nanmax(np.abs(left.amounts), initial=0.0))
    return steps / 2 + _ROUNDING * scale


def _unit(work: _Work, a: ColumnView, b: ColumnView) -> Candidate | None:
    """``a = k * b + m``, exactly or up to rounding."""
    if _is_date(a) != _is_date(b):
        return None
    rows = work.known((a, b))
    if len(rows) < _LEAST:
        return None
    x, y = a.amounts[rows], b.amounts[rows]
    pairs = work.rng.integers(0, len(rows), (2, _SAMPLE))
    gap = y[pairs[0]] - y[pairs[1]]
    slopes = (x[pairs[0]] - x[pairs[1]])[gap != 0] / gap[gap != 0]
    if len(slopes) < _LEAST:
        return None
    wide = np.argsort(-np.abs(gap[gap != 0]))[: len(slopes) // 3]  # rounding matters least there
    k = float(np.median(slopes[wide]))
    exact = _ROUNDING * float(np.abs(x).max())
    for slack in (exact, _slack(a, ((k, b),))):
        if math.isfinite(k) and k != 0 and slack <= 0.05 * float(np.std(x)):
            found = _line(work, a, b, x, y, k, slack * 1.5)
            if found is not None:
                return found
    return None


def _line(
    work: _Work, a: ColumnView, b: ColumnView, x: Floats, y: Floats, k: float, slack: float
) -> Candidate | None:
    """``a = k * b + m`` with the shortest numbers that fit the sample x, y."""

    def fits(factor: float) -> bool:
        rest = x - factor * y
        return bool(np.mean(np.abs(rest - np.median(rest)) <= slack) >= _FITS)

    k = _shortest(k, fits)
    if not fits(k) or (_is_date(a) and k != 1):
        return None
    rest = x - k * y
    m = _shortest(
        float(np.median(rest)), lambda v: bool(np.mean(np.abs(rest - v) <= slack) >= _FITS)
    )
    tree = _scaled(b, k)
    if abs(m) > slack:
        tree = Operation(0, "+" if m > 0 else "-", tree, number(abs(m)))
    return _candidate(work, a, tree, slack, np.ones(len(a.codes), dtype=bool))


def _shortest(value: float, fits: Callable[[float], bool]) -> float:
    """Return the number with the fewest digits near `value` that fits, else the value."""
    for digits in range(1, 8):
        candidate = float(f"{value:.{digits}g}")
        if fits(candidate):
            return candidate
    return value


def _scaled(view: ColumnView, k: float) -> Node:
    name = Name(0, view.name)
    return name if k == 1 else Operation(0, "*", number(k), name)


def _sum(work: _Work, a: ColumnView, b: ColumnView, c: ColumnView) -> Candidate | None:
    """``a = b + c``, or ``a = b - c`` where b and c are dates and a is not."""
    dates = [_is_date(f) for f in (a, b, c)]
    if any(dates):
        if dates != [False, True, True] or b.column.kind is not c.column.kind:
            return None
        slack = _slack(a, ((1, b), (1, c)))
        return _pair(work, a, b, c, "-", slack) or _pair(work, a, c, b, "-", slack)
    rows = work.known((a, b, c), zeros=False)
    x, y, z = (f.amounts[rows] for f in (a, b, c))
    slack = _slack(a, ((1, b), (1, c)))
    if len(rows) < _FEW_ROWS or np.mean(np.abs(x - y - z) <= slack) < _FITS:
        return None
    if min(np.count_nonzero(f.amounts > 0) for f in (b, c)) < _LEAST:
        return None
    tree = Operation(0, "+", Name(0, b.name), Name(0, c.name))
    return _candidate(work, a, tree, slack, _all_matter((b, c), least=1))


def _mean(work: _Work, a: ColumnView, b: ColumnView, c: ColumnView) -> Candidate | None:
    """``a = (b + c) / 2`` of three numbers, up to the rounding of a."""
    if any(_is_date(f) for f in (a, b, c)):
        return None
    slack = _slack(a, ((0.5, b), (0.5, c))) + step_of(a.column) / 2
    return _pair(work, a, b, c, "mean", slack)


def _pair(
    work: _Work, a: ColumnView, b: ColumnView, c: ColumnView, form: str, slack: float
) -> Candidate | None:
    """``a = b - c``, or their mean; it says something of rows where b and c differ."""
    rows = work.known((a, b, c))
    x, y, z = (f.amounts[rows] for f in (a, b, c))
    off = x - (y + z) / 2 if form == "mean" else x - y + z
    if len(rows) < _LEAST or np.mean(np.abs(off) <= slack) < _FITS:
        return None
    left, right = Name(0, b.name), Name(0, c.name)
    tree = Operation(0, "-", left, right)
    if form == "mean":
        tree = Operation(0, "/", Operation(0, "+", left, right), Number(0, "2"))
    return _candidate(work, a, tree, slack, b.amounts != c.amounts)


def _product(work: _Work, a: ColumnView, b: ColumnView, c: ColumnView) -> Candidate | None:
    """``a = k * b^p * c^q`` for whole p and q up to 2, on rows where all are positive."""
    if any(_is_date(f) for f in (a, b, c)):
        return None
    rows = work.known((a, b, c))
    values = np.stack([f.amounts[rows] for f in (a, b, c)])
    positive = (values > 0).all(axis=0)
    if int(positive.sum()) < max(_LEAST, 0.5 * len(rows)):
        return None
    logs = np.log(values[:, positive])
    spread = logs.std(axis=1)
    rounding = sum(
        step_of(f.column) / 2 / v for f, v in zip((a, b, c), values[:, positive], strict=True)
    )
    if (spread < 1e-3).any() or float(np.median(rounding)) > 0.1 * spread[0]:
        return None
    design = np.stack([np.ones(logs.shape[1]), logs[1], logs[2]], axis=1)
    weights, _, rank, _ = np.linalg.lstsq(design, logs[0], rcond=None)
    p, q = (round(float(w)) for w in weights[1:])
    near = np.abs(weights[1:] - (p, q)).max() < 0.1
    if rank < 3 or p not in _POWERS or q not in _POWERS or not near:
        return None
    x, y, z = values[:, positive]
    base = y**p * z**q
    k = float(np.median(x / base))
    slack = step_of(a.column) / 2 + np.abs(x) * (rounding * 2 + _ROUNDING)

    def fits(factor: float) -> bool:
        return bool(np.mean(np.abs(x - factor * base) <= slack) >= _FITS)

    k = _shortest(k, fits)
    if not fits(k):
        return None
    tree = _monomial(k, ((b, p), (c, q)))
    return _candidate(work, a, tree, float(np.quantile(slack, 0.9)), _all_matter((b, c)))


def _monomial(k: float, powers: Sequence[tuple[ColumnView, int]]) -> Node:
    tree: Node | None = None if k == 1 else number(k)
    for view, power in powers:
        for _ in range(max(power, 0)):
            name = Name(0, view.name)
            tree = name if tree is None else Operation(0, "*", tree, name)
    tree = tree if tree is not None else Number(0, "1")
    for view, power in powers:
        for _ in range(max(-power, 0)):
            tree = Operation(0, "/", tree, Name(0, view.name))
    return tree


def _long_sum(
    work: _Work, a: ColumnView, others: list[ColumnView], derived: set[str]
) -> Candidate | None:
    """``a`` as a sum or difference of three or more columns, by least squares."""
    parts = [f for f in others if f.name not in derived and not _is_date(f)]
    rows = work.known((a, *parts))
    if len(parts) < 3 or len(rows) < max(_LEAST, 3 * len(parts)) or _is_date(a):
        return None
    x = a.amounts[rows]
    columns = np.stack([f.amounts[rows] for f in parts], axis=1)
    scale = np.maximum(np.abs(columns).max(axis=0), 1e-300)
    weights = np.linalg.lstsq(columns / scale, x, rcond=None)[0] / scale
    whole = np.rint(weights)
    used = [(float(k), f) for k, f in zip(whole, parts, strict=True) if k != 0]
    if len(used) < 3 or np.abs(whole).max() > 1:
        return None
    slack = _slack(a, used)
    if np.mean(np.abs(x - columns @ whole) <= slack) < _FITS:
        return None
    used.sort(key=lambda u: -u[0])
    tree: Node | None = None
    for k, view in used:
        name = Name(0, view.name)
        if tree is None:
            tree = name if k > 0 else Negative(0, name)
        else:
            tree = Operation(0, "+" if k > 0 else "-", tree, name)
    if tree is None:
        return None
    return _candidate(work, a, tree, slack, _all_matter([f for _, f in used], least=2))


def _all_matter(parts: Sequence[ColumnView], least: int | None = None) -> npt.NDArray[np.bool_]:
    """Rows in which at least so many parts (default all) are not zero."""
    count = sum((np.nan_to_num(f.amounts) != 0).astype(np.int64) for f in parts)
    return np.asarray(count >= (len(parts) if least is None else least))


def _candidate(
    work: _Work, a: ColumnView, tree: Node, slack: float, matter: npt.NDArray[np.bool_]
) -> Candidate | None:
    """Hold the relation against all rows; chance is that of a shuffled left side.

    The tolerance is half a step of the left side if that does, else what rounding explains.
    """
    right = Expression(tree, str(tree))
    claim = Equation(a.name, right)
    outcome = claim.outcome(work.table)
    if int(outcome.broken.sum()) > 0:
        left, amount = claim.amounts(work.table)
        off = np.abs(left - amount)[outcome.applies]
        enough = [q for q in np.quantile(off, (0.999, 1.0)) * 1.1 if q <= 2 * slack]
        claim = Equation(a.name, right, _rounded_up(float(enough[-1]) if enough else slack))
        if claim.allowance(a.column) > _INFORMATIVE * float(np.nanstd(left)):
            return None
        outcome = claim.outcome(work.table)
    checks, broken = int((outcome.applies & matter).sum()), int(outcome.broken.sum())
    if checks < _LEAST or broken > _LOOSE * int(outcome.applies.sum()):
        return None
    left, amount = claim.amounts(work.table)
    rows = np.flatnonzero(outcome.applies & matter)
    apart = np.abs(work.rng.permutation(left[rows]) - amount[rows])
    allowed = claim.allowance(a.column) * 1.001 + _ROUNDING * np.abs(amount[rows])
    chance = float(np.mean(apart > allowed))
    return Candidate(claim, checks, broken, chance, chance * checks / len(matter))


def _rounded_up(value: float) -> float:
    """Return the value with two digits, not below it."""
    shown = float(f"{value:.1e}")
    return shown if shown >= value else float(f"{value * 1.06:.1e}")


def orders(views: list[ColumnView]) -> Harvest:
    """Pairs of number-like columns of which one is never above the other.

    Chance is that of two rows drawn apart: P(A > B) for independent A and B. Columns whose ranges
    hardly overlap have none to speak of, and are no rule.
    """
    harvest = Harvest()
    scales = [f for f in views if f.values is not None and len(f.levels) > 2]
    for a, b in itertools.permutations(scales, 2):
        kinds = {"number" if f.column.kind.is_amount else f.column.kind for f in (a, b)}
        if len(kinds) > 1:
            continue
        harvest.tested += 1
        known = ~(np.isnan(a.amounts) | np.isnan(b.amounts))
        x, y = a.amounts[known], b.amounts[known]
        guarded = _guarded_order(a, b, x, y)
        if guarded is not None:
            harvest.found.append(guarded)
        broken = int(np.count_nonzero(x > y))
        if len(x) < _LEAST_ORDERED or broken > _LOOSE_ORDER * len(x):
            continue
        ordered = np.sort(y)
        above = float(np.searchsorted(ordered, x, side="left").mean() / len(y))
        reach = float(np.searchsorted(ordered, x, side="right").mean() / len(y))
        equal = int(np.count_nonzero(x == y))
        if equal == len(x):
            continue
        strict = equal == 0 and (reach - above) * len(x) >= _SEEN
        tree = Compare(0, "<" if strict else "<=", Name(0, a.name), Name(0, b.name))
        claim = Holds.of(tree)
        weight = above * len(x) / len(known)
        harvest.found.append(Candidate(claim, len(x), broken, above, weight))
    return harvest


def _guarded_order(a: ColumnView, b: ColumnView, x: Floats, y: Floats) -> Candidate | None:
    """``a != v implies a > b``: an order that holds but for one frequent value, such as 0.

    The value is the one that nearly all rows against the order have. `x` and `y` are the numbers
    of the rows that have both.
    """
    against = x[x < y]
    if not a.column.kind.is_amount or len(against) < _LEAST_ORDERED:
        return None
    levels, counts = np.unique(against, return_counts=True)
    value = float(levels[np.argmax(counts)])
    rest = x != value
    if counts.max() < (1 - _LOOSE_ORDER) * len(against) or rest.sum() < _LEAST_ORDERED:
        return None
    if not (x[rest] > value).all() and not (x[rest] < value).all():
        return None  # a code lies apart from the numbers
    broken = int(np.count_nonzero(x[rest] < y[rest]))
    if broken > _LOOSE_ORDER * rest.sum():
        return None
    ordered = np.sort(y)
    below = float(1 - np.searchsorted(ordered, x[rest], side="right").mean() / len(y))
    apart = Compare(0, "!=", Name(0, a.name), literal(a.column, value))
    tree = Logic(0, "implies", (apart, Compare(0, ">=", Name(0, a.name), Name(0, b.name))))
    claim = Holds.of(tree)
    weight = below * int(rest.sum()) / len(a.codes)
    return Candidate(claim, int(rest.sum()), broken, below, weight, np.log(len(np.unique(x))))
