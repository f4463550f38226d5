"""What every peer script shares: one calling convention, one clock, one way to read and write.

``python peers/NAME/peer.py TRAIN.csv N OUT.csv [SEED] [VARIANT]`` writes ``OUT.csv`` and beside it
``OUT.csv.json`` with the CPU seconds (user + system, this process and its children) of the two
calls ``fit`` and ``sample`` alone: imports, reading and writing are left out, in the peer's favour.
Needs nothing but pandas and numpy, so that it runs in every peer's own environment.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def cpu_seconds() -> float:
    """User and system time of this process and of its finished children."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def read(path: str) -> pd.DataFrame:
    """Read a train table; an empty cell is missing, a column of ISO dates becomes datetime."""
    table = pd.read_csv(path, keep_default_na=False, na_values=[""])
    for name in table.columns:
        known = table[name].dropna()
        if known.size and not pd.api.types.is_numeric_dtype(known):
            text = known.astype(str)
            if text.map(ISO_DATE.fullmatch).notna().all():
                table[name] = pd.to_datetime(table[name])
    return table


def write(table: pd.DataFrame, path: str) -> None:
    """Write a synthetic table, whole dates as ISO dates."""
    out = table.copy()
    for name in out.columns:
        if pd.api.types.is_datetime64_any_dtype(out[name]):
            out[name] = out[name].dt.strftime("%Y-%m-%d")
    out.to_csv(path, index=False)


def seed_everything(seed: int) -> None:
    """Seed the global generators, for packages whose public API takes no seed."""
    np.random.seed(seed)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
        sys.modules["torch"].set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))


def run(
    fit: Callable[[pd.DataFrame, int, str], Any],
    sample: Callable[[Any, int, int, str], pd.DataFrame],
) -> None:
    """Carry out the calling convention with a peer's ``fit`` and ``sample``."""
    train_path, rows, out_path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    variant = sys.argv[5] if len(sys.argv) > 5 else ""
    train = read(train_path)
    seed_everything(seed)
    start = cpu_seconds()
    model = fit(train, seed, variant)
    fitted = cpu_seconds()
    synthetic = sample(model, rows, seed, variant)
    sampled = cpu_seconds()
    write(synthetic[list(train.columns)], out_path)
    timing = {"fit_seconds": fitted - start, "sample_seconds": sampled - fitted}
    Path(out_path + ".json").write_text(json.dumps(timing) + "\n", encoding="utf-8")
