"""Measures of whole rows are their definitions; their intervals and alarms are simulated."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pandas as pd
import pytest

from twinset import registry
from twinset.checks.twins import broken, world
from twinset.evidence.evidence import Evidence
from twinset.inputs import Options, read, read_like
from twinset.metrics.disco import Disco, _codes
from twinset.metrics.nnaa import _Distances
from twinset.metrics.pca import _compare, _moments
from twinset.metrics.spread import _alike, _bits
from twinset.protocols import Records
from twinset.stats.neighbours import distances
from twinset.stats.records import concatenate

METRICS = ("nnaa", "disco", "spread", "pca", "manifold")
NAMES = {
    m.name for n in METRICS for m in registry.load("metrics", n).measures
} - {"recall"}  # see tests/evaluation/test_coverage.py  # fmt: skip


def records(rng, n):
    codes = rng.integers(0, 3, (n, 2)).astype(np.int32)
    return Records(rng.random((n, 2)).astype(np.float32), codes)


def evidence(case, seed=0):
    return Evidence(
        case.train, case.synthetic, case.holdout, target=case.target,
        sensitive=case.sensitive, seed=seed,
    )  # fmt: skip


def test_nnaa_identifiability_and_nndr_are_their_definitions() -> None:
    rng = np.random.default_rng(0)
    train, holdout, release = (records(rng, 60) for _ in range(3))
    found = _Distances(concatenate([train, holdout]), release)
    for part, side in ((np.arange(120) < 60, train), (np.arange(120) >= 60, holdout)):
        inside, across = distances(side, side), distances(side, release)
        own = distances(release, release)
        np.fill_diagonal(inside, np.inf)
        np.fill_diagonal(own, np.inf)
        near = across.min(axis=1) < inside.min(axis=1)
        close = across.min(axis=0) < own.min(axis=1)
        two = np.sort(across, axis=0)[:2]
        expected = [(near.mean() + close.mean()) / 2, near.mean(), (two[0] / two[1]).mean()]
        assert found.figures(part) == pytest.approx(expected, abs=1e-6)


def test_disco_and_uniques_are_their_definitions() -> None:
    case = world(400, 0)
    made = evidence(broken("copies of train", case, np.random.default_rng(0)))
    results = Disco(keys=("flag", "count"), most=2).measure(made)
    frames = {s: pd.DataFrame(_codes(r)) for s, r in made.records().items()}
    keys, [uniques, *others] = ["flag", "count"], results
    train, release = frames["train"], frames["synthetic"]
    once = [set(g.index[g == 1]) for g in (train.value_counts(keys), release.value_counts(keys))]
    both = [tuple(k) in once[0] & once[1] for k in train[keys].to_numpy()]
    assert uniques.value == pytest.approx(np.mean(both))
    for result in others:
        [target] = result.columns
        for source, value in ((release, result.value), (train, result.params["dio"])):
            groups = source.groupby(keys)[target]
            sole = groups.first()[groups.nunique() == 1]
            told = pd.Series([sole.get(tuple(k), -9) for k in train[keys].to_numpy()])
            assert value == pytest.approx((told == train[target]).mean(), abs=1e-5)


def test_entropy_effective_rows_and_components_are_their_definitions() -> None:
    from scipy.stats import entropy

    rng = np.random.default_rng(0)
    counts = rng.integers(0, 9, 12)
    assert _bits(counts)[0] == pytest.approx(entropy(counts, base=2))
    few = records(rng, 40)
    apart = distances(few, few)
    assert _alike(few, 1.0)[0] == pytest.approx(1 / np.mean(np.exp(-apart) ** 2), rel=1e-5)
    a, b = rng.normal(size=(200, 3)) * [3, 2, 1], rng.normal(size=(200, 3)) * [1, 2, 3]
    share, angle = _compare(_moments(a), _moments(b), 1)
    (p, v), (q, w) = (np.linalg.eigh(np.cov(x.T, bias=True)) for x in (a, b))
    assert share[0] == pytest.approx(q[-1] / q.sum() - p[-1] / p.sum())
    assert angle[0] == pytest.approx(np.degrees(np.arccos(abs(v[:, -1] @ w[:, -1]))))


def test_entropy_of_fresh_numbers_is_not_less() -> None:
    """Bins of equal mass in train would give train the largest entropy: every release is less."""
    rng, gaps, worse = np.random.default_rng(0), [], 0
    for seed in range(20):
        frames = [pd.DataFrame(rng.normal(size=(400, 6)), columns=list("abcdef")) for _ in "thr"]
        train = read(frames[0], Options())[1].only
        others = (read_like(f, train, Options()) for f in frames[1:])
        results = registry.configure("metrics", "spread").measure(
            Evidence(train, *others, seed=seed)
        )
        mine = [r for r in results if r.name == "entropy_difference"]
        gaps += [r.value for r in mine]
        worse += any(r.verdict == "worse" for r in mine)
    assert abs(np.mean(gaps)) < 3 * np.std(gaps) / len(gaps) ** 0.5
    assert worse <= 4


@pytest.mark.parametrize(
    ("defect", "names"),
    [
        ("copies of train", {"nnaa_privacy_loss", "identifiability", "nndr", "disco",
                             "replicated_uniques"}),
        ("repeated rows", {"recall", "coverage", "entropy_difference", "beta_recall"}),
        ("shuffled columns", {"pca_eigenvalue_difference", "precision", "density"}),
    ],
)  # fmt: skip
def test_a_broken_release_is_told(defect, names) -> None:
    made = evidence(broken(defect, world(500, 0), np.random.default_rng(0)))
    found = [r for n in METRICS for r in registry.configure("metrics", n).measure(made)]
    assert names <= {r.name for r in found if r.verdict == "worse"}


@pytest.mark.slow
def test_intervals_hold_and_alarms_are_rare() -> None:
    """60 fresh releases of 200 rows: intervals hold the mean figure, few are called worse."""
    drawn = defaultdict(list)
    for seed in range(60):
        made = evidence(world(200, 500 + seed), seed)
        for name in METRICS:
            for r in registry.configure("metrics", name).measure(made):
                if r.name in NAMES:
                    drawn[r.name, r.columns, r.params.get("component")].append(r)
    held, worse = defaultdict(list), defaultdict(list)
    for (name, *_), found in drawn.items():
        true = float(np.mean([r.value for r in found]))
        held[name] += [r.estimate.low <= true <= r.estimate.high for r in found]
        worse[name] += [r.verdict == "worse" for r in found]
    assert set(held) == NAMES
    low = {n: np.mean(h) for n, h in held.items() if np.mean(h) < 0.88}
    often = {n: np.mean(w) for n, w in worse.items() if np.mean(w) > 0.09}
    assert not low, low
    assert not often, often
