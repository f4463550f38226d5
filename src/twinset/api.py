"""The steps of the job, as functions: schema, fit, load, evaluate, audit, compare, run.

What measures and attacks is imported when it is asked for: its libraries take a second to load,
which those who fit or sample need not wait for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from twinset.deprecations import warn_of_old
from twinset.errors import InputError
from twinset.inputs import Options, read, read_holdout, read_like
from twinset.jobs.sample import sample_to
from twinset.progress import time_limit as limit
from twinset.rules.files import as_rules
from twinset.scale.local import use_workers
from twinset.stats.seeds import stream
from twinset.table.frames import frame_kind, frame_types
from twinset.table.schema import Schema
from twinset.table.sources import open_source
from twinset.trust.gates import Gate
from twinset.twin import Twin

if TYPE_CHECKING:
    from twinset.auditing.embeddings import audit_arrays
    from twinset.evaluation.single_metric import metric
    from twinset.jobs.audit import audit_of_generators
    from twinset.jobs.augment import augment_to
    from twinset.jobs.best_of import curate
    from twinset.jobs.compare import compare
    from twinset.jobs.evaluate import cross_validate, evaluate
    from twinset.jobs.impute import impute_to
    from twinset.jobs.rules import check_rules, mine_rules
    from twinset.jobs.run import run
    from twinset.report.bundle import Report
    from twinset.report.multi_report import Audits
    from twinset.results import Audit, Evaluation
    from twinset.rules.rule import Rules
    from twinset.stats.combining_rules import combine

__all__ = [
    "audit",
    "audit_arrays",
    "audit_of_generators",
    "augment_to",
    "check_rules",
    "combine",
    "compare",
    "cross_validate",
    "curate",
    "evaluate",
    "fit",
    "impute_to",
    "load",
    "metric",
    "mine_rules",
    "report",
    "run",
    "sample_to",
    "schema",
]

_ELSEWHERE = {  # the names above that are not in this module
    "auditing.embeddings": "audit_arrays",
    "evaluation.single_metric": "metric",
    "jobs.audit": "audit_of_generators",
    "jobs.augment": "augment_to",
    "jobs.best_of": "curate",
    "jobs.compare": "compare",
    "jobs.evaluate": "cross_validate evaluate",
    "jobs.impute": "impute_to",
    "jobs.rules": "check_rules mine_rules",
    "jobs.run": "run",
    "stats.combining_rules": "combine",
}


def __getattr__(name: str) -> Any:
    """Import the long steps when one of them is asked for."""
    for module, names in _ELSEWHERE.items():
        if name in names.split():
            return getattr(import_module(f"twinset.{module}"), name)
    raise AttributeError(f"module 'twinset.api' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__


def schema(data: object, **options: Any) -> Schema:
    """Return what was inferred of the columns of `data`, with the reason for each guess."""
    settings = Options.of(options)
    source = open_source(data, table=settings.table)
    raw = source.raw(settings.max_rows, stream(0, "read"))
    if raw.num_columns == 0:
        raise InputError(source.name, got="no columns")
    return settings.infer(raw)


def fit(
    data: object,
    *,
    generator: str = "cart",
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
    protect: int = 5,
    rules: Rules | str | Path | Sequence[Any] | None = None,
    workers: int | None = None,
    **about: Any,
) -> Twin:
    """Learn a table and return its twin.

    Parameters
    ----------
    data
        pandas, polars or pyarrow table, a path, or a database URL.
    generator, options
        Registered name and its options, see ``twinset list generators``.
    seed
        The same seed, data and version give the same twin.
    protect
        Minimum number of units: rarer categories and more extreme values are never learned.
    rules
        What every sampled row keeps: a file, or a list of expressions and mappings.
    workers
        Threads, by default 2; their number changes nothing but the time.
    **about
        See `Options`.
    """
    wanted = None if rules is None else as_rules(rules)
    source, dataset = read(data, Options.of(about), seed=seed)
    kind = frame_kind(data) or ("text" if source.format == "delimited" else "pandas")
    with use_workers(workers):
        return Twin.fit(
            dataset,
            generator,
            options,
            seed=seed,
            protect=protect,
            frame=kind,
            dtypes=frame_types(data),
            rules=wanted,
        )


def load(path: str | Path, *, plugins: bool = False) -> Twin:
    """Read a .twin file; never runs code from it."""
    return Twin.load(path, plugins=plugins)


@overload
def audit(
    train: object,
    synthetic: object | None = None,
    holdout: object | None = None,
    *,
    generator: str | None = None,
    **how: Any,
) -> Audit: ...
@overload
def audit(train: object, *, generator: list[str] | tuple[str, ...], **how: Any) -> Audits: ...
def audit(
    train: object,
    synthetic: object | None = None,
    holdout: object | None = None,
    *,
    auxiliary: object | None = None,
    generator: str | Sequence[str] | None = None,
    generator_command: str | None = None,
    seed: int = 0,
    shadows: int | Mapping[str, Any] | None = None,
    show_records: bool = False,
    workers: int | None = None,
    time_limit: float | None = None,
    **about: Any,
) -> Audit | Audits:
    """Attack a release from files alone, or generators by shadow models.

    Parameters
    ----------
    train, synthetic
        The members' table and what was released.
    holdout
        Other units of the same population. It is split into what the adversary holds and
        non-members, unless `auxiliary` gives the former. Without it membership is not assessed.
    generator, generator_command
        In the place of `synthetic`: a registered generator, or a command line with ``{train}``,
        ``{n}`` and ``{out}``, which is fitted on random parts of `train`. A list of generators
        (and a command beside it) gives `Audits`: the same targets, the same random parts.
    shadows
        Number of shadow models. These options of an audit of generators have the names of the
        command line (``shadow_rows``, ``attack_targets``, ``fit_limit`` ...): see
        `audit_of_generators`.
    show_records
        Whether `Audit.records` holds the real rows that attacks recognise most surely.
    workers
        Threads or, for a generator, processes; their number changes nothing but the time.
    time_limit
        Seconds after which `StoppedError` is raised.

    Raises
    ------
    InputError
        If there is neither `synthetic` nor a generator, or both, or `shadows` with the first.
    """
    if synthetic is None or generator or generator_command:
        if synthetic is not None or holdout is not None or auxiliary is not None:
            raise InputError(
                "an audit of a generator",
                got="a synthetic table, a holdout or auxiliary rows as well",
                allowed="one table, of which shadow models are fitted on random parts",
            )
        from twinset.jobs.audit import audit_of_generators
        from twinset.report.multi_report import Audits

        if isinstance(shadows, Mapping):
            warn_of_old("shadows={'fits': N, 'rows': M ...}", "shadows=N, shadow_rows=M ...")
        elif shadows is not None:
            shadows = {"shadows": shadows}
        how = {**(shadows or {}), "show_records": show_records, "workers": workers, **about}
        names = [generator] if isinstance(generator, str) else generator or ()
        found, _ = audit_of_generators(
            train, names, generator_command, seed=seed, time_limit=time_limit, **how
        )
        several = not (generator is None or isinstance(generator, str)) or len(found) > 1
        return Audits.of(found, seed=seed) if several else next(iter(found.values()))
    if shadows is not None:
        raise InputError(
            "shadows", got="an audit of a release", allowed="with generator or generator_command"
        )
    from twinset.auditing.release import audit_release

    options = Options.of(about)
    real = read(train, options, seed=seed)[1].only
    released = read_like(synthetic, real, options, seed=seed)
    unseen = None if holdout is None else read_holdout(holdout, real, options, seed=seed)[0]
    known = None if auxiliary is None else read_like(auxiliary, real, options, seed=seed)
    with use_workers(workers), limit(time_limit):
        return audit_release(
            real, released, unseen, auxiliary=known, seed=seed, show_records=show_records
        )


def report(
    evaluation: Evaluation | None,
    audit: Audit | None,
    gates: Sequence[Gate] = (),
    seed: int = 0,
    against: str | Path | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Report:
    """Put findings together, and hold them against bounds and an earlier report.json."""
    from twinset.report.bundle import Report

    return Report.of(evaluation, audit, gates, provenance, seed=seed, against=against)
