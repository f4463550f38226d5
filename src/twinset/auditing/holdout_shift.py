"""Is the holdout like the train table? Members and others told apart without a look at the release.

A classifier two-sample test (Lopez-Paz and Oquab 2017): half of the units teach, the others are
scored, then the halves change places. If all are of one population, members and others that were
not taught from are exchangeable whatever was learned, so that either AUC scatters around a half as
that of a guess does. Distances to the auxiliary rows alone see no shift along one column, as in a
sorted file that was cut in two.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from twinset.arrays import Floats
from twinset.attacks.classifier import Classifier
from twinset.auditing import measures
from twinset.auditing.game import Game
from twinset.protocols import Records
from twinset.stats.records import concatenate, encode, encoded_columns, matrix, pick
from twinset.stats.seeds import stream

__all__ = ["Likeness"]


_CELLS = 2_000_000  # that the classifier learns from at most
_TRIED, _NAMED = 100, 3


class Likeness:
    """Scores of members and others by their own rows: numbers ranked, levels in order of labels.

    Levels numbered as they come would tell: those of members stand first.
    """

    def __init__(self, game: Game, seed: int) -> None:
        sides, names = [game.member_table, game.other_table], encoded_columns(game.train)
        found = concatenate(encode(sides, reference=[0, 1], columns=names, by_label=True))
        self._names = (*found.numeric_names, *found.code_names)
        empty = np.empty((len(found), 0), dtype=np.int32)
        self._rows = Records(matrix(found).astype(np.float32), empty, self._names)
        self._game, self._seed = game, seed
        self._halves = measures.halves(game.is_member, stream(seed, "audit", "likeness"))

    def scores(self, columns: list[int] | None = None) -> list[Floats]:
        """Return shape (units,) for each half: its scores, NaN of those that were taught from."""
        rows = self._rows if columns is None else pick(self._rows, columns)
        most = _CELLS // max(rows.numeric.shape[1], 1)
        units, member = self._game.units, self._game.is_member
        found = []
        for half in self._halves:
            sides = [rows.take(half[units] & (member[units] == m)) for m in (True, False)]
            told = Classifier(rows=most).score(
                rows, sides[0], auxiliary=sides[1], rng=stream(self._seed, "audit", "unlike")
            )
            found.append(np.where(half, np.nan, self._game.by_unit(told)))
        return found

    def columns(self, confidence: float) -> tuple[str, ...]:
        """Return up to three columns that tell by themselves (at `confidence` each), most first.

        Of very wide tables only the first 100 are tried.
        """
        shown, z = {}, float(stats.norm.ppf((1 + confidence) / 2))
        for j, name in enumerate(self._names[:_TRIED]):
            areas = [measures.auc(s, self._game.is_member, ~np.isnan(s)) for s in self.scores([j])]
            if any(measures.auc_interval(a, z)[0] > 0.5 for a in areas):
                shown[name] = max(a.value for a in areas)
        return tuple(sorted(shown, key=lambda name: -shown[name])[:_NAMED])
