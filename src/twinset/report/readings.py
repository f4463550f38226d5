"""Readings: measures in plain words, what each asks, how it is read, which way is good.

A name that is not listed here (a plug-in's metric) still appears in the report: under its own name,
in the tables of details.
"""

from __future__ import annotations

from twinset.report.numbers import Unit
from twinset.report.reading import BEYOND, LEAN, Reading
from twinset.report.readings_rows import ROWS

__all__ = ["READINGS", "Reading"]

_GUESS = {
    "worse": "above guessing",
    "within_noise": "no better than guessing",
    "better": "no better than guessing",
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
    "within_noise": "within chance of learning from real rows",
    "better": "better than learning from real rows",
}


def _tvd(title: str, of: str, anchors: tuple[float, ...] = (0.0, 0.05)) -> Reading:
    meaning = (
        f"Share of rows that would have to change for {of} to have the real distribution "
        "(total variation distance, TVD). 0% is equal."
    )
    return Reading(title, meaning, "share", anchors=anchors)


def _gap(title: str, of: str, unit: Unit = "number") -> Reading:
    return Reading(title, f"Synthetic minus train: {of}. 0 is equal.", unit, (-1.0, 1.0))


def _leak(title: str, what: str) -> Reading:
    meaning = (
        f"Of 100 tries that fail on people set aside, how many more {what} for people in the train "
        "data. What is right for both alike is knowledge of the population, not a leak."
    )
    return Reading(
        title,
        meaning,
        "share",
        (-1.0, 1.0),
        (0.0, 0.05),
        reference="people set aside",
        standing=BEYOND,
    )


