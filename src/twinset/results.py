"""What a user gets back: frozen collections of results, with one way to show and save them."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinset.errors import InputError
from twinset.picture import Picture, draw
from twinset.protocols import Result
from twinset.table.atomic import atomic_write
from twinset.table.schema import Schema

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Audit", "Chart", "Evaluation", "Exposed", "Findings", "NotComputed", "Problem"]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a release, in plain words.

    `excess` is the error beyond what a fresh real sample shows, `noise` the half-width of that
    sample's own scatter, both in the unit of `text`; problems are ordered by excess over noise.
    """

    text: str
    columns: tuple[str, ...]
    excess: float
    noise: float
    table: str | None = None


@dataclass(frozen=True)
class NotComputed:
    """A measure that was not taken, and why; it blocks any "passed" that depends on it."""

    name: str
    reason: str


@dataclass(frozen=True)
class Chart:
    """Binned shares of one column, safe to publish: no bin holds fewer than the minimum count.

    `labels` name the bins; each series has one share per bin (null is a bin of its own).
    """

    column: str
    labels: tuple[str, ...]
    train: tuple[float, ...]
    synthetic: tuple[float, ...]
    holdout: tuple[float, ...] | None = None
    ordered: bool = False
    table: str | None = None

    def picture(self) -> Picture:
        """Draw the chart: train as areas, synthetic (and fresh real rows) as lines."""
        series = {"train": self.train, "synthetic": self.synthetic}
        if self.holdout is not None:
            series["fresh real rows"] = self.holdout
        return draw(self.column, self.labels, series, ordered=self.ordered)


@dataclass(frozen=True)
class Exposed:
    """A kind of record that attacks recognise best, described without showing a record.

    `risk` is the attack's AUC inside the kind, `count` the number of train units in it (at least
    the minimum count).
    """

    text: str
    count: int
    risk: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, repr=False)
class Findings:
    """Results with their problems; `Evaluation` and `Audit` are made of it."""

    results: tuple[Result, ...]
    not_computed: tuple[NotComputed, ...] = ()
    seed: int = 0

    def __repr__(self) -> str:
        """Say in a line what it is; the figures are in `to_frame`."""
        made, missing = len(self.results), len(self.not_computed)
        return f"<{type(self).__name__}: {made} results, {missing} not computed, seed {self.seed}>"

    def find(self, name: str, columns: Sequence[str] | None = None, **params: Any) -> Result:
        """Return the first result with this name, columns and params; KeyError if none."""
        for result in self.results:
            if (
                result.name == name
                and (columns is None or result.columns == tuple(columns))
                and all(result.params.get(k) == v for k, v in params.items())
            ):
                return result
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form, keys as in report.json."""
        return {
            "seed": self.seed,
            "results": [r.to_dict() for r in self.results],
            "not_computed": [{"name": n.name, "reason": n.reason} for n in self.not_computed],
        }

    def to_json(self) -> str:
        """JSON text, keys as in report.json."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)

    def to_frame(self) -> pd.DataFrame:
        """One row a result."""
        import pandas as pd

        return pd.DataFrame([r.to_dict() for r in self.results])

    def save(self, path: str | Path) -> None:
        """Write `to_json` to `path`; it appears whole or not at all."""
        atomic_write(Path(path), self.to_json())

    def _repr_html_(self) -> str:
        head = "<tr><th>measure</th><th>columns</th><th>value</th><th>interval</th>"
        rows = "".join(
            f"<tr><td>{html.escape(r.name)}</td><td>{html.escape(', '.join(r.columns))}</td>"
            + (
                f"<td>{r.estimate.value:.4g}</td>"
                f"<td>{r.estimate.low:.4g} to {r.estimate.high:.4g}</td></tr>"
                if r.estimate
                else f"<td colspan=2>{html.escape(r.reason or r.status)}</td></tr>"
            )
            for r in self.results[:50]
        )
        return f"<table>{head}</tr>{rows}</table>"


@dataclass(frozen=True, kw_only=True, repr=False)
class Evaluation(Findings):
    """What `twinset.evaluate` returns: every measure of a release, problems first.

    Of several tables `schema` is that of the first, `schemas` holds all of them by name, and
    results, problems and charts name their `table`.
    """

    schema: Schema
    problems: tuple[Problem, ...] = ()
    charts: tuple[Chart, ...] = ()
    schemas: Mapping[str, Schema] = field(default_factory=dict)

    def plot(self, column: str) -> Picture:
        """Return the chart of a column as SVG; no bin of it holds fewer than ten units.

        Raises
        ------
        InputError
            If there is no chart of this column.
        """
        for chart in self.charts:
            if chart.column == column:
                return chart.picture()
        charted = ", ".join(c.column for c in self.charts) or "none"
        raise InputError(f"column {column!r}", got="no chart of it", allowed=charted)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form, keys as in report.json."""
        ranked = [
            {
                "rank": rank,
                "text": p.text,
                "columns": list(p.columns),
                "excess": p.excess,
                "noise": p.noise,
                **({} if p.table is None else {"table": p.table}),
            }
            for rank, p in enumerate(self.problems, 1)
        ]
        several = {"schemas": {name: s.to_dict() for name, s in self.schemas.items()}}
        shapes = {"schema": self.schema.to_dict(), **(several if self.schemas else {})}
        return {**super().to_dict(), **shapes, "problems": ranked}


@dataclass(frozen=True, kw_only=True, repr=False)
class Audit(Findings):
    """What `twinset.audit` returns: what each attack achieved, and what was not tested.

    `verdict` is one of "No, because ...", "Not shown to leak under these attacks, at this power",
    "Not assessed". `controls_passed` is false if a planted leak was missed or exchangeable
    members were "recognised"; the figures must then not be used. `tested` and `not_tested` say in
    words, `threat_models` cell by cell, which kinds of adversary were tried. `records` are real
    rows that attacks recognise, if they were asked for; they are in no report.
    """

    verdict: str
    controls_passed: bool
    exposed: tuple[Exposed, ...] = ()
    tested: tuple[str, ...] = ()
    not_tested: tuple[str, ...] = ()
    threat_models: tuple[dict[str, Any], ...] = ()
    records: tuple[dict[str, Any], ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form, keys as in report.json."""
        return {
            **super().to_dict(),
            "verdict": self.verdict,
            "controls_passed": self.controls_passed,
            "exposed": [e.__dict__ for e in self.exposed],
            "tested": list(self.tested),
            "not_tested": list(self.not_tested),
            "threat_models": list(self.threat_models),
        }
