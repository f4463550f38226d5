"""Report: findings of one release with their gates, and the files made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twinset.errors import InputError
from twinset.report.drift import Drift, drift, read_report
from twinset.report.html import render, render_ranking
from twinset.report.json import to_json
from twinset.report.ranking import Ranking
from twinset.report.summary import Summary, summarise
from twinset.results import Audit, Evaluation
from twinset.table.atomic import atomic_write, storage_errors
from twinset.trust.gates import Gate, GateResult, judge

__all__ = ["Report", "save_reports"]


@dataclass(frozen=True)
class Report:
    """What was found about one release."""

    evaluation: Evaluation | None
    audit: Audit | None
    gates: tuple[GateResult, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    drift: Drift | None = None

    @classmethod
    def of(
        cls,
        evaluation: Evaluation | None,
        audit: Audit | None,
        bounds: Sequence[Gate] = (),
        provenance: Mapping[str, Any] | None = None,
        seed: int = 0,
        against: str | Path | None = None,
    ) -> Report:
        """Hold `bounds` against the findings, and these against an earlier report.json."""
        results = [r for found in (evaluation, audit) if found for r in found.results]
        moved = None
        if against is not None and evaluation is not None:
            moved = drift(read_report(against), evaluation)
        return cls(evaluation, audit, judge(bounds, results), provenance or {}, seed, moved)

    @property
    def passed(self) -> bool:
        """Whether every gate was met (true if there were none)."""
        return all(g.met for g in self.gates)

    @property
    def summary(self) -> Summary:
        """What the report shows."""
        return summarise(self.evaluation, self.audit, self._gates, self.provenance)

    @property
    def _gates(self) -> list[dict[str, Any]]:
        return [g.to_dict() for g in self.gates]

    def to_json(self) -> str:
        """Content of report.json."""
        schema = self.evaluation.schema if self.evaluation else None
        return to_json(
            self.evaluation,
            self.audit,
            self._gates,
            self.provenance,
            schema,
            self.seed,
            self.drift,
        )

    def save(self, folder: Path) -> None:
        """Write report.json and report.html into `folder`, each whole or not at all."""
        if folder.exists() and not folder.is_dir():
            raise InputError(f"output {folder.name}", got="a file", allowed="a folder")
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        atomic_write(folder / "report.json", self.to_json())
        atomic_write(folder / "report.html", render(self.summary))


def save_reports(reports: Mapping[str, Report], ranking: Ranking, folder: Path) -> None:
    """Write ``ranking.html`` and ``ranking.json``, and each release's report in its own folder."""
    for name, found in reports.items():
        found.save(folder / name)
    ranking.save(folder / "ranking.json")
    audits = {name: r.audit for name, r in reports.items() if r.audit is not None}
    page = render_ranking(ranking, {name: name for name in reports}, audits)
    atomic_write(folder / "ranking.html", page)
