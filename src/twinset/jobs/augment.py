"""Augment: real rows and new ones of rare classes, and what a model gains by them on real rows.

The gain is measured before anything is written: part of the units is set aside, a model learns from
the rest in four forms (as it is, reweighted, with SMOTE, with a twin's rows), and all are judged on
the rows that were set aside.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twinset.deprecations import renamed
from twinset.errors import InputError
from twinset.inputs import Options, check_free, read
from twinset.jobs.downstream import Arm, judge
from twinset.jobs.sample import drawn_table
from twinset.progress import phase
from twinset.rules.combinations import column_codes
from twinset.rules.files import as_rules
from twinset.rules.rule import Rules
from twinset.scale.local import use_workers
from twinset.stats.seeds import derived, stream
from twinset.table.atomic import atomic_write
from twinset.table.canonical import to_raw
from twinset.table.split import split
from twinset.table.table import Table
from twinset.table.write import RowWriter
from twinset.twin import Twin

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Augmented", "augment_to"]

_HELD = 0.3
_LEAST = 20


@dataclass(frozen=True)
class Augmented:
    """What was added, and what it gained.

    Attributes
    ----------
    real, added
        Rows of each class.
    arms
        Figures of a model on real rows that were set aside; empty if nothing was.
    held
        Number of those rows.
    """

    real: Mapping[str, int]
    added: Mapping[str, int]
    arms: tuple[Arm, ...] = ()
    held: int = 0

    @property
    def verdict(self) -> str:
        """Whether the new rows help, in a sentence."""
        arms = {a.name: a for a in self.arms}
        if "twin" not in arms:
            return "Not measured: no rows were set aside."
        better = [f.name for f in arms["twin"].figures if f.low > 0]
        worse = [f.name for f in arms["twin"].figures if f.high < 0]
        if not better and not worse:
            return "No gain and no loss was shown on real rows."
        said = [f"the new rows raise {_listed(better)}"] if better else []
        said += [f"lower {_listed(worse)}"] if worse else []
        return f"On real rows {' and '.join(said)}."

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {**asdict(self), "verdict": self.verdict}

    def to_json(self) -> str:
        """JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)

    def to_frame(self) -> pd.DataFrame:
        """One row a figure of an arm."""
        import pandas as pd

        rows = [{"arm": a.name, **asdict(f)} for a in self.arms for f in a.figures]
        return pd.DataFrame(rows)

    def save(self, path: str | Path) -> None:
        """Write `to_json` to `path`; it appears whole or not at all."""
        atomic_write(Path(path), self.to_json())


@renamed(path="out")
def augment_to(
    data: object,
    out: str | Path,
    *,
    target: str,
    to: str | Mapping[str, int] = "balanced",
    generator: str = "cart",
    options: Mapping[str, Any] | None = None,
    rules: Rules | str | Path | Sequence[Any] | None = None,
    holdout: float = _HELD,
    seed: int = 0,
    protect: int = 5,
    workers: int | None = None,
    **about: Any,
) -> Augmented:
    """Write `data` and new rows, so that each class of `target` has as many as asked for.

    Parameters
    ----------
    to
        ``"balanced"`` (as many as the largest class), or the number of rows of some classes.
    holdout
        Share of the units to measure the gain with; 0: it is not measured. What is written is
        learned from all rows.

    Raises
    ------
    InputError
        If the target has no classes, a class is unknown, or fewer rows are asked for than there
        are.
    """
    wanted_rules = None if rules is None else as_rules(rules)
    settings = Options.of({**about, "target": target})
    source, dataset = read(data, settings, seed=seed)
    check_free(dataset)
    table = dataset.only
    real = _classes(table, target)
    goal = _goal(real, _spelled(table, target, to), target)
    if not 0 <= holdout < 1:
        raise InputError("--holdout", got=str(holdout), allowed="a share from 0 to below 1")

    def twin_of(rows: Table) -> Twin:
        return Twin.fit(rows, generator, options, seed=seed, protect=protect, rules=wanted_rules)

    with use_workers(workers):
        arms: tuple[Arm, ...] = ()
        held = 0
        if holdout:
            train, unseen = split(table, holdout, rng=stream(seed, "split"))
            with phase("measure the gain"):
                arms = _measured(train, unseen, twin_of(train), target, goal, real, seed)
                held = unseen.num_rows
        twin = twin_of(table)
        missing = {c: goal[c] - n for c, n in real.items() if goal[c] > n}
        with RowWriter(out, source) as writer:
            writer.write(to_raw(table))
            for part in _new_rows(twin, target, missing, seed):
                writer.write(to_raw(part))
    return Augmented(real, {c: missing.get(c, 0) for c in real}, arms, held)


def _classes(table: Table, target: str) -> dict[str, int]:
    column = table.schema[target]
    if column.kind.is_number_like or not column.is_learnable:
        raise InputError(
            f"--target {target!r}",
            got=f"a column of kind {column.kind.value}",
            allowed="a category, ordinal or boolean",
            hint="declare it a category in a schema file (--schema)",
        )
    codes, levels = column_codes(table, target)
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    return {str(level): int(n) for level, n in zip(levels, counts, strict=True) if n}


def _spelled(table: Table, target: str, to: str | Mapping[str, int]) -> str | Mapping[str, int]:
    """Return classes of a boolean as true and false, however the column spells them."""
    style = table.schema[target].format
    words = {style.true: "true", style.false: "false"}
    return to if isinstance(to, str) else {words.get(c, c): n for c, n in to.items()}


def _goal(real: Mapping[str, int], to: str | Mapping[str, int], target: str) -> dict[str, int]:
    """Rows of each class in the end."""
    if isinstance(to, str):
        if to != "balanced":
            raise InputError("--to", got=repr(to), allowed="balanced, or CLASS=ROWS,CLASS=ROWS")
        return dict.fromkeys(real, max(real.values()))
    for name, rows in to.items():
        if name not in real:
            raise InputError(f"--to, a class of {target!r}", got=repr(name), allowed="its classes")
        if rows < real[name]:
            raise InputError(
                f"--to {name}", got=str(rows), allowed=f"at least its {real[name]:,} rows"
            )
    if not to or all(real[c] == n for c, n in to.items()):
        raise InputError("--to", got="nothing to add", allowed="more rows of some class")
    return {c: to.get(c, n) for c, n in real.items()}


def _new_rows(twin: Twin, target: str, missing: Mapping[str, int], seed: int) -> list[Table]:
    """New rows of each class that lacks some."""
    return [
        drawn_table(twin.draws(rows, given={target: name}, seed=derived(seed, "augment", name)))
        for name, rows in missing.items()
        if rows
    ]


def _measured(
    train: Table,
    unseen: Table,
    twin: Twin,
    target: str,
    goal: Mapping[str, int],
    real: Mapping[str, int],
    seed: int,
) -> tuple[Arm, ...]:
    """Figures of four ways to learn from `train`, on `unseen`."""
    here = _classes(train, target)
    there = _classes(unseen, target)
    if min(there.get(c, 0) for c in real) < _LEAST or min(here.get(c, 0) for c in real) < _LEAST:
        raise InputError(
            "measuring the gain",
            got="a class with too few rows to learn from and to judge by",
            allowed=f"at least {_LEAST} rows of each class on both sides",
            hint="--holdout 0 augments without measuring",
        )
    scaled = {c: max(round(goal[c] * here[c] / real[c]), here[c]) for c in here}
    missing = {c: scaled[c] - n for c, n in here.items()}
    new = _new_rows(twin, target, missing, seed)
    return judge(train, unseen, target, new, scaled, seed)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
