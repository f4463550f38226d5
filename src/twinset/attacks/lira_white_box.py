"""LiRA on what the model itself says of the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from twinset.protocols import ThreatModel
from twinset.protocols.attacks import Scores

__all__ = ["LiraWhiteBox"]


@dataclass(frozen=True)
class LiraWhiteBox:
    """Likelihood ratio of the loss of x under the fitted model, less the mean train loss.

    The loss is ``-log p(x)`` of a model that can tell it. Yeom et al. 2018 (section 3.2) call x a
    member if it is at most the mean train loss; with a normal density of it for fits with x and one
    for fits without (Carlini et al. 2022, eq. 4) each target has a threshold of its own.
    """

    name: ClassVar[str] = "lira_white_box"
    title: ClassVar[str] = "Likelihood ratio (the model itself)"
    meaning: ClassVar[str] = (
        "Fits with and without the record: how likely the fitted model itself finds it."
    )
    learner: ClassVar[Literal["likelihood"]] = "likelihood"
    threat_model: ClassVar[ThreatModel] = ThreatModel(generator="white-box", release="with_model")

    def weigh(self, targets: npt.NDArray[np.float64], train: npt.NDArray[np.float64]) -> Scores:
        """Return shape (targets, 1): log probability above that of a train row."""
        return np.asarray((targets - train.mean())[:, None], dtype=np.float64)
