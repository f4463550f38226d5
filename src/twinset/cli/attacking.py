"""The command that attacks: a release from files, or a generator by shadow models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinset.cli import options as opt
from twinset.cli.progress import shown
from twinset.cli.tell import tell, tell_audits
from twinset.errors import ControlError, InputError

if TYPE_CHECKING:
    from twinset.results import Audit

__all__ = ["audit"]

_SHADOWS = "Audit of a generator"
_FITS, _CURVE = 200, 100_000


def _shadow(*names: str, **more: Any) -> Any:
    return typer.Option(*names, rich_help_panel=_SHADOWS, **more)


def audit(
    train: Annotated[str, typer.Argument(metavar="TRAIN", help="What the release was made from.")],
    synthetic: Annotated[
        str | None, typer.Argument(metavar="[SYNTHETIC]", help="The release.")
    ] = None,
    holdout: opt.HoldoutFile = None,
    auxiliary: Annotated[
        str | None, typer.Option("--auxiliary", metavar="FILE", help="What the adversary holds.")
    ] = None,
    show_records: Annotated[
        bool, typer.Option("--show-records", help="Print the real records most at risk.")
    ] = False,
    generator: Annotated[
        str | None,
        _shadow("--generator", metavar="NAME,NAME", help="Attack a generator instead, or several."),
    ] = None,
    generator_command: Annotated[
        str | None,
        _shadow(
            "--generator-command",
            metavar="CMD",
            help="Attack anyone's generator: 'CMD {train} {n} {out}', CSV in and out.",
        ),
    ] = None,
    settings: opt.Set = None,
    attack_targets: Annotated[
        str | None,
        _shadow(
            "--attack-targets",
            metavar="KIND|FILE",
            help="random, outliers, vulnerable, canaries (ten each), or rows of TRAIN in a file.",
        ),
    ] = None,
    shadows: Annotated[
        int, _shadow("--shadows", metavar="N", help="Shadow models: 40 or more.")
    ] = _FITS,
    shadow_rows: Annotated[
        int | None,
        _shadow("--shadow-rows", metavar="N", min=50, help="Train rows of each (default: 1,000)."),
    ] = None,
    n: opt.Rows = None,
    fit_limit: Annotated[
        float, _shadow("--fit-limit", metavar="S", min=0, help="Kill a fit after S seconds.")
    ] = 600.0,
    delta: Annotated[
        float, _shadow("--delta", metavar="D", min=0, max=0.5, help="Delta of epsilon bounds.")
    ] = 0.0,
    fixed: Annotated[
        bool, _shadow("--fixed", help="The same other rows in each fit: for claims of privacy.")
    ] = False,
    add_remove: Annotated[
        bool, _shadow("--add-remove", help="Nobody takes the place of a target that is out.")
    ] = False,
    secret: Annotated[
        str,
        _shadow("--secret", metavar="COL", help="Infer this column of people who are in."),
    ] = "",
    curve: Annotated[
        int,
        _shadow("--curve", metavar="ROWS", min=0, help="Largest release reconstructed; 0: none."),
    ] = _CURVE,
    protect: opt.Protect = 5,
    unit: opt.Unit = None,
    schema: opt.Schema = None,
    gate: opt.Gates = None,
    out: opt.Out = None,
    seed: opt.Seed = 0,
    workers: opt.Workers = None,
    time_limit: opt.TimeLimit = None,
    table: opt.TableName = None,
    max_rows: opt.MaxRows = opt.ROWS,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> int:
    """Attack a release from files alone, or generators by fitting them many times."""
    from twinset import api
    from twinset.progress import time_limit as limit

    gates = api.load_gates(gate) if gate else ()
    about = opt.about(schema, None, None, unit, table, max_rows)
    with shown(quiet=quiet), limit(time_limit):
        if generator or generator_command:
            _alone(synthetic=synthetic, holdout=holdout, auxiliary=auxiliary)
            audits, out = api.audit_of_generators(
                train,
                opt.names(generator),
                generator_command,
                options=opt.assignments("--set", settings),
                attack_targets=attack_targets,
                shadows=shadows,
                shadow_rows=shadow_rows,
                n=n,
                fit_limit=fit_limit,
                delta=delta,
                fixed=fixed,
                add_remove=add_remove,
                secret=secret,
                curve=curve,
                out=out or api.audit_folder(train, about.get("table")),
                seed=seed,
                protect=protect,
                workers=workers,
                show_records=show_records,
                **about,
            )
        else:
            of_generators = {
                "--set": settings,
                "--attack-targets": attack_targets,
                "--shadows": shadows != _FITS,
                "--shadow-rows": shadow_rows,
                "-n": n,
                "--delta": delta,
                "--fixed": fixed,
                "--add-remove": add_remove,
                "--secret": secret,
                "--curve": curve != _CURVE,
            }
            for name, value in of_generators.items():
                if value:
                    raise InputError(
                        f"option {name}",
                        got="an audit of a release",
                        allowed="with --generator or --generator-command",
                    )
            if synthetic is None:
                raise InputError(
                    "the audit",
                    got="neither a synthetic table nor a generator",
                    allowed="SYNTHETIC, --generator NAME or --generator-command CMD",
                )
            found = api.audit(
                train,
                synthetic,
                holdout,
                auxiliary=auxiliary,
                seed=seed,
                show_records=show_records,
                workers=workers,
                **about,
            )
            audits = {"": found}
    if len(audits) > 1:
        several = api.Audits.of(audits, gates, seed)
        return _controlled(audits, tell_audits(several, out, as_json=as_json))
    [found] = audits.values()
    attacked = generator or (generator_command and "by a command")
    about_it = {"source": f"Audit of a generator ({attacked})"} if attacked else None
    report = api.report(None, found, gates, seed, provenance=about_it)
    return _controlled(audits, tell(report, out, as_json=as_json, records=found.records))


def _alone(**given: str | None) -> None:
    """Refuse what belongs to an audit of files."""
    for name, value in given.items():
        if value is not None:
            raise InputError(
                "an audit of a generator",
                got=f"{name} as well",
                allowed="one table: shadow models are fitted on random parts of it",
            )


def _controlled(audits: Mapping[str, Audit], code: int) -> int:
    for name, found in audits.items():
        of = f"{name}: " if len(audits) > 1 else ""
        if not found.extra.get("fits", {"ok": 1})["ok"]:
            raise ControlError(f"{of}{found.verdict}; hint: run the generator by hand to see why")
        if not found.controls_passed:
            raise ControlError(f"{of}{found.verdict}; its figures must not be used")
    return code
