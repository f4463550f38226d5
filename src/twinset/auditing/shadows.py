"""One pool of shadow models for all targets and attacks: the plan, its folder, and who is in."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.arrays import Flags, Floats, Ints
from twinset.stats.records import encode
from twinset.stats.row_hash import fingerprints
from twinset.stats.seeds import stream
from twinset.stats.units import compact
from twinset.table.atomic import (
    atomic_file,
    atomic_write,
    remove_half_written,
    storage_errors,
)
from twinset.table.schema import Schema
from twinset.table.table import Table

__all__ = ["BROKEN", "FAILURES", "Neighbours", "Plan", "Pool", "Shadows", "deal", "other_secrets"]


Neighbours = Literal["replace", "add_remove"]
BROKEN = " raised"  # ends the name under which the type of an attack's error is kept
FAILURES = ("raised", "timed out", "died", "too few rows", "another schema")


@dataclass(frozen=True)
class Plan:
    """What is fitted, how often, on how many rows. Everything follows from it and the seed.

    Attributes
    ----------
    generator, options, command
        A registered generator, or a command line with ``{train}``, ``{n}`` and ``{out}``.
    fits, controls
        Shadow models, and releases that copy train rows on purpose, as a positive control.
    rows, released
        Train rows of a fit and rows that it releases.
    targets
        Positions of the target rows in the table.
    attacks
        Names of the attacks whose numbers are kept.
    seconds
        Longest time of a fit.
    fixed
        Whether all but the targets is the same in each fit.
    neighbours
        What happens if a target is out: somebody else is in (``"replace"``), or nobody.
    secret
        A column. Then targets are always in, with their own value of it or with another one: which
        is what attacks have to tell, and a guess from the population is right in half of the cases.
    curve
        Rows of the largest release that is reconstructed; 0 if none is.
    """

    generator: str
    options: Mapping[str, Any]
    command: str
    fits: int
    controls: int
    rows: int
    released: int
    targets: tuple[int, ...]
    attacks: tuple[str, ...]
    seconds: float
    seed: int = 0
    protect: int = 5
    fixed: bool = False
    neighbours: Neighbours = "replace"
    secret: str = ""
    curve: int = 0

    @property
    def curve_task(self) -> int:
        """Number of the one fit of which a curve over released rows is kept."""
        return self.fits + self.controls

    @property
    def tasks(self) -> list[int]:
        """Numbers of all fits, controls, and first, as it takes longest, that of the curve."""
        fits = list(range(self.fits + self.controls))
        return [self.curve_task, *fits] if self.curve else fits


@dataclass(frozen=True, kw_only=True)
class Shadows:
    """How a generator is audited.

    Attributes
    ----------
    fits
        Shadow models.
    kinds, number
        Kinds of targets (`twinset.auditing.targets.KINDS`) and targets of each.
    rows, released
        Train rows of a fit, by default half of the table and at most 1,000; rows that it releases,
        by default as many.
    seconds
        Longest time of a fit; then it is killed and counted as failed.
    controls
        Releases that copy train rows on purpose.
    delta
        Delta of the bounds on epsilon.
    fixed, neighbours, secret
        The game, see `Plan`.
    curve
        Rows of the largest release of one more fit, of which parts are reconstructed; 0: none.
    """

    fits: int = 200
    kinds: Sequence[str] = ("random", "outliers")
    number: int = 10
    rows: int | None = None
    released: int | None = None
    seconds: float = 600.0
    controls: int = 60
    delta: float = 0.0
    fixed: bool = False
    neighbours: Neighbours = "replace"
    secret: str = ""
    curve: int = 100_000


def deal(plan: Plan, units: Ints, fit: int) -> tuple[Ints, Flags]:
    """Deal one fit: positions of its train rows, and which targets are in.

    Each target is in with probability 1/2, whatever happens to the others; then all rows of other
    units are taken until there are about `plan.rows`. Neighbours differ by replacing: a target that
    is in takes the place of one other, in a fixed game of a stand-in of his own. Or they differ by
    adding: the others are as many whoever is in. With a secret all targets are in.
    """
    rng, inside = _coins(plan, fit)
    owners = units[np.asarray(plan.targets, dtype=np.int64)]
    sizes = np.bincount(units)
    free = np.setdiff1d(np.arange(len(sizes)), owners)
    there = inside | bool(plan.secret)
    chosen = np.zeros(len(sizes), dtype=bool)
    chosen[owners[there]] = True
    order = (stream(plan.seed, "shadow", "rest") if plan.fixed else rng).permutation(free)
    alike = plan.fixed or plan.neighbours == "add_remove"  # as many others in each fit
    if alike:
        room = plan.rows - int(sizes[owners].sum())
        fitting = int(np.searchsorted(np.cumsum(sizes[order]), room, side="right"))
    else:  # one person for one, however many rows each has
        fitting = round(plan.rows / sizes.mean()) - int(there.sum())
    fitting = max(fitting, 1)
    chosen[order[:fitting]] = True
    if plan.fixed and plan.neighbours == "replace":
        chosen[order[fitting : fitting + len(owners)][~there]] = True
    return np.flatnonzero(chosen[units]), inside


def other_secrets(plan: Plan, table: Table) -> Table:
    """Return the targets, each with a secret of somebody else, unlike his own, drawn at random."""
    targets = np.asarray(plan.targets, dtype=np.int64)
    held = fingerprints(encode([table], columns=[plan.secret])[0])
    rng = stream(plan.seed, "shadow", "secrets")
    donors = [rng.choice(np.flatnonzero(held != held[t])) for t in targets]
    place = table.data.column_names.index(plan.secret)
    drawn = table[plan.secret].take(pa.array(donors, pa.int64()))
    people = table.take(targets).data
    return Table(table.schema, people.set_column(place, people.schema.field(place), drawn))


def _coins(plan: Plan, fit: int) -> tuple[np.random.Generator, Flags]:
    rng = stream(plan.seed, "shadow", "deal", fit)
    return rng, rng.random(len(plan.targets)) < 0.5


@dataclass(frozen=True, eq=False)
class Pool:
    """A folder with the plan, the table and what was kept of each fit (as confidential as train).

    Fit numbers 0 .. fits - 1 are shadow models, the next `controls` are controls. Each is one file
    that appears whole: killed at any moment, nothing is lost but the fits that were at work.
    """

    folder: Path
    plan: Plan
    table: Table
    units: Ints = field(repr=False)

    @classmethod
    def make(cls, folder: Path, plan: Plan, table: Table) -> Pool:
        """Write plan and table; what a run with the same plan has left is used again."""
        with storage_errors(folder):
            for part in (folder, folder / "fits", folder / "work"):
                part.mkdir(mode=0o700, parents=True, exist_ok=True)
                remove_half_written(part)
        content = {"plan": asdict(plan), "schema": table.schema.to_dict()}
        text = json.dumps(content, sort_keys=True)
        place = folder / "plan.json"
        if not place.exists() or place.read_text(encoding="utf-8") != text:
            for old in (folder / "fits").iterdir():
                old.unlink()
            with (
                atomic_file(folder / "table.arrow") as file,
                pa.ipc.new_file(file, table.data.schema) as writer,
            ):
                writer.write_table(table.data)
            atomic_write(place, text)
        return cls(folder, plan, table, _units(table))

    @classmethod
    def open(cls, folder: Path) -> Pool:
        """Read what `make` wrote."""
        content = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
        plan = content["plan"]
        plan = Plan(
            **{**plan, "targets": tuple(plan["targets"]), "attacks": tuple(plan["attacks"])}
        )
        with pa.OSFile(str(folder / "table.arrow")) as file:
            data = pa.ipc.open_file(file).read_all()
        table = Table(Schema.from_dict(content["schema"]), data)
        return cls(folder, plan, table, _units(table))

    def train(self, fit: int) -> Table:
        """Return the train table of a fit."""
        rows, inside = deal(self.plan, self.units, fit)
        if not self.plan.secret:
            return self.table.take(rows)
        targets = np.asarray(self.plan.targets, dtype=np.int64)
        both = pa.concat_tables([self.table.data, self.others.data]).unify_dictionaries()
        changed = np.arange(self.table.num_rows)
        changed[targets[~inside]] = self.table.num_rows + np.flatnonzero(~inside)
        return Table(self.table.schema, both.take(pa.array(changed[rows])))

    @functools.cached_property
    def others(self) -> Table:
        """The targets with another secret."""
        return other_secrets(self.plan, self.table)

    @property
    def work(self) -> Path:
        """Where fits put files while they are at work; emptied by who ends them."""
        return self.folder / "work"

    def missing(self) -> list[int]:
        """Fits that are neither kept nor failed."""
        known = {int(p.name.split(".")[0]) for p in (self.folder / "fits").glob("[0-9]*.*")}
        return [i for i in self.plan.tasks if i not in known]

    def keep(self, fit: int, numbers: Mapping[str, npt.NDArray[Any]]) -> None:
        """Keep what attacks need of a fit."""
        with atomic_file(self.folder / "fits" / f"{fit}.npz") as file:
            np.savez(file, **numbers)  # type: ignore[arg-type]

    def fail(self, fit: int, reason: str) -> None:
        """Keep that a fit failed, and how."""
        atomic_write(self.folder / "fits" / f"{fit}.failed", reason)

    def curve(self) -> tuple[dict[str, npt.NDArray[Any]], str]:
        """Return what was kept of the fit of the curve, and why it failed if it did."""
        place = self.folder / "fits" / str(self.plan.curve_task)
        failed = place.with_suffix(".failed")
        if failed.exists():
            return {}, failed.read_text(encoding="utf-8")
        if not place.with_suffix(".npz").exists():
            return {}, ""
        with np.load(place.with_suffix(".npz")) as stored:
            return dict(stored), ""

    def failed(self) -> dict[str, int]:
        """Count failed shadow models by reason."""
        found = dict.fromkeys(FAILURES, 0)
        for path in (self.folder / "fits").glob("*.failed"):
            if int(path.stem) < self.plan.fits:
                reason = path.read_text(encoding="utf-8")
                found[reason] = found.get(reason, 0) + 1
        return {k: v for k, v in found.items() if v}

    def raised(self, attack: str) -> str:
        """Return the type of the first error of an attack; nothing if it raised none."""
        for fit in range(self.plan.fits):
            path = self.folder / "fits" / f"{fit}.npz"
            if path.exists():
                with np.load(path) as stored:
                    if f"{attack}{BROKEN}" in stored:
                        return str(stored[f"{attack}{BROKEN}"])
        return ""

    def numbers(self, attack: str, *, control: bool) -> tuple[Floats, Flags] | None:
        """Return the numbers of an attack, shape (fits, targets or 1, k), and who was in.

        None if there are none, or if fits disagree in their shape.
        """
        first = self.plan.fits if control else 0
        last = self.plan.fits + self.plan.controls if control else self.plan.fits
        kept, member = [], []
        for fit in range(first, last):
            path = self.folder / "fits" / f"{fit}.npz"
            if not path.exists():
                continue
            with np.load(path) as stored:
                if attack not in stored:
                    return None
                kept.append(stored[attack])
            member.append(_coins(self.plan, fit)[1])
        if not kept or len({k.shape for k in kept}) > 1:
            return None
        return np.stack(kept).astype(np.float64), np.stack(member)


def _units(table: Table) -> Ints:
    return compact(table.units, table.num_rows)
