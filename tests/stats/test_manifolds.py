"""Precision and recall are their definitions, their noise is their scatter, defects are caught."""

from __future__ import annotations

import numpy as np
import pytest

from twinset.stats.manifolds import FIGURES, Manifolds, jackknife


def apart(a, b):
    return np.abs(a[:, None] - b[None]).sum(axis=2).astype(np.float32)


def manifolds(train, release, fresh):
    pool = np.concatenate([release, fresh])
    return Manifolds(apart(train, train), apart(train, pool), apart(pool, pool))


def by_definition(train, release, k=5):
    """Each formula as it stands in its paper, row by row."""

    def radius(rows):
        return np.sort(apart(rows, rows), axis=1)[:, k]  # the row itself is the first

    across, r, s = apart(train, release), radius(train), radius(release)
    precision = np.mean([(across[:, j] <= r).any() for j in range(len(release))])
    recall = np.mean([(across[i] <= s).any() for i in range(len(train))])
    density = np.mean([(across[:, j] <= r).sum() / k for j in range(len(release))])
    coverage = np.mean([across[i].min() <= r[i] for i in range(len(train))])
    steps = (np.arange(50) + 0.5) / 50
    own, far = apart(train, train).sum(axis=1) / (len(train) - 1), across.mean(axis=0)
    level = np.array([np.mean(own <= f) for f in far])
    central = apart(release, release).sum(axis=1)
    rank = np.array([np.mean(central <= c) for c in central])
    first = [
        rank[across[i].argmin()] if across[i].min() <= r[i] else np.inf for i in range(len(train))
    ]
    alpha = 1 - 2 * np.mean([abs(np.mean(level <= a) - a) for a in steps])
    beta = 1 - 2 * np.mean([abs(np.mean(np.array(first) <= b) - b) for b in steps])
    return np.array([precision, recall, density, coverage, alpha, beta])


def draw(rng, n=150):
    return rng.normal(size=(n, 3))


def test_figures_are_their_definitions() -> None:
    rng = np.random.default_rng(0)
    train, release, fresh = draw(rng), draw(rng) * 0.7, draw(rng)
    made = manifolds(train, release, fresh)
    first = np.arange(300) < 150
    assert made.figures(first) == pytest.approx(by_definition(train, release), abs=1e-6)
    assert made.figures(~first) == pytest.approx(by_definition(train, fresh), abs=1e-6)
    # any other part too: labels are dealt anew without a new distance
    part = rng.permutation(first)
    dealt = np.concatenate([release, fresh])[part]
    assert made.figures(part) == pytest.approx(by_definition(train, dealt), abs=1e-6)


@pytest.mark.parametrize(
    ("spoil", "falls"),
    [
        (lambda x: x * 3, {"precision", "density", "alpha_precision"}),  # rows where none are
        (lambda x: x * 0.3, {"recall", "coverage", "alpha_precision", "beta_recall"}),
        (lambda x: x[np.arange(len(x)) % 5], {"recall", "coverage", "beta_recall"}),  # five rows
        (lambda x: np.where(x[:, :1] > 0, -x, x), {"recall", "coverage"}),  # half of the space
    ],
)
def test_a_broken_release_falls(spoil, falls) -> None:
    rng = np.random.default_rng(1)
    train, fresh = draw(rng), draw(rng)
    release = spoil(draw(rng))
    made = manifolds(train, release, fresh)
    first = np.arange(300) < 150
    lost = made.figures(~first) - made.figures(first)
    deals = [rng.permutation(first) for _ in range(40)]
    sd = np.std([made.figures(d) - made.figures(~d) for d in deals], axis=0)
    z = dict(zip(FIGURES, lost / sd, strict=True))
    assert all(z[name] > 3 for name in falls), z


def test_dealing_gives_the_scatter_of_fresh_samples() -> None:
    """The standard deviation by dealing is that of the difference of fresh samples."""
    rng = np.random.default_rng(2)
    first = np.arange(200) < 100
    gaps, dealt = [], []
    for _ in range(60):
        made = manifolds(*(draw(rng, 100) for _ in range(3)))
        gaps.append(made.figures(first) - made.figures(~first))
        deals = [rng.permutation(first) for _ in range(20)]
        dealt.append(np.var([made.figures(d) - made.figures(~d) for d in deals], axis=0))
    ratio = np.std(gaps, axis=0) / np.sqrt(np.mean(dealt, axis=0))
    assert ((ratio > 0.75) & (ratio < 1.3)).all(), ratio


def test_the_jackknife_is_the_scatter_of_the_figures() -> None:
    """Both tables are drawn anew; a release that differs, so that nothing is at its end.

    With tails as light as these it is too wide for recall, never too narrow.
    """
    rng = np.random.default_rng(3)
    values, variances = [], []
    first = np.arange(300) < 150
    for _ in range(50):
        train, release, fresh = draw(rng), draw(rng) * 1.5, draw(rng)
        values.append(manifolds(train, release, fresh).figures(first))
        own = apart(train, train), apart(train, release), apart(release, release)
        variances.append(jackknife(*own, rng=rng))
    ratio = np.sqrt(np.mean(variances, axis=0)) / np.std(values, axis=0)
    assert ((ratio > 0.75) & (ratio < 2.3)).all(), ratio
