"""How a reconstruction grows with the rows released: one fit, one large release, parts of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from twinset import registry
from twinset.auditing.game import LEAST
from twinset.auditing.inference import Successes
from twinset.auditing.inference_attacks import reconstruct
from twinset.auditing.shadows import Plan, Pool
from twinset.stats.records import encode, encoded_columns
from twinset.stats.seeds import stream
from twinset.stats.units import compact
from twinset.table.table import Table

__all__ = ["RECONSTRUCTION", "curve_numbers", "curve_sides", "grown"]

RECONSTRUCTION = "linear_reconstruction"
_FIRST = 100  # rows of the smallest release


def curve_sides(pool: Pool) -> tuple[Table, Table]:
    """Deal people for the train table of one fit, as many rows as a shadow fit has, and others.

    At most half of the table is on either side; no unit is on both.
    """
    sizes = np.bincount(pool.units)
    order = stream(pool.plan.seed, "shadow", "curve", "sides").permutation(len(sizes))
    rows = min(pool.plan.rows, pool.table.num_rows // 2)
    first, last = np.searchsorted(np.cumsum(sizes[order]), [rows, 2 * rows], side="right")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    at = place[pool.units]
    parts = at < first, (at >= first) & (at < last)
    return pool.table.take(np.flatnonzero(parts[0])), pool.table.take(np.flatnonzero(parts[1]))


def curve_numbers(plan: Plan, train: Table, others: Table, release: Table) -> dict[str, Any]:
    """Reconstruct a column of everybody from parts of a release; keep who was guessed right.

    Returns
    -------
    dict
        ``sizes``, shape (parts,); ``train`` and ``holdout``, shape (parts, people), 0 or 1;
        ``column``; ``guess``, the share of train people for whom the commonest value of others is
        right. Empty if there is no column to guess, or too few people.
    """
    rng = stream(plan.seed, "shadow", "curve", "parts")
    people = [_one_row_each(t, rng) for t in (train, others)]
    if min(t.num_rows for t in people) < LEAST:
        return {}
    # one scale, of the release alone: it treats both sides alike
    s, *sides = encode([release, *people], columns=encoded_columns(train))
    chosen = [c.name for c in train.schema.columns if c.role in ("sensitive", "target")]
    first = [plan.secret] if plan.secret else chosen
    attack = registry.configure("attacks", RECONSTRUCTION)
    found = reconstruct(attack, (sides[0], sides[1]), s, _sizes(plan), first=first, rng=rng)
    if not found:
        return {}
    return {
        "sizes": np.array([c.params["released"] for c in found]),
        "train": np.array([c.train for c in found], dtype=np.uint8),
        "holdout": np.array([c.holdout for c in found], dtype=np.uint8),
        "guess": np.array(found[0].guess),
        "column": np.array(found[0].columns[0]),
    }


def grown(plan: Plan, kept: Mapping[str, npt.NDArray[Any]]) -> list[Successes]:
    """Turn what `curve_numbers` kept into comparisons; only the release of the plan is judged."""
    if not kept:
        return []
    threat_model = registry.configure("attacks", RECONSTRUCTION).threat_model
    return [
        Successes(
            RECONSTRUCTION,
            threat_model,
            (str(kept["column"]),),
            right.astype(np.float64),
            others.astype(np.float64),
            float(kept["guess"]),
            {"released": int(size)},
            aside=int(size) != plan.released,
        )
        for size, right, others in zip(kept["sizes"], kept["train"], kept["holdout"], strict=True)
    ]


def _sizes(plan: Plan) -> list[int]:
    """Return the numbers of rows, that of the plan first."""
    powers = {10**e for e in range(2, 10) if 10**e < plan.curve}
    return [plan.released, *sorted({*powers, plan.curve} - {plan.released})]


def _one_row_each(table: Table, rng: np.random.Generator) -> Table:
    """Return one row of each unit, units and rows at random."""
    order = rng.permutation(table.num_rows)
    units = compact(table.units, table.num_rows)
    first = np.unique(units[order], return_index=True)[1]
    return table.take(rng.permutation(order[first]))
