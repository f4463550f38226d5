"""Audits of several releases or generators side by side: attacks by releases, one curve each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from twinset.protocols import Result
from twinset.registry import attack_words
from twinset.report import charts
from twinset.report.curves import growth_curves, roc_of
from twinset.report.details import figure_of
from twinset.report.disclosure import guard_audit
from twinset.report.verdict import best_attack, share, strongest
from twinset.report.view_model import AttackRow, Curve, Figure, Term
from twinset.report.wording import GROUPS, attack_title, describe, group_of, interval_of
from twinset.results import Audit

__all__ = ["Compared", "compared"]

Cells = Mapping[tuple[str, str], Mapping[str, Result]]  # (group, attack) -> audit -> its AUC


@dataclass(frozen=True)
class Compared:
    """Audits side by side: one figure a release or generator in each row.

    `strongest` is the place in `rows` of the strongest attack on each, or -1; `against` holds for
    each audit and group of records beside random ones its strongest attack on that group: the
    figure of random records, of the group, and their difference. `growth` is what is learned from
    more and more released rows, a curve an audit.
    """

    names: tuple[str, ...]
    verdicts: tuple[Term, ...]
    rows: tuple[AttackRow, ...]
    strongest: tuple[int, ...]
    against: tuple[AttackRow, ...]
    roc: Curve | None
    growth: tuple[Curve, ...]


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
                cells.setdefault(_key(r), {})[name] = r
    everything = [r for found in cells.values() for r in found.values()]
    on = charts.axis(describe(everything[0]), everything) if everything else None

    def most(key: tuple[str, str]) -> float:
        return max((interval_of(r) or (0.0,))[0] for r in cells[key].values())

    ranked = sorted(cells, key=lambda key: -most(key))
    best = {name: best_attack(audit) for name, audit in audits.items()}
    lines = {}
    for name, audit in audits.items():
        drawn = best_attack(audit, target_group="random") or best[name]
        if drawn is not None and drawn.params.get("roc"):
            lines[f"{name}: {attack_title(drawn)}"] = drawn.params["roc"]
    return Compared(
        names=tuple(audits),
        verdicts=tuple(Term(name, share(audit, {})[0].text) for name, audit in audits.items()),
        rows=tuple(
            AttackRow(
                *attack_words(attack),
                tuple(_figure(cells[group, attack].get(n), on) for n in audits),
                f"{group[:1].upper()}{group[1:]}",
            )
            for group, attack in ranked
        ),
        strongest=tuple(-1 if r is None else ranked.index(_key(r)) for r in best.values()),
        against=_against(audits, cells, on),
        roc=roc_of(lines),
        growth=tuple(
            replace(curve, alt=f"{name}: {curve.alt}")
            for name, audit in audits.items()
            for curve in growth_curves(audit.results)
        ),
    )


def _key(r: Result) -> tuple[str, str]:
    return group_of(r), str(r.params["attack"])


def _figure(r: Result | None, on: charts.Axis | None) -> Figure | None:
    return None if r is None else figure_of(r, on=on)


def _against(
    audits: Mapping[str, Audit], cells: Cells, on: charts.Axis | None
) -> tuple[AttackRow, ...]:
    """Hold the strongest attack on each other group against the same attack on random records."""
    found: list[tuple[str, Result, Result, Result]] = []
    for name, audit in audits.items():
        gaps = {_key(r): r for r in audit.results if r.name == "auc_gap" and r.estimate is not None}
        for group in dict.fromkeys(group for group, _ in gaps):
            on_group = {key: cells.get(key, {}).get(name) for key in gaps if key[0] == group}
            best = strongest([r for r in on_group.values() if r is not None])
            if best is None:
                continue
            base = cells.get((GROUPS["random"], _key(best)[1]), {}).get(name)
            if base is not None:
                found.append((name, base, best, gaps[_key(best)]))
    if not found:
        return ()
    beyond = charts.axis(describe(found[0][3]), [gap for *_, gap in found])
    return tuple(
        AttackRow(
            name,
            attack_title(best),
            (_figure(base, on), _figure(best, on), _figure(gap, beyond)),
            group_of(best),
        )
        for name, base, best, gap in found
    )
