"""Problems of columns and of pairs: missing values, wrong shapes, dependence; and their words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from twinset.evaluation.charts import MINIMUM
from twinset.evidence.evidence import Evidence
from twinset.protocols import Result
from twinset.results import Problem
from twinset.stats import marginals
from twinset.stats.intervals import Z95
from twinset.stats.units import unit_counts

__all__ = ["column_problems", "over", "pair_problems", "points", "ratio"]

_NAMED = 4  # columns that one sentence lists
_CLEAR = 2.0  # excess over noise from which a second problem of the same column is told
_COLUMNS = (  # measures of the known values of one column
    "column_tvd",
    "js_divergence",
    "ks",
    "wasserstein",
    "quantile_error",
    "tail_share_difference",
    "category_coverage",
    "range_coverage",
    "unseen_share",
)
_SHAPES = frozenset(_COLUMNS[:5])


def points(share: float) -> str:
    """Write a share in points: "6.1", "0.04"."""
    value = abs(100 * share)
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def over(result: Result) -> tuple[float, float]:
    """Return excess and noise of a result."""
    value = result.value or 0.0
    least = (
        1 / max(result.estimate.n, 1) if result.estimate else 1e-9
    )  # one row, where none scatter
    noise = max(result.noise or 0.0, least)
    if result.direction == "target":
        return abs(value - result.params.get("target", 0.0)), noise
    expected = float(result.params.get("expected", result.reference or 0.0))
    return abs(value - expected), noise


def ratio(result: Result) -> float:
    """Return excess over noise."""
    excess, noise = over(result)
    return excess / noise


def column_problems(evidence: Evidence, by_name: dict[str, list[Result]]) -> Iterator[Problem]:
    """Yield at most one problem of missing values and one of known values for each column."""
    flagged: dict[str, list[Result]] = defaultdict(list)
    for name in _COLUMNS:
        for result in by_name[name]:
            flagged[result.columns[0]].append(result)
    missing = {r.columns[0]: r for r in by_name["missing_share"]}
    for name in evidence.columns:
        if name in missing:
            yield _missing(missing[name])
        told = _shape(evidence, name, flagged[name]) if name in flagged else None
        if told and (name not in missing or told.excess / told.noise > _CLEAR):
            yield told
    yield from _off_grid(by_name["off_grid_share"])


def _off_grid(flagged: list[Result]) -> Iterator[Problem]:
    """Yield one problem of all columns whose numbers leave the grid of train's."""
    if not flagged:
        return
    flagged = sorted(flagged, key=lambda r: -(r.value or 0.0))
    worst, names = flagged[0], [r.columns[0] for r in flagged]
    step = float(worst.params["step"])
    grid = "whole numbers" if step == 1 else f"multiples of {step:g}"
    others = f"; also {', '.join(names[1:_NAMED])}" if len(names) > 1 else ""
    others += f" and {len(names) - _NAMED} more columns" if names[_NAMED:] else ""
    excess, noise = over(worst)
    text = (
        f"{names[0]}: {points(worst.value or 0.0)}% of the values are not {grid}, as those of "
        f"train are (fresh real rows: {points(worst.reference or 0.0)}%; noise {points(noise)})"
    )
    yield Problem(text + others, tuple(names), excess, noise)


def _missing(result: Result) -> Problem:
    value, noise = result.value or 0.0, over(result)[1]
    train = float(result.params["train"])
    kind = "many" if value > 0 else "few"
    text = (
        f"{result.columns[0]}: {points(value)} points too {kind} missing values: "
        f"{points(train + value)}% instead of {points(train)}% (noise {points(noise)})"
    )
    return Problem(text, result.columns, abs(value), noise)


def _shape(evidence: Evidence, name: str, flagged: list[Result]) -> Problem | None:
    """Describe what is wrong with the known values of a column, by its clearest sign."""
    signs: list[tuple[float, Problem]] = []
    if any(r.name in _SHAPES for r in flagged):
        signs += [(p.excess / p.noise, p) for p in _cells(evidence, name)]
    for result in flagged:
        text = _sign(result)
        if text:
            excess, noise = over(result)
            signs.append((excess / noise, Problem(text, (name,), excess, noise)))
    return max(signs, key=lambda s: s[0])[1] if signs else None


