"""What the pages for newcomers show is run as it stands."""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from twinset.jobs.job import Job
from twinset.progress import Event
from twinset.table.schema_files import load_schema

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_each_block_of_the_tutorial_runs_and_shows_what_it_says(tmp_path: Path) -> None:
    """Lines of a text block stand, in this order of pieces, in the output of the block before."""
    output = ""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    blocks = FENCE.findall((DOCS / "tutorial.md").read_text(encoding="utf-8"))
    assert len(blocks) > 8
    for language, text in blocks:
        if language == "sh":
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", text],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
            )
            output = done.stdout
            assert done.returncode == 0, f"{text}\n{done.stderr}"
            assert "Traceback" not in done.stderr
        else:
            assert language == "text"
            shown = " ".join(output.split())
            for line in text.splitlines():
                assert " ".join(line.split()) in shown, line


@pytest.mark.slow
@pytest.mark.parametrize("page", ["python.md", "audit.md"])
def test_sessions_of_python_are_true(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = FENCE.findall((DOCS / page).read_text(encoding="utf-8"))
    session = "\n".join(text for language, text in blocks if language == "pycon")
    test = doctest.DocTestParser().get_doctest(session, {}, page, None, 0)
    flags = doctest.ELLIPSIS
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=flags)
    runner.run(test, out=said.append)
    assert test.examples
    assert not said, "".join(said)


def test_excerpts_of_the_plugin_page_stand_in_the_plugin() -> None:
    page = (DOCS / "plugins.md").read_text(encoding="utf-8")
    excerpts = re.findall(r"<!-- from (\S+) -->\n```\w+\n(.*?)```", page, re.DOTALL)
    assert len(excerpts) >= 6
    for path, text in excerpts:
        assert text in (ROOT / path).read_text(encoding="utf-8"), text


def test_example_schema_loads() -> None:
    schema = load_schema(DOCS / "examples" / "schema.yaml")
    assert schema.unit is not None
    assert schema.target is not None


def test_example_events_have_the_keys_that_a_job_writes(tmp_path: Path) -> None:
    with Job.open(tmp_path / "job", "key") as job:
        job.record(Event("fit", 1, 2, 0.5))
    [written] = (job.private / "events.jsonl").read_text(encoding="utf-8").splitlines()
    shape = {k: type(v) for k, v in json.loads(written).items()}
    lines = (DOCS / "examples" / "events.jsonl").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    for event in events:
        assert list(event) == list(shape)
        assert 0 <= event["done"] <= event["total"]
    finished = {e["phase"] for e in events if e["finished"]}
    assert {e["phase"] for e in events} == finished


def test_the_index_names_every_page() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    for page in [*DOCS.glob("*.md"), *DOCS.glob("examples/*")]:
        assert page.name == "index.md" or str(page.relative_to(DOCS)) in index, page
