"""Numbers and results in plain words: how a figure is read, where it stands, which way is good.

What a measure is says its declaration (`twinset.protocols.Measure`); a result that nobody declares
still appears in the report, under its own name.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

from twinset.protocols import Measure, Result, Unit
from twinset.registry import attack_words
from twinset.report.view_model import Mark
from twinset.trust.measures import measure_of

__all__ = [
    "FAMILIES",
    "GLOSSARY",
    "GROUPS",
    "alarms_of",
    "attack_title",
    "centre_of",
    "count",
    "describe",
    "direction",
    "figure",
    "group_of",
    "interval_of",
    "mark",
    "plural",
    "span",
    "tick",
]

FAMILIES: dict[str, str] = {
    "fidelity": "Fidelity: are the statistics those of the real table?",
    "diversity": "Diversity: is the whole variety there?",
    "utility": "Utility: does work done on it hold for real rows?",
    "integrity": "Integrity: does each row make sense?",
    "fairness": "Fairness: are groups treated alike?",
    "privacy": "Privacy: can records be recognised?",
}

GROUPS = {
    "all": "all records",
    "random": "random records",
    "outliers": "outlying records",
    "vulnerable": "the most vulnerable records",
    "declared": "the records that were named",
    "canaries": "planted records",
}
_SLIGHT_LOSS = 0.02
_HARD_TO_TELL = 0.6

GLOSSARY: dict[str, str] = {
    "Train rows": "The real rows that the generator learned from.",
    "Holdout, fresh real rows": "Real rows of the same source, set aside before learning. What "
    "they score against the train rows is the best that can be expected of a synthetic table.",
    "Synthetic rows": "The rows made by the generator: what would be shared.",
    "Unit": "The person or thing to protect: one row, or all rows with the same unit identifier.",
    "Interval": "The range that would hold the true figure in 95 of 100 repetitions, unless "
    "another confidence is given. That of an attack is wider, so that it holds for all attacks at "
    "once: of many attacks the best one looks better than it is. Limits are held against this "
    "wider interval; report.json has both.",
    "Noise": "How far the score of fresh real rows scatters by chance alone.",
    "Attack": "A program that tries to find out, from the synthetic rows, whether a given record "
    "was among the train rows (membership inference).",
}


def figure(value: float | None, unit: Unit = "number") -> str:
    """Return the figure with at most three significant decimals; a share as a percentage."""
    if value is None or not math.isfinite(value):
        return "–"
    if unit == "share":
        return f"{_short(100 * value, 1)}%"
    return _short(value, 3)


def tick(value: float, unit: Unit = "number") -> str:
    """Return the number at an end of an axis, as short as it can be."""
    text = f"{100 * value:.3g}%" if unit == "share" else f"{value:.3g}"
    return text.removeprefix("-") if text.strip("-0.%") == "" else text


def _short(value: float, decimals: int) -> str:
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if 0 < size < 10.0**-decimals:
        digits = 1 - math.floor(math.log10(size))
        return f"{value:.{digits}f}" if digits <= 6 else f"{value:.1e}"
    if decimals == 1 and size < 1:
        decimals = 2
    text = f"{value:.{decimals}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text


def span(low: float, high: float, unit: Unit = "number") -> str:
    """Return an interval in words; a percent sign stands once."""
    first = figure(low, unit)
    return f"{first.removesuffix('%')} to {figure(high, unit)}"


def count(number: float) -> str:
    """Return a whole number with thousands marked."""
    return f"{number:,.0f}"


def plural(number: int, one: str) -> str:
    """Return ``"1 row"`` or ``"2,000 rows"``."""
    return f"{count(number)} {one}{'' if number == 1 else 's'}"


def describe(result: Result) -> Measure:
    """Return what a result is a figure of; an undeclared name reads as itself."""
    name = result.name
    known = measure_of(name)
    if name == "auc" and known is not None and "secret" in result.params:
        return replace(
            known,
            title=f"Telling the {result.params['secret']} of people in the train data",
            meaning="A coin gave each their own value or another person's; this is how often the "
            "own one gets the higher score (AUC). 0.5 is guessing, 1 is always right.",
        )
    if known is None and name.startswith("mean_"):
        base = measure_of(name.removeprefix("mean_"))
        known = base and replace(base, title=f"{base.title}, on average")
    known = known or Measure(name=name, low=-math.inf, high=math.inf, anchors=())
    title = known.title or name.replace("_", " ").capitalize()
    return replace(known, title=title if result.table is None else f"{result.table}: {title}")


def interval_of(result: Result) -> tuple[float, float] | None:
    """Return the interval that judgements use: that of an attack holds for all attacks at once."""
    e = result.estimate
    if e is None:
        return None
    low, high = (result.params.get(f"corrected_{side}") for side in ("low", "high"))
    return (e.low, e.high) if low is None or high is None else (float(low), float(high))


def alarms_of(result: Result) -> float | None:
    """Return how many false alarms there may have been, if that alone keeps a TPR within noise."""
    ends, most = interval_of(result), result.params.get("corrected_fpr_high")
    if result.verdict != "within_noise" or ends is None or most is None:
        return None
    return float(most) if ends[0] > (result.reference or 0.0) else None


def attack_title(result: Result) -> str:
    """Return the attack of a result in words."""
    return attack_words(str(result.params.get("attack", "")))[0]


def group_of(result: Result) -> str:
    """Which records an attack was aimed at, in words."""
    group = str(result.params.get("target_group") or result.group or "all")
    return GROUPS.get(group, group.replace("_", " "))


def direction(result: Result) -> str:
    """Which way is good, in words."""
    measure = describe(result)
    if measure.goal:
        return measure.goal
    if result.direction == "target":
        centre = centre_of(result)
        aim = "real rows" if centre is None else figure(centre, measure.unit)
        return f"closer to {aim} is better"
    return f"{result.direction} is better"


def centre_of(result: Result) -> float | None:
    """Return what a result with the direction "target" aims at: its own number, or real rows."""
    centre = result.params.get("target")
    return float(centre) if isinstance(centre, int | float) else result.reference


def mark(result: Result) -> Mark:
    """Where a result stands, in words."""
    if result.status != "ok":
        verb: Literal["failed", "not applicable"]
        verb = "failed" if result.status == "failed" else "not applicable"
        return Mark(f"{verb}: {result.reason}", "bad" if verb == "failed" else "unknown")
    if result.verdict is None:
        return Mark("not compared" if result.reference is None else "")
    if result.verdict == "worse":
        return _slight(result) or Mark(describe(result).stands("worse"), "bad")
    alarms = alarms_of(result)
    if alarms is not None:
        return Mark(f"within noise: false alarms may be up to {figure(alarms, 'share')}", "good")
    return Mark(describe(result).stands(result.verdict), "good")


def _slight(result: Result) -> Mark | None:
    """Words for a difference that is beyond chance but small."""
    value, reference = result.value or 0.0, result.reference or 0.0
    if result.name == "tstr" and abs(value - reference) <= _SLIGHT_LOSS * abs(reference):
        return Mark("slightly weaker than learning from real rows")
    if result.name == "c2st" and value < _HARD_TO_TELL:
        return Mark("hard to tell apart")
    return None
