"""Measure: tables are read, in memory or in parts, and held against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from twinset.errors import InputError
from twinset.evaluation.compat import compat as compat_tables
from twinset.evaluation.cross_validation import CrossValidation, with_across
from twinset.evaluation.cross_validation import cross_validate as across
from twinset.evaluation.release import evaluate as evaluate_tables
from twinset.inputs import Options, read, read_holdout, read_like, read_tables, stored_types
from twinset.results import Evaluation
from twinset.rules.files import as_rules
from twinset.rules.measures import with_rules
from twinset.rules.rule import Rules
from twinset.scale.local import use_workers
from twinset.stats.row_hash import is_copied
from twinset.table.table import Table

__all__ = ["cross_validate", "crossed", "evaluate"]


def evaluate(
    train: object,
    synthetic: object,
    holdout: object | None = None,
    *,
    rules: Rules | str | Path | Sequence[Any] | None = None,
    compat: str | None = None,
    seed: int = 0,
    workers: int | None = None,
    **about: Any,
) -> Evaluation:
    """Measure a release against the table it was made from.

    Parameters
    ----------
    train, synthetic, holdout
        Tables, paths or URLs; `holdout` holds other units of the same population and gives every
        figure its reference.
    rules
        Rules that every row should keep: a file, or a list of expressions and mappings.
    compat
        ``"sdmetrics"``: only the figures of its two reports, in its own conventions.
    workers
        Threads, by default 2; their number changes nothing but the time.
    """
    wanted = None if rules is None else as_rules(rules)
    options = Options.of(about)
    if compat is not None:
        if wanted is not None:
            raise InputError("rules", got=f"with the conventions of {compat}", hint="leave one out")
        real = read(train, options, seed=seed)[1].only
        released = read_like(synthetic, real, options, seed=seed)
        types = [stored_types(d, options, seed=seed) for d in (train, synthetic)]
        return compat_tables(compat, real, released, types, seed)
    with TemporaryDirectory(prefix="twinset-") as folder:  # for tables larger than memory
        given = read_tables(train, synthetic, holdout, options, Path(folder), seed=seed)
        tables = [g.table for g in given.values()]
        if len(tables) == 3 and not any(g.spill for g in given.values()):
            _refuse_copies(tables[0], tables[2])
        if wanted is not None:
            wanted.check_schema(tables[0].schema, tables[0].take(np.arange(0)))
        spills = {s: g.spill for s, g in given.items() if g.spill is not None}
        with use_workers(workers):
            found = evaluate_tables(
                *tables,
                target=options.target,
                sensitive=options.sensitive,
                seed=seed,
                spills=spills,
            )
        if wanted is None:
            return found
        in_files = {str(side): spill for side, spill in spills.items()}
        return with_rules(found, wanted, *tables, *[None] * (3 - len(tables)), spills=in_files)


def _refuse_copies(train: Table, holdout: Table) -> None:
    if is_copied(train, holdout):
        raise InputError(
            "train and holdout",
            got="many rows that stand in both",
            allowed="other people than in train",
            hint="is it the same file, or was the model fitted on it?",
        )


def cross_validate(
    train: object,
    releases: Mapping[str, object],
    holdout: object | None = None,
    *,
    seed: int = 0,
    workers: int | None = None,
    **about: Any,
) -> CrossValidation:
    """Train models of the target on each table and test them on each.

    Parameters
    ----------
    train, holdout
        Real tables, paths or URLs.
    releases
        Synthetic ones, by name.

    Raises
    ------
    InputError
        If there is no target, a table has too few rows, or real rows foretell nothing.
    """
    options = Options.of(about)
    real = read(train, options, seed=seed)[1].only
    unseen = None if holdout is None else read_holdout(holdout, real, options, seed=seed)[0]
    released = {n: read_like(r, real, options, seed=seed) for n, r in releases.items()}
    with use_workers(workers):
        return across(real, released, unseen, target=options.target, seed=seed)


def crossed(
    evaluations: Mapping[str, Evaluation], *args: Any, **options: Any
) -> tuple[dict[str, Evaluation], CrossValidation | None]:
    """Add to evaluations of several releases what `cross_validate` finds, or why it cannot."""
    try:
        found = cross_validate(*args, **options)
    except InputError as error:
        return with_across(evaluations, str(error)), None
    return with_across(evaluations, found), found
