"""The commands that add to real rows: impute."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinset.cli import options as opt
from twinset.cli.making import Model, check_stream, numbered
from twinset.cli.progress import shown

if TYPE_CHECKING:
    from twinset.filling import Filled

__all__ = ["impute"]


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
