"""Attribute inference by a classifier trained on the release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.protocols import Records, ThreatModel
from twinset.protocols.attacks import Rng, Scores
from twinset.stats.records import matrix

__all__ = ["AttributeClassifier"]

_LEVELS = 255


@dataclass(frozen=True)
class AttributeClassifier:
    """Guess the secret of x by boosted trees that learned it from the release.

    What it gets right of people who are not in the train table is inference about the population,
    not a leak (Stadler et al. 2022, section 3.2; here with a holdout in the place of retraining).

    Parameters
    ----------
    trees, leaves
        Size of the boosted model, for each level of the secret.
    rows
        Rows of the release used at most.
    """

    name: ClassVar[str] = "attribute_classifier"
    title: ClassVar[str] = "Learned"
    meaning: ClassVar[str] = "A model of the synthetic rows predicts the value."
    threat_model: ClassVar[ThreatModel] = ThreatModel(data="none", goal="attribute")

    trees: int = 30
    leaves: int = 15
    rows: int = 10_000

    def guess(
        self,
        known: Records,
        release: Records,
        secret: npt.NDArray[np.int64],
        levels: int,
        *,
        rng: Rng,
    ) -> Scores:
        """Return shape (targets, levels): probabilities."""
        chosen = np.sort(rng.permutation(len(release))[: self.rows])
        there, label = np.unique(secret[chosen], return_inverse=True)
        found = np.zeros((len(known), levels))
        if len(there) == 1 or release.numeric.shape[1] + release.codes.shape[1] == 0:
            found[:] = np.bincount(secret, minlength=levels) / len(secret)
            return found
        import lightgbm as lgb

        table = release.take(chosen)
        p = table.numeric.shape[1]
        discrete = [
            p + j for j in range(table.codes.shape[1]) if np.ptp(table.codes[:, j]) < _LEVELS
        ]
        settings = {
            "objective": "multiclass",
            "num_class": len(there),
            "num_leaves": self.leaves,
            "learning_rate": 0.15,
            "min_data_in_leaf": min(10, max(1, len(label) // 20)),
            "seed": int(rng.integers(2**31)),
            "deterministic": True,
            "num_threads": 1,
            "verbosity": -1,
        }
        data = lgb.Dataset(matrix(table), label.reshape(-1), categorical_feature=discrete)
        model = lgb.train(settings, data, num_boost_round=self.trees)
        found[:, there] = model.predict(matrix(known), num_threads=1)
        return found
