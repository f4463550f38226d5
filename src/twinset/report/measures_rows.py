"""Measures of whole rows, their spread and what they disclose, in plain words."""

from __future__ import annotations

from twinset.report.measure import Measure

__all__ = ["ROWS"]


def _rows(title: str, what: str) -> Measure:
    return Measure(title, f"Share of {what}, where close is within five neighbours.", "share")


ROWS: dict[str, Measure] = {
    "precision": _rows("Rows that could be real", "synthetic rows that lie among train rows"),
    "recall": _rows("Rows that could be synthetic", "train rows that lie among synthetic rows"),
    "coverage": _rows("Real rows that are reached", "train rows with a synthetic row close by"),
    "density": Measure(
        "How densely real rows surround synthetic ones",
        "How many train rows a synthetic row is close to; about 1 for fresh real rows (density). "
        "Above, it sits where the real rows are densest.",
        domain=(0.0, 1e9),
        anchors=(0.0, 1.0),
    ),
    "alpha_precision": Measure(
        "Typical and unusual rows, seen from train",
        "How evenly synthetic rows are spread from the centre of the train rows to their edge "
        "(alpha-precision): 1 if as train rows are.",
    ),
    "beta_recall": Measure(
        "Typical and unusual rows, seen from the release",
        "How evenly train rows are spread from the centre of the synthetic rows to their edge "
        "(beta-recall). Fresh real rows reach somewhat less than 1.",
    ),
}
