"""Figures in the conventions of SDMetrics 0.32, for those who must compare with older reports.

They are what that tool answers, written from its public documentation and held against its output:
without intervals, noise or verdicts, with nulls dropped, pairs of weak association left out and
each table binned by itself. Use twinset's own measures to judge a release
(`tests/evaluation/test_wrong_answers.py` shows why).

Not repeated: its random subsample of large tables (here all rows count), checks of primary keys
(a schema of ours names none), and text or identifier columns, which it does not score either.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinset.errors import InputError
from twinset.evaluation.disclosure import suppressed
from twinset.protocols import Estimate, Family, Measure, Result
from twinset.results import Evaluation, NotComputed
from twinset.stats import ordered
from twinset.table.schema import Column, Kind
from twinset.table.table import Table, labels, numbers

__all__ = ["MEASURES", "MODES", "compat"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MODES = ("sdmetrics",)
MEASURES = tuple(
    Measure(
        name=f"sdmetrics_{name}",
        title=f"SDMetrics: {name.replace('_', ' ')}",
        direction="higher",
        anchors=(),
    )
    for name in (
        "quality_report",
        "column_shapes",
        "column_pair_trends",
        "diagnostic_report",
        "data_validity",
        "data_structure",
        "ks_complement",
        "tv_complement",
        "correlation_similarity",
        "contingency_similarity",
        "boundary_adherence",
        "category_adherence",
    )
)
_CORRELATION = 0.5
_ASSOCIATION = 0.3
_BINS = 10
_UNSEEN = 1e-6  # rows that a category counts for that the real table does not have
_LEFT_OUT = (Kind.IDENTIFIER, Kind.TEXT)


@dataclass(frozen=True, eq=False)
class _Pair:
    """One column of both tables: numbers (NaN null), or codes over both tables (-1 null)."""

    column: Column
    real: npt.NDArray[np.generic]
    synthetic: npt.NDArray[np.generic]
    size: int

    @property
    def continuous(self) -> bool:
        return self.column.kind.is_number_like

    def levels(self) -> tuple[tuple[Ints, Ints], int]:
        """Codes of both tables: null is one; numbers in ten bins, each table's own."""
        if self.continuous:
            return (_binned(self.real), _binned(self.synthetic)), _BINS + 2
        real, synthetic = (s.astype(np.int64) for s in (self.real, self.synthetic))
        null = self.size
        return (np.where(real < 0, null, real), np.where(synthetic < 0, null, synthetic)), null + 1


def compat(
    mode: str,
    real: Table,
    synthetic: Table,
    types: Sequence[Mapping[str, str]] | None = None,
    seed: int = 0,
) -> Evaluation:
    """Return the QualityReport and the DiagnosticReport of another tool as results.

    Parameters
    ----------
    mode
        Which tool: one of `MODES`.
    real, synthetic
        Tables; the real one's schema decides how a column is scored.
    types
        For each table the stored type of each column by name, for the score of the structure.

    Raises
    ------
    InputError
        If the mode is not known.
    """
    if mode not in MODES:
        raise InputError("--compat", got=repr(mode), allowed=", ".join(MODES))
    pairs = [
        _pair(c, real, synthetic)
        for c in real.schema.columns
        if c.kind not in _LEFT_OUT and c.name in synthetic.schema
    ]
    rows = synthetic.num_rows
    shapes = [_shape(p, rows) for p in pairs]
    trends = list(_trends(pairs, rows))
    validity = [_validity(p, rows) for p in pairs]
    structure = _structure(types, rows)
    scores = {
        "column_shapes": _mean(shapes),
        "column_pair_trends": _mean(trends),
        "data_validity": _mean(validity),
        "data_structure": _mean([structure]),
    }
    quality = _together(scores["column_shapes"], scores["column_pair_trends"])
    diagnostic = _together(scores["data_validity"], scores["data_structure"])
    totals = [
        _result("quality_report", "fidelity", quality, rows),
        _result("column_shapes", "fidelity", scores["column_shapes"], rows),
        _result("column_pair_trends", "fidelity", scores["column_pair_trends"], rows),
        _result("diagnostic_report", "integrity", diagnostic, rows),
        _result("data_validity", "integrity", scores["data_validity"], rows),
    ]
    results = (*totals, structure, *shapes, *trends, *validity)
    left = sum(r.estimate is None for r in trends)
    missing = [NotComputed(r.name, r.reason or "") for r in results[:6] if r.estimate is None]
    if left:
        reason = (
            f"{left} of {len(trends)} pairs are left out, as SDMetrics does: |correlation| up to "
            f"{_CORRELATION} or association up to {_ASSOCIATION} in the real table"
        )
        missing.append(NotComputed("sdmetrics_column_pair_trends of weak pairs", reason))
    return Evaluation(
        results=results, not_computed=tuple(missing), seed=seed, schema=suppressed(real)
    )


