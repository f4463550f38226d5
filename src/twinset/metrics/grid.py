"""Numbers off the grid on which the real ones lie: halves of persons, cents of thousands."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.evidence.coded import Side
from twinset.evidence.evidence import Evidence
from twinset.metrics._judge import Draft, half_width, judge, refuse
from twinset.protocols import Family, Measure, Result
from twinset.stats.intervals import proportions_differ, wilson
from twinset.table.schema import Column

__all__ = ["Grid"]

OFF = Measure(
    name="off_grid_share",
    title="Numbers off their grid",
    meaning="Share of values that are no multiple of the step on which the train data's numbers "
    "lie, such as halves where there are whole numbers.",
    unit="share",
    formula="share of known values that are no multiple of the step on which train's numbers lie "
    "(1 for whole numbers, 0.25, 1000 ...); params.step",
    source="reference: the holdout's own share",
)
_SINGLE = 2.0**-23  # what a value loses where it is stored in single precision


class Grid:
    """Share of values of each column of numbers that lie off its grid."""

    name: ClassVar[str] = "grid"
    family: ClassVar[Family] = "integrity"
    needs: ClassVar[str] = "counts"
    measures: ClassVar[tuple[Measure, ...]] = (OFF,)

    def measure(self, evidence: Evidence) -> list[Result]:
        """Return one result a column of numbers that has a step."""
        drafts = []
        for column in evidence.schema.columns:
            step = _step(column)
            if step is not None:
                drafts += _draft(evidence, column.name, step)
        if not drafts:
            return [refuse(self.family, OFF, "no column of numbers that lie on a grid")]
        return judge(self.family, drafts)


def _step(column: Column) -> float | None:
    kind = column.kind
    return column.format.step or kind.facts.step if kind.is_plain_number else None


def _draft(evidence: Evidence, name: str, step: float) -> list[Draft]:
    # the step was found in the rows of train: only others can speak against it
    other: Side = "holdout" if "holdout" in evidence.sides else "train"
    released, real = evidence.sorted("synthetic", name), evidence.sorted(other, name)
    if not len(released) or not len(real):
        return []
    count, own = _off(released, step), _off(real, step)
    effect = evidence.pooled_effect([name])
    share = (own + 0.5) / (len(real) + 1)
    variance = effect * share * (1 - share) * (1 / len(released) + 1 / len(real))
    return [
        Draft(
            OFF,
            count / len(released),
            0.0,
            evidence.number_of_units("synthetic"),
            reference=own / len(real),
            noise=half_width(variance),
            p_worse=proportions_differ(count, len(released), own, len(real), effect)[0],
            columns=(name,),
            params={"step": step, "interval": "Wilson"},
            interval=wilson(count / effect, len(released) / effect),
        )
    ]


def _off(values: npt.NDArray[np.float64], step: float) -> int:
    """How many values are no multiple of the step, as far as single precision can tell."""
    multiple = values / step
    far = np.abs(multiple - np.rint(multiple))
    return int(np.count_nonzero(far > np.maximum(1e-6, np.abs(multiple) * _SINGLE)))
