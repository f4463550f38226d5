"""Arrays of features are audited as tables are: handwritten digits, copied and fresh."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

import twinset as ts
from twinset.errors import InputError

CLEAN = "Not shown to leak under these attacks, at this power"


@pytest.fixture(scope="module")
def digits():
    """Members, others and a fresh sample; shape (600, 8, 8) and less."""
    images = load_digits().images
    return np.split(images[np.random.default_rng(0).permutation(len(images))], [600, 1_200])


@pytest.mark.slow
def test_a_generator_that_copies_is_caught(digits):
    train, others, _ = digits
    rng = np.random.default_rng(1)
    drawn = train[rng.integers(0, len(train), 600)]
    for copies in (drawn, drawn + rng.normal(0, 1, drawn.shape)):  # exact, and with noise
        audit = ts.audit_arrays(train, copies, others)
        assert audit.verdict.startswith("No, because it holds rows")
        assert audit.controls_passed
        assert audit.find("auc", attack="distance", target_group="random").estimate.low > 0.7


@pytest.mark.slow
def test_a_fresh_sample_is_not(digits):
    train, others, fresh = digits
    audit = ts.audit_arrays(train, fresh, others)
    assert audit.verdict == CLEAN
    assert audit.controls_passed
    goals = {c["goal"] for c in audit.threat_models if c["attacks"]}
    assert goals == {"membership"}


@pytest.mark.slow
def test_rows_of_the_adversary_can_be_given(digits):
    train, others, fresh = digits
    audit = ts.audit_arrays(train, train[::-1], others, auxiliary=fresh)
    assert audit.extra["auxiliary_rows"] == len(fresh)
    assert audit.extra["non_members"] == 600


@pytest.mark.parametrize(
    ("release", "message"),
    [
        (np.zeros((5, 3)), "3 features"),
        (np.zeros(5), "shape"),
        (np.full((5, 8, 8), np.inf), "infinite"),
        (np.zeros((5, 5_000)), "5,000 features"),
        ([["a"]], "no array of numbers"),
        (np.zeros((0, 8, 8)), "shape"),
    ],
)
def test_arrays_that_make_no_sense_are_refused(digits, release, message):
    train, others, _ = digits
    with pytest.raises(InputError, match=message):
        ts.audit_arrays(train, release, others)
