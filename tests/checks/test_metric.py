"""check_metric refuses metrics that break a promise; each breaks exactly one."""

from __future__ import annotations

import subprocess
import sys
from typing import ClassVar

import numpy as np
import pytest

from twinset.checks import check_metric
from twinset.checks.twins import DEFECTS, broken, world
from twinset.protocols import Estimate, Family, Result
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


def test_a_good_metric_passes_and_a_blind_one_that_says_so() -> None:
    check_metric(Mean)
    check_metric(BlindAndSaysSo())


@pytest.mark.parametrize(
    ("metric", "promise"),
    [
        (Raises, "never raises on data"),
        (Silent, "not silence"),
        (AlwaysWorse, "a fresh real sample is not judged worse"),
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