def _pair(column: Column, real: Table, synthetic: Table) -> _Pair:
    if column.kind.is_number_like:
        scale = 1e9 * (column.kind.facts.seconds or 1) if column.kind.is_calendar else 1.0
        found = [numbers(t[column.name], column.kind) * scale for t in (real, synthetic)]
        return _Pair(column, found[0], found[1], 0)
    known: dict[str, int] = {}
    codes = []
    for table in (real, synthetic):
        names, at = labels(table[column.name])
        place = np.array([known.setdefault(n, len(known)) for n in names] + [-1])
        codes.append(place[at])
    return _Pair(column, codes[0], codes[1], len(known))


def _result(
    name: str,
    family: Family,
    value: float | None,
    rows: int,
    columns: tuple[str, ...] = (),
    reason: str = "nothing could be scored",
) -> Result:
    """Return a figure without interval: the tool has none."""
    params = {"interval": "none, as SDMetrics"}
    name = f"sdmetrics_{name}"
    if value is None or not math.isfinite(value):
        return Result(
            family,
            name,
            columns,
            params=params,
            direction="higher",
            status="not_applicable",
            reason=reason,
        )
    estimate = Estimate(value, value, value, rows)
    return Result(family, name, columns, params=params, estimate=estimate, direction="higher")


def _mean(results: Sequence[Result]) -> float | None:
    known = [r.value for r in results if r.value is not None]
    return float(np.mean(known)) if known else None


def _together(*scores: float | None) -> float | None:
    known = [s for s in scores if s is not None]
    return float(np.mean(known)) if known else None


# -- columns -------------------------------------------------------------------------------------


def _shape(p: _Pair, rows: int) -> Result:
    """KSComplement of numbers and dates, TVComplement of categories, nulls dropped."""
    columns = (p.column.name,)
    if p.continuous:
        a, b = (np.sort(v[~np.isnan(v)].astype(np.float64)) for v in (p.real, p.synthetic))
        value = 1 - ordered.gaps(a, b).ks if len(a) and len(b) else None
        return _result("ks_complement", "fidelity", value, rows, columns, "no known value")
    x, y = (np.bincount(_known(v), minlength=p.size) for v in (p.real, p.synthetic))
    if not x.sum() or not y.sum():
        return _result("tv_complement", "fidelity", None, rows, columns, "no known value")
    counted = np.where(x == 0, _UNSEEN, x)
    value = 1 - float(np.abs(counted / counted.sum() - y / y.sum()).sum()) / 2
    return _result("tv_complement", "fidelity", value, rows, columns)


def _known(codes: npt.NDArray[np.generic]) -> Ints:
    found = codes.astype(np.int64)
    return found[found >= 0]


