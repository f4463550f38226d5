"""Codes of numbers: no interval shows a value, none stands for fewer units than it says."""

from __future__ import annotations

import numpy as np
import pytest

from twinset.encoding.bins import fit_intervals


def test_one_person_with_many_rows_is_one_unit() -> None:
    """Forty rows of one person at 72.37, sixty of three persons at 55.55: neither is released."""
    rng = np.random.default_rng(0)
    x = np.r_[rng.normal(70, 10, 1_000), np.full(40, 72.37), np.full(60, 55.55)]
    units = np.r_[np.arange(1_000), np.full(40, 1_000), np.repeat([1_001, 1_002, 1_003], 20)]
    found = fit_intervals(x, units, bins=400)
    drawn = found.decode(found.encode(x), rng)
    assert not np.isin([72.37, 55.55], drawn).any()
    assert not (found.low == found.high).any()


def test_a_value_of_ten_units_is_an_atom() -> None:
    rng = np.random.default_rng(0)
    x = np.r_[rng.normal(70, 10, 200), np.full(10, 72.37)]
    found = fit_intervals(x, bins=400)
    assert (found.decode(found.encode(x), rng) == 72.37).sum() == 10


@pytest.mark.parametrize("step", [None, 0.01])
def test_ends_of_intervals_are_no_values(step: float | None) -> None:
    """A large sample shows where intervals end: those places must not be values of train."""
    rng = np.random.default_rng(1)
    x = np.round(rng.lognormal(10, 1, 2_000), 2)
    found = fit_intervals(x, step=step, bins=400)
    inner = np.r_[found.low[1:], found.high[:-1]]
    assert len(inner) > 100
    assert np.isin(inner, x).mean() < 0.02
    np.testing.assert_array_less(found.low[:-1], found.low[1:])
    assert (found.low[1:] >= found.high[:-1]).all()


@pytest.mark.parametrize("step", [None, 1.0, 0.25])
def test_values_stay_inside_their_code(step: float | None) -> None:
    rng = np.random.default_rng(2)
    x = np.r_[rng.gamma(2, 50, 3_000), np.zeros(500)]
    x = np.round(x / step) * step if step else x
    found = fit_intervals(x, step=step, bins=100)
    codes = found.encode(x)
    drawn = found.decode(codes, rng)
    assert ((drawn >= found.low[codes]) & (drawn <= found.high[codes])).all()
    inside = (x >= found.low[codes]) & (x <= found.high[codes])
    assert (~inside).sum() < 20  # of the outermost ten at either end
    assert drawn.mean() == pytest.approx(x.mean(), rel=0.02)
    if step:
        np.testing.assert_allclose(drawn / step, np.round(drawn / step), atol=1e-6)


@pytest.mark.parametrize("step", [None, 1.0])
def test_the_end_beside_an_atom_is_the_mean_of_ten_units(step: float | None) -> None:
    """The smallest amount that is not 0 is one person's, here in twelve rows of a panel."""
    rng = np.random.default_rng(5)
    x = np.r_[np.zeros(500), rng.gamma(3, 900, 2_000), np.full(12, 0.7), np.full(60, 99_999.0)]
    x = np.round(x / step) * step if step else x
    units = np.r_[np.arange(2_500), np.full(12, 2_500), 2_501 + np.arange(60)]
    found = fit_intervals(x, units, step=step, bins=100)
    amounts = x[(x > 0) & (x < 99_999)]
    between = (found.low > 0) & (found.high < 99_999)
    firsts = np.sort(np.r_[np.sort(amounts[:-12])[:9], amounts[-1]])
    wide = 0.5 if step else 1e-6
    assert abs(found.low[between].min() - firsts.mean()) <= wide
    assert abs(found.high[between].max() - np.sort(amounts)[-10:].mean()) <= wide
    public = fit_intervals(x, units, step=step, bounds=(amounts.min(), None), bins=100)
    assert public.low[public.low > 0].min() == amounts.min()


def test_round_numbers_stay_as_round() -> None:
    """Prices in thousands, some to the unit: a fresh sample has as many of each."""
    rng = np.random.default_rng(2)
    fine = np.round(rng.lognormal(12, 0.6, 4_000))
    to = rng.choice([1, 100, 1_000, 5_000], 4_000, p=[0.1, 0.2, 0.4, 0.3])
    x = np.round(fine / to) * to
    found = fit_intervals(x, step=1.0, bins=400)
    drawn = found.decode(found.encode(x), rng)
    for m in (100, 1_000, 5_000):
        assert abs((drawn % m == 0).mean() - (x % m == 0).mean()) < 0.05
    codes = found.encode(x)
    assert (drawn >= found.low[codes]).all()
    assert (drawn <= found.high[codes]).all()


def test_evenly_spread_numbers_are_not_rounded() -> None:
    x = np.random.default_rng(3).integers(0, 10**6, 4_000).astype(float)
    assert not len(fit_intervals(x, step=1.0, bins=400).round_to)


@pytest.mark.parametrize("few", [[3.71], [3.71, 4.4], [3.71] * 9])
def test_what_too_few_hold_between_atoms_is_not_kept(few: list[float]) -> None:
    """Such a value stood in the model file as an interval of no width, and in every release."""
    x = np.r_[np.full(50, 1.0), few, np.full(50, 9.0)]
    made = fit_intervals(x, bins=400, atom=10, tail=10)
    np.testing.assert_array_equal(made.low, [1.0, 9.0])
    np.testing.assert_array_equal(made.high, [1.0, 9.0])
    np.testing.assert_array_equal(made.encode(np.array(few)), 0)
    enough = fit_intervals(np.r_[x, np.linspace(3, 5, 10)], bins=400, atom=10, tail=10)
    assert len(enough.low) == 3
