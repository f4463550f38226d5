"""After suppression no sum less what is shown leaves a small rest; nothing more is hidden."""

from __future__ import annotations

import numpy as np
import pytest

from twinset.stats.suppression import Tabulation, conceal


def world(seed: int, rows: int = 400, units: bool = False):
    rng = np.random.default_rng(seed)
    a = rng.choice(4, rows, p=rng.dirichlet(np.full(4, 0.8)))
    b = rng.choice(5, rows, p=rng.dirichlet(np.full(5, 0.8)))
    owner = rng.integers(0, rows // 3, rows) if units else np.arange(rows)
    return a, b, owner


@pytest.mark.parametrize("units", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_no_small_rest_is_left(seed, units):
    a, b, owner = world(seed, units=units)
    cells = a * 5 + b
    held = np.array([len(set(owner[cells == c])) for c in range(20)])
    everything = np.zeros(len(a), dtype=np.int64)
    lines = (np.arange(20) // 5, np.arange(20) % 5, np.zeros(20, dtype=np.int64))
    table = Tabulation(cells, (a, b, everything), owner if units else None)
    shown = conceal(held >= 10, held, lines, [table])
    assert not (shown & (held < 10)).any()
    for of_cell, of_row in zip(lines, table.lines, strict=True):
        for line in range(of_cell.max() + 1):
            rest = {o for o, c, r in zip(owner, cells, of_row, strict=True) if r == line} and {
                int(o)
                for o, c, r in zip(owner, cells, of_row, strict=True)
                if r == line and not shown[c]
            }
            assert not 0 < len(rest) < 10 or not (shown & (of_cell == line)).any()


def test_nothing_is_hidden_without_need():
    a, b = np.repeat([0, 0, 1, 1], 50), np.tile(np.repeat([0, 1], 25), 4)
    held = np.full(4, 50)
    lines = (np.arange(4) // 2, np.arange(4) % 2)
    shown = conceal(held >= 10, held, lines, [Tabulation(a * 2 + b, (a, b))])
    assert shown.all()


def test_the_smallest_cell_of_the_line_joins_the_rest():
    cells = np.repeat([0, 1, 2], [5, 20, 200])
    line = np.zeros(225, dtype=np.int64)
    held = np.array([5, 20, 200])
    shown = conceal(held >= 10, held, [np.zeros(3, dtype=np.int64)], [Tabulation(cells, [line])])
    assert shown.tolist() == [False, False, True]
