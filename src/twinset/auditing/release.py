"""Audit of a release, from files alone."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from twinset import registry
from twinset.arrays import Flags, Floats
from twinset.auditing.auditor import FPRS, AttackScores, Judgement, judge, unknown
from twinset.auditing.controls import controls_of_release
from twinset.auditing.copies import copied_identifiers, copied_records
from twinset.auditing.exposed_groups import exposed_kinds
from twinset.auditing.game import Game, NoGame, set_up
from twinset.auditing.inference import leaks
from twinset.auditing.inference_attacks import compare_people
from twinset.auditing.threats import coverage
from twinset.auditing.verdict import unassessed, verdict
from twinset.progress import phase
from twinset.protocols import Attack, Result
from twinset.results import Audit, Exposed, NotComputed
from twinset.stats.neighbours import sharing
from twinset.stats.seeds import stream
from twinset.table.canonical import to_raw
from twinset.table.dataset import Dataset
from twinset.table.table import Table

__all__ = ["audit_dataset", "audit_release"]

_OUTLIERS = 0.1
_LEAST_OUTLIERS = 10
_SHOWN = 10


def audit_release(
    train: Table,
    synthetic: Table,
    holdout: Table | None,
    *,
    auxiliary: Table | None = None,
    seed: int = 0,
    attacks: Sequence[str] | None = None,
    max_targets: int = 10_000,
    margin: float = 0.03,
    show_records: bool = False,
) -> Audit:
    """Attack `synthetic` as someone would who holds it and rows of other people.

    Parameters
    ----------
    train, synthetic
        What the generator was fitted on, and what it released.
    holdout
        Rows of the same population that it has not seen; split by unit into what the adversary
        holds (R) and non-members (N). Without it nothing is assessed.
    auxiliary
        What the adversary holds instead; all of `holdout` are then non-members.
    attacks
        Names of attacks; all that are registered unless given.
    max_targets
        Units attacked at most on either side.
    margin
        How far above one half the corrected lower end of an AUC must lie to make the verdict "No".

    show_records
        Whether `Audit.records` holds the train records that the best attack recognises most surely,
        if it was shown to recognise any.

    Raises
    ------
    InputError
        If tables share units or have other columns, or an attack is not known.
    """
    chosen, others = _attacks(attacks)
    judged = [a for a in others if not getattr(a, "diagnostic", False)]
    game = set_up(
        train, synthetic, holdout, auxiliary=auxiliary, seed=seed, max_targets=max_targets
    )
    if isinstance(game, NoGame):
        return _not_assessed(chosen, game.reason, seed)
    with phase("audit", total=len(chosen) + 3) as step, sharing():
        scored = []
        for attack in chosen:
            scored.append(_score(attack, game, seed))
            step.advance(detail=attack.name)
        groups, missing = _groups(game)
        judgement = judge(scored, game.is_member, groups, seed)
        working = [a for a, s in zip(chosen, scored, strict=True) if s.scores is not None]
        controls = controls_of_release(game, working, scored, seed, judged)
        step.advance(detail="controls")
        exposed = _exposed(game, scored, judgement, seed)
        found = leaks(compare_people(game, others, seed), margin)
        step.advance(detail="inference, linkage, singling out")
        repeated = _repeated(train, synthetic, holdout, seed)
        step.advance(detail="copies, identifiers")
    inferred = [leak.result for leak in found]
    broken = {r.params["attack"] for r in inferred if r.status == "failed"}
    run = [*working, *(a for a in judged if a.name not in broken)]
    results = (*judgement.results, *missing, *inferred, *repeated, *controls.results)
    return Audit(
        results=results,
        not_computed=_not_computed(results),
        seed=seed,
        verdict=verdict(judgement, margin, repeated, controls.failed, found),
        controls_passed=controls.passed,
        exposed=exposed,
        records=_records(game, scored, judgement) if show_records else (),
        **coverage(run),
        extra=_about(game, judgement, margin),
    )


def audit_dataset(train: Dataset, synthetic: Dataset, holdout: Dataset, *, seed: int = 0) -> Audit:
    """Attack each table of a release by itself; of several, results name their table.

    The verdict is the worst of a table, and its figures are those of `Audit.extra`.
    """
    found = {
        name: audit_release(table, synthetic.tables[name], holdout.tables[name], seed=seed)
        for name, table in train.tables.items()
    }
    return found[train.name] if train.is_one else _together(found, seed)


def _together(found: Mapping[str, Audit], seed: int) -> Audit:
    """Return one audit of several tables."""
    order = ("No,", "Not assessed")  # worst first; what is left was not shown to leak

    def badness(name: str) -> int:
        verdict = found[name].verdict
        return next((i for i, v in enumerate(order) if verdict.startswith(v)), len(order))

    worst = min(found, key=badness)
    pairs = found.items()
    return Audit(
        results=tuple(r.replace(table=n) for n, a in pairs for r in a.results),
        not_computed=tuple(
            replace(m, name=f"{n}: {m.name}") for n, a in pairs for m in a.not_computed
        ),
        seed=seed,
        verdict=found[worst].verdict,
        controls_passed=all(a.controls_passed for a in found.values()),
        exposed=tuple(replace(e, text=f"{n}: {e.text}") for n, a in pairs for e in a.exposed),
        tested=tuple(dict.fromkeys(t for a in found.values() for t in a.tested)),
        not_tested=tuple(dict.fromkeys(t for a in found.values() for t in a.not_tested)),
        threat_models=tuple({"table": n, **m} for n, a in pairs for m in a.threat_models),
        extra={**found[worst].extra, "table": worst},
    )


def _attacks(names: Sequence[str] | None) -> tuple[list[Any], list[Any]]:
    """Return the attacks on membership and the others, of those that need no generator."""
    made = [registry.configure("attacks", n) for n in names or registry.names("attacks")]
    usable = [a for a in made if a.threat_model.generator == "no-box"]
    membership = [a for a in usable if a.threat_model.goal == "membership"]
    return membership, [a for a in usable if a.threat_model.goal != "membership"]


def _exposed(
    game: Game, scored: Sequence[AttackScores], judgement: Judgement, seed: int
) -> tuple[Exposed, ...]:
    """Return the kinds of record that the best attack recognises most."""
    name = None if judgement.best is None else judgement.best.attack
    best = next((s for s in scored if s.attack == name), None)
    if best is None or best.scores is None:
        return ()
    return exposed_kinds(game, best.scores, seed)


def _repeated(
    train: Table, synthetic: Table, holdout: Table | None, seed: int
) -> tuple[Result, ...]:
    """Return what the release repeats of whole train: records, identifiers."""
    if holdout is None:
        return ()
    named = copied_identifiers(train, synthetic, holdout, seed)
    return *copied_records(train, synthetic, holdout, seed), *named


def _about(game: Game, judgement: Judgement, margin: float) -> dict[str, Any]:
    return {
        "members": game.members,
        "non_members": game.non_members,
        "auxiliary_rows": 0 if game.auxiliary is None else len(game.auxiliary),
        "synthetic_rows": len(game.release),
        "smallest_auc_seen": judgement.power,
        "smallest_auc_seen_of": dict(judgement.powers),
        "margin": margin,
        **judgement.told(),
    }


def _records(
    game: Game, scored: Sequence[AttackScores], judgement: Judgement
) -> tuple[dict[str, Any], ...]:
    """Return the members with the largest scores of the best attack that was shown to work."""
    shown = [f for f in judgement.findings if f.fpr is None]
    if not shown:
        return ()
    name = max(shown, key=lambda f: f.low).attack
    scores = next(s.scores for s in scored if s.attack == name)
    assert scores is not None
    first = np.unique(game.units, return_index=True)[1]
    most = np.argsort(-scores[: game.members], kind="stable")[:_SHOWN]
    rows = to_raw(game.member_table.take(first[most])).to_pylist()
    return tuple({"attack": name, **row} for row in rows)


def _score(attack: Attack, game: Game, seed: int) -> AttackScores:
    """Run one attack; an attack that breaks is a failed result, not the end of the audit."""
    leak = str(getattr(attack, "leak", "row"))
    began = time.process_time()
    try:
        rows = attack.score(
            game.targets,
            game.release,
            auxiliary=game.auxiliary,
            rng=stream(seed, "audit", "attack", attack.name),
        )
        problem = _refusal(rows, len(game.targets))
    except (ValueError, ArithmeticError, IndexError, TypeError) as error:
        rows, problem = np.empty(0), f"the attack raised {type(error).__name__}"
    seconds = time.process_time() - began
    if problem:
        return AttackScores(attack.name, attack.threat_model, leak, None, seconds, problem)
    scores = game.by_unit(np.asarray(rows, dtype=np.float64))
    return AttackScores(attack.name, attack.threat_model, leak, scores, seconds)


def _refusal(scores: Floats, rows: int) -> str:
    if np.shape(scores) != (rows,):
        return f"the attack gave scores of shape {np.shape(scores)} for {rows} targets"
    return "" if np.isfinite(scores).all() else "the attack gave scores that are not finite"


def _groups(game: Game) -> tuple[dict[str, Flags], list[Result]]:
    """Random targets, and the tenth farthest from the adversary's own rows."""
    groups = {"random": np.ones(game.members + game.non_members, dtype=bool)}
    reason = ""
    near = game.to_auxiliary()
    if near is None:
        reason = "no auxiliary rows to say who is an outlier"
    else:
        far = game.by_unit(near.mean(axis=1))
        outlying = far >= np.quantile(far, 1 - _OUTLIERS)
        sides = (outlying[: game.members].sum(), outlying[game.members :].sum())
        if min(sides) >= _LEAST_OUTLIERS:
            groups["outliers"] = outlying
        else:
            reason = f"fewer than {_LEAST_OUTLIERS} outliers on one side"
    return groups, [unknown("auc", reason, params={"target_group": "outliers"})] if reason else []


def _not_assessed(attacks: Sequence[Attack], reason: str, seed: int) -> Audit:
    results = tuple(
        unknown(name, reason, params={"attack": a.name, **more})
        for a in attacks
        for name, more in (("auc", {}), *(("tpr_at_fpr", {"fpr": f}) for f in FPRS))
    )
    return unassessed(results, "membership inference", reason, seed)


def _not_computed(results: Sequence[Result]) -> tuple[NotComputed, ...]:
    """Return one line for each different reason."""
    reasons: dict[str, str] = {}
    for r in results:
        if r.status != "ok":
            what = r.params.get("attack") if r.status == "failed" else r.params.get("control")
            reasons.setdefault(r.reason or "", f"{r.name} ({what})" if what else r.name)
    return tuple(NotComputed(name, reason) for reason, name in reasons.items())
