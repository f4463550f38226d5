"""Coverage of intervals from several synthetic copies, each made in the way its rule is for."""

from __future__ import annotations

import math

import numpy as np
import pytest

from twinset.errors import InputError
from twinset.stats.combining_rules import combine

TIMES, ROWS, COPIES, TRUTH = 1_500, 200, 8, 3.0


def one_fit(rng, rows, copy_rows, copies):
    """Mean of copies drawn from a normal distribution that was fitted once."""
    real = rng.normal(TRUTH, 2, rows)
    drawn = rng.normal(real.mean(), real.std(ddof=1), (copies, copy_rows))
    return drawn.mean(axis=1), drawn.var(axis=1, ddof=1) / copy_rows


def fully(rng, rows, copy_rows, copies):
    """Each copy has parameters of its own, drawn from their posterior."""
    real = rng.normal(TRUTH, 2, rows)
    sd = real.std(ddof=1) * np.sqrt((rows - 1) / rng.chisquare(rows - 1, (copies, 1)))
    mean = rng.normal(real.mean(), sd / math.sqrt(rows))
    drawn = rng.normal(mean, sd, (copies, copy_rows))
    return drawn.mean(axis=1), drawn.var(axis=1, ddof=1) / copy_rows


def partially(rng, rows, copy_rows, copies):
    """The first half of the rows is replaced, the other half is real."""
    real = rng.normal(TRUTH, 2, rows)
    half = rows // 2
    replaced = real[:half]
    sd = replaced.std(ddof=1) * np.sqrt((half - 1) / rng.chisquare(half - 1, (copies, 1)))
    mean = rng.normal(replaced.mean(), sd / math.sqrt(half))
    drawn = np.concatenate(
        [rng.normal(mean, sd, (copies, half)), np.tile(real[half:], (copies, 1))], axis=1
    )
    return drawn.mean(axis=1), drawn.var(axis=1, ddof=1) / rows


MAKERS = {"one_fit": one_fit, "fully": fully, "partially": partially}


def coverage(make, made, copy_rows=ROWS, copies=COPIES):
    rng = np.random.default_rng(7)
    hit = 0
    for _ in range(TIMES):
        q, v = make(rng, ROWS, copy_rows, copies)
        found = combine(q, v, made=made, train_rows=ROWS, copy_rows=copy_rows)
        hit += found.low <= TRUTH <= found.high
    return hit / TIMES


@pytest.mark.parametrize(
    ("made", "copy_rows", "copies"),
    [
        ("one_fit", ROWS, COPIES),
        ("one_fit", 2 * ROWS, 1),
        ("one_fit", ROWS // 4, 3),
        ("fully", ROWS, COPIES),
        ("fully", ROWS, 30),
        ("partially", ROWS, COPIES),
        ("partially", ROWS, 2),
    ],
)
def test_intervals_cover(made, copy_rows, copies):
    """Within four standard errors of 95%; "fully" is on the safe side, far so with few copies."""
    found = coverage(MAKERS[made], made, copy_rows, copies)
    scatter = 4 * math.sqrt(0.95 * 0.05 / TIMES)
    assert found > 0.95 - scatter
    if made != "fully":
        assert found < 0.95 + scatter
    elif copies >= 30:
        assert found < 0.985


@pytest.mark.parametrize("make", [one_fit, fully])
def test_the_rule_must_fit_how_copies_were_made(make):
    """Large copies hide the error of the fit: the rule for partially synthetic ones misses it."""
    assert coverage(make, "partially", copy_rows=4 * ROWS, copies=30) < 0.85


def test_naive_intervals_are_too_narrow():
    rng = np.random.default_rng(7)
    hit = 0
    for _ in range(TIMES):
        q, v = one_fit(rng, ROWS, ROWS, 1)
        hit += abs(q[0] - TRUTH) < 1.96 * math.sqrt(v[0])
    assert hit / TIMES < 0.88


def test_formulas():
    q, v = [1.0, 2.0, 4.0], [0.5, 0.7, 0.6]
    b = np.var(q, ddof=1)
    full = combine(q, v, made="fully")
    assert full.total == pytest.approx(4 / 3 * b - 0.6)
    assert full.df == pytest.approx(2 * (1 - 0.6 / (4 / 3 * b)) ** 2 if 4 / 3 * b > 0.6 else 1)
    part = combine(q, v, made="partially")
    assert part.total == pytest.approx(0.6 + b / 3)
    assert part.df == pytest.approx(2 * (1 + 0.6 / (b / 3)) ** 2)
    once = combine(q, v, train_rows=100, copy_rows=50)
    assert once.total == pytest.approx(0.6 * (0.5 + 1 / 3))
    assert (once.value, once.df, once.copies) == (pytest.approx(7 / 3), math.inf, 3)
    alike = combine([2.0, 2.0], [0.5, 0.5], made="fully")
    assert alike.total == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("q", "v", "how", "match"),
    [
        ([1.0], [1.0], {"made": "fully"}, "two or more"),
        ([1.0, 2.0], [1.0], {}, "2 estimates and 1 variances"),
        ([], [], {}, "0 estimates"),
        ([1.0], [-1.0], {}, "below 0"),
        ([math.nan], [1.0], {}, "not finite"),
        ([1.0], [1.0], {"made": "half"}, "one_fit"),
        ([1.0], [1.0], {"confidence": 95}, "between 0 and 1"),
    ],
)
def test_bad_calls_are_told(q, v, how, match):
    with pytest.raises(InputError, match=match):
        combine(q, v, **how)
