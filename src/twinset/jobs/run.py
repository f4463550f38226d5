"""Workflow: the whole job on one table, step by step, resumable after each step."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pydantic

from twinset import registry
from twinset.auditing.release import audit_dataset
from twinset.deprecations import renamed
from twinset.errors import ControlError
from twinset.evaluation.release import evaluate_dataset
from twinset.inputs import Options, read_split
from twinset.jobs.job import Job, run_key
from twinset.jobs.sample import drawn_table
from twinset.progress import listen, phase
from twinset.progress import time_limit as limit
from twinset.report.bundle import Report
from twinset.report.croissant import release_json
from twinset.results import Audit, Evaluation
from twinset.rules.enforce import cost_in_total
from twinset.rules.files import as_rules
from twinset.rules.measures import with_rules
from twinset.rules.rule import Rules
from twinset.scale.local import use_workers
from twinset.table.atomic import atomic_write
from twinset.table.canonical import to_raw
from twinset.table.dataset import Dataset
from twinset.table.sources import Source, open_source
from twinset.table.table import Table
from twinset.table.write import RowWriter
from twinset.trust.gates import Gate, load_gates
from twinset.twin import Twin
from twinset.version import __version__

__all__ = ["Run", "run"]

_PIECE = 65_536
F = TypeVar("F", Evaluation, Audit)


@dataclass(frozen=True)
class Run:
    """What `run` returns: the folder that it wrote, the twin and the report."""

    folder: Path
    twin: Twin
    report: Report

    @property
    def evaluation(self) -> Evaluation | None:
        """What was measured."""
        return self.report.evaluation

    @property
    def audit(self) -> Audit | None:
        """What was attacked."""
        return self.report.audit


@renamed(seconds="time_limit")
def run(
    data: object,
    *,
    out: str | Path | None = None,
    generator: str = "cart",
    options: Mapping[str, Any] | None = None,
    holdout: object | None = None,
    n: int | None = None,
    seed: int = 0,
    protect: int = 5,
    rules: Rules | str | Path | Sequence[Any] | None = None,
    gates: str | Path | Sequence[Gate] = (),
    time_limit: float | None = None,
    workers: int | None = None,
    **about: Any,
) -> Run:
    """Split, fit, sample, evaluate, audit, report; write ``share/`` and ``private/`` into `out`.

    Parameters
    ----------
    data
        Path, URL, or pandas, polars or pyarrow table.
    out
        Folder, by default ``<stem>-twin``. A killed run goes on with the same call.
    holdout
        Share of the units set aside before fitting, or a table of other units. Default: half of the
        units up to 50,000 rows, else 25,000 rows.
    n
        Rows to release; default as many as were fitted.
    rules
        What every released row keeps: a file, or a list of expressions and mappings.
    gates
        Bounds on any measure, or the path of a gates.yaml. They may change from call to call: what
        is done is not done again, only the report is written anew.
    time_limit
        Seconds after which `StoppedError` is raised; the run can be resumed.
    workers
        Threads, by default 2; their number changes nothing but the time.
    **about
        See `twinset.inputs.Options`.

    Raises
    ------
    ControlError
        If a control of the audit failed: nothing may be concluded from its figures.
    """
    settings = Options.of(about)
    bounds = load_gates(gates)
    registry.configure("generators", generator, options)
    wanted = Rules() if rules is None else as_rules(rules)
    source = open_source(data, table=settings.table)
    folder = Path(out) if out is not None else Path(f"{source.stem}-twin")
    key = run_key(
        source.fingerprint(),
        {
            "about": settings.key(),
            "generator": [generator, dict(options or {})],
            "holdout": _holdout_key(holdout, settings),
            "n": n,
            "seed": seed,
            "protect": protect,
            **({"rules": wanted.to_data()} if wanted else {}),
        },
    )
    with (
        Job.open(folder, key) as job,
        listen(job.record),
        limit(time_limit),
        use_workers(workers),
    ):
        asked = (generator, options or {}, holdout, n, seed, protect, wanted)
        return _Steps(job, source, settings, *asked).run(bounds)


def _holdout_key(holdout: object | None, settings: Options) -> object:
    if holdout is None or isinstance(holdout, int | float):
        return holdout
    return open_source(holdout, table=settings.table).fingerprint()


@dataclass(frozen=True)
class _Steps:
    """The steps of one run; each is either made or read back."""

    job: Job
    source: Source
    settings: Options
    generator: str
    options: Mapping[str, Any]
    holdout: object | None
    n: int | None
    seed: int
    protect: int
    rules: Rules

    def run(self, bounds: Sequence[Gate]) -> Run:
        train, holdout = self._split()
        twin = self._fit(train)
        synthetic = self._sample(twin, train)
        evaluation = self._evaluate(train, synthetic, holdout, twin.rules)
        audit = self._audit(train, synthetic, holdout)
        provenance = self._provenance(train, holdout, synthetic, twin)
        report = Report.of(evaluation, audit, bounds, provenance, self.seed)
        self._share(report, twin, synthetic)
        if not audit.controls_passed:
            raise ControlError(f"{audit.verdict}; its figures must not be used")
        return Run(self.job.folder, twin, report)

    def _split(self) -> tuple[Dataset, Dataset]:
        def make() -> None:
            with phase("read"):
                train, holdout = read_split(
                    self.source, self.holdout, self.settings, seed=self.seed
                )
                self.job.save_tables("train", train)
                self.job.save_tables("holdout", holdout)
                self.job.save_shape(train)

        def load() -> tuple[Dataset, Dataset]:
            shape = self.job.shape()
            return self.job.load_tables("train", shape), self.job.load_tables("holdout", shape)

        return self.job.step("split", make, load)

    def _fit(self, train: Dataset) -> Twin:
        file = self.job.private / "model.twin"
        how: dict[str, Any] = {"seed": self.seed, "protect": self.protect, "rules": self.rules}

        def make() -> None:
            Twin.fit(train, self.generator, self.options, **how).save(file)

        return self.job.step("fit", make, lambda: Twin.load(file, plugins=True))

    def _sample(self, twin: Twin, train: Dataset) -> Dataset:
        def make() -> None:
            drawn = list(twin.draws(self.n))
            if twin.rules:
                cost = cost_in_total([d.rules for d in drawn if d.rules])
                atomic_write(self._cost_file, json.dumps(cost))
            self.job.save_tables("synthetic", Dataset.of(drawn_table(drawn), train.name))

        return self.job.step("sample", make, lambda: self.job.load_tables("synthetic", train))

    @property
    def _cost_file(self) -> Path:
        """What the rules cost."""
        return self.job.private / "rules.json"

    def _evaluate(
        self, train: Dataset, synthetic: Dataset, holdout: Dataset, rules: Rules
    ) -> Evaluation:
        def make() -> Evaluation:
            found = evaluate_dataset(train, synthetic, holdout, seed=self.seed)
            if not rules:
                return found
            return with_rules(found, rules, train.only, synthetic.only, holdout.only)

        return self._findings("evaluate", Evaluation, make)

    def _audit(self, train: Dataset, synthetic: Dataset, holdout: Dataset) -> Audit:
        def make() -> Audit:
            return audit_dataset(train, synthetic, holdout, seed=self.seed)

        return self._findings("audit", Audit, make)

    def _findings(self, name: str, kind: type[F], make: Callable[[], F]) -> F:
        """Make findings and keep them as JSON, or read them back."""
        adapter = pydantic.TypeAdapter(kind)
        file = self.job.private / f"{name}.json"

        def save() -> None:
            atomic_write(file, adapter.dump_json(make()))

        return self.job.step(name, save, lambda: adapter.validate_json(file.read_bytes()))

    def _provenance(
        self, data: Dataset, unseen: Dataset, released: Dataset, twin: Twin
    ) -> dict[str, Any]:
        train, holdout, synthetic = data.only, unseen.only, released.only
        tables = {"train": train, "holdout": holdout, "synthetic": synthetic}
        found = {
            "source": self.source.name,
            "columns": len(train.names),
            "rows": {name: table.num_rows for name, table in tables.items()},
            "units": {"train": train.num_units, "holdout": holdout.num_units},
            "unit": train.schema.unit.name if train.schema.unit else None,
            "generator": self.generator,
            "options": dict(self.options),
            "leaks_on_purpose": registry.load("generators", self.generator).leaks_on_purpose,
            "seed": self.seed,
            "version": __version__,
            "protection": twin.protection_text(),
            "kept": list(twin.kept.column_names) if twin.kept is not None else [],
            "made_new": [c.name for c in twin.schema.columns if not c.is_learnable],
        }
        if twin.rules:
            found["rules"] = json.loads(self._cost_file.read_text(encoding="utf-8"))
        return found

    def _share(self, report: Report, twin: Twin, synthetic: Dataset) -> None:
        """Write what may be shared, once more if any of it was taken away or gates have changed."""
        share = self.job.share
        release = share / f"synthetic{self.source.suffix}"
        files = (
            release,
            *(share / name for name in ("report.html", "report.json", "release.json")),
        )

        def make() -> None:
            with phase("report"):
                self._write_release(release, twin, synthetic)
                report.save(share)
                schema = report.evaluation.schema if report.evaluation else twin.schema
                card = release_json(release, schema, report.provenance)
                atomic_write(share / "release.json", card)

        def mend() -> None:
            if not all(file.exists() for file in files):
                make()
            elif (share / "report.json").read_text(encoding="utf-8") != report.to_json():
                report.save(share)

        self.job.step("share", make, mend)

    def _write_release(self, path: Path, twin: Twin, synthetic: Dataset) -> None:
        table = Table(twin.released_schema, synthetic.only.data)
        with RowWriter(path, self.source) as writer:
            for start in range(0, table.num_rows, _PIECE):
                part = table.data.slice(start, _PIECE)
                writer.write(to_raw(Table(table.schema, part)))
