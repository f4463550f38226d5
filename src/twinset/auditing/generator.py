"""The steps of an audit by shadow models: plan the game, fit, score, report.

`twinset.jobs.audit.audit_generator` takes them in this order; in between trials are judged
(`shadow_judge`) and controls run (`controls`).
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from twinset import registry
from twinset.arrays import Flags, Floats, Ints
from twinset.auditing.auditor import AttackScores, Judgement, share_result
from twinset.auditing.controls import Controls
from twinset.auditing.inference import Successes, leaks
from twinset.auditing.reconstruction_curve import RECONSTRUCTION, grown
from twinset.auditing.shadow_judge import Trials, records_at_risk
from twinset.auditing.shadow_learners import cross_fitted, deal_folds, honest
from twinset.auditing.shadows import Neighbours, Plan, Pool, Shadows
from twinset.auditing.targets import choose_targets
from twinset.auditing.threats import coverage
from twinset.auditing.verdict import unassessed, verdict
from twinset.errors import InputError, StorageError
from twinset.progress import phase
from twinset.protocols import Result, ThreatModel
from twinset.results import Audit, NotComputed
from twinset.scale.local import workers
from twinset.scale.processes import run_tasks
from twinset.stats.records import encode, encoded_columns
from twinset.stats.row_hash import fingerprints
from twinset.stats.seeds import stream
from twinset.stats.units import count_units
from twinset.table.canonical import to_raw
from twinset.table.table import Table

__all__ = [
    "ShadowGame",
    "check_generator",
    "fit_shadows",
    "plan_game",
    "report",
    "report_of_none",
    "score",
    "too_few_fits",
]


_LEAST_UNITS = 100
_LEAST_FITS = 40
_MOST_FAILED = 0.5
_NO_LOSS = "the model does not tell the probability of a row"


@dataclass(frozen=True, eq=False)
class ShadowGame:
    """Who is attacked, by what, with which shadow models.

    Attributes
    ----------
    table
        The population; canaries, which nobody is, stand at its end.
    groups
        For each kind of target, places among those of the plan.
    delta
        Of the bounds on epsilon.
    """

    plan: Plan
    table: Table
    attacks: Sequence[Any]
    groups: Mapping[str, Ints]
    delta: float

    def told(self) -> dict[str, object]:
        """What is said of the game beside each figure; nothing of the usual one."""
        plan = self.plan
        told = {"rest": "fixed" if plan.fixed else "", "secret": plan.secret}
        if plan.fixed or plan.neighbours != "replace":
            told["neighbours"] = plan.neighbours
        return {k: v for k, v in told.items() if v}

    def threat(self, attack: Any) -> ThreatModel:
        """What the adversary of this game knows and wants."""
        threat: ThreatModel = attack.threat_model
        return replace(
            threat,
            data="exact" if self.plan.fixed else threat.data,
            goal="attribute" if self.plan.secret else threat.goal,
            neighbours=self.plan.neighbours,
        )


# --- plan ------------------------------------------------------------------------------------


def plan_game(
    table: Table,
    how: Shadows,
    generator: str,
    options: Mapping[str, Any] | None,
    command: str,
    *,
    declared: Table | None,
    attacks: Sequence[str] | None,
    seed: int,
    protect: int,
) -> ShadowGame:
    """Choose targets and attacks, and say what is fitted; see `jobs.audit.audit_generator`.

    Raises
    ------
    InputError
        If there are too few units, or targets or options are refused.
    """
    chosen = _attacks(attacks)
    check_generator(generator, options, command)
    _check(table, how)
    _check_game(table, how)
    table, rows, groups = choose_targets(table, how.kinds, how.number, seed, declared)
    size = how.rows or min(table.num_rows // 2, 1_000)
    released = how.released or size
    curved = attacks is None or RECONSTRUCTION in attacks
    plan = Plan(
        generator=generator,
        options=dict(options or {}),
        command=command,
        fits=how.fits,
        controls=how.controls,
        rows=size,
        released=released,
        targets=tuple(rows.tolist()),
        attacks=tuple(a.name for a in chosen),
        seconds=how.seconds,
        seed=seed,
        protect=protect,
        fixed=how.fixed,
        neighbours=how.neighbours,
        secret=how.secret,
        curve=max(how.curve, released) if how.curve and curved else 0,
    )
    if size <= 2 * len(rows):
        raise InputError(
            "train rows of a shadow model",
            got=f"{size} for {len(rows)} targets",
            allowed=f"more than {2 * len(rows)}",
            hint="fewer targets, or a larger table",
        )
    return ShadowGame(plan, table, chosen, groups, how.delta)


def _attacks(names: Sequence[str] | None) -> list[Any]:
    made = [registry.configure("attacks", n) for n in names or registry.names("attacks")]
    usable = [a for a in made if a.threat_model.generator != "no-box"]
    if not usable:
        raise InputError("attacks", got="none that works with shadow models")
    return usable


def check_generator(
    generator: str, options: Mapping[str, Any] | None = None, command: str = ""
) -> None:
    """Refuse a generator or options that are not known, or a command without its places."""
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


def _check(table: Table, how: Shadows) -> None:
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


# --- fit -------------------------------------------------------------------------------------


def fit_shadows(game: ShadowGame, folder: Path) -> Pool:
    """Do the fits of the plan that are not done yet, in worker processes."""
    pool = Pool.make(folder, game.plan, game.table)
    command = [sys.executable, "-m", "twinset.auditing.shadow_worker", str(folder)]
    left = pool.missing()
    total = len(pool.plan.tasks)
    with phase("shadow models", total=total) as step, contextlib.ExitStack() as stack:
        if len(left) < total:
            step.advance(total - len(left))
        running = run_tasks(command, left, workers=workers(), seconds=pool.plan.seconds)
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


def too_few_fits(pool: Pool) -> str:
    """Return why nothing can be said if too few shadow models were fitted, else nothing."""
    failed, fits = pool.failed(), pool.plan.fits
    lost = sum(failed.values())
    if fits - lost >= max(_LEAST_FITS, (1 - _MOST_FAILED) * fits):
        return ""
    kinds = ", ".join(f"{k}: {n}" for k, n in failed.items())
    return f"{lost} of {fits} shadow models failed ({kinds})"


# --- score -----------------------------------------------------------------------------------


def score(
    game: ShadowGame,
    pool: Pool,
    tell: Callable[..., None] | None = None,
    *,
    control: bool = False,
) -> Trials:
    """Score all trials of each attack; with `control`, those of the releases of copies."""
    found: list[AttackScores] = []
    seed = game.plan.seed
    member, folds = np.empty((0, len(game.plan.targets)), dtype=bool), np.empty(0, int)
    for attack in game.attacks:
        began = time.process_time()
        kept = pool.numbers(attack.name, control=control)
        about = attack.name, game.threat(attack), str(getattr(attack, "leak", "row"))
        if kept is None:
            white = attack.threat_model.generator == "white-box"
            raised = pool.raised(attack.name)
            reason = _NO_LOSS if white else "the attack gave no numbers in some fit"
            reason = f"the attack raised {raised}" if raised else reason
            found.append(AttackScores(*about, None, reason=reason))
        else:
            numbers, member = kept
            folds = deal_folds(len(member), stream(seed, "shadow", "folds"))
            how = numbers, member, folds, attack.learner
            scores = cross_fitted(*how)
            apart = None if control else honest(*how, _halves(seed, len(member)))
            seconds = time.process_time() - began
            found.append(AttackScores(*about, scores, seconds, honest=apart, about=game.told()))
        if tell is not None:
            tell(detail=attack.name)
    return Trials(found, member, folds, _halves(seed, len(member)))


def _halves(seed: int, fits: int) -> Flags:
    """Return on which fits rules for bounds are chosen."""
    order = stream(seed, "shadow", "halves").permutation(fits)
    return np.asarray(order < fits // 2, dtype=bool)


# --- report ----------------------------------------------------------------------------------


def report(
    game: ShadowGame,
    pool: Pool,
    trials: Trials,
    judgement: Judgement,
    controls: Controls,
    *,
    margin: float,
    show_records: bool,
) -> Audit:
    """Put together what was found, in figures and words."""
    plan, failed = pool.plan, pool.failed()
    done = plan.fits - sum(failed.values())
    at_risk, flags, areas = records_at_risk(trials)
    curve, unknown = _curve(pool)
    learned = leaks(curve, margin)
    run = [*(s for s, _ in trials.scored), *curve[:1]]
    return Audit(
        results=(
            *judgement.results,
            *([at_risk] if at_risk is not None else []),
            *(leak.result for leak in learned),
            _fits(plan.fits, failed),
            *controls.results,
        ),
        not_computed=(
            *(
                NotComputed(f"auc ({s.attack})", s.reason)
                for s in trials.attacks
                if s.scores is None
            ),
            *(NotComputed(f"reconstruction_leak ({RECONSTRUCTION})", r) for r in unknown),
        ),
        seed=plan.seed,
        verdict=verdict(
            judgement, margin, failed=controls.failed, inferred=learned, secret=plan.secret
        ),
        controls_passed=controls.passed,
        **coverage(run),
        records=_records(pool, flags, areas) if show_records else (),
        extra={
            "members": done,
            "non_members": done,
            "smallest_auc_seen": judgement.power,
            "margin": margin,
            "fits": {"ok": done, **failed},
            "rows": plan.rows,
            "released": plan.released,
            "targets": {name: len(g) for name, g in game.groups.items()},
            **judgement.told(),
            **game.told(),
        },
    )


def report_of_none(pool: Pool, reason: str) -> Audit:
    """Return an audit for which too few shadow models were fitted."""
    fits, failed = pool.plan.fits, pool.failed()
    extra = {"fits": {"ok": fits - sum(failed.values()), **failed}}
    found = (_fits(fits, failed),)
    return unassessed(found, "shadow models", reason, pool.plan.seed, extra)


def _fits(fits: int, failed: Mapping[str, int]) -> Result:
    """Share of shadow models that were fitted, and how the others failed."""
    done = fits - sum(failed.values())
    about = {k.replace(" ", "_"): v for k, v in failed.items()} | {"fits": fits}
    return share_result("shadow_fits", done, fits, 1.0, params=about, direction="higher")


def _curve(pool: Pool) -> tuple[list[Successes], list[str]]:
    """Return how a reconstruction grows with the rows released, or why that is not known."""
    if not pool.plan.curve:
        return [], []
    kept, failed = pool.curve()
    if kept:
        return grown(pool.plan, kept), []
    return [], [f"the fit for it: {failed}" if failed else "no column or too few people"]


def _records(pool: Pool, flags: Flags, areas: Floats) -> tuple[dict[str, Any], ...]:
    """Return the targets at risk, the most exposed first."""
    places = np.flatnonzero(flags)[np.argsort(-areas[flags], kind="stable")]
    rows = np.asarray(pool.plan.targets, dtype=np.int64)[places]
    told = to_raw(pool.table.take(rows)).to_pylist()
    return tuple({"auc": round(float(areas[i]), 3), **r} for i, r in zip(places, told, strict=True))
