"""The commands that make rows: demo, run, fit, sample."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from twinset.cli import options as opt
from twinset.cli.progress import shown
from twinset.cli.tell import tell_run, tell_sampled
from twinset.cli.ways import other_rows, tell_other
from twinset.errors import InputError

__all__ = ["check_stream", "demo", "fit", "numbered", "run", "sample"]

Model = Annotated[Path, typer.Argument(metavar="MODEL.twin", help="A file that `fit` wrote.")]


def demo(
    out: opt.Out = None,
    seed: opt.Seed = 0,
    workers: opt.Workers = None,
    time_limit: opt.TimeLimit = None,
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
            workers=workers,
            time_limit=time_limit,
        )
    return tell_run(done, as_json=as_json)


def run(
    data: opt.Data,
    out: opt.Out = None,
    generator: opt.Generator = "cart",
    settings: opt.Set = None,
    n: opt.Rows = None,
    target: opt.Target = None,
    sensitive: opt.Sensitive = None,
    unit: opt.Unit = None,
    schema: opt.Schema = None,
    holdout: opt.Holdout = None,
    rules: opt.Rules = None,
    gate: opt.Gates = None,
    protect: opt.Protect = 5,
    seed: opt.Seed = 0,
    workers: opt.Workers = None,
    time_limit: opt.TimeLimit = None,
    table: opt.TableName = None,
    max_rows: opt.MaxRows = opt.ROWS,
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
            holdout=opt.share_or_file(holdout),
            n=n,
            seed=seed,
            protect=protect,
            workers=workers,
            rules=rules,
            gates=gate or (),
            time_limit=time_limit,
            **opt.about(schema, target, sensitive, unit, table, max_rows),
        )
    return tell_run(done, as_json=as_json)


def fit(
    data: opt.Data,
    out: Annotated[Path, typer.Option("--out", metavar="MODEL.twin", help="Where to write.")],
    generator: opt.Generator = "cart",
    settings: opt.Set = None,
    target: opt.Target = None,
    unit: opt.Unit = None,
    schema: opt.Schema = None,
    rules: opt.Rules = None,
    protect: opt.Protect = 5,
    seed: opt.Seed = 0,
    workers: opt.Workers = None,
    time_limit: opt.TimeLimit = None,
    table: opt.TableName = None,
    max_rows: opt.MaxRows = opt.ROWS,
    as_json: opt.Json = False,
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
            rules=rules,
            **opt.about(schema, target, None, unit, table, max_rows),
        )
        twin.save(out)
    if as_json:
        typer.echo(json.dumps({"model": str(out), **twin.facts()}, ensure_ascii=False))
    return 0


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
    shares: Annotated[
        list[str] | None,
        typer.Option("--share", metavar="EXPR:SHARE", help='Such as "age < 30: 0.4"; repeat.'),
    ] = None,
    like: Annotated[
        str | None, typer.Option("--like", metavar="FILE", help="More like these rows.")
    ] = None,
    design: Annotated[
        str | None,
        typer.Option("--design", metavar="KIND", help="Fill the space: sobol or latin."),
    ] = None,
    edge_cases: Annotated[
        bool, typer.Option("--edge-cases", help="Rows for tests: boundaries, nulls, all pairs.")
    ] = False,
    best_of: Annotated[
        int | None, typer.Option("--best-of", metavar="K", help="Choose among K candidates.")
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="METRIC", help="The measure that chooses.")
    ] = None,
    against: Annotated[
        str | None, typer.Option("--against", metavar="FILE", help="Real rows to compare with.")
    ] = None,
    copies: Annotated[
        int, typer.Option("--copies", metavar="M", min=1, help="Write M files, each of new rows.")
    ] = 1,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", min=0, help="Default: the twin's.")
    ] = None,
    plugins: opt.Plugins = False,
    workers: opt.Workers = None,
    time_limit: opt.TimeLimit = None,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> int:
    """Make rows from a model file."""
    from twinset import api
    from twinset.progress import time_limit as limit

    check_stream(out, copies, as_json=as_json)
    with shown(quiet=quiet), limit(time_limit):
        twin = api.load(model, plugins=plugins)
        asked: dict[str, Any] = {
            "given": opt.assignments("--given", given),
            "where": where,
            "shares": opt.stated_shares(shares),
            "like": like,
        }
        instead = {"design": design, "edge_cases": edge_cases, "best_of": best_of, "by": by}
        if any(instead.values()) or against is not None or best_of is not None:
            said = other_rows(twin, out, n, {**instead, "against": against}, asked, copies, seed)
            return tell_other(out, said, as_json=as_json, quiet=quiet)
        written = []
        for copy in [None] if copies == 1 else range(1, copies + 1):
            path = out if copy is None else numbered(out, copy)
            drawn = api.sample_to(twin, path, n, **asked, seed=seed, copy=copy, workers=workers)
            told = {k: v for k, v in drawn.__dict__.items() if k != "rules" or v is not None}
            written.append({"file": str(path), **told})
            if not quiet:
                tell_sampled(path, drawn)
    if as_json:
        typer.echo(json.dumps({"files": written}, ensure_ascii=False))
    return 0


def check_stream(out: Path, copies: int, *, as_json: bool) -> None:
    """Standard output holds one thing: one table, or the JSON about files."""
    if str(out) == "-" and (copies > 1 or as_json):
        option = "--copies" if copies > 1 else "--json"
        raise InputError(option, got="standard output for rows", allowed="--out FILE")


def numbered(path: Path, number: int) -> Path:
    """``people.csv.gz`` to ``people-1.csv.gz``."""
    stem, dot, ending = path.name.partition(".")
    return path.with_name(f"{stem}-{number}{dot}{ending}")
