"""--compat sdmetrics gives SDMetrics' figures; its answers stand in tests/golden/sdmetrics.json."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import twinset as ts
from twinset.errors import InputError

GOLDEN = Path(__file__).parents[1] / "golden"


def _maker():
    spec = importlib.util.spec_from_file_location("golden_sdmetrics", GOLDEN / "sdmetrics.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=KS|TV)(?=C)", "_", name).lower()


def _compare(name: str, shared: Path | None, folder: Path) -> int:
    _maker().write_case(name, shared, folder)
    expected = json.loads((GOLDEN / "sdmetrics.json").read_text(encoding="utf-8"))[name]
    found = ts.evaluate(folder / "real.csv", folder / "synthetic.csv", compat="sdmetrics")
    ours = {(r.name, r.columns): r.value for r in found.results}
    wanted = {(f"sdmetrics_{_snake(n)}", tuple(c)): s for n, c, s in expected}
    assert ours.keys() == wanted.keys()
    for key, score in wanted.items():
        assert ours[key] == (None if score is None else pytest.approx(score, abs=1e-6)), key
    return len(wanted)


def test_every_figure_of_adult_is_sdmetrics(tmp_path) -> None:
    assert _compare("adult", None, tmp_path) == 141


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "figures"), [("hotel_rates", 440), ("king_county_houses", 236), ("store_sales", 26)]
)
def test_every_figure_of_other_tables_is_sdmetrics(name, figures, shared, tmp_path) -> None:
    assert _compare(name, shared, tmp_path) == figures


def test_it_says_what_is_left_out_and_judges_nothing() -> None:
    rng = np.random.default_rng(0)
    real, made = (pd.DataFrame(rng.normal(size=(300, 3)), columns=list("abc")) for _ in range(2))
    found = ts.evaluate(real, made, compat="sdmetrics")
    assert found.find("sdmetrics_column_pair_trends").status == "not_applicable"
    quality = found.find("sdmetrics_quality_report")
    assert quality.value == found.find("sdmetrics_column_shapes").value
    assert all(r.verdict is None and r.reference is None for r in found.results)
    assert any("3 of 3 pairs are left out" in n.reason for n in found.not_computed)
    assert found.find("sdmetrics_data_structure").value == 1.0
    with pytest.raises(InputError, match="allowed: sdmetrics"):
        ts.evaluate(real, made, compat="sdmetric")


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [1.0], "b": ["x"]}),
        pd.DataFrame({"a": [np.nan] * 5, "b": ["x", None] * 2 + ["x"]}),
        pd.DataFrame({"a": [2.0] * 9, "b": ["x"] * 9}),
    ],
)
def test_odd_tables_have_a_status(frame) -> None:
    found = ts.evaluate(frame, frame, compat="sdmetrics")
    assert all(r.status == "ok" or r.reason for r in found.results)
    json.loads(found.to_json())
