"""Whether random holdouts pass the control "without release", and sorted tables cut in two do not.

``python benchmarks/holdouts.py --data-dir FOLDER [--seeds N]``: a table a line. Each seed splits
the table by unit into halves and plays the control alone; then the table is sorted by one column
and cut in two.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from twinset.auditing.controls import without_release
from twinset.auditing.game import Game, set_up
from twinset.inputs import Options, read
from twinset.protocols import Result
from twinset.table.split import split
from twinset.table.table import Table

TABLES = {  # file, the column it is sorted by, the unit
    "student_mat.csv": ("age", None),
    "compas_two_years.csv.gz": ("age", None),
    "king_county_houses.csv.gz": ("price", "id"),
    "adult.csv.gz": ("age", None),
}


def play(train: Table, holdout: Table, seed: int) -> tuple[Result, bool]:
    """Set up a game around some release, which the control does not look at, and play it."""
    game = set_up(train, train.take(np.arange(100)), holdout, seed=seed)
    assert isinstance(game, Game)
    return without_release(game, seed)


def cut(table: Table, column: str) -> tuple[Table, Table]:
    """Sort by a column and cut in two, all rows of a unit on the side of its first one."""
    units = np.arange(table.num_rows) if table.units is None else table.units
    order = np.argsort(table[column].to_numpy(), kind="stable")
    low = np.isin(units, units[order[: len(order) // 2]])
    return table.take(low), table.take(~low)


def main() -> None:
    """Print one line a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=30)
    chosen = parser.parse_args()
    print("| table | random halves that failed | CPU s each | sorted by | AUC | columns named |")
    print("|---|---|---|---|---|---|")
    for name, (column, unit) in TABLES.items():
        table = read(chosen.data_dir / name, Options(unit=unit))[1]
        failed, spent = 0, 0.0
        for seed in range(chosen.seeds):
            halves = split(table, 0.5, rng=np.random.default_rng(seed))
            began = time.process_time()
            failed += not play(*halves, seed)[1]
            spent += time.process_time() - began
        result, passed = play(*cut(table, column), 0)
        told = f"{result.value:.3f}{' (passed)' if passed else ''} | {', '.join(result.columns)}"
        each = spent / chosen.seeds
        print(
            f"| {name} | {failed} of {chosen.seeds} | {each:.1f} | {column} | {told} |", flush=True
        )


if __name__ == "__main__":
    main()
