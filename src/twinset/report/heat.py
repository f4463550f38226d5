"""The map of pairs: which lost their dependence, which have one that the real table has not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from twinset.protocols import Result
from twinset.report.charts import excess
from twinset.report.view_model import HeatMap, Tiles
from twinset.report.wording import describe, figure, plural

__all__ = ["SIZE", "heat_map", "tile"]

SIZE = 12  # of a square, in units of the view box
_MOST_COLUMNS = 60
_MOST_ROWS = 20
_FEW = 24  # columns: their map is drawn larger
_LONG = 22
_LABELS = 124  # room for names
_LEVELS = (3.0, 10.0)
_SIDES = (5, 8, 11)
_SAME = 0.8  # a dependence this much weaker or stronger is one that has changed
_KINDS = {
    "lost": "too weak or lost",
    "invented": "too strong or invented",
    "other": "of another shape",
}


def heat_map(results: Sequence[Result], columns: Sequence[str]) -> HeatMap | None:
    """Lay out the pairs as a triangle, the columns with the most excess over noise first.

    Shown is the dependence alone (`dependence_tvd`: a shifted column is no broken pair), or the
    whole pairs if it was not measured. A pair stands out if its verdict says so, corrected for the
    number of pairs.
    """
    known = _pairs(results, "dependence_tvd") or _pairs(results, "pair_tvd")
    names = [c for c in columns if any(c in pair for pair in known)]
    if len(names) < 2:
        return None
    bad = {pair: r for pair, r in known.items() if r.verdict == "worse"}
    weight = {c: sum(_bounded(r) for pair, r in bad.items() if c in pair) for c in names}
    names.sort(key=lambda c: -weight[c])
    total = len(names)
    names = names[:_MOST_COLUMNS]
    end = len(names) * SIZE
    ranked = sorted(bad.values() or known.values(), key=lambda r: (-excess(r), r.columns))
    return HeatMap(
        names=tuple(
            (name if len(name) <= _LONG else f"{name[: _LONG - 1]}…", i * SIZE)
            for i, name in enumerate(names)
        ),
        width=round((end + _LABELS) * (1.6 if len(names) <= _FEW else 1.2)),
        box=f"0 -1 {end + _LABELS} {end + 2}",
        ground=_ground(names, known),
        grid="".join(f"M{at - 0.5} {at}V{end}" for at in range(0, end, SIZE)),
        tiles=_tiles(names, bad),
        legend=_legend(),
        alt=f"Map of the pairs of {len(names)} columns. {_told(known)}",
        text=_told(known),
        left_out=f"The {_MOST_COLUMNS} columns with most excess of {total}."
        if total > len(names)
        else "",
        header=("pair", "dependence", "difference", "fresh real rows", "beyond them"),
        rows=tuple(_row(r) for r in ranked[:_MOST_ROWS]),
    )


def _pairs(results: Sequence[Result], name: str) -> dict[frozenset[str], Result]:
    return {
        frozenset(r.columns): r
        for r in results
        if r.name == name and len(r.columns) == 2 and r.estimate is not None
    }


def _bounded(result: Result) -> float:
    return min(max(excess(result), 0.0), 1e6)


def _kind(result: Result) -> str:
    """Which way a dependence went, by the information that one column gives of the other."""
    before = float(result.params.get("information_train", 0.0))
    after = float(result.params.get("information_synthetic", 0.0))
    if after < _SAME * before:
        return "lost"
    return "invented" if before < _SAME * after else "other"


def _level(result: Result) -> int:
    return 1 + sum(excess(result) > limit for limit in _LEVELS)


def _at(names: Sequence[str], row: int, column: int) -> frozenset[str]:
    return frozenset((names[row], names[column]))


def _ground(names: Sequence[str], known: Mapping[frozenset[str], Result]) -> str:
    """Return a path over all pairs that were measured, one piece a run of a row."""
    path = ""
    for row in range(len(names)):
        start = 0
        for column in range(row + 1):
            if column < row and _at(names, row, column) in known:
                continue
            if column > start:
                wide = (column - start) * SIZE - 1
                path += f"M{start * SIZE} {row * SIZE}h{wide}v{SIZE - 1}h-{wide}z"
            start = column + 1
    return path


def tile(kind: str, level: int, x: float = 0, y: float = 0) -> str:
    """Return the path of one pair: a square (lost), a diamond (invented) or a bar, as large as bad.

    Form and size tell as much as the colour, for those who do not see it.
    """
    side = _SIDES[level - 1]
    x, y, half = x + (SIZE - 1 - side) / 2, y + (SIZE - 1 - side) / 2, side / 2
    if kind == "lost":
        return f"M{x:g} {y:g}h{side}v{side}h-{side}z"
    if kind == "invented":
        return f"M{x + half:g} {y:g}l{half:g} {half:g}l-{half:g} {half:g}l-{half:g}-{half:g}z"
    return f"M{x:g} {y + half - 1.5:g}h{side}v3h-{side}z"


def _tiles(names: Sequence[str], bad: Mapping[frozenset[str], Result]) -> tuple[Tiles, ...]:
    """Return one path a kind."""
    paths = dict.fromkeys(_KINDS, "")
    for row in range(len(names)):
        for column in range(row):
            result = bad.get(_at(names, row, column))
            if result is not None:
                kind = _kind(result)
                paths[kind] += tile(kind, _level(result), column * SIZE, row * SIZE)
    return tuple(Tiles(kind, path) for kind, path in paths.items() if path)


def _legend() -> tuple[Tiles, ...]:
    """Return a key of each kind: its three sizes side by side."""
    return tuple(
        Tiles(kind, "".join(tile(kind, i + 1, i * SIZE) for i in range(3))) for kind in _KINDS
    )


def _told(known: Mapping[frozenset[str], Result]) -> str:
    """Say how many pairs stand out, and how."""
    judged = [r for r in known.values() if r.verdict is not None]
    bad = [r for r in judged if r.verdict == "worse"]
    whole = plural(len(known), "pair")
    if not judged:
        return f"{whole}; there are no fresh real rows to compare with."
    if not bad:
        return f"All of {whole} go together as in fresh real rows."
    kinds = [_kind(r) for r in bad]
    parts = [f"{kinds.count(k)} {words}" for k, words in _KINDS.items() if k in kinds]
    return (
        f"Of {whole}, {len(bad)} {'do' if len(bad) > 1 else 'does'} not go together as in the "
        f"train data, beyond chance: {', '.join(parts)}."
    )


def _row(result: Result) -> tuple[str, ...]:
    unit, times = describe(result).unit, excess(result)
    kind = _KINDS[_kind(result)] if result.verdict == "worse" else "as in fresh real rows"
    beyond = "–" if not math.isfinite(times) or times >= 1e9 else f"{max(times, 0):.1f} × noise"
    pair = " × ".join(result.columns)
    return (
        pair,
        kind,
        figure(result.value, unit),
        figure(result.reference, unit),
        beyond,
    )
