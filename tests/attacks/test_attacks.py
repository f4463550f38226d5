"""Each attack against its definition on small worlds."""

import dataclasses
from typing import ClassVar

import numpy as np
import pytest

from twinset import registry
from twinset.attacks.dcr_difference import DcrDifference
from twinset.attacks.distance import Distance
from twinset.attacks.exact_match import ExactMatch
from twinset.attacks.exact_values import ExactValues
from twinset.checks.attack import check_attack
from twinset.protocols import Records, ThreatModel
from twinset.stats.density import Decorrelated, log_kernel_density
from twinset.stats.neighbours import distances
from twinset.stats.row_hash import fingerprints, near_unique


def rows(numbers, codes=None):
    """Records of one number column (used as its own scale) and code columns."""
    values = np.asarray(numbers, dtype=np.float64).reshape(len(numbers), -1)
    levels = np.zeros((len(values), 1)) if codes is None else np.reshape(codes, (len(values), -1))
    scaled = (values / max(np.nanmax(np.abs(values)), 1)).astype(np.float32)
    return Records(scaled, levels.astype(np.int32), values=values)


def auc(scores, members):
    a, b = scores[:members], scores[members:]
    return (a[:, None] > b[None, :]).mean() + (a[:, None] == b[None, :]).mean() / 2


def run(attack, targets, release, auxiliary):
    return attack.score(targets, release, auxiliary=auxiliary, rng=np.random.default_rng(0))


@pytest.mark.slow
@pytest.mark.parametrize("name", registry.names("attacks"))
def test_every_attack_keeps_the_promises(name):
    check_attack(registry.load("attacks", name))


def test_distances_are_the_least_of_all():
    rng = np.random.default_rng(0)
    x, s, r = (rows(rng.normal(size=n), rng.integers(0, 3, n)) for n in (20, 50, 40))
    near = distances(x, s).min(axis=1)
    np.testing.assert_array_equal(run(Distance(), x, s, r), -near.astype(float))
    np.testing.assert_allclose(
        run(DcrDifference(), x, s, r), distances(x, r).min(axis=1) - near, atol=1e-6
    )


def test_exact_values_catch_independent_columns_that_copy_numbers_and_not_noisy_ones():
    rng = np.random.default_rng(1)
    members, others, known = (rng.lognormal(8, 2, (300, 3)).round(2) for _ in range(3))
    targets = rows(np.concatenate([members, others]))
    mixed = np.stack([rng.choice(members[:, j], 300) for j in range(3)], axis=1)
    noisy = (mixed * rng.normal(1, 0.05, mixed.shape)).round(2)
    assert auc(run(ExactValues(), targets, rows(mixed), rows(known)), 300) > 0.9
    assert abs(auc(run(ExactValues(), targets, rows(noisy), rows(known)), 300) - 0.5) < 0.07
    # rows are not copied, so attacks on rows see next to nothing
    assert auc(run(ExactMatch(), targets, rows(mixed), rows(known)), 300) < 0.55


def test_exact_match_prefers_whole_rows_to_rows_without_their_near_unique_columns():
    rng = np.random.default_rng(2)
    number, level = rng.normal(size=400), rng.integers(0, 1_000, 400)
    release = rows(number, level)
    copy, partial, absent = (number[0], level[0]), (99.0, level[1]), (98.0, 5_000)
    x = rows([copy[0], partial[0], absent[0]], [copy[1], partial[1], absent[1]])
    # the level column is near-unique at the default share, the number always is
    scores = run(ExactMatch(unique_share=0.9), x, release, rows(rng.normal(size=300)))
    assert scores[0] > scores[1] > scores[2] == 0


def test_density_equals_the_plain_sum():
    rng = np.random.default_rng(3)
    x, c = (rng.normal(size=(n, 3)).astype(np.float32) for n in (37, 1_300))
    square = ((x[:, None].astype(float) - c[None]) ** 2).sum(axis=-1)
    for h in (0.2, 1.0):
        plain = np.log(np.exp(-square / (2 * h * h)).mean(axis=1))
        np.testing.assert_allclose(log_kernel_density(x, c, h), plain, atol=1e-4)
    far = log_kernel_density(np.full((1, 3), 1e3, np.float32), c, 0.1)
    assert np.isfinite(far).all()


def test_decorrelated_columns_have_unit_covariance():
    rng = np.random.default_rng(4)
    base = rng.normal(size=2_000)
    r = rows(np.stack([base, base + rng.normal(size=2_000)], axis=1), (base > 0).astype(int))
    made = Decorrelated(r)(r)
    np.testing.assert_allclose(np.cov(made.T), np.eye(made.shape[1]), atol=0.01)


def test_fingerprints_are_equal_exactly_for_equal_rows():
    rng = np.random.default_rng(5)
    numbers, codes = rng.integers(0, 5, 3_000).astype(float), rng.integers(0, 50, (3_000, 2))
    numbers[:300] = np.nan
    r = rows(numbers, codes)
    made = fingerprints(r)
    keys = [(str(n), *c) for n, c in zip(numbers, codes.tolist(), strict=True)]
    assert len(set(keys)) == len(set(made.tolist()))
    assert len(set(zip(keys, made.tolist(), strict=True))) == len(set(keys))
    swapped = fingerprints(rows(numbers, codes[:, ::-1]))
    assert (made != swapped)[codes[:, 0] != codes[:, 1]].all()
    only_first = fingerprints(r, np.array([True, False, True]))
    assert len(set(only_first.tolist())) == 50


def test_near_unique_columns_are_found():
    rng = np.random.default_rng(6)
    r = rows(
        rng.normal(size=1_000), np.stack([rng.integers(0, n, 1_000) for n in (4, 900)], axis=1)
    )
    assert near_unique(r, 0.05).tolist() == [True, False, True]


@dataclasses.dataclass(frozen=True)
class Guess:
    """An attack that can be broken in several ways."""

    name: ClassVar[str] = "guess"
    threat_model: ClassVar[ThreatModel] = ThreatModel()
    way: str = "blind"

    def score(self, targets, release, *, auxiliary, rng):
        scores = Distance().score(targets, release, auxiliary=auxiliary, rng=rng)
        if self.way == "blind":
            return np.zeros(len(targets))
        if self.way == "nan":
            scores[0] = np.nan
        if self.way == "shape":
            return scores[:-1]
        if self.way == "clock":
            return scores + np.random.default_rng().normal(size=len(scores)) * 1e-6
        if self.way == "careless":
            targets.numeric[0] = 0.5
        if self.way == "order":
            return -np.arange(len(targets), dtype=float)
        return scores


@pytest.mark.parametrize(
    ("way", "promise"),
    [
        ("blind", "is caught"),
        ("nan", "finite"),
        ("shape", "one score per target"),
        ("clock", "same stream"),
        ("careless", "inputs alone"),
        ("order", "not told apart"),
    ],
)
def test_the_shipped_check_refuses_broken_attacks(way, promise):
    with pytest.raises(AssertionError, match=promise):
        check_attack(Guess(way))
    check_attack(Guess("sound"))
