"""Train on both: what a model gains if synthetic rows are added to the real ones."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from twinset.evidence.coded import Split
from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import Draft, judge, refuse
from twinset.metrics._models import fit
from twinset.metrics._scores import scores_of
from twinset.metrics._targets import INTERVAL, contrast, problem, trained
from twinset.protocols import Family, Measure, Result

__all__ = ["AddedRows"]

MEASURE = Measure(
    name="added_rows_gain",
    title="Gain by adding synthetic rows",
    meaning="Score of a model that learned from real and synthetic rows together minus that of one "
    "that learned from the real rows alone. Below 0, the synthetic rows mislead.",
    direction="higher",
    low=-2,
    high=2,
    formula="score on the real holdout of boosting trained on train and synthetic together minus "
    "that of boosting trained on train; the reference, 0, is train alone",
    reference="real rows alone",
    anchors=(0.0, 0.02),
)
_MOST = 200_000


class AddedRows:
    """Gain by adding the release to train: below 0, its rows mislead the model."""

    name: ClassVar[str] = "added_rows"
    family: ClassVar[Family] = "utility"
    measures: ClassVar[tuple[Measure, ...]] = (MEASURE,)

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return one result a score."""
        p = problem(evidence)
        columns = () if evidence.target is None else (evidence.target,)
        if not isinstance(p, str) and len(p.target["train"]) + len(p.target["synthetic"]) > _MOST:
            p = f"train and synthetic have more than {_MOST:,} rows together"
        if isinstance(p, str):
            return [refuse(self.family, MEASURE, p, columns=columns)]
        models = trained(evidence, p)
        views = [p.views[s] for s in ("train", "synthetic")]
        both = Split(
            np.concatenate([v.features for v in views]), views[0].names, views[0].categorical, None
        )
        target = np.concatenate([p.target[s] for s in ("train", "synthetic")])
        seed = int(evidence.rng("added_rows").integers(2**31))
        found = fit("boosting", both, target, p.task, seed).predict(p.test)
        drafts = []
        for name, score in scores_of(p.task.classes).items():
            figures = [score(answer, p.truth) for answer in models.answers]
            gain = score(found, p.truth) - figures[1]
            c = contrast(-gain, [f.value for f in figures[2:]], models.share, p.units)
            params = {"score": name, "train": round(figures[1].value, 6), "interval": INTERVAL}
            draft = Draft(
                MEASURE,
                gain.value,
                c.variance,
                p.n,
                reference=0.0,
                columns=columns,
                params=params,
            )
            drafts.append(c.held(draft))
        return judge(self.family, drafts)
