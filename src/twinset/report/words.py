"""Results and attacks in plain words: how a figure is read, where it stands, which way is good.

A name that is not listed here (a plug-in's metric) still appears in the report: under its own name,
in the tables of details.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from twinset.protocols import Result
from twinset.report.numbers import figure
from twinset.report.readings import READINGS, Reading
from twinset.report.readings_models import MODEL_READINGS
from twinset.report.view_model import Mark

__all__ = [
    "ATTACKS",
    "FAMILIES",
    "GLOSSARY",
    "GROUPS",
    "KNOWN",
    "alarms_of",
    "centre_of",
    "describe",
    "direction",
    "group_of",
    "interval_of",
    "mark",
    "place",
]

KNOWN = READINGS | MODEL_READINGS
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

ATTACKS: dict[str, tuple[str, str]] = {
    "distance": ("Nearest row", "The closer the nearest synthetic row, the likelier a member."),
    "local_density": ("Neighbourhood", "Counts synthetic rows in a small ball around the record."),
    "density": ("Neighbourhood", "Counts synthetic rows in a small ball around the record."),
    "dcr_difference": (
        "Nearest row, compared",
        "Compares the nearest synthetic row with the nearest row of other real data.",
    ),
    "domias": (
        "Density ratio (DOMIAS)",
        "Where are synthetic rows denser than other real data would be?",
    ),
    "classifier": (
        "Learned",
        "A model learns to tell synthetic rows from other real data, then scores the record.",
    ),
    "distance_ratio": (
        "Nearest row, in proportion",
        "Divides the distance to other real data by the distance to the synthetic rows.",
    ),
    "exact_values": (
        "Rare values",
        "Which rare values of the record stand in the synthetic table?",
    ),
    "mc": ("Monte Carlo", "Share of synthetic rows in a ball around the record."),
    "dpi": (
        "Plagiarism index",
        "Of the nearest rows, synthetic or of other real data, how many are synthetic?",
    ),
    "gen_lra": (
        "Local likelihood (Gen-LRA)",
        "How much likelier do nearby synthetic rows become if the record is known?",
    ),
    "logan": (
        "Learned by a network",
        "A neural network tells synthetic rows from other real ones.",
    ),
    "shadow_naive": ("Column statistics", "Fits with and without the record: means, counts."),
    "shadow_histogram": ("Frequencies", "Fits with and without the record: shares of all values."),
    "shadow_correlation": ("Correlations", "Fits with and without the record: correlations."),
    "shadow_values": (
        "Exact values",
        "Fits with and without the record: how often its very values come out.",
    ),
    "targeted_queries": (
        "Counts aimed at the record",
        "Fits with and without the record: how many rows agree with it in some columns.",
    ),
    "lira": (
        "Likelihood ratio (LiRA)",
        "Fits with and without the record: how close the nearest row comes.",
    ),
    "lira_offline": (
        "Likelihood (LiRA, offline)",
        "Fits without the record: is the density at it unusual?",
    ),
    "lira_white_box": (
        "Likelihood ratio (the model itself)",
        "Fits with and without the record: how likely the fitted model itself finds it.",
    ),
    "yeom": ("Likelihood (Yeom)", "How likely is the record under a density of the rows?"),
    "attribute_nearest": ("Nearest rows", "The hidden value of the nearest synthetic row."),
    "attribute_ball": ("Neighbourhood", "The most frequent hidden value of the rows around."),
    "attribute_classifier": ("Learned", "A model of the synthetic rows predicts the value."),
    "attribute_yeom": ("Likelihood (Yeom)", "The value with which the record is likeliest."),
    "cap": ("Equal keys (CAP)", "Share of the rows with equal keys that has the hidden value."),
    "linear_reconstruction": (
        "Linear reconstruction",
        "Everybody's hidden value at once, from counts in the synthetic table.",
    ),
    "linkability": ("Nearest rows of both halves", "Which rows of two sources share neighbours?"),
    "singling_out": ("Rare descriptions", "Describes rows that stand alone, and looks for people."),
    "exact_match": ("Exact match", "Does the very same row appear in the synthetic table?"),
}

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


def describe(result: Result) -> Reading:
    """Return how to read a result; an unknown name reads as itself."""
    name = result.name
    known = KNOWN.get(name)
    if name == "auc" and known is not None and "secret" in result.params:
        return replace(
            known,
            title=f"Telling the {result.params['secret']} of people in the train data",
            meaning="A coin gave each their own value or another person's; this is how often the "
            "own one gets the higher score (AUC). 0.5 is guessing, 1 is always right.",
        )
    if known is None and name.startswith("mean_"):
        base = KNOWN.get(name.removeprefix("mean_"))
        if base is not None:
            known = Reading(f"{base.title}, on average", base.meaning, base.unit, base.domain)
    if known is None:
        return Reading(name.replace("_", " ").capitalize(), "", domain=(-1e12, 1e12), anchors=())
    return known


def place(name: str) -> tuple[int, str]:
    """Order of a measure in lists: known ones as above, averages beside what they average."""
    base = name.removeprefix("mean_")
    known = list(KNOWN)
    return (known.index(base) if base in known else len(known)), name


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


def group_of(result: Result) -> str:
    """Which records an attack was aimed at, in words."""
    group = str(result.params.get("target_group") or result.group or "all")
    return GROUPS.get(group, group.replace("_", " "))


def direction(result: Result) -> str:
    """Which way is good, in words."""
    reading = describe(result)
    if reading.goal:
        return reading.goal
    if result.direction == "target":
        centre = centre_of(result)
        aim = "real rows" if centre is None else figure(centre, reading.unit)
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
        return _slight(result) or Mark(describe(result).standing["worse"], "bad")
    alarms = alarms_of(result)
    if alarms is not None:
        return Mark(f"within noise: false alarms may be up to {figure(alarms, 'share')}", "good")
    return Mark(describe(result).standing[result.verdict], "good")


def _slight(result: Result) -> Mark | None:
    """Words for a difference that is beyond chance but small."""
    value, reference = result.value or 0.0, result.reference or 0.0
    if result.name == "tstr" and abs(value - reference) <= _SLIGHT_LOSS * abs(reference):
        return Mark("slightly weaker than learning from real rows")
    if result.name == "c2st" and value < _HARD_TO_TELL:
        return Mark("hard to tell apart")
    return None
