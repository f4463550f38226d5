"""Comparison: the same job for several generators on the same split."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinset import registry
from twinset.auditing.release import audit_dataset
from twinset.errors import InputError
from twinset.evaluation.release import evaluate_dataset
from twinset.inputs import Options, read_split
from twinset.jobs.sample import drawn_table
from twinset.progress import phase
from twinset.progress import time_limit as limit
from twinset.report.html import render_ranking
from twinset.report.ranking import rank
from twinset.report.verdict import share
from twinset.report.view_model import Mark
from twinset.results import Audit, Evaluation
from twinset.scale.local import use_workers
from twinset.table.atomic import atomic_write
from twinset.table.dataset import Dataset
from twinset.table.table import Table
from twinset.trust.gates import Gate, GateResult, judge, load_gates
from twinset.twin import Twin

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True)
class Comparison:
    """Several generators on the same split; one row a generator, and its gates by its name.

    Rows are ranked: first those whose audit does not say no, and among these who is closest to a
    fresh real sample. `conclusion` says who stands first, and what the audit said.
    """

    rows: tuple[dict[str, Any], ...]
    seed: int = 0
    runs: Mapping[str, tuple[Evaluation, Audit]] = field(default_factory=dict, repr=False)
    gates: Mapping[str, tuple[GateResult, ...]] = field(default_factory=dict)
    conclusion: str = ""

    def to_frame(self) -> pd.DataFrame:
        """One row a generator, one column a figure."""
        import pandas as pd

        return pd.DataFrame(list(self.rows))

    def to_json(self) -> str:
        """JSON of the rows and gates."""
        found = {
            "seed": self.seed,
            "conclusion": self.conclusion,
            "rows": list(self.rows),
            "gates": {name: [g.to_dict() for g in held] for name, held in self.gates.items()},
        }
        return json.dumps(found, allow_nan=False)

    def save(self, path: str | Path) -> None:
        """Write a page for people if `path` ends in ``.html``, else `to_json`."""
        page = Path(path).suffix.lower() in (".html", ".htm")
        atomic_write(Path(path), self.to_html() if page else self.to_json())

    def to_html(self) -> str:
        """Return a page with the ranking, the verdicts, and the attacks by generators."""
        evaluations = {n: e for n, (e, _) in self.runs.items()}
        return render_ranking(rank(evaluations), {}, {n: a for n, (_, a) in self.runs.items()})

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False))


def compare(
    data: object,
    generators: Iterable[str],
    *,
    holdout: object | None = None,
    n: int | None = None,
    seed: int = 0,
    protect: int = 5,
    workers: int | None = None,
    gates: str | Path | Sequence[Gate] = (),
    time_limit: float | None = None,
    **about: Any,
) -> Comparison:
    """Fit each generator on the same train half, evaluate and audit each release.

    Parameters are those of `run`; `generators` are registered names, and each of them is held
    against all `gates`. When `time_limit` passes `StoppedError` is raised, and nothing is kept.
    """
    bounds = load_gates(gates)
    names = list(generators)
    if not names:
        raise InputError(
            "--generators", got="none", allowed=", ".join(registry.names("generators"))
        )
    for name in names:
        registry.configure("generators", name)
    settings = Options.of(about)
    with use_workers(workers), limit(time_limit):
        train, unseen = read_split(data, holdout, settings, seed=seed)
        runs = {}
        with phase("compare", len(names)) as running:
            for name in names:
                twin = Twin.fit(train, name, seed=seed, protect=protect)
                drawn = Table(train.only.schema, drawn_table(twin.draws(n)).data)
                released = Dataset.of(drawn, train.name)
                evaluation = evaluate_dataset(
                    train, released, unseen, sensitive=settings.sensitive, seed=seed
                )
                runs[name] = (evaluation, audit_dataset(train, released, unseen, seed=seed))
                running.advance(detail=name)
    held = {n: judge(bounds, [*e.results, *a.results]) for n, (e, a) in runs.items()}
    order, conclusion = _ranked(runs)
    rows = tuple(_row(name, *runs[name], held[name]) for name in order)
    return Comparison(rows, seed, runs, held, conclusion)


def _ranked(runs: Mapping[str, tuple[Evaluation, Audit]]) -> tuple[list[str], str]:
    """Return the names, best first, and one line on the first."""
    places = {str(row["release"]): row for row in rank({n: e for n, (e, _) in runs.items()}).rows}
    said = {name: _said(name, audit) for name, (_, audit) in runs.items()}
    order = sorted(places, key=lambda name: said[name].tone == "bad")
    first, row = order[0], places[order[0]]
    if said[first].tone == "bad":
        return order, "No release may be shared: the audit says no to each."
    beyond = f"{row['worse']} of {row['judged']} figures worse than fresh real rows"
    return order, f"First: {first}, {beyond}. May I share it? {said[first].text}."


def _said(name: str, audit: Audit) -> Mark:
    on_purpose = registry.load("generators", name).leaks_on_purpose
    return share(audit, {"leaks_on_purpose": on_purpose})[0]


def _row(
    name: str, evaluation: Evaluation, audit: Audit, gates: Sequence[GateResult]
) -> dict[str, Any]:
    row: dict[str, Any] = {"generator": name}
    for result in evaluation.results:
        if not result.columns and result.group is None and result.name not in row:
            row[result.name] = result.value
    # of all random targets, the interval widened for the choice: the figure of the verdict
    best = audit.extra.get("best") or {}
    for key, part in (("", "value"), ("_low", "low"), ("_high", "high")):
        row[f"best_attack_auc{key}"] = best.get(part)
    row["leaks_on_purpose"] = registry.load("generators", name).leaks_on_purpose
    row["verdict"] = audit.verdict
    if gates:
        row["gates_met"] = f"{sum(g.met for g in gates)} of {len(gates)}"
    return row
