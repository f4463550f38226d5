"""report.json: every result, for programs.

The file holds no times: ``seconds`` is null in every result, because a run that was killed and
resumed must end with the bytes of an unkilled one. Measured times are in ``private/events.jsonl``
and in `Result.seconds`. Figures are rounded to ten significant digits, so that the order in which
workers add does not show.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from twinset.protocols import Result
from twinset.report.disclosure import guard_provenance
from twinset.report.drift import Drift
from twinset.report.summary import guarded
from twinset.report.verdict import share
from twinset.results import Audit, Evaluation
from twinset.table.schema import Schema
from twinset.version import __version__

__all__ = ["audits_to_json", "to_json"]


def to_json(
    evaluation: Evaluation | None,
    audit: Audit | None,
    gates: Sequence[Mapping[str, Any]] = (),
    provenance: Mapping[str, Any] | None = None,
    schema: Schema | None = None,
    seed: int = 0,
    drift: Drift | None = None,
) -> str:
    """Return the content of report.json; equal inputs give equal text.

    `schema` is a publishable one; without it that of the evaluation is written, which names nothing
    that fewer than ten units hold. Keys beside those of the contract (docs/adr/0005): ``audit``
    (verdict, controls, exposed kinds, what was not tested, power), ``provenance``, and ``drift`` if
    an earlier report was given.
    """
    provenance = provenance or {}
    evaluation, audit = guarded(evaluation, audit, provenance)
    schema = schema or (evaluation.schema if evaluation else None)
    found = evaluation.to_dict() if evaluation else {}
    results = [*(evaluation.results if evaluation else ()), *(audit.results if audit else ())]
    missing = [n for f in (evaluation, audit) if f for n in f.not_computed]
    content: dict[str, Any] = {
        "twinset": __version__,
        "seed": seed,
        "schema": None if schema is None else schema.to_dict(),
        "results": [_result(r) for r in results],
        "problems": found.get("problems", []),
        "gates": [_gate(g) for g in gates],
        "not_computed": [{"name": n.name, "reason": n.reason} for n in missing],
        "audit": _audit(audit, provenance),
        "provenance": guard_provenance(provenance),
    }
    if drift is not None:
        content["drift"] = drift.to_dict()
    return _lines(_clean(content))


def audits_to_json(
    audits: Mapping[str, Audit], gates: Mapping[str, Sequence[Mapping[str, Any]]], seed: int
) -> str:
    """Return the content of report.json for several generators.

    Keys are those of `to_json`, with ``audits`` by generator in the place of ``audit``; each result
    names its generator in ``params``, each gate and each measure not computed in ``name``.
    """
    guarded_audits = {n: a for n, raw in audits.items() if (a := guarded(None, raw, {})[1])}
    content: dict[str, Any] = {
        "twinset": __version__,
        "seed": seed,
        "schema": None,
        "results": [
            _result(r.replace(params={"generator": name, **r.params}))
            for name, audit in guarded_audits.items()
            for r in audit.results
        ],
        "problems": [],
        "gates": [
            {**_gate(g), "name": f"{name}: {g.get('name')}"}
            for name, held in gates.items()
            for g in held
        ],
        "not_computed": [
            {"name": f"{name}: {n.name}", "reason": n.reason}
            for name, audit in guarded_audits.items()
            for n in audit.not_computed
        ],
        "audits": {name: _audit(audit, {}) for name, audit in guarded_audits.items()},
        "provenance": {"source": "Audit of generators", "generators": list(audits)},
    }
    return _lines(_clean(content))


def _result(result: Result) -> dict[str, Any]:
    return {**result.to_dict(), "seconds": None}


def _gate(gate: Mapping[str, Any]) -> dict[str, Any]:
    return {k: gate.get(k) for k in ("name", "bound", "value", "met")}


def _audit(audit: Audit | None, provenance: Mapping[str, Any]) -> dict[str, Any]:
    verdict, _ = share(audit, provenance)
    if audit is None:
        unknown: dict[str, Any] = {
            "controls_passed": None,
            "exposed": [],
            "tested": [],
            "not_tested": [],
            "threat_models": [],
            "power": None,
        }
        return {"verdict": verdict.text, **unknown}
    found = audit.to_dict()
    kept = ("controls_passed", "exposed", "tested", "not_tested", "threat_models")
    return {"verdict": verdict.text, **{k: found[k] for k in kept}, "power": _power(audit)}


def _power(audit: Audit) -> dict[str, Any]:
    """How little this audit could have seen, and from where on its answer is No."""
    names = ("members", "non_members", "smallest_auc_seen", "margin")
    return {name: audit.extra.get(name) for name in names}


def _clean(value: Any) -> Any:
    """Return the value in JSON types; what is not finite becomes null."""
    if isinstance(value, Mapping):
        return {str(k): _clean(v) for k, v in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(_clean(v) for v in value)
    if isinstance(value, list | tuple | np.ndarray):
        return [_clean(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.10g}") if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _lines(content: dict[str, Any]) -> str:
    """Return the text with one key or one list entry a line: readable, and small in a diff."""
    parts = []
    for key, value in content.items():
        if isinstance(value, list) and value:
            inner = ",\n".join(f"  {_dump(v)}" for v in value)
            parts.append(f"{_dump(key)}: [\n{inner}\n]")
        else:
            parts.append(f"{_dump(key)}: {_dump(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
