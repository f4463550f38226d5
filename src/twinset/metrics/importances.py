"""Feature importances: does a model trained on synthetic use the columns that one of train uses."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import Draft, half_width, judge, refuse
from twinset.metrics._targets import problem, trained
from twinset.protocols import Family, Measure, Result

__all__ = ["Importances"]

Floats = npt.NDArray[np.float64]

RANKS = Measure(
    name="importance_rank_correlation",
    title="Columns that matter, in order",
    meaning="Whether the models of synthetic and of real rows rank the columns alike by how much "
    "they use them (rank correlation). 1 is the same order.",
    direction="higher",
    low=-1,
    formula="Spearman correlation of the columns' shares in the gain of boosting, trained on "
    "synthetic and on train; the reference is what two models of equally many real rows agree by "
    "chance",
    reference="two models of real rows",
    anchors=(1.0,),
)
TOP = Measure(
    name="importance_top_overlap",
    title="Columns that matter most",
    meaning="Share of the columns that the model of real rows uses most which the model of "
    "synthetic rows uses most as well.",
    unit="share",
    direction="higher",
    formula="share of the params.top most important columns by train that are among those by "
    "synthetic",
    reference="two models of real rows",
    anchors=(1.0,),
)
_TOP = 5
_LEAST = 3
_DRAWS = 1_000


class Importances:
    """Agreement of feature importances, against that of models of real rows.

    Agreement by chance is drawn from the scatter of models of train's quarters. With four times the
    rows a half of it would be left, but more rows hardly make it surer which of two like columns a
    tree takes, or on which far value it turns: root(1/2) is taken, and a half for "better".
    """

    name: ClassVar[str] = "importances"
    family: ClassVar[Family] = "utility"
    measures: ClassVar[tuple[Measure, ...]] = (RANKS, TOP)

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return rank correlation and overlap of the most important."""
        p = problem(evidence)
        columns = () if evidence.target is None else (evidence.target,)
        if not isinstance(p, str) and len(p.views["train"].names) < _LEAST:
            p = f"fewer than {_LEAST} columns to predict from"
        if isinstance(p, str):
            return [refuse(self.family, m, p, columns=columns) for m in self.measures]
        names = p.views["train"].names
        models = trained(evidence, p)
        roots = np.sqrt(np.stack(models.gains))  # square roots scatter about equally
        synthetic, train = roots[:2]
        spread = roots[2:].std(axis=0, ddof=1)
        # the scatter of few models is itself uncertain: not less than half of the average
        spread = np.maximum(spread, spread.mean() / 2) * models.share**0.25
        rng = evidence.rng("importances")
        scatter = rng.normal(size=(2, _DRAWS, len(names))) * spread
        around = synthetic + scatter[0], train + scatter[1]
        chance = train + scatter[0], train + scatter[1]
        sure = [train + s * models.share**0.25 for s in scatter]
        drafts = []
        for measure, figure in ((RANKS, _correlation), (TOP, _overlap)):
            value = float(figure(synthetic[None], train[None])[0])
            null, drawn = figure(*chance), figure(*around)
            low, high = np.quantile(drawn, [0.025, 0.975])
            drafts.append(
                Draft(
                    measure,
                    value,
                    0.0,
                    p.n,
                    reference=float(null.mean()),
                    noise=half_width(float(null.var())),
                    p_worse=float(np.mean(null <= value)),
                    p_better=float(np.mean(figure(sure[0], sure[1]) >= value)),
                    columns=columns,
                    params=_params(names, synthetic, train),
                    interval=(float(low), float(high)),
                )
            )
        return judge(self.family, drafts)


def _params(names: tuple[str, ...], synthetic: Floats, train: Floats) -> dict[str, object]:
    top = min(_TOP, len(names) // 2)
    best = [[names[i] for i in np.argsort(-v, kind="stable")[:top]] for v in (synthetic, train)]
    interval = "simulated scatter of models"
    return {"top": top, "by_synthetic": best[0], "by_train": best[1], "interval": interval}


def _correlation(a: Floats, b: Floats) -> Floats:
    """Spearman correlation of rows, shape (draws,)."""
    ranks = [rankdata(v, axis=1) for v in (a, b)]
    x, y = (r - r.mean(axis=1, keepdims=True) for r in ranks)
    norm = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    return np.asarray(np.where(norm > 0, (x * y).sum(axis=1) / np.maximum(norm, 1e-300), 0.0))


def _overlap(a: Floats, b: Floats) -> Floats:
    """Share of the largest of each row of `b` that are among the largest of `a`, shape (draws,)."""
    top = min(_TOP, a.shape[1] // 2)
    first, second = (np.argsort(-v, axis=1, kind="stable")[:, :top] for v in (a, b))
    return np.asarray((first[:, :, None] == second[:, None, :]).any(axis=2).mean(axis=1))
