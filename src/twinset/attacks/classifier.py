"""A classifier of release against population."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from twinset.protocols import Records, ThreatModel
from twinset.protocols.attacks import Rng, Scores
from twinset.stats.records import at_most, concatenate, matrix

__all__ = ["Classifier"]

_LEVELS = 255


@dataclass(frozen=True)
class Classifier:
    """How synthetic the target looks: log odds that x comes from S rather than R.

    Boosted trees told to separate release from auxiliary rows; targets are in neither, so no
    cross-fitting is needed (the discriminator attack of Hayes et al. 2019, LOGAN, without the
    generator). Without auxiliary data it has nothing to compare with and scores every target 0.

    Parameters
    ----------
    trees, leaves
        Size of the boosted model.
    rows
        Rows of each side used at most.
    """

    name: ClassVar[str] = "classifier"
    title: ClassVar[str] = "Learned"
    meaning: ClassVar[str] = (
        "A model learns to tell synthetic rows from other real data, then scores the record."
    )
    threat_model: ClassVar[ThreatModel] = ThreatModel()

    trees: int = 60
    leaves: int = 31
    rows: int = 25_000

    def score(
        self, targets: Records, release: Records, *, auxiliary: Records | None, rng: Rng
    ) -> Scores:
        """Return shape (targets,): log odds."""
        if auxiliary is None:
            return np.zeros(len(targets))
        import lightgbm as lgb

        sides = [at_most(self.rows, s, rng) for s in (release, auxiliary)]
        label = np.repeat([1.0, 0.0], [len(s) for s in sides])
        both = concatenate(sides)
        discrete = [
            both.numeric.shape[1] + j
            for j in range(both.codes.shape[1])
            if len(np.unique(both.codes[:, j])) <= _LEVELS
        ]
        data = lgb.Dataset(matrix(both), label, categorical_feature=discrete, free_raw_data=True)
        settings = {
            "objective": "binary",
            "num_leaves": self.leaves,
            "learning_rate": 0.1,
            "min_data_in_leaf": min(20, max(1, len(label) // 20)),
            "is_unbalance": True,
            "seed": int(rng.integers(2**31)),
            "deterministic": True,
            "num_threads": 1,
            "verbosity": -1,
        }
        model = lgb.train(settings, data, num_boost_round=self.trees)
        return np.asarray(model.predict(matrix(targets), raw_score=True), dtype=np.float64)
