"""What the audit found, laid out: attacks by group of records, chances, leaks, epsilon, methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from twinset.protocols import Estimate, Measure, Result
from twinset.registry import attack_words
from twinset.report import charts
from twinset.report.curves import growth_curves, roc_curve
from twinset.report.details import figure_of
from twinset.report.verdict import leaks_text, strongest
from twinset.report.view_model import AttackRow, AuditView, Figure, LeakRow, Meter, RiskRow, Term
from twinset.report.wording import (
    GROUPS,
    attack_title,
    count,
    describe,
    figure,
    group_of,
    interval_of,
    span,
)
from twinset.results import Audit

__all__ = ["attack_rows", "audit_view"]

Kind = tuple[str, str, float]  # name of the measure, group of records, false positive rate

_MOST_COLUMNS = 4
_FIRST = 5  # attacks that are shown at once, or as many as did more than guess
_MOST_LEAKS, _MOST_BOUNDS = 8, 6
_CHANCE = Measure(name="chance", unit="share", anchors=(0.4, 0.6), reference="a coin")


def audit_view(audit: Audit, provenance: Mapping[str, Any]) -> AuditView:
    """Return the part of a report that is about attacks."""
    results = audit.results
    headers, attacks = attack_rows(results)
    chances, text = _chances(results)
    first = max(_FIRST, sum(any(f and f.mark.tone == "bad" for f in a.figures) for a in attacks))
    return AuditView(
        text=_text(results),
        headers=headers,
        attacks=attacks[:first],
        other_attacks=attacks[first:],
        roc=roc_curve(results),
        chances=chances,
        chances_text=text,
        leaks=_leaks(results),
        bounds=_bounds(results, provenance),
        bounds_text=_bounds_text(results, provenance),
        growth=growth_curves(results),
        spread=_spread(results),
        methods=_methods(audit),
        controls=_controls(results),
    )


def attack_rows(results: Sequence[Result]) -> tuple[tuple[str, ...], tuple[AttackRow, ...]]:
    """Return the headers and one row an attack, best first: AUC by group, then the lowest TPR.

    All strips of one kind of figure share one axis; a column of which nothing was computed is left
    out (the reason stands with what was not computed).
    """
    mine = [r for r in results if r.name in ("auc", "tpr_at_fpr") and "attack" in r.params]
    computed = [_kind(r) for r in mine if r.estimate is not None]
    areas = sorted({k for k in computed if k[0] == "auc"}, key=_order)
    rates = sorted({k for k in computed if k[0] == "tpr_at_fpr"}, key=lambda k: (k[2], _order(k)))
    kinds = [*areas[: _MOST_COLUMNS - 1], *rates[:1]]
    axes = {
        name: charts.axis(describe(found[0]), found)
        for name in ("auc", "tpr_at_fpr")
        if (found := [r for r in mine if r.name == name and _kind(r) in kinds])
    }
    cells: dict[str, dict[Kind, Result]] = {}
    for r in mine:
        cells.setdefault(str(r.params["attack"]), {})[_kind(r)] = r
    ranked = sorted(cells, key=lambda name: -_success(cells[name].values()))
    rows = []
    for name in ranked:
        shown = tuple(
            figure_of(cells[name][k], on=axes[k[0]]) if k in cells[name] else None for k in kinds
        )
        rows.append(AttackRow(*attack_words(name), shown))
    return tuple(_header(k) for k in kinds), tuple(rows)


def _kind(r: Result) -> Kind:
    fpr = r.params.get("fpr")
    group = str(r.params.get("target_group") or r.group or "all")
    return r.name, group, float(fpr) if isinstance(fpr, int | float) else 0.0


def _order(kind: Kind) -> tuple[int, str]:
    names = list(GROUPS)
    return (names.index(kind[1]) if kind[1] in names else len(names)), kind[1]


def _success(found: Any) -> float:
    return max((interval_of(r) or (0.0,))[0] if r.name == "auc" else 0.0 for r in found)


def _header(kind: Kind) -> str:
    name, group, fpr = kind
    who = GROUPS.get(group, group.replace("_", " "))
    if name == "auc":
        return f"Pairs ranked right, {who} (AUC)"
    return f"Recognised at {figure(fpr, 'share')} false alarms, {who} (TPR)"


def _best(results: Sequence[Result], group: str) -> Result | None:
    mine = [
        r
        for r in results
        if r.name == "auc" and r.estimate and r.params.get("target_group") == group
    ]
    return strongest(mine)


def _text(results: Sequence[Result]) -> tuple[str, ...]:
    """Say what was found, a sentence or two a kind of attack."""
    said = []
    groups = dict.fromkeys(str(r.params["target_group"]) for r in results if _is_area(r))
    for group in groups:
        best = _best(results, group)
        ends = interval_of(best) if best else None
        if best is None or ends is None:
            continue
        better = "more than guessing" if best.verdict == "worse" else "no more than guessing"
        gap = next((g for g in results if g.name == "auc_gap" and _alike(g, best)), None)
        said.append(
            f"Of {group_of(best)}, the best attack ({attack_title(best)}) "
            f"ranks {figure(best.value, 'share')} of pairs right ({span(*ends, 'share')}): "
            f"{better}.{_gap_text(gap)}"
        )
    leaks = leaks_text(results)
    return (*said, leaks) if leaks else tuple(said)


def _is_area(r: Result) -> bool:
    return r.name == "auc" and "target_group" in r.params and r.estimate is not None


def _alike(a: Result, b: Result) -> bool:
    return all(a.params.get(k) == b.params.get(k) for k in ("attack", "target_group"))


def _gap_text(gap: Result | None) -> str:
    if gap is None or gap.estimate is None:
        return ""
    e = gap.estimate
    points = f"{100 * e.value:+.1f} points ({100 * e.low:+.1f} to {100 * e.high:+.1f})"
    if e.low > 0:
        return f" They are at greater risk than random records: {points}."
    return f" They are not shown to be at greater risk than random ones: {points}."


def _chances(results: Sequence[Result]) -> tuple[tuple[RiskRow, ...], str]:
    """Return how surely the best attack recognises records, from the most suspect on."""
    best = _best(results, "random") or _best(results, "all")
    bins = (best.params.get("risk") or ()) if best else ()
    if best is None or len(bins) < 2:
        return (), ""
    found = [
        Result(
            "privacy",
            "chance",
            estimate=Estimate(chance, min(low, chance), max(high, chance), 1),
            reference=0.5,
            direction="target",
        )
        for _, chance, low, high in bins
    ]
    on = charts.axis(_CHANCE, found)
    rows = []
    for i, ((share, *_), r) in enumerate(zip(bins, found, strict=True)):
        if r.estimate is not None:
            which = (
                "the most suspect" if i == 0 else "the next" if i < len(bins) - 1 else "the other"
            )
            strip = charts.strip(r, r.estimate, on)
            ends = span(r.estimate.low, r.estimate.high, "share")
            text = f"{which} {figure(share, 'share')}"
            rows.append(RiskRow(text, figure(r.value, "share"), ends, strip))
    text = (
        f"{attack_title(best)} orders {group_of(best)} from the most to the "
        "least suspect. Whoever says of a record “it was in the train data” is right in this share "
        "of cases, if in and out are equally likely beforehand; 50% is a coin."
    )
    return tuple(rows), text


def _leaks(results: Sequence[Result]) -> tuple[LeakRow, ...]:
    """Return what is learned of train people beyond what is learned of others, worst first."""
    mine = [r for r in results if describe(r).leak and r.estimate]
    mine = [r for r in mine if r.verdict or "released" not in r.params]  # points of a curve
    mine.sort(key=lambda r: (r.verdict != "worse", -(interval_of(r) or (0.0,))[0]))
    mine = mine[:_MOST_LEAKS]
    on = charts.axis(describe(mine[0]), mine) if mine else None
    return tuple(
        LeakRow(
            title=describe(r).title,
            columns=", ".join(r.columns),
            attack=attack_title(r),
            train=figure(r.params.get("of_train"), "share"),
            holdout=figure(r.params.get("of_holdout"), "share"),
            guess=figure(r.params.get("of_guess"), "share"),
            figure=figure_of(r, on=on),
        )
        for r in mine
    )


def _proven(results: Sequence[Result]) -> list[Result]:
    """Return lower bounds on epsilon that hold for all attacks at once, the largest first."""
    found = []
    for r in results:
        ends = interval_of(r)
        if r.name == "epsilon_lower_bound" and r.estimate is not None and ends is not None:
            sure = replace(r.estimate, value=ends[0], low=ends[0], high=ends[1], confidence=0.95)
            found.append(r.replace(estimate=sure))
    return sorted(found, key=lambda r: -(r.value or 0.0))


def _bounds(results: Sequence[Result], provenance: Mapping[str, Any]) -> tuple[Figure, ...]:
    """Return the largest lower bounds on epsilon against ceiling and claim."""
    claim = _claim(provenance)
    shown = [r.replace(reference=claim, noise=None) for r in _proven(results)[:_MOST_BOUNDS]]
    on = charts.axis(describe(shown[0]), shown) if shown else None
    return tuple(figure_of(r, f"{attack_title(r)}, {group_of(r)}", on) for r in shown)


def _claim(provenance: Mapping[str, Any]) -> float | None:
    claim = provenance.get("epsilon")
    return float(claim) if isinstance(claim, int | float) else None


def _bounds_text(results: Sequence[Result], provenance: Mapping[str, Any]) -> str:
    mine = _proven(results)
    if not mine:
        return ""
    top = mine[0]
    most = max(float(r.params.get("ceiling") or 0.0) for r in mine)
    claim = _claim(provenance)
    told = (
        f"The attacks prove a privacy loss (epsilon) of at least {figure(top.value)}"
        if top.value
        else "The attacks prove no privacy loss: the lower bound on epsilon is 0"
    )
    against = "The generator claims no epsilon" if claim is None else f"The claim is {claim:g}"
    return (
        f"{told}. Had they always been right, they could have proven {figure(most)} (the ceiling): "
        f"a low bound says little. {against}."
    )


def _spread(results: Sequence[Result]) -> tuple[Meter, ...]:
    """Return how many single targets are recognised how well, at least ten a line."""
    risk = next((r for r in results if r.name == "records_at_risk"), None)
    bins = (risk.params.get("spread") or ()) if risk else ()
    most = max((b[2] for b in bins), default=1)
    return tuple(
        Meter(f"{low:.2f} to {high:.2f}", count(number), round(100 * number / most, 1))
        for low, high, number in bins
    )


def _methods(audit: Audit) -> tuple[Term, ...]:
    """Return each attack that was run, what it does and what its adversary knows."""
    said: dict[str, Term] = {}
    for r in audit.results:
        name = r.params.get("attack")
        if isinstance(name, str) and "," not in name and name not in said and not _is_control(r):
            known = str(r.params.get("threat_model", ""))
            title, meaning = attack_words(name)
            text = " ".join(t for t in (meaning, f"Knows: {known}." if known else "") if t)
            said[name] = Term(title, text)
    return tuple(said.values())


def _is_control(r: Result) -> bool:
    return r.name == "control"


def _controls(results: Sequence[Result]) -> tuple[Term, ...]:
    """Return what is known of the audit's own controls."""
    return tuple(
        Term(
            str(r.params.get("control", "control")).replace("_", " ").capitalize(),
            f"{figure(r.value)} ({span(r.estimate.low, r.estimate.high)})"
            if r.estimate
            else str(r.reason),
        )
        for r in results
        if _is_control(r)
    )
