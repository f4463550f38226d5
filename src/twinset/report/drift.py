"""Drift: what changed since an earlier report, beyond the intervals of both."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from twinset.errors import InputError
from twinset.protocols import Result
from twinset.results import Evaluation
from twinset.stats.intervals import Z95, adjust, two_sided

__all__ = ["Change", "Drift", "drift", "read_report"]

Key = tuple[str, str, tuple[str, ...], str, str]
_LIMIT = 0.05
_MOST = 200_000_000  # bytes of a report
_NOT_NAMES = {"interval", "worst", "giveaways", "threat_model"}


@dataclass(frozen=True)
class Change:
    """One figure then and now; `low` and `high` bound the difference with 95% confidence."""

    name: str
    columns: tuple[str, ...]
    group: str | None
    params: Mapping[str, Any]
    before: float
    after: float
    low: float
    high: float
    verdict: Literal["same", "better", "worse"]

    @property
    def size(self) -> float:
        """How many half-widths of its interval the difference is away from 0."""
        return abs(self.after - self.before) / max((self.high - self.low) / 2, 1e-12)

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {**self.__dict__, "columns": list(self.columns), "params": dict(self.params)}


@dataclass(frozen=True)
class Drift:
    """All figures that both reports have, largest change first, and how many only one has."""

    changes: tuple[Change, ...]
    gone: int
    new: int

    def to_dict(self) -> dict[str, Any]:
        """JSON form; figures that stayed the same are only counted."""
        moved = [c.to_dict() for c in self.changes if c.verdict != "same"]
        same = len(self.changes) - len(moved)
        return {"changed": moved, "same": same, "gone": self.gone, "new": self.new}

    def to_lines(self) -> list[str]:
        """Return the changes in words, largest first."""
        lines = []
        for c in self.changes:
            if c.verdict != "same":
                where = " ".join(filter(None, (", ".join(c.columns), c.group)))
                extra = ", ".join(f"{k} {v}" for k, v in c.params.items())
                of = "; ".join(filter(None, (where, extra)))
                lines.append(
                    f"{c.name}{f' ({of})' if of else ''}: {c.before:.4g} then, {c.after:.4g} now, "
                    f"{c.verdict} (difference {c.low:.3g} to {c.high:.3g})"
                )
        return lines


def read_report(path: str | Path) -> list[dict[str, Any]]:
    """Return the results of a report.json; InputError if it is none."""
    path = Path(path)
    what = f"report {path.name}"
    try:
        if path.stat().st_size > _MOST:
            raise InputError(what, got="a file that is too large")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(what, got=error.strerror or "it cannot be read") from None
    except ValueError:
        raise InputError(what, got="no JSON", allowed="a report.json") from None
    found = content.get("results") if isinstance(content, dict) else None
    if not isinstance(found, list) or not all(isinstance(r, dict) and "name" in r for r in found):
        raise InputError(what, got="no results in it", allowed="a report.json")
    return found


def drift(before: list[dict[str, Any]], after: Evaluation) -> Drift:
    """Compare figures of the same name, columns, group and kind.

    Both intervals make up the interval of a difference (they are taken as independent: where both
    reports share their train table this is on the safe side). Over all figures the false discovery
    rate is held at 5% (Benjamini-Hochberg).
    """
    then = {_key(r): r for r in before if _is_figure(r)}
    now = {_key(r.to_dict()): r for r in after.results if r.estimate is not None}
    shared = [k for k in now if k in then]
    gaps, errors = np.zeros(len(shared)), np.zeros(len(shared))
    for i, key in enumerate(shared):
        e, old = now[key].estimate, then[key]
        if e is not None:
            widths = (e.high - e.low, float(old["high"]) - float(old["low"]))
            gaps[i] = e.value - float(old["value"])
            errors[i] = math.hypot(*widths) / (2 * Z95)
    p = [1.0 if g == 0 else two_sided(g / max(s, 1e-12)) for g, s in zip(gaps, errors, strict=True)]
    changed = adjust(np.array(p)) <= _LIMIT
    found = [
        _change(now[k], float(then[k]["value"]), float(g), float(s), beyond=bool(c))
        for k, g, s, c in zip(shared, gaps, errors, changed, strict=True)
    ]
    found.sort(key=lambda c: (c.verdict == "same", -c.size))
    return Drift(tuple(found), len(then) - len(shared), len(now) - len(shared))


def _is_figure(r: Mapping[str, Any]) -> bool:
    numbers = [r.get(k) for k in ("value", "low", "high")]
    return all(isinstance(x, int | float) and math.isfinite(x) for x in numbers)


def _key(r: Mapping[str, Any]) -> Key:
    columns = tuple(map(str, r.get("columns") or ()))
    names = json.dumps(_names(r.get("params") or {}), sort_keys=True)
    return str(r.get("family")), str(r["name"]), columns, str(r.get("group")), names


def _names(params: Mapping[str, Any]) -> dict[str, Any]:
    """Params that tell figures of one name apart: words, and the size of a set."""
    return {
        k: v for k, v in params.items() if k not in _NOT_NAMES and (isinstance(v, str) or k == "k")
    }


def _change(r: Result, before: float, gap: float, error: float, *, beyond: bool) -> Change:
    half = Z95 * error
    after = before + gap
    centre = float(r.params.get("target", 0.0))
    bad = {"lower": gap, "higher": -gap}.get(
        r.direction, abs(after - centre) - abs(before - centre)
    )
    return Change(
        r.name,
        r.columns,
        r.group,
        _names(r.params),
        before,
        after,
        gap - half,
        gap + half,
        "same" if not beyond or bad == 0 else "worse" if bad > 0 else "better",
    )
