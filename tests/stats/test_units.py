"""Counts where one person has several rows."""

from __future__ import annotations

import numpy as np

from twinset.stats.units import even_counts, outermost


def test_a_person_of_many_rows_does_not_make_its_code_frequent() -> None:
    """800 codes of ten persons, one of whom has 71 rows; 100 codes of ten with two rows each."""
    units = np.r_[np.arange(8_000), np.repeat([77], 70), 8_000 + np.arange(1_000).repeat(2)]
    codes = np.r_[np.repeat(np.arange(800), 10), np.full(70, 7), np.repeat(np.arange(800, 900), 20)]
    count = even_counts(codes, units, 900, ordered=True)
    assert count.sum() == np.float64(len(codes))
    assert 10 < count[7] < 14  # 80 rows
    np.testing.assert_allclose(count[820:], 20)  # everybody there has two rows: they stay
    np.testing.assert_array_equal(even_counts(codes, None, 900, ordered=True), np.bincount(codes))


def test_levels_of_many_units_keep_their_rows() -> None:
    units = np.r_[np.arange(600), np.repeat(600 + np.arange(300), 3), np.full(50, 2_000)]
    codes = np.r_[np.zeros(600, int), np.ones(900, int), np.full(50, 2)]
    np.testing.assert_allclose(even_counts(codes, units, 4, ordered=False)[:2], [600, 900])


def test_outermost_are_of_different_units() -> None:
    x, units = np.array([9.0, 8, 7, 6, 5]), np.array([1, 1, 1, 2, 3])
    np.testing.assert_array_equal(outermost(x, units, 2), [6, 9])
    np.testing.assert_array_equal(outermost(x, None, 2), [8, 9])
    np.testing.assert_array_equal(outermost(x, units, 5), [5, 6, 9])
