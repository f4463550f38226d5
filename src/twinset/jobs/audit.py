"""Audit of generators by shadow models: read, plan, fit, score, judge, control, report; resumable.

`audit_of_generators` reads and keeps; `audit_generator` takes the steps for each generator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from twinset.auditing.controls import controls_of_generator
from twinset.auditing.generator import (
    check_generator,
    fit_shadows,
    plan_game,
    report,
    report_of_none,
    score,
    too_few_fits,
)
from twinset.auditing.shadow_judge import judge_trials
from twinset.auditing.shadows import Neighbours, Shadows
from twinset.deprecations import renamed
from twinset.errors import InputError
from twinset.inputs import Options, check_free, read, read_like
from twinset.jobs.job import Job, run_key
from twinset.progress import listen, phase
from twinset.progress import time_limit as limit
from twinset.results import Audit
from twinset.scale.local import use_workers
from twinset.scale.scratch import scratch_folder
from twinset.table.sources import Source, open_source
from twinset.table.table import Table

__all__ = ["audit_folder", "audit_generator", "audit_of_generators"]

_COMMAND = "command"  # how the generator of a command is called
_KINDS = ("random", "outliers")


def audit_folder(data: object, table: str | None = None) -> Path:
    """Return where the audit of a generator works unless told otherwise: ``<stem>-audit``."""
    if data == "-":  # standard input is read once
        return Path("stdin-audit")
    return Path(f"{open_source(data, table=table).stem}-audit")


@renamed(
    command="generator_command",
    targets="attack_targets",
    fits="shadows",
    rows="shadow_rows",
    released="n",
    seconds="fit_limit",
    neighbours="add_remove",
)
def audit_of_generators(
    data: object,
    generators: Sequence[str] = (),
    generator_command: str | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    attack_targets: str | Path | Sequence[str] | None = None,
    number: int = 10,
    shadows: int = 200,
    shadow_rows: int | None = None,
    n: int | None = None,
    fit_limit: float = 600.0,
    delta: float = 0.0,
    fixed: bool = False,
    add_remove: bool | Neighbours = False,
    secret: str = "",
    curve: int = 100_000,
    attacks: Sequence[str] | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    protect: int = 5,
    workers: int | None = None,
    time_limit: float | None = None,
    show_records: bool = False,
    **about: Any,
) -> tuple[dict[str, Audit], Path | None]:
    """Attack generators; return the audit of each, and the folder for a report if `out` is given.

    All meet the same targets, who are in the same random train rows.

    Parameters
    ----------
    data
        The population: shadow models are fitted on random parts of it.
    generators, generator_command
        Registered generators, and a command line with ``{train}``, ``{n}`` and ``{out}``, whose
        audit is called ``"command"``.
    options
        Of the generator, if there is just one.
    attack_targets
        Kinds (random, outliers, vulnerable, canaries), or a file with rows of `data`.
    number
        Targets of each kind.
    shadows, shadow_rows, n
        Shadow models; their train rows (default half of the table, at most 1,000), and the rows
        that each releases (default as many).
    fit_limit
        Seconds after which a fit is killed and counted as failed.
    delta
        Delta of the bounds on epsilon.
    fixed
        Whether all but the targets is the same in each fit, for claims about differential privacy.
    add_remove
        Whether nobody is in if a target is out; else somebody else is.
    secret
        A column to infer: targets are always in, with their own value or with another one.
    curve
        Rows of the largest release from which a column is reconstructed; 0: no reconstruction.
    out
        Folder in which numbers are kept (``private/``, as confidential as the table): the same call
        goes on there. Without it nothing is kept.
    workers
        Processes, by default 2; their number changes nothing but the time.
    time_limit
        Seconds after which `StoppedError` is raised; with `out` the same call goes on.
    show_records
        Whether `Audit.records` holds the targets that some attack recognises.
    **about
        See `twinset.inputs.Options`.

    Raises
    ------
    InputError
        If neither `generators` nor `generator_command` are given, or `out` holds another run.
    """
    audited = dict.fromkeys(generators, "")  # name -> command
    if generator_command:
        audited[_COMMAND] = generator_command
    _check_generators(generators, generator_command or "", options)
    settings_of_table = Options.of(about)
    source, dataset = read(data, settings_of_table, seed=seed)
    check_free(dataset)
    table = dataset.only
    kinds, declared = _targets(attack_targets, table, settings_of_table)
    how = Shadows(
        fits=shadows,
        kinds=kinds,
        number=number,
        rows=shadow_rows,
        released=n,
        seconds=fit_limit,
        delta=delta,
        fixed=fixed,
        neighbours=_neighbours(add_remove),
        secret=secret,
        curve=curve,
    )
    settings: dict[str, Any] = {
        "options": options,
        "how": how,
        "declared": None if declared is None else declared[1],
        "attacks": attacks,
        "seed": seed,
        "protect": protect,
    }

    def attack(folder: Path | None) -> dict[str, Audit]:
        found = {}
        with phase("generators", total=len(audited)) as step:
            for name, run in audited.items():
                found[name] = audit_generator(
                    table,
                    "" if run else name,
                    command=run,
                    folder=folder if folder is None or len(audited) == 1 else folder / name,
                    show_records=show_records,
                    **settings,
                )
                step.advance(detail=name)
        return found

    with use_workers(workers), limit(time_limit):
        if out is None:
            return attack(None), None
        key = {
            **settings,
            "generator": ",".join(generators),
            "command": generator_command or "",
            "how": {**asdict(how), "kinds": list(kinds)},
            "declared": None if declared is None else declared[0].fingerprint(),
            "about": settings_of_table.key(),
            "what": "audit of a generator",
        }
        with (
            Job.open(Path(out), run_key(source.fingerprint(), key)) as job,
            listen(job.record),
        ):
            return attack(job.private / "shadows"), job.share


def audit_generator(
    table: Table,
    generator: str = "",
    options: Mapping[str, Any] | None = None,
    *,
    command: str = "",
    how: Shadows | None = None,
    declared: Table | None = None,
    attacks: Sequence[str] | None = None,
    folder: Path | None = None,
    seed: int = 0,
    protect: int = 5,
    margin: float = 0.03,
    show_records: bool = False,
) -> Audit:
    """Attack a generator as someone would who can run it: shadow models with and without targets.

    Parameters
    ----------
    table
        The population: shadow models are fitted on random parts of it.
    generator, options
        A registered generator.
    command
        Instead of it, a command line with ``{train}``, ``{n}`` and ``{out}``.
    declared
        Rows of the table that are attacked too.
    folder
        Where numbers are kept; the same call goes on there. A temporary folder unless given.
    show_records
        Whether `Audit.records` holds the targets that some attack recognises.

    Raises
    ------
    InputError
        If there are too few units, or targets or options are refused.
    StoppedError
        If the time limit around the call has passed; the same call with the same folder goes on.
    """
    game = plan_game(
        table,
        how or Shadows(),
        generator,
        options,
        command,
        declared=declared,
        attacks=attacks,
        seed=seed,
        protect=protect,
    )
    kept = scratch_folder("twinset-shadows-") if folder is None else nullcontext(folder)
    with kept as place:
        pool = fit_shadows(game, place)
        if reason := too_few_fits(pool):
            return report_of_none(pool, reason)
        with phase("attacks", total=len(game.attacks) + 1) as step:
            trials = score(game, pool, step.advance)
            judgement = judge_trials(trials, game.groups, seed, game.delta)
            copies = score(game, pool, control=True)
            controls = controls_of_generator(pool, trials, copies)
            step.advance(detail="controls")
        return report(
            game, pool, trials, judgement, controls, margin=margin, show_records=show_records
        )


def _check_generators(
    generators: Sequence[str], command: str, options: Mapping[str, Any] | None
) -> None:
    """Refuse what cannot work before any of them is fitted."""
    if not generators and not command:
        raise InputError(
            "--generator and --generator-command",
            got="neither",
            allowed="one of them or both, or a synthetic table",
        )
    if len(set(generators)) < len(generators):
        raise InputError("--generator", got="a name twice", allowed="each name once")
    if options and (command or len(generators) > 1):
        raise InputError(
            "--set",
            got="an audit of several generators, or of a command",
            allowed="with one registered generator",
            hint="audit this one by itself",
        )
    for name in generators:
        check_generator(name, options)
    if command:
        check_generator("", command=command)


def _neighbours(add_remove: bool | Neighbours) -> Neighbours:
    """Return how neighbours differ; the option once held the word itself."""
    if isinstance(add_remove, str):
        return add_remove
    return "add_remove" if add_remove else "replace"


def _targets(
    asked: str | Path | Sequence[str] | None, table: Table, about: Options
) -> tuple[tuple[str, ...], tuple[Source, Table] | None]:
    """Return kinds of targets, or the source and table of declared ones."""
    if asked is None:
        return _KINDS, None
    if isinstance(asked, str | Path):
        if Path(asked).exists():
            return ("random",), (open_source(asked), read_like(str(asked), table, about))
        asked = str(asked).split(",")
    words = [str(word) for word in asked]
    return tuple(dict.fromkeys(w.strip() for w in words if w.strip())), None
