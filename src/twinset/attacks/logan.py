"""LOGAN: a discriminating network of release against population."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.progress import check_time
from twinset.protocols import Records, ThreatModel
from twinset.protocols.attacks import Rng, Scores
from twinset.stats.density import Decorrelated
from twinset.stats.records import concatenate

__all__ = ["Logan"]

_BATCH = 128
_SCALE = 5  # wide inputs, so that the first layer can bend within a neighbourhood


@dataclass(frozen=True)
class Logan:
    """How synthetic a neural network finds x that was trained to tell S from R.

    The black-box attack of Hayes et al. 2019 (LOGAN, section 4.2): the adversary trains a
    discriminator of his own on the release; here against rows of the population, on principal
    components of ranks and levels. Smooth where `classifier`, of trees, is made of steps.

    Parameters
    ----------
    width
        Units of each of two hidden layers.
    steps, epochs
        Steps of the optimiser and passes over the rows, at most.
    components
        Principal components kept.
    rows
        Rows of each side used at most.
    """

    name: ClassVar[str] = "logan"
    title: ClassVar[str] = "Learned by a network"
    meaning: ClassVar[str] = "A neural network tells synthetic rows from other real ones."
    threat_model: ClassVar[ThreatModel] = ThreatModel()

    width: int = 128
    steps: int = 800
    epochs: int = 50
    components: int = 24
    rows: int = 10_000

    def score(
        self, targets: Records, release: Records, *, auxiliary: Records | None, rng: Rng
    ) -> Scores:
        """Return shape (targets,): log odds of being synthetic; without auxiliary 0."""
        if auxiliary is None:
            return np.zeros(len(targets))
        from sklearn.neural_network import MLPClassifier
        from threadpoolctl import threadpool_limits

        size = min(self.rows, max(len(release), len(auxiliary)))
        sides = [s.take(_as_many(len(s), size, rng)) for s in (release, auxiliary)]
        both = concatenate(sides)
        encode = Decorrelated(both, self.components)
        points, label = _SCALE * encode(both), np.repeat([1, 0], size)
        if points.shape[1] == 0:
            return np.zeros(len(targets))
        batch = min(_BATCH, len(label))
        model = MLPClassifier(
            (self.width, self.width),
            batch_size=batch,
            learning_rate_init=6e-3,
            alpha=0.0,
            random_state=int(rng.integers(2**31)),
        )
        with threadpool_limits(1, user_api="blas"):  # small products: threads cost, not gain
            for _ in range(min(self.epochs, max(self.steps * batch // len(label), 1))):
                check_time()
                order = rng.permutation(len(label))
                model.partial_fit(points[order], label[order], classes=[0, 1])
        found = _SCALE * encode(targets)
        for weight, shift in zip(model.coefs_[:-1], model.intercepts_[:-1], strict=True):
            found = np.maximum(found @ weight + shift, 0)
        return np.asarray(found @ model.coefs_[-1] + model.intercepts_[-1], dtype=np.float64)[:, 0]


def _as_many(rows: int, size: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return `size` positions: each row as often as the others, the rest at random."""
    whole = np.tile(np.arange(rows), size // rows)
    return np.concatenate([whole, rng.permutation(rows)[: size - len(whole)]])
