"""Several rows a person: what chance shows is that of persons, not of rows."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from twinset import registry
from twinset.evidence.evidence import Evidence
from twinset.stats.design_effect import Partners
from twinset.stats.unit_permutation import Deals, influence
from twinset.stats.units import UnitSums

DRAWS = 12


def patients(persons, rng, visits=4):
    """Visits of patients, about four each: some columns never change, some nearly, some freely."""
    unit = np.repeat(np.arange(persons), 1 + rng.poisson(visits - 1, persons))
    n = len(unit)
    region = rng.choice(list("abcdef"), persons, p=[0.3, 0.25, 0.2, 0.1, 0.1, 0.05])[unit]
    weight = rng.normal(75, 12, persons)
    height = rng.normal(170, 9, persons) + 0.3 * (weight - 75)
    mood = rng.normal(size=persons)[unit]
    visit = rng.choice(list("uvwx"), n, p=[0.4, 0.3, 0.2, 0.1])
    sick = rng.random(n) < 1 / (1 + np.exp(-mood - (visit == "u")))
    return pd.DataFrame(
        {
            "unit": unit.astype(str),
            "region": region,
            "weight": np.round(weight[unit] + rng.normal(0, 0.7, n), 1),
            "height": np.round(height[unit], 1),
            "visit": visit,
            "sick": np.where(sick, "y", "n"),
            "pulse": np.round(rng.normal(70 + 3 * mood, 8)),
        }
    )


def rewired(frame, rng, train):
    """In a quarter of the rows it depends on the visit alone whether one is sick."""
    chosen = rng.random(len(frame)) < 0.25
    known = frame["visit"].map({"u": "y", "v": "n", "w": "n", "x": "y"})
    return frame.assign(sick=frame["sick"].mask(chosen, known))


def verdicts(build, metrics, spoil=None, *, persons=600, visits=4, draws=DRAWS):
    """Every verdict of some releases: (measure, columns, verdict)."""
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        train, release, holdout = (patients(persons, rng, visits) for _ in range(3))
        release = release if spoil is None else spoil(release, rng, train)
        tables = [build(t, unit="unit") for t in (train, release, holdout)]
        evidence = Evidence(*tables, seed=seed)
        for metric in metrics:
            for r in registry.configure("metrics", metric).measure(evidence):
                if r.verdict is not None:
                    yield r.name, set(r.columns), r.verdict


def verdicts_of(found):
    return ((name, verdict) for name, _, verdict in found)


def test_pairs_of_honest_persons_are_within_noise(build) -> None:
    """With the largest effect of a column for all pairs, 40% of these were called better."""
    found = Counter(verdicts_of(verdicts(build, ["pairs"])))
    for name in ("pair_tvd", "dependence_tvd"):
        figures = sum(n for (what, _), n in found.items() if what == name)
        assert figures == DRAWS * 15
        for wrong in ("better", "worse"):
            assert found[name, wrong] <= 0.025 * figures, found


@pytest.mark.slow
@pytest.mark.parametrize(("persons", "visits"), [(20, 40), (120, 25)])
def test_pairs_of_few_persons_with_many_rows_are_within_noise(build, persons, visits) -> None:
    """31% were called worse: bins that one person holds, and cells that move with the person."""
    found = Counter(
        verdicts_of(verdicts(build, ["pairs"], persons=persons, visits=visits, draws=20))
    )
    for name in ("pair_tvd", "dependence_tvd"):
        figures = sum(n for (what, _), n in found.items() if what == name)
        assert figures == 20 * 15
        for wrong in ("better", "worse"):
            assert found[name, wrong] <= 0.03 * figures, found


@pytest.mark.slow
@pytest.mark.parametrize(("persons", "visits", "least"), [(20, 40, 7), (120, 25, DRAWS)])
def test_invented_dependence_is_found_though_persons_are_few(build, persons, visits, least) -> None:
    found = verdicts(build, ["pairs"], rewired, persons=persons, visits=visits)
    caught = [v for name, columns, v in found
              if name == "dependence_tvd" and columns == {"visit", "sick"}]  # fmt: skip
    assert caught.count("worse") >= least


def test_invented_dependence_is_found_though_persons_repeat(build) -> None:
    """It was missed where another column of the pair, or the pair's own margins, hardly change."""
    found = verdicts(build, ["pairs"], rewired)
    caught = [v for name, columns, v in found
              if name == "dependence_tvd" and columns == {"visit", "sick"}]  # fmt: skip
    assert len(caught) == DRAWS
    assert caught.count("worse") >= DRAWS - 1


