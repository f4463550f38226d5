"""The commands that add to real rows: impute, augment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinset.cli import options as opt
from twinset.cli.making import Model, check_stream, numbered
from twinset.cli.progress import shown
from twinset.errors import InputError

if TYPE_CHECKING:
    from twinset.jobs.augment import Augmented
    from twinset.jobs.impute import Filled

__all__ = ["augment", "impute"]


def impute(
    model: Model,
    data: opt.Data,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="CSV, Parquet ... or '-'.")],
    copies: Annotated[
        int, typer.Option("--copies", metavar="M", min=1, help="Write M imputations.")
    ] = 1,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", min=0, help="Default: the twin's.")
    ] = None,
    plugins: opt.Plugins = False,
    workers: opt.Workers = None,
    time_limit: opt.TimeLimit = None,
    table: opt.TableName = None,
    max_rows: opt.MaxRows = opt.ROWS,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> int:
    """Fill the missing cells of DATA by a model; what it writes is real rows, and confidential."""
    from twinset import api
    from twinset.progress import time_limit as limit
    from twinset.scale.local import use_workers

    check_stream(out, copies, as_json=as_json)
    with shown(quiet=quiet), limit(time_limit), use_workers(workers):
        twin = api.load(model, plugins=plugins)
        written = []
        for copy in [None] if copies == 1 else range(1, copies + 1):
            path = out if copy is None else numbered(out, copy)
            done = api.impute_to(
                twin, data, path, seed=seed, copy=copy, table=table, max_rows=max_rows
            )
            written.append({"file": str(path), **done.__dict__})
            if not quiet:
                _tell(path, done)
    if as_json:
        typer.echo(json.dumps({"files": written}, ensure_ascii=False))
    return 0


def _tell(path: Path, done: Filled) -> None:
    cells = sum(done.filled.values())
    typer.echo(f"{path}: {cells:,} cells filled; it holds the real rows of its source", err=True)
    if done.missing:
        left = ", ".join(f"{n} {k:,}" for n, k in done.missing.items())
        typer.echo(f"{path}: still missing: {left}", err=True)


def augment(
    data: opt.Data,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="CSV, Parquet ... or '-'.")],
    target: Annotated[str, typer.Option("--target", metavar="COL", help="The classes.")],
    to: Annotated[
        str, typer.Option("--to", metavar="balanced|CLASS=ROWS,...", help="Rows of each class.")
    ] = "balanced",
    generator: opt.Generator = "cart",
    settings: opt.Set = None,
    rules: opt.Rules = None,
    holdout: Annotated[
        float,
        typer.Option("--holdout", metavar="FRACTION", help="Set aside to measure the gain; 0: no."),
    ] = 0.3,
    unit: opt.Unit = None,
    schema: opt.Schema = None,
    protect: opt.Protect = 5,
    seed: opt.Seed = 0,
    workers: opt.Workers = None,
    time_limit: opt.TimeLimit = None,
    table: opt.TableName = None,
    max_rows: opt.MaxRows = opt.ROWS,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> int:
    """Add new rows of rare classes to the real ones, and measure what a model gains by them."""
    from twinset import api
    from twinset.progress import time_limit as limit

    check_stream(out, 1, as_json=as_json)
    with shown(quiet=quiet), limit(time_limit):
        done = api.augment_to(
            data,
            out,
            to=to if to == "balanced" else _counts(to),
            generator=generator,
            options=opt.assignments("--set", settings),
            rules=rules,
            holdout=holdout,
            seed=seed,
            protect=protect,
            workers=workers,
            **opt.about(schema, target, None, unit, table, max_rows),
        )
    if as_json:
        typer.echo(done.to_json())
    else:
        _tell_augmented(done)
    return 0


def _counts(text: str) -> dict[str, int]:
    """``"yes=500,no=800"`` to ``{"yes": 500, "no": 800}``."""
    counts = {}
    for name, rows in opt.assignments("--to", text.split(",")).items():
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
