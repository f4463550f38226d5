"""A boosted model read back predicts the same; a crafted text never reaches LightGBM."""

from __future__ import annotations

import re

import numpy as np
import pytest

from twinset.blocks.boosting import Boosted, fit_boosted

FEATURES = 3


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.integers(0, 9, (600, FEATURES)).astype(float)
    return X, (X[:, 0] > 4).astype(np.int64) + (X[:, 1] > 5)


def fitted(classes: int) -> Boosted:
    X, y = data()
    return fit_boosted(
        X,
        np.minimum(y, classes - 1),
        classes,
        rng=np.random.default_rng(1),
        rounds=4,
        rate=0.3,
        leaves=4,
        patience=3,
        l2=1.0,
        hessian=1.0,
    )


@pytest.fixture(scope="module")
def model() -> Boosted:
    return fitted(3)


def read(model: Boosted, text: str) -> Boosted:
    return Boosted.from_state({**model.to_state(), "text": text.encode()}, FEATURES)


@pytest.mark.parametrize("classes", [2, 3])
def test_read_back_predicts_the_same(classes: int) -> None:
    model, (X, _) = fitted(classes), data()
    back = Boosted.from_state(model.to_state(), FEATURES)
    probabilities = back.probabilities(X)
    np.testing.assert_array_equal(probabilities, model.probabilities(X))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert probabilities.std(axis=0).min() > 0.1
    assert read(back, back.text).text == back.text


@pytest.mark.parametrize(
    ("line", "lie"),
    [
        (r"^tree_sizes=.*$", "tree_sizes=" + " ".join(["99999999"] * 12)),
        (r"^objective=.*$", "objective=multiclass num_class:3000000"),
        (r"^num_class=.*$", "num_class=3000000"),
        (r"^feature_infos=.*$", "average_output"),
        (r"^max_feature_idx=.*$", "max_feature_idx=2\rTree=0\rnum_leaves=2000000"),
        (r"^num_leaves=(.*)$", r"num_leaves=2000000\nno equals sign\nnum_leaves=\1"),
        (r"^shrinkage=(.*)$", r"shrinkage=\1\nsplit_gain=1"),
    ],
)
def test_lies_about_anything_but_trees_are_left_behind(model: Boosted, line: str, lie: str) -> None:
    text, count = re.subn(line, lie, model.text, flags=re.MULTILINE)
    assert count
    assert read(model, text).text == read(model, model.text).text


@pytest.mark.parametrize(
    ("line", "lie"),
    [
        (r"^num_leaves=.*$", "num_leaves=2000000"),
        (r"^num_leaves=.*$", "num_leaves=0"),
        (r"^num_cat=0$", "num_cat=1"),
        (r"^is_linear=0$", "is_linear=1"),
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
        (r"\nTree=0\n", "\nNo tree\n"),
        (r"^end of trees", "Tree=99\nend of trees"),
    ],
)
def test_trees_that_point_outside_themselves_are_refused(
    model: Boosted, line: str, lie: str
) -> None:
    text, count = re.subn(line, lie, model.text, count=1, flags=re.MULTILINE)
    assert count
    with pytest.raises((ValueError, KeyError)):
        read(model, text)


def test_other_classes_and_features_are_refused(model: Boosted) -> None:
    with pytest.raises(ValueError, match="other features"):
        Boosted.from_state(model.to_state(), FEATURES + 1)
    for classes in (0, 1, 1_000_000):
        with pytest.raises(ValueError, match="these classes"):
            Boosted.from_state({**model.to_state(), "classes": classes}, FEATURES)