@pytest.mark.slow
def test_sets_of_honest_persons_are_within_noise(build) -> None:
    found = Counter(verdicts_of(verdicts(build, ["triples", "kway"], draws=40)))
    figures = Counter()
    for (name, _), number in found.items():
        figures[name] += number
    wrong = {k: n / figures[k[0]] for k, n in found.items() if k[1] != "within_noise"}
    assert max(wrong.values(), default=0) <= 0.05, wrong


def clustered(rng, *, persons=400):
    units = np.repeat(np.arange(persons), rng.integers(1, 7, persons))
    a = rng.choice(5, persons)[units]  # never changes
    b = np.where(rng.random(len(units)) < 0.6, rng.choice(4, persons)[units], 0)
    c = rng.choice(3, len(units))  # free
    return units, a, b, c


def test_effect_of_a_set_is_that_of_the_sums_over_units() -> None:
    rng = np.random.default_rng(1)
    units, a, b, _ = clustered(rng)
    codes = a * 4 + b
    exact = UnitSums.of(codes, units, 20).effect(np.bincount(codes, minlength=20))
    assert Partners.of(units, rng).effect(codes, 20) == pytest.approx(exact, rel=1e-9)
    assert exact > 2


def test_effect_with_random_partners_is_close() -> None:
    """Units of 60 rows: 8 partners a row stand for 59."""
    rng = np.random.default_rng(2)
    units = np.repeat(np.arange(200), 60)
    codes = np.where(rng.random(len(units)) < 0.5, rng.choice(5, 200)[units], 0)
    exact = UnitSums.of(codes, units, 5).effect(np.bincount(codes, minlength=5))
    assert Partners.of(units, rng).effect(codes, 5) == pytest.approx(exact, rel=0.1)
    part = np.flatnonzero(rng.random(len(units)) < 0.25)  # rows drawn one by one
    thinned = Partners.of(units[part], rng, len(units) / len(part))
    assert thinned.effect(codes[part], 5) == pytest.approx(exact, rel=0.2)


def test_dependence_effect_is_the_scatter_of_what_margins_leave() -> None:
    """A constant column and a free one: their joint counts scatter by persons, their dependence
    by rows. Two that keep together do not."""
    rng = np.random.default_rng(3)
    for pair, joint in (((0, 2), (1.3, 3.0)), ((0, 1), (2.0, 5.0))):
        left, told, whole = [], [], []
        for _ in range(150):
            units, *columns = clustered(rng, persons=300)
            a, b = (columns[i] for i in pair)
            table = np.bincount(a * 4 + b, minlength=20).reshape(5, 4) / len(a)
            left.append((table - np.outer(table.sum(axis=1), table.sum(axis=0))) * len(a) ** 0.5)
            partners = Partners.of(units, rng)
            told.append(partners.dependence_effect(a, b, (5, 4)))
            whole.append(partners.effect(a * 4 + b, 20))
        mine = np.var(left, axis=0).sum()
        units, *columns = clustered(rng, persons=30_000)
        a, b = (columns[i] for i in pair)
        table = np.bincount(a * 4 + b, minlength=20).reshape(5, 4) / len(a)
        rows, cols = table.sum(axis=1), table.sum(axis=0)
        free = (rows * (1 - rows)).sum() * (cols * (1 - cols)).sum()  # of independent rows
        assert np.mean(told) == pytest.approx(max(mine / free, 1.0), rel=0.15)
        assert joint[0] < np.mean(whole) < joint[1]
        assert np.mean(told) < np.mean(whole) + 0.1


