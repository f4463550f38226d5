"""How a command ends: what it prints, and its exit code."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from twinset.api import Audits, Report, Run, Sampled
    from twinset.trust.gates import GateResult

__all__ = ["missed", "tell", "tell_audits", "tell_run", "tell_sampled"]


def tell_run(done: Run, *, as_json: bool) -> int:
    """Print the first screen of a run, or its report.json."""
    if as_json:
        typer.echo((done.folder / "share" / "report.json").read_text(encoding="utf-8"))
    else:
        from twinset.cli.show import run_summary

        run_summary(done)
    return missed(done.report.gates)


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
        text = report.to_json()
        typer.echo(_with_records(text, records) if records else text)
    else:
        from twinset.cli.show import records_table, report_summary

        report_summary(report)
        if records:
            records_table(records)
    return missed(report.gates)


def tell_audits(audits: Audits, out: Path | None, *, as_json: bool) -> int:
    """Save the report of several audits, and print attacks by generators or report.json.

    Real records are printed if the audits hold some; they are in no file.
    """
    if out:
        audits.save_in(out)
    records = [{"generator": n, **r} for n, a in audits.audits.items() for r in a.records]
    if as_json:
        text = audits.to_json()
        typer.echo(_with_records(text, records) if records else text)
    else:
        from twinset.cli.show import audits_summary, records_table

        audits_summary(audits)
        if records:
            records_table(records)
    return max(missed(gates, f"{name}: ") for name, gates in audits.gates.items())


def tell_sampled(path: Path, drawn: Sampled) -> None:
    """Say on standard error how a condition was met, and what rules cost."""
    if drawn.rules is not None:
        said = f"{drawn.rules['kept']} rules kept by {drawn.acceptance:.1%} of the rows drawn"
        more = [f"{drawn.rules[f'rows {what}']:.1%} {what}" for what in ("computed", "repaired")]
        typer.echo(f"{path}: {said}; {', '.join(more)}", err=True)
    elif drawn.acceptance < 1:
        typer.echo(f"{path}: {drawn.acceptance:.1%} of the rows drawn met the condition", err=True)
    if drawn.saved >= 0.005:
        said = f"{drawn.saved:.0%} of all cells were not drawn, since their rows had failed before"
        typer.echo(f"{path}: {said}", err=True)
    if drawn.effective is not None and drawn.effective < 0.999 * drawn.rows:
        typer.echo(
            f"{path}: by importance, worth {drawn.effective:,.0f} rows of {drawn.rows:,}", err=True
        )


def _with_records(text: str, records: Sequence[Mapping[str, Any]]) -> str:
    found = json.loads(text)
    return json.dumps({**found, "records": list(records)}, ensure_ascii=False, default=str)


def missed(gates: Iterable[GateResult], of: str = "") -> int:
    """Say which gates were missed; return the exit code."""
    code = 0
    for gate in gates:
        if not gate.met:
            value = "not computed" if gate.value is None else f"{gate.value:.4g}"
            typer.echo(f"gate missed: {of}{gate.name} {gate.bound}, got {value}", err=True)
            code = 1
    return code
