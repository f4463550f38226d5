"""FitContext: what a fit is given beside its configuration, and the only way to private rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from twinset.errors import InputError
from twinset.progress import seconds_left
from twinset.table.schema import Schema
from twinset.table.table import Table

__all__ = ["Event", "FitContext", "Ledger", "Read"]

Event = Any
"""What a read costs, as the ledger's accountant understands it."""


class Ledger(Protocol):
    """Keeps account of what reads of private rows cost."""

    def charge(self, event: Event, why: str) -> None:
        """Take note of an event before its answer is used; raise where it would overspend."""
        ...


@dataclass(frozen=True)
class Read:
    """One read of private rows: which columns, what for, and what was charged for it."""

    columns: tuple[str, ...]
    why: str
    event: Event | None = None


@dataclass(frozen=True, eq=False)
class FitContext:
    """One fit: private rows behind `read`, and the means to learn from them.

    Whoever learns from a table (encoder, protection, rules, repeats, generator, counts of rows)
    reads it through the context, so that a ledger can see it and refuse.

    Parameters
    ----------
    rows
        The private table; use `read`.
    rng
        Stream of the fit; whoever needs several spawns them from it.
    ledger
        Under differential privacy the account of all reads; else None.
    device
        ``"cpu"``, ``"cuda"`` or ``"mps"``, for models that care.
    workers
        Threads or processes that may be used.
    deadline
        Seconds that are left when the fit begins; None without a limit.
    weights
        Shape (rows,): weight of each row; None if all weigh 1.
    reads
        What was read so far, in order.
    """

    rows: Table
    rng: np.random.Generator
    ledger: Ledger | None = None
    device: str = "cpu"
    workers: int = 1
    deadline: float | None = field(default_factory=seconds_left)
    weights: npt.NDArray[np.float64] | None = None
    reads: list[Read] = field(default_factory=list)

    @property
    def schema(self) -> Schema:
        """Names and kinds of the columns: public."""
        return self.rows.schema

    @property
    def units(self) -> npt.NDArray[np.int64] | None:
        """Which unit each row is of, for splits into parts to learn from and to validate on.

        Raises
        ------
        InputError
            Under a ledger: units come with rows that were read for a charge.
        """
        if self.ledger is not None:
            raise _refused("units", "which rows are of one unit")
        return self.rows.units

    def read(self, columns: Sequence[str] | None, why: str, event: Event | None = None) -> Table:
        """Return private rows of some columns (None: all), and take note of it.

        Raises
        ------
        InputError
            If there is a ledger and no event to charge it with.
        """
        names = tuple(self.rows.names if columns is None else columns)
        if self.ledger is not None:
            if event is None:
                raise _refused(f"a read of {len(names)} columns", why)
            self.ledger.charge(event, why)
        self.reads.append(Read(names, why, event))
        return self.rows if columns is None else self.rows.select(names)

    def over(self, rows: Table | None = None, rng: np.random.Generator | None = None) -> FitContext:
        """Return the context of a step with other rows or stream; its reads go into one list."""
        rows = self.rows if rows is None else rows
        return replace(self, rows=rows, rng=self.rng if rng is None else rng)


def _refused(what: str, why: str) -> InputError:
    return InputError(
        f"differential privacy: {what}",
        got=f"rows are wanted without a charge, for: {why}",
        hint="declare what is needed in a schema file, or use a generator that pays for it",
    )
