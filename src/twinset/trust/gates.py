"""Gates: bounds that a release must keep, for continuous integration and for signing off.

``gates.yaml`` is a list; each entry names a measure, a bound and, if needed, which of its results::

    - measure: c2st
      bound: "<= 0.6"
    - measure: auc
      params: {attack: domias}
      on: high          # value (default), low or high end of the interval
      bound: "<= 0.55"

All results that match must keep the bound; the worst one is shown. A gate whose measure was not
computed is missed; one whose measure does not exist is refused before any work.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pydantic

from twinset.errors import InputError, near
from twinset.protocols import Result
from twinset.table.yaml import load_yaml
from twinset.trust.measures import measure_of, measures

__all__ = ["Gate", "GateResult", "judge", "load_gates"]

_BOUND = re.compile(r"\s*(<=|>=|<|>)\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


class Gate(pydantic.BaseModel):
    """One bound on one measure."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    measure: str
    bound: str
    on: Literal["value", "low", "high"] = "value"
    columns: tuple[str, ...] | None = None
    params: dict[str, Any] = {}

    @pydantic.field_validator("bound")
    @classmethod
    def _is_bound(cls, bound: str) -> str:
        if not _BOUND.fullmatch(bound):
            raise ValueError('a bound is written like "<= 0.6"')
        return bound

    @property
    def name(self) -> str:
        """How the gate is called in reports."""
        detail = [*(self.columns or ()), *(f"{k}={v}" for k, v in self.params.items())]
        end = "" if self.on == "value" else f" ({self.on} end)"
        return self.measure + (f"[{', '.join(detail)}]" if detail else "") + end

    def keeps(self, value: float) -> bool:
        """Whether `value` keeps the bound."""
        sign, limit = self._parts()
        return _COMPARE[sign](value, limit)

    def worst(self, values: Sequence[float]) -> float:
        """Return the value that is furthest on the wrong side."""
        return max(values) if self._parts()[0].startswith("<") else min(values)

    def _parts(self) -> tuple[str, float]:
        match = _BOUND.fullmatch(self.bound)
        if match is None:
            raise InputError("bound", got=self.bound)
        return match[1], float(match[2])


@dataclass(frozen=True)
class GateResult:
    """A gate and what came out; `value` is None if the measure was not computed."""

    name: str
    bound: str
    value: float | None
    met: bool

    def to_dict(self) -> dict[str, Any]:
        """JSON form, as in report.json."""
        return dict(self.__dict__)


def load_gates(given: str | Path | Sequence[Gate]) -> tuple[Gate, ...]:
    """Read gates.yaml, or take gates; InputError says which entry is wrong."""
    if isinstance(given, str | Path):
        gates, where = _read(given), f"{given}, "
    else:
        gates, where = tuple(given), ""
    for i, gate in enumerate(gates, 1):
        _check_known(gate.measure, f"{where}gate {i}, measure")
    return gates


def _check_known(measure: str, where: str) -> None:
    known = measure_of(measure)
    if known is None or not known.gate:
        allowed = sorted(name for name, m in measures().items() if m.gate)
        raise InputError(where, got=repr(measure), **near(measure, allowed))


def _read(path: str | Path) -> tuple[Gate, ...]:
    entries = load_yaml(Path(path))
    if not isinstance(entries, list) or not entries:
        raise InputError(str(path), got="no list of gates", allowed="- measure: ..., bound: ...")
    gates = []
    for i, entry in enumerate(entries, 1):
        try:
            gates.append(Gate.model_validate(entry))
        except pydantic.ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise InputError(f"{path}, gate {i}", got=f"{where}: {first['msg']}") from None
    return tuple(gates)


def judge(gates: Sequence[Gate], results: Sequence[Result]) -> tuple[GateResult, ...]:
    """Hold each gate against all results that match it, but for those that do not apply here.

    What failed, or a measure of which nothing was computed, misses its gate.
    """
    return tuple(_judge(gate, results) for gate in gates)


def _judge(gate: Gate, results: Sequence[Result]) -> GateResult:
    matching = [r for r in results if _matches(gate, r) and r.status != "not_applicable"]
    values = [getattr(r.estimate, gate.on) for r in matching if r.estimate is not None]
    if not values or len(values) < len(matching):
        return GateResult(gate.name, gate.bound, None, met=False)
    worst = gate.worst(values)
    return GateResult(gate.name, gate.bound, worst, gate.keeps(worst))


def _matches(gate: Gate, result: Result) -> bool:
    return (
        result.name == gate.measure
        and (gate.columns is None or gate.columns == result.columns)
        and all(str(result.params.get(k)) == str(v) for k, v in gate.params.items())
    )
