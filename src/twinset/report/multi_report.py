"""Audits: several generators attacked on the same targets, and the files made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinset.errors import InputError
from twinset.report.compared import Compared, compared
from twinset.report.html import render_generators
from twinset.report.json import audits_to_json
from twinset.report.summary import summarise
from twinset.report.wording import interval_of
from twinset.results import Audit
from twinset.table.atomic import atomic_write, storage_errors
from twinset.trust.gates import Gate, GateResult, judge

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Audits"]


@dataclass(frozen=True, repr=False)
class Audits:
    """Audits of several generators by name; ``audits["cart"]`` is one of them.

    All were fitted on the same random parts of a table, with the same targets in or out. `gates`
    were held against each.
    """

    audits: Mapping[str, Audit]
    gates: Mapping[str, tuple[GateResult, ...]] = field(default_factory=dict)
    seed: int = 0

    @classmethod
    def of(cls, audits: Mapping[str, Audit], bounds: Sequence[Gate] = (), seed: int = 0) -> Audits:
        """Hold `bounds` against each audit."""
        return cls(audits, {n: judge(bounds, a.results) for n, a in audits.items()}, seed)

    def __getitem__(self, name: str) -> Audit:
        """Return the audit of a generator; KeyError if there is none."""
        return self.audits[name]

    def __repr__(self) -> str:
        """Say in a line what it is; the figures are in `to_frame`."""
        return f"<Audits of {', '.join(self.audits)}: seed {self.seed}>"

    @property
    def compared(self) -> Compared:
        """Attacks by generators."""
        found = compared(self.audits)
        if found is None:
            raise InputError("audits", got="none")
        return found

    def to_frame(self) -> pd.DataFrame:
        """One row a group of targets and attack; of each generator the AUC and its interval.

        The interval holds for all attacks on one generator at once.
        """
        import pandas as pd

        rows: dict[tuple[str, str], dict[str, Any]] = {}
        for name, audit in self.audits.items():
            for r in audit.results:
                ends = interval_of(r)
                if r.name == "auc" and r.estimate is not None and ends is not None:
                    group, attack = str(r.params["target_group"]), str(r.params["attack"])
                    row = rows.setdefault((group, attack), {"targets": group, "attack": attack})
                    row |= {name: r.value, f"{name}_low": ends[0], f"{name}_high": ends[1]}
        return pd.DataFrame(list(rows.values()))

    def to_json(self) -> str:
        """Content of report.json."""
        return audits_to_json(self.audits, self._gates, self.seed)

    def to_html(self) -> str:
        """Return a page with attacks by generators, then each of them by itself."""
        shown = {
            name: summarise(None, audit, self._gates[name]) for name, audit in self.audits.items()
        }
        return render_generators(self.audits, shown)

    def save(self, path: str | Path) -> None:
        """Write a page for people if `path` ends in ``.html``, else `to_json`."""
        page = Path(path).suffix.lower() in (".html", ".htm")
        atomic_write(Path(path), self.to_html() if page else self.to_json())

    def save_in(self, folder: Path) -> None:
        """Write report.json and report.html into `folder`, each whole or not at all."""
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        for name in ("report.json", "report.html"):
            self.save(folder / name)

    @property
    def _gates(self) -> dict[str, list[dict[str, Any]]]:
        return {name: [g.to_dict() for g in self.gates.get(name, ())] for name in self.audits}

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False))