_AUC_AXIS = (0.45, 0.65)
READINGS: dict[str, Reading] = {
    **ROWS,
    "column_tvd": _tvd("Single columns", "this column"),
    "pair_tvd": _tvd("Pairs of columns", "this pair of columns, taken together,"),
    "triple_tvd": _tvd("Triples of columns", "these three columns, taken together,"),
    "mean_column_tvd": _tvd("Single columns", "a column, on average,"),
    "mean_pair_tvd": _tvd("Pairs of columns", "a pair of columns, on average,", (0.0, 0.1)),
    "mean_triple_tvd": _tvd("Triples of columns", "three columns, on average,", (0.0, 0.15)),
    "ks": Reading(
        "Largest gap between cumulative shares",
        "The largest difference in the share of rows below any one value "
        "(Kolmogorov-Smirnov distance, KS).",
        "share",
    ),
    "wasserstein": Reading(
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
    "js_divergence": Reading(
        "Surprise at single values",
        "Information by which the two distributions differ, in bits (Jensen-Shannon divergence).",
    ),
    "quantile_error": Reading(
        "Shift of the quantiles",
        "How far the quantiles lie from the real ones, in units of the real spread.",
        domain=(0.0, 1e9),
    ),
    "kl_divergence": Reading(
        "Surprise at single values, one way",
        "Bits lost per row if one table's distribution is taken for the other's (Kullback-Leibler "
        "divergence). 0 is equal.",
        domain=(0.0, 1e9),
    ),
    "hellinger": Reading(
        "Distance of single columns (Hellinger)",
        "Distance of the two distributions with more weight on rare values. 0 is equal.",
    ),
    "chi_square": Reading(
        "Counts of single columns (chi-square)",
        "Pearson's statistic of the two rows of counts; without a difference it is about its "
        "degrees of freedom.",
        domain=(0.0, 1e12),
    ),
    "tail_index_difference": Reading(
        "Heaviness of the upper tail",
        "Synthetic minus train: Hill's index of the highest 5% of the values. Above 0, the tail is "
        "too heavy, below, too light.",
        domain=(-1e9, 1e9),
    ),
    "extreme_quantile_error": Reading(
        "Extreme quantiles",
        "How far the value that 1% (99%) of the rows lie below is off, in units of the real "
        "5%-95% range.",
        domain=(0.0, 1e9),
    ),
    "mean_kway_tvd": _tvd("Sets of columns", "several columns, on average,", (0.0, 0.15)),
    "k_marginal_score": Reading(
        "k-marginal score",
        "Agreement of three columns at a time, averaged over sets of columns: 1000 is equal, 0 has "
        "nothing in common (NIST's score).",
        domain=(0.0, 1000.0),
        anchors=(),
        least=50.0,
    ),
    "mmd": Reading(
        "Whole rows, by a kernel",
        "Squared maximum mean discrepancy (MMD) of whole rows. 0 is equal.",
        domain=(0.0, 2.0),
    ),
    "sliced_wasserstein": Reading(
        "Whole rows, in random directions",
        "How far whole rows must move to match, averaged over random directions (sliced "
        "Wasserstein distance). 0 is equal.",
        domain=(0.0, 1e9),
    ),
    "pmse": Reading(
        "Telling rows apart by a simple model",
        "Mean squared distance of a logistic model's chances from guessing (propensity score mean "
        "squared error, pMSE). 0: it cannot tell, 0.25: it always can.",
        domain=(0.0, 0.25),
    ),
    "subgroup_share": _gap("Size of groups", "the share of the rows that are of a group", "share"),
    "subgroup_tvd": _tvd("Columns inside a group", "a column, on average, inside a group"),
    "base_rate_difference": _gap(
        "The target in each group", "the share of a group's rows with this outcome", "share"
    ),
    "parity_gap_difference": _gap(
        "Disparity between groups",
        "the largest gap between groups in the share with this outcome",
        "share",
    ),
    "empty_pair_share": Reading(
        "Two values that do not go together",
        "Share of rows with two values that no train row has together, though some should if it "
        "were chance.",
        "share",
    ),
    "empty_pair_rows": Reading(
        "Rows with values that do not go together",
        "Share of rows with at least one such combination.",
        "share",
    ),
    "authenticity": Reading(
        "Rows that are their own",
        "Share of synthetic rows that lie farther from their nearest train row than that row's "
        "nearest neighbour does. A warning light, not a guarantee.",
        "share",
        anchors=(),
        least=0.1,
    ),
    "category_coverage": Reading(
        "Categories that are there",
        "Share of the train data's common categories that occur in the synthetic rows.",
        "share",
        anchors=(1.0,),
    ),
    "range_coverage": Reading(
        "Range that is covered",
        "Share of the train data's range that the synthetic rows cover, extremes aside.",
        "share",
        anchors=(1.0,),
    ),
    "unseen_share": Reading(
        "Values never seen",
        "Share of rows with a value that is not among, or lies outside, those of the train data.",
        "share",
    ),
    "off_grid_share": Reading(
        "Numbers off their grid",
        "Share of values that are no multiple of the step on which the train data's numbers lie, "
        "such as halves where there are whole numbers.",
        "share",
    ),
    "repeated_rows": Reading(
        "Rows that repeat each other",
        "Share of synthetic rows that equal another synthetic row. Real rows do so too, where they "
        "are short or common.",
        "share",
        anchors=(0.0, 0.01),
    ),
    "missing_pattern_tvd": _tvd("Pattern of missing cells", "which cells are missing together"),
    "c2st": Reading(
        "Telling synthetic rows from real ones",
        "A model is trained to tell them apart (classifier two-sample test, C2ST); the figure is "
        "how often it ranks a synthetic row as the more synthetic one (AUC). 0.5: it cannot tell. "
        "1: it always can.",
        anchors=(0.45, 0.75),
        goal="closer to 0.5 is better",
        standing=_TOLD,
    ),
    "tstr": Reading(
        "Prediction",
        "A model learns from synthetic rows only and is tested on real rows it has never seen "
        "(train on synthetic, test on real: TSTR).",
        reference="learned from real rows",
        anchors=(),
        least=0.1,
        standing=_MODEL,
    ),
    "tstr_gap": Reading(
        "Loss by learning from synthetic rows",
        "Score of the model that learned from real rows minus that of the one that learned from "
        "synthetic rows. 0: nothing is lost.",
        domain=(-2.0, 2.0),
        anchors=(0.0, 0.05),
    ),
    "trtr": Reading(
        "Prediction, learned from real rows",
        "The same model learns from the real train rows and is tested on real rows it has never "
        "seen (train on real, test on real: TRTR).",
        anchors=(),
        least=0.1,
    ),
    "exact_copies": Reading(
        "Copies of real rows",
        "Share of synthetic rows that equal a real train row in every column. Fresh real rows have "
        "some too, where rows are short or common.",
        "share",
        anchors=(0.0, 0.01),
    ),
    "near_copies": Reading(
        "Near copies of real rows",
        "Share of synthetic rows that lie as close to a train row as the closest 1% of fresh real "
        "rows do.",
        "share",
        anchors=(0.0, 0.01),
    ),
    "records_copied": Reading(
        "Train records that were copied",
        "Share of the people (or things) in the train data of whom a row that is theirs alone "
        "stands in the synthetic table. Of people set aside, the same happens by chance.",
        "share",
        anchors=(0.0, 0.01),
        reference="people set aside",
        standing=_COPIED,
    ),
    "records_nearly_copied": Reading(
        "Train records that were copied, or all but so",
        "Share of the people (or things) in the train data to whom a synthetic row lies at least "
        "twenty times nearer than the row of anybody else. Of people set aside, the same happens "
        "by chance.",
        "share",
        anchors=(0.0, 0.01),
        reference="people set aside",
        standing=_COPIED,
    ),
    "identifiers_copied": Reading(
        "Identifiers that were copied",
        "Share of synthetic rows whose identifier stands in the train data. Of identifiers set "
        "aside, as many are met by chance.",
        "share",
        anchors=(0.0, 0.01),
        reference="identifiers set aside",
        standing=_COPIED,
    ),
    "dcr_share": Reading(
        "Rows that lean towards the train data",
        "Share of synthetic rows whose nearest real row is a train row, not one set aside "
        "(distance to closest record, DCR). 50% is even. A warning light, not a guarantee.",
        "share",
        anchors=_AUC_AXIS,
        goal="closer to 50% is better",
        standing=LEAN,
    ),
    "auc": Reading(
        "Telling who is in the train data",
        "An attack scores every record; this is how often a train record gets a higher score than "
        "one that was not in it (AUC). 0.5 is guessing, 1 is always right.",
        anchors=_AUC_AXIS,
        goal="closer to 0.5 is better",
        reference="guessing",
        standing=_GUESS,
    ),
    "tpr_at_fpr": Reading(
        "Records recognised with few false alarms",
        "Share of train records that an attack names, while it wrongly names only the given share "
        "of other records (true positive rate at a false positive rate).",
        "share",
        reference="guessing",
        standing=_GUESS,
    ),
    "advantage": Reading(
        "Advantage over guessing",
        "Rate of right minus rate of wrong accusations at a threshold chosen on other records.",
        domain=(-1.0, 1.0),
        anchors=(0.0, 0.1),
        reference="guessing",
        standing=_GUESS,
    ),
    "balanced_accuracy": Reading(
        "Right answers, members and others counted alike",
        "Average of the share of train records recognised and of other records cleared, at the "
        "same threshold as the advantage. 50% is guessing.",
        "share",
        anchors=(0.5, 0.55),
        reference="guessing",
        standing=_GUESS,
    ),
    "privacy_gain": Reading(
        "Privacy gain",
        "One minus the advantage: 1 if the attack does no better than guessing, 0 if it is always "
        "right, as it would be with the real rows themselves.",
        anchors=(0.9, 1.0),
        reference="guessing",
        standing=_GUESS,
    ),
    "attribute_leak": _leak("Guessing a hidden column", "are guessed right"),
    "reconstruction_leak": _leak("Reconstructing a hidden column", "are reconstructed right"),
    "linkability_leak": _leak("Joining two sources", "are joined right through the release"),
    "singling_out_leak": _leak("Singling out", "fit exactly one person"),
    "cap_difference": Reading(
        "Hidden values that a few columns give away",
        "Among synthetic rows with a person's keys, the share that has the person's hidden value "
        "(CAP): people in the train data less people set aside. A diagnostic; no verdict rests on "
        "it.",
        "share",
        (-1.0, 1.0),
        (0.0, 0.05),
        reference="people set aside",
        standing=BEYOND,
    ),
    "auc_gap": Reading(
        "Risk beyond that of random records",
        "How much more often the attack ranks these records right than random ones. 0 is equal.",
        domain=(-1.0, 1.0),
        anchors=(0.0, 0.1),
        reference="random records",
        standing=_GUESS,
    ),
    "records_at_risk": Reading(
        "Records at risk",
        "Share of the records attacked that some attack recognises beyond chance; of those named, "
        "5% may be named by chance.",
        "share",
        anchors=(0.0, 0.1),
        reference="none",
        standing=_GUESS,
    ),
    "shadow_fits": Reading(
        "Fits that worked",
        "Share of the fits that gave a table of the right kind in time. The others were left out.",
        "share",
        anchors=(0.9, 1.0),
        reference="all",
    ),
    "control": Reading(
        "Controls of the audit",
        "Attacks on planted leaks and on records dealt by chance, where the right answer is known.",
        reference="guessing",
        standing=_GUESS,
    ),
    "epsilon_lower_bound": Reading(
        "Empirical lower bound on epsilon",
        "The least privacy loss that explains what the attack achieved. The interval ends at the "
        "ceiling, the most that this test could have shown: a bound near 0 proves nothing.",
        domain=(0.0, 1e9),
        reference="guessing",
        standing=_GUESS,
    ),
}
