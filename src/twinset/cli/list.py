"""The command that lists what twinset has, and what other packages bring."""

from __future__ import annotations

import json

import typer

from twinset import registry
from twinset.cli.options import CommandOptions
from twinset.errors import InputError

__all__ = ["list_names"]


def list_names(asked: CommandOptions) -> int:
    """Show one line a name; with ``--json`` all that is known of each, one object a name."""
    described = registry.describe(asked.what)
    known = {name: _known(name) if asked.what == "generators" else {} for name, _ in described}
    if asked.as_json:
        rows = [{"name": name, "description": text, **known[name]} for name, text in described]
        typer.echo(json.dumps(rows))
        return 0
    width = max(map(len, known))
    for name, text in described:
        said = "".join(f" [{', '.join(words)}]" for words in known[name].values() if words)
        typer.echo(f"{name:<{width}}  {text}{said}")
    return 0


def _known(generator: str) -> dict[str, list[str]]:
    """What the generator's models answer themselves; for all else free rows are used."""
    try:
        return {"capabilities": list(registry.capabilities_of(generator))}
    except InputError:  # the description says why it cannot be loaded
        return {}
