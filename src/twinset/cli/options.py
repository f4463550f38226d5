"""The options of the command line: each is declared once, and a command names those it takes.

A field of `CommandOptions` has the name of the keyword in Python. Where a command takes the same
flag in another sense (``--out`` of one file in place of a folder) that is a field of its own.
"""

# ruff: noqa: RUF009 (what declares an option returns a `dataclasses.field`)
# annotations are read when the program starts, so they are no strings here

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import partial
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any, Literal

import typer

from twinset.cli.progress import shown
from twinset.errors import InputError
from twinset.progress import time_limit as limit

__all__ = ["CommandOptions", "assignments", "labels", "signature"]

_AROUND = ("as_json", "quiet", "time_limit")  # what a command does around its call
_OF_GENERATORS = "Audit of a generator"
_MILLION = 1_000_000
_NEEDED: Any = ...


def _argument(metavar: str | None = None, text: str | None = None, default: Any = _NEEDED) -> Any:
    typed = typer.Argument(default, metavar=metavar, help=text)
    return field(default=default, metadata={"typed": typed})


def _option(spelled: str, text: str, default: Any = None, keyword: str = "", **more: Any) -> Any:
    """Declare an option: its flag and metavar, its help, its default.

    `keyword` is its name in Python where the field has another one.
    """
    flag, _, metavar = spelled.partition(" ")
    typed = typer.Option(default, flag, metavar=metavar or None, help=text, **more)
    return field(default=default, metadata={"typed": typed, "flag": flag, "keyword": keyword})


def _shadow(spelled: str, text: str, default: Any = None, **more: Any) -> Any:
    return _option(spelled, text, default, rich_help_panel=_OF_GENERATORS, **more)


