"""The commands: name, options and help of each; what one does is imported when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any

import typer

from twinset.cli.options import CommandOptions, signature

__all__ = ["app"]

app = typer.Typer(
    name="twinset",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="A twin of your data set: made, measured, attacked, and only then shared.",
)

_END = "workers time_limit table max_rows as_json quiet"


def _version(value: bool) -> None:
    if value:
        from twinset.version import __version__

        typer.echo(f"twinset {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


def _command(name: str, place: str, text: str, *options: str) -> None:
    """Add a command: its name, the function in this package, its help, its options in order."""
    taken = tuple(" ".join(options).split())

    def call(**values: Any) -> int:
        module, _, function = place.partition(".")
        command = getattr(import_module(f"twinset.cli.{module}"), function)
        code: int = command(CommandOptions(taken=taken, **values))
        return code

    call.__signature__ = signature(taken)  # type: ignore[attr-defined]
    app.command(name, help=text)(call)


_command(
    "demo",
    "run.demo",
    "Do the whole job on the Adult table that is inside the package.",
    "out seed workers time_limit as_json quiet",
)
_command(
    "run",
    "run.run",
    "Split, fit, sample, evaluate, audit, report: the whole job on one table.",
    "data out generator options n target sensitive unit schema holdout rules gates protect seed",
    _END,
)
_command(
    "fit",
    "sample.fit",
    "Learn a table and write the model file (as confidential as the table).",
    "data out_model generator options target unit schema rules protect seed",
    _END,
)
_command(
    "sample",
    "sample.sample",
    "Make rows from a model file.",
    "model out_rows n given where shares like design edge_cases best_of by against copies",
    "seed_of_rows plugins workers time_limit as_json quiet",
)
_command(
    "evaluate",
    "evaluate.evaluate",
    "Measure a release: fidelity, utility, privacy diagnostics.",
    "train releases holdout_file target sensitive unit schema rules gates compat junit",
    "against_report out seed workers time_limit table max_held_rows as_json quiet",
)
_command(
    "audit",
    "audit.audit",
    "Attack a release from files alone, or generators by fitting them many times.",
    "train synthetic holdout_file auxiliary show_records attacked generator_command options",
    "attack_targets shadows shadow_rows n fit_limit delta fixed add_remove secret curve",
    "protect unit schema gates out seed",
    _END,
)
_command(
    "compare",
    "run.compare",
    "Do the same job with several generators and show them in one table.",
    "data generators n holdout target sensitive unit schema gates out protect seed",
    _END,
)
_command(
    "schema",
    "schema.schema",
    "Show what each column was taken for, and why; write it as YAML to edit.",
    "data out schema target sensitive unit table max_rows as_json quiet",
)
_command(
    "rules",
    "schema.rules",
    "Show the rules that a table keeps, the most telling first; write them as YAML to edit.",
    "data out check holdout unit schema seed time_limit table max_rows as_json quiet",
)
_command(
    "impute",
    "augment.impute",
    "Fill the missing cells of DATA by a model; what it writes is real rows, and confidential.",
    "model data out_rows imputations seed_of_rows plugins",
    _END,
)
_command(
    "augment",
    "augment.augment",
    "Add new rows of rare classes to the real ones, and measure what a model gains by them.",
    "data out_rows classes to generator options rules holdout_share unit schema protect seed",
    _END,
)
_command(
    "list",
    "list.list_names",
    "List what is built in and what other packages bring.",
    "what as_json",
)
