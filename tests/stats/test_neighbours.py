"""Neighbours against a plain loop."""

import numpy as np
import pytest

from twinset.protocols import Records
from twinset.stats import neighbours
from twinset.stats.neighbours import count_within, distances, nearest, sharing


def records(rng, rows, p=3, levels=(2, 5, 400, 70_000), nulls=0.2):
    numeric = rng.integers(0, 8, (rows, p)).astype(np.float32) / 8
    numeric[rng.random((rows, p)) < nulls] = np.nan
    codes = np.stack([rng.integers(0, n, rows) for n in levels], axis=1)
    return Records(numeric, codes.astype(np.int32))


def plain(a, b):
    """The definition, cell by cell."""
    out = np.zeros((len(a), len(b)))
    for i in range(len(a)):
        for j in range(len(b)):
            for x, y in zip(a.numeric[i], b.numeric[j], strict=True):
                if np.isnan(x) and np.isnan(y):
                    continue
                if np.isnan(x) or np.isnan(y):
                    out[i, j] += 0.5 + abs((y if np.isnan(x) else x) - 0.5)
                else:
                    out[i, j] += abs(x - y)
            out[i, j] += np.sum(a.codes[i] != b.codes[j])
    return out


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(neighbours, "_BLOCK", 1_000)
    monkeypatch.setattr(neighbours, "_TILE", 64)


def test_distances_equal_the_definition(small_blocks):
    rng = np.random.default_rng(0)
    a, b = records(rng, 23), records(rng, 41)
    np.testing.assert_allclose(distances(a, b), plain(a, b), atol=1e-6)


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("rows", [4, 700])
def test_nearest_equals_a_full_sort_with_ties_in_order(k, rows, small_blocks):
    rng = np.random.default_rng(1)
    a, b = records(rng, 30, levels=(2, 3)), records(rng, rows, levels=(2, 3))
    full = distances(a, b)
    order = np.argsort(full, axis=1, kind="stable")[:, :k]
    found, places = nearest(a, b, k)
    width = order.shape[1]
    np.testing.assert_array_equal(places[:, :width], order)
    np.testing.assert_array_equal(found[:, :width], np.take_along_axis(full, order, axis=1))
    assert (places[:, width:] == -1).all()
    assert np.isinf(found[:, width:]).all()


def test_count_within_counts(small_blocks):
    rng = np.random.default_rng(2)
    a, b = records(rng, 30), records(rng, 300)
    np.testing.assert_array_equal(count_within(a, b, 2.5), (distances(a, b) <= 2.5).sum(axis=1))


def test_a_copy_is_at_exactly_zero_and_nothing_else_is():
    rng = np.random.default_rng(3)
    base = Records(rng.random((5_000, 7)).astype(np.float32), np.zeros((5_000, 1), np.int32))
    near = Records(np.nextafter(base.numeric[:50], np.float32(2)), base.codes[:50])
    assert (nearest(base.take(np.arange(50)), base)[0] == 0).all()
    assert (nearest(near, base)[0] > 0).all()


def test_many_discrete_columns_do_not_overflow():
    a = Records(np.empty((2, 0), np.float32), np.zeros((2, 600), np.int32))
    b = Records(np.empty((2, 0), np.float32), np.ones((2, 600), np.int32))
    assert (distances(a, b) == 600).all()


def test_empty_sides():
    rng = np.random.default_rng(4)
    a, none = records(rng, 3), records(rng, 0)
    assert nearest(none, a)[0].shape == (0, 1)
    assert np.isinf(nearest(a, none)[0]).all()


def test_sharing_computes_a_pair_once(monkeypatch):
    rng = np.random.default_rng(5)
    a, b = records(rng, 20), records(rng, 30)
    alone = nearest(a, b, 3)
    calls = []
    real = neighbours._nearest
    monkeypatch.setattr(neighbours, "_nearest", lambda *args: calls.append(1) or real(*args))
    with sharing():
        for k in (1, 3, 2):
            found, rows = nearest(a, b, k)
            np.testing.assert_array_equal(found, alone[0][:, :k])
            np.testing.assert_array_equal(rows, alone[1][:, :k])
    assert len(calls) == 1
    nearest(a, b)
    assert len(calls) == 2


@pytest.mark.parametrize("k", [1, 4])
def test_search_by_groups_equals_a_full_sort(k, small_blocks, monkeypatch):
    monkeypatch.setattr(neighbours, "_SMALL", 0)
    monkeypatch.setattr(neighbours, "_QUERIES", 4)
    rng = np.random.default_rng(6)
    a, b = (records(rng, n, levels=(2, 3, 9, 1, 900)) for n in (200, 500))
    assert neighbours._key_columns(a, b)
    full = distances(a, b)
    order = np.argsort(full, axis=1, kind="stable")[:, :k]
    found, places = nearest(a, b, k)
    np.testing.assert_array_equal(places, order)
    np.testing.assert_array_equal(found, np.take_along_axis(full, order, axis=1))
