"""The commands that do the whole job: demo, run, and compare for several generators."""

from __future__ import annotations

from pathlib import Path

import typer

from twinset.cli.options import CommandOptions
from twinset.cli.output import comparison_table, missed, run_summary
from twinset.demo import adult_path
from twinset.jobs.compare import compare as compare_generators
from twinset.jobs.run import Run
from twinset.jobs.run import run as run_job
from twinset.table.atomic import check_place

__all__ = ["compare", "demo", "run"]


def demo(asked: CommandOptions) -> int:
    """`run` on the table in the package."""
    about = {"out": Path("adult-twin"), **asked.keywords()}
    with asked.working():
        done = run_job(adult_path(), target="income", sensitive=["sex"], **about)
    return _tell(done, as_json=asked.as_json)


def run(asked: CommandOptions) -> int:
    """Show the first screen of the report, or print report.json."""
    with asked.working():
        done = run_job(**asked.keywords())
    return _tell(done, as_json=asked.as_json)


def _tell(done: Run, *, as_json: bool) -> int:
    if as_json:
        typer.echo((done.folder / "share" / "report.json").read_text(encoding="utf-8"))
    else:
        run_summary(done)
    return missed(done.report.gates)


def compare(asked: CommandOptions) -> int:
    """Show one column a generator; with ``--out`` write a page or JSON."""
    if asked.out:
        check_place(asked.out)
    with asked.working():
        found = compare_generators(**asked.keywords("out"))
    if asked.out:
        found.save(asked.out)
    typer.echo(found.to_json()) if asked.as_json else comparison_table(found)
    return max(missed(gates, f"{name}: ") for name, gates in found.gates.items())
