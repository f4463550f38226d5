"""What every metric must keep: run by our tests and by those of plug-in authors."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

from twinset.checks.twins import DEFECTS, Case, broken, odd_cases, world
from twinset.errors import TwinsetError
from twinset.evidence.coded import Side
from twinset.evidence.evidence import Evidence
from twinset.protocols import Direction, Estimate, Family, Metric, Result, Verdict
from twinset.stats.seeds import stream

__all__ = ["check_metric"]

_ROWS = 500
_DRAWS = 500  # fresh samples, at most
_ALARMS = {"lower": 0.025, "higher": 0.025, "target": 0.05}  # a name's alarms by chance, at most
_TOO_MANY = 2.4  # times as many alarms are too many: 6 of 100 where 2.5 are due
_WRONG, _MISSED = 0.01, 0.05  # chance that a sound metric is refused, that a bad one passes
_FAILURES = (
    TwinsetError,
    ArithmeticError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
)


def check_metric(metric: Metric | type[Metric], *, draws: int = _DRAWS) -> None:
    """Hold a metric (or its class with default options) to the promises of `Metric`.

    Parameters
    ----------
    metric
        What is checked.
    draws
        Fresh samples at most on which alarms are counted. A metric that never alarms needs 82 (40
        if its direction is "target"); fewer make the test of false alarms weak.

    Raises
    ------
    AssertionError
        Naming the promise that is broken: it has a name and a family; if it declares measures
        (`twinset.protocols.Measure`), all its results are among them; results are well formed (the
        interval holds the value, figures are finite, params are JSON, columns exist); one at least
        has a reference; the same seed gives the same figures; the evidence stays as it is; a fresh
        real sample has results of one name (and of one ``params["against"]``) judged "worse" no
        more often than in 2.5% of draws (5% where the direction is "target"); of the defects that
        its family is there for (`twinset.checks.twins.DEFECTS`) at least one is judged "worse"; odd
        tables give results with a status and a reason, and never raise.

    Notes
    -----
    Alarms of a name are held by a sequential probability ratio test (Wald 1945): with
    2.5% a name is refused with probability 0.01, with 6% it passes with 0.05. What it has not
    settled after the last draw a binomial test does, at 1%.

    A metric that cannot catch any of these defects says why in a class attribute ``undetected``;
    if it catches one all the same, the attribute is refused as out of date.
    """
    made: Metric = metric() if isinstance(metric, type) else metric
    _require(isinstance(made.name, str) and bool(made.name), "a metric has a name")
    _require(made.family in get_args(Family), f"a metric has a family of {get_args(Family)}")
    case = world(_ROWS, 0)
    results = _measure(made, case)
    _require(any(r.reference is not None for r in results), "a result has a reference")
    again = _measure(made, case)
    _require(
        [_figures(r) for r in results] == [_figures(r) for r in again],
        "the same seed gives the same figures",
    )
    _check_fresh(made, draws)
    _check_defects(made)
    for name, odd in odd_cases().items():
        _require(bool(_measure(made, odd, name)), f"a result with a status, not silence: {name}")


def _evidence(case: Case, seed: int = 0) -> Evidence:
    return Evidence(
        case.train,
        case.synthetic,
        case.holdout,
        target=case.target,
        sensitive=case.sensitive,
        seed=seed,
    )


def _run(metric: Metric, evidence: Evidence, at: str = "") -> Sequence[Result]:
    try:
        return metric.measure(evidence)
    except _FAILURES as error:
        raise AssertionError(f"broken promise: a metric never raises on data{at}") from error


def _measure(metric: Metric, case: Case, where: str = "") -> Sequence[Result]:
    evidence, untouched = _evidence(case), _evidence(case)
    at = f" ({where})" if where else ""
    results = _run(metric, evidence, at)
    declared = {m.name for m in getattr(metric, "measures", ())}
    for result in results:
        _check_form(metric, result, case.train.names, at)
        known = not declared or result.name in declared
        _require(known, f"a metric that declares measures declares all: {result.name}{at}")
    same = all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        for a, b in zip(_shared(evidence), _shared(untouched), strict=True)
    )
    _require(same, f"a metric leaves its evidence alone{at}")
    return results


def _check_form(metric: Metric, result: Result, columns: Sequence[str], at: str) -> None:
    name = f"{getattr(result, 'name', '?')}{at}"
    _require(isinstance(result, Result), f"measure returns results{at}")
    _require(bool(result.name), f"a result has a name{at}")
    _require(result.family == metric.family, f"a result has the family of its metric: {name}")
    _require(result.direction in get_args(Direction), f"a direction says what is good: {name}")
    _require(result.verdict in (None, *get_args(Verdict)), f"a known verdict: {name}")
    _require(set(result.columns) <= set(columns), f"columns are those of the table: {name}")
    try:
        json.dumps(result.to_dict(), allow_nan=False)
    except (TypeError, ValueError):
        raise AssertionError(f"broken promise: params are finite JSON values: {name}") from None
    _check_estimate(result, result.estimate, name)


def _check_estimate(result: Result, estimate: Estimate | None, name: str) -> None:
    if estimate is None:
        _require(result.status != "ok" and bool(result.reason), f"no figure, a reason: {name}")
        return
    inside = estimate.low <= estimate.value <= estimate.high
    _require(inside, f"the interval holds the value: {name}")
    _require(0 < estimate.confidence < 1, f"confidence lies between 0 and 1: {name}")
    _require(estimate.n > 0, f"n is the number of units: {name}")
    if result.reference is None:
        _require(result.verdict is None, f"no verdict without a reference: {name}")
    else:
        _require(math.isfinite(result.reference), f"the reference is finite: {name}")
    _require(result.noise is None or result.noise >= 0, f"noise is not negative: {name}")


def _check_fresh(metric: Metric, draws: int) -> None:
    alarms: Counter[str] = Counter()
    due: dict[str, float] = {}
    for drawn in range(1, draws + 1):
        judged = [
            r for r in _run(metric, _evidence(world(_ROWS, drawn), drawn)) if r.verdict is not None
        ]
        alarms.update({_asked(r) for r in judged if r.verdict == "worse"})
        due |= {_asked(r): _ALARMS[r.direction] for r in judged}
        sound = [_is_sound(alarms[n], drawn, p, last=drawn == draws) for n, p in due.items()]
        for name, well in zip(due, sound, strict=True):
            _require(
                well is not False,
                f"a fresh real sample is not judged worse: {name} did so in {alarms[name]} of "
                f"{drawn} draws, where {due[name]:.1%} are due to chance",
            )
        if all(sound):
            return


def _asked(result: Result) -> str:
    """Return the name; a comparison with another table (``params["against"]``) is one by itself."""
    against = result.params.get("against")
    return result.name if against is None else f"{result.name} against {against}"


def _is_sound(alarms: int, draws: int, due: float, *, last: bool = False) -> bool | None:
    """Return whether so many alarms are due to chance, or None if that is open yet."""
    bad = _TOO_MANY * due
    ratio = alarms * math.log(bad / due) + (draws - alarms) * math.log((1 - bad) / (1 - due))
    if ratio >= math.log((1 - _MISSED) / _WRONG):
        return False
    if ratio <= math.log(_MISSED / (1 - _WRONG)):
        return True
    return bool(binom.sf(alarms - 1, draws, due) > _WRONG) if last else None


def _check_defects(metric: Metric) -> None:
    case = world(_ROWS, 0)
    defects = DEFECTS[metric.family]
    caught = [
        d for d in defects if _is_worse(_measure(metric, broken(d, case, stream(0, "check", d)), d))
    ]
    why = getattr(metric, "undetected", "")
    if why:
        _require(not caught, f"`undetected` is out of date: {', '.join(caught)} are judged worse")
    else:
        _require(
            bool(caught),
            f"a broken release is judged worse ({', '.join(defects)}), "
            "or a class attribute `undetected` says why not",
        )


def _is_worse(results: Sequence[Result]) -> bool:
    return any(r.verdict == "worse" for r in results)


def _figures(result: Result) -> dict[str, Any]:
    return {**result.to_dict(), "seconds": 0.0}


def _shared(evidence: Evidence) -> Iterator[npt.NDArray[Any]]:
    """Return the arrays that metrics share and must not write to."""
    sides: Sequence[Side] = evidence.sides
    for side in sides:
        for coded in evidence.columns.values():
            yield coded.codes[side]
        for name in evidence.numeric():
            yield evidence.values(side, name)
            yield evidence.sorted(side, name)
        yield evidence.model_view(side).features
    records = evidence.records() if evidence.columns else {}
    for found in records.values():
        yield found.numeric
        yield found.codes


def _require(holds: bool, promise: str) -> None:
    if not holds:
        raise AssertionError(f"broken promise: {promise}")
