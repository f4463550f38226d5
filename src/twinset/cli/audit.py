"""The command that attacks: a release from files, or a generator by shadow models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from twinset import api
from twinset.cli.options import CommandOptions
from twinset.cli.output import tell, tell_audits
from twinset.errors import ControlError, InputError
from twinset.jobs.audit import audit_folder, audit_of_generators
from twinset.report.multi_report import Audits
from twinset.results import Audit
from twinset.trust.gates import load_gates

__all__ = ["audit"]

_OF_FILES = ("synthetic", "holdout_file", "auxiliary")
_OF_GENERATORS = (
    *("options", "attack_targets", "shadows", "shadow_rows", "n", "delta"),
    *("fixed", "add_remove", "secret", "curve"),
)


def audit(asked: CommandOptions) -> int:
    """Show the verdict and the attacks; save the report with ``--out``."""
    gates = load_gates(asked.gates) if asked.gates else ()
    out = asked.out
    attacked = asked.attacked or (asked.generator_command and "by a command")
    with asked.working():
        if attacked:
            audits, out = _of_generators(asked)
        else:
            audits = {"": _of_release(asked)}
    if len(audits) > 1:
        several = Audits.of(audits, gates, asked.seed)
        return _controlled(audits, tell_audits(several, out, as_json=asked.as_json))
    [found] = audits.values()
    about_it = {"source": f"Audit of a generator ({attacked})"} if attacked else None
    report = api.report(None, found, gates, asked.seed, provenance=about_it)
    code = tell(report, out, as_json=asked.as_json, records=found.records)
    return _controlled(audits, code)


def _of_generators(asked: CommandOptions) -> tuple[dict[str, Audit], Path | None]:
    """Audit each generator by itself, in a folder in which a killed audit goes on."""
    for name in _OF_FILES:
        if getattr(asked, name) is not None:
            raise InputError(
                "an audit of a generator",
                got=f"{name.partition('_')[0]} as well",
                allowed="one table: shadow models are fitted on random parts of it",
            )
    out = asked.out or audit_folder(asked.train, asked.table)
    how = asked.keywords("train", "gates", "out")
    return audit_of_generators(asked.train, out=out, **how)


def _of_release(asked: CommandOptions) -> Audit:
    for flag in asked.stated(*_OF_GENERATORS):
        raise InputError(
            f"option {flag}",
            got="an audit of a release",
            allowed="with --generator or --generator-command",
        )
    if asked.synthetic is None:
        raise InputError(
            "the audit",
            got="neither a synthetic table nor a generator",
            allowed="SYNTHETIC, --generator NAME or --generator-command CMD",
        )
    without = (*_OF_GENERATORS, "attacked", "generator_command", "fit_limit")
    found: Audit = api.audit(**asked.keywords(*without, "protect", "gates", "out"))
    return found


def _controlled(audits: Mapping[str, Audit], code: int) -> int:
    for name, found in audits.items():
        of = f"{name}: " if len(audits) > 1 else ""
        if not found.extra.get("fits", {"ok": 1})["ok"]:
            raise ControlError(f"{of}{found.verdict}; hint: run the generator by hand to see why")
        if not found.controls_passed:
            raise ControlError(f"{of}{found.verdict}; its figures must not be used")
    return code
