"""The commands about a model file: fit writes it, sample makes rows from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from twinset import api
from twinset.cli.options import CommandOptions
from twinset.errors import InputError
from twinset.jobs.sample import Sampled, sample_to
from twinset.table.atomic import check_place
from twinset.table.canonical import to_raw
from twinset.table.write import write_table
from twinset.twin import Twin

__all__ = ["check_stream", "fit", "numbered", "sample"]


def fit(asked: CommandOptions) -> int:
    """Write the model; with ``--json`` say what is in it."""
    check_place(asked.out_model)
    with asked.working():
        twin = api.fit(**asked.keywords("out_model"))
        twin.save(asked.out_model)
    if asked.as_json:
        facts = {"model": str(asked.out_model), **twin.facts()}
        typer.echo(json.dumps(facts, ensure_ascii=False))
    return 0


def sample(asked: CommandOptions) -> int:
    """Write rows that are drawn, or made in another way: a design, edge cases, the best of K."""
    check_stream(asked.out_rows, asked.copies, as_json=asked.as_json)
    with asked.working():
        twin = api.load(asked.model, plugins=asked.plugins)
        other = ("design", "edge_cases", "best_of", "by", "against")
        how = asked.keywords("model", "plugins", "out_rows", "copies", *other)
        if any(getattr(asked, name) not in (None, False, "") for name in other):
            return _tell_made(_made(twin, asked, how), asked)
        written = []
        for copy, path in numbered(asked.out_rows, asked.copies):
            drawn = sample_to(twin, path, copy=copy, **how)
            told = {k: v for k, v in drawn.__dict__.items() if k != "rules" or v is not None}
            written.append({"file": str(path), **told})
            if not asked.quiet:
                _tell_sampled(path, drawn)
    if asked.as_json:
        typer.echo(json.dumps({"files": written}, ensure_ascii=False))
    return 0


def check_stream(out: Path, copies: int, *, as_json: bool) -> None:
    """Standard output holds one thing: one table, or the JSON about files."""
    if str(out) == "-" and (copies > 1 or as_json):
        option = "--copies" if copies > 1 else "--json"
        raise InputError(option, got="standard output for rows", allowed="--out FILE")


def numbered(path: Path, copies: int) -> list[tuple[int | None, Path]]:
    """Return number and file of each copy: ``people.csv.gz`` to ``people-1.csv.gz``."""
    if copies == 1:
        return [(None, path)]
    stem, dot, ending = path.name.partition(".")
    return [(k, path.with_name(f"{stem}-{k}{dot}{ending}")) for k in range(1, copies + 1)]


def _tell_sampled(path: Path, drawn: Sampled) -> None:
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
        way = _WAYS.get(drawn.method, drawn.method)
        worth = f"worth {drawn.effective:,.0f} rows of {drawn.rows:,}"
        typer.echo(f"{path}: {way}, {worth}", err=True)


_WAYS = {
    "importance": "by importance",
    "approximate": "approximate: unknown cells come from the nearest of free rows",
}


def _made(twin: Twin, asked: CommandOptions, how: Mapping[str, Any]) -> dict[str, Any]:
    """Write rows that are not just drawn; return what is to be said of them.

    Raises
    ------
    InputError
        If options do not go together.
    """
    ways = {"design": asked.design, "edge_cases": asked.edge_cases, "best_of": asked.best_of}
    flags = [
        f"--{name.replace('_', '-')}" for name, way in ways.items() if way not in (None, False)
    ]
    if asked.best_of is None and (asked.by or asked.against):
        raise InputError("--by and --against", got="no --best-of", allowed="--best-of K as well")
    if len(flags) > 1 or asked.copies > 1:
        allowed = "one of them, once"
        raise InputError(" and ".join(flags), got="more than one way or copy", allowed=allowed)
    drawn = {name: value for name, value in how.items() if name != "workers"}
    if asked.best_of is not None:
        if not asked.by or not asked.against:
            raise InputError("--best-of", got="no measure", allowed="--by METRIC --against FILE")
        done = api.curate(twin, asked.against, by=asked.by, best_of=asked.best_of, **drawn)
        write_table(to_raw(done.table), asked.out_rows)
        return {k: getattr(done, k) for k in ("by", "direction", "plain", "chosen")}
    if asked.given or asked.shares or asked.like:
        raise InputError(flags[0], got="conditions", allowed="--where")
    where, seed = asked.where, asked.seed_of_rows
    if asked.design:
        made = twin.design(asked.n, kind=asked.design, where=where, seed=seed)
        write_table(to_raw(made.table), asked.out_rows)
        return asdict(made.coverage)
    if asked.n is not None:
        raise InputError("-n", got="--edge-cases", hint="the number of rows follows from the pairs")
    edges = twin.edge_cases(where=where, seed=seed)
    write_table(to_raw(edges.table), asked.out_rows)
    return asdict(edges.covered)


def _tell_made(said: Mapping[str, Any], asked: CommandOptions) -> int:
    """Say what was made, on standard error or as JSON."""
    if asked.as_json:
        typer.echo(json.dumps({"file": str(asked.out_rows), **said}, ensure_ascii=False))
    elif not asked.quiet:
        typer.echo(f"{asked.out_rows}: {'; '.join(_words(said))}", err=True)
    return 0


def _words(said: Mapping[str, Any]) -> list[str]:
    if "chosen" in said:
        pairs = [(k, v, said["chosen"][k]) for k, v in said["plain"].items()]
        return [f"{name} {a:.4g} plain, {b:.4g} chosen" for name, a, b in pairs]
    return [f"{name.replace('_', ' ')} {value:,}" for name, value in said.items()]
