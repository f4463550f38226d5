"""The command that measures: one release, or several ranked; against an earlier report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinset.cli import options as opt
from twinset.cli.progress import shown
from twinset.cli.tell import missed, tell

if TYPE_CHECKING:
    from rich.table import Table as Grid

    from twinset.api import Report
    from twinset.evaluation.cross_validation import CrossValidation
    from twinset.report.drift import Drift
    from twinset.report.ranking import Ranking

__all__ = ["evaluate"]

Train = Annotated[str, typer.Argument(metavar="TRAIN", help="What the release was made from.")]
_MOST_CHANGES = 10


def evaluate(
    train: Train,
    synthetic: Annotated[
        list[str], typer.Argument(metavar="SYNTHETIC...", help="One release or several: ranked.")
    ],
    holdout: opt.HoldoutFile = None,
    target: opt.Target = None,
    sensitive: opt.Sensitive = None,
    unit: opt.Unit = None,
    schema: opt.Schema = None,
    rules: opt.Rules = None,
    gate: opt.Gates = None,
    compat: Annotated[
        str | None,
        typer.Option("--compat", metavar="sdmetrics", help="Only the figures of another tool."),
    ] = None,
    junit: Annotated[
        Path | None,
        typer.Option("--junit", metavar="FILE", help="Gates and measures as JUnit XML."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="FILE", help="Earlier report.json: what has changed."),
    ] = None,
    out: opt.Out = None,
    seed: opt.Seed = 0,
    workers: opt.Workers = None,
    time_limit: opt.TimeLimit = None,
    table: opt.TableName = None,
    max_rows: opt.MaxHeldRows = opt.ROWS,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> int:
    """Measure a release: fidelity, utility, privacy diagnostics."""
    from twinset import api
    from twinset.progress import time_limit as limit

    gates = api.load_gates(gate) if gate else ()
    if junit:
        api.check_place(junit)
    if against:
        api.read_report(against)  # what is no report is told before the work
    releases = dict(zip(opt.labels(synthetic), synthetic, strict=True))
    about = opt.about(schema, target, sensitive, unit, table, max_rows)
    crossed = None
    with shown(quiet=quiet), limit(time_limit):
        how = {"seed": seed, "workers": workers, **about}
        found = {
            name: api.evaluate(train, release, holdout, rules=rules, compat=compat, **how)
            for name, release in releases.items()
        }
        if len(releases) > 1 and compat is None:
            found, crossed = api.crossed(found, train, releases, holdout, **how)
    reports = {n: api.report(e, None, gates, seed, against) for n, e in found.items()}
    if junit:
        api.save_junit(reports, junit)
    if len(reports) > 1:
        return _tell_ranked(reports, crossed, out, as_json=as_json)
    [report] = reports.values()
    code = tell(report, out, as_json=as_json)
    if report.drift is not None and not as_json:
        _show_drift(report.drift)
    return code


def _tell_ranked(
    reports: Mapping[str, Report],
    crossed: CrossValidation | None,
    out: Path | None,
    *,
    as_json: bool,
) -> int:
    """Save the reports of several releases if asked for, and print them ranked."""
    from twinset import api

    ranking = api.rank({n: r.evaluation for n, r in reports.items() if r.evaluation}, crossed)
    if out:
        api.save_reports(reports, ranking, out)
    if as_json:
        typer.echo(ranking.to_json())
    else:
        _show_ranking(ranking)
    return max(missed(r.gates, f"{n}: ") for n, r in reports.items())


def _show_ranking(ranking: Ranking) -> None:
    """Print one column a release, best first, and the rule of the ranking."""
    from rich.table import Table as Grid

    from twinset.cli.show import console
    from twinset.report.ranking import RULE

    grid = Grid(box=None, pad_edge=False, header_style="bold", padding=(0, 2))
    for cell in ("", *(str(row["release"]) for row in ranking.rows)):
        grid.add_column(cell, overflow="fold")
    for name in ranking.rows[0]:
        if name not in ("release", "copies"):
            cells = (_cell(row[name]) for row in ranking.rows)
            grid.add_row(name.replace("_", " "), *cells)
    told = ("yes" if row["copies"] else "not shown" for row in ranking.rows)
    grid.add_row("copies real rows?", *told)
    screen = console()
    screen.print(grid)
    screen.print(RULE, highlight=False)
    if ranking.crossed is not None:
        screen.print(_across(ranking.crossed))


def _across(crossed: CrossValidation) -> Grid:
    """Return the matrix of models across tables."""
    from rich.table import Table as Grid

    title = f"{crossed.score} of models, learned from (left), tested on (above)"
    grid = Grid(box=None, pad_edge=False, header_style="bold", padding=(0, 2), title=title)
    for cell in ("", *crossed.names):
        grid.add_column(cell, overflow="fold")
    for name, row in zip(crossed.names, crossed.matrix, strict=True):
        grid.add_row(name, *(f"{v:.4f}" for v in row))
    return grid


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "-" if value is None else str(value)


def _show_drift(drift: Drift) -> None:
    """Print what has changed, largest first."""
    lines = drift.to_lines()
    same = len(drift.changes) - len(lines)
    typer.echo(f"Changed since the earlier report ({same} figures did not):")
    for line in lines[:_MOST_CHANGES] or ["nothing beyond chance"]:
        typer.echo(f"- {line}")
    if len(lines) > _MOST_CHANGES:
        typer.echo(f"and {len(lines) - _MOST_CHANGES} more, in report.json")
