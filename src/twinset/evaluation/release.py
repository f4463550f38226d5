"""Evaluate a release: every metric once on shared evidence, problems first."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from twinset import registry
from twinset.errors import InputError
from twinset.evaluation.charts import charts
from twinset.evaluation.disclosure import suppressed
from twinset.evaluation.problems import MOST, problems
from twinset.evidence.coded import Side
from twinset.evidence.evidence import Evidence
from twinset.progress import phase
from twinset.protocols import Result
from twinset.results import Evaluation, NotComputed
from twinset.table.column_store import Spill
from twinset.table.dataset import Dataset
from twinset.table.schema import Role
from twinset.table.table import Table

__all__ = ["AT_HAND", "FAILURES", "evaluate", "evaluate_dataset"]

AT_HAND = 200_000  # rows of a table that measures of whole rows look at

FAILURES = (  # of a metric on data: not the user's mistake, not time's or the disk's end
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
)


def evaluate(
    train: Table,
    synthetic: Table,
    holdout: Table | None = None,
    *,
    target: str | None = None,
    sensitive: Sequence[str] = (),
    seed: int = 0,
    metrics: Sequence[str] | None = None,
    spills: Mapping[Side, Spill] | None = None,
) -> Evaluation:
    """Measure how far `synthetic` is from being a fresh sample of the population of `train`.

    Parameters
    ----------
    train, synthetic, holdout
        Tables of the same columns; without a holdout, what needs fresh real rows is not computed
        and chance is taken from random halves of train.
    target
        Column that models should predict; the schema's target unless given.
    sensitive
        Columns whose groups are watched.
    seed
        Seed of folds, subsamples and bootstraps.
    metrics
        Registered names; all unless given.
    spills
        All rows of those tables that are larger than memory; the tables then hold a sample.

    Raises
    ------
    InputError
        If a table is empty, or a column or metric does not exist.
    """
    for name, table in (("train", train), ("synthetic", synthetic)):
        if table.num_rows == 0:
            raise InputError(f"{name} table", got="no rows", allowed="one row or more")
    if target is None and train.schema.target is not None:
        target = train.schema.target.name
    for column in (*sensitive, *([target] if target is not None else [])):
        train.schema[column]  # SchemaError names the nearest ones
    chosen = list(metrics) if metrics is not None else registry.names("metrics")
    evidence = Evidence(
        train,
        synthetic,
        holdout,
        target=target,
        sensitive=sensitive,
        seed=seed,
        spills=spills,
    )
    some = evidence.at_hand(AT_HAND)
    results: list[Result] = []
    not_computed = [
        NotComputed(f"comparison of column {c}", reason) for c, reason in evidence.left_out.items()
    ]
    with phase("evaluate", total=len(chosen)) as step:
        for name in chosen:
            results += _measure(name, evidence, some)
            step.advance(detail=name)
    not_computed += _missed(results)
    not_computed += _unread(evidence, some)
    return Evaluation(
        results=tuple(results),
        not_computed=tuple(not_computed),
        seed=seed,
        schema=suppressed(train),
        problems=problems(evidence, results),
        charts=charts(some),
    )


def evaluate_dataset(
    train: Dataset,
    synthetic: Dataset,
    holdout: Dataset | None = None,
    *,
    sensitive: Sequence[str] | None = None,
    seed: int = 0,
) -> Evaluation:
    """Measure each table of a data set; of several, results name their table.

    Parameters
    ----------
    train, synthetic, holdout
        Data sets of the same tables.
    sensitive
        Columns whose groups are watched; those with that role unless given.
    """
    found: dict[str, Evaluation] = {}
    for name, table in train.tables.items():
        watched = [c.name for c in table.schema.with_role(Role.SENSITIVE)]
        unseen = None if holdout is None else holdout.tables[name]
        found[name] = evaluate(
            table,
            synthetic.tables[name],
            unseen,
            sensitive=watched if sensitive is None else sensitive,
            seed=seed,
        )
    return found[train.name] if train.is_one else _together(found, seed)


def _together(found: Mapping[str, Evaluation], seed: int) -> Evaluation:
    """Return one evaluation of several tables."""
    ranked = [replace(p, table=n) for n, e in found.items() for p in e.problems]
    ranked.sort(key=lambda p: -p.excess / p.noise)
    return Evaluation(
        results=tuple(r.replace(table=n) for n, e in found.items() for r in e.results),
        not_computed=tuple(
            replace(m, name=f"{n}: {m.name}") for n, e in found.items() for m in e.not_computed
        ),
        seed=seed,
        schema=next(iter(found.values())).schema,
        problems=tuple(ranked[:MOST]),
        charts=tuple(replace(c, table=n) for n, e in found.items() for c in e.charts),
        schemas={n: e.schema for n, e in found.items()},
    )


def _measure(name: str, whole: Evidence, some: Evidence) -> list[Result]:
    """Run one metric; what fails on odd data is a status, not the end."""
    metric = registry.configure("metrics", name)
    evidence = whole if getattr(metric, "needs", "rows") == "counts" else some
    started = time.process_time()
    try:
        found = list(metric.measure(evidence))
    except FAILURES as error:
        # the message may hold a data value: the kind of error must do
        reason = f"the computation failed ({type(error).__name__})"
        failed = Result(family=metric.family, name=name, status="failed", reason=reason)
        return [failed]
    seconds = (time.process_time() - started) / max(len(found), 1)
    taken = {s: evidence.rows(s) for s in evidence.sides if evidence.rows(s) < whole.rows(s)}
    if taken:
        found = [r.replace(params={**r.params, "rows_taken": taken}) for r in found]
    return [r.replace(seconds=seconds) for r in found]


def _unread(whole: Evidence, some: Evidence) -> list[NotComputed]:
    """Say of how many rows a sample was taken for what needs rows."""
    taken = [
        f"{some.rows(s):,} of {whole.rows(s):,} rows of {s}"
        for s in whole.sides
        if some.rows(s) < whole.rows(s)
    ]
    if not taken:
        return []
    reason = f"measures with params.rows_taken took a uniform sample by unit: {'; '.join(taken)}"
    return [NotComputed("rows beyond a sample, where whole rows are needed", reason)]


def _missed(results: Sequence[Result]) -> list[NotComputed]:
    """List what has no figure, one entry a measure and reason, and what was only sampled."""
    reasons: dict[tuple[str, str], list[str]] = {}
    missed = []
    for r in results:
        if r.status != "ok":
            against = r.params.get("against")
            name = r.name if against is None else f"{r.name} against {against}"
            reasons.setdefault((name, r.reason or r.status), []).extend(r.columns)
        elif r.params.get("of", 0) > r.params.get("sets", 0) > 0:
            reason = f"{r.params['sets']} of {r.params['of']} sets of columns were taken"
            missed.append(NotComputed(f"the rest of {r.name.removeprefix('mean_')}", reason))
    for (name, reason), columns in reasons.items():
        where = f" ({', '.join(dict.fromkeys(columns))})" if columns else ""
        missed.append(NotComputed(name + where, reason))
    return missed
