"""JUnit XML: gates and measures as test cases, for continuous integration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as Xml

from twinset.protocols import Result
from twinset.report.bundle import Report
from twinset.table.atomic import atomic_write

__all__ = ["save_junit", "to_junit"]


def save_junit(reports: Mapping[str, Report], path: str | Path) -> None:
    """Write `to_junit` to `path`; the file appears whole or not at all."""
    atomic_write(Path(path), to_junit(reports))


def to_junit(reports: Mapping[str, Report]) -> str:
    """Return JUnit XML: one suite a release.

    A missed gate is a failure, a measure that failed an error, one that could not be computed
    skipped. What is worse than fresh real rows is no failure by itself: that is what gates are for.
    """
    root = Xml.Element("testsuites", name="twinset")
    for name, report in reports.items():
        cases = [*_gates(report), *_measures(report)]
        suite = Xml.SubElement(
            root,
            "testsuite",
            name=name,
            tests=str(len(cases)),
        )
        for key, tag in _TAGS.items():
            suite.set(key, str(sum(c.find(tag) is not None for c in cases)))
        suite.extend(cases)
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


_TAGS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def _gates(report: Report) -> list[Xml.Element]:
    cases = []
    for gate in report.gates:
        case = Xml.Element("testcase", classname="gates", name=f"{gate.name} {gate.bound}")
        value = "not computed" if gate.value is None else f"{gate.value:.4g}"
        if not gate.met:
            Xml.SubElement(case, "failure", message=f"bound {gate.bound}, got {value}")
        cases.append(case)
    return cases


def _measures(report: Report) -> list[Xml.Element]:
    grouped: dict[tuple[str, str], list[Result]] = {}
    for found in (report.evaluation, report.audit):
        for r in found.results if found else ():
            grouped.setdefault((r.family, r.name), []).append(r)
    return [_measure(family, name, results) for (family, name), results in grouped.items()]


def _measure(family: str, name: str, results: Sequence[Result]) -> Xml.Element:
    case = Xml.Element("testcase", classname=family, name=name)
    failed = [r for r in results if r.status == "failed"]
    if failed:
        Xml.SubElement(case, "error", message=str(failed[0].reason))
    elif all(r.estimate is None for r in results):
        Xml.SubElement(case, "skipped", message=str(results[0].reason))
    else:
        worse = sum(r.verdict == "worse" for r in results)
        text = f"{len(results)} figures, {worse} worse than fresh real rows"
        if len(results) == 1 and results[0].value is not None:
            text = f"{results[0].value:.6g} ({results[0].verdict or 'not compared'})"
        Xml.SubElement(case, "system-out").text = text
    return case
