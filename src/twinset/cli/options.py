"""Options that several commands share, each described once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from twinset.errors import InputError

__all__ = [
    "ROWS",
    "Data",
    "Gates",
    "Generator",
    "Holdout",
    "HoldoutFile",
    "Json",
    "MaxRows",
    "Out",
    "Plugins",
    "Protect",
    "Quiet",
    "Rows",
    "Rules",
    "Schema",
    "Seed",
    "Sensitive",
    "Set",
    "TableName",
    "Target",
    "TimeLimit",
    "Unit",
    "Workers",
    "about",
    "assignments",
    "labels",
    "names",
    "share_or_file",
    "stated_shares",
]

ROWS = 1_000_000

Data = Annotated[str, typer.Argument(metavar="DATA", help="File, '-' or database URL.")]

Schema = Annotated[
    Path | None,
    typer.Option("--schema", metavar="FILE", help="Schema: twinset YAML, SDV or Frictionless."),
]
Target = Annotated[
    str | None, typer.Option("--target", metavar="COL", help="Column that a model should predict.")
]
Sensitive = Annotated[
    str | None, typer.Option("--sensitive", metavar="COL,COL", help="Sensitive columns.")
]
Unit = Annotated[
    str | None,
    typer.Option("--unit", metavar="COL", help="Column that names the person to protect."),
]
TableName = Annotated[
    str | None, typer.Option("--table", metavar="NAME", help="Table of a database URL.")
]
MaxRows = Annotated[
    int, typer.Option("--max-rows", min=1, help="Read at most this many rows (a uniform sample).")
]
MaxHeldRows = Annotated[
    int,
    typer.Option(
        "--max-rows",
        min=1,
        help="Rows of a table held in memory at most; all rows of a larger one are streamed.",
    ),
]
HoldoutFile = Annotated[
    str | None, typer.Option("--holdout", metavar="FILE", help="Other units of the population.")
]
Holdout = Annotated[
    str | None,
    typer.Option(
        "--holdout", metavar="FILE|FRACTION", help="Other units, or the share to set aside."
    ),
]
Generator = Annotated[
    str, typer.Option("--generator", metavar="NAME", help="See `twinset list generators`.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Option of the generator; may be repeated."),
]
Protect = Annotated[
    int,
    typer.Option("--protect", min=1, help="Minimum units behind a category or extreme value."),
]
Rows = Annotated[
    int | None,
    typer.Option("-n", metavar="ROWS", min=1, help="Rows to make (default: train rows)."),
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Same seed, same bytes.")]
TimeLimit = Annotated[
    float | None,
    typer.Option("--time-limit", metavar="S", min=0, help="Stop after S seconds (exit 3)."),
]
Gates = Annotated[
    Path | None,
    typer.Option("--gate", metavar="FILE", help="gates.yaml; a missed gate exits with 1."),
]
Rules = Annotated[
    Path | None,
    typer.Option("--rules", metavar="FILE", help="rules.yaml: what every row must keep."),
]
Out = Annotated[Path | None, typer.Option("--out", metavar="PATH", help="Where to write.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")]
Plugins = Annotated[
    bool,
    typer.Option(
        "--plugins", help="Load a generator of another package if the model file names it."
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", metavar="N", min=1, help="Threads (default 2); same bytes with any number."
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]


def names(text: str | None) -> tuple[str, ...]:
    """Split a comma-separated list of column names."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def assignments(option: str, texts: list[str] | None) -> dict[str, str]:
    """``["a=1", "b=x"]`` to ``{"a": "1", "b": "x"}``; InputError for anything else."""
    values = {}
    for text in texts or []:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise InputError(option, got=repr(text), allowed="NAME=VALUE")
        if key.strip() in values:
            raise InputError(option, got=f"{key.strip()} twice", allowed="each name once")
        values[key.strip()] = value
    return values


def stated_shares(texts: list[str] | None) -> dict[str, float]:
    """``["age < 30: 0.4"]`` to ``{"age < 30": 0.4}``; InputError for anything else."""
    values = {}
    for seen, text in enumerate(texts or []):
        condition, colon, share = text.rpartition(":")
        try:
            values[condition.strip()] = float(share)
        except ValueError:
            colon = ""
        if not colon or not condition.strip():
            raise InputError("--share", got=repr(text), allowed="EXPRESSION: SHARE")
        if len(values) < seen + 1:
            raise InputError(
                "--share", got=f"{condition.strip()} twice", allowed="each expression once"
            )
    return values


def labels(paths: list[str]) -> list[str]:
    """Name each of several files by its stem; equal stems are numbered.

    >>> labels(["a/x.csv", "b/x.csv.gz", "y.parquet"])
    ['x', 'x-2', 'y']
    """
    found: list[str] = []
    for path in paths:
        stem = path.rsplit("/", 1)[-1].partition(".")[0] or "release"
        number = 1
        while (name := stem if number == 1 else f"{stem}-{number}") in found:
            number += 1
        found.append(name)
    return found


def about(
    schema: Path | None,
    target: str | None = None,
    sensitive: str | None = None,
    unit: str | None = None,
    table: str | None = None,
    max_rows: int | None = None,
) -> Mapping[str, Any]:
    """Keyword arguments of `twinset.inputs.Options`."""
    given: dict[str, Any] = {
        "schema": schema,
        "target": target,
        "sensitive": names(sensitive),
        "unit": unit,
        "table": table,
    }
    return given if max_rows is None else {**given, "max_rows": max_rows}


def share_or_file(text: str | None) -> float | str | None:
    """Return a fraction as a number, anything else as a path."""
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        return text