@dataclass(frozen=True, kw_only=True)
class CommandOptions:
    """What a command was asked: the options that it takes; others are not there."""

    taken: tuple[str, ...]

    # what is read
    data: str = _argument("DATA", "File, '-' or database URL.")
    train: str = _argument("TRAIN", "What the release was made from.")
    synthetic: str | None = _argument("[SYNTHETIC]", "The release.", None)
    releases: list[str] = _argument("SYNTHETIC...", "One release or several: ranked.")
    model: Path = _argument("MODEL.twin", "A file that `fit` wrote.")
    what: Literal["generators", "metrics", "attacks"] = _argument()
    holdout: str | None = _option(
        "--holdout FILE|FRACTION", "Other units, or the share to set aside."
    )
    holdout_file: str | None = _option(
        "--holdout FILE", "Other units of the population.", keyword="holdout"
    )
    holdout_share: float = _option(
        "--holdout FRACTION", "Set aside to measure the gain; 0: no.", 0.3, "holdout"
    )
    auxiliary: str | None = _option("--auxiliary FILE", "What the adversary holds.")
    table: str | None = _option("--table NAME", "Table of a database URL.")
    max_rows: int = _option(
        "--max-rows", "Read at most this many rows (a uniform sample).", _MILLION, min=1
    )
    max_held_rows: int = _option(
        "--max-rows",
        "Rows of a table held in memory at most; all rows of a larger one are streamed.",
        _MILLION,
        "max_rows",
        min=1,
    )

    # what is said of a table
    schema: Path | None = _option("--schema FILE", "Schema: twinset YAML, SDV or Frictionless.")
    target: str | None = _option("--target COL", "Column that a model should predict.")
    classes: str = _option("--target COL", "The classes.", _NEEDED, "target")
    sensitive: str | None = _option("--sensitive COL,COL", "Sensitive columns.")
    unit: str | None = _option("--unit COL", "Column that names the person to protect.")
    rules: Path | None = _option("--rules FILE", "rules.yaml: what every row must keep.")
    check: Path | None = _option("--check FILE", "Count what breaks these rules instead.")

    # how it is learned
    generator: str = _option("--generator NAME", "See `twinset list generators`.", "cart")
    generators: str = _option("--generators A,B,C", "Names.", _NEEDED)
    options: list[str] | None = _option(
        "--set KEY=VALUE", "Option of the generator; may be repeated."
    )
    protect: int = _option(
        "--protect", "Minimum units behind a category or extreme value.", 5, min=1
    )
    plugins: bool = _option(
        "--plugins", "Load a generator of another package if the model file names it.", False
    )

    # which rows are made
    n: int | None = _option("-n ROWS", "Rows to make (default: train rows).", min=1)
    given: list[str] | None = _option("--given COL=VALUE", "May be repeated.")
    where: str | None = _option("--where EXPR", "Such as 'age >= 60'.")
    shares: list[str] | None = _option("--share EXPR:SHARE", 'Such as "age < 30: 0.4"; repeat.')
    like: str | None = _option("--like FILE", "More like these rows.")
    design: str | None = _option("--design KIND", "Fill the space: sobol or latin.")
    edge_cases: bool = _option(
        "--edge-cases", "Rows for tests: boundaries, nulls, all pairs.", False
    )
    best_of: int | None = _option("--best-of K", "Choose among K candidates.")
    by: str | None = _option("--by METRIC", "The measure that chooses.")
    against: str | None = _option("--against FILE", "Real rows to compare with.")
    copies: int = _option("--copies M", "Write M files, each of new rows.", 1, min=1)
    imputations: int = _option("--copies M", "Write M imputations.", 1, "copies", min=1)
    to: str = _option("--to balanced|CLASS=ROWS,...", "Rows of each class.", "balanced")

    # how it is measured
    gates: Path | None = _option("--gate FILE", "gates.yaml; a missed gate exits with 1.")
    compat: str | None = _option("--compat sdmetrics", "Only the figures of another tool.")
    junit: Path | None = _option("--junit FILE", "Gates and measures as JUnit XML.")
    against_report: Path | None = _option(
        "--against FILE", "Earlier report.json: what has changed.", keyword="against"
    )

    # how it is attacked
    show_records: bool = _option("--show-records", "Print the real records most at risk.", False)
    attacked: str | None = _shadow(
        "--generator NAME,NAME", "Attack a generator instead, or several.", keyword="generators"
    )
    generator_command: str | None = _shadow(
        "--generator-command CMD",
        "Attack anyone's generator: 'CMD {train} {n} {out}', CSV in and out.",
    )
    attack_targets: str | None = _shadow(
        "--attack-targets KIND|FILE",
        "random, outliers, vulnerable, canaries (ten each), or rows of TRAIN in a file.",
    )
    shadows: int = _shadow("--shadows N", "Shadow models: 40 or more.", 200)
    shadow_rows: int | None = _shadow(
        "--shadow-rows N", "Train rows of each (default: 1,000).", min=50
    )
    fit_limit: float = _shadow("--fit-limit S", "Kill a fit after S seconds.", 600.0, min=0)
    delta: float = _shadow("--delta D", "Delta of epsilon bounds.", 0.0, min=0, max=0.5)
    fixed: bool = _shadow(
        "--fixed", "The same other rows in each fit: for claims of privacy.", False
    )
    add_remove: bool = _shadow(
        "--add-remove", "Nobody takes the place of a target that is out.", False
    )
    secret: str = _shadow("--secret COL", "Infer this column of people who are in.", "")
    curve: int = _shadow("--curve ROWS", "Largest release reconstructed; 0: none.", 100_000, min=0)

    # how it runs, and where it is written
    seed: int = _option("--seed N", "Same seed, same bytes.", 0, min=0)
    seed_of_rows: int | None = _option("--seed N", "Default: the twin's.", None, "seed", min=0)
    workers: int | None = _option(
        "--workers N", "Threads (default 2); same bytes with any number.", min=1
    )
    time_limit: float | None = _option("--time-limit S", "Stop after S seconds (exit 3).", min=0)
    out: Path | None = _option("--out PATH", "Where to write.")
    out_model: Path = _option("--out MODEL.twin", "Where to write.", _NEEDED, "out")
    out_rows: Path = _option("--out FILE", "CSV, Parquet ... or '-'.", _NEEDED, "out")
    as_json: bool = _option("--json", "Print JSON to standard output.", False)
    quiet: bool = _option("--quiet", "No progress.", False)

    def keywords(self, *without: str) -> dict[str, Any]:
        """Return what was asked as keywords of Python, but the fields named `without`.

        An option that has no value keeps the default of the function that is called.
        """
        found = {}
        for name in self.taken:
            value = getattr(self, name)
            if value is None or name in (*_AROUND, *without):
                continue
            keyword = _FIELDS[name].metadata.get("keyword") or name
            found[keyword] = _READ[name](value) if name in _READ else value
        return found

    def stated(self, *options: str) -> list[str]:
        """Return the flags of those options that have another value than their default."""
        told = []
        for name in options:
            value = getattr(self, name)
            if value and value != _FIELDS[name].default:
                told.append(_FIELDS[name].metadata["flag"])
        return told

    @contextmanager
    def working(self) -> Iterator[None]:
        """Show progress, unless it is to be quiet, and stop when the time is over."""
        with shown(quiet=self.quiet), limit(self.time_limit):
            yield


_FIELDS = {f.name: f for f in fields(CommandOptions)}


def signature(taken: Sequence[str]) -> Signature:
    """Return the signature of a command that takes these options, as typer reads it."""
    typed = [(name, _FIELDS[name]) for name in taken]
    return Signature(
        [
            Parameter(name, Parameter.KEYWORD_ONLY, default=f.metadata["typed"], annotation=f.type)
            for name, f in typed
        ]
    )


def _names(text: str | None) -> tuple[str, ...]:
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


def _shares(texts: list[str] | None) -> dict[str, float]:
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


def _share_or_file(text: str | None) -> float | str | None:
    """Return a fraction as a number, anything else as a path."""
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        return text


_READ: Mapping[str, Callable[[Any], Any]] = {  # texts of the command line -> values of Python
    "sensitive": _names,
    "attacked": _names,
    "generators": _names,
    "holdout": _share_or_file,
    "options": partial(assignments, "--set"),
    "given": partial(assignments, "--given"),
    "shares": _shares,
}