def _sign(result: Result) -> str:
    name, value = result.columns[0], result.value or 0.0
    noise, reference = result.noise or 0.0, result.reference or 0.0
    if result.name == "tail_share_difference":
        which = "highest" if result.params["tail"] == "high" else "lowest"
        kind = "many" if value > 0 else "few"
        share = points(float(result.params["train"]))
        return (
            f"{name}: {points(value)} points too {kind} among the {which} values "
            f"({share}% of the train rows; noise {points(noise)})"
        )
    if result.name == "range_coverage":
        return (
            f"{name}: only {points(value)}% of the range of train is reached "
            f"(fresh real rows: {points(reference)}%; noise {points(noise)})"
        )
    if result.name == "unseen_share":
        return (
            f"{name}: {points(value)}% of the rows have values that train does not have "
            f"(fresh real rows: {points(reference)}%; noise {points(noise)})"
        )
    if result.name == "wasserstein":
        size = f"{value:.2g} standard deviations (noise {noise:.2g})"
        return f"{name}: values are off by {size} on average"
    return ""


def _cells(evidence: Evidence, name: str) -> Iterator[Problem]:
    """Yield the clearest single cell, and for numbers the clearest cumulative gap."""
    coded = evidence.columns[name]
    counts = evidence.cells([name]).counts
    known = coded.size - 2
    total = {s: int(counts[s][:known].sum()) for s in ("train", "synthetic")}
    unseen = int(counts["synthetic"][-1])
    n, m = total["train"], total["synthetic"] + unseen
    if n == 0 or m == 0:
        return
    p, q = counts["train"][:known] / n, counts["synthetic"][:known] / m
    effect = evidence.pooled_effect([name])
    noise = Z95 * np.sqrt(effect * np.maximum(p * (1 - p), 1 / n) * (1 / n + 1 / m))
    gap = q - p
    held = evidence.held(name)
    best = int(np.argmax(np.abs(gap) / noise))
    where = coded.text[best] if held[best] >= MINIMUM else "among rare values"
    size, own = float(gap[best]), float(noise[best])
    if counts["synthetic"][best] == 0 and held[best] >= MINIMUM and coded.order is None:
        text = f"{name}: {where} is missing ({points(p[best])}% of the train rows"
    else:
        kind = "many" if size > 0 else "few"
        where = where if where.startswith(("at", "from", "below", "among")) else f"in {where}"
        text = f"{name}: {points(size)} points too {kind} {where} ("
        text += f"{points(q[best])}% instead of {points(p[best])}%"
    yield Problem(f"{text}; noise {points(own)})", (name,), abs(size), own)
    if coded.order is None or name not in evidence.numeric():
        return
    order = coded.order[coded.order < known]
    steps = np.cumsum(gap[order])[:-1]
    if not len(steps):
        return
    below = np.cumsum(p[order])[:-1]
    scatter = Z95 * np.sqrt(effect * np.maximum(below * (1 - below), 1 / n) * (1 / n + 1 / m))
    starts = [coded.text[c] for c in order[1:]]
    usable = np.array(
        [_start(t) != "" and held[c] >= MINIMUM for t, c in zip(starts, order[1:], strict=True)]
    )
    ratio = np.where(usable, np.abs(steps) / scatter, 0.0)
    at = int(np.argmax(ratio))
    if ratio[at] <= 1.2 * abs(size) / own:
        return
    kind = "many" if steps[at] > 0 else "few"
    text = (
        f"{name}: {points(steps[at])} points too {kind} below {_start(starts[at])} "
        f"({points(below[at] + steps[at])}% instead of {points(below[at])}%; "
        f"noise {points(scatter[at])})"
    )
    yield Problem(text, (name,), abs(float(steps[at])), float(scatter[at]))


