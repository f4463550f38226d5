"""Cases that public tools get wrong, each with the figure one of them answers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

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


def test_4_chi_square_is_on_counts(build) -> None:
    """50/50 against 80/20, n = 100,000: p = .549, as shares are taken for counts."""
    even, skewed = (np.arange(100_000) % 10 < k for k in (5, 8))
    tables = [build({"x": np.where(v, "a", "b")}) for v in (even, skewed, even)]
    found = evaluate(*tables, metrics=["divergences"])
    result = found.find("chi_square")
    expected = stats.chi2_contingency([[50_000, 50_000], [80_000, 20_000]], correction=False)
    assert result.value == pytest.approx(expected.statistic)
    assert result.params["p"] < 1e-300
    assert result.verdict == "worse"


@pytest.mark.slow
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


@pytest.mark.slow
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


def test_8a_wasserstein_of_tables_of_unequal_size(build) -> None:
    """The shorter column is padded with zeros: a shift where there is none."""
    rng = np.random.default_rng(8)
    a, b = rng.normal(50, 1, 4000), rng.normal(50, 1, 400)
    found = evaluate(build({"x": a}), build({"x": b}), metrics=["numbers"]).find("wasserstein")
    assert found.value == pytest.approx(stats.wasserstein_distance(a, b) / a.std())
    assert found.value < 0.2
    assert found.verdict == "within_noise"


def test_8b_authenticity_looks_in_the_right_table(build) -> None:
    """Places among the synthetic rows are used for train rows; weights are overwritten with ones.

    Train has two tight clumps and two loose ones; the release copies only the tight rows, nearly.
    """
    rng = np.random.default_rng(8)

    def draw(size):
        loose = rng.random(size) < 0.5
        spread = np.where(loose, 3.0, 0.05)
        return pd.DataFrame({c: rng.normal(10 * loose, spread) for c in "abcd"})

    train, holdout = draw(1500), draw(1500)
    nearly = train.iloc[rng.permutation(1500)[:600]] + rng.normal(0, 1e-4, (600, 4))
    fresh = draw(600)
    copied, honest = (
        evaluate(build(train), build(r.reset_index(drop=True)), build(holdout),
                 metrics=["authenticity"]).find("authenticity")
        for r in (nearly, fresh)
    )  # fmt: skip
    assert copied.value < 0.05
    assert copied.verdict == "worse"
    assert honest.value == pytest.approx(honest.reference, abs=0.08)
    assert honest.verdict == "within_noise"


def test_8c_a_group_is_counted_not_clustered(build) -> None:
    """ "k-anonymity" is the size of the smallest k-means cluster, which no one asked for.

    Groups are counts of equal values here: their shares add up, and rare ones are not shown.
    """
    rng = np.random.default_rng(8)
    train, holdout = (
        build({"g": rng.choice(list("abc"), 900, p=[0.6, 0.395, 0.005]), "x": rng.normal(size=900)})
        for _ in range(2)
    )
    found = evaluate(train, holdout, metrics=["subgroups"])
    counted = [r for r in found.results if r.name == "subgroup_share" and r.estimate]
    shares = {r.group: r.params["train"] for r in counted}
    assert "g = c" not in shares
    values = train.data["g"].to_pandas()
    for group, share in shares.items():
        assert share == pytest.approx((values == group.removeprefix("g = ")).mean(), abs=1e-5)


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


def test_9b_distances_of_many_rows_need_no_matrix(build) -> None:
    """A full n x m matrix: memory error at 30,000 rows (7.2 GB)."""
    import tracemalloc

    rng = np.random.default_rng(9)
    tables = [
        build({"a": rng.integers(0, 50, 30_000), "b": rng.choice(list("xyz"), 30_000)})
        for _ in range(3)
    ]
    tracemalloc.start()
    found = evaluate(*tables, metrics=["dcr", "authenticity"])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.find("dcr_share").status == "ok"
    assert peak < 400e6


def test_10a_a_single_column_of_numbers_keeps_its_values(build) -> None:
    """Rows scaled to length one: a single column of numbers collapses to +1 and -1."""
    rng = np.random.default_rng(10)
    train, holdout, fresh = (rng.lognormal(size=1200) for _ in range(3))
    nearly = rng.permutation(train) * (1 + 1e-9)
    copied, honest = (
        evaluate(build({"x": train}), build({"x": r}), build({"x": holdout}), metrics=["dcr"])
        for r in (nearly, fresh)
    )
    assert copied.find("dcr_share").value > 0.7
    assert copied.find("dcr_share").verdict == "worse"
    assert honest.find("dcr_share").value == pytest.approx(0.5, abs=0.06)
    assert honest.find("dcr_share").verdict == "within_noise"


def test_10b_the_worst_of_many_groups_is_no_alarm(build, people) -> None:
    """The largest share over all groups is shown as it is: one of 20 is always "too high"."""
    false = beyond = 0
    for seed in range(6):
        tables = [build(people(800, 30 * seed + k)) for k in range(3)]
        found = evaluate(*tables, metrics=["subgroups"], seed=seed)
        groups = [r for r in found.results if r.estimate]
        assert len(groups) > 40
        beyond += sum(abs(r.value - r.params.get("expected", 0)) > r.noise for r in groups)
        false += any(r.verdict == "worse" for r in groups)
    assert beyond > 0  # uncorrected, some groups lie beyond their noise
    assert false <= 1
