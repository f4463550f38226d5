"""One pool of shadow models for all targets and attacks: the plan, its folder, and who is in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinset.stats.seeds import stream
from twinset.stats.units import compact
from twinset.table.schema import Schema
from twinset.table.table import Table
from twinset.table.write import atomic_file, atomic_write, storage_errors

__all__ = ["FAILURES", "Plan", "Pool", "deal"]

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

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


def deal(plan: Plan, units: Ints, fit: int) -> tuple[Ints, Flags]:
    """Deal one fit: positions of its train rows, and which targets are in.

    Each target is in with probability 1/2, whatever happens to the others; then all rows of random
    other units are taken until there are `plan.rows`. So a target that is in takes the place of
    somebody else: neighbours differ by replacing.
    """
    rng, inside = _coins(plan, fit)
    owners = units[np.asarray(plan.targets, dtype=np.int64)]
    sizes = np.bincount(units)
    free = np.setdiff1d(np.arange(len(sizes)), owners)
    chosen = np.zeros(len(sizes), dtype=bool)
    chosen[owners[inside]] = True
    order = rng.permutation(free)
    room = plan.rows - int(sizes[chosen].sum())
    fitting = int(np.searchsorted(np.cumsum(sizes[order]), room, side="right"))
    chosen[order[: max(fitting, 1)]] = True
    return np.flatnonzero(chosen[units]), inside


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
            (folder / "fits").mkdir(parents=True, exist_ok=True)
            (folder / "work").mkdir(exist_ok=True)
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

    @property
    def work(self) -> Path:
        """Where fits put files while they are at work; emptied by who ends them."""
        return self.folder / "work"

    def missing(self) -> list[int]:
        """Fits that are neither kept nor failed."""
        known = {int(p.name.split(".")[0]) for p in (self.folder / "fits").glob("[0-9]*.*")}
        return [i for i in range(self.plan.fits + self.plan.controls) if i not in known]

    def keep(self, fit: int, numbers: Mapping[str, npt.NDArray[Any]]) -> None:
        """Keep what attacks need of a fit."""
        with atomic_file(self.folder / "fits" / f"{fit}.npz") as file:
            np.savez(file, **numbers)  # type: ignore[arg-type]

    def fail(self, fit: int, reason: str) -> None:
        """Keep that a fit failed, and how."""
        atomic_write(self.folder / "fits" / f"{fit}.failed", reason)

    def failed(self) -> dict[str, int]:
        """Count failed shadow models by reason."""
        found = dict.fromkeys(FAILURES, 0)
        for path in (self.folder / "fits").glob("*.failed"):
            if int(path.stem) < self.plan.fits:
                reason = path.read_text(encoding="utf-8")
                found[reason] = found.get(reason, 0) + 1
        return {k: v for k, v in found.items() if v}

    def numbers(
        self, attack: str, *, control: bool
    ) -> tuple[npt.NDArray[np.float64], Flags] | None:
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
