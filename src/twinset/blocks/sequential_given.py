"""Draw rows of a sequential model given some of their cells."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

from twinset.blocks.sequential import CodedRows, GivenCells, Sequential, effective_size
from twinset.protocols import PartialRows, Sample

__all__ = ["draw_given"]

Floats = npt.NDArray[np.float64]
_CANDIDATES = 16
_BLOCK = 4_096
_AT_ONCE = 65_536
_POOL = 16_384
_MOST = 2**19  # candidates that are always allowed
_TIMES = 8.0  # and the cost of a condition beside rows without one


def draw_given(model: Sequential, given: PartialRows, rng: np.random.Generator) -> Sample:
    """Draw rows with the known cells of `given`.

    Known cells that come first in the order are conditioned on exactly. If all rows share one
    condition, candidates for the columns up to the last known one are kept with probability w/max w
    (rejection; w is the probability of the known cells, the maximum that of all candidates: Caffo,
    Booth and Davis 2002, Biometrika 89), and the other columns are drawn for what is kept. That is
    exact too. Where it would take more than 8 times the time of free rows (and 524,288 candidates),
    rows are resampled among the candidates by w (Rubin 1987, "SIR"). So they are, among 16
    candidates each, where each row has a condition of its own. The worth is the effective sample
    size by these weights (Kish 1965); where each row has candidates of its own, it counts for the
    effective share of these.
    """
    known, n = model.known(given), given.num_rows
    method, acceptance = _method(model, known, n), 1.0
    if method == "exact":
        rows, worth = CodedRows(), float(n)
        model.advance(model.order, rows, known, n, rng)
    elif all(k.is_alike for k in known.values()):
        rows, worth, acceptance, method = _alike(model, known, n, rng)
    else:
        blocks = [np.arange(s, min(s + _BLOCK, n)) for s in range(0, n, _BLOCK)]
        drawn = [_each(model, known, block, rng) for block in blocks]
        rows, worth = CodedRows.joined([d[0] for d in drawn]), sum(d[1] for d in drawn)
    return Sample(given.into(model.decode(rows, rng)), method, acceptance, min(worth, n))


def _method(
    model: Sequential, known: Mapping[int, GivenCells], n: int
) -> Literal["exact", "importance"]:
    """Exact if in each row all known columns come before all unknown ones."""
    unknown = np.zeros(n, dtype=bool)
    for i in model.order:
        mask = known[i].mask if i in known else np.zeros(n, dtype=bool)
        if bool((mask & unknown).any()):
            return "importance"
        unknown |= ~mask
    return "exact"


def _alike(
    model: Sequential, known: Mapping[int, GivenCells], n: int, rng: np.random.Generator
) -> tuple[CodedRows, float, float, Literal["exact", "importance"]]:
    """Rows that share one condition, their worth, the share of candidates kept, and the method."""
    last = max(place for place, i in enumerate(model.order) if i in known) + 1
    most = max(_MOST, math.ceil(_TIMES * n * len(model.order) / last))
    parts: list[CodedRows] = []
    weights: list[Floats] = []
    drawn, wanted = 0, _POOL
    while drawn < wanted:
        many = min(wanted - drawn, _AT_ONCE)
        first = np.zeros(many, dtype=np.int64)
        cells = {i: k.take(first) for i, k in known.items()}
        parts.append(CodedRows())
        weights.append(model.advance(model.order[:last], parts[-1], cells, many, rng))
        drawn += many
        weight = np.concatenate(weights)
        share = np.exp(weight - weight.max())
        by_rejection = 1.1 * n * drawn / share.sum() + 100
        by_weight = 1.2 * n * drawn / effective_size(weight[None, :])[0]
        enough = by_rejection if by_rejection <= most else min(by_weight, most)
        wanted = max(wanted, math.ceil(enough))
    kept = np.flatnonzero(rng.random(drawn) < share)
    if len(kept) >= n:
        pick, worth = kept[:n], float(n)
    else:
        cumulative = np.cumsum(share)
        asked = (np.arange(n) + rng.random()) / n * cumulative[-1]
        pick = rng.permutation(np.minimum(np.searchsorted(cumulative, asked), drawn - 1))
        worth = float(effective_size(weight[None, :])[0])
    rows = CodedRows.joined(parts).take(pick)
    model.advance(model.order[last:], rows, {}, n, rng)
    return rows, worth, len(kept) / drawn, "exact" if len(kept) >= n else "importance"


def _each(
    model: Sequential,
    known: Mapping[int, GivenCells],
    block: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> tuple[CodedRows, float]:
    """Choose one of the candidates of each row."""
    many, rows = np.repeat(block, _CANDIDATES), CodedRows()
    cells = {i: k.take(many) for i, k in known.items()}
    weight = model.advance(model.order, rows, cells, len(many), rng)
    weight = weight.reshape(len(block), _CANDIDATES)
    gumbel = -np.log(-np.log(rng.random(weight.shape)))
    pick = np.arange(len(block)) * _CANDIDATES + np.argmax(weight + gumbel, axis=1)
    return rows.take(pick), float(effective_size(weight).sum()) / _CANDIDATES
