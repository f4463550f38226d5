"""The example plug-in, really installed into a new environment: found, used, and kept out."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import twinset as ts
from twinset.errors import InputError, ModelFileError

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "plugin"
Done = subprocess.CompletedProcess[str]
Twinset = Callable[..., Done]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs of a new environment: twinset and the plug-in installed, the rest borrowed."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    found = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)})
    borrowed = sysconfig.get_paths()["purelib"]
    line = f"import site; site.addsitedir({borrowed!r})\n"  # so that its own .pth files count
    Path(found["purelib"], "borrowed.pth").write_text(line)
    programs = Path(found["scripts"])
    pip = [sys.executable, "-m", "pip", "--python", programs / "python", "install", "--quiet"]
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    plugin = shutil.copytree(EXAMPLE, folder / "plugin")
    _run(*pip, *offline, "--ignore-installed", ROOT, plugin)
    return programs


@pytest.fixture
def twinset(environment: Path, tmp_path: Path) -> Twinset:
    """Run the `twinset` of the new environment in a folder with people.csv."""
    rng = np.random.default_rng(0)
    people = pd.DataFrame(
        {
            "sex": rng.choice(["f", "m"], 400),
            "age": rng.integers(18, 90, 400),
            "pay": rng.lognormal(3, 1, 400).round(2),
        }
    )
    people.to_csv(tmp_path / "people.csv", index=False)

    def call(*arguments: str, code: int = 0) -> Done:
        return _run(environment / "twinset", *arguments, code=code, folder=tmp_path)

    return call


def _run(*command: object, code: int = 0, folder: Path | None = None) -> Done:
    done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True)
    assert done.returncode == code, done.stderr + done.stdout
    return done


@pytest.mark.slow
@pytest.mark.parametrize(
    ("room", "name", "text"),
    [
        ("generators", "gauss", "A Gaussian copula"),
        ("metrics", "row_repeats", "Share of synthetic rows that another"),
        ("attacks", "neighbour_vote", "Of the nearest rows"),
    ],
)
def test_it_is_listed_with_the_first_line_of_its_docstring(
    twinset: Twinset, room: str, name: str, text: str
) -> None:
    listed = {
        d["name"]: d["description"] for d in json.loads(twinset("list", room, "--json").stdout)
    }
    assert listed[name].startswith(text)


@pytest.mark.slow
def test_its_generator_fits_and_its_file_needs_permission(twinset: Twinset, tmp_path: Path) -> None:
    fit = ("fit", "people.csv", "--out", "people.twin", "--generator", "gauss", "--quiet")
    twinset(*fit, "--set", "points=50")
    sample = ("sample", "people.twin", "--out", "new.csv", "-n", "50", "--quiet")
    refused = twinset(*sample, code=2)
    assert "not part of twinset" in refused.stderr
    assert "--plugins" in refused.stderr
    assert not (tmp_path / "new.csv").exists()
    twinset(*sample, "--plugins")
    new = pd.read_csv(tmp_path / "new.csv")
    assert list(new.columns) == ["sex", "age", "pay"]
    assert len(new) == 50
    assert new["age"].between(18, 89).all()
    assert "'dots' of gauss" in twinset(*fit, "--set", "dots=5", code=2).stderr
    # here the plug-in is not installed
    with pytest.raises(ModelFileError, match="not part of twinset"):
        ts.load(tmp_path / "people.twin")
    with pytest.raises(InputError, match="'gauss' is not known"):
        ts.load(tmp_path / "people.twin", plugins=True)


@pytest.mark.slow
def test_its_metric_and_attack_take_part(twinset: Twinset) -> None:
    done = twinset("run", "people.csv", "--generator", "gauss", "--json", "--quiet")
    results = json.loads(done.stdout)["results"]
    assert "row_repeats" in {r["name"] for r in results}
    assert "neighbour_vote" in {r["params"].get("attack") for r in results}
    assert "failed" not in {r["status"] for r in results}


@pytest.mark.slow
def test_it_keeps_the_promises(environment: Path) -> None:
    python, plugin = environment / "python", environment.parent / "plugin"
    _run(python, "-m", "pytest", "-q", plugin, "-c", plugin / "pyproject.toml", folder=plugin)
