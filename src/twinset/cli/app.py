"""The commands. Heavy modules are imported inside them, so that `--help` answers at once."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer

from twinset.cli import options as opt
from twinset.cli.attacking import audit
from twinset.cli.filling import augment, impute
from twinset.cli.making import demo, fit, run, sample
from twinset.cli.measuring import evaluate
from twinset.cli.progress import shown
from twinset.cli.ruling import rules
from twinset.cli.tell import missed

__all__ = ["app"]

app = typer.Typer(
    name="twinset",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="A twin of your data set: made, measured, attacked, and only then shared.",
)

Train = Annotated[str, typer.Argument(metavar="TRAIN", help="What the release was made from.")]
Synthetic = Annotated[str, typer.Argument(metavar="SYNTHETIC", help="The release.")]


def _version(value: bool) -> None:
    if value:
        from twinset.version import __version__

        typer.echo(f"twinset {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


for _making in (demo, run, fit, sample):
    app.command()(_making)


app.command()(evaluate)
app.command()(audit)


@app.command()
def compare(
    data: opt.Data,
    generators: Annotated[str, typer.Option("--generators", metavar="A,B,C", help="Names.")],
    n: opt.Rows = None,
    holdout: opt.Holdout = None,
    target: opt.Target = None,
    sensitive: opt.Sensitive = None,
    unit: opt.Unit = None,
    schema: opt.Schema = None,
    gate: opt.Gates = None,
    out: opt.Out = None,
    protect: opt.Protect = 5,
    seed: opt.Seed = 0,
    workers: opt.Workers = None,
    time_limit: opt.TimeLimit = None,
    table: opt.TableName = None,
    max_rows: opt.MaxRows = opt.ROWS,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> int:
    """Do the same job with several generators and show them in one table."""
    from twinset import api
    from twinset.cli.show import comparison_table
    from twinset.progress import time_limit as limit

    if out:
        api.check_place(out)
    with shown(quiet=quiet), limit(time_limit):
        found = api.compare(
            data,
            opt.names(generators),
            holdout=opt.share_or_file(holdout),
            n=n,
            seed=seed,
            protect=protect,
            workers=workers,
            gates=gate or (),
            **opt.about(schema, target, sensitive, unit, table, max_rows),
        )
    if out:
        found.save(out)
    typer.echo(found.to_json()) if as_json else comparison_table(found)
    return max(missed(gates, f"{name}: ") for name, gates in found.gates.items())


@app.command()
def schema(
    data: opt.Data,
    out: opt.Out = None,
    declared: opt.Schema = None,
    target: opt.Target = None,
    sensitive: opt.Sensitive = None,
    unit: opt.Unit = None,
    table: opt.TableName = None,
    max_rows: opt.MaxRows = opt.ROWS,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> int:
    """Show what each column was taken for, and why; write it as YAML to edit."""
    from twinset import api
    from twinset.cli.show import schema_table

    if out:
        api.check_place(out)
    with shown(quiet=quiet):
        found = api.schema(data, **opt.about(declared, target, sensitive, unit, table, max_rows))
    if out:
        api.save_schema(found, out)
        if not quiet:
            typer.echo(f"{out}: {len(found.columns)} columns", err=True)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False))
    elif not out:
        schema_table(found)
    return 0


app.command()(rules)
app.command()(impute)
app.command()(augment)


@app.command("list")
def list_(
    what: Annotated[Literal["generators", "metrics", "attacks"], typer.Argument()],
    as_json: opt.Json = False,
) -> int:
    """List what is built in and what other packages bring."""
    from twinset.registry import describe

    rows = describe(what)
    if as_json:
        typer.echo(json.dumps([{"name": n, "description": d} for n, d in rows]))
    else:
        width = max(len(n) for n, _ in rows)
        for name, text in rows:
            typer.echo(f"{name:<{width}}  {text}")
    return 0
