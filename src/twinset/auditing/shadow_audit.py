"""What a filled pool of shadow models says: scores, judgements, controls, words."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from twinset.auditing import measures
from twinset.auditing.inference import Compared, leaks
from twinset.auditing.reconstruction_curve import RECONSTRUCTION, grown
from twinset.auditing.shadow_controls import planted, shuffled
from twinset.auditing.shadow_judge import Trials, judge_trials, records_at_risk
from twinset.auditing.shadow_learners import cross_fitted, deal_folds, honest
from twinset.auditing.shadows import Pool, Shadows
from twinset.auditing.threats import grid, not_tried, tried
from twinset.auditing.verdict import NOT_ASSESSED, verdict
from twinset.progress import phase
from twinset.protocols import Estimate, Result, ThreatModel
from twinset.results import Audit, NotComputed
from twinset.stats.seeds import stream
from twinset.table.raw import to_raw

__all__ = ["LEAST_FITS", "PoolAudit"]

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

LEAST_FITS = 40
_MOST_FAILED = 0.5
_NO_LOSS = "the model does not tell the probability of a row"


@dataclass(frozen=True, eq=False)
class PoolAudit:
    """What a filled pool says."""

    pool: Pool
    attacks: list[Any]
    groups: Mapping[str, Ints]
    how: Shadows
    margin: float
    show_records: bool

    def result(self) -> Audit:
        """Return the audit."""
        seed = self.pool.plan.seed
        failed = self.pool.failed()
        done = self.pool.plan.fits - sum(failed.values())
        fits = self._fits(done, failed)
        if done < max(LEAST_FITS, (1 - _MOST_FAILED) * self.pool.plan.fits):
            kinds = ", ".join(f"{k}: {n}" for k, n in failed.items())
            reason = (
                f"{sum(failed.values())} of {self.pool.plan.fits} shadow models failed ({kinds})"
            )
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
        found, unknown = self._curve()
        run = [*(t for t in trials if t.scores is not None), *found[:1]]
        learned = leaks(found, self.margin)
        broken = [t for t in trials if t.scores is None]
        at_risk = [risk] if risk is not None else []
        return Audit(
            results=(
                *judged.results,
                *at_risk,
                *(leak.result for leak in learned),
                fits,
                *(r for r, _ in controls),
            ),
            not_computed=(
                *(NotComputed(f"auc ({t.attack})", t.reason) for t in broken),
                *(NotComputed(f"reconstruction_leak ({RECONSTRUCTION})", r) for r in unknown),
            ),
            seed=seed,
            verdict=verdict(
                judged, self.margin, failed=wrong, inferred=learned, secret=self.how.secret
            ),
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

    def _curve(self) -> tuple[list[Compared], list[str]]:
        """Return how a reconstruction grows with the rows released, or why that is not known."""
        if not self.pool.plan.curve:
            return [], []
        kept, failed = self.pool.curve()
        if kept:
            return grown(self.pool.plan, kept), []
        return [], [f"the fit for it: {failed}" if failed else "no column or too few people"]

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
                raised = self.pool.raised(attack.name)
                reason = _NO_LOSS if white else "the attack gave no numbers in some fit"
                reason = f"the attack raised {raised}" if raised else reason
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