def _start(text: str) -> str:
    """Return the lower end of a cell from its words."""
    if text.startswith("at exactly "):
        return text.removeprefix("at exactly ")
    if text.startswith("from "):
        return text.removeprefix("from ").rpartition(" to ")[0]
    if text.startswith("at ") and text.endswith(" or more"):
        return text.removeprefix("at ").removesuffix(" or more")
    return ""


def _change(result: Result) -> str:
    before = float(result.params["information_train"])
    after = float(result.params["information_synthetic"])
    if after < 0.25 * before:
        return "dependence lost"
    if after < 0.8 * before:
        return "dependence too weak"
    if before < 0.25 * after:
        return "dependence invented"
    return "dependence too strong" if before < 0.8 * after else "dependence of another shape"


def pair_problems(evidence: Evidence, flagged: list[Result]) -> Iterator[Problem]:
    """One problem a column where most of its pairs changed, else one a pair."""
    left = sorted(flagged, key=lambda r: -ratio(r))
    others = max(len(evidence.columns) - 1, 1)
    while left:
        of: dict[str, list[Result]] = defaultdict(list)
        for result in left:
            for name in result.columns:
                of[name].append(result)
        # evidence adds up over pairs less than linearly: they share rows
        heaviest = max(of, key=lambda c: sum(ratio(r) for r in of[c]))
        mine = of[heaviest]
        if len(mine) < 3 or len(mine) <= others / 3:
            for result in left:
                excess, noise = over(result)
                text = (
                    f"{' and '.join(result.columns)}: {_change(result)}: {points(excess)}% of the "
                    f"rows beyond chance (noise {points(noise)})"
                    f"{_clearest(evidence, result.columns)}"
                )
                yield Problem(text, result.columns, excess, noise)
            return
        first = mine[0]
        kinds = [_change(r) for r in mine]
        kind = max(dict.fromkeys(kinds), key=kinds.count)
        partners = [next(c for c in r.columns if c != heaviest) for r in mine]
        excess, noise = over(first)
        text = (
            f"{heaviest}: {kind} with {len(mine)} of {others} other columns, most with "
            f"{', '.join(partners[:3])}: up to {points(excess)}% of the rows beyond chance "
            f"(noise {points(noise)})"
        )
        yield Problem(text, (heaviest, *partners[:3]), excess, noise)
        left = [r for r in left if heaviest not in r.columns]


def _clearest(evidence: Evidence, pair: tuple[str, ...]) -> str:
    """Name the two values whose rows are off most, if it may be told."""
    cells = evidence.cells(pair)
    coded = [evidence.columns[n] for n in pair]
    if cells.shape != tuple(c.size for c in coded):
        return ""  # codes were pooled and have no words
    train, release = (
        cells.counts[s].reshape(cells.shape).astype(float) for s in ("train", "synthetic")
    )
    raked = marginals.rake(release, train.sum(axis=1), train.sum(axis=0))
    n, m = float(train.sum()), float(release.sum())
    p, q = train / n, raked / max(float(raked.sum()), 1.0)
    effect = evidence.dependence_effect(cells)
    noise = Z95 * np.sqrt(effect * np.maximum(p * (1 - p), 1 / n) * (1 / n + 1 / m))
    held = unit_counts(cells.index("train"), evidence.units("train"), train.size)
    held = held.reshape(cells.shape)
    sure = (train == 0) | (held >= MINIMUM)
    for axis, column in enumerate(coded):
        own = evidence.held(column.name).copy()
        own[column.unseen] = 0
        sure &= (own >= MINIMUM)[:, None] if axis == 0 else (own >= MINIMUM)[None, :]
    size = np.where(sure, np.abs(q - p) / noise, 0.0)
    i, j = np.unravel_index(int(np.argmax(size)), size.shape)
    if size[i, j] <= 1:
        return ""
    kind = "many" if q[i, j] > p[i, j] else "few"
    where = " and ".join(
        f"{c.name} {c.text[at].removeprefix('category ')}"
        for c, at in zip(coded, (int(i), int(j)), strict=True)
    )
    return f"; most: {points(float(q[i, j] - p[i, j]))} points too {kind} with {where}"
