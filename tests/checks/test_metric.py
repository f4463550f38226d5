"""check_metric refuses metrics that break a promise; each breaks exactly one."""

from __future__ import annotations

import subprocess
import sys
from typing import ClassVar

import numpy as np
import pytest

from twinset.checks import check_metric
from twinset.checks.metric import _is_sound
from twinset.checks.twins import DEFECTS, broken, world
from twinset.protocols import Estimate, Family, Measure, Result
from twinset.stats.seeds import stream


class Mean:
    """Difference of the means of `size`, worse if beyond chance: keeps all promises."""

    name: ClassVar[str] = "mean"
    family: ClassVar[Family] = "fidelity"
    limit = 2.5

    def measure(self, evidence):
        if "size" not in evidence.columns:
            return [self.refused("there is no column size")]
        a, b = (evidence.values(s, "size") for s in ("train", "synthetic"))
        if min(len(a), len(b)) < 2:
            return [self.refused("too few rows")]
        return [self.result(a, b)]

    def refused(self, reason):
        return Result(self.family, "mean", status="not_applicable", reason=reason)

    def result(self, a, b, **changes):
        sd = np.sqrt(a.var() / len(a) + b.var() / len(b))
        gap = float(abs(a.mean() - b.mean()))
        found = Result(
            self.family,
            "mean",
            columns=("size",),
            estimate=Estimate(gap, gap - 2 * sd, gap + 2 * sd, len(b)),
            reference=0.0,
            verdict="worse" if gap > self.limit * sd else "within_noise",
        )
        return found.replace(**changes)


class Raises(Mean):
    def measure(self, evidence):
        return [self.result(evidence.values("train", "size"), evidence.values("synthetic", "size"))]


class Silent(Mean):
    def measure(self, evidence):
        return [r for r in super().measure(evidence) if r.estimate]


class AlwaysWorse(Mean):
    limit = -1.0


class NeverWorse(Mean):
    limit = np.inf


class Honest(Mean):
    """Worse on 2.5% of fresh samples."""

    limit = 2.24


class SixOfAHundred(Mean):
    """Worse on 6 of 100 fresh samples, whatever they hold; `limit` itself is hardly ever met."""

    limit = 4.0
    alarms = (7, 23, 41, 58, 76, 93)

    def measure(self, evidence):
        return [
            r.replace(verdict="worse") if r.verdict and evidence.seed % 100 in self.alarms else r
            for r in super().measure(evidence)
        ]


class ForATarget(SixOfAHundred):
    """The same where 5 of 100 are due."""

    def result(self, a, b):
        return super().result(a, b, direction="target")


class Undeclared(Mean):
    measures: ClassVar[tuple[Measure, ...]] = (Measure(name="median"),)


class Restless(Mean):
    draws = np.random.default_rng(0)

    def result(self, a, b):
        return super().result(a, b, seconds=0.0, noise=self.draws.random())


class Writes(Mean):
    def measure(self, evidence):
        if "size" in evidence.columns:
            evidence.sorted("train", "size")[:1] = 0.0
        return super().measure(evidence)


class OtherFamily(Mean):
    def result(self, a, b):
        return super().result(a, b, family="privacy")


class UnknownColumn(Mean):
    def result(self, a, b):
        return super().result(a, b, columns=("waist",))


class NotJson(Mean):
    def result(self, a, b):
        return super().result(a, b, params={"mean": float("nan")})


class OutsideItsInterval(Mean):
    def result(self, a, b):
        return super().result(a, b, estimate=Estimate(0.5, 0.6, 0.7, 10))


class NoReference(Mean):
    def result(self, a, b):
        return super().result(a, b, reference=None, verdict=None)


class BlindAndSaysSo(NeverWorse):
    undetected: ClassVar[str] = "it describes, and judges nothing"


class SaysSoButSees(Mean):
    undetected: ClassVar[str] = "it describes, and judges nothing"


@pytest.mark.parametrize("metric", [Mean, Honest, ForATarget, BlindAndSaysSo])
def test_a_good_metric_passes_and_a_blind_one_that_says_so(metric) -> None:
    check_metric(metric)


def test_alarms_beyond_the_share_due_are_told_from_it() -> None:
    def refused(share, due, times=300):
        rng = np.random.default_rng(0)
        return np.mean([not settled(rng.random(500) < share, due) for _ in range(times)])

    def settled(alarms, due):
        for draws, found in enumerate(np.cumsum(alarms), 1):
            sound = _is_sound(int(found), draws, due, last=draws == len(alarms))
            if sound is not None:
                return sound
        raise AssertionError("the last draw settles it")

    assert refused(0.025, 0.025) < 0.03
    assert refused(0.06, 0.025) > 0.93
    assert refused(0.05, 0.05) < 0.03
    assert refused(0.12, 0.05) > 0.93


@pytest.mark.parametrize(
    ("metric", "promise"),
    [
        (Raises, "never raises on data"),
        (Silent, "not silence"),
        (AlwaysWorse, "a fresh real sample is not judged worse"),
        (SixOfAHundred, "mean did so in .* draws, where 2.5% are due"),
        (Undeclared, "declares all: mean"),
        (NeverWorse, "a broken release is judged worse"),
        (SaysSoButSees, "out of date: shifted numbers"),
        (Restless, "the same seed gives the same figures"),
        (Writes, "leaves its evidence alone"),
        (OtherFamily, "the family of its metric"),
        (UnknownColumn, "columns are those of the table"),
        (NotJson, "params are finite JSON"),
        (OutsideItsInterval, "the interval holds the value"),
        (NoReference, "a result has a reference"),
    ],
)
def test_a_broken_promise_is_named(metric, promise) -> None:
    with pytest.raises(AssertionError, match=promise):
        check_metric(metric)


def test_each_defect_changes_the_release_and_nothing_else() -> None:
    case = world(200, 0)
    for defect in {d for family in DEFECTS.values() for d in family}:
        damaged = broken(defect, case, stream(0, defect))
        assert damaged.train is case.train
        assert damaged.synthetic.schema == case.synthetic.schema
        assert damaged.synthetic.num_rows == case.synthetic.num_rows
        assert not damaged.synthetic.data.equals(case.synthetic.data)


def test_checks_are_imported_when_asked_for() -> None:
    code = (
        "import sys, twinset.checks; sys.exit('lightgbm' in sys.modules or 'duckdb' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