def _validity(p: _Pair, rows: int) -> Result:
    """BoundaryAdherence and CategoryAdherence: a null is wrong only if the real table has none."""
    columns = (p.column.name,)
    if p.continuous:
        real, made = p.real.astype(np.float64), p.synthetic.astype(np.float64)
        known = real[~np.isnan(real)]
        if len(known) < len(real):
            made = made[~np.isnan(made)]
        inside = (made >= known.min()) & (made <= known.max()) if len(known) else made != made
        value = float(inside.mean()) if len(inside) else None
        return _result("boundary_adherence", "integrity", value, rows, columns, "no known value")
    there = np.zeros(p.size + 1, dtype=bool)
    there[p.real.astype(np.int64)] = True  # -1, null, is the last
    value = float(there[p.synthetic.astype(np.int64)].mean())
    return _result("category_adherence", "integrity", value, rows, columns)


def _structure(types: Sequence[Mapping[str, str]] | None, rows: int) -> Result:
    """TableStructure: columns of one name and stored type, of all that either table has."""
    if types is None:
        reason = "the stored types of the columns are not known"
        return _result("data_structure", "integrity", None, rows, reason=reason)
    a, b = (set(t.items()) for t in types)
    return _result("data_structure", "integrity", len(a & b) / max(len(a | b), 1), rows)


# -- pairs ---------------------------------------------------------------------------------------


def _trends(pairs: Sequence[_Pair], rows: int) -> Iterator[Result]:
    """CorrelationSimilarity of two numbers, ContingencySimilarity of all other pairs."""
    coded = {p.column.name: p.levels() for p in pairs}
    for p, q in itertools.combinations(pairs, 2):
        columns = (p.column.name, q.column.name)
        if p.continuous and q.continuous:
            name = "correlation_similarity"
            real = _correlation(p.real, q.real)
            value = None
            if abs(real) > _CORRELATION:
                value = 1 - abs(real - _correlation(p.synthetic, q.synthetic)) / 2
            reason = f"|correlation| in the real table is {_CORRELATION} or less"
        else:
            name = "contingency_similarity"
            (x, y), (first, second) = _joint(coded[p.column.name], coded[q.column.name])
            value = None
            if _cramers_v(x.reshape(first, second)) > _ASSOCIATION:
                value = 1 - float(np.abs(x / x.sum() - y / y.sum()).sum()) / 2
            reason = f"association in the real table is {_ASSOCIATION} or less"
        yield _result(name, "fidelity", value, rows, columns, reason)


def _binned(values: npt.NDArray[np.generic]) -> Ints:
    """Ten bins of equal width; the highest value and null share a bin beyond the last."""
    v = values.astype(np.float64)
    known = v[~np.isnan(v)]
    if not len(known):
        return np.full(len(v), _BINS + 1)
    return np.digitize(v, np.histogram_bin_edges(known, bins=_BINS))


def _joint(
    one: tuple[tuple[Ints, Ints], int], other: tuple[tuple[Ints, Ints], int]
) -> tuple[tuple[Ints, Ints], tuple[int, int]]:
    (a, b), first = one
    (c, d), second = other
    size = first * second
    x, y = (np.bincount(i * second + j, minlength=size) for i, j in ((a, c), (b, d)))
    return (x, y), (first, second)


def _correlation(x: npt.NDArray[np.generic], y: npt.NDArray[np.generic]) -> float:
    """Pearson correlation of rows where both are known; NaN if undefined."""
    a, b = x.astype(np.float64), y.astype(np.float64)
    there = ~(np.isnan(a) | np.isnan(b))
    a, b = a[there], b[there]
    if len(a) < 2:
        return math.nan
    a, b = a - a.mean(), b - b.mean()
    scale = math.sqrt(float(a @ a)) * math.sqrt(float(b @ b))
    return float(a @ b) / scale if scale > 0 else math.nan


def _cramers_v(counts: Ints) -> float:
    """Cramer's V (1946), not corrected; NaN if a side has one level."""
    table = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0].astype(np.float64)
    least = min(table.shape) - 1
    if least < 1:
        return math.nan
    n = float(table.sum())
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    return math.sqrt(float(((table - expected) ** 2 / expected).sum()) / n / least)
