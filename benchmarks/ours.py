"""twinset in the peers' calling convention (`peers/common.py`): the calls alone are timed.

``python ours.py TRAIN.csv N OUT.csv SEED TARGET``, where twinset is installed.
Everything that ``fit`` and ``sample`` would import on the way is imported before the clock starts,
as it is for the peers.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import lightgbm  # noqa: F401
import pandas as pd
import pyarrow.compute
import pyarrow.csv  # noqa: F401
import sklearn.tree  # noqa: F401

import twinset as ts

sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))
from common import run

ts.fit(pd.DataFrame({"x": [1, 2] * 50, "y": ["a", "b"] * 50})).sample(10)  # loads what is lazy


def fit(train: pd.DataFrame, seed: int, variant: str) -> Any:
    """Fit with defaults; ``variant`` names the target."""
    return ts.fit(train, target=variant or None, seed=seed)


def sample(model: Any, rows: int, seed: int, variant: str) -> pd.DataFrame:
    """Draw rows."""
    synthetic: pd.DataFrame = model.sample(rows)
    return synthetic


if __name__ == "__main__":
    run(fit, sample)
