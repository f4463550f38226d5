"""Attribute inference by the density of the target with each value in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twinset.protocols import Records, ThreatModel
from twinset.protocols.attacks import Rng, Scores
from twinset.stats.density import decorrelate, log_kernel_density, scott

__all__ = ["AttributeYeom"]


@dataclass(frozen=True)
class AttributeYeom:
    """Guess the value v with which x has the least loss, weighted by how common v is.

    Yeom et al. 2018 (section 4.2): the adversary tries each value of the secret and weighs the loss
    by the prior. Here the loss is ``-log p_S(x | v)``, a Gaussian kernel around the synthetic rows
    that have v, on principal components of what is known; the prior is the share of v in S.

    Parameters
    ----------
    components
        Principal components kept.
    bandwidth
        Bandwidth as a multiple of Scott's.
    rows
        Rows of the release used at most.
    """

    name: ClassVar[str] = "attribute_yeom"
    title: ClassVar[str] = "Likelihood (Yeom)"
    meaning: ClassVar[str] = "The value with which the record is likeliest."
    threat_model: ClassVar[ThreatModel] = ThreatModel(data="none", goal="attribute")

    components: int = 16
    bandwidth: float = 0.5
    rows: int = 2_500

    def guess(
        self,
        known: Records,
        release: Records,
        secret: npt.NDArray[np.int64],
        levels: int,
        *,
        rng: Rng,
    ) -> Scores:
        """Return shape (targets, levels): probabilities; 0 of what the release does not hold."""
        chosen = np.sort(rng.permutation(len(release))[: self.rows])
        told = secret[chosen]
        points, centres = decorrelate(known, release.take(chosen), self.components)
        h = scott(centres, self.bandwidth)
        weight = np.full((len(known), levels), -np.inf)
        for v, n in enumerate(np.bincount(told, minlength=levels)):
            if n:  # log of the sum of kernels, prior included
                weight[:, v] = log_kernel_density(points, centres[told == v], h) + np.log(n)
        share = np.exp(weight - weight.max(axis=1, keepdims=True))
        return np.asarray(share / share.sum(axis=1, keepdims=True), dtype=np.float64)
