"""The command that measures: one release, or several ranked; against an earlier report."""

from __future__ import annotations

from collections.abc import Mapping

import typer

from twinset import api
from twinset.cli.options import CommandOptions, labels
from twinset.cli.output import missed, ranking_table, tell, tell_drift
from twinset.evaluation.cross_validation import CrossValidation
from twinset.jobs.evaluate import crossed as cross_validated
from twinset.jobs.evaluate import evaluate as evaluate_release
from twinset.report.bundle import Report, save_reports
from twinset.report.drift import read_report
from twinset.report.junit import save_junit
from twinset.report.ranking import rank
from twinset.table.atomic import check_place
from twinset.trust.gates import load_gates

__all__ = ["evaluate"]


def evaluate(asked: CommandOptions) -> int:
    """Show the first screen of the report; of several releases their ranking."""
    gates = load_gates(asked.gates) if asked.gates else ()
    if asked.junit:
        check_place(asked.junit)
    if asked.against_report:
        read_report(asked.against_report)  # what is no report is told before the work
    releases = dict(zip(labels(asked.releases), asked.releases, strict=True))
    how = asked.keywords("releases", "gates", "junit", "against_report", "out")
    crossed = None
    with asked.working():
        found = {name: evaluate_release(synthetic=path, **how) for name, path in releases.items()}
        if len(releases) > 1 and asked.compat is None:
            how.pop("rules", None)
            found, crossed = cross_validated(found, releases=releases, **how)
    reports = {
        name: api.report(e, None, gates, asked.seed, asked.against_report)
        for name, e in found.items()
    }
    if asked.junit:
        save_junit(reports, asked.junit)
    if len(reports) > 1:
        return _tell_ranked(reports, crossed, asked)
    [report] = reports.values()
    code = tell(report, asked.out, as_json=asked.as_json)
    if report.drift is not None and not asked.as_json:
        tell_drift(report.drift)
    return code


def _tell_ranked(
    reports: Mapping[str, Report], crossed: CrossValidation | None, asked: CommandOptions
) -> int:
    """Save the reports of several releases if asked for, and print them ranked."""
    ranking = rank({n: r.evaluation for n, r in reports.items() if r.evaluation}, crossed)
    if asked.out:
        save_reports(reports, ranking, asked.out)
    if asked.as_json:
        typer.echo(ranking.to_json())
    else:
        ranking_table(ranking)
    return max(missed(r.gates, f"{n}: ") for n, r in reports.items())
