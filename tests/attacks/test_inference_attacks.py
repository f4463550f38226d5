"""Attribute inference, reconstruction, linkage and singling out on small worlds."""

import dataclasses
from typing import ClassVar

import numpy as np
import pytest

from twinset.attacks.attribute_ball import AttributeBall
from twinset.attacks.attribute_nearest import AttributeNearest
from twinset.attacks.attribute_yeom import AttributeYeom
from twinset.attacks.cap import Cap
from twinset.attacks.linear_reconstruction import LinearReconstruction, to_simplex
from twinset.attacks.linkability import Linkability
from twinset.attacks.singling_out import SinglingOut
from twinset.auditing.inference_attacks import linked, secret_levels
from twinset.checks.attack import check_attack
from twinset.protocols import Predicates, Records, ThreatModel
from twinset.stats.density import Decorrelated
from twinset.stats.neighbours import distances
from twinset.stats.queries import columns_of, count_rows
from twinset.stats.records import pick


def rows(numbers, codes):
    values = np.asarray(numbers, dtype=np.float64).reshape(len(numbers), -1)
    scaled = (values / max(np.nanmax(np.abs(values), initial=1), 1)).astype(np.float32)
    return Records(scaled, np.asarray(codes, np.int32).reshape(len(values), -1), values=values)


def mixed(n, rng, levels=5):
    numbers = rng.normal(size=(n, 2))
    numbers[rng.random(n) < 0.1, 0] = np.nan
    return rows(numbers, rng.integers(0, levels, (n, 3)))


def test_nearest_rows_vote():
    rng = np.random.default_rng(0)
    x, s, secret = mixed(30, rng), mixed(80, rng), rng.integers(0, 4, 80)
    attack = AttributeNearest(k=3)
    found = attack.guess(x, s, secret, 4, rng=rng)
    near = distances(x, s)
    for i in range(30):
        best = np.lexsort((np.arange(80), near[i]))[:3]
        votes = np.bincount(secret[best], 1 / (near[i, best] + attack.offset), minlength=4)
        np.testing.assert_allclose(found[i], votes / votes.sum(), rtol=1e-5)


def test_a_ball_votes():
    rng = np.random.default_rng(8)
    x, s, secret = mixed(30, rng), mixed(80, rng), rng.integers(0, 4, 80)
    found = AttributeBall(k=80).guess(x, s, secret, 4, rng=rng)
    near = distances(x, s)
    inside = near <= np.median(near.min(axis=1))
    assert (inside.sum(axis=1) == 0).any()
    for i in range(30):
        votes = np.bincount(secret[inside[i]], minlength=4) + np.bincount(secret, minlength=4) / 80
        np.testing.assert_allclose(found[i], votes / votes.sum())


def test_the_least_loss_weighted_by_the_prior_is_a_posterior():
    rng = np.random.default_rng(9)
    x, s = mixed(20, rng), mixed(90, rng)
    secret = rng.choice(3, 90, p=[0.7, 0.2, 0.1])
    attack = AttributeYeom(bandwidth=1.0)
    found = attack.guess(x, s, secret, 4, rng=rng)
    encode = Decorrelated(s, attack.components)
    a, b = (encode(t).astype(float) for t in (x, s))
    h = 90 ** (-1 / (b.shape[1] + 4))
    kernel = np.exp(-((a[:, None] - b[None]) ** 2).sum(axis=-1) / (2 * h * h))
    joint = np.stack([kernel[:, secret == v].sum(axis=1) for v in range(4)], axis=1)
    np.testing.assert_allclose(found, joint / joint.sum(axis=1, keepdims=True), atol=2e-3)
    assert (found[:, 3] == 0).all()


