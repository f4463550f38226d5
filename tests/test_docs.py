"""Docs say what the code does: generated pages are current, links lead somewhere, snippets run."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])


def make_module():
    spec = importlib.util.spec_from_file_location("docs_make", ROOT / "docs" / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_contract_s_commands_are_there() -> None:
    """Absent are those whose time has not come: no stub."""
    want = ["demo", "run", "fit", "sample", "evaluate", "audit", "compare", "schema"]
    want += ["rules", "impute", "augment", "list"]
    assert list(make_module().commands()) == want


@pytest.mark.parametrize("name", sorted(make_module().PAGES))
def test_generated_page_is_current(name: str) -> None:
    made = make_module().PAGES[name]()
    assert (ROOT / "docs" / name).read_text() == made, "run python docs/make.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_public_names() -> None:
    import twinset

    for name in twinset.__all__:
        assert getattr(twinset, name) is not None
