"""The steps about rules: mine them from a table, and hold them against one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twinset.inputs import Options, read, read_holdout
from twinset.rules.check import Checked, check
from twinset.rules.files import as_rules
from twinset.rules.mining.mine import mine
from twinset.rules.rule import Rules
from twinset.stats.seeds import stream
from twinset.table.split import split
from twinset.table.table import empty_table

__all__ = ["check_rules", "mine_rules"]

_LEAST_TO_SPLIT = 400
_PROTECT = 5


def mine_rules(
    data: object, *, holdout: object | None = None, seed: int = 0, **about: Any
) -> Rules:
    """Return the rules that a table keeps far beyond chance, the most telling first.

    Parameters
    ----------
    data
        pandas, polars or pyarrow table, a path, or a database URL.
    holdout
        Share of the units that confirm what the others show (default half; none of fewer than 400
        rows), or a table of other units.
    **about
        See `twinset.inputs.Options`.
    """
    options = Options.of(about)
    table = read(data, options, seed=seed)[1].only
    if holdout is None and table.num_rows < _LEAST_TO_SPLIT:
        return mine(table, seed=seed)
    if holdout is None or isinstance(holdout, int | float):
        share = 0.5 if holdout is None else holdout
        train, other = split(table, share, rng=stream(seed, "split"))
        return mine(train, other, seed=seed)
    return mine(table, read_holdout(holdout, table, options, seed=seed)[0], seed=seed)


def check_rules(
    data: object, wanted: Rules | str | Path | Sequence[Any], *, seed: int = 0, **about: Any
) -> tuple[Checked, ...]:
    """Count the rows of a table that break each rule, with exact upper bounds.

    Raises
    ------
    InputError
        If a rule does not fit the table.
    """
    stated = as_rules(wanted)
    table = read(data, Options.of(about), seed=seed)[1].only
    stated.check_schema(table.schema, empty_table(table.schema))
    return check(stated.learned(table, _PROTECT), table)
