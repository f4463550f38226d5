"""Binned shares of each column that may be published: the minimum count holds in every bin."""

from __future__ import annotations

import itertools
import math

import numpy as np
import numpy.typing as npt

from twinset.evidence.coded import Side
from twinset.evidence.codes import value_text
from twinset.evidence.evidence import Evidence
from twinset.results import Chart
from twinset.stats.units import compact
from twinset.table.schema import Kind

__all__ = ["MINIMUM", "charts"]

MINIMUM = 10
_BINS = 12
Codes = dict[Side, npt.NDArray[np.int64]]


def charts(evidence: Evidence) -> tuple[Chart, ...]:
    """Chart each column of which at least two bins can be shown.

    A bin is shown if in every table it holds no unit or at least `MINIMUM` units; what is left out
    is merged (with a neighbour, or into "other") until that holds for the merged bin as well, so
    that nothing can be had by subtraction.
    """
    found = []
    for name in evidence.columns:
        make = _number_chart if name in evidence.numeric() else _category_chart
        chart = make(evidence, name)
        if chart is not None:
            found.append(chart)
    return tuple(found)


def _units(evidence: Evidence, codes: Codes, size: int) -> npt.NDArray[np.int64]:
    """Count distinct units, shape (sides, size + 1); the last is null (code -1)."""
    rows = []
    for side, code in codes.items():
        units = evidence.units(side)
        if units is None:
            rows.append(np.bincount(np.where(code < 0, size, code), minlength=size + 1))
            continue
        ids = compact(units, len(code))
        pairs = np.unique(ids * (size + 1) + np.where(code < 0, size, code))
        rows.append(np.bincount(pairs % (size + 1), minlength=size + 1))
    return np.stack(rows)


def _small(held: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which bins hold some units but fewer than the minimum, in any table; shape (bins,)."""
    return np.asarray(((held > 0) & (held < MINIMUM)).any(axis=0))


def _number_chart(evidence: Evidence, name: str) -> Chart | None:
    kind = evidence.schema[name].kind
    train = evidence.sorted("train", name)
    if len(train) < 2 * MINIMUM:
        return None
    edges = _edges(train, whole=kind is Kind.INTEGER)
    while True:
        codes = {s: _place(evidence.values(s, name), edges) for s in evidence.sides}
        held = _units(evidence, codes, len(edges) + 1)
        bad = np.flatnonzero(_small(held[:, :-1]))
        if not len(bad) or not len(edges):
            break
        # drop the edge between the bin and its emptier neighbour
        worst = int(bad[np.argmin(held[0, bad])])
        total = held.sum(axis=0)
        left = total[worst - 1] if worst > 0 else np.inf
        right = total[worst + 1] if worst < len(edges) else np.inf
        edges = np.delete(edges, worst - 1 if left <= right else worst)
    texts = [value_text(float(e), kind) for e in edges]
    labels = [f"under {t}" for t in texts[:1]]
    labels += [f"{a} to {b}" for a, b in itertools.pairwise(texts)]
    labels += [f"{t} or more" for t in texts[-1:]]
    if kind is Kind.INTEGER and len(edges):
        labels = _whole_labels(edges, labels)
    return _chart(name, codes, held, tuple(labels), ordered=True)


def _whole_labels(edges: npt.NDArray[np.float64], labels: list[str]) -> list[str]:
    """Name bins of whole numbers by their first and last number: "3", "4 to 6"."""
    named = list(labels)
    for i in range(1, len(edges)):
        first, last = math.ceil(edges[i - 1]), math.ceil(edges[i]) - 1
        named[i] = f"{first}" if first == last else f"{first} to {last}"
    return named


def _edges(values: npt.NDArray[np.float64], *, whole: bool) -> npt.NDArray[np.float64]:
    """Return about 11 equally wide, round edges over the middle 96% of the values."""
    distinct = np.unique(values)
    if len(distinct) <= _BINS and whole:
        return distinct[1:]
    low, high = np.quantile(values, [0.02, 0.98])
    if high <= low:
        low, high = values[0], values[-1]
    if high <= low:
        return np.empty(0)
    raw = (high - low) / (_BINS - 2)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw), 10 * power)
    step = max(step, 1.0) if whole else step
    edges = np.arange(math.ceil(low / step), math.floor(high / step) + 1) * step
    if whole:
        edges = np.unique(np.ceil(edges))
    edges = np.asarray(edges, dtype=np.float64)
    inside: npt.NDArray[np.float64] = edges[(edges > values[0]) & (edges <= values[-1])][
        : _BINS - 1
    ]
    return inside


def _place(
    values: npt.NDArray[np.float64], edges: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    codes = np.searchsorted(edges, values, side="right").astype(np.int64)
    codes[np.isnan(values)] = -1
    return codes


def _category_chart(evidence: Evidence, name: str) -> Chart | None:
    coded = evidence.columns[name]
    known = coded.size - 2
    raw = {s: c.astype(np.int64) for s, c in coded.codes.items()}
    plain: Codes = {s: np.where(c == coded.null, -1, np.minimum(c, known)) for s, c in raw.items()}
    held = _units(evidence, plain, known + 1)
    good = np.flatnonzero(~_small(held[:, :known]) & (held[0, :known] >= MINIMUM))
    shown = list(good[np.argsort(-held[0, good], kind="stable")][: _BINS - 1])
    while True:
        table = np.full(known + 1, len(shown))
        table[shown] = np.arange(len(shown))
        codes = {s: np.where(c < 0, -1, table[c]) for s, c in plain.items()}
        counted = _units(evidence, codes, len(shown) + 1)
        if not _small(counted[:, [len(shown)]])[0] or not shown:
            break
        shown.pop()
    if coded.order is not None:
        back = sorted(range(len(shown)), key=lambda i: int(shown[i]))
        turn = np.empty(len(shown) + 1, dtype=np.int64)
        turn[[*back, len(shown)]] = np.arange(len(shown) + 1)
        shown = [shown[i] for i in back]
        codes = {s: np.where(c < 0, -1, turn[c]) for s, c in codes.items()}
        counted = _units(evidence, codes, len(shown) + 1)
    labels = (*(evidence.levels(name)[i] for i in shown), "other")
    return _chart(name, codes, counted, labels, ordered=coded.order is not None)


def _chart(
    name: str,
    codes: Codes,
    held: npt.NDArray[np.int64],
    labels: tuple[str, ...],
    *,
    ordered: bool,
) -> Chart | None:
    size = held.shape[1] - 1
    with_null = held[:, -1].any() and not _small(held[:, [-1]])[0]
    shares: dict[Side, tuple[float, ...]] = {}
    for side, code in codes.items():
        counts = np.bincount(np.where(code < 0, size, code), minlength=size + 1)
        counts = counts if with_null else counts[:-1]
        shares[side] = tuple((counts / max(int(counts.sum()), 1)).tolist())
    names = (*labels, "missing") if with_null else labels
    filled = [any(s[i] > 0 for s in shares.values()) for i in range(len(names))]
    if sum(filled) < 2 or _small(held[:, :size]).any():
        return None

    def kept(values: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(v for v, f in zip(values, filled, strict=True) if f)

    return Chart(
        column=name,
        labels=tuple(n for n, f in zip(names, filled, strict=True) if f),
        train=kept(shares["train"]),
        synthetic=kept(shares["synthetic"]),
        holdout=kept(shares["holdout"]) if "holdout" in shares else None,
        ordered=ordered,
    )
