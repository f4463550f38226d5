"""The map of pairs tells lost from invented dependence, shows no noise, and stays small."""

from __future__ import annotations

import itertools
import re

import pytest

from twinset.protocols import Estimate, Result
from twinset.report.heat import SIZE, heat_map, tile


def pair(a: str, b: str, value: float, before: float, after: float) -> Result:
    return Result(
        "fidelity",
        "dependence_tvd",
        (a, b),
        params={"information_train": before, "information_synthetic": after},
        estimate=Estimate(value, value - 0.01, value + 0.01, 1000),
        reference=0.02,
        noise=0.01,
        verdict="worse" if value > 0.04 else "within_noise",
    )


def places(path: str) -> set[tuple[int, int]]:
    """Row and column of each mark of a path."""
    found = re.findall(r"M([\d.]+) ([\d.]+)", path)
    return {(int(float(y) // SIZE), int(float(x) // SIZE)) for x, y in found}


def test_lost_and_invented_are_told_apart():
    names = ("a", "b", "c", "d")
    results = [
        pair("a", "b", 0.06, 0.5, 0.1),
        pair("a", "c", 0.2, 0.01, 0.4),
        pair("b", "c", 0.05, 0.3, 0.31),
        pair("a", "d", 0.021, 0.3, 0.1),
    ]
    found = heat_map(results, names)
    assert found is not None
    order = [n for n, _ in found.names]
    assert order == ["a", "c", "b", "d"]  # most excess first, the others as in the table
    marks = {t.kind: places(t.path) for t in found.tiles}
    assert marks == {"lost": {(2, 0)}, "invented": {(1, 0)}, "other": {(2, 1)}}
    assert "3 do not go together" in found.text
    assert "1 too weak or lost, 1 too strong or invented, 1 of another shape" in found.text
    assert [r[0] for r in found.rows] == ["a × c", "a × b", "b × c"]
    assert found.rows[0][-1] == "18.0 × noise"


def test_noise_is_not_drawn_and_what_was_not_measured_is_left_empty():
    names = ("a", "b", "c", "d")
    results = [pair(*p, 0.03, 0.3, 0.1) for p in (("a", "b"), ("a", "d"), ("c", "d"))]
    found = heat_map(results, names)
    assert found is not None
    assert found.tiles == ()
    assert found.text == "All of 3 pairs go together as in fresh real rows."
    assert places(found.ground) == {(1, 0), (3, 0), (3, 2)}


@pytest.mark.parametrize("kind", ["lost", "invented", "other"])
def test_marks_grow_with_the_excess_and_stay_in_their_place(kind):
    def width(path: str) -> float:
        return max(float(x) for x in re.findall(r"h(\d+)|l([\d.]+)", path)[0] if x)

    sizes = [width(tile(kind, level)) for level in (1, 2, 3)]
    assert sizes == sorted(set(sizes))
    assert sizes[-1] < SIZE


def test_fifty_columns_take_less_than_fifty_kilobytes():
    names = [f"column number {i}" for i in range(50)]
    results = [pair(a, b, 0.2, 0.5, 0.1) for a, b in itertools.combinations(names, 2)]
    found = heat_map(results, names)
    assert found is not None
    assert len(found.names) == 50
    assert len(found.ground) + len(found.grid) + sum(len(t.path) for t in found.tiles) < 50_000


def test_without_fresh_real_rows_nothing_is_called_lost():
    results = [pair("a", "b", 0.2, 0.5, 0.1).replace(verdict=None, reference=None)]
    found = heat_map(results, ("a", "b"))
    assert found is not None
    assert found.tiles == ()
    assert "no fresh real rows" in found.text
