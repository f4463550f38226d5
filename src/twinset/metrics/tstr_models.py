"""Train on synthetic, test on real, with a random forest and with a linear model."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import ClassVar

from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import refuse
from twinset.metrics._models import MOST, Learner
from twinset.metrics._targets import GAP, TRTR, TSTR, known_target, score_results
from twinset.protocols import Family, Measure, Result

__all__ = ["TstrModels"]

_CLASSES = 8  # of a target for linear models: one model a class
_KINDS: dict[Learner, str] = {
    "forest": f"a random forest (50 trees, up to {MOST['forest']:,} rows)",
    "linear": f"a logistic or linear model with main effects (up to {MOST['linear']:,} rows)",
}
_CALLED: dict[Learner, str] = {
    "forest": "a random forest",
    "linear": "a linear or logistic model",
}


def _three(learner: Learner, kind: str) -> tuple[Measure, Measure, Measure]:
    """Return the measures of `tstr` as those of another model."""
    formulas = f"as `tstr`, of {kind}", TRTR.formula, GAP.formula
    sources = TSTR.source, TRTR.source, "paired over units"
    tstr, trtr, gap = (
        replace(
            m,
            name=f"{m.name}_{learner}",
            title=f"{m.title} ({_CALLED[learner]})",
            meaning=f"With {_CALLED[learner]}: {m.meaning}",
            formula=formula,
            source=source,
        )
        for m, formula, source in zip((TSTR, TRTR, GAP), formulas, sources, strict=True)
    )
    return tstr, trtr, gap


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
