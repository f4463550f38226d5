"""What the sentences about problems share: excess, noise, shares in points."""

from __future__ import annotations

from twinset.protocols import Result

__all__ = ["over", "points", "ratio"]


def points(share: float) -> str:
    """Write a share in points: "6.1", "0.04"."""
    value = abs(100 * share)
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def over(result: Result) -> tuple[float, float]:
    """Return excess and noise of a result."""
    value = result.value or 0.0
    least = (
        1 / max(result.estimate.n, 1) if result.estimate else 1e-9
    )  # one row, where none scatter
    noise = max(result.noise or 0.0, least)
    if result.direction == "target":
        return abs(value - result.params.get("target", 0.0)), noise
    expected = float(result.params.get("expected", result.reference or 0.0))
    return abs(value - expected), noise


def ratio(result: Result) -> float:
    """Return excess over noise."""
    excess, noise = over(result)
    return excess / noise
