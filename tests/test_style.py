"""Cheap checks of the repository: length, public names, docstrings, no trace of a build machine."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
MOST_LINES = 600
LONGER: dict[str, str] = {}  # a file and the reason why it is longer
# folders of a machine, spelled so that this line does not match itself
MACHINE = re.compile(r"(?<![\w.}~])/(?:root|home|tmp)/[A-Za-z]")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def inside(path: Path) -> str:
    return str(path.relative_to(ROOT / "src" / "twinset"))


@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}


def test_files_are_short_or_have_a_reason() -> None:
    lines = {inside(p): len(p.read_text(encoding="utf-8").splitlines()) for p in SOURCES}
    long = {name: n for name, n in lines.items() if n > MOST_LINES}
    assert long.keys() <= LONGER.keys(), long
    out_of_date = {name for name in LONGER if lines.get(name, 0) <= MOST_LINES}
    assert not out_of_date


@pytest.mark.slow
def test_every_module_has_a_docstring(trees: dict[Path, ast.Module]) -> None:
    assert not [name_of(p) for p, tree in trees.items() if not ast.get_docstring(tree)]


def test_every_module_lists_its_public_names_and_hides_the_others(
    trees: dict[Path, ast.Module],
) -> None:
    wrong = []
    for path, tree in trees.items():
        public = _public(tree)
        defined = {
            n.name
            for n in tree.body
            if isinstance(n, ast.FunctionDef | ast.ClassDef)
            and not n.name.startswith("_")
            and not _is_command(n)
        }
        if public is None and len(tree.body) > 1:
            wrong.append(f"{name_of(path)}: no __all__")
        elif defined - set(public or ()):
            wrong.append(f"{name_of(path)}: {', '.join(sorted(defined - set(public or ())))}")
    assert not wrong, "\n".join(wrong)


def _is_command(node: ast.FunctionDef | ast.ClassDef) -> bool:
    """Commands are public as words of the command line, not as names of Python."""
    return any(ast.unparse(d).startswith("app.command") for d in node.decorator_list)


def _public(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets):
            return list(ast.literal_eval(node.value))  # type: ignore[attr-defined]
    return None


def written() -> list[Path]:
    kinds = {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".jsonl", ".j2", ".css", ".txt"}
    places = ["src", "docs", "benchmarks", "examples", "changelog.d"]
    found = [p for place in places for p in (ROOT / place).rglob("*") if p.suffix in kinds]
    return [*found, *ROOT.glob("*.md"), ROOT / "pyproject.toml"]


def test_no_path_of_a_build_machine() -> None:
    hits = []
    for path in written():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if MACHINE.search(line):
                hits.append(f"{name_of(path)}:{number}: {line.strip()[:90]}")
    assert not hits, "\n".join(hits)


@pytest.mark.parametrize(
    ("line", "hit"),
    [
        ("open('/home/ann/people.csv')", True),
        ("cd /" + "tmp/run7", True),
        ("see https://example.org/home/page", False),
        ("paths start with /home or /tmp", False),
        ("./" + "tmp/x and ../home/y", False),
    ],
)
def test_the_pattern_for_such_paths(line: str, hit: bool) -> None:
    assert bool(MACHINE.search(line)) is hit


def test_this_file_counts_real_sources() -> None:
    assert len(SOURCES) > 100
    assert len(written()) > len(SOURCES)
