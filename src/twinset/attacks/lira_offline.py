"""LiRA without fits on the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from twinset.protocols import Records, ThreatModel
from twinset.stats.density import Decorrelated, log_kernel_density

__all__ = ["LiraOffline"]


@dataclass(frozen=True)
class LiraOffline:
    """How unusual the density of the release at x would be had x not been in.

    ``P[N(mu_out, s_out^2) <= phi]`` (Carlini et al. 2022, eq. 7), where phi is the log kernel
    density at x on principal components of the adversary's rows. The adversary fits shadow models
    once, before he knows his targets.

    Parameters
    ----------
    components
        Principal components kept.
    bandwidth
        Bandwidth of the kernel, in standard deviations of a component.
    """

    name: ClassVar[str] = "lira_offline"
    title: ClassVar[str] = "Likelihood (LiRA, offline)"
    meaning: ClassVar[str] = "Fits without the record: is the density at it unusual?"
    learner: ClassVar[Literal["offline"]] = "offline"
    threat_model: ClassVar[ThreatModel] = ThreatModel(generator="black-box")

    components: int = 16
    bandwidth: float = 0.35

    def describe(
        self, targets: Records, release: Records, *, auxiliary: Records
    ) -> npt.NDArray[np.float32]:
        """Return shape (targets, 1)."""
        encode = Decorrelated(auxiliary, self.components)
        return log_kernel_density(encode(targets), encode(release), self.bandwidth)[:, None]
