"""Rows that `sample` makes otherwise than by drawing: designs, edge cases, the best of K."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from twinset.errors import InputError

if TYPE_CHECKING:
    from twinset.twin import Twin

__all__ = ["other_rows", "tell_other"]


def other_rows(
    twin: Twin,
    out: Path,
    n: int | None,
    way: Mapping[str, Any],
    asked: Mapping[str, Any],
    copies: int,
    seed: int | None,
) -> dict[str, Any]:
    """Write the rows; return what is to be said of them.

    Raises
    ------
    InputError
        If options do not go together.
    """
    from twinset import api

    ways = [name for name in ("design", "edge_cases", "best_of") if way[name] not in (None, False)]
    if way["best_of"] is None and (way["by"] or way["against"]):
        raise InputError("--by and --against", got="no --best-of", allowed="--best-of K as well")
    if len(ways) > 1 or copies > 1:
        shown = " and ".join(f"--{name.replace('_', '-')}" for name in ways)
        raise InputError(shown, got="more than one way or copy", allowed="one of them, once")
    if way["best_of"] is not None:
        if not way["by"] or not way["against"]:
            raise InputError("--best-of", got="no measure", allowed="--by METRIC --against FILE")
        done = api.curate(
            twin, way["against"], by=way["by"], best_of=way["best_of"], n=n, seed=seed, **asked
        )
        api.save_rows(done.table, out)
        return {k: getattr(done, k) for k in ("by", "direction", "plain", "chosen")}
    if any(asked[name] for name in ("given", "shares", "like")):
        raise InputError(f"--{ways[0].replace('_', '-')}", got="conditions", allowed="--where")
    if way["design"]:
        made = twin.design(n, kind=way["design"], where=asked["where"], seed=seed)
        api.save_rows(made.table, out)
        return asdict(made.coverage)
    if n is not None:
        raise InputError("-n", got="--edge-cases", hint="the number of rows follows from the pairs")
    edges = twin.edge_cases(where=asked["where"], seed=seed)
    api.save_rows(edges.table, out)
    return asdict(edges.covered)


def tell_other(out: Path, said: Mapping[str, Any], *, as_json: bool, quiet: bool) -> int:
    """Say what was made, on standard error or as JSON."""
    if as_json:
        typer.echo(json.dumps({"file": str(out), **said}, ensure_ascii=False))
        return 0
    if not quiet:
        typer.echo(f"{out}: {'; '.join(_words(said))}", err=True)
    return 0


def _words(said: Mapping[str, Any]) -> list[str]:
    if "chosen" in said:
        pairs = [(k, v, said["chosen"][k]) for k, v in said["plain"].items()]
        return [f"{name} {a:.4g} plain, {b:.4g} chosen" for name, a, b in pairs]
    return [f"{name.replace('_', ' ')} {value:,}" for name, value in said.items()]
