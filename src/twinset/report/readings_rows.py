"""Measures of whole rows, their spread and what they disclose, in plain words."""

from __future__ import annotations

from twinset.report.reading import BEYOND, LEAN, Reading

__all__ = ["ROWS"]


def _rows(title: str, what: str) -> Reading:
    return Reading(title, f"Share of {what}, where close is within five neighbours.", "share")


ROWS: dict[str, Reading] = {
    "precision": _rows("Rows that could be real", "synthetic rows that lie among train rows"),
    "recall": _rows("Rows that could be synthetic", "train rows that lie among synthetic rows"),
    "coverage": _rows("Real rows that are reached", "train rows with a synthetic row close by"),
    "density": Reading(
        "How densely real rows surround synthetic ones",
        "How many train rows a synthetic row is close to; about 1 for fresh real rows (density). "
        "Above, it sits where the real rows are densest.",
        domain=(0.0, 1e9),
        anchors=(0.0, 1.0),
    ),
    "alpha_precision": Reading(
        "Typical and unusual rows, seen from train",
        "How evenly synthetic rows are spread from the centre of the train rows to their edge "
        "(alpha-precision): 1 if as train rows are.",
    ),
    "beta_recall": Reading(
        "Typical and unusual rows, seen from the release",
        "How evenly train rows are spread from the centre of the synthetic rows to their edge "
        "(beta-recall). Fresh real rows reach somewhat less than 1.",
    ),
    "entropy_difference": Reading(
        "Variety of values",
        "Synthetic minus train: entropy of a column in bits. Below 0, its values are less varied.",
        domain=(-64.0, 64.0),
    ),
    "effective_rows": Reading(
        "Effective number of rows",
        "How many rows with nothing in common would be as diverse as these, most of which are "
        "alike in something.",
        domain=(1.0, 1e9),
        anchors=(),
    ),
    "pca_eigenvalue_difference": Reading(
        "Variance along a principal component",
        "Synthetic minus train: share of the variance of whole rows along one of their first "
        "principal components (PCA). 0 is equal.",
        "share",
        (-1.0, 1.0),
    ),
    "pca_angle": Reading(
        "Direction of a principal component",
        "Degrees between a principal component of the synthetic rows and that of train (PCA). "
        "Components of nearly equal weight turn freely; fresh real rows show how far.",
        domain=(0.0, 90.0),
    ),
    "nnaa_privacy_loss": Reading(
        "Closeness to train beyond the holdout's (NNAA)",
        "How much more the nearest neighbours mix synthetic rows with train rows than with rows "
        "set aside. 0 is even.",
        domain=(-1.0, 1.0),
        anchors=(0.0, 0.1),
        standing=LEAN,
    ),
    "identifiability": Reading(
        "Train rows nearer to a synthetic row than to each other",
        "Share of train rows whose nearest neighbour is synthetic (identifiability). Rows set "
        "aside show what is due to the population.",
        "share",
        standing=LEAN,
    ),
    "nndr": Reading(
        "Nearest against second nearest train row",
        "Mean distance ratio of a synthetic row (NNDR). Near 0, it belongs to one train row.",
        standing=LEAN,
    ),
    "replicated_uniques": Reading(
        "Unique people who are unique in the release",
        "Share of train rows that a few columns single out both in train and in the release. Rows "
        "set aside show what is due to chance.",
        "share",
        standing=BEYOND,
    ),
    "disco": Reading(
        "Values that a few columns give away",
        "Share of train rows whose keys lead to one value only in the release, the right one "
        "(DiSCO). What is as right for rows set aside is knowledge of the population.",
        "share",
        standing=BEYOND,
    ),
    "intersection_difference": Reading(
        "Two groups at once",
        "Synthetic minus real rows: the share of the rows that are of both groups, where it stands "
        "out most of all that were looked at. 0 is equal.",
        "share",
        (-1.0, 1.0),
    ),
    "lost_pair_share": Reading(
        "Two values that the release has lost",
        "Share of train rows with two values that no synthetic row has together, though some "
        "should if it were chance.",
        "share",
    ),
}
