"""The commands that add to real rows: impute, augment."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from twinset import api
from twinset.cli.options import CommandOptions, assignments
from twinset.cli.sample import check_stream, numbered
from twinset.errors import InputError
from twinset.jobs.augment import Augmented, augment_to
from twinset.jobs.impute import Filled, impute_to
from twinset.scale.local import use_workers

__all__ = ["augment", "impute"]


def impute(asked: CommandOptions) -> int:
    """Write each imputation, and say how many cells it filled."""
    copies = asked.imputations
    check_stream(asked.out_rows, copies, as_json=asked.as_json)
    with asked.working(), use_workers(asked.workers):
        twin = api.load(asked.model, plugins=asked.plugins)
        how = asked.keywords("model", "plugins", "out_rows", "imputations", "workers")
        written = []
        for copy, path in numbered(asked.out_rows, copies):
            done = impute_to(twin, out=path, copy=copy, **how)
            written.append({"file": str(path), **done.__dict__})
            if not asked.quiet:
                _tell(path, done)
    if asked.as_json:
        typer.echo(json.dumps({"files": written}, ensure_ascii=False))
    return 0


def _tell(path: Path, done: Filled) -> None:
    cells = sum(done.filled.values())
    typer.echo(f"{path}: {cells:,} cells filled; it holds the real rows of its source", err=True)
    if done.missing:
        left = ", ".join(f"{n} {k:,}" for n, k in done.missing.items())
        typer.echo(f"{path}: still missing: {left}", err=True)


def augment(asked: CommandOptions) -> int:
    """Write the rows, and say what was added and what a model gains by it."""
    check_stream(asked.out_rows, 1, as_json=asked.as_json)
    how = asked.keywords()
    if asked.to != "balanced":
        how["to"] = _counts(asked.to)
    with asked.working():
        done = augment_to(**how)
    if asked.as_json:
        typer.echo(done.to_json())
    else:
        _tell_augmented(done)
    return 0


def _counts(text: str) -> dict[str, int]:
    """``"yes=500,no=800"`` to ``{"yes": 500, "no": 800}``."""
    counts = {}
    for name, rows in assignments("--to", text.split(",")).items():
        if not rows.strip().isdecimal():
            raise InputError("--to", got=repr(f"{name}={rows}"), allowed="CLASS=ROWS,CLASS=ROWS")
        counts[name] = int(rows)
    return counts


def _tell_augmented(done: Augmented) -> None:
    """Print the classes and the figures on standard error: standard output may hold the rows."""
    for name, rows in done.real.items():
        typer.echo(f"{name}: {rows:,} real rows, {done.added[name]:,} new", err=True)
    if done.arms:
        typer.echo(f"A model on {done.held:,} real rows that were set aside:", err=True)
    for arm in done.arms:
        figures = [f"{f.name} {f.value:.3f}" for f in arm.figures]
        if arm.name != done.arms[0].name:
            figures = [
                f"{f.name} {f.value:.3f} ({f.gain:+.3f}, {f.low:+.3f} to {f.high:+.3f})"
                for f in arm.figures
            ]
        typer.echo(f"  {arm.name}: {'; '.join(figures)}", err=True)
    typer.echo(done.verdict, err=True)
