"""The steps of the job, as functions: schema, fit, load, evaluate, audit, compare, run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twinset import registry
from twinset.auditing.core import audit_release
from twinset.comparison import Comparison, compare
from twinset.errors import InputError
from twinset.evaluation.core import evaluate as evaluate_tables
from twinset.inputs import Options, read, read_holdout, read_like
from twinset.report.bundle import Report
from twinset.results import Audit, Evaluation
from twinset.scale.local import use_workers
from twinset.stats.seeds import stream
from twinset.table.canonical import to_raw
from twinset.table.frames import frame_kind, frame_types
from twinset.table.schema import Schema
from twinset.table.schema_files import save_schema
from twinset.table.sources import open_source
from twinset.table.write import RowWriter, check_place
from twinset.trust.gates import load_gates
from twinset.twin import Twin
from twinset.workflow import Run, run

__all__ = [
    "Comparison",
    "Report",
    "Run",
    "audit",
    "check_place",
    "compare",
    "evaluate",
    "fit",
    "load",
    "metric",
    "report",
    "run",
    "sample_to",
    "save_schema",
    "schema",
]


def schema(data: object, **options: Any) -> Schema:
    """Return what was inferred of the columns of `data`, with the reason for each guess."""
    settings = Options(**options)
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
    workers
        Threads, by default 2; their number changes nothing but the time.
    **about
        See `Options`.
    """
    source, table = read(data, Options(**about), seed=seed)
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
        )


def load(path: str | Path, *, plugins: bool = False) -> Twin:
    """Read a .twin file; never runs code from it."""
    return Twin.load(path, plugins=plugins)


def evaluate(
    train: object,
    synthetic: object,
    holdout: object | None = None,
    *,
    seed: int = 0,
    **about: Any,
) -> Evaluation:
    """Measure a release against the table it was made from.

    Parameters
    ----------
    train, synthetic, holdout
        Tables, paths or URLs; `holdout` holds other units of the same population and gives every
        figure its reference.
    """
    options = Options(**about)
    _, real = read(train, options, seed=seed)
    released = read_like(synthetic, real, options, seed=seed)
    unseen = None if holdout is None else read_holdout(holdout, real, options, seed=seed)[0]
    return evaluate_tables(
        real, released, unseen, target=options.target, sensitive=options.sensitive, seed=seed
    )


def audit(
    train: object,
    synthetic: object,
    holdout: object | None = None,
    *,
    auxiliary: object | None = None,
    seed: int = 0,
    **about: Any,
) -> Audit:
    """Attack a release from files alone.

    Parameters
    ----------
    train, synthetic
        The members' table and what was released.
    holdout
        Other units of the same population. It is split into what the adversary holds and
        non-members, unless `auxiliary` gives the former. Without it membership is not assessed.
    """
    options = Options(**about)
    _, real = read(train, options, seed=seed)
    released = read_like(synthetic, real, options, seed=seed)
    unseen = None if holdout is None else read_holdout(holdout, real, options, seed=seed)[0]
    known = None if auxiliary is None else read_like(auxiliary, real, options, seed=seed)
    return audit_release(real, released, unseen, auxiliary=known, seed=seed)


def report(
    evaluation: Evaluation | None,
    audit: Audit | None,
    gates: str | Path | None = None,
    seed: int = 0,
) -> Report:
    """Put findings together, hold them against the bounds of a gates.yaml."""
    return Report.of(evaluation, audit, load_gates(gates) if gates else (), seed=seed)


def sample_to(
    twin: Twin,
    path: str | Path,
    n: int | None = None,
    *,
    given: Mapping[str, object] | None = None,
    where: str | None = None,
    seed: int | None = None,
    workers: int | None = None,
) -> float:
    """Write rows to a file piece by piece; return the share of drawn rows that met `where`."""
    shares = []
    with use_workers(workers), RowWriter(path, None) as writer:
        for draw in twin.draws(n, given=given, where=where, seed=seed):
            writer.write(to_raw(draw.table))
            shares.append(draw.acceptance)
    return sum(shares) / len(shares)


def metric(name: str) -> Any:
    """Return the metric registered as `name`."""
    return registry.configure("metrics", name)
