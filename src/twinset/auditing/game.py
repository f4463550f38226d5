"""The game: who is a member, who is not, and what the adversary holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinset.arrays import Flags, Floats, Ints
from twinset.errors import InputError
from twinset.protocols import Records
from twinset.stats.neighbours import nearest
from twinset.stats.records import concatenate, encode, encoded_columns
from twinset.stats.row_hash import is_copied
from twinset.stats.seeds import stream
from twinset.stats.units import compact, count_units, draw, folds
from twinset.table.table import Table

__all__ = ["LEAST", "Game", "NoGame", "set_up"]

LEAST = 10  # units needed on each side


@dataclass(frozen=True, eq=False)
class Game:
    """One release with its targets: members first, then non-members.

    Attributes
    ----------
    release, auxiliary
        S and R, encoded with the targets on one scale that is fitted on S and R alone, as an
        adversary would; `auxiliary` is None if the adversary holds nothing.
    targets
        Rows of sampled train units, then of non-member units.
    units
        Shape (target rows,), int64: 0 .. members - 1 are members, the rest are not.
    members, non_members
        Numbers of units.
    member_table, other_table, train
        The same targets as tables, and the whole train table, to describe kinds of record.
    """

    release: Records
    auxiliary: Records | None
    targets: Records
    units: Ints
    members: int
    non_members: int
    member_table: Table
    other_table: Table
    train: Table

    @property
    def is_member(self) -> Flags:
        """Shape (units,): whether the unit is in the train table."""
        return np.arange(self.members + self.non_members) < self.members

    def by_unit(self, scores: Floats) -> Floats:
        """Score of a unit: the largest score of its rows; shape (units,)."""
        best = np.full(self.members + self.non_members, -np.inf)
        np.maximum.at(best, self.units, scores)
        return best

    def to_auxiliary(self) -> Floats | None:
        """Distances of the target rows to the five nearest auxiliary rows, if there are any."""
        if self.auxiliary is None:
            return None
        near = nearest(self.targets, self.auxiliary, 5)[0].astype(np.float64)
        return np.asarray(near[:, np.isfinite(near).all(axis=0)])


@dataclass(frozen=True)
class NoGame:
    """Why membership cannot be attacked with these files."""

    reason: str


def set_up(
    train: Table,
    synthetic: Table,
    holdout: Table | None,
    *,
    auxiliary: Table | None = None,
    seed: int = 0,
    max_targets: int = 10_000,
) -> Game | NoGame:
    """Deal the roles: the holdout becomes R and N by halves of units, unless `auxiliary` is R.

    With the holdout as both R and N a release that leaks nothing scores AUC .98 on the difference
    of distances, since each non-member is its own neighbour in R.

    Raises
    ------
    InputError
        If two of train, holdout and auxiliary share units or most of their rows, or if their
        columns differ.
    """
    if holdout is None:
        return NoGame("no holdout was given: without non-members nothing can be compared")
    given = {"train": train, "holdout": holdout, "auxiliary": auxiliary}
    _refuse_overlap({name: t for name, t in given.items() if t is not None})
    if synthetic.num_rows == 0:
        return NoGame("the release has no rows")
    if not encoded_columns(train):
        return NoGame("no column is left to attack: all are identifiers or personal data")
    if auxiliary is None:
        half = folds(holdout.units, holdout.num_rows, 2, stream(seed, "audit", "roles"))
        known, others = holdout.take(half == 0), holdout.take(half == 1)
    else:
        known, others = auxiliary, holdout
    rng = stream(seed, "audit", "targets")
    others = others.take(draw(others.units, others.num_rows, max_targets, rng))
    members = _units(train, max(count_units(others.units, others.num_rows), 1), rng)
    counts = [count_units(t.units, t.num_rows) for t in (members, others)]
    if min(counts) < LEAST:
        return NoGame(f"fewer than {LEAST} units on one side: at least {LEAST} are needed on each")
    if synthetic.num_rows < LEAST:
        return NoGame(f"fewer than {LEAST} synthetic rows: attacks have nothing to go by")
    s, r, m, n = encode(
        [synthetic, known, members, others], reference=[0, 1], columns=encoded_columns(train)
    )
    units = [compact(t.units, t.num_rows) for t in (members, others)]
    return Game(
        release=s,
        auxiliary=r if len(r) else None,
        targets=concatenate([m, n]),
        units=np.concatenate([units[0], units[1] + counts[0]]),
        members=counts[0],
        non_members=counts[1],
        member_table=members,
        other_table=others,
        train=train,
    )


def _units(table: Table, number: int, rng: np.random.Generator) -> Table:
    """Return all rows of `number` random units (of all units if there are fewer)."""
    ids = compact(table.units, table.num_rows)
    every = int(ids.max(initial=-1)) + 1
    chosen = np.zeros(every, dtype=bool)
    chosen[rng.permutation(every)[:number]] = True
    return table.take(np.flatnonzero(chosen[ids]))


def _refuse_overlap(tables: Mapping[str, Table]) -> None:
    names = list(tables)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            shared = _shared_units(tables[a], tables[b])
            if shared:
                raise InputError(
                    f"{a} and {b}",
                    got=f"{shared} units that stand in both",
                    allowed="no unit in two of train, holdout and auxiliary",
                    hint="split by unit before fitting",
                )
            if is_copied(tables[a], tables[b]):
                raise InputError(
                    f"{a} and {b}",
                    got="many rows that stand in both",
                    allowed="other people than in train",
                    hint="is it the same file, or was the model fitted on it?",
                )


def _shared_units(a: Table, b: Table) -> int:
    if a.schema.unit is None or b.schema.unit is None:
        return 0
    left, right = (
        pc.unique(t[t.schema.unit.name].cast(pa.string())).drop_null()
        for t in (a, b)
        if t.schema.unit is not None
    )
    return int(pc.sum(pc.is_in(left, value_set=right)).as_py() or 0)
