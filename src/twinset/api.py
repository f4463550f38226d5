"""The steps of the job, as functions: schema, fit, load, evaluate, audit, compare, run.

What measures and attacks is imported when it is asked for: its libraries take a second to load,
which those who fit or sample need not wait for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from twinset.deprecations import warn_of_old
from twinset.errors import InputError
from twinset.inputs import Options, read, read_holdout, read_like
from twinset.progress import time_limit as limit
from twinset.rules.enforce import Cost, cost_in_total
from twinset.rules.files import as_rules
from twinset.scale.local import use_workers
from twinset.stats.seeds import derived, stream
from twinset.table.atomic import check_place
from twinset.table.frames import frame_kind, frame_types
from twinset.table.raw import to_raw
from twinset.table.schema import Schema
from twinset.table.schema_files import save_schema
from twinset.table.sources import open_source
from twinset.table.table import Table
from twinset.table.write import RowWriter
from twinset.trust.gates import Gate, load_gates
from twinset.twin import Twin

if TYPE_CHECKING:
    from twinset.auditing.embeddings import audit_arrays
    from twinset.evaluation.single_metric import metric
    from twinset.jobs.audit import audit_folder, audit_of_generators
    from twinset.jobs.augment import augment_to
    from twinset.jobs.best_of import curate
    from twinset.jobs.compare import Comparison, compare
    from twinset.jobs.evaluate import cross_validate, crossed, evaluate
    from twinset.jobs.impute import impute_to
    from twinset.jobs.rules import check_rules, mine_rules
    from twinset.jobs.run import Run, run
    from twinset.report.bundle import Report, save_reports
    from twinset.report.drift import read_report
    from twinset.report.junit import save_junit
    from twinset.report.multi_report import Audits
    from twinset.report.ranking import rank
    from twinset.results import Audit, Evaluation
    from twinset.rules.rule import Rules
    from twinset.stats.combining_rules import combine

__all__ = [
    "Audits",
    "Comparison",
    "Report",
    "Run",
    "Sampled",
    "audit",
    "audit_arrays",
    "audit_folder",
    "audit_of_generators",
    "augment_to",
    "check_place",
    "check_rules",
    "combine",
    "compare",
    "cross_validate",
    "crossed",
    "curate",
    "evaluate",
    "fit",
    "impute_to",
    "load",
    "load_gates",
    "metric",
    "mine_rules",
    "rank",
    "read_report",
    "report",
    "run",
    "sample_to",
    "save_junit",
    "save_reports",
    "save_rows",
    "save_schema",
    "schema",
]

_ELSEWHERE = {
    "combine": "twinset.stats.combining_rules",
    "cross_validate": "twinset.jobs.evaluate",
    "crossed": "twinset.jobs.evaluate",
    "evaluate": "twinset.jobs.evaluate",
    "audit_arrays": "twinset.auditing.embeddings",
    "audit_folder": "twinset.jobs.audit",
    "audit_of_generators": "twinset.jobs.audit",
    "curate": "twinset.jobs.best_of",
    "metric": "twinset.evaluation.single_metric",
    "rank": "twinset.report.ranking",
    "read_report": "twinset.report.drift",
    "save_junit": "twinset.report.junit",
    "save_reports": "twinset.report.bundle",
    "Audits": "twinset.report.multi_report",
    "Comparison": "twinset.jobs.compare",
    "Report": "twinset.report.bundle",
    "Run": "twinset.jobs.run",
    "check_rules": "twinset.jobs.rules",
    "augment_to": "twinset.jobs.augment",
    "impute_to": "twinset.jobs.impute",
    "compare": "twinset.jobs.compare",
    "mine_rules": "twinset.jobs.rules",
    "run": "twinset.jobs.run",
}


def __getattr__(name: str) -> Any:
    """Import the long steps when one of them is asked for."""
    if name in _ELSEWHERE:
        return getattr(import_module(_ELSEWHERE[name]), name)
    raise AttributeError(f"module 'twinset.api' has no attribute {name!r}")


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
    source, table = read(data, Options.of(about), seed=seed)
    kind = frame_kind(data) or ("text" if source.format == "delimited" else "pandas")
    with use_workers(workers):
        return Twin.fit(
            table,
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
    _, real = read(train, options, seed=seed)
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


@dataclass(frozen=True)
class Sampled:
    """What `sample_to` wrote; the last five as in `twinset.twin.Draw`, over all rows."""

    rows: int
    seed: int
    method: str
    acceptance: float
    effective: float | None
    rules: Mapping[str, Any] | None = None
    saved: float = 0.0


def sample_to(
    twin: Twin,
    path: str | Path,
    n: int | None = None,
    *,
    given: Mapping[str, object] | None = None,
    where: str | None = None,
    shares: Mapping[str, float] | None = None,
    like: object = None,
    seed: int | None = None,
    copy: int | None = None,
    workers: int | None = None,
) -> Sampled:
    """Write rows to a file piece by piece.

    Parameters
    ----------
    seed
        Default from the twin.
    copy
        Number of a copy: each has streams of its own under the same seed.
    """
    seed = twin.seed if seed is None else seed
    seed = seed if copy is None else derived(seed, "copy", copy)
    rows, drawn, worth, saved, method = 0, 0.0, 0.0, 0.0, "direct"
    costs: list[Cost] = []
    with use_workers(workers), RowWriter(path, None) as writer:
        for draw in twin.draws(n, given=given, where=where, shares=shares, like=like, seed=seed):
            writer.write(to_raw(draw.table))
            rows += draw.table.num_rows
            tried = draw.table.num_rows / draw.acceptance
            drawn, saved = drawn + tried, saved + tried * draw.saved
            worth += float("nan") if draw.effective_size is None else draw.effective_size
            method = draw.method
            costs += [draw.rules] if draw.rules else []
    kept = cost_in_total(costs) if costs else None
    known = None if worth != worth else worth
    return Sampled(rows, seed, method, rows / drawn, known, kept, saved / drawn)


def save_rows(table: Table, path: str | Path) -> None:
    """Write a canonical table as `sample_to` writes rows."""
    with RowWriter(path, None) as writer:
        writer.write(to_raw(table))
