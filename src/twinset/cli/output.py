"""What commands print for people or as JSON, and the exit code that missed gates give."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table as Grid

from twinset.report.terminal import show, show_compared
from twinset.table.inference.table_schema import describe

if TYPE_CHECKING:  # each command loads only what it shows
    from twinset.evaluation.cross_validation import CrossValidation
    from twinset.jobs.compare import Comparison
    from twinset.jobs.run import Run
    from twinset.report.bundle import Report
    from twinset.report.drift import Drift
    from twinset.report.multi_report import Audits
    from twinset.report.ranking import Ranking
    from twinset.table.schema import Schema
    from twinset.trust.gates import GateResult

__all__ = [
    "comparison_table",
    "missed",
    "ranking_table",
    "run_summary",
    "schema_table",
    "tell",
    "tell_audits",
    "tell_drift",
]

_MOST_CHANGES = 10


class _Console(Console):
    """Leaves a closed pipe to `main`: rich would end with the exit code of a missed gate."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def run_summary(done: Run) -> None:
    """Print the first screen of the report and where the files are."""
    screen = _Console()
    show(done.report.summary, screen)
    screen.print(f"share/ and private/ are in {done.folder}", highlight=False)


def tell(
    report: Report,
    out: Path | None,
    *,
    as_json: bool,
    records: Sequence[Mapping[str, Any]] = (),
) -> int:
    """Save a report if asked for, and print its first screen or its report.json.

    `records` are real: they are printed, and are in no file.
    """
    if out:
        report.save(out)
    if as_json:
        typer.echo(_with_records(report.to_json(), records))
    else:
        show(report.summary, _Console())
        _tell_records(records)
    return missed(report.gates)


def tell_audits(audits: Audits, out: Path | None, *, as_json: bool) -> int:
    """Save the report of several audits, and print attacks by generators or report.json.

    Real records are printed if the audits hold some; they are in no file.
    """
    if out:
        audits.save_in(out)
    records = [{"generator": n, **r} for n, a in audits.audits.items() for r in a.records]
    if as_json:
        typer.echo(_with_records(audits.to_json(), records))
    else:
        show_compared(audits.compared, _Console())
        _tell_records(records)
    return max(missed(gates, f"{name}: ") for name, gates in audits.gates.items())


def _with_records(text: str, records: Sequence[Mapping[str, Any]]) -> str:
    if not records:
        return text
    found = {**json.loads(text), "records": list(records)}
    return json.dumps(found, ensure_ascii=False, default=str)


def _tell_records(records: Sequence[Mapping[str, Any]]) -> None:
    """Print real records that attacks recognise, because it was asked for."""
    screen = _Console()
    if records:
        screen.print("\nReal records most at risk (--show-records; in no file)", style="bold")
    for record in records:
        told = ", ".join(f"{name} {value}" for name, value in record.items())
        screen.print(f"- {told}", highlight=False, markup=False)


def missed(gates: Iterable[GateResult], of: str = "") -> int:
    """Say which gates were missed; return the exit code."""
    code = 0
    for gate in gates:
        if not gate.met:
            value = "not computed" if gate.value is None else f"{gate.value:.4g}"
            typer.echo(f"gate missed: {of}{gate.name} {gate.bound}, got {value}", err=True)
            code = 1
    return code


def schema_table(schema: Schema) -> None:
    """Print what each column was taken for, and why."""
    rows = describe(schema)
    _Console().print(_grid(rows[0], [list(map(str, row.values())) for row in rows], padding=1))


def comparison_table(comparison: Comparison) -> None:
    """Print one column a generator, so that 80 characters hold four of them, and who is first."""
    screen = _Console()
    screen.print(_side_by_side(comparison.rows, "generator"))
    screen.print(comparison.conclusion, highlight=False)


def ranking_table(ranking: Ranking) -> None:
    """Print one column a release, best first, the rule of the ranking, and models across tables."""
    from twinset.report.ranking import RULE

    copied = [{"copies real rows?": "yes" if r["copies"] else "not shown"} for r in ranking.rows]
    rows = [
        {**{k: v for k, v in row.items() if k != "copies"}, **told}
        for row, told in zip(ranking.rows, copied, strict=True)
    ]
    screen = _Console()
    screen.print(_side_by_side(rows, "release"))
    screen.print(RULE, highlight=False)
    if ranking.crossed is not None:
        screen.print(_across(ranking.crossed))


def _across(crossed: CrossValidation) -> Grid:
    """Return the matrix of models across tables."""
    title = f"{crossed.score} of models, learned from (left), tested on (above)"
    rows = zip(crossed.names, crossed.matrix, strict=True)
    cells = [[name, *(f"{v:.4f}" for v in row)] for name, row in rows]
    return _grid(["", *crossed.names], cells, title)


def tell_drift(drift: Drift) -> None:
    """Print what has changed, largest first."""
    lines = drift.to_lines()
    same = len(drift.changes) - len(lines)
    typer.echo(f"Changed since the earlier report ({same} figures did not):")
    for line in lines[:_MOST_CHANGES] or ["nothing beyond chance"]:
        typer.echo(f"- {line}")
    if len(lines) > _MOST_CHANGES:
        typer.echo(f"and {len(lines) - _MOST_CHANGES} more, in report.json")


def _side_by_side(rows: Sequence[Mapping[str, Any]], head: str) -> Grid:
    """Return a grid with one column a row, under its `head`, and one line a figure."""
    figures = [name for name in rows[0] if name != head]
    cells = [[f.replace("_", " "), *(_cell(row.get(f)) for row in rows)] for f in figures]
    return _grid(["", *(str(row[head]) for row in rows)], cells)


def _grid(
    heads: Iterable[str], rows: Iterable[Sequence[str]], title: str | None = None, padding: int = 2
) -> Grid:
    grid = Grid(box=None, pad_edge=False, header_style="bold", padding=(0, padding), title=title)
    for head in heads:
        grid.add_column(head, overflow="fold")
    for row in rows:
        grid.add_row(*row)
    return grid


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else "-" if value is None else str(value)
