"""Audits of several releases or generators side by side: attacks by releases, one curve each."""

from __future__ import annotations

from collections.abc import Mapping

from twinset.protocols import Result
from twinset.report import charts
from twinset.report.attacks import meaning_of
from twinset.report.curves import attack_title, roc_of
from twinset.report.details import figure_of
from twinset.report.disclosure import guard_audit
from twinset.report.shapes import AttackRow, Compared, Term
from twinset.report.verdict import best_attack, share
from twinset.report.words import describe, group_of, interval_of
from twinset.results import Audit

__all__ = ["compared"]


def compared(audits: Mapping[str, Audit]) -> Compared | None:
    """Lay out the AUC of every attack on every group of records, a column a release.

    All strips share one axis; the attack that achieves most anywhere stands first. None if there is
    no audit.
    """
    if not audits:
        return None
    audits = {name: guard_audit(audit) for name, audit in audits.items()}
    cells: dict[tuple[str, str], dict[str, Result]] = {}
    for name, audit in audits.items():
        for r in audit.results:
            if r.name == "auc" and r.estimate is not None and "attack" in r.params:
                key = group_of(r), str(r.params["attack"])
                cells.setdefault(key, {})[name] = r
    everything = [r for found in cells.values() for r in found.values()]
    on = charts.axis(describe(everything[0]), everything) if everything else None

    def most(key: tuple[str, str]) -> float:
        return max((interval_of(r) or (0.0,))[0] for r in cells[key].values())

    ranked = sorted(cells, key=lambda key: -most(key))
    lines = {}
    for name, audit in audits.items():
        best = best_attack(audit, target_group="random") or best_attack(audit)
        if best is not None and best.params.get("roc"):
            lines[f"{name}: {attack_title(str(best.params['attack']))}"] = best.params["roc"]
    return Compared(
        names=tuple(audits),
        verdicts=tuple(Term(name, share(audit, {})[0].text) for name, audit in audits.items()),
        rows=tuple(
            AttackRow(
                attack_title(attack),
                f"{group[:1].upper()}{group[1:]}. {meaning_of(attack)}",
                tuple(
                    figure_of(cells[group, attack][n], on=on) if n in cells[group, attack] else None
                    for n in audits
                ),
            )
            for group, attack in ranked
        ),
        roc=roc_of(lines),
    )
