"""Audit of a generator: one pool of shadow models, all targets, all attacks."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from twinset import registry
from twinset.auditing.reconstruction_curve import RECONSTRUCTION
from twinset.auditing.shadow_audit import LEAST_FITS, PoolAudit
from twinset.auditing.shadows import Neighbours, Plan, Pool, Shadows
from twinset.auditing.targets import choose_targets
from twinset.errors import InputError, StorageError
from twinset.progress import phase
from twinset.results import Audit
from twinset.scale.local import workers
from twinset.scale.processes import run_tasks
from twinset.scale.scratch import scratch_folder
from twinset.stats.records import encode, encoded_columns
from twinset.stats.row_hash import fingerprints
from twinset.stats.units import count_units
from twinset.table.table import Table

__all__ = ["Shadows", "audit_generator", "check_generator"]

_LEAST_UNITS = 100


def audit_generator(
    table: Table,
    generator: str = "",
    options: Mapping[str, Any] | None = None,
    *,
    command: str = "",
    how: Shadows | None = None,
    declared: Table | None = None,
    attacks: Sequence[str] | None = None,
    folder: Path | None = None,
    seed: int = 0,
    protect: int = 5,
    margin: float = 0.03,
    show_records: bool = False,
) -> Audit:
    """Attack a generator as someone would who can run it: shadow models with and without targets.

    Parameters
    ----------
    table
        The population: shadow models are fitted on random parts of it.
    generator, options
        A registered generator.
    command
        Instead of it, a command line with ``{train}``, ``{n}`` and ``{out}``.
    declared
        Rows of the table that are attacked too.
    folder
        Where numbers are kept; the same call goes on there. A temporary folder unless given.
    show_records
        Whether `Audit.records` holds the targets that some attack recognises.

    Raises
    ------
    InputError
        If there are too few units, or targets or options are refused.
    StoppedError
        If the time limit around the call has passed; the same call with the same folder goes on.
    """
    how = how or Shadows()
    chosen = _attacks(attacks)
    check_generator(generator, options, command)
    _check(table, how)
    _check_game(table, how)
    table, rows, groups = choose_targets(table, how.kinds, how.number, seed, declared)
    size = how.rows or min(table.num_rows // 2, 1_000)
    plan = Plan(
        generator=generator,
        options=dict(options or {}),
        command=command,
        fits=how.fits,
        controls=how.controls,
        rows=size,
        released=how.released or size,
        targets=tuple(rows.tolist()),
        attacks=tuple(a.name for a in chosen),
        seconds=how.seconds,
        seed=seed,
        protect=protect,
        fixed=how.fixed,
        neighbours=how.neighbours,
        secret=how.secret,
        curve=_curve(how, how.released or size, attacks),
    )
    if size <= 2 * len(rows):
        raise InputError(
            "train rows of a shadow model",
            got=f"{size} for {len(rows)} targets",
            allowed=f"more than {2 * len(rows)}",
            hint="fewer targets, or a larger table",
        )
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = stack.enter_context(scratch_folder("twinset-shadows-"))
        pool = _fill(folder, plan, table)
        return PoolAudit(pool, chosen, groups, how, margin, show_records).result()


def _fill(folder: Path, plan: Plan, table: Table) -> Pool:
    """Do the fits of the plan that are not done yet, in worker processes."""
    pool = Pool.make(folder, plan, table)
    command = [sys.executable, "-m", "twinset.auditing.shadow_worker", str(folder)]
    left = pool.missing()
    total = len(plan.tasks)
    with phase("shadow models", total=total) as step, contextlib.ExitStack() as stack:
        if len(left) < total:
            step.advance(total - len(left))
        running = run_tasks(command, left, workers=workers(), seconds=plan.seconds)
        stack.callback(shutil.rmtree, pool.work, ignore_errors=True)  # what killed fits left there
        stack.enter_context(contextlib.closing(running))
        for fit, answer in running:
            if answer == "disk":
                raise StorageError(
                    "the numbers of a shadow model are not written: the disk is full"
                )
            if answer in ("died", "timed out"):
                pool.fail(fit, answer)
            step.advance(detail=answer)
    return pool


def _attacks(names: Sequence[str] | None) -> list[Any]:
    made = [registry.configure("attacks", n) for n in names or registry.names("attacks")]
    usable = [a for a in made if a.threat_model.generator != "no-box"]
    if not usable:
        raise InputError("attacks", got="none that works with shadow models")
    return usable


def _curve(how: Shadows, released: int, attacks: Sequence[str] | None) -> int:
    """Return the rows of the largest release that is reconstructed, 0 if none is to be."""
    if attacks is not None and RECONSTRUCTION not in attacks:
        return 0
    return how.curve and max(how.curve, released)


def check_generator(
    generator: str, options: Mapping[str, Any] | None = None, command: str = ""
) -> None:
    """Refuse a generator or options that are not known, or a command without its places."""
    if command:
        missing = [p for p in ("{train}", "{n}", "{out}") if p not in command]
        if missing:
            raise InputError(
                "--generator-command",
                got=f"no {missing[0]}",
                allowed="a command line with {train}, {n} and {out}",
            )
    else:
        registry.configure("generators", generator, options)


def _check(table: Table, how: Shadows) -> None:
    units = count_units(table.units, table.num_rows)
    if units < _LEAST_UNITS:
        raise InputError(
            "the table",
            got=f"{units} rows or units to protect",
            allowed=f"at least {_LEAST_UNITS}: a shadow model is fitted on half of them",
        )
    if how.fits < LEAST_FITS:
        raise InputError("--shadows", got=str(how.fits), allowed=f"{LEAST_FITS} or more")


def _check_game(table: Table, how: Shadows) -> None:
    if how.neighbours not in get_args(Neighbours):
        allowed = ", ".join(get_args(Neighbours))
        raise InputError("neighbours", got=repr(how.neighbours), allowed=allowed)
    if how.fixed and how.rows is not None and how.rows > table.num_rows // 2:
        raise InputError(
            "train rows of a shadow model",
            got=f"{how.rows} of {table.num_rows}",
            allowed="at most half, so that there are others to stand in for the targets",
        )
    if not how.secret:
        return
    if how.neighbours != "replace":
        raise InputError("a secret", got="neighbours that differ by a unit", allowed="replace")
    if how.secret not in encoded_columns(table):
        allowed = f"one of {', '.join(encoded_columns(table))}"
        raise InputError(f"secret {how.secret!r}", got="no such column to attack", allowed=allowed)
    if len(np.unique(fingerprints(encode([table], columns=[how.secret])[0]))) < 2:
        raise InputError(f"secret {how.secret!r}", got="a single value", allowed="two or more")
