"""What commands print for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as Grid

from twinset.report.terminal import show, show_compared
from twinset.table.inference.table_schema import describe

if TYPE_CHECKING:
    from twinset.api import Audits, Comparison, Report, Run
    from twinset.table.schema import Schema

__all__ = [
    "audits_summary",
    "comparison_table",
    "console",
    "records_table",
    "report_summary",
    "run_summary",
    "schema_table",
]


class _Console(Console):
    """Leaves a closed pipe to `main`: rich would end with the exit code of a missed gate."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console() -> Console:
    """Return a console for standard output."""
    return _Console()


def run_summary(done: Run) -> None:
    """Print the first screen of the report and where the files are."""
    screen = _Console()
    show(done.report.summary, screen)
    screen.print(f"share/ and private/ are in {done.folder}", highlight=False)


def report_summary(report: Report) -> None:
    """Print the first screen of the report."""
    show(report.summary, _Console())


def audits_summary(audits: Audits) -> None:
    """Print attacks by generators."""
    show_compared(audits.compared, _Console())


def records_table(records: Sequence[Mapping[str, object]]) -> None:
    """Print real records that attacks recognise, because it was asked for."""
    console = _Console()
    console.print("\nReal records most at risk (--show-records; in no file)", style="bold")
    for record in records:
        told = ", ".join(f"{name} {value}" for name, value in record.items())
        console.print(f"- {told}", highlight=False, markup=False)


def schema_table(schema: Schema) -> None:
    """Print what each column was taken for, and why."""
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    rows = describe(schema)
    for name in rows[0]:
        grid.add_column(name, overflow="fold")
    for row in rows:
        grid.add_row(*map(str, row.values()))
    _Console().print(grid)


def comparison_table(comparison: Comparison) -> None:
    """Print one column a generator, so that 80 characters hold four of them."""
    grid = Grid(box=None, pad_edge=False, header_style="bold", padding=(0, 2))
    for cell in ("", *(str(row["generator"]) for row in comparison.rows)):
        grid.add_column(cell, overflow="fold")
    for figure in comparison.rows[0]:
        if figure != "generator":
            cells = (_cell(row.get(figure)) for row in comparison.rows)
            grid.add_row(figure.replace("_", " "), *cells)
    screen = _Console()
    screen.print(grid)
    screen.print(comparison.conclusion, highlight=False)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else "-" if value is None else str(value)