def test_influence_is_that_of_leaving_a_unit_out() -> None:
    """Against the expected distance of halves without it, by its formula."""
    rng = np.random.default_rng(6)
    units, a, b, _ = clustered(rng, persons=200)
    codes = a * 4 + b

    def expected(keep):
        ids = np.unique(units[keep], return_inverse=True)[1]
        held = np.zeros((ids.max() + 1, 20))
        np.add.at(held, (ids, codes[keep]), 1)
        own = held - np.outer(held.sum(axis=1), share)
        return np.sqrt((own**2).sum(axis=0)).sum() / len(codes) * np.sqrt(2 / np.pi)

    share = np.bincount(codes, minlength=20) / len(codes)
    found = influence(codes, units, np.ones(20, dtype=bool))
    whole = expected(units >= 0)
    gone = [whole - expected(units != u) for u in range(40)]
    assert found[:40] == pytest.approx(gone, rel=0.1, abs=1e-5)


def test_dealt_halves_scatter_like_fresh_tables() -> None:
    """The distance of two tables of persons: its mean and variance from halves of one pool."""
    rng = np.random.default_rng(7)
    told, fresh = [], []
    for _ in range(150):
        units, a, _, c = clustered(rng, persons=200)
        codes = a * 3 + c
        one, other = Deals.of(units, 64, rng).counts(codes, 15)
        halves = np.abs(one / one.sum(1)[:, None] - other / other.sum(1)[:, None]).sum(1) / 2
        told.append(Deals.of(units, 64, rng).variance(halves, (len(codes) // 2, len(codes) // 2)))
        first, second = (clustered(rng, persons=100) for _ in range(2))
        shares = [np.bincount(t[1] * 3 + t[3], minlength=15) / len(t[0]) for t in (first, second)]
        fresh.append(np.abs(shares[0] - shares[1]).sum() / 2)
    assert np.mean(told) == pytest.approx(np.var(fresh), rel=0.3)


def test_effects_along_a_number_are_those_of_each_share() -> None:
    rng = np.random.default_rng(4)
    units = np.repeat(np.arange(500), rng.integers(1, 7, 500))
    x = rng.normal(size=500)[units] + 0.05 * rng.normal(size=len(units))
    codes = np.searchsorted(np.quantile(x, np.arange(0.1, 0.95, 0.1)), x)
    codes[rng.random(len(x)) < 0.1] = -1  # unknown
    found = Partners.of(units, rng).cumulative_effects(codes, 10)
    known = codes >= 0
    for t in (0, 4, 8):
        below = (codes[known] <= t).astype(int)
        exact = UnitSums.of(below, units[known], 2).effect(np.bincount(below, minlength=2))
        assert found[t] == pytest.approx(exact, rel=1e-9)
    assert found.min() > 2


def test_numbers_of_honest_persons_are_within_noise(build) -> None:
    """Weight and height hardly change within a person: 8 of 40 releases had an alarm."""
    found = Counter(verdicts_of(verdicts(build, ["numbers", "tails", "coverage"], draws=20)))
    figures = Counter()
    for (name, _), number in found.items():
        figures[name] += number
    wrong = {k: n / figures[k[0]] for k, n in found.items() if k[1] != "within_noise"}
    assert max(wrong.values(), default=0) <= 0.025, wrong


def heavier(frame, rng, train):
    """Persons are four kilograms heavier."""
    return frame.assign(weight=frame["weight"] + 4)


def test_moved_numbers_are_found_though_persons_repeat(build) -> None:
    found = [v for name, columns, v in verdicts(build, ["numbers"], heavier)
             if name in ("wasserstein", "quantile_error") and columns == {"weight"}]  # fmt: skip
    assert len(found) == 2 * DRAWS
    assert found.count("worse") >= 0.9 * len(found)


@pytest.mark.slow
def test_near_copies_of_honest_persons_are_within_noise(build) -> None:
    """Visits of one patient are near the same train row together: 10% of these had an alarm."""
    found = Counter(verdicts_of(verdicts(build, ["dcr"], persons=250, draws=60)))
    assert found["near_copies", "worse"] <= 3, found  # 2.5% are 1.5
    assert sum(n for (name, _), n in found.items() if name == "near_copies") == 60


def leaked(frame, rng, train):
    """A tenth of the rows is that of train patients."""
    known = train[train["unit"].astype(int) < 25].assign(unit=lambda t: "t" + t["unit"])
    return pd.concat([frame.iloc[len(known) :], known], ignore_index=True)


def test_near_copies_of_leaked_persons_are_found(build) -> None:
    found = Counter(verdicts_of(verdicts(build, ["dcr"], leaked, persons=250)))
    assert found["near_copies", "worse"] >= DRAWS - 1, found
