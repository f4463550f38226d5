"""Sample: rows that a twin draws, piece by piece into a file, or in one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from twinset.deprecations import renamed
from twinset.protocols import Sample
from twinset.rules.enforce import cost_in_total
from twinset.sampling.sample import Totals
from twinset.scale.local import use_workers
from twinset.stats.seeds import derived
from twinset.table.canonical import to_raw
from twinset.table.table import Table
from twinset.table.write import RowWriter
from twinset.twin import Twin

__all__ = ["Sampled", "drawn_table", "sample_to"]


@dataclass(frozen=True)
class Sampled:
    """What `sample_to` wrote; the last five as in `twinset.protocols.Sample`, over all rows."""

    rows: int
    seed: int
    method: str
    acceptance: float
    effective: float | None
    rules: Mapping[str, Any] | None = None
    saved: float = 0.0


@renamed(path="out")
def sample_to(
    twin: Twin,
    out: str | Path,
    n: int | None = None,
    *,
    given: object = None,
    where: str | None = None,
    shares: Mapping[str, float] | None = None,
    like: object = None,
    seed: int | None = None,
    copy: int | None = None,
    workers: int | None = None,
) -> Sampled:
    """Write rows to a file piece by piece.

    Parameters
    ----------
    seed
        Default from the twin.
    copy
        Number of a copy: each has streams of its own under the same seed.
    """
    seed = twin.seed if seed is None else seed
    seed = seed if copy is None else derived(seed, "copy", copy)
    totals = Totals("direct")
    with use_workers(workers), RowWriter(out) as writer:
        for draw in twin.draws(n, given=given, where=where, shares=shares, like=like, seed=seed):
            writer.write(to_raw(draw.table))
            totals.add(draw)
            totals.method = draw.method
    rows, kept = totals.rows, cost_in_total(totals.costs) if totals.costs else None
    acceptance = rows / totals.drawn
    return Sampled(rows, seed, totals.method, acceptance, totals.worth, kept, totals.saved)


def drawn_table(draws: Iterable[Sample]) -> Table:
    """Put the pieces that a twin yields into one table."""
    tables = [draw.table for draw in draws]
    data = pa.concat_tables([t.data for t in tables]).unify_dictionaries()
    return Table(tables[0].schema, data)
