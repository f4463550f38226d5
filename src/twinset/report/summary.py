"""From results to what a report shows.

`provenance` is a plain mapping; all keys are optional and unknown ones are shown as they are:

``source`` (a name, never a path), ``rows`` and ``units`` (mappings with ``train``, ``holdout``,
``synthetic``), ``columns`` (their number), ``unit`` (name of the unit column), ``generator``,
``options``, ``seed``, ``version``, ``leaks_on_purpose``, ``kept`` (columns released as they are),
``made_new`` (columns made new, never learned), ``protection`` (rare and extreme values),
``licence``, ``seconds`` (per phase: shown in the terminal, never written to a file).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from twinset.protocols import Result
from twinset.report import charts
from twinset.report.attacks import audit_view
from twinset.report.details import (
    details,
    figure_of,
    group_rows,
    groups_text,
    kind_rows,
    model_rows,
)
from twinset.report.disclosure import MINIMUM, guard_audit, guard_evaluation, guard_provenance
from twinset.report.heat import heat_map
from twinset.report.verdict import best_attack, one, share, uses
from twinset.report.view_model import ColumnCard, Figure, GateRow, Mark, ProblemRow, Summary, Term
from twinset.report.wording import (
    GLOSSARY,
    alarms_of,
    count,
    describe,
    figure,
    group_of,
    mark,
    plural,
)
from twinset.results import Audit, Chart, Evaluation, Problem

__all__ = ["Summary", "guarded", "summarise"]

_MOST_PROBLEMS = 10
_LONG = 90
_MOST_CARDS = 60
_MOST_KINDS = 5


def guarded(
    evaluation: Evaluation | None, audit: Audit | None, provenance: Mapping[str, Any]
) -> tuple[Evaluation | None, Audit | None]:
    """Return both without anything that stands for fewer than the minimum number of units."""
    rows = provenance.get("rows")
    rows = rows if isinstance(rows, Mapping) else {}
    train, holdout = int(rows.get("train") or 0), int(rows.get("holdout") or 0)
    return (
        evaluation and guard_evaluation(evaluation, train, holdout),
        audit and guard_audit(audit),
    )


def summarise(
    evaluation: Evaluation | None,
    audit: Audit | None,
    gates: Sequence[Mapping[str, Any]] = (),
    provenance: Mapping[str, Any] | None = None,
) -> Summary:
    """Return everything that a report shows.

    Parameters
    ----------
    evaluation, audit
        What was measured; either may be None.
    gates
        ``{"name", "bound", "value", "met"}`` each.
    provenance
        Where the release comes from; see the module.
    """
    provenance = provenance or {}
    evaluation, audit = guarded(evaluation, audit, provenance)
    mine = evaluation.results if evaluation else ()
    attacked = audit.results if audit else ()
    verdict, verdict_text = share(audit, provenance)
    cards, others = _cards(evaluation)
    problems = evaluation.problems if evaluation else ()
    kinds = kind_rows(audit.exposed[:_MOST_KINDS]) if audit else ()
    order = evaluation.schema.names if evaluation else ()
    return Summary(
        title=str(provenance.get("source") or "Synthetic table"),
        lead=_lead(provenance, evaluation),
        verdict=verdict,
        verdict_is_long=len(verdict.text) > _LONG,
        verdict_text=verdict_text,
        warnings=_warnings(provenance),
        uses=uses(evaluation),
        gates=tuple(_gate(g) for g in gates),
        gates_text=_gates_text(gates),
        figures=_figures(evaluation, audit),
        problems=_problems(problems),
        problems_text=_problems_text(evaluation),
        kinds=kinds,
        kinds_text=_kinds_text(audit),
        columns=tuple(cards[:_MOST_CARDS]),
        other_columns=tuple(others[: max(_MOST_CARDS - len(cards), 0)]),
        columns_text=_columns_text(len(cards), len(others)),
        models=model_rows(mine),
        groups=group_rows(mine),
        groups_text=groups_text(mine),
        pairs=heat_map(mine, order),
        audit=None if audit is None else audit_view(audit, provenance),
        details=details([*mine, *attacked]),
        tested=tuple(t[:1].upper() + t[1:] for t in audit.tested) if audit else (),
        not_tested=_not_tested(audit),
        not_computed=_not_computed(evaluation, audit),
        limits=_limits(),
        glossary=tuple(Term(k, v) for k, v in GLOSSARY.items()),
        provenance=_provenance(guard_provenance(provenance)),
        seconds=tuple((str(k), float(v)) for k, v in (provenance.get("seconds") or {}).items()),
    )


def _lead(provenance: Mapping[str, Any], evaluation: Evaluation | None) -> str:
    rows = provenance.get("rows")
    rows = rows if isinstance(rows, Mapping) else {}
    parts = []
    if rows.get("synthetic"):
        parts.append(plural(int(rows["synthetic"]), "synthetic row"))
    if provenance.get("columns"):
        parts.append(f"with {plural(int(provenance['columns']), 'column')}")
    if provenance.get("generator"):
        parts.append(f"made by the generator “{provenance['generator']}”")
    if rows.get("train"):
        parts.append(f"from {plural(int(rows['train']), 'real row')} (the train data)")
    text = " ".join(parts)
    if rows.get("holdout"):
        text += (
            f"; {count(rows['holdout'])} further real rows (the holdout) were set aside to judge"
        )
    unit = evaluation.schema.unit if evaluation else None
    said = [f"{text}."] if text else []
    if unit is not None:
        said.append(f"Those to protect (units) are named by the column “{unit.name}”.")
    return " ".join(said)


def _warnings(provenance: Mapping[str, Any]) -> tuple[str, ...]:
    kept = [str(c) for c in provenance.get("kept") or ()]
    if not kept:
        return ()
    verb = "is" if len(kept) == 1 else "are"
    return (f"Real values, released as they are: {', '.join(kept)} {verb} not synthetic.",)


def _gate(gate: Mapping[str, Any]) -> GateRow:
    met, value = gate.get("met"), gate.get("value")
    tone = Mark("met", "good") if met else Mark("missed", "bad")
    if met is None or value is None:
        tone = Mark("could not be checked", "bad")
    number = isinstance(value, int | float) and math.isfinite(value)
    shown = _plain(value) if number else "–"
    return GateRow(str(gate.get("name")), _plain(gate.get("bound")), shown, tone)


def _plain(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _gates_text(gates: Sequence[Mapping[str, Any]]) -> str:
    if not gates:
        return "No limits were set. With --gate FILE a run fails when a figure crosses yours."
    missed = sum(not g.get("met") for g in gates)
    if len(gates) == 1:
        return "It is missed." if missed else "It is met."
    return f"{missed} of {len(gates)} missed." if missed else f"All {len(gates)} met."


def _figures(evaluation: Evaluation | None, audit: Audit | None) -> tuple[Figure, ...]:
    """Return the figures of the first screen; what was not computed is left out here."""
    mine = evaluation.results if evaluation else ()
    both = [*mine, *(audit.results if audit else ())]
    best = best_attack(audit)
    found: list[tuple[Result | None, str]] = [(best, _best_title(best))]
    rare = best_attack(audit, "tpr_at_fpr", fpr=0.001) or best_attack(audit, "tpr_at_fpr")
    found.append((rare, _rare_title(rare)))
    found += [(one(both, name), "") for name in ("exact_copies", "dcr_share")]
    tstr = one(mine, "tstr")
    found.append((tstr, f"Predicting {', '.join(tstr.columns)}" if tstr and tstr.columns else ""))
    for name in ("column_tvd", "pair_tvd", "triple_tvd"):
        found.append((one(mine, f"mean_{name}"), ""))
    found.append((one(mine, "c2st", against="holdout") or one(mine, "c2st"), ""))
    return tuple(figure_of(r, title) for r, title in found if r is not None)


def _best_title(result: Result | None) -> str:
    if result is None or result.params.get("target_group") in (None, "all", "random"):
        return ""
    return f"{describe(result).title} ({group_of(result)})"


def _rare_title(result: Result | None) -> str:
    if result is None or not isinstance(result.params.get("fpr"), int | float):
        return ""
    alarms = alarms_of(result)
    doubt = "" if alarms is None else f" (may be up to {figure(alarms, 'share')}: within noise)"
    at = figure(float(result.params["fpr"]), "share")
    return f"Records recognised at {at} false alarms{doubt}"


def _problems(problems: Sequence[Problem]) -> tuple[ProblemRow, ...]:
    shown = problems[:_MOST_PROBLEMS]
    sizes = [p.excess / p.noise if p.noise > 0 else math.inf for p in shown]
    finite = [s for s in sizes if math.isfinite(s)]
    top = math.log1p(max([1.0, *finite]))
    rows = []
    for rank, (p, size) in enumerate(zip(shown, sizes, strict=True), 1):
        width = 100.0 if not math.isfinite(size) else 100 * math.log1p(max(size, 0)) / top
        text = f"{_short(size)} × noise" if math.isfinite(size) else "no noise to compare with"
        unnamed = () if all(c in p.text for c in p.columns) else p.columns
        rows.append(ProblemRow(rank, p.text, ", ".join(unnamed), text, round(width, 1)))
    return tuple(rows)


def _short(size: float) -> str:
    return f"{size:.1f}" if size < 10 else count(size)


def _problems_text(evaluation: Evaluation | None) -> str:
    if evaluation is None:
        return "Fidelity and utility were not evaluated."
    total = len(evaluation.problems)
    if not any(r.verdict for r in evaluation.results):
        return "No figure was held against fresh real rows: nothing is known of differences."
    if not total:
        return "No difference beyond chance was found."
    shown = f"The {_MOST_PROBLEMS} largest of {total}" if total > _MOST_PROBLEMS else "All"
    return (
        f"{shown}, ordered by how far each lies beyond the scatter of fresh real rows (the noise): "
        "at 1 × noise chance alone could still explain it, at 10 it cannot."
    )


def _kinds_text(audit: Audit | None) -> str:
    if audit is None:
        return "No attack was run."
    if not audit.exposed:
        return "No kind of record stood out."
    beyond = any(e.low > 0.5 for e in audit.exposed)
    return (
        "The kinds that stood out on one half of the records, measured on the other half. "
        "0.5 is guessing, 1 is certainty. "
        + ("" if beyond else "None of them is recognised beyond chance. ")
        + f"Each kind holds at least {MINIMUM} units; no record is shown."
    )


def _cards(evaluation: Evaluation | None) -> tuple[list[ColumnCard], list[ColumnCard]]:
    """Return the columns with a problem, in the order of the problems, and the others."""
    if evaluation is None:
        return [], []
    named = [set(p.columns) for p in evaluation.problems[:_MOST_PROBLEMS]]
    by_column = {r.columns: r for r in evaluation.results if r.name == "column_tvd"}

    def order(card: ColumnCard) -> tuple[int, float]:
        result = by_column.get((card.name,))
        return min(card.problems, default=99), -charts.excess(result) if result else 0.0

    cards = [_card(chart, by_column.get((chart.column,)), named) for chart in evaluation.charts]
    cards.sort(key=order)
    told = [c for c in cards if c.problems or c.mark.tone == "bad"]
    return told, [c for c in cards if c not in told]


def _card(chart: Chart, result: Result | None, named: Sequence[set[str]]) -> ColumnCard:
    note, judged = "", Mark("")
    if result is not None and result.estimate is not None:
        unit = describe(result).unit
        note = f"{figure(result.value, unit)} differ"
        if result.reference is not None:
            note += f"; fresh real rows {figure(result.reference, unit)}"
        judged = mark(result)
    ranks = tuple(i for i, columns in enumerate(named, 1) if chart.column in columns)
    return ColumnCard(chart.column, note, judged, charts.bars(chart), ranks)


def _columns_text(shown: int, others: int) -> str:
    if not shown + others:
        return ""
    left = max(shown + others - _MOST_CARDS, 0)
    text = (
        "First the columns that a problem names, then the others."
        if shown
        else "No problem names a column; all of them stand below."
    )
    return text + (f" {plural(left, 'more column')} in report.json." if left else "")


def _not_tested(audit: Audit | None) -> tuple[str, ...]:
    if audit is None:
        return ("All attacks: no audit was made.",)
    return tuple(t[:1].upper() + t[1:] for t in audit.not_tested)


def _not_computed(evaluation: Evaluation | None, audit: Audit | None) -> tuple[Term, ...]:
    rows = []
    for found in (evaluation, audit):
        if found is None:
            continue
        rows += [Term(n.name, n.reason) for n in found.not_computed]
        said = {(n.name.partition(" ")[0], n.reason) for n in found.not_computed}
        for r in found.results:
            if r.status != "ok" and (r.name, r.reason) not in said:
                parts = [r.name, " × ".join(r.columns), str(r.params.get("attack", ""))]
                rows.append(Term(" · ".join(p for p in parts if p), f"{r.reason}"))
    return tuple(dict.fromkeys(rows))


def _limits() -> tuple[Term, ...]:
    return (
        Term(
            "What an audit can say",
            "It shows what these attacks achieve with these files. It cannot show that no attack "
            "exists. An adversary with other knowledge may do better or worse.",
        ),
        Term(
            "What the figures rest on",
            "Every figure is compared with the same figure of fresh real rows. Judgements over "
            "many columns or pairs are corrected for their number.",
        ),
        Term(
            "What this report reveals",
            f"Every group, bin, bound and category in it holds at least {MINIMUM} units. The "
            "report itself and the choice of a generator are not covered by differential privacy.",
        ),
    )


_LABELS = {
    "source": "Source",
    "rows": "Rows",
    "columns": "Columns",
    "unit": "Unit to protect",
    "units": "Units",
    "generator": "Generator",
    "options": "Options",
    "seed": "Seed",
    "version": "twinset",
    "protection": "Rare and extreme values",
    "kept": "Columns kept as they are",
    "made_new": "Columns made new, not learned",
    "licence": "Licence",
    "target": "Target",
}


def _provenance(provenance: Mapping[str, Any]) -> tuple[Term, ...]:
    known = [k for k in _LABELS if k in provenance]
    other = [k for k in provenance if k not in _LABELS and k != "leaks_on_purpose"]
    return tuple(
        Term(_LABELS.get(k) or k.replace("_", " ").capitalize(), _told(provenance[k], k))
        for k in known + other
    )


def _told(value: Any, key: str = "") -> str:
    if value is None:
        return "each row is a unit" if key == "unit" else "not stated"
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_told(v)}" for k, v in value.items()) or "the defaults"
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else value
        return ", ".join(str(v) for v in items) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return count(value) if isinstance(value, int) and key != "seed" else str(value)
