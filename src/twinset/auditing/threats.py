"""The grid of threat models: which kinds of adversary a run has tried, and which it has not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args, get_type_hints

from twinset.protocols import ThreatModel

__all__ = ["coverage", "describe", "grid", "not_tried", "tried"]

_KINDS = get_type_hints(ThreatModel)
_GOALS, _DATA, _GENERATORS = (get_args(_KINDS[k]) for k in ("goal", "data", "generator"))

_WANTS = {
    "membership": "who was in the train table",
    "attribute": "an unknown value of a known person",
    "linkage": "which rows of two sources are one person",
    "singling_out": "a description that fits one person",
    "reconstruction": "an unknown value of everybody",
}
_HOLDS = {
    "none": "the release",
    "auxiliary": "the release and other rows of the population",
    "exact": "the release and all of the train table but what is attacked",
}
_CAN = {
    "no-box": "",
    "black-box": ", can run the generator",
    "uncertain-box": ", can run the generator but does not know its options",
    "white-box": ", has the fitted model",
}
_RELEASES = {
    "several": "several releases of the same table",
    "with_model": "a release together with the model",
    "with_metrics": "a release together with figures computed from the train table",
}
_NEIGHBOURS = {
    "add_remove": "tables that differ by a unit more or less, not by one replaced",
    "replace": "tables that differ by a unit replaced",
}
_ALWAYS = (
    "an adversary with more auxiliary rows, or closer to the train table, than the files gave",
)


def describe(threat: ThreatModel) -> str:
    """Say in a line what the adversary knows: ``"no-box, the release and auxiliary rows"``."""
    known = {"none": "the release only", "auxiliary": "the release and auxiliary rows"}
    return f"{threat.generator}, {known.get(threat.data, 'exact')}"


def grid(attacks: Sequence[Any]) -> tuple[dict[str, Any], ...]:
    """Return every cell goal x data x generator with the attacks that were run in it.

    An attack stands where its least needs put it. A stronger adversary could run it too, but has
    better ones: his cell is not covered by it. ``neighbours`` and ``release`` are those of the
    attacks in the cell.
    """
    cells = []
    for goal in _GOALS:
        for generator in _GENERATORS:
            for data in _DATA:
                here = [
                    a
                    for a in attacks
                    if (a.threat_model.goal, a.threat_model.data, a.threat_model.generator)
                    == (goal, data, generator)
                ]
                cells.append(
                    {
                        "goal": goal,
                        "data": data,
                        "generator": generator,
                        "neighbours": sorted({a.threat_model.neighbours for a in here}),
                        "release": sorted({a.threat_model.release for a in here}),
                        "attacks": sorted(a.name for a in here),
                    }
                )
    return tuple(cells)


def coverage(attacks: Sequence[Any]) -> dict[str, Any]:
    """Return what an `Audit` says of the adversaries that were tried."""
    return {
        "tested": tried(attacks),
        "not_tested": not_tried(attacks),
        "threat_models": grid(attacks),
    }


def tried(attacks: Sequence[Any]) -> tuple[str, ...]:
    """Say, goal by goal, which adversaries were tried, the weakest first."""
    lines = []
    for goal in _GOALS:
        kinds = [
            f"{_HOLDS[c['data']]}{_CAN[c['generator']]} ({_count(len(c['attacks']))})"
            for c in grid(attacks)
            if c["goal"] == goal and c["attacks"]
        ]
        if kinds:
            lines.append(f"{_WANTS[goal]}, by someone who holds {'; or '.join(kinds)}")
    return tuple(lines)


def not_tried(attacks: Sequence[Any]) -> tuple[str, ...]:
    """Say which goals were not tried at all, and of the others which adversaries were not."""
    cells = grid(attacks)
    goals = [g for g in _GOALS if any(c["attacks"] for c in cells if c["goal"] == g)]
    lines = [f"{_WANTS[goal]}: not tried at all" for goal in _GOALS if goal not in goals]
    for key, kinds, words in (("generator", _GENERATORS[1:], _CAN), ("data", _DATA[1:], _HOLDS)):
        for kind in kinds:
            covered = {c["goal"] for c in cells if c[key] == kind and c["attacks"]}
            missing = [g for g in goals if g not in covered]
            if missing:
                who = words[kind].removeprefix(", ")
                who = who if key == "generator" else f"holds {who}"
                what = "" if len(missing) == len(_GOALS) else f": {_listed(missing)}"
                lines.append(f"an adversary who {who}{what}")
    threats = [a.threat_model for a in attacks]
    for values, words in (
        ({t.release for t in threats}, _RELEASES),
        ({t.neighbours for t in threats}, _NEIGHBOURS),
    ):
        lines += [text for kind, text in words.items() if kind not in values]
    return (*lines, *_ALWAYS)


def _listed(goals: Sequence[str]) -> str:
    return "; ".join(_WANTS[g] for g in goals)


def _count(number: int) -> str:
    return "1 attack" if number == 1 else f"{number} attacks"
