"""The two answers that a report opens with: may I share it, and is it useful for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from twinset.auditing.verdict import CLEAN, NOT_ASSESSED
from twinset.protocols import Result
from twinset.report.view_model import Mark, Tone, Use
from twinset.report.wording import describe, figure, group_of, interval_of, mark, plural, span
from twinset.results import Audit, Evaluation

__all__ = ["best_attack", "leaks_text", "one", "share", "strongest", "uses"]


def one(results: Sequence[Result], name: str, **params: Any) -> Result | None:
    """Return the first computed result of this name whose params match, if there is one."""
    for r in results:
        if r.name == name and r.estimate and all(r.params.get(k) == v for k, v in params.items()):
            return r
    return None


def best_attack(audit: Audit | None, name: str = "auc", **params: Any) -> Result | None:
    """Return the result of the most successful attack; see `strongest`."""
    found = [
        r
        for r in (audit.results if audit else ())
        if r.name == name
        and r.estimate is not None
        and "attack" in r.params
        and all(r.params.get(k) == v for k, v in params.items())
    ]
    return strongest(found)


def strongest(found: Sequence[Result]) -> Result | None:
    """Return the attack shown to work by most beyond doubt; if none was, that of the largest value.

    "By most" is the lower end of the interval that limits are held against.
    """
    shown = [r for r in found if r.verdict == "worse"]
    if shown:
        return max(shown, key=lambda r: (interval_of(r) or (0.0,))[0])
    return max(found, key=lambda r: r.value or 0.0, default=None)


def share(audit: Audit | None, provenance: Mapping[str, Any]) -> tuple[Mark, tuple[str, ...]]:
    """Answer "may I share it" with the audit's own words and the sentences that explain them.

    A generator that copies on purpose is a no whatever the attacks found; an audit whose controls
    or checks failed is no assessment.
    """
    if provenance.get("leaks_on_purpose"):
        return Mark("No, because the generator copies real rows on purpose", "bad"), (
            "It is a yardstick for the audit. Its output is as confidential as the real table.",
        )
    if audit is None:
        return Mark(NOT_ASSESSED), (
            "No attack was run, so nothing is known about who could be recognised in these rows.",
            "Treat them like the real table.",
        )
    if not audit.controls_passed:
        return Mark(NOT_ASSESSED), (
            "A built-in control failed: an attack whose right answer is known gave another one."
            + _control(audit),
            "Do not use the privacy figures below.",
        )
    if audit.verdict.startswith("No, because"):
        return Mark(audit.verdict, "bad"), (
            f"{_tried(audit)} What each achieved stands below.",
            "Do not share these rows as they are.",
        )
    failed = [r for r in audit.results if r.status == "failed"]
    if audit.verdict.startswith(CLEAN) and not failed:
        return Mark(audit.verdict, "good" if audit.verdict == CLEAN else "unknown"), (
            *_finding(audit),
            "This is evidence, not proof: attacks that were not run may find more.",
            "What was not tested stands at the end.",
        )
    if failed:
        return Mark(NOT_ASSESSED), ("A check of the audit failed, so nothing is claimed.",)
    reason = audit.verdict.removeprefix(NOT_ASSESSED).strip(" :.") if _is_unknown(audit) else ""
    reason = reason[:1].upper() + reason[1:]
    return Mark(NOT_ASSESSED), (
        f"{reason or 'The audit could not decide; the reasons stand at the end'}.",
        "Treat these rows like the real table.",
    )


def _control(audit: Audit) -> str:
    """Return what failed, as the verdict has it."""
    reason = audit.verdict.partition(": ")[2]
    return f" {reason[:1].upper()}{reason[1:]}." if reason else ""


def _is_unknown(audit: Audit) -> bool:
    return audit.verdict.startswith(NOT_ASSESSED)


def _finding(audit: Audit) -> tuple[str, ...]:
    """Say what the best attack achieved, and how strong one had to be to be noticed."""
    best = best_attack(audit)
    ends = interval_of(best) if best else None
    if best is None or ends is None:
        return ("No attack on membership could be run on these files.",)
    chosen = ", wide enough for the choice of the best" if "corrected_low" in best.params else ""
    group = best.params.get("target_group")
    among = "" if group in (None, "all", "random") else f" among {group_of(best)}"
    found = (
        f"{_tried(audit)} The best one was right in {figure(best.value, 'share')} of such pairs"
        f"{among} ({span(*ends, 'share')}{chosen}); guessing gets 50%.{_small_leak(best, audit)}"
    )
    said = (found, leaks_text(audit.results), _power(audit, best))
    return tuple(text for text in said if text)


def _power(audit: Audit, best: Result) -> str:
    """Say how strong an attack had to be to be noticed, also in the group that the best one hit."""
    least = audit.extra.get("smallest_auc_seen")
    if least is None:
        return ""
    few = audit.extra.get("smallest_auc_seen_of", {}).get(best.params.get("target_group"), least)
    among = f" (among {group_of(best)}, which are fewer: {figure(few, 'share')})"
    return (
        "With so many records, an attack that is right in less than "
        f"{figure(least, 'share')} of pairs is hardly noticed{among if few > least else ''}."
    )


def leaks_text(results: Sequence[Result]) -> str:
    """Say how many attempts to learn more got more right of train people than of others."""
    leaks = [r for r in results if describe(r).leak and r.estimate and r.verdict]
    if not leaks:
        return ""
    bad = [r for r in leaks if r.verdict == "worse"]
    most = max(bad, key=lambda r: r.value or 0.0, default=None)
    told = "" if most is None else f" Most of all {most.params['attack']}{_of_columns(most)}."
    return (
        f"Of {plural(len(leaks), 'attempt')} to learn something else (a hidden column, a link, a "
        f"description that fits one person), {len(bad) or 'none'} got more right of people in the "
        f"train data than of others, beyond chance.{told}"
    )


def _of_columns(leak: Result) -> str:
    """Say what was learned, and how often of train people and of others."""
    train, others = (leak.params.get(k) for k in ("of_train", "of_holdout"))
    what = f" ({', '.join(leak.columns[:3])})" if leak.columns else ""
    if train is None or others is None:
        return what
    return f"{what}: {figure(train, 'share')} right, of others {figure(others, 'share')}"


def _small_leak(best: Result, audit: Audit) -> str:
    """Say so if the best attack beats guessing, by less than makes the answer No."""
    margin = audit.extra.get("margin")
    if best.verdict != "worse" or margin is None:
        return ""
    return (
        " That is more than guessing: the rows tell something of who was in the train data. The "
        f"answer becomes No once the whole interval lies above {figure(0.5 + margin, 'share')}."
    )


def _tried(audit: Audit) -> str:
    tried = [
        r.params
        for r in audit.results
        if r.name == "auc" and "attack" in r.params and r.status != "not_applicable"
    ]
    secret = next((p["secret"] for p in tried if "secret" in p), None)
    what = (
        "records that are in the train data from records that are not"
        if secret is None
        else f"the {secret} of people in the train data from a value that was as likely"
    )
    return f"{plural(len({p['attack'] for p in tried}), 'attack')} tried to tell {what}."


def uses(evaluation: Evaluation | None) -> tuple[Use, ...]:
    """Answer "is it useful for what", one line a kind of work."""
    if evaluation is None:
        return ()
    tasks = {r.columns: r for r in reversed(evaluation.results) if r.name == "tstr"}
    lines = [_prediction(r, evaluation) for r in reversed(tasks.values())][:3]
    for name, title, what in (
        ("column_tvd", "Counts and shares of single columns", "column"),
        ("pair_tvd", "How two columns go together", "pair"),
        ("triple_tvd", "How three columns go together", "triple"),
    ):
        line = _holding([r for r in evaluation.results if r.name == name], title, what)
        if line is not None:
            lines.append(line)
    told = one(evaluation.results, "c2st", against="holdout") or one(evaluation.results, "c2st")
    if told is not None:
        lines.append(_whole_rows(told))
    return tuple(lines)


def _prediction(r: Result, evaluation: Evaluation) -> Use:
    target = ", ".join(r.columns) or "the target"
    title = f"Predicting {target}"
    real = r.reference
    if real is None:
        trtr = next((x for x in evaluation.results if x.name == "trtr"), None)
        real = trtr.value if trtr else None
    if r.estimate is None or real is None:
        reason = r.reason or "no model from real rows to compare with"
        return Use(title, f"{reason[0].upper()}{reason[1:]}.", Mark("not compared"))
    score = str(r.params.get("measure") or r.params.get("score") or "")
    score = score.upper() if len(score) <= 4 else score
    best = f"{score}; {r.direction} is better".removeprefix("; ")
    text = (
        f"A model that learned from synthetic rows scores {figure(r.estimate.value)} on unseen "
        f"real rows, one that learned from real rows {figure(real)} ({best})."
    )
    return Use(title, text, mark(r))


def _holding(found: list[Result], title: str, what: str) -> Use | None:
    if not found:
        return None
    judged = [r for r in found if r.verdict is not None]
    lost = len(found) - sum(r.estimate is not None for r in found)
    if lost == len(found):
        return Use(title, f"None of {plural(lost, what)} could be compared.", Mark("not compared"))
    note = f" {plural(lost, what)} could not be compared." if lost else ""
    if not judged:
        return Use(title, f"No fresh real rows to compare with.{note}", Mark("not compared"))
    holds = sum(r.verdict != "worse" for r in judged)
    text = f"{holds} of {plural(len(judged), what)} as close to the train data as fresh real rows."
    part = holds / len(judged)
    word = "hold" if part == 1 else "mostly hold" if part >= 0.8 else "partly hold"
    return Use(title, text + note, Mark(word if part >= 0.3 else "do not hold", _tone(part)))


def _tone(part: float) -> Tone:
    return "good" if part >= 0.8 else "bad"


def _whole_rows(r: Result) -> Use:
    value = r.value or 0.0
    text = (
        f"A model that tries to tell synthetic rows from real ones gets "
        f"{figure(value, 'share')} of such pairs right ({describe(r).reference}: 50%)."
    )
    columns = [str(g["column"]) for g in r.params.get("giveaways") or () if "column" in g][:3]
    if columns and r.verdict == "worse":
        text += f" It goes by {', '.join(columns)}."
    return Use("Whole rows", text, mark(r))
