"""A boosted model read back predicts the same; a crafted text never reaches LightGBM."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from twinset.blocks.boosting import Boosted, Boosting, fit_boosted

FEATURES = 3
BOOSTING = Boosting(trees=4, rate=0.3, leaves=4, smoothing=1.0, leaf=20, patience=3)


def data() -> tuple[np.ndarray, np.ndarray]:
    X = np.random.default_rng(0).integers(0, 9, (600, FEATURES)).astype(np.float32)
    return X, (X[:, 0] > 4) ^ (X[:, 1] > 5)


def fitted(y: np.ndarray, start: np.ndarray | None = None) -> str | None:
    checked = np.arange(len(y)) % 8 == 0
    start = np.zeros(len(y)) if start is None else start
    rng = np.random.default_rng(1)
    return fit_boosted(data()[0], y, start, checked, rng=rng, boosting=BOOSTING)


@pytest.fixture(scope="module")
def model() -> Boosted:
    y = data()[1]
    return Boosted.of([str(fitted(y)), str(fitted(~y))], FEATURES)


def read(text: str) -> Boosted:
    raw = np.frombuffer(text.encode(), dtype=np.uint8)
    state = {"text": raw, "ends": np.array([len(raw)]), "features": FEATURES}
    return Boosted.from_state(state, FEATURES)


def test_read_back_predicts_the_same(model: Boosted) -> None:
    back, (X, y) = Boosted.from_state(model.to_state(), FEATURES), data()
    first = back.probability(0, X, 0.0)
    np.testing.assert_array_equal(first, model.probability(0, X, 0.0))
    np.testing.assert_allclose(first + back.probability(1, X, 0.0), 1, atol=1e-6)
    assert first[y].mean() > first[~y].mean() + 0.2
    assert (back.probability(0, X, 1.0) > first).all()
    assert back.texts == model.texts


def test_a_tree_whose_columns_say_nothing_does_not_end_the_boosting() -> None:
    """One column of six is the answer; no other can be split, for all combinations are there."""
    X = np.tile((np.arange(64)[:, None] >> np.arange(6)) & 1, (40, 1)).astype(np.float32)
    y, checked = X[:, 2] == 1, np.arange(len(X)) < 256
    some = replace(BOOSTING, trees=100, columns=0.5, patience=40)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        text = fit_boosted(X, y, np.zeros(len(X)), checked, rng=rng, boosting=some)
        p = Boosted.of([str(text)], 6).probability(0, X, 0.0)
        assert p[y].min() > 0.95
        assert p[~y].max() < 0.05


def test_without_a_gain_there_is_no_model() -> None:
    y = data()[1]
    y[::8] = ~y[::8]  # what the others teach is wrong in the rows that check
    assert fitted(y) is None


def test_trees_add_to_where_they_start() -> None:
    y = data()[1]
    assert fitted(y, np.where(y, 9.0, -9.0)) is None


@pytest.mark.parametrize(
    ("line", "lie"),
    [
        (r"^tree_sizes=.*$", "tree_sizes=" + " ".join(["99999999"] * 12)),
        (r"^objective=.*$", "objective=multiclass num_class:3000000"),
        (r"^num_class=.*$", "num_class=3000000"),
        (r"^feature_infos=.*$", "average_output"),
        (r"^max_feature_idx=.*$", "max_feature_idx=2\rTree=0\rnum_leaves=2000000"),
        (r"^num_leaves=(.*)$", r"num_leaves=2000000\nno equals sign\nnum_leaves=\1"),
        (r"^leaf_value=(.*)$", r"leaf_value=\1\nsplit_gain=1"),
    ],
)
def test_lies_about_anything_but_trees_are_left_behind(model: Boosted, line: str, lie: str) -> None:
    text, count = re.subn(line, lie, model.texts[0], flags=re.MULTILINE)
    assert count
    assert read(text).texts == model.texts[:1]


@pytest.mark.parametrize(
    ("line", "lie"),
    [
        (r"^num_leaves=.*$", "num_leaves=2000000"),
        (r"^num_leaves=.*$", "num_leaves=0"),
        (r"^num_cat=0$", "num_cat=1"),
        (r"^num_cat=0$", "num_cat=0\nis_linear=1"),
        (r"^split_feature=\d+", "split_feature=3"),
        (r"^split_feature=\d+", "split_feature=-1"),
        (r"^split_feature=\d+", "split_feature=99999999e-12"),
        (r"^left_child=\S+", "left_child=0"),
        (r"^left_child=\S+", "left_child=-5"),
        (r"^left_child=\S+", "left_child=-99999999e-12"),
        (r"^left_child=\S+", "left_child=4"),
        (r"^decision_type=\d+", "decision_type=3"),
        (r"^threshold=\S+", "threshold=nan"),
        (r"^leaf_value=\S+", "leaf_value=inf"),
        (r"^leaf_value=\S+", "leaf_value="),
        (r"^threshold=", "no_threshold="),
        (r"^end of trees", "Tree=99\nend of trees"),
    ],
)
def test_trees_that_point_outside_themselves_are_refused(
    model: Boosted, line: str, lie: str
) -> None:
    text, count = re.subn(line, lie, model.texts[0], count=1, flags=re.MULTILINE)
    assert count
    with pytest.raises((ValueError, KeyError)):
        read(text)


def test_other_features_and_ends_are_refused(model: Boosted) -> None:
    state = model.to_state()
    with pytest.raises(ValueError, match="other features"):
        Boosted.from_state(state, FEATURES + 1)
    size = len(state["text"])
    for ends in ([], [0, size], [size + 1], [size - 1], [9, 9, size]):
        with pytest.raises(ValueError, match="without their texts"):
            Boosted.from_state({**state, "ends": np.array(ends)}, FEATURES)


@pytest.mark.parametrize("leaf", ["", "1e200"])
def test_a_tree_without_leaves_or_with_endless_ones_is_refused(leaf: str) -> None:
    """LightGBM reads the first leaf of a tree of none, wherever that may be."""
    text = f"tree\nTree=0\nnum_leaves={len(leaf.split())}\nnum_cat=0\nleaf_value={leaf}\n"
    with pytest.raises(ValueError, match="leaf"):
        Boosted.of([f"{text}\nend of trees\n"], FEATURES)
