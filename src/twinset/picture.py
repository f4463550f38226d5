"""Shares of two or three tables as one small SVG picture that stands by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from twinset.table.atomic import atomic_write

__all__ = ["Picture", "draw"]

WIDTH, HEIGHT = 480, 220
_LEFT, _TOP, _BOTTOM = 8, 42, 26
_BAR = 22
_NAMES = 150
# blue and orange stay apart in all common colour blindness; the third is told by its dashes
_LOOKS = (
    'fill="#9ecae1"',
    'fill="none" stroke="#d95f02" stroke-width="2"',
    'fill="none" stroke="#555" stroke-width="1.2" stroke-dasharray="3 2"',
)


@dataclass(frozen=True)
class Picture:
    """An SVG picture; notebooks show it."""

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | Path) -> None:
        """Write the picture as an SVG file; it appears whole or not at all."""
        atomic_write(Path(path), self.svg)


def draw(
    title: str, labels: Sequence[str], series: Mapping[str, Sequence[float]], *, ordered: bool
) -> Picture:
    """Draw shares: the first table as areas, the others as lines on top of them.

    Parameters
    ----------
    labels
        Names of the bins.
    series
        Name of a table to its shares, one a bin; up to three tables.
    ordered
        Whether the bins are an axis (columns side by side) or categories (one below the other).
    """
    top = max([max(v, default=0.0) for v in series.values()] + [1e-12])
    height = _TOP + _BOTTOM + (HEIGHT - _TOP - _BOTTOM if ordered else _BAR * len(labels))
    parts = [_key(series), *(_columns if ordered else _rows)(labels, series, top)]
    described = "; ".join(
        f"{label}: " + ", ".join(f"{name} {v[i]:.1%}" for name, v in series.items())
        for i, label in enumerate(labels)
    )
    return Picture(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" font-family="sans-serif" font-size="12">'
        f"<title>{escape(title)}</title><desc>{escape(described)}</desc>"
        f'<rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="{_LEFT}" y="16" font-weight="bold">{escape(title)}</text>'
        f"{''.join(parts)}</svg>"
    )


def _key(series: Mapping[str, Sequence[float]]) -> str:
    parts = []
    for i, (name, look) in enumerate(zip(series, _LOOKS, strict=False)):
        x = _LEFT + 130 * i
        parts.append(f'<path d="M{x} 26h16v8h-16z" {look}/>')
        parts.append(f'<text x="{x + 22}" y="34">{escape(name)}</text>')
    return "".join(parts)


def _columns(labels: Sequence[str], series: Mapping[str, Sequence[float]], top: float) -> list[str]:
    room, base = HEIGHT - _TOP - _BOTTOM, HEIGHT - _BOTTOM
    step = (WIDTH - 2 * _LEFT) / max(len(labels), 1)
    parts = []
    for i, (shares, look) in enumerate(zip(series.values(), _LOOKS, strict=False)):
        path = "" if i == 0 else f"M{_LEFT} {base}"
        for j, share in enumerate(shares):
            left, right = _LEFT + j * step, _LEFT + (j + 1) * step
            y = base - room * share / top
            if i == 0:
                path += f"M{left:.1f} {base}V{y:.1f}H{right - 1:.1f}V{base}z"
            else:
                path += f"V{y:.1f}H{right:.1f}"
        parts.append(f'<path d="{path}{"" if i == 0 else f"V{base}"}" {look}/>')
    if labels:
        parts.append(f'<text x="{_LEFT}" y="{HEIGHT - 9}">{escape(labels[0])}</text>')
        parts.append(
            f'<text x="{WIDTH - _LEFT}" y="{HEIGHT - 9}" text-anchor="end">'
            f"{escape(labels[-1])}</text>"
        )
    return parts


def _rows(labels: Sequence[str], series: Mapping[str, Sequence[float]], top: float) -> list[str]:
    room = WIDTH - _NAMES - 2 * _LEFT
    parts = []
    for j, label in enumerate(labels):
        y = _TOP + _BAR * j
        shown = label if len(label) <= 22 else f"{label[:21]}…"
        parts.append(
            f'<text x="{_NAMES - 6}" y="{y + 14}" text-anchor="end">{escape(shown)}</text>'
        )
        for i, (shares, look) in enumerate(zip(series.values(), _LOOKS, strict=False)):
            wide = room * shares[j] / top
            parts.append(
                f'<path d="M{_NAMES} {y + 3 + 2 * i}h{wide:.1f}v{14 - 4 * i}h{-wide:.1f}z" {look}/>'
            )
    return parts
