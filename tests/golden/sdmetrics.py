"""Writes what SDMetrics answers on disturbed tables into sdmetrics.json, the oracle of a test.

python tests/golden/sdmetrics.py PYTHON FOLDER

PYTHON belongs to an environment of its own with sdmetrics 0.32 (it does not live beside us), FOLDER
holds the development tables. SDMetrics is only called, as a program.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twinset.demo import adult_path
from twinset.inputs import Options, read

GOLDEN = Path(__file__).parent / "sdmetrics.json"
TABLES = {
    "adult": "",
    "hotel_rates": "tabular/hotel_rates.csv.gz",
    "king_county_houses": "tabular/king_county_houses.csv.gz",
    "store_sales": "sequential/store_sales_sdmetrics.csv",
}
ROWS = 3_000
DATES = {"king_county_houses": "%m/%d/%Y", "store_sales": "%Y-%m-%d"}
KINDS = {
    **dict.fromkeys(("integer", "real"), "numerical"),
    **dict.fromkeys(("date", "datetime"), "datetime"),
    **dict.fromkeys(("identifier", "text"), "id"),
    "boolean": "boolean",
}
ORACLE = """
import json, sys, warnings
warnings.filterwarnings("ignore")
import pandas as pd
from sdmetrics.reports.single_table import DiagnosticReport, QualityReport
metadata = json.load(open(sys.argv[3]))
def load(path):
    frame = pd.read_csv(path, keep_default_na=False, na_values=[""])
    for name, column in metadata["columns"].items():
        if column["sdtype"] == "datetime":
            frame[name] = pd.to_datetime(frame[name], format=column["datetime_format"])
    return frame
real, synthetic = load(sys.argv[1]), load(sys.argv[2])
found = []
for name, kind in (("quality", QualityReport), ("diagnostic", DiagnosticReport)):
    report = kind()
    report.generate(real, synthetic, metadata, verbose=False)
    found.append([name + "_report", [], report.get_score()])
    for row in report.get_properties().to_dict("records"):
        found.append([row["Property"].lower().replace(" ", "_"), [], row["Score"]])
        details = report.get_details(row["Property"]).to_dict("records")
        for r in details:
            columns = [r[k] for k in ("Column", "Column 1", "Column 2") if k in r]
            if columns and r["Metric"] != "DatetimeFormatAdherence":
                score = None if pd.isna(r["Score"]) else r["Score"]
                found.append([r["Metric"], columns, score])
json.dump(found, sys.stdout)
"""


def write_case(name: str, shared: Path | None, folder: Path) -> dict[str, Any]:
    """Write real.csv and synthetic.csv of a table into `folder`; return the metadata.

    The synthetic rows are other real rows with some numbers moved, new categories and nulls.
    """
    source = pd.read_parquet(adult_path())
    if TABLES[name]:
        assert shared is not None
        source = pd.read_csv(shared / "data" / TABLES[name], keep_default_na=False, na_values=[""])
    rng = np.random.default_rng(1)
    rows = min(ROWS, len(source) // 2)
    order = rng.permutation(len(source))
    real, made = (source.iloc[order[i * rows : (i + 1) * rows]].copy() for i in range(2))
    real.to_csv(folder / "real.csv", index=False)
    table = read(folder / "real.csv", Options())[1].only
    metadata: dict[str, Any] = {"METADATA_SPEC_VERSION": "SINGLE_TABLE_V1", "columns": {}}
    for column in table.schema.columns:
        kind = KINDS.get(column.kind.value, "categorical")
        metadata["columns"][column.name] = {"sdtype": kind}
        if kind == "datetime":
            metadata["columns"][column.name]["datetime_format"] = DATES[name]
        made[column.name] = _disturbed(made[column.name], real[column.name], kind, rng)
    made.to_csv(folder / "synthetic.csv", index=False)
    return metadata


def _disturbed(made: pd.Series, real: pd.Series, kind: str, rng: np.random.Generator) -> pd.Series:
    few = rng.random(len(made)) < 0.05
    if kind == "numerical" and rng.random() < 0.4:
        moved = made.astype(float) * 1.1
        whole = bool((real.dropna() % 1 == 0).all())
        # short decimals: pandas and Arrow read long ones a last bit apart, at an edge of a bin
        return moved.round(0 if whole else 3).mask(few)
    if kind == "categorical" and not pd.api.types.is_numeric_dtype(real) and rng.random() < 0.5:
        return made.astype(object).where(~few, "brand new").mask(rng.random(len(made)) < 0.05)
    if kind == "boolean":
        return made.where(made.isin(real.dropna().unique()))
    return made


def main(python: str, shared: Path) -> None:
    """Ask the oracle about every table."""
    answers = {}
    for name in TABLES:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            metadata = write_case(name, shared, folder)
            (folder / "m.json").write_text(json.dumps(metadata))
            files = [str(folder / f) for f in ("real.csv", "synthetic.csv", "m.json")]
            done = subprocess.run(
                [python, "-c", ORACLE, *files], capture_output=True, text=True, check=True
            )
            answers[name] = json.loads(done.stdout)
    lines = ",\n".join(f'"{n}": {json.dumps(a, separators=(",", ":"))}' for n, a in answers.items())
    GOLDEN.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
