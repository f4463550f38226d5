"""Several releases of one table in one table: who is closest to a fresh real sample."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import rankdata

from twinset.evaluation.cross_validation import CrossValidation
from twinset.protocols import Result
from twinset.report.wording import describe
from twinset.results import Evaluation
from twinset.table.atomic import atomic_write

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RULE", "SHOWN", "Ranking", "rank"]

_RANKED = ("mean_column_tvd", "mean_pair_tvd", "mean_triple_tvd", "c2st", "tstr")
_ACROSS = ("simulation_quality", "transfer_quality")
_COPYING = ("exact_copies", "near_copies")
_LEANING = ("dcr_share", "authenticity")  # warning lights: shown, no reason to stand last
SHOWN = (*_RANKED, *_ACROSS, *_COPYING, *_LEANING)
RULE = (
    "Ranked by the mean of the places in the figures of fidelity and utility; places are shared "
    "where intervals overlap the better one's value. A release that copies real rows stands last, "
    "however faithful: fidelity by copying is a leak."
)


@dataclass(frozen=True)
class Ranking:
    """Releases, best first.

    Attributes
    ----------
    rows
        One a release: ``rank``, ``release``, the figures (null if not computed), ``copies`` (the
        measures that say so), ``worse`` and ``judged`` (numbers of figures).
    evaluations
        What was measured, by release.
    crossed
        What is learned from each table, tested on each; None if that was not asked for.
    """

    rows: tuple[dict[str, Any], ...]
    evaluations: Mapping[str, Evaluation]
    crossed: CrossValidation | None = None

    def to_frame(self) -> pd.DataFrame:
        """One row a release."""
        import pandas as pd

        return pd.DataFrame(list(self.rows))

    def to_json(self) -> str:
        """JSON text: the rule, the rows, and the matrix of models across tables."""
        crossed = None if self.crossed is None else self.crossed.to_dict()
        found = {"rule": RULE, "releases": list(self.rows), "across": crossed}
        return json.dumps(found, allow_nan=False)

    def save(self, path: str | Path) -> None:
        """Write `to_json` to `path`; it appears whole or not at all."""
        atomic_write(Path(path), self.to_json())

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False))


def rank(evaluations: Mapping[str, Evaluation], crossed: CrossValidation | None = None) -> Ranking:
    """Rank releases that were measured against the same train (and holdout)."""
    names = list(evaluations)
    picked = {n: {m: _pick(e, m) for m in SHOWN} for n, e in evaluations.items()}
    places = []
    for measure in _RANKED:
        found = [picked[n][measure] for n in names]
        if all(r is not None and r.estimate is not None for r in found):
            places.append(_places([r for r in found if r is not None]))
    mean = np.mean(places, axis=0) if places else np.ones(len(names))
    copying = {n: _copying(evaluations[n]) for n in names}
    order = sorted(range(len(names)), key=lambda i: (bool(copying[names[i]]), mean[i], i))
    rows = []
    for place, i in enumerate(order, start=1):
        name = names[i]
        judged = [r for r in evaluations[name].results if r.verdict is not None]
        rows.append(
            {
                "rank": place,
                "release": name,
                "mean_place": round(float(mean[i]), 3),
                **{m: None if r is None else r.value for m, r in picked[name].items()},
                "copies": copying[name],
                "worse": sum(r.verdict == "worse" for r in judged),
                "judged": len(judged),
            }
        )
    return Ranking(tuple(rows), dict(evaluations), crossed)


def _pick(evaluation: Evaluation, measure: str) -> Result | None:
    """Return the first computed result of a measure; C2ST against the holdout comes first."""
    found = [r for r in evaluation.results if r.name == measure and r.estimate is not None]
    return found[0] if found else None


def _copying(evaluation: Evaluation) -> list[str]:
    told = [r for r in evaluation.results if r.name in _COPYING and r.verdict == "worse"]
    return list(dict.fromkeys(describe(r).title for r in told))


def _places(results: Sequence[Result]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Mid-ranks, lower is better; whoever's interval holds a better value shares its place."""
    sign = -1.0 if results[0].direction == "higher" else 1.0
    values = np.array([sign * (r.value or 0.0) for r in results])
    ends = np.array(
        [
            min(sign * r.estimate.low, sign * r.estimate.high) if r.estimate else np.inf
            for r in results
        ]
    )
    order = np.argsort(values, kind="stable")
    level = np.zeros(len(values))
    first = order[0]
    for before, i in itertools.pairwise(order):
        level[i] = level[before]
        if ends[i] > values[first]:
            level[i] += 1
            first = i
    return np.asarray(rankdata(level))
