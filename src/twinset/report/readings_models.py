"""Measures of what models learn from a release, in plain words; see `twinset.report.readings`."""

from __future__ import annotations

from dataclasses import replace

from twinset.report.readings import READINGS, Reading

__all__ = ["MODEL_READINGS"]

_KINDS = {"forest": "a random forest", "linear": "a linear or logistic model"}


def _by(kind: str, name: str) -> Reading:
    base = READINGS[name]
    return replace(base, title=f"{base.title} ({kind})", meaning=f"With {kind}: {base.meaning}")


def _fair(title: str, meaning: str, *, ratio: bool = False) -> Reading:
    own = (1.0,) if ratio else (0.0, 0.1)
    return Reading(title, meaning, "number" if ratio else "share", anchors=own, reference=_REAL)


_REAL = "a model of real rows"
_RATIO = "The same as a ratio, smallest over largest. 1 is equal."
_FAIR: dict[str, Reading] = {
    "demographic_parity_difference": _fair(
        "Groups chosen alike",
        "A model that learned from synthetic rows decides about real ones: largest gap between "
        "groups in the share it decides to have this outcome (demographic parity). 0% is equal.",
    ),
    "demographic_parity_ratio": _fair("Groups chosen alike, as a ratio", _RATIO, ratio=True),
    "equal_opportunity_difference": _fair(
        "Those with the outcome found alike",
        "Largest gap between groups in the share of those with the outcome that the model finds "
        "(equal opportunity). 0% is equal.",
    ),
    "equal_opportunity_ratio": _fair(
        "Those with the outcome found alike, as a ratio", _RATIO, ratio=True
    ),
    "equalised_odds_difference": _fair(
        "Errors made alike",
        "The larger of the gaps between groups in the share found and in the share of false alarms "
        "(equalised odds). 0% is equal.",
    ),
    "equalised_odds_ratio": _fair("Errors made alike, as a ratio", _RATIO, ratio=True),
    "predictive_parity_difference": _fair(
        "Decisions right alike",
        "Largest gap between groups in the share of those decided to have the outcome who have it "
        "(predictive parity). 0% is equal.",
    ),
    "predictive_parity_ratio": _fair("Decisions right alike, as a ratio", _RATIO, ratio=True),
    "worst_group_accuracy": Reading(
        "The group served worst",
        "Share of right decisions in the group with the fewest.",
        "share",
        anchors=(1.0,),
        reference=_REAL,
    ),
    "generalised_entropy": Reading(
        "Inequality of decisions",
        "How unequally wrong decisions benefit some and harm others (generalised entropy). 0 is "
        "equal.",
        domain=(0.0, 1e9),
        reference=_REAL,
    ),
    "between_group_entropy": Reading(
        "Inequality of decisions between groups",
        "The part of that inequality that lies between groups. 0: none.",
        domain=(0.0, 1e9),
        reference=_REAL,
    ),
    "bias_amplification": Reading(
        "Differences exaggerated",
        "By how much the model's decisions exaggerate (above 0) or dampen (below 0) what sets the "
        "groups apart.",
        "share",
        domain=(-1.0, 1.0),
        anchors=(0.0, 0.05),
        reference=_REAL,
    ),
    "equity_scaled_auc": Reading(
        "Prediction, scaled by equity",
        "How well the model ranks real rows (AUC), divided by one plus its gaps between groups.",
        anchors=(0.5, 1.0),
        reference=_REAL,
    ),
    "group_calibration_gap": Reading(
        "Chances right in each group",
        "Largest gap in a group between the mean chance that the model gives and the share with "
        "the outcome.",
        "share",
        anchors=(0.0, 0.1),
        reference=_REAL,
    ),
    "representation_ratio": Reading(
        "Groups as large as they should be",
        "Share of the group that is most short of rows in the synthetic table, divided by its "
        "share in the train data.",
        domain=(0.0, 1e9),
        anchors=(1.0,),
    ),
    "conditional_disparity_difference": Reading(
        "Disparity that a column does not explain",
        "Synthetic minus train: the gap between groups in the share with the outcome that remains "
        "once this column is taken into account.",
        "share",
        domain=(-2.0, 2.0),
        anchors=(-0.05, 0.05),
    ),
}
_BY_KIND = {
    f"{name}_{learner}": _by(kind, name)
    for name in ("tstr", "tstr_gap", "trtr")
    for learner, kind in _KINDS.items()
}
_UTILITY = {
    "survival_concordance": Reading(
        "Who comes to the event first",
        "How often a survival model that learned from synthetic rows ranks two real rows by their "
        "time to the event as they came (concordance). 0.5 is guessing.",
        anchors=(0.5, 1.0),
        reference="learned from real rows",
        standing=READINGS["tstr"].standing,
    ),
    "survival_curve_distance": Reading(
        "Survival curves",
        "Mean gap between the shares that are left over time (Kaplan-Meier). 0% is equal.",
        "share",
        anchors=(0.0, 0.05),
    ),
    "simulation_quality": Reading(
        "Like real tables, both ways",
        "Models of this table hold for real tables, and models of real tables hold for it. 1: as "
        "well as real tables for themselves.",
        domain=(-2.0, 2.0),
        anchors=(0.0, 1.0),
    ),
    "transfer_quality": Reading(
        "What is learned carries over",
        "Skill on real tables of a model of this table, divided by the skill of their own models. "
        "1: as good.",
        domain=(-2.0, 2.0),
        anchors=(0.0, 1.0),
    ),
    "column_prediction_gap": Reading(
        "Each column foretold from the others",
        "Score of a small model of this column that learned from real rows minus that of one that "
        "learned from synthetic rows, on unseen real rows. 0: nothing is lost.",
        domain=(-2.0, 2.0),
        anchors=(0.0, 0.05),
        reference="learned from real rows",
    ),
    "conditional_difference": Reading(
        "A column, given the others",
        "How much further its values lie from what the other columns foretell (by a model of real "
        "rows) than in fresh real rows, in the group where that stands out most. Below 0, they "
        "follow the other columns too closely.",
        domain=(-1.0, 1.0),
    ),
    "coefficient_overlap": Reading(
        "The same effects in a regression",
        "How far the 95% intervals of the coefficients of a regression on synthetic and on real "
        "rows overlap, on average (confidence interval overlap, CIO). 1 is the same.",
        "share",
        anchors=(0.0, 1.0),
    ),
    "efficacy_delta": Reading(
        "Decisions lost by learning from synthetic rows",
        "Score of decisions by the model that learned from real rows minus that by the one that "
        "learned from synthetic rows; the threshold was set on the rows learned from. 0: nothing "
        "is lost.",
        domain=(-1.0, 1.0),
        anchors=(0.0, 0.05),
    ),
    "added_rows_gain": Reading(
        "Gain by adding synthetic rows",
        "Score of a model that learned from real and synthetic rows together minus that of one "
        "that learned from the real rows alone. Below 0, the synthetic rows mislead.",
        domain=(-2.0, 2.0),
        anchors=(0.0, 0.02),
        reference="real rows alone",
    ),
    "importance_rank_correlation": Reading(
        "Columns that matter, in order",
        "Whether the models of synthetic and of real rows rank the columns alike by how much they "
        "use them (rank correlation). 1 is the same order.",
        domain=(-1.0, 1.0),
        anchors=(1.0,),
        reference="two models of real rows",
    ),
    "importance_top_overlap": Reading(
        "Columns that matter most",
        "Share of the columns that the model of real rows uses most which the model of synthetic "
        "rows uses most as well.",
        "share",
        anchors=(1.0,),
        reference="two models of real rows",
    ),
}
MODEL_READINGS: dict[str, Reading] = _BY_KIND | _UTILITY | _FAIR
