"""Train on synthetic, test on real, with a random forest and with a linear model."""

from __future__ import annotations

import itertools
from typing import ClassVar

from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import Measure, refuse
from twinset.metrics._models import MOST, Learner
from twinset.metrics._targets import known_target, score_results
from twinset.protocols import Family, Result

__all__ = ["TstrModels"]

_CLASSES = 8  # of a target for linear models: one model a class
_KINDS: dict[Learner, str] = {
    "forest": f"a random forest (50 trees, up to {MOST['forest']:,} rows)",
    "linear": f"a logistic or linear model with main effects (up to {MOST['linear']:,} rows)",
}


def _three(learner: Learner, kind: str) -> tuple[Measure, Measure, Measure]:
    of = f"as {{}}, of {kind}"
    return (
        Measure(f"tstr_{learner}", "higher", -1, 1, of.format("`tstr`"), "Esteban et al. 2017"),
        Measure(f"trtr_{learner}", "higher", -1, 1, "the same, trained on train", ""),
        Measure(f"tstr_gap_{learner}", "lower", -2, 2, "TRTR - TSTR", "paired over units"),
    )


_THREE = {learner: _three(learner, kind) for learner, kind in _KINDS.items()}


class TstrModels:
    """The same as `tstr` with other models: one that cuts finely, one that is stiff."""

    name: ClassVar[str] = "tstr_models"
    family: ClassVar[Family] = "utility"
    measures: ClassVar[tuple[Measure, ...]] = tuple(itertools.chain(*_THREE.values()))

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return TSTR, TRTR and their gap for each score and model, for the target."""
        found = (self._of(evidence, k, m) for k, m in _THREE.items())
        return list(itertools.chain.from_iterable(found))

    def _of(
        self, evidence: Evidence, learner: Learner, three: tuple[Measure, Measure, Measure]
    ) -> list[Result]:
        p = known_target(evidence)
        if learner == "linear" and not isinstance(p, str) and (p.task.classes or 0) > _CLASSES:
            reason = f"the target has more than {_CLASSES} classes"
            return [refuse(self.family, m, reason, columns=(p.column,)) for m in three]
        return score_results(evidence, self.family, learner, three)
