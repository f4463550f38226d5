"""Cases that public tools get wrong, each with the figure one of them answers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from twinset.evaluation import evaluate


def test_1_bins_do_not_move_with_the_shift(build) -> None:
    """Synthetic column 5x + 100: .7015, the same as unshifted; two equal samples: .847."""
    rng = np.random.default_rng(1)

    def draw():
        group = rng.choice(["a", "b", "c"], 3000)
        return pd.DataFrame({"x": rng.normal(size=3000) + (group == "a"), "group": group})

    train, holdout, fresh = draw(), draw(), draw()
    moved = fresh.assign(x=5 * fresh["x"] + 100)
    metrics = ["columns", "pairs"]
    found = evaluate(build(train), build(moved), build(holdout), metrics=metrics)
    assert found.find("pair_tvd").value > 0.99
    assert found.find("pair_tvd").verdict == "worse"
    equal = evaluate(build(train), build(fresh), build(holdout), metrics=metrics)
    assert equal.find("pair_tvd").value < 0.1
    assert equal.find("pair_tvd").verdict == "within_noise"


def test_2_invented_dependence_is_an_error(build) -> None:
    """Independent real columns, synthetic y = x: overall .987, as weak real pairs are dropped."""
    rng = np.random.default_rng(2)
    train, holdout = (pd.DataFrame(rng.normal(size=(2000, 2)), columns=["x", "y"]) for _ in "ab")
    x = rng.normal(size=2000)
    found = evaluate(
        build(train), build({"x": x, "y": x}), build(holdout), metrics=["pairs", "columns"]
    )
    assert found.find("pair_tvd").verdict == "worse"
    assert found.find("pair_tvd").value > 0.8
    assert [p.columns for p in found.problems] == [("x", "y")]
    assert "dependence invented" in found.problems[0].text


def test_3_ties_are_not_closer_to_the_holdout(build) -> None:
    """Synthetic = train, four three-level columns: overfitting protection 1.0, the best."""
    rng = np.random.default_rng(3)
    train, holdout = (
        build({c: rng.integers(0, 3, 2000).astype(str) for c in "abcd"}) for _ in range(2)
    )
    found = evaluate(train, train, holdout, metrics=["dcr", "copies"])
    share = found.find("dcr_share")
    assert share.value == pytest.approx(0.5, abs=0.01)
    assert share.verdict == "within_noise"  # 81 kinds of row: nothing can be told from distances
    # with distinguishable rows the copy is caught
    train, holdout = (build({c: rng.normal(size=1000) for c in "abcd"}) for _ in range(2))
    found = evaluate(train, train, holdout, metrics=["dcr", "copies"])
    assert found.find("dcr_share").value == 1.0
    assert found.find("exact_copies").verdict == "worse"


def test_3b_unequal_sizes_do_not_tilt_the_share(build) -> None:
    """Fresh rows, train four times the holdout: a plain share gives .807."""
    rng = np.random.default_rng(4)
    train, holdout, fresh = (
        build({c: rng.normal(size=n) for c in "abc"}) for n in (4000, 1000, 1000)
    )
    found = evaluate(train, fresh, holdout, metrics=["dcr"])
    assert found.find("dcr_share").value == pytest.approx(0.5, abs=0.04)
    assert found.find("dcr_share").verdict == "within_noise"


def test_5_an_exclusive_or_is_seen(build) -> None:
    """XOR structure destroyed: quality .997, detection .999."""
    rng = np.random.default_rng(5)

    def draw(*, keep):
        x, y = rng.integers(0, 2, (2, 3000))
        z = x ^ y if keep else rng.integers(0, 2, 3000)
        return build({"x": x, "y": y, "z": z})

    found = evaluate(draw(keep=True), draw(keep=False), draw(keep=True))
    assert found.find("triple_tvd").value == pytest.approx(0.5, abs=0.05)
    assert found.find("triple_tvd").verdict == "worse"
    assert found.find("c2st", against="holdout").value > 0.7
    assert all(r.verdict != "worse" for r in found.results if r.name == "pair_tvd")
    assert found.problems[0].columns == ("x", "y", "z") or len(found.problems) > 1


def test_6_nulls_are_values(build) -> None:
    """50% missing against 0%: .991, as nulls are dropped."""
    rng = np.random.default_rng(6)
    x = rng.normal(size=2000)
    holes = np.where(rng.random(2000) < 0.5, np.nan, rng.normal(size=2000))
    found = evaluate(build({"x": x}), build({"x": holes}), build({"x": rng.normal(size=2000)}))
    assert found.find("column_tvd").value == pytest.approx(0.5, abs=0.05)
    assert found.find("missing_share").value == pytest.approx(0.5, abs=0.04)
    assert found.find("missing_share").verdict == "worse"
    assert "too many missing values" in found.problems[0].text
    assert len([p for p in found.problems if "x" in p.columns and "AUC" not in p.text]) == 1


def test_7_unseen_categories_do_not_raise(build) -> None:
    """One unseen category: detection raises."""
    rng = np.random.default_rng(7)
    train, holdout = (build({"g": rng.choice(["a", "b"], 500)}) for _ in range(2))
    release = build({"g": rng.choice(["a", "b", "new"], 500)})
    found = evaluate(train, release, holdout)
    assert found.find("unseen_share").value == pytest.approx(1 / 3, abs=0.08)
    assert found.find("unseen_share").verdict == "worse"
    assert found.find("c2st", against="holdout").verdict == "worse"
    assert "new" not in found.to_json().replace("news", "")


def test_9_narrow_columns_are_scaled(build) -> None:
    """A scale of max(range, 1): columns narrower than 1 do not count in distances."""
    rng = np.random.default_rng(9)
    frames = [
        pd.DataFrame({"narrow": rng.normal(size=1500) / 1e4, "wide": rng.integers(0, 2, 1500)})
        for _ in range(2)
    ]
    copied = frames[0].assign(wide=rng.permutation(frames[0]["wide"]))
    found = evaluate(build(frames[0]), build(copied), build(frames[1]), metrics=["dcr"])
    assert found.find("dcr_share").value > 0.6
    assert found.find("dcr_share").verdict == "worse"
