"""The command that lists what twinset has, and what other packages bring."""

from __future__ import annotations

import json

import typer

from twinset import registry
from twinset.cli.options import Options

__all__ = ["list_names"]


def list_names(asked: Options) -> int:
    """Show one line a name; with ``--json`` all that is known of each, one object a name."""
    rows = [{"name": name, "description": text} for name, text in registry.describe(asked.what)]
    if asked.as_json:
        typer.echo(json.dumps(rows))
        return 0
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        typer.echo(f"{row['name']:<{width}}  {row['description']}")
    return 0
