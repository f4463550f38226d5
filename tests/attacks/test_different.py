"""Two attacks that rank targets alike on each of three releases count as one."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from twinset import registry
from twinset.auditing.shadow_learners import cross_fitted, deal_folds
from twinset.checks.tables import learnable_table
from twinset.generators.cart import Cart
from twinset.protocols import FitContext
from twinset.stats.neighbours import sharing
from twinset.stats.records import concatenate, encode
from twinset.stats.seeds import stream
from twinset.table.table import Table

ALIKE = 0.99
KINDS = ("bootstrap", "tenth", "cart")
SIDE, FITS, ROWS, TARGETS = 400, 60, 120, 4


def named(*goals, generator):
    found = []
    for name in registry.names("attacks"):
        threat = registry.load("attacks", name).threat_model
        if threat.goal in goals and threat.generator == generator:
            found.append(name)
    return found


def released(kind, train, fresh, rng):
    """Copies of rows, a tenth of copies among fresh rows, and a fit with small leaves."""
    n = train.num_rows
    if kind == "bootstrap":
        return train.take(rng.integers(0, n, n))
    if kind == "cart":
        return Cart(leaf=2, trees=10).fit(train, context=FitContext(train, rng)).sample(n, rng=rng)
    parts = [train.data.slice(0, n // 10), fresh.data.slice(n // 10, n - n // 10)]
    return Table(train.schema, pa.concat_tables(parts))


def world(seed=3):
    table = learnable_table(4 * SIDE, seed=seed)
    return [table.take(np.arange(i * SIDE, (i + 1) * SIDE)) for i in range(4)]


def encoded(kind):
    """Encode targets, known rows and the release on one scale."""
    train, others, fresh, known = world()
    release = released(kind, train, fresh, np.random.default_rng(2))
    x, n, r, s = encode([train, others, known, release], reference=[2, 3])
    return concatenate([x, n]), r, s


def membership(kind, names):
    targets, known, release = encoded(kind)
    with sharing():
        return [
            registry.configure("attacks", n).score(
                targets, release, auxiliary=known, rng=stream(0, n)
            )
            for n in names
        ]


def attribute(kind, names):
    targets, _, release = encoded(kind)
    secret = release.codes[:, 0].astype(np.int64)  # and still known: the harder case to be apart
    return [
        registry.configure("attacks", n)
        .guess(targets, release, secret, int(secret.max()) + 1, rng=stream(0, n))
        .ravel()
        for n in names
    ]


def shadow(kind, names):
    people = learnable_table(SIDE + ROWS, seed=5)
    known = learnable_table(SIDE, seed=6)
    kept, members = {n: [] for n in names}, []
    for fit in range(FITS):
        rng = stream(fit, "different", kind)
        inside = rng.random(TARGETS) < 0.5
        others = TARGETS + rng.permutation(SIDE - TARGETS)
        rows = np.concatenate([np.flatnonzero(inside), others[: ROWS - int(inside.sum())]])
        fresh = people.take(SIDE + np.arange(ROWS))
        release = released(kind, people.take(np.sort(rows)), fresh, rng)
        x, r, s = encode([people.take(np.arange(TARGETS)), known, release], reference=[1])
        for n in names:
            kept[n].append(registry.configure("attacks", n).describe(x, s, auxiliary=r))
        members.append(inside)
    flags, folds = np.stack(members), deal_folds(FITS, stream(0, "folds"))
    return [
        cross_fitted(
            np.stack(kept[n]).astype(float), flags, folds, registry.load("attacks", n).learner
        ).ravel()
        for n in names
    ]


FAMILIES = {
    "membership": (membership, named("membership", generator="no-box")),
    "attribute": (attribute, named("attribute", "reconstruction", generator="no-box")),
    "shadow": (shadow, named("membership", generator="black-box")),
}


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_no_two_attacks_are_the_same(family):
    score, names = FAMILIES[family]
    ranks = [np.abs(stats.spearmanr(np.stack(score(k, names), axis=1)).statistic) for k in KINDS]
    assert len(names) >= 4
    for i, one in enumerate(names):
        for j, two in enumerate(names[:i]):
            assert min(r[i, j] for r in ranks) < ALIKE, (one, two)


def test_the_rule_finds_a_twin():
    """An attack under another name, in other units, is the same attack."""
    for kind in KINDS:
        one, two = membership(kind, ["distance", "distance"])
        assert stats.spearmanr(one, 3 * np.exp(two)).statistic > ALIKE
