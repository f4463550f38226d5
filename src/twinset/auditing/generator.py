"""Audit of a generator: one pool of shadow models, all targets, all attacks."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from twinset import registry
from twinset.auditing import measures
from twinset.auditing.learning import cross_fitted, deal_folds, honest
from twinset.auditing.shadow_controls import planted, shuffled
from twinset.auditing.shadow_judge import Trials, judge_trials, records_at_risk
from twinset.auditing.shadows import Neighbours, Plan, Pool
from twinset.auditing.targets import choose_targets
from twinset.auditing.threats import grid, not_tried, tried
from twinset.auditing.words import NOT_ASSESSED, verdict
from twinset.errors import InputError, StorageError
from twinset.progress import phase
from twinset.protocols import Estimate, Result, ThreatModel
from twinset.results import Audit, NotComputed
from twinset.scale.local import workers
from twinset.scale.processes import run_tasks
from twinset.stats.fingerprints import fingerprints
from twinset.stats.records import encode, encoded_columns
from twinset.stats.seeds import stream
from twinset.stats.units import count_units
from twinset.table.canonical import to_raw
from twinset.table.table import Table

__all__ = ["Shadows", "audit_generator"]

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_LEAST_UNITS = 100
_LEAST_FITS = 40
_MOST_FAILED = 0.5
_NO_LOSS = "the model does not tell the probability of a row"


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
        The game, see `twinset.auditing.shadows.Plan`.
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


def audit_generator(
    table: Table,
    generator: str = "",
    options: Mapping[str, Any] | None = None,
    *,
    command: str = "",
    how: Shadows | None = None,
    declared: Table | None = None,
    attacks: Sequence[str] | None = None,
    folder: Path | None = None,
    seed: int = 0,
    protect: int = 5,
    margin: float = 0.03,
    show_records: bool = False,
) -> Audit:
    """Attack a generator as someone would who can run it: shadow models with and without targets.

    Parameters
    ----------
    table
        The population: shadow models are fitted on random parts of it.
    generator, options
        A registered generator.
    command
        Instead of it, a command line with ``{train}``, ``{n}`` and ``{out}``.
    declared
        Rows of the table that are attacked too.
    folder
        Where numbers are kept; the same call goes on there. A temporary folder unless given.
    show_records
        Whether `Audit.records` holds the targets that some attack recognises.

    Raises
    ------
    InputError
        If there are too few units, or targets or options are refused.
    StoppedError
        If the time limit around the call has passed; the same call with the same folder goes on.
    """
    how = how or Shadows()
    chosen = _attacks(attacks)
    _check(table, generator, options, command, how)
    _check_game(table, how)
    table, rows, groups = choose_targets(table, how.kinds, how.number, seed, declared)
    size = how.rows or min(table.num_rows // 2, 1_000)
    plan = Plan(
        generator=generator,
        options=dict(options or {}),
        command=command,
        fits=how.fits,
        controls=how.controls,
        rows=size,
        released=how.released or size,
        targets=tuple(rows.tolist()),
        attacks=tuple(a.name for a in chosen),
        seconds=how.seconds,
        seed=seed,
        protect=protect,
        fixed=how.fixed,
        neighbours=how.neighbours,
        secret=how.secret,
    )
    if size <= 2 * len(rows):
        raise InputError(
            "train rows of a shadow model",
            got=f"{size} for {len(rows)} targets",
            allowed=f"more than {2 * len(rows)}",
            hint="fewer targets, or a larger table",
        )
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        pool = _fill(folder, plan, table)
        return _Audit(pool, chosen, groups, how, margin, show_records).result()


def _fill(folder: Path, plan: Plan, table: Table) -> Pool:
    """Do the fits of the plan that are not done yet, in worker processes."""
    pool = Pool.make(folder, plan, table)
    command = [sys.executable, "-m", "twinset.auditing.shadow_worker", str(folder)]
    left = pool.missing()
    total = plan.fits + plan.controls
    with phase("shadow models", total=total) as step, contextlib.ExitStack() as stack:
        if len(left) < total:
            step.advance(total - len(left))
        running = run_tasks(command, left, workers=workers(), seconds=plan.seconds)
        stack.callback(shutil.rmtree, pool.work, ignore_errors=True)  # what killed fits left there
        stack.enter_context(contextlib.closing(running))
        for fit, answer in running:
            if answer == "disk":
                raise StorageError(
                    "the numbers of a shadow model are not written: the disk is full"
                )
            if answer in ("died", "timed out"):
                pool.fail(fit, answer)
            step.advance(detail=answer)
    return pool


def _attacks(names: Sequence[str] | None) -> list[Any]:
    made = [registry.configure("attacks", n) for n in names or registry.names("attacks")]
    usable = [a for a in made if a.threat_model.generator != "no-box"]
    if not usable:
        raise InputError("attacks", got="none that works with shadow models")
    return usable


def _check(
    table: Table, generator: str, options: Mapping[str, Any] | None, command: str, how: Shadows
) -> None:
    if command:
        missing = [p for p in ("{train}", "{n}", "{out}") if p not in command]
        if missing:
            raise InputError(
                "--generator-command",
                got=f"no {missing[0]}",
                allowed="a command line with {train}, {n} and {out}",
            )
    else:
        registry.configure("generators", generator, options)
    units = count_units(table.units, table.num_rows)
    if units < _LEAST_UNITS:
        raise InputError(
            "the table",
            got=f"{units} rows or units to protect",
            allowed=f"at least {_LEAST_UNITS}: a shadow model is fitted on half of them",
        )
    if how.fits < _LEAST_FITS:
        raise InputError("--shadows", got=str(how.fits), allowed=f"{_LEAST_FITS} or more")


def _check_game(table: Table, how: Shadows) -> None:
    if how.neighbours not in get_args(Neighbours):
        allowed = ", ".join(get_args(Neighbours))
        raise InputError("neighbours", got=repr(how.neighbours), allowed=allowed)
    if how.fixed and how.rows is not None and how.rows > table.num_rows // 2:
        raise InputError(
            "train rows of a shadow model",
            got=f"{how.rows} of {table.num_rows}",
            allowed="at most half, so that there are others to stand in for the targets",
        )
    if not how.secret:
        return
    if how.neighbours != "replace":
        raise InputError("a secret", got="neighbours that differ by a unit", allowed="replace")
    if how.secret not in encoded_columns(table):
        allowed = f"one of {', '.join(encoded_columns(table))}"
        raise InputError(f"secret {how.secret!r}", got="no such column to attack", allowed=allowed)
    if len(np.unique(fingerprints(encode([table], columns=[how.secret])[0]))) < 2:
        raise InputError(f"secret {how.secret!r}", got="a single value", allowed="two or more")


@dataclass(frozen=True, eq=False)
class _Audit:
    """What a filled pool says."""

    pool: Pool
    attacks: list[Any]
    groups: Mapping[str, Ints]
    how: Shadows
    margin: float
    show_records: bool

    def result(self) -> Audit:
        seed = self.pool.plan.seed
        failed = self.pool.failed()
        done = self.pool.plan.fits - sum(failed.values())
        fits = self._fits(done, failed)
        if done < max(_LEAST_FITS, (1 - _MOST_FAILED) * self.pool.plan.fits):
            reason = f"{sum(failed.values())} of {self.pool.plan.fits} shadow models failed"
            return Audit(
                results=(fits,),
                not_computed=(NotComputed("shadow models", reason),),
                seed=seed,
                verdict=f"{NOT_ASSESSED}: {reason}",
                controls_passed=True,
                not_tested=not_tried(()),
                threat_models=grid(()),
                extra={"fits": {"ok": done, **failed}},
            )
        with phase("attacks", total=len(self.attacks) + 1) as step:
            trials, member, folds = self._trials(step.advance, control=False)
            choose = self._halves(len(member))
            judged = judge_trials(trials, member, folds, choose, self.groups, seed, self.how.delta)
            controls = [
                planted(self.pool, *self._trials(_quiet, control=True)),
                shuffled(seed, trials, member, folds),
            ]
            step.advance(detail="controls")
        risk, flags, areas = records_at_risk(trials, member, folds)
        wrong = tuple(str(r.params["control"]).replace("_", " ") for r, ok in controls if not ok)
        run = [t for t in trials if t.scores is not None]
        broken = [t for t in trials if t.scores is None]
        at_risk = [risk] if risk is not None else []
        return Audit(
            results=(*judged.results, *at_risk, fits, *(r for r, _ in controls)),
            not_computed=tuple(NotComputed(f"auc ({t.attack})", t.reason) for t in broken),
            seed=seed,
            verdict=verdict(judged, self.margin, failed=wrong, secret=self.how.secret),
            controls_passed=not wrong,
            tested=tried(run),
            not_tested=not_tried(run),
            threat_models=grid(run),
            records=self._records(flags, areas) if self.show_records else (),
            extra={
                "members": done,
                "non_members": done,
                "smallest_auc_seen": judged.power,
                "margin": self.margin,
                "fits": {"ok": done, **failed},
                "rows": self.pool.plan.rows,
                "released": self.pool.plan.released,
                "targets": {name: len(g) for name, g in self.groups.items()},
                "best": None if judged.best is None else dict(vars(judged.best)),
                "findings": [dict(vars(f)) for f in judged.findings],
                **self._game(),
            },
        )

    def _game(self) -> dict[str, object]:
        """What is said of the game beside each figure; nothing of the usual one."""
        how = self.how
        told = {"rest": "fixed" if how.fixed else "", "secret": how.secret}
        if how.fixed or how.neighbours != "replace":
            told["neighbours"] = how.neighbours
        return {k: v for k, v in told.items() if v}

    def _threat(self, attack: Any) -> ThreatModel:
        """What the adversary of this game knows and wants."""
        threat: ThreatModel = attack.threat_model
        return replace(
            threat,
            data="exact" if self.how.fixed else threat.data,
            goal="attribute" if self.how.secret else threat.goal,
            neighbours=self.how.neighbours,
        )

    def _fits(self, done: int, failed: Mapping[str, int]) -> Result:
        whole = self.pool.plan.fits
        low, high = measures.clopper_pearson(done, whole)
        return Result(
            family="privacy",
            name="shadow_fits",
            params={k.replace(" ", "_"): v for k, v in failed.items()} | {"fits": whole},
            estimate=Estimate(done / whole, low, high, whole),
            reference=1.0,
            direction="higher",
        )

    def _records(self, flags: Flags, areas: npt.NDArray[np.float64]) -> tuple[dict[str, Any], ...]:
        """Return the targets at risk, the most exposed first."""
        places = np.flatnonzero(flags)[np.argsort(-areas[flags], kind="stable")]
        rows = np.asarray(self.pool.plan.targets, dtype=np.int64)[places]
        told = to_raw(self.pool.table.take(rows)).to_pylist()
        return tuple(
            {"auc": round(float(areas[i]), 3), **r} for i, r in zip(places, told, strict=True)
        )

    def _trials(self, tell: Any, *, control: bool) -> tuple[list[Trials], Flags, Ints]:
        """Score all trials of each attack; with `control`, those of the releases of copies."""
        found: list[Trials] = []
        member, folds = np.empty((0, len(self.pool.plan.targets)), dtype=bool), np.empty(0, int)
        for attack in self.attacks:
            began = time.process_time()
            kept = self.pool.numbers(attack.name, control=control)
            leak = str(getattr(attack, "leak", "row"))
            if kept is None:
                white = attack.threat_model.generator == "white-box"
                reason = _NO_LOSS if white else "the attack gave no numbers in some fit"
                found.append(Trials(attack.name, self._threat(attack), leak, None, reason=reason))
            else:
                numbers, member = kept
                folds = deal_folds(len(member), stream(self.pool.plan.seed, "shadow", "folds"))
                how = numbers, member, folds, attack.learner
                scores = cross_fitted(*how)
                kept_apart = None if control else honest(*how, self._halves(len(member)))
                seconds = time.process_time() - began
                who = attack.name, self._threat(attack), leak
                found.append(Trials(*who, scores, kept_apart, seconds, about=self._game()))
            tell(detail=attack.name)
        return found, member, folds

    def _halves(self, fits: int) -> Flags:
        """Return on which fits rules for bounds are chosen."""
        rng = stream(self.pool.plan.seed, "shadow", "halves")
        return np.asarray(rng.permutation(fits) < fits // 2, dtype=bool)


def _quiet(by: float = 1.0, detail: str = "") -> None:
    pass
