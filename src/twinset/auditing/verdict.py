"""The verdict of an audit in words. Never "safe"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twinset.auditing.auditor import Detection, Judgement
from twinset.auditing.inference import Leak
from twinset.auditing.threats import coverage
from twinset.protocols import Result
from twinset.results import Audit, NotComputed

__all__ = ["CLEAN", "NOT_ASSESSED", "unassessed", "verdict"]

CLEAN = "Not shown to leak under these attacks, at this power"
NOT_ASSESSED = "Not assessed"

_LEAKS = {
    "row": "it holds rows or combinations of values that are too close to train records",
    "value": "it repeats exact values of train records, though not shown to repeat whole rows",
    "both": "it holds copies of, or rows too close to, train records, and repeats exact values",
}

_COPIED = {
    "records_copied": ("copies", "theirs alone"),
    "records_nearly_copied": ("near copies", "theirs alone, all but unchanged"),
}


def verdict(
    judgement: Judgement,
    margin: float,
    repeated: Sequence[Result] = (),
    failed: Sequence[str] = (),
    inferred: Sequence[Leak] = (),
    secret: str = "",
) -> str:
    """Say what was shown; of a `secret`, if that was what attacks had to tell.

    With a `failed` control nothing is assessed. Identifiers that `repeated` says are repeated from
    the train table settle it. Otherwise an attack counts against the release if, after correction
    for the number of attacks, the lower end of its AUC is above ``0.5 + margin``, or that of its
    TPR above three times the FPR; and so do records of `repeated` that were copied whole, and what
    is `inferred` of train people beyond what is inferred of others. What works by less is said too.
    """
    if failed:
        return f"{NOT_ASSESSED}: a control gave a wrong answer ({', '.join(failed)})"
    shown = [r for r in repeated if r.verdict == "worse"]
    identifiers = [r.columns[0] for r in shown if r.name == "identifiers_copied"]
    if identifiers:
        names = ", ".join(identifiers[:3])
        return f"No, because it repeats identifiers of the train table (column {names})"
    serious = [f for f in judgement.findings if _is_serious(f, margin)]
    if serious:
        return f"No, because {_cause(serious)}: {_achievement(serious, secret)}"
    for r in shown:
        copies, how = _COPIED[r.name]
        return (
            f"No, because it holds {copies} of train records: {r.value:.2%} of them stand in it "
            f"with a row that is {how} (of other records: {r.reference:.2%})"
        )
    learned = [leak.result for leak in inferred if leak.serious]
    if learned:
        return f"No, because {_inferred(max(learned, key=lambda r: r.value or 0.0))}"
    if judgement.best is None:
        return f"{NOT_ASSESSED}: no attack gave scores"
    slight = judgement.findings or any(leak.result.verdict == "worse" for leak in inferred)
    return f"{CLEAN}, beyond the margin of {margin:.0%}" if slight else CLEAN


def unassessed(
    results: tuple[Result, ...],
    what: str,
    reason: str,
    seed: int,
    extra: dict[str, Any] | None = None,
) -> Audit:
    """Return the audit of something that could not be attacked at all."""
    return Audit(
        results=results,
        not_computed=(NotComputed(what, reason),),
        seed=seed,
        verdict=f"{NOT_ASSESSED}: {reason}",
        controls_passed=True,
        **coverage(()),
        extra=extra or {},
    )


def _is_serious(found: Detection, margin: float) -> bool:
    if found.fpr is not None:
        return found.low > 3 * found.fpr
    return found.low > 0.5 + margin


_DONE = {
    "attribute_leak": "{columns} of train people is guessed right in {train} of cases",
    "reconstruction_leak": "{columns} of train people is reconstructed right in {train} of cases",
    "linkability_leak": "two sources about train people are joined right in {train} of cases",
    "singling_out_leak": "descriptions made of it fit just one train person in {train} of cases",
}


def _inferred(r: Result) -> str:
    """Say what the most successful inference, linkage or singling out did."""
    train, others = (f"{float(r.params[k]):.0%}" for k in ("of_train", "of_holdout"))
    what = _DONE[r.name].format(columns=", ".join(r.columns[:3]), train=train)
    return f"{what}, of other people in {others} (the {r.params['attack']} attack)"


def _cause(serious: Sequence[Detection]) -> str:
    kinds = {f.leak for f in serious}
    return (
        _LEAKS["both" if len(kinds) > 1 else kinds.pop()]
        if kinds <= {"row", "value"}
        else ("attacks recognise train records")
    )


def _achievement(serious: Sequence[Detection], secret: str) -> str:
    """Say in a sentence what the most successful attack did."""
    records, others = "train records", "others"
    if secret:
        records, others = f"the {secret} of train records", "another as likely"
    areas = [f for f in serious if f.fpr is None]
    if areas:
        best = max(areas, key=lambda f: f.low)
        who = " of outliers" if best.group == "outliers" else ""
        return (
            f"the {best.attack} attack tells {records}{who} from {others} in {best.value:.0%} of "
            f"pairs ({best.low:.0%} to {best.high:.0%}; a guess: 50%)"
        )
    best = max(serious, key=lambda f: f.low / (f.fpr or 1))
    return (
        f"the {best.attack} attack recognises {best.value:.1%} of {records} "
        f"while it takes {best.fpr:.1%} of others for them"
    )
