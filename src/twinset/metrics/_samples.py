"""Samples: records of equal number by unit, and counts drawn anew to see what chance gives."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinset.evidence.coded import Side
from twinset.evidence.evidence import Evidence
from twinset.protocols import Records
from twinset.stats import units
from twinset.stats.records import concatenate

__all__ = ["LEAST", "Pooled", "draw_counts", "embedded", "frequent", "pooled", "three"]

Floats = npt.NDArray[np.float64]
LEAST = 30
_LEVELS = 12


@dataclass(frozen=True, eq=False)
class Pooled:
    """Records of two samples, one after the other; `first` and `units` have shape (rows,)."""

    records: Records
    first: npt.NDArray[np.bool_]
    units: npt.NDArray[np.int64]


def pooled(evidence: Evidence, other: Side, most: int, rng: np.random.Generator) -> Pooled | None:
    """Draw up to `most` rows of train and as many of `other`; None if there are too few units."""
    records = evidence.records()
    tables = {"train": evidence.train, "synthetic": evidence.synthetic, "holdout": evidence.holdout}
    size = min(most, *(len(records[s]) for s in ("train", "synthetic", other)))
    parts, ids = [], []
    for side in ("train", other):
        table = tables[side]
        own = None if table is None else table.units
        at = units.draw(own, len(records[side]), size, rng)
        parts.append(records[side].take(at))
        ids.append(units.compact(None if own is None else own[at], len(at)))
    counts = [int(i.max()) + 1 if len(i) else 0 for i in ids]
    if min(counts) < LEAST:
        return None
    first = np.arange(len(ids[0]) + len(ids[1])) < len(ids[0])
    return Pooled(concatenate(parts), first, np.concatenate([ids[0], ids[1] + counts[0]]))


def three(evidence: Evidence, most: int, rng: np.random.Generator) -> list[Records] | None:
    """Draw up to `most` rows each of train, release and holdout, one row a unit, in random order.

    Without a holdout train is split in two. None if a part would have fewer than 30 units.
    """
    records = evidence.records()
    tables = {"train": evidence.train, "synthetic": evidence.synthetic, "holdout": evidence.holdout}
    parts: list[Records] = []
    for side in ("train", "synthetic", "holdout"):
        table = tables[side]
        if table is not None:
            order = rng.permutation(len(records[side]))
            ids = units.compact(table.units, table.num_rows)
            parts.append(records[side].take(order[np.unique(ids[order], return_index=True)[1]]))
    if len(parts) == 2:
        half = len(parts[0]) // 2
        parts = [parts[0].take(np.arange(half)), parts[1], parts[0].take(np.arange(half, 2 * half))]
    size = min(most, *map(len, parts))
    if size < LEAST:
        return None
    return [p.take(rng.permutation(len(p))[:size]) for p in parts]


def frequent(codes: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return the most frequent levels of a column, most frequent first."""
    values, counts = np.unique(codes, return_counts=True)
    return np.asarray(values[np.argsort(-counts, kind="stable")][:_LEVELS])


def embedded(records: Records, levels: list[npt.NDArray[np.int32]]) -> npt.NDArray[np.float64]:
    """Return shape (rows, d): ranks with a null flag, indicators of frequent levels."""
    numeric = records.numeric.astype(np.float64)
    flags = np.isnan(numeric)
    parts = [np.where(flags, 0.5, numeric), flags * 0.5]
    for j, known in enumerate(levels):
        parts.append((records.codes[:, [j]] == known) / math.sqrt(2))
    return np.concatenate(parts, axis=1)


def draw_counts(
    counts: Mapping[Side, Floats],
    figure: Callable[[Floats, Floats], Floats],
    effect: float,
    draws: int,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Return a figure of train and synthetic by chance, and about what it is, shape (draws,) each.

    Parameters
    ----------
    counts
        Shape (cells,) for each side; chance draws both tables from train and holdout together.
    figure
        Maps counts of train and of synthetic, shape (..., cells), to the figure.
    effect
        Design effect of units: tables are drawn as many times smaller.
    """
    real = counts["train"] + counts.get("holdout", 0.0)

    def draw(side: Side, of: Floats) -> Floats:
        number = max(round(counts[side].sum() / effect), 1)
        return rng.multinomial(number, of / of.sum(), size=draws).astype(np.float64)

    chance = figure(draw("train", real), draw("synthetic", real))
    return chance, figure(*(draw(s, counts[s]) for s in ("train", "synthetic")))
