"""The command about rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinset.cli import options as opt
from twinset.cli.progress import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twinset.rules.check import Checked
    from twinset.rules.rule import Rule, Rules

__all__ = ["rules"]


def rules(
    data: opt.Data,
    out: opt.Out = None,
    check: Annotated[
        Path | None,
        typer.Option("--check", metavar="FILE", help="Count what breaks these rules instead."),
    ] = None,
    holdout: opt.Holdout = None,
    unit: opt.Unit = None,
    schema: opt.Schema = None,
    seed: opt.Seed = 0,
    time_limit: opt.TimeLimit = None,
    table: opt.TableName = None,
    max_rows: opt.MaxRows = opt.ROWS,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> int:
    """Show the rules that a table keeps, the most telling first; write them as YAML to edit."""
    from twinset import api
    from twinset.progress import time_limit as limit

    about = opt.about(schema, None, None, unit, table, max_rows)
    if out:
        api.check_place(out)
    with shown(quiet=quiet), limit(time_limit):
        if check is not None:
            counted = api.check_rules(data, check, seed=seed, **about)
            return _tell_checked(counted, as_json=as_json)
        found = api.mine_rules(data, holdout=opt.share_or_file(holdout), seed=seed, **about)
    if out:
        found.save(out)
        if not quiet:
            typer.echo(f"{out}: {len(found)} rule{'' if len(found) == 1 else 's'}", err=True)
    if as_json:
        typer.echo(found.to_json())
    elif not out:
        _tell(found)
    return 0


def _tell(found: Rules) -> None:
    if not found:
        typer.echo("no rule was found")
    for place, rule in enumerate(found, 1):
        typer.echo(f"{place:>3}. {rule}")
        typer.echo(f"     {_evidence(rule)}")


def _evidence(rule: Rule) -> str:
    found = rule.found
    if found is None:
        return ""
    broken = "none breaks it" if not found.broken else f"{found.broken:,} break it"
    parts = [
        f"{found.rows:,} rows, {broken}",
        f"at most {found.at_most:.2%} do",
        f"by chance {found.expected:.1%} would",
    ]
    if found.holdout_rows:
        parts.append(f"fresh rows: {found.holdout_broken:,} of {found.holdout_rows:,}")
    return "; ".join(parts)


def _tell_checked(counted: Sequence[Checked], *, as_json: bool) -> int:
    """Print the counts; 1 if a rule is broken by more rows than its exceptions allow."""
    if as_json:
        typer.echo(json.dumps([c.to_dict() for c in counted], ensure_ascii=False))
    for place, c in enumerate(counted, 1):
        if not as_json:
            typer.echo(f"{place:>3}. {c.rule}")
            typer.echo(f"     {c.broken:,} of {c.rows:,} rows break it; at most {c.at_most:.2%} do")
    return int(any(c.broken > c.rule.exceptions * c.rows for c in counted))
