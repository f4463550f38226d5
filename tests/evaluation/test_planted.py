"""Nine defects planted into rows of Adult: each is among the ten largest problems."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from twinset.demo import adult_path
from twinset.evaluation import evaluate
from twinset.inputs import Options, read, read_like

ROWS = 6_000
METRICS = (
    *("columns", "numbers", "tails", "coverage", "missingness", "pairs", "triples", "subgroups"),
    *("base_rates", "empty_cells", "copies", "repeats", "associations", "divergences"),
)


@pytest.fixture(scope="module")
def frames():
    whole = pd.read_parquet(adult_path())
    rng = np.random.default_rng(0)
    whole = whole.iloc[rng.permutation(len(whole))[: 3 * ROWS]].reset_index(drop=True)
    x, y = rng.random((2, len(whole))) < 0.5
    whole = whole.assign(x=x, y=y, z=x ^ y)
    return [whole.iloc[i * ROWS : (i + 1) * ROWS].reset_index(drop=True) for i in range(3)]


@pytest.fixture(scope="module")
def tables(frames):
    options = Options(target="income", sensitive=("sex", "race"))
    train = read(frames[0], options)[1].only
    return options, train, read_like(frames[2], train, options)


def rng():
    return np.random.default_rng(1)


def shifted(f):
    return f.assign(age=f["age"] + 2)


def swapped(f):
    return f.assign(**{"hours-per-week": rng().permutation(f["hours-per-week"])})


def category_dropped(f):
    return f[f["race"] != "Asian-Pac-Islander"].sample(len(f), replace=True, random_state=1)


def nulls_removed(f):
    known = f["occupation"].dropna().to_numpy()
    return f.assign(occupation=f["occupation"].fillna(pd.Series(rng().choice(known, len(f)))))


def xor_broken(f):
    return f.assign(z=rng().permutation(f["z"]))


def impossible_rows(f):
    husbands = np.flatnonzero(f["relationship"] == "Husband")
    chosen = rng().choice(husbands, len(f) // 100, replace=False)
    sex = f["sex"].copy()
    sex.iloc[chosen] = "Female"
    return f.assign(sex=sex)


def subgroup_halved(f):
    mine = ((f["sex"] == "Female") & (f["race"] == "Black")).to_numpy()
    gone = mine & (rng().random(len(f)) < 0.5)
    rest = f[~mine].sample(int(gone.sum()), random_state=1)
    return pd.concat([f[~gone], rest])


def tail_cut(f):
    return f.assign(fnlwgt=f["fnlwgt"].clip(upper=int(f["fnlwgt"].quantile(0.97))))


PLANTED = {
    shifted: ({"age"}, ("age:",)),
    swapped: ({"hours-per-week"}, ("dependence lost", "dependence too weak")),
    category_dropped: (
        {"race"},
        ("'Asian-Pac-Islander' is missing", "too few in category 'Asian-Pac-Islander'"),
    ),
    nulls_removed: ({"occupation"}, ("too few missing",)),
    xor_broken: ({"x", "y", "z"}, ("three together",)),
    impossible_rows: ({"relationship", "sex"}, ("never go together",)),
    subgroup_halved: ({"race", "sex"}, ("too few with race 'Black' and sex 'Female'",)),
    tail_cut: ({"fnlwgt"}, ("of the range", "among the highest")),
}


def found(tables, frame):
    options, train, holdout = tables
    release = read_like(frame.reset_index(drop=True), train, options)
    return evaluate(
        train, release, holdout, target="income", sensitive=options.sensitive, metrics=METRICS
    )


def is_told(problems, columns, words):
    return any(columns <= set(p.columns) and any(w in p.text for w in words) for p in problems)


@pytest.mark.slow
@pytest.mark.parametrize("spoil", PLANTED, ids=lambda f: f.__name__)
def test_a_planted_defect_is_among_the_problems(spoil, frames, tables) -> None:
    problems = found(tables, spoil(frames[1])).problems
    assert is_told(problems, *PLANTED[spoil]), [p.text for p in problems]


def test_copied_rows_are_among_the_problems(frames, tables) -> None:
    copied = pd.concat([frames[1].iloc[: ROWS * 9 // 10], frames[0].iloc[: ROWS // 10]])
    problems = found(tables, copied).problems
    assert any("equal a train row" in p.text for p in problems), [p.text for p in problems]


def test_a_collapse_onto_few_rows_is_among_the_problems(frames, tables) -> None:
    few = frames[1].sample(10, random_state=1)
    problems = found(tables, pd.concat([frames[1].iloc[:-200], *[few] * 20])).problems
    assert any("equal another synthetic row" in p.text for p in problems)


@pytest.mark.slow
def test_a_lost_intersection_is_among_the_problems(frames, tables) -> None:
    """0.7% of the rows: too little for any distance of the two columns together."""
    mine = (frames[1]["sex"] == "Female") & (frames[1]["occupation"] == "Craft-repair")
    evaluation = found(tables, frames[1][~mine])
    told = [p for p in evaluation.problems if "never go together in the release" in p.text]
    assert told
    assert set(told[0].columns) == {"sex", "occupation"}
    judged = [r for r in evaluation.results if r.name == "lost_pair_share"]
    assert [r.columns for r in judged if r.verdict == "worse"] == [("occupation", "sex")]
    # a category that is gone is one problem of its column, not a combination with each other one
    dropped = found(tables, category_dropped(frames[1]))
    assert not any("in the release" in p.text for p in dropped.problems)


def test_nothing_planted_nothing_found(frames, tables) -> None:
    evaluation = found(tables, frames[1])
    assert len(evaluation.problems) <= 1, [p.text for p in evaluation.problems]
    judged = [r for r in evaluation.results if r.verdict]
    assert len(judged) > 1_000
    assert sum(r.verdict == "worse" for r in judged) <= 0.005 * len(judged)


def test_all_of_them_at_once(frames, tables) -> None:
    """Nine defects, ten places: each cause has one, however strong the others are."""
    frame = frames[1]
    for spoil in PLANTED:
        frame = spoil(frame.reset_index(drop=True))
    frame = pd.concat([frame.iloc[: ROWS * 9 // 10], frames[0].iloc[: ROWS // 10]])
    problems = found(tables, frame).problems
    told = [s.__name__ for s, sought in PLANTED.items() if is_told(problems, *sought)]
    assert any("equal a train row" in p.text for p in problems[:3])
    assert len(told) >= 7, (told, [p.text for p in problems])