@pytest.mark.parametrize("levels", [2, 6])
def test_cap_is_its_definition(levels):
    """Row by row: of the synthetic rows that agree in the most keys, the share of each secret."""
    rng = np.random.default_rng(10)
    x, s = mixed(60, rng, levels), mixed(90, rng, levels)
    secret = rng.integers(0, 3, 90)
    attack = Cap(width=3, bins=4)
    found, matched = attack.attributed(x, s, secret, 3)

    def cells(records):
        binned = np.floor(np.minimum(records.numeric, 1 - 1e-6) * 4)
        return np.concatenate([np.nan_to_num(binned, nan=99), records.codes], axis=1)

    a, b = cells(x), cells(s)
    share = [np.unique(c, return_counts=True)[1] / 90 for c in b.T]
    keys = np.argsort([(p * np.log(p)).sum() for p in share], kind="stable")[:3]
    agree = (a[:, None, keys] == b[None][:, :, keys]).sum(axis=2)
    for i in range(60):
        best = agree[i] == agree[i].max()
        np.testing.assert_allclose(found[i], np.bincount(secret[best], minlength=3) / best.sum())
        assert matched[i] == (agree[i].max() == 3)
    assert 0 < matched.sum() < 60


def test_cap_without_keys_is_the_share_of_the_whole_release():
    rng = np.random.default_rng(11)
    x, s, secret = mixed(5, rng), mixed(40, rng), rng.integers(0, 3, 40)
    found, matched = Cap(width=0).attributed(x, s, secret, 3)
    np.testing.assert_allclose(found, np.tile(np.bincount(secret, minlength=3) / 40, (5, 1)))
    assert matched.all()


@pytest.mark.parametrize(("times", "least"), [(1, 0.75), (10, 0.95), (100, 0.99)])
def test_reconstruction_of_a_bootstrap_grows_with_its_rows(times, least):
    """A secret dealt at random: what is right beyond a half is leaked, not inferred."""
    rng = np.random.default_rng(1)
    n = 500
    known = rows(rng.normal(size=(n, 3)), rng.integers(0, 6, (n, 8)))
    secret, drawn = rng.integers(0, 2, n), rng.integers(0, n, n * times)
    attack = LinearReconstruction()
    right = attack.guess(known, known.take(drawn), secret[drawn], 2, rng=rng).argmax(axis=1)
    assert (right == secret).mean() > least
    fresh = rng.integers(0, 2, n * times)
    none = attack.guess(known, known.take(drawn), fresh, 2, rng=rng).argmax(axis=1)
    assert abs((none == secret).mean() - 0.5) < 0.11


def test_reconstruction_of_several_classes_is_exact_where_counts_are():
    rng = np.random.default_rng(2)
    known = rows(np.zeros((200, 0)), rng.integers(0, 5, (200, 7)))
    secret = rng.integers(0, 4, 200)
    found = LinearReconstruction(steps=2_000).guess(known, known, secret, 4, rng=rng)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-9)
    distinct = np.unique(known.codes, axis=0, return_counts=True)[1].max() == 1
    assert distinct
    assert (found.argmax(axis=1) == secret).mean() == 1


def test_projection_onto_the_simplex_is_the_nearest_point():
    rng = np.random.default_rng(3)
    points = rng.normal(size=(50, 3)) * 2
    made = to_simplex(points)
    grid = rng.dirichlet(np.ones(3), 20_000)
    for p, q in zip(points, made, strict=True):
        assert q.sum() == pytest.approx(1)
        assert (q >= 0).all()
        assert ((p - q) ** 2).sum() <= ((p - grid) ** 2).sum(axis=1).min() + 1e-9


def test_bridges_are_the_shortest():
    rng = np.random.default_rng(4)
    people, s = mixed(12, rng), mixed(40, rng)
    sides = [[0, 2], [1, 3, 4]]
    left, right = (pick(people, c) for c in sides)
    there = [pick(s, c) for c in sides]
    found = Linkability(k=40).link(left, right, *there, rng=rng)
    a, b = distances(left, there[0]), distances(right, there[1])
    plain = -(a[:, None, :] + b[None, :, :]).min(axis=2)
    np.testing.assert_allclose(found, plain, atol=1e-6)


