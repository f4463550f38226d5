"""The commands that show what a table is: schema (its columns), rules (what its rows keep)."""

from __future__ import annotations

import json
from collections.abc import Sequence

import typer

from twinset import api
from twinset.cli.options import CommandOptions
from twinset.rules.check import Checked
from twinset.rules.rule import Rule, Rules
from twinset.table.atomic import check_place
from twinset.table.schema_files import save_schema

__all__ = ["rules", "schema"]


def schema(asked: CommandOptions) -> int:
    """Show one line a column, or write the schema as YAML."""
    if asked.out:
        check_place(asked.out)
    with asked.working():
        found = api.schema(**asked.keywords("out"))
    if asked.out:
        save_schema(found, asked.out)
        if not asked.quiet:
            typer.echo(f"{asked.out}: {len(found.columns)} columns", err=True)
    if asked.as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False))
    elif not asked.out:
        from twinset.cli.output import schema_table

        schema_table(found)
    return 0


def rules(asked: CommandOptions) -> int:
    """Show the rules of a table or write them as YAML; with ``--check`` count what breaks some."""
    if asked.out:
        check_place(asked.out)
    how = asked.keywords("out", "check")
    with asked.working():
        if asked.check is not None:
            how.pop("holdout", None)
            return _tell_checked(api.check_rules(wanted=asked.check, **how), as_json=asked.as_json)
        found = api.mine_rules(**how)
    if asked.out:
        found.save(asked.out)
        if not asked.quiet:
            typer.echo(f"{asked.out}: {len(found)} rule{'' if len(found) == 1 else 's'}", err=True)
    if asked.as_json:
        typer.echo(found.to_json())
    elif not asked.out:
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
