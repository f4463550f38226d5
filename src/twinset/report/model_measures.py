"""Measures of what models learn from a release, in plain words; see `twinset.report.measures`."""

from __future__ import annotations

from dataclasses import replace

from twinset.report.measures import MEASURES, Measure

__all__ = ["MODEL_MEASURES"]

_KINDS = {"forest": "a random forest", "linear": "a linear or logistic model"}


def _by(kind: str, name: str) -> Measure:
    base = MEASURES[name]
    return replace(base, title=f"{base.title} ({kind})", meaning=f"With {kind}: {base.meaning}")


MODEL_MEASURES: dict[str, Measure] = {
    f"{name}_{learner}": _by(kind, name)
    for name in ("tstr", "tstr_gap", "trtr")
    for learner, kind in _KINDS.items()
} | {
    "efficacy_delta": Measure(
        "Decisions lost by learning from synthetic rows",
        "Score of decisions by the model that learned from real rows minus that by the one that "
        "learned from synthetic rows; the threshold was set on the rows learned from. 0: nothing "
        "is lost.",
        domain=(-1.0, 1.0),
        anchors=(0.0, 0.05),
    ),
    "added_rows_gain": Measure(
        "Gain by adding synthetic rows",
        "Score of a model that learned from real and synthetic rows together minus that of one "
        "that learned from the real rows alone. Below 0, the synthetic rows mislead.",
        domain=(-2.0, 2.0),
        anchors=(0.0, 0.02),
        reference="real rows alone",
    ),
    "importance_rank_correlation": Measure(
        "Columns that matter, in order",
        "Whether the models of synthetic and of real rows rank the columns alike by how much they "
        "use them (rank correlation). 1 is the same order.",
        domain=(-1.0, 1.0),
        anchors=(1.0,),
        reference="two models of real rows",
    ),
    "importance_top_overlap": Measure(
        "Columns that matter most",
        "Share of the columns that the model of real rows uses most which the model of synthetic "
        "rows uses most as well.",
        "share",
        anchors=(1.0,),
        reference="two models of real rows",
    ),
}
