"""Monte Carlo, plagiarism index and local likelihood against their definitions."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from twinset.attacks.dpi import Dpi
from twinset.attacks.gen_lra import GenLra
from twinset.attacks.logan import Logan
from twinset.attacks.mc import MonteCarlo
from twinset.attacks.yeom import Yeom
from twinset.checks.tables import learnable_table
from twinset.protocols import Records
from twinset.stats.density import Decorrelated
from twinset.stats.neighbours import distances, squared_distances
from twinset.stats.records import concatenate, encode


def world(*sizes, seed=3):
    table = learnable_table(sum(sizes), seed=seed)
    edges = np.cumsum([0, *sizes])
    return encode([table.take(np.arange(a, b)) for a, b in pairwise(edges)])


def run(attack, targets, release, auxiliary):
    return attack.score(targets, release, auxiliary=auxiliary, rng=np.random.default_rng(0))


def test_squared_distances_are_those_of_a_plain_loop():
    rng = np.random.default_rng(0)
    for d, n, m in ((3, 300, 1_100), (24, 5, 7), (1, 1, 1)):
        x, c = (rng.normal(size=(k, d)).astype(np.float32) for k in (n, m))
        plain = ((x[:, None].astype(float) - c[None]) ** 2).sum(axis=-1)
        found = np.concatenate([b.copy() for _, b in squared_distances(x, c)])
        np.testing.assert_allclose(found, plain, atol=1e-4)
    assert [b.shape for _, b in squared_distances(np.zeros((2, 0), np.float32), c[:, :0])]


def test_monte_carlo_counts_the_ball():
    x, s = world(60, 300)
    encode = Decorrelated(s, 24)
    apart = ((encode(x)[:, None].astype(float) - encode(s)[None]) ** 2).sum(axis=-1)
    radius = np.median(apart.min(axis=1))
    found = run(MonteCarlo(), x, s, None)
    assert np.abs(found * 300 - (apart <= radius).sum(axis=1)).max() <= 1  # one on the rim
    copied = run(MonteCarlo(), s.take(np.arange(50)), s.take(np.arange(50)), None)
    assert (copied == 1 / 50).all()  # radius 0: each finds itself


def test_plagiarism_index_counts_among_the_nearest_of_both():
    x, s, r = world(40, 200, 150)
    near = np.concatenate([distances(x, s), distances(x, r)], axis=1)
    cut = np.sort(near, axis=1)[:, 9, None]
    inside, outside = (near[:, :200] <= cut).sum(axis=1), (near[:, 200:] <= cut).sum(axis=1)
    capped = np.minimum(inside, 10), np.minimum(outside, 10)  # ties beyond k are not looked at
    plain = np.log((capped[0] + 0.5) / 200) - np.log((capped[1] + 0.5) / 150)
    np.testing.assert_allclose(run(Dpi(k=10), x, s, r), plain)


def test_local_likelihood_is_the_ratio_of_two_kernel_densities():
    x, s, r = world(8, 30, 40)
    attack = GenLra(k=12)
    encode = Decorrelated(concatenate([s, r]), attack.components)
    a, b, c = (encode(t).astype(float) for t in (x, s, r))
    h = attack.bandwidth * len(c) ** (-1 / (c.shape[1] + 4))

    def density(at, centres):
        return np.mean([stats.norm.pdf(at, m, h).prod(axis=-1) for m in centres], axis=0)

    plain = []
    for point in a:
        near = b[np.argsort(((b - point) ** 2).sum(axis=1))[:12]]
        joined = density(near, np.concatenate([c, point[None]]))
        plain.append((np.log(joined) - np.log(density(near, c))).sum())
    np.testing.assert_allclose(run(attack, x, s, r), plain, rtol=2e-3, atol=2e-3)


def test_density_of_the_release_is_the_plain_sum():
    x, s = world(12, 80)
    encode = Decorrelated(s, 24)
    a, b = (encode(t).astype(float) for t in (x, s))
    h = Yeom().bandwidth * 80 ** (-1 / (b.shape[1] + 4))
    square = ((a[:, None] - b[None]) ** 2).sum(axis=-1)
    plain = np.log(np.exp(-square / (2 * h * h)).mean(axis=1))
    near = plain > -80  # below, the plain sum itself is inexact
    assert near.sum() > 5
    np.testing.assert_allclose(run(Yeom(), x, s, None)[near], plain[near], rtol=1e-3, atol=1e-3)


def test_a_network_sees_a_smooth_difference():
    rng = np.random.default_rng(1)

    def rows(n, shift):
        v = rng.normal(size=(n, 2)) + shift
        return Records(v.astype(np.float32), np.zeros((n, 1), np.int32), values=v)

    s, r, x = rows(500, 1.0), rows(400, 0.0), rows(200, 0.5)
    found = run(Logan(width=16, epochs=15), x, s, r)
    assert stats.spearmanr(found, x.values.sum(axis=1)).statistic > 0.8


@pytest.mark.parametrize("attack", [Dpi(), GenLra(), Logan()])
def test_without_auxiliary_rows_nothing_is_claimed(attack):
    x, s = world(20, 30)
    assert (run(attack, x, s, None) == 0).all()
