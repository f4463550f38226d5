"""Tables of counts drawn anew: what chance gives, and how far a figure scatters."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from twinset.evidence.coded import Side

__all__ = ["draw_counts"]

Floats = npt.NDArray[np.float64]


def draw_counts(
    counts: Mapping[Side, Floats],
    figure: Callable[[Floats, Floats], Floats],
    effect: float,
    draws: int,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Return a figure of train and synthetic by chance, and about what it is, shape (draws,) each.

    Parameters
    ----------
    counts
        Shape (cells,) for each side; chance draws both tables from train and holdout together.
    figure
        Maps counts of train and of synthetic, shape (..., cells), to the figure.
    effect
        Design effect of units: tables are drawn as many times smaller.
    """
    real = counts["train"] + counts.get("holdout", 0.0)

    def draw(side: Side, of: Floats) -> Floats:
        number = max(round(counts[side].sum() / effect), 1)
        return rng.multinomial(number, of / of.sum(), size=draws).astype(np.float64)

    chance = figure(draw("train", real), draw("synthetic", real))
    return chance, figure(*(draw(s, counts[s]) for s in ("train", "synthetic")))
