"""More like these rows: tilt what a twin draws towards exemplars."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.errors import ConditionError, InputError
from twinset.protocols import Sample
from twinset.rules.combinations import column_codes
from twinset.rules.row_tests import Condition
from twinset.sampling.fitted import Fitted
from twinset.sampling.sample import PIECE, KnownCells, Totals, draw, renumbered
from twinset.stats.seeds import derived, stream
from twinset.table.canonical import to_canonical
from twinset.table.sources import open_source
from twinset.table.split import align_columns
from twinset.table.table import Table, numbers

__all__ = ["Tilt", "draw_alike", "read_exemplars"]

Floats = npt.NDArray[np.float64]
Encode = Callable[[Table], Floats]
_MOST_EXEMPLARS = 10_000
_POOL = 8_192
_LEVELS = 50
_MOST_DRAWN = 500  # rows drawn for a row
_LEAST_DRAWN = 100_000


def read_exemplars(twin: Fitted, like: object) -> Table:
    """Read example rows: a table, a path or a URL with the columns of the twin.

    Raises
    ------
    InputError
        If the columns are not those of the twin, or there is no row.
    """
    source = open_source(like)
    raw = source.raw(_MOST_EXEMPLARS, stream(twin.seed, "exemplars"))
    if raw.num_rows == 0:
        raise InputError("--like", got="no rows", allowed="at least one row")
    names = list(twin.encoding.encoded.names)
    raw = raw.select([n for n in raw.column_names if n in names or n not in twin.schema.names])
    return to_canonical(align_columns(raw, names, what="--like"), twin.schema.select(names))


@dataclass(frozen=True, eq=False)
class Tilt:
    """How much a row is like the exemplars, as a weight from 0 to 1.

    The weight is exp(b x), a ratio of densities p/q that logistic regression tells from exemplars
    against rows of the model (Qin 1998, Biometrika 85; Sugiyama, Suzuki and Kanamori 2012, section
    4.1). x holds ranks of numbers and their squares, and levels of categories; b has a normal prior
    of sd 1, so that few exemplars tilt a little. Weights stop growing at that of the median
    exemplar.
    """

    encode: Encode
    slope: Floats
    top: float
    own: frozenset[tuple[Any, ...]]
    names: tuple[str, ...]

    @classmethod
    def fit(
        cls,
        twin: Fitted,
        exemplars: Table,
        known: KnownCells,
        condition: Condition | None,
        seed: int,
    ) -> Tilt:
        """Learn the ratio from exemplars and from rows that are drawn without them."""
        from sklearn.linear_model import LogisticRegression

        pool = draw(twin, _POOL, known, condition, derived(seed, "pool")).table
        names = exemplars.names
        encode = _encoder(pool.select(names))
        free, wanted = encode(pool.select(names)), encode(exemplars)
        weight = np.r_[np.full(len(free), len(wanted) / len(free)), np.ones(len(wanted))]
        label = np.r_[np.zeros(len(free)), np.ones(len(wanted))]
        model = LogisticRegression(C=1.0, max_iter=500)
        slope = model.fit(np.vstack([free, wanted]), label, sample_weight=weight).coef_[0]
        top = float(np.median(wanted @ slope))
        return cls(encode, slope, top, frozenset(_rows(exemplars)), tuple(names))

    def weights(self, table: Table) -> Floats:
        """Shape (rows,): weights; 0 for a row that is an exemplar itself."""
        part = table.select(list(self.names))
        weight = np.exp(np.minimum(self.encode(part) @ self.slope - self.top, 0.0))
        weight[[row in self.own for row in _rows(part)]] = 0.0
        return np.asarray(weight)


def _rows(table: Table) -> list[tuple[Any, ...]]:
    return list(zip(*(table[n].to_pylist() for n in table.names), strict=True))


def _encoder(pool: Table) -> Encode:
    """Return what turns tables into features, by the ranks and levels of `pool`."""
    parts: list[Callable[[Table], Floats]] = []
    for column in pool.schema.columns:
        if column.kind.is_number_like:
            values = numbers(pool[column.name], column.kind)
            parts.append(_ranks(column.name, np.sort(values[~np.isnan(values)])))
        else:
            codes, levels = column_codes(pool, column.name)
            often = np.argsort(-np.bincount(codes[codes >= 0], minlength=len(levels)))[:_LEVELS]
            parts.append(_levels(column.name, [levels[i] for i in often]))
    return lambda table: np.hstack([part(table) for part in parts])


def _ranks(name: str, ordered: Floats) -> Callable[[Table], Floats]:
    def encode(table: Table) -> Floats:
        x = numbers(table[name], table.schema[name].kind)
        null = np.isnan(x)
        low, high = (np.searchsorted(ordered, x, side=s) for s in ("left", "right"))
        z = ((low + high) / (2 * max(len(ordered), 1)) - 0.5) * np.sqrt(12)
        z[null] = 0.0
        square = np.where(null, 0.0, z**2 - 1)
        return np.column_stack([z, square, null])

    return encode


def _levels(name: str, known: list[Any]) -> Callable[[Table], Floats]:
    place = {level: i for i, level in enumerate(known)}

    def encode(table: Table) -> Floats:
        codes, levels = column_codes(table, name)
        at = np.array([*(place.get(v, len(known)) for v in levels), len(known)], dtype=np.int64)
        return np.eye(len(known) + 1)[at[codes]]

    return encode


def draw_alike(
    twin: Fitted,
    size: int,
    tilt: Tilt,
    known: KnownCells,
    condition: Condition | None,
    seed: int,
    *,
    index: int,
    start: int,
) -> Sample:
    """Draw one piece: rows of the model, each kept with the probability of its weight.

    Raises
    ------
    ConditionError
        If fewer than one row in 500 is kept.
    """
    parts: list[pa.Table] = []
    kept, totals = 0, Totals("exemplars")
    rng = stream(seed, "like", index)
    while kept < size:
        tried = totals.rows
        if tried >= max(_MOST_DRAWN * size, _LEAST_DRAWN):
            raise ConditionError(
                "--like",
                got=f"{kept} of {tried:,} rows drawn are like the exemplars",
                hint="the model hardly makes such rows; ask for fewer, or give more exemplars",
            )
        ask = int(min(max((size - kept) * max(tried, 1) / max(kept, 1) * 1.1, 1_000), PIECE))
        own = derived(seed, "like", index, len(parts))
        made = draw(twin, ask, known, condition, own, index=index, start=start)
        totals.add(made)
        chosen = np.flatnonzero(rng.random(ask) < tilt.weights(made.table))
        parts.append(made.table.take(chosen).data)
        kept += len(chosen)
    data = pa.concat_tables(parts).unify_dictionaries().combine_chunks().slice(0, size)
    return totals.sample(renumbered(twin, data, seed, index, start), kept)
