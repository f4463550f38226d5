"""The cost of measuring: ``python benchmarks/evaluate.py [--only NAMES] [--write]``.

Tables are made here: a hidden normal variable, and columns that follow it: numbers with 3 or 9
decimals, counts, categories of 8 levels, in turn. Each figure is taken in a process of its own, one
thread: CPU seconds of the call, and the peak memory of the whole process. Peers read the same files
in environments of their own (``benchmarks/peers/setup.py``).
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "peers")]
import child  # noqa: E402
import setup  # noqa: E402

BEGIN, END = "<!-- evaluate: begin -->", "<!-- evaluate: end -->"
SHAPES = ("columns", "numbers", "pairs")
NEAREST = ("authenticity", "copies", "dcr")
JOBS = {  # rows, columns, metrics (None: all), bound
    "hundred": (100_000, 15, SHAPES, "1 CPU s"),
    "million": (1_000_000, 50, SHAPES, "60 CPU s, 4,000 MB"),
    "ten_million": (10_000_000, 15, SHAPES, "1,000 MB"),
    "nearest": (24_000, 15, NEAREST, "15 CPU s"),
    "wide": (20_000, 500, SHAPES, ""),
}
PEERS = {
    "sdmetrics": ("sdv", "hundred"),
    "mostlyai_qa": ("mostlyai_qa", "hundred"),
    "syntheval": ("syntheval", "hundred"),
    "sdmetrics_nearest": ("sdv", "nearest"),
    "mostlyai_qa_nearest": ("mostlyai_qa", "nearest"),
    "syntheval_nearest": ("syntheval", "nearest"),
}
CODE = """
import json, sys, time
import twinset as ts
from twinset import evaluation
from twinset.evaluation.release import evaluate
from twinset.inputs import Options, read_tables
from pathlib import Path
import tempfile
files, metrics = sys.argv[1].split(","), json.loads(sys.argv[2])
with tempfile.TemporaryDirectory() as folder:
    began = time.process_time()
    given = read_tables(*files, Options(), Path(folder))
    read = time.process_time() - began
    tables = [g.table for g in given.values()]
    spills = {s: g.spill for s, g in given.items() if g.spill is not None}
    found = evaluate(*tables, metrics=metrics, spills=spills)
    spent = time.process_time() - began
failed = [r.name for r in found.results if r.status == "failed"]
missed = [n.reason for n in found.not_computed if "of columns were taken" in n.reason]
print(json.dumps({"read": read, "cpu": spent - read, "results": len(found.results),
                  "streamed": bool(spills), "failed": failed, "missed": missed}))
"""


def table(path: Path, rows: int, columns: int, seed: int) -> Path:
    """Write a table in parts."""
    rng, writer = np.random.default_rng(seed), None
    for start in range(0, rows, 250_000):
        n = min(250_000, rows - start)
        z = rng.normal(size=n)
        data = {}
        for j in range(columns):
            if j % 3 == 0:
                data[f"x{j}"] = np.round(z / 2 + rng.normal(size=n), 3 if j % 2 else 9)
            elif j % 3 == 1:
                data[f"n{j}"] = rng.poisson(3 + j % 5 + (z > 1), size=n)
            else:
                level = np.clip(z + rng.normal(size=n) + 3, 0, 7).astype(int)
                data[f"c{j}"] = np.array(list("abcdefgh"))[level]
        made = pa.table(data)
        writer = writer or pq.ParquetWriter(path, made.schema)
        writer.write_table(made)
    writer.close()
    return path


def csv(file: str) -> str:
    """Write a Parquet file as CSV, which every peer reads."""
    import pyarrow.csv

    made = file.replace(".parquet", ".csv")
    pyarrow.csv.write_csv(pq.read_table(file), made)
    return made


def measured(command: list[str], log: Path) -> tuple[dict, child.Run]:
    """Run a command that prints one JSON line."""
    run = child.run_measured(command, log, threads=1, memory_cap_mb=12_000, time_limit=1_800)
    text = log.read_text(encoding="utf-8").strip().splitlines()
    if run.reason:
        return {"reason": run.reason, "log": text[-1:]}, run
    return json.loads(text[-1]), run


def line(name: str, found: dict, run: child.Run, bound: str) -> str:
    """One row of the table of results."""
    today = datetime.datetime.now(tz=datetime.UTC).date()
    if "reason" in found:
        return f"| {name} ({today}) | not measured: {found['reason']} | {bound} |"
    what = f"**{found['cpu']:.1f}** CPU s"
    what += f" + {found['read']:.1f} to read" if "read" in found else ""
    what += f", **{run.peak_mb:.0f} MB**"
    what += f", {found['results']:,} figures" if "results" in found else ""
    what += ", streamed" if found.get("streamed") else ""
    what += f", {found['missed'][0]}" if found.get("missed") else ""
    what += f", failed: {found['failed']}" if found.get("failed") else ""
    what += f", {found['note']}" if "note" in found else ""
    return f"| {name} ({today}) | {what} | {bound} |"


def write(lines: list[str]) -> None:
    """Put the rows into RESULTS.md; rows of the same name are replaced."""
    path = HERE / "RESULTS.md"
    text = path.read_text(encoding="utf-8")
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    rows = {}
    for row in [*text[begin:end].splitlines(), *lines]:
        if row.startswith("| ") and not row.startswith("| what"):
            rows[row[2:].partition(" (2")[0]] = row
    body = ["", "", "| what | measured | bound |", "|---|---|---|", *rows.values(), "", ""]
    path.write_text(text[:begin] + "\n".join(body) + text[end:], encoding="utf-8")


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join([*JOBS, *PEERS]))
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    for name in asked.only.split(","):
        job, peer = name.strip(), PEERS.get(name.strip())
        rows, columns, metrics, bound = JOBS[peer[1] if peer else job]
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            parts = 3 if metrics == NEAREST else 2
            files = [str(table(work / f"{i}.parquet", rows, columns, i)) for i in range(parts)]
            if peer:
                files = [csv(file) for file in files]
                script = HERE / "peers" / peer[0] / "evaluate.py"
                command = [str(setup.python_of(peer[0])), str(script), peer[1], *files]
                bound = ""
            else:
                third = [] if parts == 3 else [None]
                code = CODE.replace("read_tables(*files,", f"read_tables(*files, *{third},")
                command = [sys.executable, "-c", code, ",".join(files), json.dumps(metrics)]
            found, run = measured(command, work / "log")
        row = line(f"{job}: {rows:,} x {columns}", found, run, bound)
        print(row, f"wall {run.wall_seconds:.0f} s", found.get("log", ""), flush=True)
        if asked.write:
            write([row])
    return 0


if __name__ == "__main__":
    sys.exit(main())