def test_links_are_counted_with_ties_dealt_at_random():
    scores = np.array([[2.0, 1.0, 0.0], [3.0, 3.0, 1.0], [5.0, 0.0, 4.0]])
    np.testing.assert_allclose(linked(scores), [1, 1 / 2, 0])
    assert linked(np.zeros((4, 4))).sum() == 1


def test_predicates_are_counted_row_by_row():
    rng = np.random.default_rng(5)
    people = mixed(60, rng)
    columns = rng.integers(-1, 5, (40, 2))
    low = rng.integers(-1, 3, (40, 2)).astype(float)
    high = low + rng.integers(0, 3, (40, 2))
    values = columns_of(people)
    plain = [
        sum(
            all(
                c < 0 or low[i, w] <= values[c, row] <= high[i, w] for w, c in enumerate(columns[i])
            )
            for row in range(60)
        )
        for i in range(40)
    ]
    assert count_rows(Predicates(columns, low, high), people).tolist() == plain


def test_descriptions_fit_one_synthetic_row_each():
    rng = np.random.default_rng(6)
    s = mixed(300, rng)
    made = SinglingOut().predicates(s, [0, 1, 3], 100, rng=rng)
    assert 20 < len(made) <= 100
    assert (count_rows(made, s) == 1).all()
    assert len(np.unique(np.concatenate([made.low, made.high], axis=1), axis=0)) == len(made)
    doubled = s.take(np.repeat(np.arange(300), 2))
    assert len(SinglingOut().predicates(doubled, [1, 3], 50, rng=rng)) == 0


def test_secrets_are_cut_by_the_first_side():
    rng = np.random.default_rng(7)
    known, people = mixed(400, rng, levels=30), mixed(50, rng, levels=60)
    number = secret_levels([known, people], 0)
    assert np.bincount(number[0]).max() < 400 / 6
    assert (number[1][np.isnan(people.numeric[:, 0])] == number[0].max()).all()
    level = secret_levels([known, people], 2)
    assert max(v.max() for v in level) <= 11
    assert (level[1][people.codes[:, 0] >= 30] == 11).all()


@dataclasses.dataclass(frozen=True)
class Told:
    """A guess that can be broken in several ways."""

    name: ClassVar[str] = "told"
    threat_model: ClassVar[ThreatModel] = ThreatModel(data="none", goal="attribute")
    way: str = "sound"

    def guess(self, known, release, secret, levels, *, rng):
        found = AttributeNearest(k=1).guess(known, release, secret, levels, rng=rng)
        if self.way == "blind":
            return np.zeros_like(found)
        if self.way == "shape":
            return found[:-1]
        if self.way == "nan":
            return found * np.nan
        return found + np.random.default_rng().random(found.shape) * (self.way == "clock")


@pytest.mark.parametrize(
    ("way", "promise"),
    [("blind", "is caught"), ("shape", "one score"), ("nan", "finite"), ("clock", "same stream")],
)
def test_the_shipped_check_refuses_broken_guesses(way, promise):
    with pytest.raises(AssertionError, match=promise):
        check_attack(Told(way))
    check_attack(Told())


@dataclasses.dataclass(frozen=True)
class _AllPairs(Linkability):
    name: ClassVar[str] = "all_pairs"

    def link(self, left, right, release_left, release_right, *, rng):
        return np.zeros((len(left), len(right)))


@dataclasses.dataclass(frozen=True)
class _Elsewhere(SinglingOut):
    name: ClassVar[str] = "elsewhere"

    def predicates(self, release, columns, number, *, rng):
        return super().predicates(release, [0, 2], number, rng=rng)


@pytest.mark.parametrize(
    ("attack", "promise"), [(_AllPairs(), "is caught"), (_Elsewhere(), "columns they were asked")]
)
def test_the_shipped_check_refuses_broken_links_and_descriptions(attack, promise):
    with pytest.raises(AssertionError, match=promise):
        check_attack(attack)
