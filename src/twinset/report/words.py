"""Measures and attacks in plain words: what each asks, how it is read, which way is good.

A name that is not listed here (a plug-in's metric) still appears in the report: under its own name,
in the tables of details.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from twinset.protocols import Result
from twinset.report.numbers import Unit, figure
from twinset.report.shapes import Mark

__all__ = [
    "ATTACKS",
    "FAMILIES",
    "GLOSSARY",
    "Measure",
    "centre_of",
    "describe",
    "direction",
    "mark",
    "place",
]

FAMILIES: dict[str, str] = {
    "fidelity": "Fidelity: are the statistics those of the real table?",
    "diversity": "Diversity: is the whole variety there?",
    "utility": "Utility: does work done on it hold for real rows?",
    "integrity": "Integrity: does each row make sense?",
    "fairness": "Fairness: are groups treated alike?",
    "privacy": "Privacy: can records be recognised?",
}

_SLIGHT_LOSS = 0.02
_HARD_TO_TELL = 0.6

_FRESH = {
    "worse": "worse than fresh real rows",
    "within_noise": "like fresh real rows",
    "better": "better than fresh real rows",
}
_GUESS = {
    "worse": "above guessing",
    "within_noise": "no better than guessing",
    "better": "no better than guessing",
}
_LEAN = {
    "worse": "leans towards the train data",
    "within_noise": "even, as for fresh real rows",
    "better": "even, as for fresh real rows",
}
_TOLD = {
    "worse": "can be told apart",
    "within_noise": "cannot be told apart",
    "better": "cannot be told apart",
}
_COPIED = {
    "worse": "copied from the train data",
    "within_noise": "no more than by chance",
    "better": "no more than by chance",
}
_MODEL = {
    "worse": "weaker than learning from real rows",
    "within_noise": "as good as learning from real rows",
    "better": "better than learning from real rows",
}


@dataclass(frozen=True)
class Measure:
    """How one measure is read.

    `domain` bounds the values; `anchors` always lie on its axis, so that a small difference does
    not look large, and `least` is its shortest length; `goal` replaces the words for the direction.
    """

    title: str
    meaning: str
    unit: Unit = "number"
    domain: tuple[float, float] = (0.0, 1.0)
    anchors: tuple[float, ...] = (0.0,)
    least: float = 0.0
    goal: str = ""
    reference: str = "fresh real rows"
    standing: dict[str, str] = field(default_factory=lambda: _FRESH)


def _tvd(title: str, of: str, anchors: tuple[float, ...] = (0.0, 0.05)) -> Measure:
    meaning = (
        f"Share of rows that would have to change for {of} to have the real distribution "
        "(total variation distance, TVD). 0% is equal."
    )
    return Measure(title, meaning, "share", anchors=anchors)


def _gap(title: str, of: str, unit: Unit = "number") -> Measure:
    return Measure(title, f"Synthetic minus train: {of}. 0 is equal.", unit, (-1.0, 1.0))


_AUC_AXIS = (0.45, 0.65)
_MEASURES: dict[str, Measure] = {
    "column_tvd": _tvd("Single columns", "this column"),
    "pair_tvd": _tvd("Pairs of columns", "this pair of columns, taken together,"),
    "triple_tvd": _tvd("Triples of columns", "these three columns, taken together,"),
    "mean_column_tvd": _tvd("Single columns", "a column, on average,"),
    "mean_pair_tvd": _tvd("Pairs of columns", "a pair of columns, on average,", (0.0, 0.1)),
    "mean_triple_tvd": _tvd("Triples of columns", "three columns, on average,", (0.0, 0.15)),
    "ks": Measure(
        "Largest gap between cumulative shares",
        "The largest difference in the share of rows below any one value "
        "(Kolmogorov-Smirnov distance, KS).",
        "share",
    ),
    "wasserstein": Measure(
        "Average shift of the values",
        "How far values must move to match, in units of the real spread (Wasserstein distance).",
        domain=(0.0, 1e9),
    ),
    "missing_share": _gap("Missing cells", "the share of missing cells", "share"),
    "tail_share_difference": _gap("Tails", "the share of values far out", "share"),
    "spearman_difference": _gap("Rising together", "the rank correlation (Spearman)"),
    "pearson_difference": _gap(
        "Straight-line relation", "the correlation (Pearson) of two columns"
    ),
    "cramers_v_difference": _gap("Relation of categories", "the association (Cramer's V)"),
    "correlation_ratio_difference": _gap(
        "Categories against numbers", "how far a category explains a number (correlation ratio)"
    ),
    "dependence_tvd": _tvd("Dependence of two columns", "how two columns depend on each other"),
    "js_divergence": Measure(
        "Surprise at single values",
        "Information by which the two distributions differ, in bits (Jensen-Shannon divergence).",
    ),
    "quantile_error": Measure(
        "Shift of the quantiles",
        "How far the quantiles lie from the real ones, in units of the real spread.",
        domain=(0.0, 1e9),
    ),
    "category_coverage": Measure(
        "Categories that are there",
        "Share of the train data's common categories that occur in the synthetic rows.",
        "share",
        anchors=(1.0,),
    ),
    "range_coverage": Measure(
        "Range that is covered",
        "Share of the train data's range that the synthetic rows cover, extremes aside.",
        "share",
        anchors=(1.0,),
    ),
    "unseen_share": Measure(
        "Values never seen",
        "Share of rows with a value that is not among, or lies outside, those of the train data.",
        "share",
    ),
    "missing_pattern_tvd": _tvd("Pattern of missing cells", "which cells are missing together"),
    "c2st": Measure(
        "Telling synthetic rows from real ones",
        "A model is trained to tell them apart (classifier two-sample test, C2ST); the figure is "
        "how often it ranks a synthetic row as the more synthetic one (AUC). 0.5: it cannot tell. "
        "1: it always can.",
        anchors=(0.45, 0.75),
        goal="closer to 0.5 is better",
        standing=_TOLD,
    ),
    "tstr": Measure(
        "Prediction",
        "A model learns from synthetic rows only and is tested on real rows it has never seen "
        "(train on synthetic, test on real: TSTR).",
        reference="learned from real rows",
        anchors=(),
        least=0.1,
        standing=_MODEL,
    ),
    "tstr_gap": Measure(
        "Loss by learning from synthetic rows",
        "Score of the model that learned from real rows minus that of the one that learned from "
        "synthetic rows. 0: nothing is lost.",
        domain=(-2.0, 2.0),
        anchors=(0.0, 0.05),
    ),
    "trtr": Measure(
        "Prediction, learned from real rows",
        "The same model learns from the real train rows and is tested on real rows it has never "
        "seen (train on real, test on real: TRTR).",
        anchors=(),
        least=0.1,
    ),
    "exact_copies": Measure(
        "Copies of real rows",
        "Share of synthetic rows that equal a real train row in every column. Fresh real rows have "
        "some too, where rows are short or common.",
        "share",
        anchors=(0.0, 0.01),
    ),
    "near_copies": Measure(
        "Near copies of real rows",
        "Share of synthetic rows that lie as close to a train row as the closest 1% of fresh real "
        "rows do.",
        "share",
        anchors=(0.0, 0.01),
    ),
    "records_copied": Measure(
        "Train records that were copied",
        "Share of the people (or things) in the train data of whom a row that is theirs alone "
        "stands in the synthetic table. Of people set aside, the same happens by chance.",
        "share",
        anchors=(0.0, 0.01),
        reference="people set aside",
        standing=_COPIED,
    ),
    "identifiers_copied": Measure(
        "Identifiers that were copied",
        "Share of synthetic rows whose identifier stands in the train data. Of identifiers set "
        "aside, as many are met by chance.",
        "share",
        anchors=(0.0, 0.01),
        reference="identifiers set aside",
        standing=_COPIED,
    ),
    "dcr_share": Measure(
        "Rows that lean towards the train data",
        "Share of synthetic rows whose nearest real row is a train row, not one set aside "
        "(distance to closest record, DCR). 50% is even. A warning light, not a guarantee.",
        "share",
        anchors=_AUC_AXIS,
        goal="closer to 50% is better",
        standing=_LEAN,
    ),
    "auc": Measure(
        "Telling who is in the train data",
        "An attack scores every record; this is how often a train record gets a higher score than "
        "one that was not in it (AUC). 0.5 is guessing, 1 is always right.",
        anchors=_AUC_AXIS,
        goal="closer to 0.5 is better",
        reference="guessing",
        standing=_GUESS,
    ),
    "tpr_at_fpr": Measure(
        "Records recognised with few false alarms",
        "Share of train records that an attack names, while it wrongly names only the given share "
        "of other records (true positive rate at a false positive rate).",
        "share",
        reference="guessing",
        standing=_GUESS,
    ),
    "advantage": Measure(
        "Advantage over guessing",
        "Rate of right minus rate of wrong accusations at a threshold chosen on other records.",
        domain=(-1.0, 1.0),
        anchors=(0.0, 0.1),
        reference="guessing",
        standing=_GUESS,
    ),
    "balanced_accuracy": Measure(
        "Right answers, members and others counted alike",
        "Average of the share of train records recognised and of other records cleared, at the "
        "same threshold as the advantage. 50% is guessing.",
        "share",
        anchors=(0.5, 0.55),
        reference="guessing",
        standing=_GUESS,
    ),
    "privacy_gain": Measure(
        "Privacy gain",
        "One minus the advantage: 1 if the attack does no better than guessing, 0 if it is always "
        "right, as it would be with the real rows themselves.",
        anchors=(0.9, 1.0),
        reference="guessing",
        standing=_GUESS,
    ),
    "control": Measure(
        "Controls of the audit",
        "Attacks on planted leaks and on records dealt by chance, where the right answer is known.",
        reference="guessing",
        standing=_GUESS,
    ),
    "epsilon_lower_bound": Measure(
        "Empirical lower bound on epsilon",
        "The least privacy loss that explains what the attack achieved. The interval ends at the "
        "ceiling, the most that this test could have shown: a bound near 0 proves nothing.",
        domain=(0.0, 1e9),
        reference="guessing",
        standing=_GUESS,
    ),
}

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
    "exact_match": ("Exact match", "Does the very same row appear in the synthetic table?"),
}

GLOSSARY: dict[str, str] = {
    "Train rows": "The real rows that the generator learned from.",
    "Holdout, fresh real rows": "Real rows of the same source, set aside before learning. What "
    "they score against the train rows is the best that can be expected of a synthetic table.",
    "Synthetic rows": "The rows made by the generator: what would be shared.",
    "Unit": "The person or thing to protect: one row, or all rows with the same unit identifier.",
    "Interval": "The range that would hold the true figure in 95 of 100 repetitions, unless "
    "another confidence is given.",
    "Noise": "How far the score of fresh real rows scatters by chance alone.",
    "Attack": "A program that tries to find out, from the synthetic rows, whether a given record "
    "was among the train rows (membership inference).",
}


def describe(result: Result) -> Measure:
    """Return how to read a result; an unknown name reads as itself."""
    name = result.name
    known = _MEASURES.get(name)
    if known is None and name.startswith("mean_"):
        base = _MEASURES.get(name.removeprefix("mean_"))
        if base is not None:
            known = Measure(f"{base.title}, on average", base.meaning, base.unit, base.domain)
    if known is None:
        return Measure(name.replace("_", " ").capitalize(), "", domain=(-1e12, 1e12), anchors=())
    return known


def place(name: str) -> tuple[int, str]:
    """Order of a measure in lists: known ones as above, averages beside what they average."""
    base = name.removeprefix("mean_")
    known = list(_MEASURES)
    return (known.index(base) if base in known else len(known)), name


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
        return _slight(result) or Mark(describe(result).standing["worse"], "bad")
    return Mark(describe(result).standing[result.verdict], "good")


def _slight(result: Result) -> Mark | None:
    """Words for a difference that is beyond chance but small."""
    value, reference = result.value or 0.0, result.reference or 0.0
    if result.name == "tstr" and abs(value - reference) <= _SLIGHT_LOSS * abs(reference):
        return Mark("slightly weaker than learning from real rows")
    if result.name == "c2st" and value < _HARD_TO_TELL:
        return Mark("hard to tell apart")
    return None
