"""The commands. Heavy modules are imported inside them, so that `--help` answers at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from twinset.cli import options as opt
from twinset.cli.progress import shown
from twinset.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twinset.trust.gates import GateResult
    from twinset.workflow import Run

__all__ = ["app"]

app = typer.Typer(
    name="twinset",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="A twin of your data set: made, measured, attacked, and only then shared.",
)

Data = Annotated[str, typer.Argument(metavar="DATA", help="File, '-' or database URL.")]
Train = Annotated[str, typer.Argument(metavar="TRAIN", help="What the release was made from.")]
Synthetic = Annotated[str, typer.Argument(metavar="SYNTHETIC", help="The release.")]
Model = Annotated[Path, typer.Argument(metavar="MODEL.twin", help="A file that `fit` wrote.")]
_ROWS = 1_000_000


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


@app.command()
def demo(
    out: opt.Out = None,
    seed: opt.Seed = 0,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> int:
    """Do the whole job on the Adult table that is inside the package."""
    from twinset import api
    from twinset.demo import adult_path

    with shown(quiet=quiet):
        done = api.run(
            adult_path(),
            out=out or Path("adult-twin"),
            target="income",
            sensitive=["sex"],
            seed=seed,
        )
    return _tell_run(done, as_json=as_json)


@app.command()
def run(
    data: Data,
    out: opt.Out = None,
    generator: opt.Generator = "cart",
    settings: opt.Set = None,
    n: opt.Rows = None,
    target: opt.Target = None,
    sensitive: opt.Sensitive = None,
    unit: opt.Unit = None,
    schema: opt.Schema = None,
    holdout: opt.Holdout = None,
    gate: opt.Gates = None,
    protect: opt.Protect = 5,
    seed: opt.Seed = 0,
    workers: opt.Workers = None,
    time_limit: opt.TimeLimit = None,
    table: opt.TableName = None,
    max_rows: opt.MaxRows = _ROWS,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> int:
    """Split, fit, sample, evaluate, audit, report: the whole job on one table."""
    from twinset import api

    with shown(quiet=quiet):
        done = api.run(
            data,
            out=out,
            generator=generator,
            options=opt.assignments("--set", settings),
            holdout=_holdout(holdout),
            n=n,
            seed=seed,
            protect=protect,
            workers=workers,
            gates=gate or (),
            seconds=time_limit,
            **opt.about(schema, target, sensitive, unit, table, max_rows),
        )
    return _tell_run(done, as_json=as_json)


@app.command()
def fit(
    data: Data,
    out: Annotated[Path, typer.Option("--out", metavar="MODEL.twin", help="Where to write.")],
    generator: opt.Generator = "cart",
    settings: opt.Set = None,
    target: opt.Target = None,
    unit: opt.Unit = None,
    schema: opt.Schema = None,
    protect: opt.Protect = 5,
    seed: opt.Seed = 0,
    workers: opt.Workers = None,
    time_limit: opt.TimeLimit = None,
    table: opt.TableName = None,
    max_rows: opt.MaxRows = _ROWS,
    quiet: opt.Quiet = False,
) -> int:
    """Learn a table and write the model file (as confidential as the table)."""
    from twinset import api
    from twinset.progress import time_limit as limit

    api.check_place(out)
    with shown(quiet=quiet), limit(time_limit):
        twin = api.fit(
            data,
            generator=generator,
            options=opt.assignments("--set", settings),
            seed=seed,
            protect=protect,
            workers=workers,
            **opt.about(schema, target, None, unit, table, max_rows),
        )
        twin.save(out)
    return 0


@app.command()
def sample(
    model: Model,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="CSV, Parquet ... or '-'.")],
    n: opt.Rows = None,
    given: Annotated[
        list[str] | None, typer.Option("--given", metavar="COL=VALUE", help="May be repeated.")
    ] = None,
    where: Annotated[
        str | None, typer.Option("--where", metavar="EXPR", help="Such as 'age >= 60'.")
    ] = None,
    copies: Annotated[int, typer.Option("--copies", min=1, help="Write M files.")] = 1,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Default: the twin's.")] = None,
    plugins: opt.Plugins = False,
    workers: opt.Workers = None,
    time_limit: opt.TimeLimit = None,
    quiet: opt.Quiet = False,
) -> int:
    """Make rows from a model file."""
    from twinset import api
    from twinset.progress import time_limit as limit

    with shown(quiet=quiet), limit(time_limit):
        twin = api.load(model, plugins=plugins)
        conditions = opt.assignments("--given", given)
        first = twin.seed if seed is None else seed
        for i in range(copies):
            path = out if copies == 1 else _numbered(out, i + 1)
            met = api.sample_to(
                twin, path, n, given=conditions, where=where, seed=first + i, workers=workers
            )
            if where and not quiet:
                typer.echo(f"{path}: {met:.1%} of the rows drawn met the condition", err=True)
    return 0


@app.command()
def evaluate(
    train: Train,
    synthetic: Synthetic,
    holdout: opt.HoldoutFile = None,
    target: opt.Target = None,
    sensitive: opt.Sensitive = None,
    unit: opt.Unit = None,
    schema: opt.Schema = None,
    gate: opt.Gates = None,
    out: opt.Out = None,
    seed: opt.Seed = 0,
    time_limit: opt.TimeLimit = None,
    table: opt.TableName = None,
    max_rows: opt.MaxRows = _ROWS,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> int:
    """Measure a release: fidelity, utility, privacy diagnostics."""
    from twinset import api
    from twinset.progress import time_limit as limit

    gates = api.load_gates(gate) if gate else ()
    with shown(quiet=quiet), limit(time_limit):
        found = api.evaluate(
            train,
            synthetic,
            holdout,
            seed=seed,
            **opt.about(schema, target, sensitive, unit, table, max_rows),
        )
    return _tell(api.report(found, None, gates, seed), out, as_json=as_json)


@app.command()
def audit(
    train: Train,
    synthetic: Synthetic,
    holdout: opt.HoldoutFile = None,
    auxiliary: Annotated[
        str | None, typer.Option("--auxiliary", metavar="FILE", help="What the adversary holds.")
    ] = None,
    unit: opt.Unit = None,
    schema: opt.Schema = None,
    gate: opt.Gates = None,
    out: opt.Out = None,
    seed: opt.Seed = 0,
    time_limit: opt.TimeLimit = None,
    table: opt.TableName = None,
    max_rows: opt.MaxRows = _ROWS,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> int:
    """Attack a release from files alone."""
    from twinset import api
    from twinset.progress import time_limit as limit

    gates = api.load_gates(gate) if gate else ()
    with shown(quiet=quiet), limit(time_limit):
        found = api.audit(
            train,
            synthetic,
            holdout,
            auxiliary=auxiliary,
            seed=seed,
            **opt.about(schema, None, None, unit, table, max_rows),
        )
    return _tell(api.report(None, found, gates, seed), out, as_json=as_json)


@app.command()
def compare(
    data: Data,
    generators: Annotated[str, typer.Option("--generators", metavar="A,B,C", help="Names.")],
    n: opt.Rows = None,
    target: opt.Target = None,
    sensitive: opt.Sensitive = None,
    unit: opt.Unit = None,
    schema: opt.Schema = None,
    out: opt.Out = None,
    protect: opt.Protect = 5,
    seed: opt.Seed = 0,
    workers: opt.Workers = None,
    time_limit: opt.TimeLimit = None,
    table: opt.TableName = None,
    max_rows: opt.MaxRows = _ROWS,
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
            n=n,
            seed=seed,
            protect=protect,
            workers=workers,
            **opt.about(schema, target, sensitive, unit, table, max_rows),
        )
    if out:
        found.save(out)
    typer.echo(found.to_json()) if as_json else comparison_table(found)
    return 0


@app.command()
def schema(
    data: Data,
    out: opt.Out = None,
    declared: opt.Schema = None,
    target: opt.Target = None,
    sensitive: opt.Sensitive = None,
    unit: opt.Unit = None,
    table: opt.TableName = None,
    max_rows: opt.MaxRows = _ROWS,
    as_json: opt.Json = False,
) -> int:
    """Show what each column was taken for, and why; write it as YAML to edit."""
    from twinset import api
    from twinset.cli.show import schema_table

    if out:
        api.check_place(out)
    found = api.schema(data, **opt.about(declared, target, sensitive, unit, table, max_rows))
    if out:
        api.save_schema(found, out)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False))
    elif not out:
        schema_table(found)
    return 0


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


def _numbered(path: Path, number: int) -> Path:
    """``people.csv.gz`` to ``people-1.csv.gz``."""
    if str(path) == "-":
        raise InputError("--copies", got="standard output", allowed="--out FILE")
    stem, dot, ending = path.name.partition(".")
    return path.with_name(f"{stem}-{number}{dot}{ending}")


def _holdout(text: str | None) -> Any:
    """Return a fraction as a number, anything else as a path."""
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        return text


def _tell_run(done: Run, *, as_json: bool) -> int:
    if as_json:
        typer.echo((done.folder / "share" / "report.json").read_text(encoding="utf-8"))
    else:
        from twinset.cli.show import run_summary

        run_summary(done)
    return _missed(done.report.gates)


def _tell(report: Any, out: Path | None, *, as_json: bool) -> int:
    if out:
        report.save(out)
    if as_json:
        typer.echo(report.to_json())
    else:
        from twinset.cli.show import report_summary

        report_summary(report)
    return _missed(report.gates)


def _missed(gates: Sequence[GateResult]) -> int:
    for gate in gates:
        if not gate.met:
            value = "not computed" if gate.value is None else f"{gate.value:.4g}"
            typer.echo(f"gate missed: {gate.name} {gate.bound}, got {value}", err=True)
    return 0 if all(g.met for g in gates) else 1
