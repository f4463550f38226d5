"""Best of K: steer rows to a measure that has no gradient, and say what that costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from twinset import registry
from twinset.errors import InputError
from twinset.evaluation.release import evaluate
from twinset.inputs import Options, read_like
from twinset.progress import phase, unheard
from twinset.protocols import Direction
from twinset.stats.seeds import derived
from twinset.table.table import Table, empty_table
from twinset.twin import Twin

__all__ = ["Curated", "curate"]

_BATCHES = 4
_MOST = 1_000
_FIDELITY = {"columns": "mean_column_tvd", "pairs": "mean_pair_tvd"}


@dataclass(frozen=True)
class Curated:
    """Rows chosen by a measure.

    Attributes
    ----------
    by, direction
        The measure, and which way is good.
    plain, chosen
        Figures of rows that were not chosen, and of those that were: the measure (its mean over
        columns), then fidelity (mean TVD of columns, and of pairs), by name.
    """

    table: Table
    by: str
    direction: Direction
    plain: Mapping[str, float]
    chosen: Mapping[str, float]


def curate(
    twin: Twin,
    against: object,
    *,
    by: str,
    best_of: int,
    n: int | None = None,
    seed: int | None = None,
    **asked: Any,
) -> Curated:
    """Draw rows in four batches, each the best of `best_of` by a measure of all rows so far.

    Parameters
    ----------
    against
        Real rows that the measure compares with: table, path or URL.
    by
        Name of a measure, as in report.json.
    best_of
        Candidates for each batch, 1 to 1,000.
    **asked
        Conditions, as of `Twin.sample`.

    Raises
    ------
    InputError
        If the measure is unknown or cannot be computed, or `best_of` is out of range.
    """
    if not 1 <= best_of <= _MOST:
        raise InputError("--best-of", got=str(best_of), allowed=f"1 to {_MOST:,}")
    module, direction = _measure(by)
    rows = twin.provenance["rows"] if n is None else n
    seed = twin.seed if seed is None else seed
    real = read_like(against, empty_table(twin.released_schema), Options(), seed=seed)
    sizes = [len(part) for part in np.array_split(np.arange(rows), min(_BATCHES, rows))]
    chosen: list[pa.Table] = []
    plain: list[pa.Table] = []
    with phase("choose", len(sizes) * best_of) as running:
        for place, size in enumerate(sizes):
            best: tuple[float, pa.Table] | None = None
            for k in range(best_of):
                own = derived(seed, "candidate", place, k)
                with unheard():
                    draws = twin.draws(size, seed=own, **asked)
                    drawn = pa.concat_tables(d.table.data for d in draws)
                    value = _figure(real, _joined(real, [*chosen, drawn]), module, by)
                plain += [drawn] if k == 0 else []
                if best is None or _better(value, best[0], direction):
                    best = value, drawn
                running.advance()
            chosen += [best[1]] if best else []
    tables = [_joined(real, parts) for parts in (plain, chosen)]
    names = {by: module, **{name: m for m, name in _FIDELITY.items()}}
    with unheard():
        figures = [{n: _figure(real, t, m, n) for n, m in names.items()} for t in tables]
    return Curated(tables[1], by, direction, figures[0], figures[1])


def _better(value: float, other: float, direction: Direction) -> bool:
    if direction == "higher":
        return value > other
    return abs(value) < abs(other) if direction == "target" else value < other


def _measure(by: str) -> tuple[str, Direction]:
    """Return the registered metric that gives a measure, and which way is good."""
    known = {
        m.name: (name, m.direction)
        for name in registry.names("metrics")
        for m in registry.measures_of(name)
    }
    if by not in known:
        raise InputError("--by", got=repr(by), allowed=", ".join(sorted(known)))
    return known[by]


def _figure(real: Table, made: Table, module: str, by: str) -> float:
    """Return the mean of a measure over its results; of a target, from its reference."""
    found = evaluate(real, made, metrics=[module]).results
    mine = [r for r in found if r.name == by]
    values = [
        r.value - ((r.reference or 0.0) if r.direction == "target" else 0.0)
        for r in mine
        if r.value is not None
    ]
    if not values:
        reason = mine[0].reason if mine else "it has no result for this table"
        raise InputError("--by", got=f"a measure that was not computed: {reason}")
    return float(np.mean(np.abs(values) if mine[0].direction == "target" else values))


def _joined(real: Table, parts: list[pa.Table]) -> Table:
    return Table(real.schema, pa.concat_tables(parts).unify_dictionaries().combine_chunks())
